//! What a client trickles or restarts ICE with, without a whole description (RFC 8840 §9).

use std::fmt::Write as _;

use super::SdpError;
use super::text::Text;
use super::write;
use crate::media::TransportParameters;

/// A fragment of a description that speaks of ICE alone.
///
/// Its candidates are not read: an ICE-lite side learns where its peer is from the checks that
/// arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IceFragment {
    /// The client's username fragment, if it names credentials.
    pub(crate) ufrag: Option<String>,
    /// The media line and mid that it is about, to be repeated.
    section: (String, String),
}

impl IceFragment {
    /// Reads it as far as it can be read.
    ///
    /// # Errors
    ///
    /// It has too many lines, or a line is not `<letter>=<value>`.
    pub(crate) fn parse(text: &str) -> Result<Self, SdpError> {
        let text = format!("v=0\r\n{text}");
        let text = Text::parse(&text)?;
        let attributes = || {
            let media = text.media.iter().map(|media| &media.attributes);
            std::iter::once(&text.session).chain(media)
        };
        let has = |name: &str| attributes().any(|attributes| attributes.has(name));
        let ufrag = attributes().find_map(|attributes| attributes.get("ice-ufrag"));
        let kind = text
            .media
            .first()
            .and_then(|media| media.line.split(' ').next());
        let kind = kind.filter(|kind| *kind == "video").unwrap_or("audio");
        let mid = attributes().find_map(|attributes| attributes.get("mid"));
        let is_token =
            |mid: &&str| mid.len() <= MAX_MID && mid.bytes().all(|byte| byte.is_ascii_graphic());
        let mid = mid.filter(is_token).unwrap_or("0");
        Ok(Self {
            ufrag: ufrag.filter(|_| has("ice-pwd")).map(str::to_owned),
            section: (kind.to_owned(), mid.to_owned()),
        })
    }

    /// Our credentials and candidates, for the same section.
    pub(crate) fn answer(&self, transport: &TransportParameters) -> String {
        let (kind, mid) = &self.section;
        let ice = &transport.ice;
        let mut out = String::new();
        let _ = write!(
            out,
            "a=ice-lite\r\na=ice-options:renomination\r\na=group:BUNDLE {mid}\r\nm={kind} 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:{mid}\r\n\
             a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n",
            ice.username_fragment, ice.password
        );
        write::candidates(&transport.candidates, &mut out);
        out
    }
}

const MAX_MID: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_of_clients_are_read() {
        // As whip-whep sends them, several candidates in one line.
        let trickle = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n\
            m=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:1\r\na=candidate:1 1 udp 1 192.0.2.1 5 typ host,\
            a=candidate:2 1 udp 1 192.0.2.1 6 typ host\r\n";
        let read = IceFragment::parse(trickle).unwrap();
        assert_eq!(read.ufrag.as_deref(), Some("abcd"));
        assert_eq!(read.section, ("video".to_owned(), "1".to_owned()));
        assert_eq!(IceFragment::parse("").unwrap().ufrag, None);
        assert!(IceFragment::parse("hello").is_err());
    }
}
