//! The channel's pipes: frames in any split, the end of either side, a controller that does not
//! read.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use mio::{Events, Poll};
use nix::fcntl::OFlag;
use nix::unistd::pipe2;

use super::*;

/// Frames of several sizes as a stream. Their content does not matter here.
fn frames() -> Vec<Vec<u8>> {
    [4_usize, 40, 1, 100_000, 8]
        .into_iter()
        .map(|len| {
            let mut frame = u32::try_from(len).unwrap().to_le_bytes().to_vec();
            frame.extend((0..len).map(|index| u8::try_from(index % 250).unwrap()));
            frame
        })
        .collect()
}

/// Polls until the reader is told something.
fn poll(poll: &mut Poll, reader: &mut ChannelReader) {
    let mut events = Events::with_capacity(4);
    poll.poll(&mut events, Some(Duration::from_secs(10)))
        .unwrap();
    assert!(!events.is_empty(), "nothing happened");
    reader.handle_readable();
}

/// Reads everything that is there.
fn drain(reader: &mut ChannelReader, into: &mut Vec<Vec<u8>>) {
    loop {
        match reader.next_frame() {
            Some(Incoming::Frame(frame)) => into.push(frame.to_vec()),
            Some(Incoming::Unsound(_)) => into.push(Vec::new()),
            None => {
                if reader.end().is_some() || !reader.fill() {
                    return;
                }
            }
        }
    }
}

#[test]
fn frames_come_whole_from_a_socket_however_they_are_split() {
    for step in [1, 3, 4097] {
        let (mut far, near) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let mut polled = Poll::new().unwrap();
        let mut reader = ChannelReader::new(near.into(), polled.registry()).unwrap();
        assert!(!reader.has_work());
        let mut received = Vec::new();
        let stream = frames().concat();
        // Thousands of single bytes would take a poll each, so only the first ones come singly.
        let (slow, fast) = stream.split_at(200);
        for piece in slow.chunks(step).chain(fast.chunks(50_000)) {
            far.write_all(piece).unwrap();
            poll(&mut polled, &mut reader);
            drain(&mut reader, &mut received);
        }
        assert!(reader.end().is_none());
        assert_eq!(received, frames());
        assert!(!reader.has_work());
    }
}

#[test]
fn what_was_sent_before_the_end_is_read_before_it() {
    let (far, near) = pipe2(OFlag::O_NONBLOCK).map(|(r, w)| (w, r)).unwrap();
    let mut polled = Poll::new().unwrap();
    let mut reader = ChannelReader::new(near, polled.registry()).unwrap();
    write(&far, &[1, 0, 0, 0, 9, 0, 0, 0, 0, 3, 0, 0]).unwrap();
    drop(far);
    poll(&mut polled, &mut reader);
    let mut received = Vec::new();
    drain(&mut reader, &mut received);
    assert_eq!(
        received,
        [vec![1, 0, 0, 0, 9], vec![]],
        "the second is empty"
    );
    assert!(matches!(reader.end(), Some(ChannelEnd::Closed)));
    assert!(reader.has_work(), "the end itself is work");
}

#[test]
fn a_pipe_whose_other_end_is_closed_ends_without_data() {
    let (near, far) = pipe2(OFlag::O_NONBLOCK).unwrap();
    let mut polled = Poll::new().unwrap();
    let mut reader = ChannelReader::new(near, polled.registry()).unwrap();
    drop(far);
    poll(&mut polled, &mut reader);
    drain(&mut reader, &mut Vec::new());
    assert!(matches!(reader.end(), Some(ChannelEnd::Closed)));
}

#[test]
fn a_frame_beyond_the_limit_is_the_end() {
    let (mut far, near) = UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    let mut polled = Poll::new().unwrap();
    let mut reader = ChannelReader::new(near.into(), polled.registry()).unwrap();
    far.write_all(&8_388_605_u32.to_le_bytes()).unwrap();
    poll(&mut polled, &mut reader);
    drain(&mut reader, &mut Vec::new());
    assert!(matches!(reader.end(), Some(ChannelEnd::Desynchronised(_))));
}

#[test]
fn frames_leave_in_order_as_fast_as_the_pipe_takes_them() {
    let (mut far, near) = UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    let polled = Poll::new().unwrap();
    let mut writer = ChannelWriter::new(near.into(), polled.registry()).unwrap();
    let mut expected = Vec::new();
    while !writer.is_full() || writer.pending() < 300_000 {
        for frame in frames() {
            writer.queue(&frame);
            expected.extend_from_slice(&frame);
        }
        writer.flush();
    }
    let mut received = Vec::new();
    let mut piece = [0; 5000];
    while writer.pending() > 0 {
        let len = far.read(&mut piece).unwrap();
        received.extend_from_slice(&piece[..len]);
        writer.flush();
    }
    assert!(!writer.is_full());
    drop(writer);
    far.read_to_end(&mut received).unwrap();
    assert!(received == expected, "the bytes are the same");
}

#[test]
fn a_controller_that_stops_reading_closes_the_writer_only() {
    let (far, near) = UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    let polled = Poll::new().unwrap();
    let mut writer = ChannelWriter::new(near.into(), polled.registry()).unwrap();
    drop(far);
    writer.queue(&frames()[0]);
    writer.flush();
    assert!(!writer.is_open());
    assert_eq!(writer.pending(), 0);
    // From here on frames vanish, and the core is never held back.
    for _ in 0..10 {
        writer.queue(&frames()[3]);
        writer.flush();
    }
    assert_eq!((writer.pending(), writer.is_full()), (0, false));
}
