//! Feedback to a publisher about the path of its packets: when each came, or how much it may send.

use std::time::Duration;

use crate::bwe::{ArrivalLog, ReceiveSideEstimator};
use crate::ids::Ssrc;
use crate::params::RtpParameters;
use crate::producer::PacketNames;
use crate::time::Instant;
use crate::wire::ext::{AbsSendTime, TransportWideSequenceNumber, token};
use crate::wire::extension_ids::RecvExtensionIds;
use crate::wire::rtp::RtpPacket;

/// Feedback about a transport's incoming packets as a whole, of the kind that was negotiated.
#[derive(Debug, Default)]
pub(crate) struct PathFeedback {
    /// Present once a producer negotiated transport-wide feedback.
    pub(crate) arrivals: Option<ArrivalLog>,
    /// Present once a producer has negotiated REMB and no producer transport-wide feedback.
    pub(crate) estimator: Option<ReceiveSideEstimator>,
    /// A stream that transport-wide feedback is sent under.
    pub(crate) media_ssrc: Option<Ssrc>,
}

impl PathFeedback {
    /// Takes over what a new producer negotiated.
    pub(crate) fn negotiate(
        &mut self,
        parameters: &RtpParameters,
        ids: RecvExtensionIds,
        max_bitrate: Option<u64>,
    ) {
        let negotiated = |kind: &str| {
            parameters
                .codecs
                .iter()
                .any(|codec| codec.has_feedback(kind, ""))
        };
        if negotiated("transport-cc") && ids.transport_wide_cc != 0 {
            self.arrivals.get_or_insert_default();
            self.estimator = None;
        } else if negotiated("goog-remb") && ids.abs_send_time != 0 && self.arrivals.is_none() {
            self.estimator.get_or_insert_with(ReceiveSideEstimator::new);
            self.set_max_bitrate(max_bitrate);
        }
    }

    /// Limits what the publisher is told.
    pub(crate) fn set_max_bitrate(&mut self, max_bitrate: Option<u64>) {
        if let Some(estimator) = &mut self.estimator {
            estimator.set_max_bitrate(max_bitrate);
        }
    }

    /// Sets the round trip to the publisher.
    pub(crate) fn set_rtt(&mut self, rtt: Duration) {
        if let Some(estimator) = &mut self.estimator {
            estimator.set_rtt(rtt);
        }
    }

    /// Records an authenticated packet and returns the names in its extensions.
    pub(crate) fn note(
        &mut self,
        now: Instant,
        at: Instant,
        ids: RecvExtensionIds,
        packet: &RtpPacket<'_>,
    ) -> PacketNames {
        let mut names = PacketNames::default();
        for extension in packet.extensions() {
            match extension.id {
                id if id == ids.transport_wide_cc => {
                    let number = TransportWideSequenceNumber::parse(extension.value);
                    if let (Some(arrivals), Some(number)) = (&mut self.arrivals, number) {
                        arrivals.handle_packet(now, number.0, at);
                        self.media_ssrc = Some(packet.ssrc());
                    }
                }
                id if id == ids.abs_send_time => {
                    let sent = AbsSendTime::parse(extension.value);
                    if let (Some(estimator), Some(sent)) = (&mut self.estimator, sent) {
                        estimator.handle_packet(at, sent.ticks(), packet.bytes().len());
                    }
                }
                id if id == ids.mid => names.mid = token(extension.value),
                id if id == ids.rid => names.rid = token(extension.value),
                id if id == ids.repaired_rid => names.repaired_rid = token(extension.value),
                _ => {}
            }
        }
        names
    }

    /// When there is something to tell.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let arrivals = self.arrivals.as_ref().and_then(ArrivalLog::next_deadline);
        let estimate = self
            .estimator
            .as_ref()
            .and_then(ReceiveSideEstimator::next_deadline);
        arrivals.into_iter().chain(estimate).min()
    }

    /// Our own estimate of what the publisher may send, in bits per second.
    pub(crate) fn estimate(&self) -> Option<u64> {
        self.estimator
            .as_ref()
            .and_then(ReceiveSideEstimator::estimate)
    }
}
