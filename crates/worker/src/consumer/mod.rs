//! A consumer: one producer, forwarded to one peer. It decides packet by packet, remembers what it
//! sent, and answers what the peer asks for again.

mod forwarding;
mod munger;
mod outgoing;
mod payload_types;
mod simple;
mod stats;

pub(crate) use forwarding::Forward;
pub(crate) use outgoing::{Nacked, Outgoing};

use std::time::Duration;

use crate::error::RequestError;
use crate::ids::{Mid, PayloadType, ProducerKey, Ssrc, TransportKey};
use crate::messages::{Consume, ConsumerScore};
use crate::params::{
    Codec, MediaKind, RtpCodecParameters, RtpEncodingParameters, RtpParameters, check_codecs,
    codec_of, is_media, rtx_of,
};
use crate::producer::{Feedback, Producer};
use crate::rng::Rng;
use crate::streams::{SendStream, SendStreamParams};
use crate::time::Instant;
use crate::wire::rtcp::LostPackets;
use crate::wire::send_extensions::SendExtensions;

use forwarding::Forwarding;
use payload_types::PayloadTypes;

/// A consumer of a transport.
pub(crate) struct Consumer {
    pub(crate) id: String,
    pub(crate) transport: TransportKey,
    pub(crate) producer: ProducerKey,
    kind: MediaKind,
    parameters: RtpParameters,
    consumable_encodings: Vec<RtpEncodingParameters>,
    /// Index of the media codec in the parameters.
    codec: usize,
    payload_types: PayloadTypes,
    paused: bool,
    producer_paused: bool,
    /// Whether its transport can send media.
    connected: bool,
    priority: u8,
    pub(crate) extensions: SendExtensions,
    forwarding: Forwarding,
    pub(crate) outgoing: Box<[Outgoing]>,
    /// The last score that was told.
    told_score: Option<ConsumerScore>,
    /// When it last began, or began again, and needed a key frame for that.
    began: Option<Instant>,
}

impl Consumer {
    /// # Errors
    ///
    /// `TypeError` for parameters that cannot be sent.
    pub(crate) fn new(
        transport: TransportKey,
        producer_key: ProducerKey,
        producer: &Producer,
        consume: &Consume,
        rng: &mut Rng,
    ) -> Result<Self, RequestError> {
        if consume.kind != producer.kind() {
            let problem = format!("the producer's is {}", producer.kind().as_str());
            return Err(RequestError::invalid("kind", problem));
        }
        let mut parameters = consume.rtp_parameters.clone();
        let plan = Plan::new(consume)?;
        let payload_type = parameters.codecs[plan.codec].payload_type;
        for encoding in &mut parameters.encodings {
            encoding.codec_payload_type.get_or_insert(payload_type);
        }
        let params = SendStreamParams {
            ssrc: plan.ssrc,
            clock_rate: plan.clock_rate,
            rtx: plan.rtx,
        };
        let mid = parameters.mid.as_ref();
        let mid = mid.and_then(|mid| Mid::new(mid.as_bytes()));
        let serves_nacks_without_rtx =
            plan.rtx.is_none() && Feedback::new(&parameters, plan.codec, 0).nack;
        let outgoing = Outgoing::new(
            plan.mapped_ssrc,
            SendStream::new(params, first_sequence_number(rng)),
            serves_nacks_without_rtx,
            first_sequence_number(rng),
        );
        Ok(Self {
            id: consume.consumer_id.clone(),
            transport,
            producer: producer_key,
            kind: consume.kind,
            extensions: SendExtensions::new(&parameters.header_extensions, mid),
            payload_types: PayloadTypes::new(producer.media_codecs(), &parameters.codecs),
            parameters,
            consumable_encodings: consume.consumable_rtp_encodings.clone(),
            codec: plan.codec,
            paused: consume.paused,
            producer_paused: producer.is_paused(),
            connected: false,
            priority: 1,
            forwarding: Forwarding::simple(plan.name, consume.ignore_dtx),
            outgoing: Box::new([outgoing]),
            told_score: None,
            began: None,
        })
    }

