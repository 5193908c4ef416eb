//! SDP (RFC 8866) of a client: one BUNDLE group, one stream in each media section, and ICE and DTLS
//! parameters in every section.

use std::fmt::Write as _;

use thiserror::Error;
use tureen_peer::rtp::{PayloadType, Ssrc};
use tureen_peer::{
    DtlsFingerprint, DtlsRole, FingerprintError, IceCandidate, LocalParameters, RemoteParameters,
};

/// A media section to write.
#[derive(Debug)]
pub(super) struct SectionOut<'a> {
    /// `audio` or `video`
    pub(super) kind: &'a str,
    pub(super) mid: &'a str,
    /// In the order of preference.
    pub(super) payload_types: Vec<PayloadType>,
    /// The lines that differ between sections: direction, codecs, extensions, sources.
    pub(super) attributes: Vec<String>,
}

/// A whole description. `setup` is `actpass` in offers, `active` in answers (RFC 8842 §5).
pub(super) fn write(local: &LocalParameters, setup: &str, sections: &[SectionOut<'_>]) -> String {
    let mids: Vec<&str> = sections.iter().map(|section| section.mid).collect();
    let mut out = format!(
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\n",
        mids.join(" ")
    );
    for section in sections {
        let _ = write!(out, "m={} 9 UDP/TLS/RTP/SAVPF", section.kind);
        for PayloadType(number) in &section.payload_types {
            let _ = write!(out, " {number}");
        }
        let _ = write!(
            out,
            "\r\nc=IN IP4 0.0.0.0\r\na=mid:{}\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\n\
             a=fingerprint:{}\r\na=setup:{setup}\r\na=rtcp-mux\r\na=rtcp-rsize\r\n",
            section.mid, local.username_fragment, local.password, local.fingerprint
        );
        for attribute in &section.attributes {
            let _ = write!(out, "a={attribute}\r\n");
        }
        for candidate in &local.candidates {
            let _ = write!(out, "a={candidate}\r\n");
        }
        out.push_str("a=end-of-candidates\r\n");
    }
    out
}

/// A description of the server's, cut into sections.
#[derive(Debug)]
pub(super) struct Description {
    session: Attributes,
    sections: Vec<Section>,
}

/// One media section.
#[derive(Debug)]
pub(super) struct Section {
    kind: String,
    is_rejected: bool,
    payload_types: Vec<PayloadType>,
    attributes: Attributes,
}

/// Name and value of `a=` lines, in order.
type Attributes = Vec<(String, String)>;

/// Why a description cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DescriptionError {
    /// An `m=` line without kind, port, protocol and payload types.
    #[error("cannot read m={0}")]
    Media(String),
    /// An attribute is not there.
    #[error("there is no a={0}")]
    Missing(&'static str),
    /// No fingerprint can be checked.
    #[error("a=fingerprint: {0}")]
    Fingerprint(#[from] FingerprintError),
}

impl Description {
    /// Reads the lines that matter here and ignores all others.
    pub(super) fn parse(text: &str) -> Result<Self, DescriptionError> {
        let mut description = Self {
            session: Vec::new(),
            sections: Vec::new(),
        };
        for line in text.lines() {
            if let Some(media) = line.strip_prefix("m=") {
                description.sections.push(Section::parse(media)?);
            } else if let Some(attribute) = line.strip_prefix("a=") {
                let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
                let attributes = match description.sections.last_mut() {
                    Some(section) => &mut section.attributes,
                    None => &mut description.session,
                };
                attributes.push((name.to_owned(), value.to_owned()));
            }
        }
        Ok(description)
    }

    pub(super) fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The section with this identification, if it is in use.
    pub(super) fn section(&self, mid: &str) -> Option<&Section> {
        let mut sections = self.sections.iter();
        sections.find(|section| !section.is_rejected && section.mid() == Some(mid))
    }

    /// ICE and DTLS of the server, from the first section in use, because all are bundled.
    /// Candidates and fingerprints that the peer cannot use are ignored, as long as some are left.
    pub(super) fn transport(&self) -> Result<RemoteParameters, DescriptionError> {
        let section = self.sections.iter().find(|section| !section.is_rejected);
        let attributes = section.map_or(&self.session, |section| &section.attributes);
        let one = |name: &'static str| {
            let mut values = values(attributes, name).chain(values(&self.session, name));
            values.next().ok_or(DescriptionError::Missing(name))
        };
        let candidates: Vec<IceCandidate> = values(attributes, "candidate")
            .filter_map(|candidate| candidate.parse().ok())
            .collect();
        let mut fingerprints = Vec::new();
        let mut refused = DescriptionError::Missing("fingerprint");
        for value in values(attributes, "fingerprint").chain(values(&self.session, "fingerprint")) {
            let (algorithm, hash) = value.split_once(' ').unwrap_or((value, ""));
            match DtlsFingerprint::new(algorithm, hash) {
                Ok(fingerprint) => fingerprints.push(fingerprint),
                Err(error) => refused = error.into(),
            }
        }
        if fingerprints.is_empty() {
            return Err(refused);
        }
        Ok(RemoteParameters {
            username_fragment: one("ice-ufrag")?.to_owned(),
            password: one("ice-pwd")?.to_owned(),
            candidates,
            dtls_role: match one("setup")? {
                "active" => DtlsRole::Client,
                "passive" => DtlsRole::Server,
                _ => DtlsRole::Auto,
            },
            fingerprints,
        })
    }
}

impl Section {
    fn parse(line: &str) -> Result<Self, DescriptionError> {
        let unreadable = || DescriptionError::Media(line.to_owned());
        let mut words = line.split_ascii_whitespace();
        let (Some(kind), Some(port), Some(_)) = (words.next(), words.next(), words.next()) else {
            return Err(unreadable());
        };
        let payload_types: Option<Vec<_>> = words.map(payload_type).collect();
        Ok(Self {
            kind: kind.to_owned(),
            is_rejected: port == "0",
            payload_types: payload_types.ok_or_else(unreadable)?,
            attributes: Vec::new(),
        })
    }

    pub(super) fn kind(&self) -> &str {
        &self.kind
    }

    pub(super) fn mid(&self) -> Option<&str> {
        self.values("mid").next()
    }

    pub(super) fn payload_types(&self) -> &[PayloadType] {
        &self.payload_types
    }

    /// Whether the direction is this one.
    pub(super) fn is(&self, direction: &str) -> bool {
        self.values(direction).next().is_some()
    }

    /// Encoding name and clock rate in Hz of a payload type.
    pub(super) fn encoding(&self, payload_type: PayloadType) -> Option<(&str, u32)> {
        let mut words = self.value_for("rtpmap", payload_type)?.split('/');
        Some((words.next()?, words.next()?.parse().ok()?))
    }

    /// The payload type of the first codec of this name.
    pub(super) fn codec(&self, name: &str) -> Option<PayloadType> {
        self.payload_types.iter().copied().find(|number| {
            self.encoding(*number)
                .is_some_and(|(encoding, _)| encoding.eq_ignore_ascii_case(name))
        })
    }

    /// What repairs a codec (RFC 4588 §8.1).
    pub(super) fn retransmission(&self, PayloadType(repaired): PayloadType) -> Option<PayloadType> {
        let repaired = repaired.to_string();
        self.payload_types.iter().copied().find(|number| {
            let is_rtx = self
                .encoding(*number)
                .is_some_and(|(encoding, _)| encoding.eq_ignore_ascii_case("rtx"));
            let parameters = self.value_for("fmtp", *number).unwrap_or_default();
            let mut parameters = parameters.split(';');
            is_rtx && parameters.any(|one| one.trim().strip_prefix("apt=") == Some(&repaired))
        })
    }

    /// The identifier of a header extension.
    pub(super) fn extension(&self, wanted: &str) -> Option<u8> {
        self.values("extmap").find_map(|value| {
            let (id, uri) = value.split_once(' ')?;
            let id = id.split('/').next()?.parse().ok()?;
            (uri == wanted).then_some(id)
        })
    }

    /// The stream's SSRC, and that of its retransmissions (RFC 5576).
    pub(super) fn sources(&self) -> Option<(Ssrc, Option<Ssrc>)> {
        let ssrc = |text: &str| text.parse().ok().map(Ssrc);
        let pair = self.values("ssrc-group").find_map(|group| {
            let (media, rtx) = group.strip_prefix("FID ")?.split_once(' ')?;
            Some((ssrc(media)?, Some(ssrc(rtx)?)))
        });
        pair.or_else(|| {
            let first = self.values("ssrc").next()?;
            Some((ssrc(first.split(' ').next()?)?, None))
        })
    }

    /// The values of all attributes of this name.
    pub(super) fn values<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        values(&self.attributes, name)
    }

    fn value_for(&self, name: &'static str, wanted: PayloadType) -> Option<&str> {
        self.values(name).find_map(|value| {
            let (number, rest) = value.split_once(' ')?;
            (payload_type(number) == Some(wanted)).then_some(rest)
        })
    }
}

