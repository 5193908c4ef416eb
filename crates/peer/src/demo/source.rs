//! The demo without clock or socket: it says which packet is due when.

use std::{sync::Arc, time::Duration};

use super::{
    DemoMedia,
    stream::{ExtensionIds, RtpStream, SendStamp, StreamConfig},
};
use crate::{
    rtcp::{Goodbye, RtcpError, RtcpPacket, SourceDescription, parse_compound, write_compound},
    rtp::{PictureId, SequenceNumber, Ssrc, is_vp8_key_frame, packetize_vp8},
};

/// What a [`DemoSource`] sends and how.
#[derive(Debug, Clone)]
pub struct DemoConfig {
    /// The picture as VP8 on a clock of 90 kHz; not sent when absent.
    pub video: Option<StreamConfig>,
    /// The tone as Opus on a clock of 48 kHz; not sent when absent.
    pub audio: Option<StreamConfig>,
    /// Identifiers of header extensions, common to both.
    pub extensions: ExtensionIds,
    /// Canonical name in source descriptions (RFC 3550 §6.5.1), at most 255 octets.
    pub cname: String,
    /// Largest RTP payload of a video packet, 5 to 65000 octets; 1100 leaves room for headers and
    /// SRTP in 1200.
    pub max_payload: usize,
    /// Wall clock at the start, NTP format: seconds since 1900 in the upper half.
    pub start_ntp: u64,
}

/// A packet to protect and send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// RTP
    Rtp(Vec<u8>),
    /// RTCP, compound
    Rtcp(Vec<u8>),
}

/// What was sent and asked for so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DemoStats {
    /// Pictures, key frames included.
    pub pictures: u64,
    /// Key frames: one per round of the loop, and one per honoured request.
    pub key_frames: u64,
    /// Frames of audio.
    pub audio_frames: u64,
    /// Packets sent again.
    pub retransmissions: u64,
    /// PLI and new FIR received for the picture.
    pub key_frame_requests: u64,
}

/// The demo without clock or socket: times are durations since its start.
///
/// Inputs are [`handle_timeout`](Self::handle_timeout), at or after
/// [`poll_timeout`](Self::poll_timeout), and [`handle_rtcp`](Self::handle_rtcp), at any time; both
/// append what is to be sent, in order. Calling `handle_timeout` early does nothing.
pub struct DemoSource {
    media: Arc<DemoMedia>,
    config: DemoConfig,
    video: Option<Video>,
    audio: Option<Audio>,
    next_report: Duration,
    next_transport_sequence: SequenceNumber,
    stats: DemoStats,
}

struct Video {
    stream: RtpStream,
    /// The place in the loop of the next picture.
    position: usize,
    sent: u32,
    due: Duration,
    picture_id: PictureId,
    last_fir: Option<u8>,
}

struct Audio {
    stream: RtpStream,
    position: usize,
    sent: u32,
    due: Duration,
}

