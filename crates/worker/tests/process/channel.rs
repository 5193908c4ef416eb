//! The channel as a hostile or broken controller would use it: raw frames on the worker's pipes.

use std::io::{ErrorKind, Read, Write};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::common::Process;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use tureen_channel_fbs::fbs::notification::Event;
use tureen_channel_fbs::fbs::request::Method;
use tureen_channel_fbs::fbs::response::Response;
use tureen_channel_fbs::{FrameBuilder, FrameReader, MAX_PAYLOAD, read_message};

#[test]
fn an_unknown_method_is_refused_and_the_next_request_answered() {
    let mut worker = Process::start(&[]);
    let answers = read(&mut worker);
    for number in [68, 200, 255] {
        send(&mut worker, &request(number.into(), Method(number), ""));
        let refused = next(&answers);
        let response = response(&refused);
        assert_eq!((response.id(), response.accepted()), (number.into(), false));
        assert_eq!(response.error(), Some("Error"));
        assert_eq!(
            response.reason(),
            Some(&*format!("unknown method {number}"))
        );
    }
    assert_alive(&mut worker, &answers);
    end(&mut worker);
}

#[test]
fn a_request_that_lacks_its_body_or_its_entity_is_refused() {
    let mut worker = Process::start(&[]);
    let answers = read(&mut worker);
    for number in 0..68 {
        let method = Method(number);
        send(
            &mut worker,
            &request(u32::from(number) + 1, method, "nobody"),
        );
        let answer = next(&answers);
        let response = response(&answer);
        assert_eq!(response.id(), u32::from(number) + 1);
        let needs_nothing = [Method::WORKER_DUMP, Method::WORKER_GET_RESOURCE_USAGE];
        assert_eq!(
            response.accepted(),
            needs_nothing.contains(&method),
            "{method:?}"
        );
        if !response.accepted() {
            let class = response.error().unwrap();
            let classes = ["Error", "TypeError", "NotFoundError"];
            assert!(classes.contains(&class), "{method:?}: {class}");
            assert!(!response.reason().unwrap().is_empty(), "{method:?}");
        }
    }
    assert_alive(&mut worker, &answers);
    end(&mut worker);
}

#[test]
fn frames_that_say_nothing_are_passed_over() {
    let mut worker = Process::start(&[]);
    let answers = read(&mut worker);
    let sound = request(1, Method::WORKER_DUMP, "");
    let mut unsound = vec![vec![0; 4], prefixed(&[0]), prefixed(&[0xff; 64])];
    // Cut off after each byte, with a prefix that fits.
    unsound.extend((1..sound.len() - 4).map(|len| prefixed(&sound[4..4 + len])));
    // Each byte in turn gets the largest value. Some of these frames are still requests.
    for index in 4..sound.len() {
        let mut turned = sound.clone();
        turned[index] = 0xff;
        unsound.push(turned);
    }
    // A message from the worker to the controller, sent back to it.
    let mut frames = FrameBuilder::new();
    unsound.push(frames.response(9, None).unwrap().to_vec());
    unsound.push(frames.notification("", Event(250), None).unwrap().to_vec());
    for frame in &unsound {
        send(&mut worker, frame);
    }
    send(&mut worker, &request(LAST, Method::WORKER_DUMP, ""));
    let mut answered = 0;
    while response(&next(&answers)).id() != LAST {
        answered += 1;
    }
    assert!(answered < 2 * sound.len(), "{answered}");
    worker.close_channel();
    let (code, stderr) = worker.wait();
    assert_eq!(code, Some(0));
    assert!(stderr.contains("ignoring a channel frame: frame without a payload"));
    assert!(stderr.contains("ignoring a channel message: malformed frame"));
}

