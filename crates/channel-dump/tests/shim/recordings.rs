//! What is recorded, and what happens when recording is impossible.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::Command;

use tureen_channel_fbs::fbs::request::Method;
use tureen_channel_fbs::{FrameBuilder, MAX_PAYLOAD};

use crate::controller::{SHIM, Setting};

pub(crate) fn every_frame_is_recorded() {
    let mut controller = Setting::new("answers").start();
    let mut sent = Vec::new();
    for id in 1..=50 {
        let frame = controller
            .frames
            .request(id, Method::ROUTER_DUMP, "a router", None);
        let frame = frame.unwrap().to_vec();
        // In pieces of every size, and several frames at once.
        for piece in frame.chunks(usize::try_from(id).unwrap()) {
            controller.to_worker.write_all(piece).unwrap();
        }
        sent.push(frame);
    }
    let heard: Vec<_> = (0..51).map_while(|_| controller.next()).collect();
    let (_, _, recorded) = controller.close();
    assert_eq!(recorded.to_worker, sent);
    assert_eq!(recorded.from_worker[..51], heard);
    assert!(recorded.is_ended);
    assert_eq!(recorded.notes.len(), 2, "{:?}", recorded.notes);
}

pub(crate) fn large_and_many_frames_pass() {
    let mut controller = Setting::new("answers").start();
    // The recorder's buffers are far smaller than this: both sides have to wait at times.
    let mut stream = controller.to_worker.try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        let mut frames = FrameBuilder::new();
        let large = "x".repeat(MAX_PAYLOAD - 100);
        for id in 0..20_000 {
            let handler = if id % 5_000 == 0 {
                large.as_str()
            } else {
                "small"
            };
            let frame = frames.request(id, Method::WORKER_DUMP, handler, None);
            stream.write_all(frame.unwrap()).unwrap();
        }
        stream.shutdown(std::net::Shutdown::Write).unwrap();
    });
    let heard = std::iter::from_fn(|| controller.next()).count();
    assert_eq!(heard, 20_002);
    writer.join().unwrap();
    let (status, stderr, _) = controller.close();
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}

pub(crate) fn broken_framing_passes_and_is_noted() {
    let mut controller = Setting::new("garbles").start();
    assert!(controller.next().is_some());
    controller.request(1, Method::WORKER_DUMP, "");
    controller
        .to_worker
        .shutdown(std::net::Shutdown::Write)
        .unwrap();
    let mut rest = Vec::new();
    rest.extend(
        std::mem::take(&mut controller.reader)
            .space()
            .iter()
            .take(0),
    );
    controller.from_worker.read_to_end(&mut rest).unwrap();
    let (status, _, recorded) = controller.close();
    assert_eq!(status.code(), Some(0));
    let notes = recorded.notes.into_iter();
    let notes: Vec<_> = notes
        .filter(|note| note.starts_with("from-worker"))
        .collect();
    assert_eq!(
        notes[..2],
        [
            "from-worker: frame without a payload",
            "from-worker: frame of 4294967295 payload bytes, the limit is 8388604",
        ]
    );
    // The rest cannot be cut into frames, but it was passed on.
    assert_eq!(recorded.from_worker.len(), 1);
    assert!(rest.ends_with(FrameBuilder::new().log("Xlast word").unwrap()));
}

pub(crate) fn a_directory_that_cannot_be_leaves_the_channel_alone() {
    let mut setting = Setting::new("answers");
    setting
        .command
        .env("TUREEN_SHIM_DIR", "/dev/null/recordings");
    let mut controller = setting.start();
    assert!(controller.next().is_some());
    controller.request(1, Method::WORKER_DUMP, "");
    assert!(controller.next().is_some());
    controller
        .to_worker
        .shutdown(std::net::Shutdown::Write)
        .unwrap();
    let (status, stderr) = controller.wait();
    assert_eq!(status.code(), Some(0));
    assert_eq!(
        stderr,
        "tureen-worker-shim: no recording in /dev/null/recordings: \
         Not a directory (os error 20)\n"
    );
}

pub(crate) fn a_full_disk_leaves_the_channel_alone() {
    let mut setting = Setting::new("answers");
    // No file may grow beyond a few hundred bytes.
    let mut limited = Command::new("/bin/sh");
    limited
        .args(["-c", "ulimit -f 1; exec \"$0\"", SHIM])
        .process_group(0);
    for (name, value) in setting.command.get_envs() {
        limited.env(name, value.unwrap());
    }
    limited.stderr(std::process::Stdio::piped());
    setting.command = limited;
    let mut controller = setting.start();
    assert!(controller.next().is_some());
    for id in 1..=500 {
        controller.request(id, Method::WORKER_DUMP, "");
        assert!(controller.next().is_some());
    }
    controller
        .to_worker
        .shutdown(std::net::Shutdown::Write)
        .unwrap();
    let (status, stderr) = controller.wait();
    assert_eq!(status.code(), Some(0));
    assert_eq!(
        stderr,
        "tureen-worker-shim: the recording ends here: File too large (os error 27)\n"
    );
    let recorded = controller.recorded();
    assert!(!recorded.is_ended && !recorded.to_worker.is_empty());
}
