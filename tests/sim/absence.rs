//! A subscriber whose network goes away and comes back, with the same keys: it sees no gap, gets a
//! key frame, and no packet index of SRTP ever goes back.

use std::time::Duration;

use tureen_tests::link::{LinkConfig, Loss};
use tureen_tests::media::{Camera, Stamp};
use tureen_tests::parameters::VP8;
use tureen_tests::puppet::{Puppet, rtp};
use tureen_tests::stage::{self, FACE, watched};
use tureen_tests::world::World;
use tureen_worker::internal::ids::{PayloadType, Ssrc};
use tureen_worker::internal::messages::{RequestBody, ResponseBody};
use tureen_worker::internal::params::IceState;
use tureen_worker::internal::time::Instant;
use tureen_worker::internal::wire::rtcp::{RtcpPacket, RtcpPackets};
use tureen_worker::internal::wire::rtp::{RtpHeader, RtpPacket};

const SECOND: Duration = Duration::from_secs(1);

/// Puppet 0's camera, in the test's hands: one packet is one frame.
struct Publisher {
    camera: Camera,
    sequence_number: u16,
    timestamp: u32,
}

impl Publisher {
    fn send(&mut self, world: &mut World<Puppet>, packets: u32) {
        for sent in 0..packets {
            for payload in self.camera.next_frame() {
                let header = RtpHeader {
                    marker: true,
                    payload_type: PayloadType(VP8),
                    sequence_number: self.sequence_number,
                    timestamp: self.timestamp,
                    ssrc: Ssrc(FACE.ssrc),
                };
                self.sequence_number = self.sequence_number.wrapping_add(1);
                self.timestamp = self.timestamp.wrapping_add(300);
                world.act(0, |puppet| puppet.send_rtp(&rtp(header, &payload)));
            }
            if sent % 100 == 99 {
                world.run_for(Duration::from_millis(1));
            }
        }
        world.run_for(Duration::from_millis(100));
    }
}

fn ice_state(world: &mut World<Puppet>) -> IceState {
    match world.request("puppet-1", RequestBody::TransportDump) {
        Ok(ResponseBody::WebRtcTransportDump(dump)) => dump.ice_state,
        other => panic!("no dump: {other:?}"),
    }
}

/// What puppet 1 was sent of the picture since the last time: sequence numbers and key frames.
fn pictures(world: &mut World<Puppet>) -> Vec<(u16, bool)> {
    let seen = std::mem::take(&mut world.peer_mut(1).rtp);
    let view = |(_, packet): &(Instant, Vec<u8>)| {
        let view = RtpPacket::new_checked(packet).ok()?;
        let is_picture = view.ssrc() == Ssrc(watched(1, FACE).ssrc);
        let is_key = Stamp::read(view.payload())?.is_key;
        is_picture.then_some((view.sequence_number(), is_key))
    };
    seen.iter().filter_map(view).collect()
}

fn key_frame_requests(world: &mut World<Puppet>) -> usize {
    let heard = std::mem::take(&mut world.peer_mut(0).rtcp);
    let is_pli = |packet: &RtcpPacket<'_>| matches!(packet, RtcpPacket::Pli(_));
    let requests =
        |(_, compound): &(Instant, Vec<u8>)| RtcpPackets::new(compound).filter(is_pli).count();
    heard.iter().map(requests).sum()
}

/// The source goes on by `missed` packets while puppet 1 is away.
fn leave_and_return(seed: u8, missed: u32) {
    let mut world = stage::with_watchers(seed, 1, None);
    world.run_for(SECOND);
    let mut publisher = Publisher {
        camera: Camera::new(1, 40),
        sequence_number: 60_000,
        timestamp: 1,
    };
    // Enough for the outgoing numbers to have wrapped once, wherever they began.
    publisher.send(&mut world, 66_000);
    let before = pictures(&mut world);
    assert_eq!(before.len(), 66_000);
    let last = before.last().unwrap().0;
    key_frame_requests(&mut world);

    let gone = LinkConfig {
        loss: Loss::Random(1.0),
        ..LinkConfig::default()
    };
    world.set_link(1, gone, gone, 1);
    world.run_for(40 * SECOND);
    assert_eq!(ice_state(&mut world), IceState::Disconnected);
    publisher.send(&mut world, missed);
    assert_eq!(
        key_frame_requests(&mut world),
        0,
        "nobody is there to see one"
    );

    world.set_link(1, LinkConfig::default(), LinkConfig::default(), 2);
    world.run_for(6 * SECOND);
    assert_eq!(ice_state(&mut world), IceState::Completed);
    assert!(
        key_frame_requests(&mut world) >= 1,
        "the return is a beginning"
    );
    publisher.camera.want_key_frame();
    publisher.send(&mut world, 1000);
    let after = pictures(&mut world);
    assert_eq!(after.len(), 1000, "every packet is protected and sent");
    assert_eq!(
        after[0],
        (last.wrapping_add(1), true),
        "no gap, and a key frame first"
    );
}

#[test]
fn a_short_absence_leaves_no_gap() {
    leave_and_return(1, 100);
}

/// Read as sequence numbers of 16 bits, a leap of more than half their range is one backwards.
#[test]
fn an_absence_of_more_than_half_the_sequence_numbers_goes_on_at_once() {
    leave_and_return(2, 40_000);
    leave_and_return(3, 65_000);
}
