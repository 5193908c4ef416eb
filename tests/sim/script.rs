//! Does what the fuzz target `call` does, with random scripts: sound packets of existing streams,
//! more or less damaged, in any order.

use tureen_tests::chance::Chance;
use tureen_tests::media::Camera;
use tureen_tests::parameters::VP8;
use tureen_tests::puppet::{pli, rtp};
use tureen_tests::script::play;
use tureen_tests::stage::{FACE, watched};
use tureen_worker::internal::ids::{PayloadType, Ssrc};
use tureen_worker::internal::wire::rtp::RtpHeader;

#[test]
fn no_script_ends_a_call() {
    let mut chance = Chance::new(1);
    for _ in 0..150 {
        play(&script(&mut chance));
    }
}

fn script(chance: &mut Chance) -> Vec<u8> {
    let mut camera = Camera::new(2, 60);
    let mut script = Vec::new();
    for sequence_number in 0..chance.below(80) {
        let header = RtpHeader {
            marker: true,
            payload_type: PayloadType(VP8),
            sequence_number: u16::try_from(sequence_number).unwrap(),
            timestamp: 3000,
            ssrc: Ssrc(FACE.ssrc),
        };
        let mut bytes = match chance.below(4) {
            0 => pli(watched(1, FACE).ssrc),
            1 => {
                let len = chance.below(60);
                chance.bytes(len)
            }
            _ => rtp(header, &camera.next_frame()[0]),
        };
        for _ in 0..chance.below(4) {
            if !bytes.is_empty() {
                let at = chance.below(bytes.len());
                bytes[at] ^= 1 << chance.below(8);
            }
        }
        script.push(u8::try_from(chance.below(8)).unwrap());
        script.push(u8::try_from(bytes.len()).unwrap());
        script.extend(bytes);
    }
    script
}
