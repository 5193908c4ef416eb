//! Synthetic media: VP8 frames and Opus packets that carry a stamp instead of pictures and sound. A
//! viewer decodes what it can of them, as a player would.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tureen_worker::internal::time::Instant;

/// A camera with an encoder: frames of VP8 in packets (RFC 7741).
#[derive(Clone, Debug)]
pub struct Camera {
    packets_per_frame: u8,
    packet_len: usize,
    frame: u32,
    key_frame_wanted: bool,
    /// Key frames made so far.
    pub key_frames: u32,
}

impl Camera {
    /// A camera whose frames have `packets_per_frame` packets with payloads of `packet_len` bytes,
    /// at least [`STAMPED_LEN`].
    #[must_use]
    pub const fn new(packets_per_frame: u8, packet_len: usize) -> Self {
        Self {
            packets_per_frame,
            packet_len,
            frame: 0,
            key_frame_wanted: true,
            key_frames: 0,
        }
    }

    /// Makes the next frame a key frame.
    pub const fn want_key_frame(&mut self) {
        self.key_frame_wanted = true;
    }

    /// The next frame, payload by payload.
    pub fn next_frame(&mut self) -> Vec<Vec<u8>> {
        let is_key = std::mem::take(&mut self.key_frame_wanted);
        self.key_frames += u32::from(is_key);
        let frame = self.frame;
        self.frame += 1;
        (0..self.packets_per_frame)
            .map(|index| {
                let stamp = Stamp {
                    frame,
                    index,
                    count: self.packets_per_frame,
                    is_key,
                };
                stamp.payload(self.packet_len)
            })
            .collect()
    }
}

/// What a payload says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The number of the frame.
    pub frame: u32,
    /// The number of the packet in the frame.
    pub index: u8,
    /// How many packets the frame has.
    pub count: u8,
    /// Whether it is a key frame.
    pub is_key: bool,
}

impl Stamp {
    fn payload(self, len: usize) -> Vec<u8> {
        let [_, _, high, low] = self.frame.to_be_bytes();
        let mut payload = Vec::with_capacity(len);
        // X, and S on the first packet; then I, L and T with what they announce.
        payload.push(0x80 | if self.index == 0 { 0x10 } else { 0 });
        payload.push(0xe0);
        payload.extend([0x80 | (high & 0x7f), low, low, 0]);
        // The frame header's first bit is the inverse key frame flag (RFC 6386 §9.1).
        payload.push(u8::from(!self.is_key));
        payload.extend(self.frame.to_be_bytes());
        payload.extend([self.index, self.count]);
        payload.resize(len.max(STAMPED_LEN), self.index);
        payload
    }

    /// Reads what [`Camera::next_frame`] wrote; `None` for anything else.
    #[must_use]
    pub fn read(payload: &[u8]) -> Option<Self> {
        let stamp = payload.get(6..STAMPED_LEN)?;
        let (frame, rest) = stamp[1..].split_first_chunk::<4>()?;
        Some(Self {
            frame: u32::from_be_bytes(*frame),
            index: rest[0],
            count: rest[1],
            is_key: stamp[0] & 1 == 0,
        })
        .filter(|stamp| stamp.index < stamp.count)
    }
}

/// A player with almost no buffer. It decodes frames in order, waits a while for an incomplete one,
/// and then asks for a key frame.
#[derive(Debug, Default)]
pub struct Viewer {
    frames: BTreeMap<u32, Frame>,
    /// The frame that is to be decoded next; `None` until a key frame came.
    next: Option<u32>,
    last_progress: Option<Instant>,
    last_asked: Option<Instant>,
    /// Packets, each once.
    pub packets: u64,
    /// Packets that had come already.
    pub duplicates: u64,
    /// Frames that were shown.
    pub decoded: u64,
    /// Frames that were given up because a key frame came first.
    pub skipped: u64,
    /// Key frames that were asked for.
    pub asked: u64,
    /// The first frame that was decoded.
    pub first: Option<u32>,
    /// The longest that the picture stood still.
    pub longest_freeze: Duration,
}

#[derive(Debug, Default)]
struct Frame {
    indices: BTreeSet<u8>,
    count: u8,
    is_key: bool,
}

impl Frame {
    fn is_complete(&self) -> bool {
        self.indices.len() == usize::from(self.count)
    }
}

impl Viewer {
    /// Takes the payload of one packet.
    ///
    /// # Panics
    ///
    /// If a [`Camera`] did not make it, because then media was damaged on the way.
    pub fn handle(&mut self, now: Instant, payload: &[u8]) {
        let stamp = Stamp::read(payload).expect("payloads arrive as they were sent");
        assert_eq!(payload, stamp.payload(payload.len()), "to the last byte");
        if self.next.is_some_and(|next| stamp.frame < next) {
            self.duplicates += 1;
            return;
        }
        self.last_progress.get_or_insert(now);
        let frame = self.frames.entry(stamp.frame).or_default();
        (frame.count, frame.is_key) = (stamp.count, stamp.is_key);
        if frame.indices.insert(stamp.index) {
            self.packets += 1;
        } else {
            self.duplicates += 1;
        }
        self.decode(now);
    }

