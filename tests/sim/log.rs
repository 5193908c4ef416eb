//! The log by tag: a call over bad links leaves its lines, and a tag that is off leaves none.

use std::time::Duration;

use tureen_tests::link::{LinkConfig, Loss};
use tureen_tests::media::Camera;
use tureen_tests::world::World;
use tureen_worker::internal::log::{Log, LogLevel, LogTag, LogTags};
use tureen_worker::internal::{CoreSettings, Worker};

use crate::call::Call;

#[test]
fn a_lossy_call_leaves_lines_of_each_tag() {
    for (tag, line) in [
        (LogTag::Ice, "tuple added"),
        (LogTag::Dtls, "DTLS state changed"),
        (LogTag::Srtp, "keys are set"),
        (LogTag::Rtp, "stream begins"),
        (LogTag::Rtcp, "a key frame is asked for"),
        (LogTag::Rtx, "not sent again"),
        (LogTag::Score, "score changed"),
    ] {
        let lines = lossy_call(LogTags::NONE.with(tag));
        assert!(
            lines.iter().any(|one| one.contains(line)),
            "{line}: {lines:?}"
        );
    }
    assert_eq!(lossy_call(LogTags::NONE), Vec::<String>::new());
}

fn lossy_call(tags: LogTags) -> Vec<String> {
    let log = Log::new(LogLevel::Debug, tags);
    let subscriber = log.subscriber();
    tracing::subscriber::with_default(subscriber, || {
        let world = World::with(1, |settings| {
            Worker::new(CoreSettings { log, ..settings }).expect("the DTLS engine starts")
        });
        let mut call = Call::in_world(world, 1, Camera::new(4, 1100));
        let link = LinkConfig {
            delay: Duration::from_millis(80),
            loss: Loss::Random(0.3),
            ..LinkConfig::default()
        };
        call.set_links(link, 7);
        call.world.run_for(Duration::from_secs(10));
        call.world.log
    })
}
