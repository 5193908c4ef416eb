//! The bot's publishing connection.

use std::sync::Arc;

use serde_json::{Value, json};
use tureen_peer::demo::{
    DemoConfig, DemoMedia, DemoPublisher, DemoSource, DemoStats, ExtensionIds, RtxStream,
    StreamConfig,
};
use tureen_peer::rtp::{PayloadType, Ssrc};
use tureen_peer::{
    Incoming, LocalParameters, Peer, PeerConfig, PeerTransport, SrtpProfile, random_u32,
};

use super::JoinError;
use super::description::{self, Description, Section, SectionOut};
use super::messages::Published;
use super::run::ended;
use super::signaling::{Signaling, plain};

/// The test picture and the tone on their way to the server.
pub(super) struct Publishing {
    transport: PeerTransport,
    publisher: DemoPublisher,
    has_picture: bool,
    has_tone: bool,
}

impl Publishing {
    /// Publishes what the server takes of the two.
    pub(super) async fn start(signaling: &mut Signaling) -> Result<Self, JoinError> {
        let media = Arc::new(DemoMedia::embedded()?);
        let peer = Peer::new(PeerConfig::default()).await?;
        let sources = Sources::random();
        let published: Published = signaling
            .request("publish", sources.request(peer.local()))
            .await?;
        let answer = Description::parse(&published.sdp)?;
        let config = sources.negotiated(&answer);
        let (has_picture, has_tone) = (config.video.is_some(), config.audio.is_some());
        if !has_picture && !has_tone {
            let reasons: Vec<_> = published
                .refused
                .iter()
                .map(|refused| plain(&refused.message))
                .collect();
            return Err(JoinError::NothingTaken(reasons.join(", ")));
        }
        let transport = peer.connect(answer.transport()?).await?;
        let source = DemoSource::new(media, config);
        Ok(Self {
            publisher: DemoPublisher::start(source, transport.sender()),
            transport,
            has_picture,
            has_tone,
        })
    }

    /// What is published, for people.
    pub(super) fn what(&self) -> &'static str {
        match (self.has_picture, self.has_tone) {
            (true, true) => "a test picture (VP8) and a tone (Opus)",
            (true, false) => "a test picture (VP8); the server takes no Opus",
            (false, _) => "a tone (Opus); the server takes no VP8",
        }
    }

    /// How packets are protected.
    pub(super) fn srtp_profile(&self) -> SrtpProfile {
        self.transport.srtp_profile()
    }

    /// Hands feedback to the publisher until the connection ends. Dropping the future loses
    /// nothing.
    pub(super) async fn run(&mut self) -> JoinError {
        while let Some(incoming) = self.transport.recv().await {
            if let Incoming::Rtcp(compound) = incoming {
                self.publisher.handle_rtcp(compound);
            }
        }
        ended(&self.transport).await
    }

    /// Ends streams and connection.
    pub(super) async fn stop(self) -> DemoStats {
        let stats = self.publisher.stats();
        self.publisher.stop().await;
        self.transport.close().await;
        stats
    }
}

/// The numbers of the bot's streams.
struct Sources {
    tone: Ssrc,
    picture: Ssrc,
    retransmissions: Ssrc,
    cname: String,
}

impl Sources {
    fn random() -> Self {
        let tone = random_u32();
        Self {
            tone: Ssrc(tone),
            // SSRCs of one transport differ from each other (RFC 3550 §8).
            picture: Ssrc(tone.wrapping_add(1)),
            retransmissions: Ssrc(tone.wrapping_add(2)),
            cname: format!("bot-{:08x}", random_u32()),
        }
    }

    /// The content of `publish`.
    fn request(&self, local: &LocalParameters) -> Value {
        let track = |mid: &str, source: &str, label: &str| {
            json!({
                "mid": mid, "source": source, "label": label, "muted": false,
            })
        };
        json!({
            "sdp": self.offer(local),
            "tracks": [
                track(TONE_MID, "microphone", "Test tone"),
                track(PICTURE_MID, "camera", "Test picture"),
            ],
        })
    }

    fn offer(&self, local: &LocalParameters) -> String {
        let Self {
            tone,
            picture,
            retransmissions,
            cname,
        } = self;
        let tone = SectionOut {
            kind: "audio",
            mid: TONE_MID,
            payload_types: vec![OPUS],
            attributes: TONE_LINES
                .iter()
                .chain(&COMMON_LINES)
                .map(|&line| line.to_owned())
                .chain([format!("ssrc:{tone} cname:{cname}")])
                .collect(),
        };
        let picture = SectionOut {
            kind: "video",
            mid: PICTURE_MID,
            payload_types: vec![VP8, RTX],
            attributes: PICTURE_LINES
                .iter()
                .chain(&COMMON_LINES)
                .map(|&line| line.to_owned())
                .chain([
                    format!("ssrc-group:FID {picture} {retransmissions}"),
                    format!("ssrc:{picture} cname:{cname}"),
                    format!("ssrc:{retransmissions} cname:{cname}"),
                ])
                .collect(),
        };
        description::write(local, "actpass", &[tone, picture])
    }

