//! One stream of a producer.

use std::time::Duration;

use crate::ids::{PayloadType, Ssrc};
use crate::params::{RtpMapping, RtpParameters};
use crate::streams::{
    ExtendedSeq, KeyFrameRequests, PacketStore, ReceiveStream, ReceiveStreamParams, StoreLimits,
};
use crate::time::Instant;

use super::codecs::ReceiveCodec;

/// One stream of a producer: its reception, its stored packets and its key-frame requests.
pub(crate) struct ProducerStream {
    /// Which of the producer's encodings.
    pub(crate) encoding: usize,
    /// Names it to consumers.
    pub(crate) mapped_ssrc: Ssrc,
    pub(crate) codec: ReceiveCodec,
    pub(crate) receive: ReceiveStream,
    pub(crate) store: PacketStore,
    pub(crate) feedback: Feedback,
    /// The SSRC of retransmissions whose place another has taken.
    pub(super) replaced_rtx: Option<Ssrc>,
    key_frames: KeyFrameRequests,
    /// A request for a key frame waits to be sent.
    key_frame_due: bool,
    fir_sequence_number: u8,
}

/// The feedback that was negotiated for a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Feedback {
    pub(crate) nack: bool,
    pub(crate) pli: bool,
    pub(crate) fir: bool,
    pub(crate) dtx: bool,
    pub(crate) in_band_fec: bool,
}

/// A packet that waits for fan-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// Which of the producer's streams.
    pub(crate) stream: u8,
    /// Which packet of its store.
    pub(crate) seq: ExtendedSeq,
    /// The source restarted its numbering with it.
    pub(crate) restarted: bool,
    /// The stream had fallen silent before it.
    pub(crate) reactivated: bool,
}

impl Feedback {
    /// The negotiated feedback of the codec at `index` of the parameters, and the encoding's DTX.
    pub(crate) fn new(parameters: &RtpParameters, index: usize, encoding: usize) -> Self {
        let codec = &parameters.codecs[index];
        let dtx = parameters
            .encodings
            .get(encoding)
            .is_some_and(|encoding| encoding.dtx);
        Self {
            nack: codec.has_feedback("nack", ""),
            pli: codec.has_feedback("nack", "pli"),
            fir: codec.has_feedback("ccm", "fir"),
            dtx: dtx || codec.integer("usedtx") == Some(1),
            in_band_fec: codec.integer("useinbandfec") == Some(1),
        }
    }
}

impl ProducerStream {
    pub(super) fn new(
        encoding: usize,
        ssrc: Ssrc,
        parameters: &RtpParameters,
        mapping: &RtpMapping,
        codec: ReceiveCodec,
        key_frame_request_delay: Duration,
    ) -> Self {
        let feedback = Feedback::new(parameters, codec.index, encoding);
        let rtx_ssrc = parameters.encodings[encoding].rtx_ssrc;
        let is_video =
            crate::params::Codec::from_mime_type(&parameters.codecs[codec.index].mime_type)
                .is_some_and(|(kind, _)| kind == crate::params::MediaKind::Video);
        let params = ReceiveStreamParams {
            ssrc,
            payload_type: codec.payload_type,
            clock_rate: parameters.codecs[codec.index].clock_rate,
            rtx: rtx_ssrc.zip(codec.rtx_payload_type),
            nack: feedback.nack,
            inactivity: Some(if feedback.dtx {
                ReceiveStreamParams::INACTIVITY_WITH_DTX
            } else {
                ReceiveStreamParams::INACTIVITY
            }),
        };
        Self {
            encoding,
            mapped_ssrc: mapping.encodings[encoding].mapped_ssrc,
            codec,
            receive: ReceiveStream::new(params),
            store: PacketStore::new(if is_video {
                StoreLimits::VIDEO
            } else {
                StoreLimits::AUDIO
            }),
            feedback,
            replaced_rtx: None,
            key_frames: KeyFrameRequests::new(key_frame_request_delay),
            key_frame_due: false,
            fir_sequence_number: 0,
        }
    }

    /// Whether `ssrc` is its RTX stream.
    pub(crate) fn is_rtx(&self, ssrc: Ssrc) -> bool {
        self.receive
            .params()
            .rtx
            .is_some_and(|(rtx, _)| rtx == ssrc)
    }

    /// A subscriber has lost the picture.
    pub(super) fn picture_lost(&mut self, now: Instant) {
        self.key_frame_due |= self.key_frames.picture_lost(now);
    }

    /// Somebody needs a key frame.
    pub(crate) fn need_key_frame(&mut self, now: Instant) {
        self.key_frame_due |= self.key_frames.need(now);
    }

    /// The stream begins: its first packets may have been lost.
    pub(super) fn force_key_frame(&mut self, now: Instant) {
        self.key_frame_due |= self.key_frames.force(now);
    }

    pub(super) fn handle_key_frame(&mut self) {
        self.key_frames.handle_key_frame();
        self.key_frame_due = false;
    }

    pub(super) fn pause(&mut self) {
        self.receive.pause();
        self.key_frames.reset();
        self.key_frame_due = false;
        self.store.clear();
    }

    /// Does what is due: repeated key-frame requests, silence. Returns whether its score changed.
    pub(crate) fn handle_timeout(
        &mut self,
        now: Instant,
        somebody_waits: impl FnOnce() -> bool,
    ) -> bool {
        self.key_frame_due |= self.key_frames.handle_timeout(now, somebody_waits);
        self.receive.handle_inactivity(now)
    }

    /// How to ask for a key frame now, if one is needed. [`ProducerStream::handle_timeout`] repeats
    /// the request.
    pub(crate) fn take_key_frame_request(&mut self) -> Option<KeyFrameRequest> {
        if !std::mem::take(&mut self.key_frame_due) {
            return None;
        }
        let ssrc = self.receive.params().ssrc;
        tracing::debug!(target: "tureen::rtcp", %ssrc, "a key frame is asked for");
        if self.feedback.pli {
            self.receive.count_pli();
            return Some(KeyFrameRequest::Pli);
        }
        if self.feedback.fir {
            self.receive.count_fir();
            self.fir_sequence_number = self.fir_sequence_number.wrapping_add(1);
            return Some(KeyFrameRequest::Fir(self.fir_sequence_number));
        }
        None
    }

    /// Whether there is something to ask of the publisher now.
    pub(crate) fn has_requests(&self, now: Instant) -> bool {
        self.key_frame_due || self.receive.next_deadline().is_some_and(|at| at <= now)
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.receive
            .next_deadline()
            .into_iter()
            .chain(self.key_frames.next_deadline())
            .min()
    }

    pub(crate) fn payload_type(&self) -> PayloadType {
        self.codec.payload_type
    }
}

/// How to ask for a key frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyFrameRequest {
    /// RFC 4585 §6.3.1.
    Pli,
    /// RFC 5104 §4.3.1, with its command sequence number.
    Fir(u8),
}
