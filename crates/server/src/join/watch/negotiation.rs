//! What the bot offers to receive, and its answers to offers.

use tureen_peer::LocalParameters;
use tureen_peer::rtp::PayloadType;

use crate::join::description::{self, Description, SectionOut};

/// What the bot can receive: every codec that a room may use, because counting needs no decoder.
pub(super) fn capabilities(local: &LocalParameters) -> String {
    let audio = SectionOut {
        kind: "audio",
        mid: "0",
        payload_types: [OPUS, PCMU, PCMA].map(PayloadType).to_vec(),
        attributes: AUDIO_LINES.map(str::to_owned).to_vec(),
    };
    let mut video = SectionOut {
        kind: "video",
        mid: "1",
        payload_types: Vec::new(),
        attributes: vec!["recvonly".to_owned(), MID_LINE.to_owned()],
    };
    for (number, codec, parameters) in VIDEO_CODECS {
        let rtx = number + 1;
        video.payload_types.extend([number, rtx].map(PayloadType));
        video.attributes.extend([
            format!("rtpmap:{number} {codec}/90000"),
            format!("rtcp-fb:{number} nack"),
            format!("rtcp-fb:{number} nack pli"),
            format!("rtcp-fb:{number} ccm fir"),
            format!("rtpmap:{rtx} rtx/90000"),
            format!("fmtp:{rtx} apt={number}"),
        ]);
        if !parameters.is_empty() {
            let line = format!("fmtp:{number} {parameters}");
            video.attributes.push(line);
        }
    }
    description::write(local, "actpass", &[audio, video])
}

/// The answer to an offer. It accepts everything as offered.
pub(super) fn answer(local: &LocalParameters, offer: &Description) -> String {
    let sections: Vec<_> = offer
        .sections()
        .iter()
        .map(|section| {
            let direction = if section.is("inactive") {
                "inactive"
            } else {
                "recvonly"
            };
            let repeated = ["rtpmap", "fmtp", "rtcp-fb"].into_iter().flat_map(|name| {
                let values = section.values(name);
                values.map(move |value| format!("{name}:{value}"))
            });
            SectionOut {
                kind: section.kind(),
                mid: section.mid().unwrap_or_default(),
                payload_types: section.payload_types().to_vec(),
                attributes: [direction.to_owned()].into_iter().chain(repeated).collect(),
            }
        })
        .collect();
    description::write(local, "active", &sections)
}

const OPUS: u8 = 111;
/// Static payload types (RFC 3551 §6).
const PCMU: u8 = 0;
const PCMA: u8 = 8;
const MID_LINE: &str = "extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid";
const AUDIO_LINES: [&str; 6] = [
    "recvonly",
    MID_LINE,
    "rtpmap:111 opus/48000/2",
    "rtcp-fb:111 nack",
    "rtpmap:0 PCMU/8000",
    "rtpmap:8 PCMA/8000",
];
/// Payload type, name and format parameters; the next payload type repairs it.
const VIDEO_CODECS: [(u8, &str, &str); 4] = [
    (96, "VP8", ""),
    (98, "VP9", "profile-id=0"),
    (
        102,
        "H264",
        "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    ),
    (104, "AV1", ""),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::{Offer, receive_capabilities};

    fn local() -> LocalParameters {
        let hash = ["AB"; 32].join(":");
        LocalParameters {
            username_fragment: "ufra".to_owned(),
            password: "0123456789012345678901".to_owned(),
            candidates: Vec::new(),
            fingerprint: tureen_peer::DtlsFingerprint::new("sha-256", &hash).unwrap(),
        }
    }

    #[test]
    fn the_server_reads_what_can_be_received() {
        let capabilities = receive_capabilities(&capabilities(&local())).unwrap();
        let codecs = capabilities.codecs.iter();
        let names: Vec<_> = codecs.map(|codec| codec.mime_type.subtype()).collect();
        let expected = [
            "opus", "PCMU", "PCMA", "VP8", "rtx", "VP9", "rtx", "H264", "rtx", "AV1", "rtx",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn an_answer_has_the_sections_of_the_offer() {
        let offer = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 101 102\r\na=mid:0\r\na=sendonly\r\n\
            a=rtpmap:101 VP8/90000\r\na=rtpmap:102 rtx/90000\r\na=fmtp:102 apt=101\r\na=ssrc:7 cname:x\r\n\
            m=audio 9 UDP/TLS/RTP/SAVPF 100\r\na=mid:1\r\na=inactive\r\na=rtpmap:100 opus/48000/2\r\n";
        let answer = answer(&local(), &Description::parse(offer).unwrap());
        assert!(Offer::parse(&answer).is_ok(), "{answer}");
        let answer = Description::parse(&answer).unwrap();
        let video = answer.section("0").unwrap();
        assert!(video.is("recvonly"));
        assert_eq!(
            video.retransmission(PayloadType(101)),
            Some(PayloadType(102))
        );
        assert!(answer.section("1").unwrap().is("inactive"));
        assert_eq!(video.sources(), None);
    }
}