#[test]
fn complaints_that_nobody_reads_stop_nothing() {
    let mut worker = Process::start(&[]);
    let answers = read(&mut worker);
    // Each causes a line on stderr, and eight thousand lines are more than its pipe holds.
    for id in 1..=8_000 {
        send(&mut worker, &[0; 4]);
        if id % 1_000 == 0 {
            send(&mut worker, &request(id, Method::WORKER_DUMP, ""));
            assert_eq!(response(&next(&answers)).id(), id);
        }
    }
    worker.close_channel();
    let (code, stderr) = worker.wait();
    assert_eq!(code, Some(0));
    assert!(stderr.lines().count() < 8_000, "the pipe was never full");
}

#[test]
fn ten_thousand_mutated_frames_harm_nothing() {
    let mut worker = Process::start(&[]);
    let answers = read(&mut worker);
    // A multiplicative generator: the run is the same each time.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut below = |limit: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % limit
    };
    for id in 1..=10_000_u32 {
        let method = Method(u8::try_from(below(70)).unwrap());
        let mut frame = request(id, method, "nobody");
        for _ in 0..=below(4) {
            // The length in front stays, or the stream ends here.
            let at = 4 + below(frame.len() - 4);
            frame[at] = u8::try_from(below(256)).unwrap();
        }
        send(&mut worker, &frame);
        if id % 500 == 0 {
            // Mutated frames may be requests as well, so this one is waited for by its id.
            send(&mut worker, &request(LAST + id, Method::WORKER_DUMP, ""));
            while response(&next(&answers)).id() != LAST + id {}
        }
    }
    assert!(worker.is_alive());
    worker.close_channel();
    assert_eq!(worker.wait().0, Some(0));
}

#[test]
fn frames_come_in_any_split() {
    let mut worker = Process::start(&[]);
    let answers = read(&mut worker);
    let first = request(1, Method::WORKER_DUMP, "");
    for byte in &first {
        send(&mut worker, std::slice::from_ref(byte));
    }
    assert_eq!(response(&next(&answers)).id(), 1);
    let many: Vec<u8> = (2..500)
        .flat_map(|id| request(id, Method::WORKER_GET_RESOURCE_USAGE, ""))
        .collect();
    send(&mut worker, &many);
    for id in 2..500 {
        let answer = next(&answers);
        assert_eq!(response(&answer).id(), id, "in the order of the requests");
    }
    end(&mut worker);
}

#[test]
fn a_frame_beyond_the_limit_ends_the_worker_in_order() {
    for announced in [MAX_PAYLOAD + 1, u32::MAX as usize] {
        let mut worker = Process::start(&[]);
        let answers = read(&mut worker);
        send(&mut worker, &request(1, Method::WORKER_DUMP, ""));
        assert_eq!(response(&next(&answers)).id(), 1);
        let prefix = u32::try_from(announced).unwrap().to_le_bytes();
        send(&mut worker, &prefix);
        let (code, stderr) = worker.wait();
        assert_eq!(code, Some(0));
        assert!(stderr.contains("cannot be read any further"), "{stderr}");
        assert!(stderr.contains(&announced.to_string()), "{stderr}");
    }
}

#[test]
fn the_largest_frame_is_read() {
    let mut worker = Process::start(&[]);
    let answers = read(&mut worker);
    // A name of megabytes is still a name, and nobody has it.
    let name = "x".repeat(MAX_PAYLOAD - 1024);
    send(&mut worker, &request(1, Method::ROUTER_DUMP, &name));
    let answer = next(&answers);
    let response = response(&answer);
    assert_eq!(response.error(), Some("NotFoundError"));
    assert!(
        response.reason().unwrap().len() < 2000,
        "and is not repeated"
    );
    assert_alive(&mut worker, &answers);
    end(&mut worker);
}

#[test]
fn a_frame_that_is_cut_off_by_the_end_is_no_request() {
    let mut worker = Process::start(&[]);
    let sound = request(1, Method::WORKER_DUMP, "");
    send(&mut worker, &sound[..sound.len() - 1]);
    worker.close_channel();
    let (code, stderr) = worker.wait();
    assert_eq!(code, Some(0));
    assert!(stderr.contains("controller closed the channel"), "{stderr}");
}