    /// What the answer leaves of the offer.
    fn negotiated(&self, answer: &Description) -> DemoConfig {
        let receives = |mid| answer.section(mid).filter(|section| section.is("recvonly"));
        let (tone, picture) = (receives(TONE_MID), receives(PICTURE_MID));
        // The identifiers are common to all sections of a bundle (RFC 9143 §9).
        let in_both = |uri: &str| {
            let mut ids = [tone, picture].into_iter().flatten();
            let first = ids.next()?.extension(uri)?;
            ids.all(|section| section.extension(uri) == Some(first))
                .then_some(first)
        };
        let stream = |section: Option<&Section>, codec: &str, mid: &str, ssrc: Ssrc| {
            Some(StreamConfig {
                ssrc,
                payload_type: section?.codec(codec)?,
                mid: mid.to_owned(),
                rtx: None,
            })
        };
        let video = stream(picture, "VP8", PICTURE_MID, self.picture).map(|stream| StreamConfig {
            rtx: picture
                .and_then(|section| section.retransmission(stream.payload_type))
                .map(|payload_type| RtxStream {
                    ssrc: self.retransmissions,
                    payload_type,
                }),
            ..stream
        });
        DemoConfig {
            video,
            audio: stream(tone, "opus", TONE_MID, self.tone),
            extensions: ExtensionIds {
                mid: in_both(MID_URI),
                abs_send_time: in_both(ABS_SEND_TIME_URI),
                transport_cc: in_both(TRANSPORT_CC_URI),
                audio_level: tone.and_then(|section| section.extension(AUDIO_LEVEL_URI)),
            },
            cname: self.cname.clone(),
            max_payload: MAX_PAYLOAD,
            start_ntp: DemoPublisher::ntp_now(),
        }
    }
}

const TONE_MID: &str = "0";
const PICTURE_MID: &str = "1";
const OPUS: PayloadType = PayloadType(111);
const VP8: PayloadType = PayloadType(96);
const RTX: PayloadType = PayloadType(97);

const MID_URI: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
const ABS_SEND_TIME_URI: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
const TRANSPORT_CC_URI: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
const AUDIO_LEVEL_URI: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

const COMMON_LINES: [&str; 4] = [
    "sendonly",
    "extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid",
    "extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
];
const TONE_LINES: [&str; 6] = [
    "extmap:4 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "msid:bot tone",
    "rtpmap:111 opus/48000/2",
    "fmtp:111 minptime=10;useinbandfec=1",
    "rtcp-fb:111 nack",
    "rtcp-fb:111 transport-cc",
];
const PICTURE_LINES: [&str; 8] = [
    "msid:bot picture",
    "rtpmap:96 VP8/90000",
    "rtcp-fb:96 nack",
    "rtcp-fb:96 nack pli",
    "rtcp-fb:96 ccm fir",
    "rtcp-fb:96 transport-cc",
    "rtpmap:97 rtx/90000",
    "fmtp:97 apt=96",
];

/// Leaves room for headers and SRTP in packets of 1200 octets.
const MAX_PAYLOAD: usize = 1100;

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Sources {
        Sources {
            tone: Ssrc(1),
            picture: Ssrc(2),
            retransmissions: Ssrc(3),
            cname: "bot".to_owned(),
        }
    }

    #[test]
    fn the_answer_decides_what_is_sent_and_how() {
        let answer = "v=0\r\n\
            m=audio 9 UDP/TLS/RTP/SAVPF 100\r\na=mid:0\r\na=recvonly\r\na=rtpmap:100 opus/48000/2\r\n\
            a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
            a=extmap:4 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
            m=video 9 UDP/TLS/RTP/SAVPF 101 102\r\na=mid:1\r\na=recvonly\r\na=rtpmap:101 VP8/90000\r\n\
            a=rtpmap:102 rtx/90000\r\na=fmtp:102 apt=101\r\n\
            a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
            a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n";
        let config = sources().negotiated(&Description::parse(answer).unwrap());
        let (video, audio) = (config.video.unwrap(), config.audio.unwrap());
        assert_eq!(
            (audio.ssrc, audio.payload_type),
            (Ssrc(1), PayloadType(100))
        );
        assert_eq!(
            (video.ssrc, video.payload_type),
            (Ssrc(2), PayloadType(101))
        );
        let rtx = video.rtx.unwrap();
        assert_eq!((rtx.ssrc, rtx.payload_type), (Ssrc(3), PayloadType(102)));
        let expected = ExtensionIds {
            mid: Some(1),
            audio_level: Some(4),
            ..ExtensionIds::default()
        };
        assert_eq!(config.extensions, expected);
    }

    #[test]
    fn a_section_that_is_not_received_is_not_sent() {
        let answer = "v=0\r\nm=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n\
            m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=inactive\r\na=rtpmap:96 VP8/90000\r\n";
        let config = sources().negotiated(&Description::parse(answer).unwrap());
        assert!(config.audio.is_none() && config.video.is_none());
    }
}
