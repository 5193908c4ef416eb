//! How well a call goes at each pair of loss and delay. The table is committed and compared letter
//! by letter, so a change of behaviour shows as a change of numbers. `UPDATE_SNAPSHOTS=1` writes it
//! anew.

use std::fmt::Write;
use std::time::Duration;

use tureen_tests::link::{LinkConfig, Loss};
use tureen_tests::media::Camera;
use tureen_worker::internal::messages::{RequestBody, StreamStats};

use crate::call::{CAMERA, Call, consumer};

#[test]
fn behaviour_by_loss_and_delay_is_what_it_was() {
    let mut table = HEADER.to_owned();
    let bursts = Loss::Bursts {
        enter: 0.005,
        leave: 0.1,
        lost_inside: 0.6,
        lost_outside: 0.0,
    };
    for (name, loss) in [
        ("none", Loss::None),
        ("1 %", Loss::Random(0.01)),
        ("5 %", Loss::Random(0.05)),
        ("15 %", Loss::Random(0.15)),
        ("bursts", bursts),
    ] {
        for delay in [10, 60, 150] {
            row(&mut table, name, loss, delay);
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/sim/table.txt");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, &table).expect("the snapshot can be written");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        committed, table,
        "behaviour has changed: see {path}\n{table}"
    );
}

fn row(table: &mut String, name: &str, loss: Loss, delay: u64) {
    let mut call = Call::connected(9, 1, Camera::new(3, 800));
    let link = LinkConfig {
        delay: Duration::from_millis(delay),
        jitter: Duration::from_millis(5),
        loss,
        ..LinkConfig::default()
    };
    let before = call.world.traffic(0).up.lost + call.world.traffic(1).down.lost;
    assert_eq!(before, 0, "everyone connects without loss");
    call.set_links(link, 3);
    call.world.run_for(Duration::from_secs(20));
    let now = call.world.now;
    call.world.peer_mut(0).mute(now, true);
    call.world.run_for(Duration::from_secs(2));

    let up = call.stats(CAMERA.mid, RequestBody::ProducerGetStats);
    let down = call.stats(&consumer(1, CAMERA), RequestBody::ConsumerGetStats);
    let (StreamStats::Recv(up), StreamStats::Send(down)) = (&up[0], &down[0]) else {
        panic!("{up:?} {down:?}");
    };
    let received = &call.world.peer(1).received[1];
    let numbers = &received.sequence_numbers;
    let span = numbers.last().expect("media came") - numbers.first().expect("media came") + 1;
    let arrived = 100.0 * numbers.len() as f64 / span as f64;
    let viewer = &received.viewer;
    let resent = down.base.packets_retransmitted;
    let (asked, made) = call.world.peer(0).key_frames(1);
    writeln!(
        table,
        "{name:<7}{delay:>6} |{:>7}{:>7}{:>9}{:>7} |{:>7}{:>8}{:>9.2} |{:>6}{:>6}{:>7}{:>7}{:>7}",
        up.base.nack_count,
        up.base.nack_packet_count,
        up.base.packets_repaired,
        up.base.rtx_packets_discarded,
        down.base.nack_count,
        resent,
        arrived,
        asked,
        made,
        viewer.decoded,
        viewer.skipped,
        viewer.longest_freeze.as_millis(),
    )
    .expect("a string takes text");
}

/// Twenty seconds of a call with one watcher. Loss and delay hold for each direction.
const HEADER: &str = "
               | publisher to worker            | worker to watcher       | picture
loss    delay  | nacks packets repaired spare   | nacks  resent arrived % | plis  keys  shown skipped freeze ms
";
