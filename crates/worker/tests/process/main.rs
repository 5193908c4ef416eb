//! The worker as a process: its exit codes, its reaction to signals, and that it sleeps when there
//! is nothing to do.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "that a process sleeps shows only as time passes, and its remotes have sockets"
)]

mod channel;
mod common;
mod connections;

use std::time::Duration;

use common::{Process, exit_of};
use nix::sys::signal::Signal;

#[test]
fn a_worker_that_nobody_controls_exits_with_41() {
    let (code, stderr) = exit_of(&[], &[]);
    assert_eq!(code, Some(41));
    assert!(stderr.contains("MEDIASOUP_VERSION"), "{stderr}");
}

#[test]
fn wrong_settings_exit_with_42() {
    for argument in [
        "--logLevel=chatty",
        "--rtcMaxPort=65536",
        "--unknown=1",
        "--dtlsCertificateFile=/nowhere",
    ] {
        let (code, stderr) = exit_of(&[argument], &[("MEDIASOUP_VERSION", "3.27.1")]);
        assert_eq!(code, Some(42), "{argument}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn pem_files_that_hold_no_certificate_exit_with_42() {
    let directory = std::env::temp_dir().join(format!("tureen-process-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = |name: &str, label: &str| {
        let path = directory.join(name);
        let text = format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (certificate, key) = (file("c", "CERTIFICATE"), file("k", "PRIVATE KEY"));
    let (code, stderr) = exit_of(
        &[
            &format!("--dtlsCertificateFile={certificate}"),
            &format!("--dtlsPrivateKeyFile={key}"),
        ],
        &[("MEDIASOUP_VERSION", "3.27.1")],
    );
    std::fs::remove_dir_all(&directory).unwrap();
    assert_eq!(code, Some(42), "{stderr}");
    assert!(stderr.contains("--dtlsCertificateFile"), "{stderr}");
}

#[test]
fn the_first_frame_says_that_it_is_running() {
    let mut worker = Process::start(&["--logTag=ice", "--logTag=nonsense"]);
    // The handler id of WORKER_RUNNING is the process id in decimal.
    let pid = worker.id().to_string();
    assert!(
        worker
            .running
            .windows(pid.len())
            .any(|w| w == pid.as_bytes())
    );
    worker.close_channel();
    let (code, stderr) = worker.wait();
    assert_eq!(code, Some(0));
    assert!(stderr.contains("\"nonsense\""), "{stderr}");
    assert!(stderr.contains("controller closed the channel"), "{stderr}");
}

#[test]
fn two_signals_end_it_in_order_and_five_do_nothing() {
    for ending in [Signal::SIGINT, Signal::SIGTERM] {
        let mut worker = Process::start(&[]);
        for ignored in [
            Signal::SIGPIPE,
            Signal::SIGHUP,
            Signal::SIGALRM,
            Signal::SIGUSR1,
            Signal::SIGUSR2,
        ] {
            worker.signal(ignored);
        }
        assert!(worker.is_alive());
        worker.signal(ending);
        assert_eq!(worker.wait(), (Some(0), String::new()));
    }
}

#[test]
fn it_ends_when_the_controllers_both_pipes_are_gone() {
    let mut worker = Process::start(&[]);
    worker.close_everything();
    assert_eq!(worker.wait().0, Some(0));
}

#[test]
fn an_idle_worker_does_not_wake_up() {
    let mut worker = Process::start(&[]);
    // It may not have reached its first sleep yet, so wait until some time passes without one.
    let quiet = |length| {
        let before = worker.context_switches();
        std::thread::sleep(length);
        worker.context_switches() == before
    };
    let settled = (0..50).any(|_| quiet(Duration::from_millis(100)));
    assert!(settled, "it never sleeps for long");
    assert!(quiet(Duration::from_secs(2)), "it woke up for nothing");
    worker.signal(Signal::SIGTERM);
    assert_eq!(worker.wait().0, Some(0));
}