#[test]
fn a_controller_that_does_not_read_is_not_read_either_and_loses_no_answer() {
    let mut worker = Process::start(&[]);
    let resident = worker.resident_kib();
    let to_worker = worker.to_worker.take().unwrap();
    fcntl(&to_worker, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    let mut to_worker = to_worker;

    // It takes requests until thousands of answers wait; after that it leaves requests in the pipe.
    // Both pipes are full when it has slept since the last byte went in.
    let mut unsent = Vec::new();
    let mut sent = 0;
    let mut sleeps = None;
    loop {
        if unsent.is_empty() {
            sent += 1;
            unsent = request(sent, Method::WORKER_DUMP, "");
        }
        match to_worker.write(&unsent) {
            Ok(len) => {
                unsent.drain(..len);
                sleeps = None;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let now = worker.context_switches();
                let quiet = worker.is_asleep() && sleeps == Some(now);
                if quiet {
                    break;
                }
                sleeps = Some(now);
                thread::sleep(Duration::from_millis(20));
            }
            Err(error) => panic!("{error}"),
        }
        assert!(sent < 100_000, "it takes requests without end");
    }
    assert!(sent > 4096, "{sent}");
    let grown = worker.resident_kib().saturating_sub(resident);
    assert!(grown < 8 * 1024, "{grown} KiB");

    // Once it reads again, everything is answered, in order.
    let answers = read(&mut worker);
    fcntl(&to_worker, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
    let rest = thread::spawn(move || {
        to_worker.write_all(&unsent).unwrap();
        to_worker
    });
    for id in 1..=sent {
        let answer = next(&answers);
        assert_eq!(response(&answer).id(), id);
    }
    drop(rest.join().unwrap());
    assert_ends_in_order(&mut worker);
}

pub(crate) fn send(worker: &mut Process, bytes: &[u8]) {
    worker.to_worker.as_mut().unwrap().write_all(bytes).unwrap();
}

/// Reads what the worker writes from now on and returns one frame after the other.
pub(crate) fn read(worker: &mut Process) -> Receiver<Vec<u8>> {
    let mut from_worker = worker.from_worker.take().unwrap();
    let (frames, receiver) = channel();
    thread::spawn(move || {
        let mut reader = FrameReader::new();
        loop {
            while let Some(frame) = reader.next_frame().unwrap() {
                if read_message(frame).unwrap().data_as_response().is_some()
                    && frames.send(frame.to_vec()).is_err()
                {
                    return;
                }
            }
            match from_worker.read(reader.space()).unwrap() {
                0 => return,
                len => reader.advance(len),
            }
        }
    });
    receiver
}

pub(crate) fn next(answers: &Receiver<Vec<u8>>) -> Vec<u8> {
    answers.recv_timeout(DEADLINE).expect("an answer")
}

pub(crate) fn response(frame: &[u8]) -> Response<'_> {
    read_message(frame).unwrap().data_as_response().unwrap()
}

fn request(id: u32, method: Method, handler_id: &str) -> Vec<u8> {
    let mut frames = FrameBuilder::new();
    frames.begin();
    frames
        .request(id, method, handler_id, None)
        .unwrap()
        .to_vec()
}

fn prefixed(payload: &[u8]) -> Vec<u8> {
    let prefix = u32::try_from(payload.len()).unwrap().to_le_bytes();
    [&prefix, payload].concat()
}

fn assert_alive(worker: &mut Process, answers: &Receiver<Vec<u8>>) {
    send(worker, &request(LAST, Method::WORKER_DUMP, ""));
    let answer = next(answers);
    assert_eq!(
        (response(&answer).id(), response(&answer).accepted()),
        (LAST, true)
    );
}

fn end(worker: &mut Process) {
    worker.close_channel();
    assert_ends_in_order(worker);
}

/// It says why it ends, and has said nothing before.
fn assert_ends_in_order(worker: &mut Process) {
    let (code, stderr) = worker.wait();
    assert_eq!(code, Some(0));
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains("controller closed the channel"), "{stderr}");
}

const LAST: u32 = 1_000_000;
/// For machines that are slow and busy.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
