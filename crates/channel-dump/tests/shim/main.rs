//! The shim between a controller, played by the tests, and a worker, played by this very binary:
//! see `fake_worker`.
//!
//! The binary has no test harness; a name on its command line runs the tests that contain it.

use std::panic;
use std::process::{self, ExitCode};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

mod controller;
mod ends;
mod fake_worker;
mod process_identity;
mod recordings;

type Test = (&'static str, fn());

macro_rules! tests {
    ($($module:ident { $($name:ident),+ $(,)? })+) => {
        const TESTS: &[Test] = &[$($(
            (concat!(stringify!($module), "::", stringify!($name)), $module::$name),
        )+)+];
    };
}

tests! {
    process_identity {
        the_worker_is_the_process_that_was_started,
        arguments_and_environment_are_the_workers,
        exit_codes_are_the_workers,
        a_signal_ends_the_worker_and_not_the_recorder,
        a_worker_has_no_child_that_it_does_not_know,
        what_is_missing_is_named,
    }
    ends {
        the_controller_closes_for_writing,
        the_worker_closes_for_writing,
        the_controller_closes_everything_at_once,
        the_controller_stops_reading,
        the_worker_dies,
        pipes_do_as_well,
    }
    recordings {
        every_frame_is_recorded,
        large_and_many_frames_pass,
        broken_framing_passes_and_is_noted,
        a_directory_that_cannot_be_leaves_the_channel_alone,
        a_full_disk_leaves_the_channel_alone,
    }
}

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let [first, rest @ ..] = arguments.as_slice()
        && first == "worker"
    {
        return fake_worker::main(rest);
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
        let is_ok = in_time(name, *test);
        println!("{name} ... {}", if is_ok { "ok" } else { "FAILED" });
        failed |= !is_ok;
    }
    ExitCode::from(u8::from(failed))
}

/// Runs a test, and ends everything when it hangs.
fn in_time(name: &str, test: fn()) -> bool {
    let (done, outcome) = mpsc::channel();
    thread::spawn(move || {
        let is_ok = panic::catch_unwind(test).is_ok();
        // The receiver waits for this, unless the process is about to end.
        let _ = done.send(is_ok);
    });
    outcome.recv_timeout(LIMIT).unwrap_or_else(|_| {
        println!("{name} ... FAILED: takes too long");
        process::exit(1)
    })
}

const LIMIT: Duration = Duration::from_secs(60);