fn values<'a>(attributes: &'a Attributes, name: &'a str) -> impl Iterator<Item = &'a str> {
    let named = attributes.iter().filter(move |(key, _)| key == name);
    named.map(|(_, value)| value.as_str())
}

fn payload_type(text: &str) -> Option<PayloadType> {
    let number = text.parse().ok().filter(|number| *number < 128);
    number.map(PayloadType)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two sections of another server, with another order of lines.
    const ANSWER: &str = "v=0\r\no=x 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n\
        a=fingerprint:sha-1 00\r\n\
        a=fingerprint:sha-256 BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD\r\n\
        m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:a\r\na=inactive\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 97 96 99\r\na=setup:passive\r\na=mid:v\r\na=recvonly\r\n\
        a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n\
        a=fmtp:97 x=1; apt=96\r\na=rtpmap:97 RTX/90000\r\na=rtpmap:96 vp8/90000\r\na=rtpmap:99 VP9/90000\r\n\
        a=extmap:4/recvonly urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
        a=ssrc-group:FID 7 8\r\na=ssrc:7 cname:x\r\na=ssrc:8 cname:x\r\n\
        a=candidate:1 1 udp 5 203.0.113.1 4000 typ host\r\na=candidate:2 1 udp 5 x.local 4000 typ host\r\n";

    #[test]
    fn an_answer_is_read() {
        let answer = Description::parse(ANSWER).unwrap();
        assert!(answer.section("a").is_none(), "it is rejected");
        let video = answer.section("v").unwrap();
        assert!(video.is("recvonly") && !video.is("inactive"));
        assert_eq!(video.codec("VP8"), Some(PayloadType(96)));
        assert_eq!(video.codec("H264"), None);
        assert_eq!(video.retransmission(PayloadType(96)), Some(PayloadType(97)));
        assert_eq!(video.retransmission(PayloadType(99)), None);
        assert_eq!(
            video.extension("urn:ietf:params:rtp-hdrext:sdes:mid"),
            Some(4)
        );
        assert_eq!(video.sources(), Some((Ssrc(7), Some(Ssrc(8)))));

        let transport = answer.transport().unwrap();
        assert_eq!(transport.username_fragment, "abcd");
        assert_eq!(transport.dtls_role, DtlsRole::Server);
        assert_eq!(
            (transport.candidates.len(), transport.fingerprints.len()),
            (1, 1)
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = |text: &str| Description::parse(text).unwrap().transport().unwrap_err();
        assert_eq!(
            error(&ANSWER.replace("a=ice-pwd", "a=x")),
            DescriptionError::Missing("ice-pwd")
        );
        assert!(matches!(
            error(&ANSWER.replace("sha-256", "sha-3")),
            DescriptionError::Fingerprint(_)
        ));
        assert_eq!(
            Description::parse("m=video 9 x 128").unwrap_err(),
            DescriptionError::Media("video 9 x 128".to_owned())
        );
    }

    #[test]
    fn the_server_reads_what_is_written() {
        let local = LocalParameters {
            username_fragment: "ufra".to_owned(),
            password: "0123456789012345678901".to_owned(),
            candidates: vec!["1 1 udp 5 127.0.0.1 4000 typ host".parse().unwrap()],
            fingerprint: Description::parse(ANSWER)
                .unwrap()
                .transport()
                .unwrap()
                .fingerprints
                .remove(0),
        };
        let section = SectionOut {
            kind: "video",
            mid: "v",
            payload_types: vec![PayloadType(96)],
            attributes: vec!["sendonly".to_owned(), "rtpmap:96 VP8/90000".to_owned()],
        };
        let offer = crate::sdp::Offer::parse(&write(&local, "actpass", &[section])).unwrap();
        assert_eq!(offer.transport().unwrap().ice_ufrag, "ufra");
        assert!(offer.sections()[0].sends());
        assert_eq!(offer.sections()[0].mid(), "v");
    }
}