    /// The SSRCs that it sends, each with the index of its outgoing stream and whether it is the
    /// RTX stream.
    pub(crate) fn ssrcs(&self) -> impl Iterator<Item = (usize, Ssrc, bool)> {
        self.outgoing.iter().enumerate().flat_map(|(index, one)| {
            let params = one.stream.params();
            let rtx = params.rtx.map(|(ssrc, _)| (index, ssrc, true));
            std::iter::once((index, params.ssrc, false)).chain(rtx)
        })
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused
    }

    /// Whether it forwards packets: neither side has paused, and its transport can send.
    pub(crate) fn is_active(&self) -> bool {
        self.connected && !self.paused && !self.producer_paused
    }

    /// Whether it forwards nothing until a key frame of the encoding `mapped_ssrc` comes.
    pub(crate) fn waits_for_key_frame(&self, mapped_ssrc: Ssrc) -> bool {
        self.is_active()
            && self.forwarding.waits_for_key_frame()
            && self
                .outgoing
                .iter()
                .any(|one| one.mapped_ssrc == mapped_ssrc)
    }

    pub(crate) fn pause(&mut self) {
        self.paused = true;
        self.interrupt();
    }

    pub(crate) fn resume(&mut self) {
        self.paused = false;
    }

    /// The producer was paused or resumed.
    pub(crate) fn set_producer_paused(&mut self, paused: bool) {
        self.producer_paused = paused;
        if paused {
            self.interrupt();
        }
    }

    /// Whether its transport can send media, as far as it was told.
    pub(crate) fn is_connected(&self) -> bool {
        self.connected
    }

    /// The transport can send media now, or it no longer can. The packets in between are left out
    /// on purpose. So the peer sees no gap, and SRTP sees no leap of the sequence number that could
    /// look like a step backwards.
    pub(crate) fn set_connected(&mut self, connected: bool) {
        self.connected = connected;
        if !connected {
            self.interrupt();
        }
    }

    /// Forwarding stops here. When it goes on, it begins with a packet where decoding can begin.
    fn interrupt(&mut self) {
        self.forwarding.interrupt();
        self.outgoing.iter_mut().for_each(Outgoing::forget_sent);
    }

    /// It begins, or begins again. Returns whether it may have a key frame for that at once: a peer
    /// can make its consumers begin again as often as it likes, by losing and finding its path or
    /// by pausing. Within a second it counts as one that has lost the picture.
    pub(crate) fn begin(&mut self, now: Instant) -> bool {
        let is_too_soon = |last: Instant| now.since(last) < BEGIN_INTERVAL;
        !self.began.replace(now).is_some_and(is_too_soon)
    }

    pub(crate) fn set_priority(&mut self, priority: u8) -> Result<(), RequestError> {
        if priority == 0 {
            return Err(RequestError::invalid("priority", "must be 1 to 255"));
        }
        self.priority = priority;
        Ok(())
    }

    /// Translates a payload type of the router to the one that the peer knows; `None` if packets
    /// with it are not forwarded.
    pub(crate) fn sent_as(&self, payload_type: u8) -> Option<PayloadType> {
        self.payload_types.sent_as(payload_type)
    }

    /// Whether the codec has key frames that are worth asking for.
    pub(crate) fn needs_key_frames(&self) -> bool {
        self.kind == MediaKind::Video
    }

    /// Takes a NACK for the outgoing stream with this index. The requested packets are sent with
    /// the next output.
    pub(crate) fn handle_nack(&mut self, outgoing: usize, lost: LostPackets<'_>) -> Nacked {
        self.outgoing[outgoing].handle_nack(lost)
    }

    /// The next number to send again, with the index of its outgoing stream.
    pub(crate) fn take_nacked(&mut self) -> Option<(usize, u16)> {
        self.outgoing
            .iter_mut()
            .enumerate()
            .find_map(|(index, one)| Some((index, one.nacked.pop_front()?)))
    }

    /// The canonical name under which it reports.
    pub(crate) fn cname(&self) -> &str {
        self.parameters.rtcp.cname.as_deref().unwrap_or_default()
    }
}

/// How often a consumer may have a key frame at once.
const BEGIN_INTERVAL: Duration = Duration::from_secs(1);

/// What the parameters of a consumer come down to.
struct Plan {
    mapped_ssrc: Ssrc,
    ssrc: Ssrc,
    codec: usize,
    name: Codec,
    clock_rate: u32,
    rtx: Option<(Ssrc, PayloadType)>,
}

