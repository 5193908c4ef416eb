//! When one side closes a direction, it is closed for the other side, and nothing else is.

use std::io::{ErrorKind, Read, Write, pipe};
use std::net::Shutdown;

use tureen_channel_fbs::fbs::notification::Event;
use tureen_channel_fbs::fbs::request::Method;
use tureen_channel_fbs::{FrameBuilder, FrameReader, read_message};

use crate::controller::{Setting, wait};

pub(crate) fn the_controller_closes_for_writing() {
    let mut controller = Setting::new("answers").start();
    controller.request(1, Method::WORKER_DUMP, "");
    controller.to_worker.shutdown(Shutdown::Write).unwrap();
    // The worker's messages still arrive: RUNNING, the response, the last message.
    let heard: Vec<_> = std::iter::from_fn(|| controller.next()).collect();
    assert_eq!(heard.len(), 3);
    let (status, stderr) = controller.wait();
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
    assert_eq!(controller.recorded().from_worker, heard);
}

pub(crate) fn the_worker_closes_for_writing() {
    let mut controller = Setting::new("stops-writing").start();
    controller.request(1, Method::WORKER_DUMP, "");
    let heard: Vec<_> = std::iter::from_fn(|| controller.next()).collect();
    assert_eq!(heard.len(), 2);
    // It still listens, and counts.
    for id in 2..7 {
        controller.request(id, Method::WORKER_DUMP, "");
    }
    let (status, _, recorded) = controller.close();
    assert_eq!(status.code(), Some(5));
    assert_eq!(recorded.to_worker.len(), 6);
}

pub(crate) fn the_controller_closes_everything_at_once() {
    let mut controller = Setting::new("answers").start();
    controller.request(1, Method::WORKER_DUMP, "");
    let close = controller
        .frames
        .notification("", Event::WORKER_CLOSE, None);
    controller.to_worker.write_all(close.unwrap()).unwrap();
    let (status, _, recorded) = controller.close();
    // The worker panics if its answer meets a closed channel. Either exit code is fine here.
    assert!(
        status.code().is_some_and(|code| code == 0 || code == 101),
        "{status}"
    );
    assert_eq!(recorded.to_worker.len(), 2);
    assert!(recorded.is_ended);
}

pub(crate) fn the_controller_stops_reading() {
    let controller = Setting::new("writes").start();
    let crate::controller::Controller {
        mut child,
        to_worker,
        from_worker,
        ..
    } = controller;
    drop(from_worker);
    let (status, _) = wait(&mut child);
    assert_eq!(status.code(), Some(9), "the worker was not told: {status}");
    drop(to_worker);
}

pub(crate) fn the_worker_dies() {
    let mut controller = Setting::new("answers").start();
    assert!(controller.next().is_some());
    controller.child.kill().unwrap();
    assert_eq!(controller.next(), None);
    let mut byte = [0];
    assert_eq!(controller.to_worker.read(&mut byte).unwrap(), 0);
    let error = controller.to_worker.write_all(&[0; 4]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    controller.wait();
    assert!(controller.recorded().is_ended);
}

pub(crate) fn pipes_do_as_well() {
    let (input, mut to_worker) = pipe().unwrap();
    let (mut from_worker, output) = pipe().unwrap();
    let mut setting = Setting::new("answers");
    let mut child = setting.spawn([input.into(), output.into()]);
    let mut frames = FrameBuilder::new();
    let request = frames.request(7, Method::WORKER_DUMP, "", None).unwrap();
    to_worker.write_all(request).unwrap();
    drop(to_worker);
    let mut heard = Vec::new();
    from_worker.read_to_end(&mut heard).unwrap();
    let mut reader = FrameReader::new();
    reader.extend(&heard);
    let mut ids = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        let message = read_message(frame).unwrap();
        ids.push(message.data_as_response().map(|response| response.id()));
    }
    assert_eq!(ids, [None, Some(7), None]);
    let (status, stderr) = wait(&mut child);
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}
