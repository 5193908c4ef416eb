//! One stream that a consumer sends, with all state of this stream alone.

use std::collections::VecDeque;

use crate::ids::Ssrc;
use crate::srtp::StreamIndex;
use crate::streams::{ProtectedLog, SendStream};
use crate::wire::rtcp::LostPackets;

use super::munger::SequenceMunger;

/// An outgoing stream of a consumer.
pub(crate) struct Outgoing {
    /// The mapped SSRC of the producer's encoding that it carries.
    pub(crate) mapped_ssrc: Ssrc,
    pub(crate) stream: SendStream,
    /// Where the SRTP session keeps the media stream, and the RTX stream.
    pub(crate) srtp: StreamIndex,
    pub(crate) srtp_rtx: StreamIndex,
    /// The packets as they were sent, if the receiver may ask for them without an RTX stream.
    pub(crate) protected: Option<ProtectedLog>,
    pub(super) munger: SequenceMunger,
    /// Sequence numbers that the receiver misses and that will be sent again.
    pub(super) nacked: VecDeque<u16>,
}

impl Outgoing {
    /// A stream that has sent nothing yet; `last_out` is the sequence number before its first.
    pub(super) fn new(
        mapped_ssrc: Ssrc,
        stream: SendStream,
        serves_nacks_without_rtx: bool,
        last_out: u16,
    ) -> Self {
        Self {
            mapped_ssrc,
            stream,
            srtp: StreamIndex::default(),
            srtp_rtx: StreamIndex::default(),
            protected: serves_nacks_without_rtx.then(ProtectedLog::new),
            munger: SequenceMunger::new(last_out),
            nacked: VecDeque::new(),
        }
    }

    /// Nothing that was sent is sent again.
    pub(super) fn forget_sent(&mut self) {
        self.stream.forget_sent();
        self.nacked.clear();
        if let Some(protected) = &mut self.protected {
            protected.clear();
        }
    }

    /// Records a NACK. No more than the cap is kept, because no honest peer asks for so much at
    /// once.
    pub(super) fn handle_nack(&mut self, lost: LostPackets<'_>) -> Nacked {
        let (asked, before) = (lost.clone().count(), self.nacked.len());
        self.stream.count_nack(asked);
        self.nacked.extend(lost.take(MAX_NACKED - before));
        let taken = self.nacked.len() - before;
        Nacked {
            taken,
            refused: asked - taken,
        }
    }
}

/// What became of the packets that a NACK asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Nacked {
    /// These will be sent again.
    pub(crate) taken: usize,
    /// These are too many.
    pub(crate) refused: usize,
}

/// How many sequence numbers wait to be sent again.
const MAX_NACKED: usize = 256;
