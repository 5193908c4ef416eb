//! One track that the bot watches: what arrives, and the feedback for it.

use std::time::Duration;

use tureen_peer::receiver::{
    Payload, PayloadKind, Receiver, ReceiverConfig, RtxSource, StreamStats,
};
use tureen_peer::rtp::Ssrc;

use crate::join::description::Section;

/// One track: what arrives of it, and the feedback to the server.
pub(super) struct Watched {
    name: String,
    codec: String,
    ssrc: Ssrc,
    receiver: Receiver,
    /// At the last report, to tell rates from.
    reported: (Duration, StreamStats),
    /// How many packets were missing at the last request, and how many requests there were.
    asked: (u64, u32),
    broken_frames: u64,
}

impl Watched {
    /// Begins to count the stream of a section; `None` if the section has none.
    pub(super) fn new(
        name: String,
        section: &Section,
        feedback_ssrc: Ssrc,
        now: Duration,
    ) -> Option<Self> {
        let (ssrc, rtx) = section.sources()?;
        let payload_type = *section.payload_types().first()?;
        let (codec, clock_rate) = section.encoding(payload_type)?;
        let kind = if codec.eq_ignore_ascii_case("VP8") {
            PayloadKind::Vp8
        } else {
            PayloadKind::Other { clock_rate }
        };
        let rtx = rtx.map(|rtx| RtxSource {
            ssrc: rtx,
            media_ssrc: ssrc,
            media_payload_type: payload_type,
        });
        let receiver = Receiver::new(ReceiverConfig {
            ssrc: feedback_ssrc,
            payloads: vec![Payload { payload_type, kind }],
            rtx: rtx.into_iter().collect(),
            transport_cc: None,
        });
        Some(Self {
            name,
            codec: codec.to_owned(),
            ssrc,
            receiver,
            reported: (now, StreamStats::default()),
            asked: (0, 0),
            broken_frames: 0,
        })
    }

    pub(super) fn handle_rtp(&mut self, now: Duration, packet: &[u8]) {
        if let Err(error) = self.receiver.handle_rtp(now, packet) {
            tracing::debug!(%error, "a packet that cannot be read");
        }
    }

    pub(super) fn handle_rtcp(&mut self, now: Duration, compound: &[u8]) {
        if let Err(error) = self.receiver.handle_rtcp(now, compound) {
            tracing::debug!(%error, "RTCP that cannot be read");
        }
    }

    /// Reports that are due, and requests for what is missing.
    pub(super) fn feedback(&mut self, now: Duration) -> Vec<Vec<u8>> {
        let mut due = Vec::new();
        if self.receiver.poll_timeout() <= now {
            due.extend(self.receiver.handle_timeout(now));
        }
        let Some(stats) = self.receiver.stats(self.ssrc) else {
            return due;
        };
        let (lost, times) = self.asked;
        self.asked = if stats.lost == lost {
            (lost, times.saturating_add(1))
        } else {
            (stats.lost, 1)
        };
        // After so many requests, a packet will not come any more.
        if self.asked.1 <= MAX_NACKS {
            due.extend(self.receiver.nack(self.ssrc));
        }
        if stats.broken_frames > self.broken_frames {
            self.broken_frames = stats.broken_frames;
            due.push(self.receiver.pli(self.ssrc));
        }
        due
    }

    /// One line about what has arrived. Rates are since the last line.
    pub(super) fn report(&mut self, now: Duration) -> String {
        let stats = self.receiver.stats(self.ssrc).unwrap_or_default();
        let (then, before) = std::mem::replace(&mut self.reported, (now, stats.clone()));
        let seconds = now.saturating_sub(then).as_secs_f64().max(0.001);
        let since = |now: u64, then: u64| {
            let more = now.saturating_sub(then);
            f64::from(u32::try_from(more).unwrap_or(u32::MAX))
        };
        let rate = since(stats.bytes, before.bytes) * 8.0 / 1000.0 / seconds;
        let mut line = format!(
            "{} ({}): {} packets, {} lost, {rate:.0} kbit/s",
            self.name, self.codec, stats.packets, stats.lost
        );
        if self.codec.eq_ignore_ascii_case("VP8") {
            let rate = since(stats.frames, before.frames) / seconds;
            line += &format!(
                ", {} frames ({} of them key frames), {rate:.0} frames/s",
                stats.frames, stats.key_frames
            );
        }
        line
    }
}

/// Requests for the same packets; ten of them are a second.
const MAX_NACKS: u32 = 10;

#[cfg(test)]
mod tests {
    use tureen_peer::rtcp::{RtcpPacket, parse_compound};
    use tureen_peer::rtp::{PayloadType, RtpHeader, RtpTimestamp, SequenceNumber};

    use super::*;
    use crate::join::description::Description;

    fn audio() -> Watched {
        let offer = "m=audio 9 UDP/TLS/RTP/SAVPF 100\r\na=mid:0\r\na=rtpmap:100 opus/48000/2\r\n\
            a=ssrc:7 cname:x\r\n";
        let offer = Description::parse(offer).unwrap();
        let name = "Ann, microphone".to_owned();
        Watched::new(name, offer.section("0").unwrap(), Ssrc(1), Duration::ZERO).unwrap()
    }

    fn receive(track: &mut Watched, number: u16) {
        let packet = RtpHeader {
            marker: false,
            payload_type: PayloadType(100),
            sequence_number: SequenceNumber(number),
            timestamp: RtpTimestamp(0),
            ssrc: Ssrc(7),
            extensions: Vec::new(),
        };
        track.handle_rtp(Duration::ZERO, &packet.write(&[0; 125]));
    }

    fn nacks(track: &mut Watched) -> usize {
        let due = track.feedback(Duration::ZERO);
        due.iter()
            .flat_map(|compound| parse_compound(compound).unwrap())
            .filter(|packet| matches!(packet, RtcpPacket::Nack(_)))
            .count()
    }

    #[test]
    fn what_is_missing_is_asked_for_until_it_is_hopeless() {
        let mut track = audio();
        receive(&mut track, 1);
        assert_eq!(nacks(&mut track), 0);
        receive(&mut track, 3);
        let asked: usize = (0..20).map(|_| nacks(&mut track)).sum();
        assert_eq!(asked, 10);
        receive(&mut track, 5);
        assert_eq!(nacks(&mut track), 1);
    }

    #[test]
    fn a_report_counts_and_tells_rates_since_the_last_one() {
        let mut track = audio();
        receive(&mut track, 1);
        receive(&mut track, 3);
        assert_eq!(
            track.report(Duration::from_secs(1)),
            "Ann, microphone (opus): 2 packets, 1 lost, 2 kbit/s"
        );
        assert_eq!(
            track.report(Duration::from_secs(2)),
            "Ann, microphone (opus): 2 packets, 1 lost, 0 kbit/s"
        );
    }
}