impl Plan {
    fn new(consume: &Consume) -> Result<Self, RequestError> {
        let parameters = &consume.rtp_parameters;
        check_codecs(&parameters.codecs)?;
        let missing = |field: &str| RequestError::invalid(field, "is missing");
        let mapped_ssrc = consume
            .consumable_rtp_encodings
            .first()
            .and_then(|e| e.ssrc);
        let mapped_ssrc = mapped_ssrc.ok_or_else(|| missing("consumableRtpEncodings.ssrc"))?;
        let encoding = parameters
            .encodings
            .first()
            .ok_or_else(|| missing("rtpParameters.encodings"))?;
        let ssrc = encoding
            .ssrc
            .ok_or_else(|| missing("rtpParameters.encodings.ssrc"))?;
        if parameters
            .mid
            .as_ref()
            .is_some_and(|mid| Mid::new(mid.as_bytes()).is_none())
        {
            return Err(RequestError::invalid(
                "rtpParameters.mid",
                "must be 1 to 16 bytes",
            ));
        }
        let is_sent = |codec: &RtpCodecParameters| {
            is_media(codec)
                && encoding
                    .codec_payload_type
                    .is_none_or(|pt| pt == codec.payload_type)
        };
        let is_main = |codec: &RtpCodecParameters| {
            is_sent(codec)
                && Codec::from_mime_type(&codec.mime_type)
                    .is_some_and(|(_, name)| !name.is_complementary())
        };
        let codecs = &parameters.codecs;
        let codec = codecs
            .iter()
            .position(is_main)
            .or_else(|| codecs.iter().position(is_sent))
            .ok_or_else(|| missing("rtpParameters.codecs: a media codec"))?;
        let payload_type = parameters.codecs[codec].payload_type;
        let (kind, name) = codec_of(&parameters.codecs[codec])?;
        if kind != consume.kind {
            let mime_type = &parameters.codecs[codec].mime_type;
            let problem = format!("{mime_type} is not {}", consume.kind.as_str());
            return Err(RequestError::invalid(
                "rtpParameters.codecs.mimeType",
                problem,
            ));
        }
        let rtx_payload_type = rtx_of(&parameters.codecs, payload_type);
        Ok(Self {
            mapped_ssrc,
            ssrc,
            codec,
            name,
            clock_rate: parameters.codecs[codec].clock_rate,
            rtx: encoding.rtx_ssrc.zip(rtx_payload_type),
        })
    }
}

/// RFC 3711 §3.3.1: with a start below 2¹⁵ a receiver that misses the first packets still guesses
/// the rollover counter right.
fn first_sequence_number(rng: &mut Rng) -> u16 {
    (rng.next_u32() & 0x7fff) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::RtpType;

    /// The plan for one Opus stream with this MID.
    fn plan(mid: Option<&str>) -> Result<Plan, RequestError> {
        let encoding = |ssrc| RtpEncodingParameters {
            ssrc: Some(Ssrc(ssrc)),
            ..RtpEncodingParameters::default()
        };
        let opus = RtpCodecParameters {
            mime_type: "audio/opus".to_owned(),
            payload_type: 100,
            clock_rate: 48_000,
            channels: Some(2),
            parameters: Vec::new(),
            rtcp_feedback: Vec::new(),
        };
        Plan::new(&Consume {
            consumer_id: "consumer".to_owned(),
            producer_id: "producer".to_owned(),
            kind: MediaKind::Audio,
            rtp_parameters: RtpParameters {
                mid: mid.map(str::to_owned),
                codecs: vec![opus],
                encodings: vec![encoding(2)],
                ..RtpParameters::default()
            },
            rtp_type: RtpType::Simple,
            consumable_rtp_encodings: vec![encoding(1)],
            paused: false,
            preferred_layers: None,
            ignore_dtx: false,
        })
    }

    #[test]
    fn a_mid_has_one_to_sixteen_bytes() {
        for mid in [
            None,
            Some("0"),
            Some("custom-mid"),
            Some("sixteen-bytes-16"),
        ] {
            assert_eq!(plan(mid).map(|plan| plan.codec), Ok(0));
        }
        for mid in ["", "seventeen-bytes17"] {
            let error = plan(Some(mid)).map(|plan| plan.codec).expect_err("refused");
            assert_eq!(error.class(), "TypeError");
            assert!(error.to_string().starts_with("rtpParameters.mid: "));
        }
    }
}
