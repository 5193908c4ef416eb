//! For the controller, the shim is the worker.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tureen_channel_fbs::fbs::notification::Event;
use tureen_channel_fbs::read_message;

use crate::controller::{Controller, SHIM, Setting};

pub(crate) fn the_worker_is_the_process_that_was_started() {
    let mut controller = Setting::new("answers").start();
    let pid = controller.child.id();
    assert_eq!(running_pid(&mut controller), pid.to_string());
    let (status, stderr, recorded) = controller.close();
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
    assert_eq!((recorded.pid, recorded.name.as_str()), (pid, "fake-worker"));
}

pub(crate) fn arguments_and_environment_are_the_workers() {
    let mut setting = Setting::new("tells");
    setting.command.args(["--logLevel=debug", "--logTag=a b"]);
    setting.command.env("MEDIASOUP_VERSION", "3.27.1");
    let mut controller = setting.start();
    running_pid(&mut controller);
    assert_eq!(
        log(&mut controller),
        "X[\"--logLevel=debug\", \"--logTag=a b\"]"
    );
    assert_eq!(log(&mut controller), "X[] Ok(\"3.27.1\")");
    controller.close();
}

pub(crate) fn exit_codes_are_the_workers() {
    let mut setting = Setting::new("refuses");
    setting.command.arg("--rtcMinPort=x");
    let (status, stderr, recorded) = setting.start().close();
    assert_eq!(status.code(), Some(42));
    assert_eq!(stderr, "wrong settings: [\"--rtcMinPort=x\"]\n");
    assert!(recorded.is_ended);
}

pub(crate) fn a_signal_ends_the_worker_and_not_the_recorder() {
    let mut controller = Setting::new("answers").start();
    running_pid(&mut controller);
    let pid = Pid::from_raw(controller.child.id().try_into().unwrap());
    // The signal goes to everything that the controller started; a terminal or a supervisor does
    // that.
    killpg(pid, Signal::SIGTERM).unwrap();
    let (status, stderr) = controller.wait();
    assert_eq!((status.signal(), stderr.as_str()), (Some(15), ""));
    assert_eq!(controller.next(), None);
    let recorded = controller.recorded();
    assert!(recorded.is_ended, "the recorder was ended by the signal");
    assert_eq!(recorded.from_worker.len(), 1);
}

pub(crate) fn a_worker_has_no_child_that_it_does_not_know() {
    let mut controller = Setting::new("tells").start();
    running_pid(&mut controller);
    for _ in 0..2 {
        log(&mut controller);
    }
    assert_eq!(log(&mut controller), "Xno children");
    controller.close();
}

pub(crate) fn what_is_missing_is_named() {
    let run = |variables: &[(&str, &str)]| {
        let mut command = Command::new(SHIM);
        command
            .env_remove("TUREEN_SHIM_WORKER")
            .env_remove("TUREEN_SHIM_DIR");
        let output = command.envs(variables.iter().copied()).output().unwrap();
        assert_eq!(output.status.code(), Some(127));
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(
        run(&[]),
        "tureen-worker-shim: TUREEN_SHIM_WORKER is not set\n"
    );
    let worker = ("TUREEN_SHIM_WORKER", "/nowhere/worker");
    assert_eq!(
        run(&[worker]),
        "tureen-worker-shim: TUREEN_SHIM_DIR is not set\n"
    );
    let itself = run(&[("TUREEN_SHIM_WORKER", SHIM), ("TUREEN_SHIM_DIR", "/tmp")]);
    assert!(
        itself.contains("TUREEN_SHIM_WORKER is the shim itself"),
        "{itself}"
    );
    // Without a channel there is nothing to record. The worker runs all the same.
    let stderr = run(&[worker, ("TUREEN_SHIM_DIR", "/nowhere")]);
    let lines: Vec<_> = stderr.lines().collect();
    assert_eq!(
        lines,
        [
            "tureen-worker-shim: nothing is recorded: descriptor 3 is not open",
            "tureen-worker-shim: /nowhere/worker: No such file or directory (os error 2)",
        ]
    );
}

/// The process id in the first word of the worker.
fn running_pid(controller: &mut Controller) -> String {
    let frame = controller.next().expect("a first word");
    let message = read_message(&frame).unwrap();
    let running = message.data_as_notification().expect("a notification");
    assert_eq!(running.event(), Event::WORKER_RUNNING);
    running.handler_id().to_owned()
}

fn log(controller: &mut Controller) -> String {
    let frame = controller.next().expect("a line of the log");
    let message = read_message(&frame).unwrap();
    message
        .data_as_log()
        .expect("a line of the log")
        .data()
        .to_owned()
}