    /// Whether to ask for a key frame now; asking counts.
    pub fn wants_key_frame(&mut self, now: Instant) -> bool {
        let stuck_since = self.last_progress.unwrap_or(now);
        let is_stuck = !self.frames.is_empty() && now.since(stuck_since) > PATIENCE;
        let may_ask = self.last_asked.is_none_or(|at| now.since(at) > PATIENCE);
        if is_stuck && may_ask {
            self.last_asked = Some(now);
            self.asked += 1;
        }
        is_stuck && may_ask
    }

    /// Forgets what it waits for: what follows is no continuation.
    pub fn interrupt(&mut self) {
        self.frames.clear();
        self.next = None;
        self.last_progress = None;
    }

    /// Whether it has begun to decode.
    #[must_use]
    pub const fn is_playing(&self) -> bool {
        self.next.is_some()
    }

    fn decode(&mut self, now: Instant) {
        loop {
            let is_next = |number: &u32| self.next == Some(*number);
            let ready = self
                .frames
                .iter()
                .find(|(number, frame)| frame.is_complete() && (is_next(number) || frame.is_key));
            let Some(number) = ready.map(|(number, _)| *number) else {
                return;
            };
            if let Some(next) = self.next {
                self.skipped += u64::from(number - next);
            }
            self.frames.retain(|other, _| *other > number);
            self.first.get_or_insert(number);
            self.next = Some(number + 1);
            self.decoded += 1;
            if let Some(last) = self.last_progress.replace(now) {
                self.longest_freeze = self.longest_freeze.max(now.since(last));
            }
        }
    }
}

/// Which of a source's packets came, by the number that each carries.
#[derive(Debug, Default)]
pub struct Listener {
    heard: BTreeSet<u32>,
    /// Packets that had come already.
    pub duplicates: u64,
}

impl Listener {
    /// Takes the payload of one packet that [`opus_payload`] made.
    ///
    /// # Panics
    ///
    /// When it is damaged.
    pub fn handle(&mut self, payload: &[u8]) {
        let number = payload[1..].first_chunk().expect("payloads arrive whole");
        let number = u32::from_be_bytes(*number);
        assert_eq!(payload, opus_payload(number), "to the last byte");
        self.duplicates += u64::from(!self.heard.insert(number));
    }

    /// How many packets came, each once.
    #[must_use]
    pub fn packets(&self) -> usize {
        self.heard.len()
    }

    /// How many packets were sent between the first and the last that came.
    #[must_use]
    pub fn span(&self) -> usize {
        match (self.heard.first(), self.heard.last()) {
            (Some(first), Some(last)) => (last - first + 1) as usize,
            _ => 0,
        }
    }
}

/// A packet of Opus with a number in it.
#[must_use]
pub fn opus_payload(number: u32) -> Vec<u8> {
    let mut payload = vec![0x78];
    payload.extend(number.to_be_bytes());
    payload.resize(80, (number & 0xff) as u8);
    payload
}

/// Bytes of a video payload up to the end of its stamp.
pub const STAMPED_LEN: usize = 13;
/// How long a viewer waits for the rest of a frame.
const PATIENCE: Duration = Duration::from_millis(600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_decodes_in_order_and_starts_again_at_a_key_frame() {
        let mut camera = Camera::new(3, 100);
        let mut viewer = Viewer::default();
        let now = Instant::from_millis;
        let first = camera.next_frame();
        let second = camera.next_frame();
        // The second frame's packets come before the first is whole.
        for payload in [&first[0], &second[0], &second[1], &second[2], &first[2]] {
            viewer.handle(now(0), payload);
        }
        assert!(!viewer.is_playing());
        viewer.handle(now(10), &first[1]);
        viewer.handle(now(10), &first[1]);
        assert_eq!(
            (viewer.decoded, viewer.packets, viewer.duplicates),
            (2, 6, 1)
        );
        // The third frame loses a packet for good. After a while the viewer asks for a key frame,
        // once.
        for payload in &camera.next_frame()[..2] {
            viewer.handle(now(20), payload);
        }
        assert!(!viewer.wants_key_frame(now(500)));
        assert!(viewer.wants_key_frame(now(700)));
        assert!(!viewer.wants_key_frame(now(800)));
        camera.want_key_frame();
        camera
            .next_frame()
            .iter()
            .for_each(|p| viewer.handle(now(900), p));
        assert_eq!((viewer.decoded, viewer.skipped, viewer.asked), (3, 1, 1));
        assert_eq!(viewer.longest_freeze, Duration::from_millis(890));
    }
}
