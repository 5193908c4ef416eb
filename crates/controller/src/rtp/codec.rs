//! Kinds of media, media types and RTCP feedback.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::null_as_default;

/// Audio or video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaKind {
    /// `audio`
    Audio,
    /// `video`
    Video,
}

impl MediaKind {
    /// `audio` or `video`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }
}

impl fmt::Display for MediaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Media type of a codec, such as `audio/opus` or `video/rtx`.
///
/// The spelling is kept as it was given; comparison ignores the case of ASCII letters, for
/// "the type, subtype, and parameter names are not case sensitive" (RFC 2045 §5.1).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MimeType {
    text: String,
    kind: MediaKind,
}

impl MimeType {
    /// Reads `audio/<subtype>` or `video/<subtype>`.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidMimeType> {
        let text = text.into();
        let kind = match text.split_once('/') {
            Some((kind, subtype)) if !subtype.is_empty() => {
                if kind.eq_ignore_ascii_case("audio") {
                    MediaKind::Audio
                } else if kind.eq_ignore_ascii_case("video") {
                    MediaKind::Video
                } else {
                    return Err(InvalidMimeType(text));
                }
            }
            _ => return Err(InvalidMimeType(text)),
        };
        Ok(Self { text, kind })
    }

    /// The media type of this kind and subtype.
    pub fn of(kind: MediaKind, subtype: &str) -> Self {
        Self {
            text: format!("{kind}/{subtype}"),
            kind,
        }
    }

    /// The retransmission format of `kind` (RFC 4588).
    pub fn rtx(kind: MediaKind) -> Self {
        Self::of(kind, "rtx")
    }

    /// The part before the slash.
    pub fn kind(&self) -> MediaKind {
        self.kind
    }

    /// The part after the slash, as spelled.
    pub fn subtype(&self) -> &str {
        self.text.split_once('/').map_or("", |(_, subtype)| subtype)
    }

    /// Whether the subtype is `subtype`, whatever the case.
    pub fn has_subtype(&self, subtype: &str) -> bool {
        self.subtype().eq_ignore_ascii_case(subtype)
    }

    /// Whether this is a retransmission format.
    pub fn is_rtx(&self) -> bool {
        self.has_subtype("rtx")
    }

    /// The text as given.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for MimeType {
    fn eq(&self, other: &Self) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }
}

impl Eq for MimeType {}

impl TryFrom<String> for MimeType {
    type Error = InvalidMimeType;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(text)
    }
}

impl From<MimeType> for String {
    fn from(mime_type: MimeType) -> Self {
        mime_type.text
    }
}

impl fmt::Display for MimeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A text that is no media type of audio or video.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("mimeType {0:?} is neither audio/… nor video/…")]
pub struct InvalidMimeType(String);

/// One RTCP feedback message a codec supports (RFC 4585 §4.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RtcpFeedback {
    /// `nack`, `ccm`, `goog-remb`, `transport-cc` …; never empty.
    #[serde(rename = "type")]
    pub feedback_type: String,
    /// `pli` for `nack pli`, `fir` for `ccm fir`; empty when there is none.
    #[serde(default, deserialize_with = "null_as_default")]
    pub parameter: String,
}

impl RtcpFeedback {
    /// Feedback of this type and parameter; an empty parameter means none.
    pub fn new(feedback_type: &str, parameter: &str) -> Self {
        Self {
            feedback_type: feedback_type.to_owned(),
            parameter: parameter.to_owned(),
        }
    }

    /// Whether type and parameter are these.
    pub fn is(&self, feedback_type: &str, parameter: &str) -> bool {
        self.feedback_type == feedback_type && self.parameter == parameter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mime_type_keeps_its_spelling_and_ignores_case() {
        let given = MimeType::parse("VIDEO/h264").unwrap();
        assert_eq!(given, MimeType::parse("video/H264").unwrap());
        assert_eq!(given.kind(), MediaKind::Video);
        assert_eq!(serde_json::to_string(&given).unwrap(), "\"VIDEO/h264\"");
        for bad in ["opus", "audio/", "application/x", "xaudio/opus", ""] {
            assert!(MimeType::parse(bad).is_err(), "{bad}");
        }
    }
}
