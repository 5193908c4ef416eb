//! A consumer: one producer, forwarded to one peer. It decides packet by packet, remembers what it
//! sent, and answers what the peer asks for again.

mod munger;
mod simple;
mod stats;

use crate::error::RequestError;
use crate::ids::{Mid, PayloadType, ProducerKey, Ssrc, TransportKey};
use crate::messages::{Consume, ConsumerScore};
use crate::params::{
    Codec, MediaKind, RtpCodecParameters, RtpEncodingParameters, RtpParameters, codec_of, rtx_of,
};
use crate::producer::Producer;
use crate::rng::Rng;
use crate::srtp::StreamIndex;
use crate::streams::{SendStream, SendStreamParams};
use crate::wire::extension_ids::SendExtensionIds;

use simple::SimpleForwarding;

/// A consumer of a transport.
pub(crate) struct Consumer {
    pub(crate) id: String,
    pub(crate) transport: TransportKey,
    pub(crate) producer: ProducerKey,
    kind: MediaKind,
    parameters: RtpParameters,
    consumable_encodings: Vec<RtpEncodingParameters>,
    /// The producer's encoding that is forwarded, by the SSRC that names it to consumers.
    pub(crate) mapped_ssrc: Ssrc,
    /// Index of the media codec in the parameters.
    codec: usize,
    /// One bit for each payload type that is forwarded.
    payload_types: u128,
    paused: bool,
    pub(crate) producer_paused: bool,
    priority: u8,
    pub(crate) extension_ids: SendExtensionIds,
    pub(crate) mid: Option<Mid>,
    pub(crate) stream: SendStream,
    /// Where the SRTP session keeps the media stream, and the RTX stream.
    pub(crate) srtp: StreamIndex,
    pub(crate) srtp_rtx: StreamIndex,
    forwarding: SimpleForwarding,
    /// Sequence numbers that the peer misses and that are to be sent again.
    pub(crate) nacked: Vec<u16>,
    /// The last score that was told.
    told_score: Option<ConsumerScore>,
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
        let parameters = consume.rtp_parameters.clone();
        let plan = Plan::new(consume)?;
        let params = SendStreamParams {
            ssrc: plan.ssrc,
            clock_rate: plan.clock_rate,
            rtx: plan.rtx,
        };
        Ok(Self {
            id: consume.consumer_id.clone(),
            transport,
            producer: producer_key,
            kind: consume.kind,
            mid: parameters
                .mid
                .as_ref()
                .and_then(|mid| Mid::new(mid.as_bytes())),
            extension_ids: SendExtensionIds::new(&parameters.header_extensions),
            parameters,
            consumable_encodings: consume.consumable_rtp_encodings.clone(),
            mapped_ssrc: plan.mapped_ssrc,
            codec: plan.codec,
            payload_types: plan.payload_types,
            paused: consume.paused,
            producer_paused: producer.is_paused(),
            priority: 1,
            stream: SendStream::new(params, low16(rng)),
            srtp: StreamIndex::default(),
            srtp_rtx: StreamIndex::default(),
            forwarding: SimpleForwarding::new(plan.name, consume.ignore_dtx, low16(rng)),
            nacked: Vec::new(),
            told_score: None,
        })
    }

    /// The SSRCs it sends, and whether each is its RTX stream.
    pub(crate) fn ssrcs(&self) -> impl Iterator<Item = (Ssrc, bool)> + use<> {
        let params = self.stream.params();
        let rtx = params.rtx.map(|(ssrc, _)| (ssrc, true));
        std::iter::once((params.ssrc, false)).chain(rtx)
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused
    }

    /// Whether packets are to be forwarded as far as the controller is concerned.
    pub(crate) fn is_active(&self) -> bool {
        !self.paused && !self.producer_paused
    }

    pub(crate) fn pause(&mut self) {
        self.paused = true;
        self.interrupt();
    }

    pub(crate) fn resume(&mut self) {
        self.paused = false;
    }

    /// What follows is no continuation of what was sent: it must begin where it can be decoded.
    pub(crate) fn interrupt(&mut self) {
        self.forwarding.interrupt();
        self.stream.forget_sent();
        self.nacked.clear();
    }

    pub(crate) fn set_priority(&mut self, priority: u8) -> Result<(), RequestError> {
        if priority == 0 {
            return Err(RequestError::invalid("priority", "must be 1 to 255"));
        }
        self.priority = priority;
        Ok(())
    }

    /// Whether packets of this payload type are forwarded.
    fn supports(&self, payload_type: u8) -> bool {
        self.payload_types >> payload_type & 1 == 1
    }

    /// Whether the codec has key frames that are worth asking for.
    pub(crate) fn needs_key_frames(&self) -> bool {
        self.kind == MediaKind::Video
    }

    /// Takes note of a NACK. What is asked for is sent with the next output; more than the cap is
    /// not kept, because no honest peer asks for that much at once.
    pub(crate) fn handle_nack(&mut self, lost: impl Iterator<Item = u16>) -> bool {
        let before = self.nacked.len();
        let mut asked = 0;
        for seq in lost {
            asked += 1;
            if self.nacked.len() < MAX_NACKED {
                self.nacked.push(seq);
            }
        }
        self.stream.count_nack(asked);
        self.nacked.len() > before
    }

    /// The canonical name under which it reports.
    pub(crate) fn cname(&self) -> &str {
        self.parameters.rtcp.cname.as_deref().unwrap_or_default()
    }
}

/// What the parameters of a consumer come down to.
struct Plan {
    mapped_ssrc: Ssrc,
    ssrc: Ssrc,
    codec: usize,
    name: Codec,
    clock_rate: u32,
    rtx: Option<(Ssrc, PayloadType)>,
    payload_types: u128,
}

impl Plan {
    fn new(consume: &Consume) -> Result<Self, RequestError> {
        let parameters = &consume.rtp_parameters;
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
            .is_some_and(|mid| mid.is_empty() || mid.len() > MAX_MID)
        {
            return Err(RequestError::invalid(
                "rtpParameters.mid",
                "must be 1 to 8 bytes",
            ));
        }
        let media = |codec: &RtpCodecParameters| {
            Codec::from_mime_type(&codec.mime_type).is_some_and(|(_, name)| name.is_media())
        };
        let codec = parameters
            .codecs
            .iter()
            .position(|codec| {
                media(codec)
                    && encoding
                        .codec_payload_type
                        .is_none_or(|pt| pt == codec.payload_type)
            })
            .ok_or_else(|| missing("rtpParameters.codecs: a media codec"))?;
        let payload_type = parameters.codecs[codec].payload_type;
        let (_, name) = codec_of(&parameters.codecs[codec])?;
        let rtx_payload_type = rtx_of(&parameters.codecs, payload_type);
        let payload_types = parameters
            .codecs
            .iter()
            .filter(|codec| media(codec))
            .fold(0, |bits, codec| bits | 1 << (codec.payload_type & 0x7f));
        Ok(Self {
            mapped_ssrc,
            ssrc,
            codec,
            name,
            clock_rate: parameters.codecs[codec].clock_rate,
            rtx: encoding.rtx_ssrc.zip(rtx_payload_type),
            payload_types,
        })
    }
}

fn low16(rng: &mut Rng) -> u16 {
    (rng.next_u32() & 0xffff) as u16
}

/// How many sequence numbers wait to be sent again.
const MAX_NACKED: usize = 256;
/// CHANNEL §7: a consumer's MID has at most 8 bytes.
const MAX_MID: usize = 8;