impl DemoSource {
    /// Makes a source. Its first frames and its first report are due at once.
    pub fn new(media: Arc<DemoMedia>, config: DemoConfig) -> Self {
        let extensions = config.extensions;
        let video = config.video.clone().map(|stream| Video {
            stream: RtpStream::new(stream, extensions, false),
            position: 0,
            sent: 0,
            due: Duration::ZERO,
            picture_id: PictureId::new(1),
            last_fir: None,
        });
        let audio = config.audio.clone().map(|stream| Audio {
            stream: RtpStream::new(stream, extensions, true),
            position: 0,
            sent: 0,
            due: Duration::ZERO,
        });
        Self {
            media,
            config,
            video,
            audio,
            next_report: Duration::ZERO,
            next_transport_sequence: SequenceNumber(0),
            stats: DemoStats::default(),
        }
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Duration {
        let video = self.video.as_ref().map(|video| video.due);
        let audio = self.audio.as_ref().map(|audio| audio.due);
        let frames = video.into_iter().chain(audio).min();
        frames.map_or(self.next_report, |due| due.min(self.next_report))
    }

    /// Appends every frame and report that is due at `now`.
    pub fn handle_timeout(&mut self, now: Duration, out: &mut Vec<Outgoing>) {
        while self.video.as_ref().is_some_and(|video| video.due <= now) {
            self.send_picture(now, out);
        }
        while self.audio.as_ref().is_some_and(|audio| audio.due <= now) {
            self.send_tone(now, out);
        }
        if self.next_report <= now {
            self.next_report = now + REPORT_INTERVAL;
            out.push(Outgoing::Rtcp(self.sender_reports(now)));
        }
    }

    /// Answers NACK with retransmissions at once, and PLI and FIR with a key frame at the next
    /// picture.
    ///
    /// # Errors
    /// The compound is not RTCP.
    pub fn handle_rtcp(
        &mut self,
        now: Duration,
        compound: &[u8],
        out: &mut Vec<Outgoing>,
    ) -> Result<(), RtcpError> {
        for packet in parse_compound(compound)? {
            match packet {
                RtcpPacket::Nack(nack) => {
                    for lost in nack.lost {
                        self.retransmit(nack.media, lost, now, out);
                    }
                }
                RtcpPacket::PictureLossIndication(pli) => self.request_key_frame(pli.media, None),
                RtcpPacket::FullIntraRequest(fir) => {
                    self.request_key_frame(fir.media, Some(fir.sequence_number));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The packet that ends the streams (RFC 3550 §6.6).
    pub fn goodbye(&self, now: Duration) -> Outgoing {
        let mut packets = self.report_packets(now);
        let ssrcs = self.streams().map(|(stream, _)| stream.ssrc()).collect();
        packets.push(RtcpPacket::Goodbye(Goodbye { ssrcs }));
        Outgoing::Rtcp(write_compound(&packets))
    }

    /// What was sent so far.
    pub fn stats(&self) -> DemoStats {
        self.stats
    }

    fn send_picture(&mut self, now: Duration, out: &mut Vec<Outgoing>) {
        let Some(mut video) = self.video.take() else {
            return;
        };
        let media = Arc::clone(&self.media);
        let frame = &media.picture[video.position];
        let ticks = ticks(media.frame_interval * video.sent, VIDEO_CLOCK);
        let payloads = packetize_vp8(frame, video.picture_id, self.config.max_payload);
        let last = payloads.len() - 1;
        for (index, payload) in payloads.into_iter().enumerate() {
            let stamp = self.stamp(now);
            let packet = video.stream.packet(payload, ticks, index == last, stamp);
            out.push(Outgoing::Rtp(packet));
        }
        self.stats.pictures += 1;
        self.stats.key_frames += u64::from(is_vp8_key_frame(frame));
        video.picture_id = video.picture_id.next();
        video.position = (video.position + 1) % media.picture.len();
        (video.sent, video.due) = next_frame(video.sent, media.frame_interval, now);
        self.video = Some(video);
    }

    fn send_tone(&mut self, now: Duration, out: &mut Vec<Outgoing>) {
        let Some(mut audio) = self.audio.take() else {
            return;
        };
        let payload = self.media.tone[audio.position].clone();
        let ticks = ticks(TONE_INTERVAL * audio.sent, AUDIO_CLOCK);
        let stamp = self.stamp(now);
        // "the marker bit is set on the first packet of a talkspurt" (RFC 3551 §4.1).
        let marker = audio.sent == 0;
        out.push(Outgoing::Rtp(
            audio.stream.packet(payload, ticks, marker, stamp),
        ));
        self.stats.audio_frames += 1;
        audio.position = (audio.position + 1) % self.media.tone.len();
        (audio.sent, audio.due) = next_frame(audio.sent, TONE_INTERVAL, now);
        self.audio = Some(audio);
    }

    fn retransmit(
        &mut self,
        media: Ssrc,
        lost: SequenceNumber,
        now: Duration,
        out: &mut Vec<Outgoing>,
    ) {
        let stamp = self.stamp(now);
        let video = self.video.as_mut().map(|video| &mut video.stream);
        let audio = self.audio.as_mut().map(|audio| &mut audio.stream);
        let stream = video
            .into_iter()
            .chain(audio)
            .find(|stream| stream.ssrc() == media);
        if let Some(packet) = stream.and_then(|stream| stream.retransmission(lost, stamp)) {
            self.stats.retransmissions += 1;
            out.push(Outgoing::Rtp(packet));
        } else {
            // The stamped number was not used.
            self.next_transport_sequence = SequenceNumber(stamp.transport_sequence);
        }
    }

    fn request_key_frame(&mut self, media: Ssrc, fir: Option<u8>) {
        let Some(video) = &mut self.video else {
            return;
        };
        // A FIR repeats its sequence number as long as it asks for the same key frame (RFC 5104
        // §4.3.1.2).
        if video.stream.ssrc() != media || (fir.is_some() && fir == video.last_fir) {
            return;
        }
        video.last_fir = fir.or(video.last_fir);
        video.position = 0;
        self.stats.key_frame_requests += 1;
    }

    fn sender_reports(&self, now: Duration) -> Vec<u8> {
        write_compound(&self.report_packets(now))
    }

    fn report_packets(&self, now: Duration) -> Vec<RtcpPacket> {
        let ntp = self.ntp(now);
        let reports = self.streams().map(|(stream, clock)| {
            RtcpPacket::SenderReport(stream.sender_report(ntp, ticks(now, clock)))
        });
        let descriptions = self.streams().map(|(stream, _)| {
            RtcpPacket::SourceDescription(SourceDescription {
                ssrc: stream.ssrc(),
                cname: self.config.cname.clone(),
            })
        });
        reports.chain(descriptions).collect()
    }

    fn streams(&self) -> impl Iterator<Item = (&RtpStream, u32)> {
        let video = self
            .video
            .as_ref()
            .map(|video| (&video.stream, VIDEO_CLOCK));
        let audio = self
            .audio
            .as_ref()
            .map(|audio| (&audio.stream, AUDIO_CLOCK));
        video.into_iter().chain(audio)
    }

    fn stamp(&mut self, now: Duration) -> SendStamp {
        let transport_sequence = self.next_transport_sequence.0;
        self.next_transport_sequence = self.next_transport_sequence.plus(1);
        SendStamp {
            ntp: self.ntp(now),
            transport_sequence,
        }
    }

    fn ntp(&self, now: Duration) -> u64 {
        let fraction = (u64::from(now.subsec_nanos()) << 32) / 1_000_000_000;
        self.config
            .start_ntp
            .wrapping_add(now.as_secs() << 32)
            .wrapping_add(fraction)
    }
}

/// The number of frames and the time of the next one, after `sent` frames and one more that goes
/// out now.
///
/// If nobody called the source for long, it skips what it missed and does not send it in one burst.
/// Timestamps follow the clock.
fn next_frame(sent: u32, interval: Duration, now: Duration) -> (u32, Duration) {
    let next = sent.wrapping_add(1);
    let due = interval * next;
    if due + MAX_LAG >= now {
        return (next, due);
    }
    let skipped = now.as_nanos() / interval.as_nanos().max(1);
    let next = u32::try_from(skipped).unwrap_or(next).saturating_add(1);
    (next, interval * next)
}

/// Ticks of a clock of `rate` Hz in `time`, wrapping.
fn ticks(time: Duration, rate: u32) -> u32 {
    let ticks = time.as_nanos() * u128::from(rate) + 500_000_000;
    let wrapped = (ticks / 1_000_000_000) & u128::from(u32::MAX);
    u32::try_from(wrapped).unwrap_or_default()
}

const VIDEO_CLOCK: u32 = 90_000;
const AUDIO_CLOCK: u32 = 48_000;
const TONE_INTERVAL: Duration = Duration::from_millis(20);
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
const MAX_LAG: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests;
