//! Plays a call from a script of bytes, for fuzzing. The script says what a publisher and a watcher
//! send, with or without keys, and how much time passes in between.

use std::time::Duration;

use tureen_worker::internal::messages::{RequestBody, ResponseBody};
use tureen_worker::internal::params::DtlsState;

use crate::stage;

/// Plays `script` on a stage with a publisher and a watcher. Each step is a byte that says what to
/// do, a byte with a length, and that many bytes. The worker must not panic, and at the end both
/// must still be connected.
///
/// # Panics
///
/// When the worker did, or lost one of the two.
pub fn play(script: &[u8]) {
    let mut world = stage::with_watchers(1, 1, None);
    world.run_for(Duration::from_millis(100));
    let mut rest = script;
    while let [what, len, tail @ ..] = rest {
        let (bytes, tail) = tail.split_at(usize::from(*len).min(tail.len()));
        rest = tail;
        let puppet = usize::from(what & 1);
        match what >> 1 & 3 {
            0 => world.act(puppet, |puppet| puppet.send_rtp(bytes)),
            1 => world.act(puppet, |puppet| puppet.send_rtcp(bytes)),
            2 => world.act(puppet, |puppet| puppet.send_raw(bytes)),
            _ => world.run_for(Duration::from_millis(u64::from(*len))),
        }
        world.run_for(Duration::from_millis(1));
        assert_eq!(world.worker.counters().panics, 0, "{:?}", world.log);
    }
    // Longer than any report or repeated request waits, and shorter than the consent timeout of RFC
    // 7675.
    world.run_for(Duration::from_secs(6));
    assert_eq!(world.worker.counters().panics, 0, "{:?}", world.log);
    for id in ["puppet-0", "puppet-1"] {
        let dump = world.request(id, RequestBody::TransportDump);
        let Ok(ResponseBody::WebRtcTransportDump(dump)) = dump else {
            panic!("{dump:?}");
        };
        assert_eq!(dump.dtls_state, DtlsState::Connected);
    }
}
