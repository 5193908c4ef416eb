//! What the fuzz target looks for, on frames that are almost sound.

use std::fs;

use tureen_channel_fbs::fuzz_frames;

use crate::data;

#[test]
fn mutated_golden_frames_are_read_or_refused() {
    let frames = golden_frames();
    assert!(frames.len() >= 20);
    let mut random = XorShift(0x7573_6572_7475_7265);
    for _ in 0..4000 {
        fuzz_frames(&mutated(&frames, &mut random));
    }
}

#[test]
fn every_byte_of_a_frame_may_be_wrong() {
    for frame in golden_frames() {
        for position in 0..frame.len() {
            for wrong in [0, 1, 0x7f, 0xff, frame[position].wrapping_add(1)] {
                let mut input = vec![255];
                input.extend(&frame);
                input[1 + position] = wrong;
                fuzz_frames(&input);
            }
        }
    }
}

/// An input of the fuzz target: the size of its steps, then one to three frames, damaged.
fn mutated(frames: &[Vec<u8>], random: &mut XorShift) -> Vec<u8> {
    let mut input = vec![random.byte()];
    for _ in 0..=random.below(2) {
        input.extend(&frames[random.below(frames.len())]);
    }
    for _ in 0..=random.below(6) {
        let position = random.below(input.len());
        match random.below(4) {
            0 => input[position] = random.byte(),
            1 => input[position] ^= 1 << random.below(8),
            2 => input.truncate(position.max(1)),
            _ => {
                let end = (position + random.below(32)).min(input.len());
                input.copy_within(position..end, 0);
            }
        }
    }
    input
}

/// What the npm package wrote and what we wrote.
fn golden_frames() -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    for directory in ["frames", "frames/written"] {
        let entries = fs::read_dir(data(directory)).expect("the golden frames are there");
        paths.extend(entries.map(|entry| entry.expect("an entry").path()));
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "bin"));
    paths.sort();
    paths
        .iter()
        .map(|path| fs::read(path).expect("a golden frame"))
        .collect()
}

/// Marsaglia's xorshift with 64 bits of state: the same sequence in every run.
struct XorShift(u64);

impl XorShift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("a small bound");
        usize::try_from(self.next() % bound).expect("below a usize")
    }
}
