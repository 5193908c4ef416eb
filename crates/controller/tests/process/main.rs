//! Workers as processes, from spawning to dying. The process on the other side is this very
//! binary, which then plays a worker from a script (see `fake_worker`), or is a real one (see
//! `example`).
//!
//! The binary has no test harness; a name on its command line runs the tests that contain it.

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, panic};

use tokio::runtime::Runtime;
use tokio::time::timeout;

mod entities;
mod example;
mod fake_worker;
mod life;
mod observe;
mod pool;

type Test = (&'static str, fn() -> Pin<Box<dyn Future<Output = ()>>>);

macro_rules! tests {
    ($($module:ident { $($name:ident),+ $(,)? })+) => {
        const TESTS: &[Test] = &[$($(
            (
                concat!(stringify!($module), "::", stringify!($name)),
                || Box::pin($module::$name()),
            ),
        )+)+];
    };
}

tests! {
    life {
        starts_answers_and_closes,
        the_last_handle_ends_the_process,
        refused_settings_are_told,
        an_early_exit_is_told,
        a_silent_worker_is_killed,
        a_worker_that_does_not_close_is_killed,
        a_death_resolves_what_waits,
        a_signal_is_told,
        a_broken_channel_ends_the_worker,
        a_worker_spawns_no_workers,
        the_current_executable_is_an_explicit_choice,
        a_missing_binary_is_named,
        a_worker_of_another_make_tells_what_it_knows,
    }
    entities {
        two_peers_meet,
        events_before_the_subscription_are_kept,
        a_refused_producer_leaves_nothing,
        closing_goes_down_the_tree,
        a_producer_takes_its_consumers_along,
        the_last_handle_closes_the_entity,
        a_dropped_future_closes_what_it_creates,
        consumers_are_created_side_by_side,
    }
    example {
        two_peers_and_one_track,
    }
    observe {
        a_worker_is_recorded_from_its_first_word_on,
        the_live_tree_is_what_the_workers_say,
    }
    pool {
        a_dead_worker_is_reported_and_replaced,
        load_is_more_than_the_number_of_routers,
        closing_leaves_no_process,
        a_failed_start_leaves_no_process,
    }
}

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let [first, rest @ ..] = arguments.as_slice()
        && first == "worker"
    {
        return fake_worker::main(rest);
    }
    if let Some(code) = example::main(&arguments) {
        return code;
    }
    let filters: Vec<_> = arguments
        .iter()
        .filter(|text| !text.starts_with('-'))
        .collect();
    let selected = |name: &str| {
        filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()))
    };
    let mut failed = false;
    for (name, test) in TESTS.iter().filter(|(name, _)| selected(name)) {
        let outcome = panic::catch_unwind(|| {
            let runtime = Runtime::new().unwrap();
            runtime.block_on(async {
                let limit = Duration::from_secs(60);
                timeout(limit, test())
                    .await
                    .expect("the test takes too long");
            });
        });
        println!(
            "{name} ... {}",
            if outcome.is_ok() { "ok" } else { "FAILED" }
        );
        failed |= outcome.is_err();
    }
    ExitCode::from(u8::from(failed))
}
