//! Bytes in any split become the same frames; limits hold; memory comes back.

use tureen_channel_fbs::fbs::notification::Event;
use tureen_channel_fbs::{
    FrameBuilder, FrameError, FrameReader, MAX_FRAME, MAX_PAYLOAD, PREFIX_LEN, read_message,
};

use crate::golden_frame;

#[test]
fn one_byte_at_a_time() {
    let frames = sample();
    let mut reader = FrameReader::new();
    let mut read = Vec::new();
    for byte in frames.concat() {
        reader.space()[0] = byte;
        reader.advance(1);
        if let Some(frame) = reader.next_frame().expect("sound frames") {
            read.push(frame.to_vec());
        }
    }
    assert_eq!(read, frames);
    assert_eq!(reader.pending(), 0);
}

#[test]
fn many_frames_at_once() {
    let frames = sample();
    let stream = frames.concat().repeat(100);
    let mut reader = FrameReader::new();
    reader.extend(&stream);
    let read = read_all(&mut reader);
    assert_eq!(read.len(), 100 * frames.len());
    assert_eq!(read.concat(), stream);
}

#[test]
fn every_split_of_two_frames() {
    let frames = &sample()[..2];
    let stream = frames.concat();
    for split in 0..=stream.len() {
        let mut reader = FrameReader::new();
        let mut read = Vec::new();
        for part in [&stream[..split], &stream[split..]] {
            reader.extend(part);
            read.extend(read_all(&mut reader));
        }
        assert_eq!(read, frames, "split at {split}");
    }
}

#[test]
fn truncated_frame_stays_pending() {
    let frame = golden_frame("transport_produce");
    let mut reader = FrameReader::new();
    reader.extend(&frame[..frame.len() - 1]);
    assert_eq!(reader.next_frame(), Ok(None));
    assert_eq!(reader.pending(), frame.len() - 1);
    reader.extend(&frame[frame.len() - 1..]);
    assert_eq!(reader.next_frame(), Ok(Some(&frame[..])));
    assert_eq!(reader.pending(), 0);
}

#[test]
fn empty_frame_is_reported_and_skipped() {
    let frame = golden_frame("worker_close");
    let mut reader = FrameReader::new();
    reader.extend(&[0; 2 * PREFIX_LEN]);
    reader.extend(&frame);
    assert_eq!(reader.next_frame(), Err(FrameError::Empty));
    assert_eq!(reader.next_frame(), Err(FrameError::Empty));
    assert_eq!(reader.next_frame(), Ok(Some(&frame[..])));
    assert!(!FrameError::Empty.is_fatal());
}

#[test]
fn largest_frame_passes_and_a_larger_one_ends_the_stream() {
    let prefix = |len: usize| u32::try_from(len).expect("a small length").to_le_bytes();
    let mut largest = vec![7; MAX_FRAME];
    largest[..PREFIX_LEN].copy_from_slice(&prefix(MAX_PAYLOAD));

    let mut reader = FrameReader::new();
    reader.extend(&largest);
    assert!(matches!(reader.next_frame(), Ok(Some(frame)) if frame == largest));

    reader.extend(&prefix(MAX_PAYLOAD + 1));
    for _ in 0..2 {
        let error = reader.next_frame().expect_err("beyond the limit");
        let len = MAX_PAYLOAD + 1;
        assert_eq!(error, FrameError::Oversized { len });
        assert!(error.is_fatal());
    }
}

#[test]
fn memory_follows_what_was_received_and_comes_back() {
    let mut reader = FrameReader::new();
    assert_eq!(reader.capacity(), 0);
    // The announced 8 MiB are not there yet.
    let mut frame = vec![1; MAX_FRAME];
    frame[..PREFIX_LEN].copy_from_slice(&[0xfc, 0xff, 0x7f, 0]);
    reader.extend(&frame[..1000]);
    assert!(reader.capacity() < 64 * 1024, "{}", reader.capacity());

    reader.extend(&frame[1000..]);
    assert!(reader.capacity() <= MAX_FRAME + 64 * 1024);
    assert_eq!(read_all(&mut reader).len(), 1);

    reader.space();
    assert!(reader.capacity() < 64 * 1024, "{}", reader.capacity());
}

#[test]
fn cost_is_linear_in_the_bytes() {
    // A reader that moved its pending bytes at each of these reads would copy 4 TiB.
    let mut frame = vec![1; MAX_FRAME];
    frame[..PREFIX_LEN].copy_from_slice(&[0xfc, 0xff, 0x7f, 0]);
    let mut reader = FrameReader::new();
    for chunk in frame.chunks(8) {
        assert_eq!(reader.next_frame(), Ok(None));
        reader.space()[..chunk.len()].copy_from_slice(chunk);
        reader.advance(chunk.len());
    }
    assert!(matches!(reader.next_frame(), Ok(Some(read)) if read == frame));
}

#[test]
fn a_slice_that_is_not_one_frame_is_refused() {
    let frame = golden_frame("worker_close");
    let payload = frame.len() - PREFIX_LEN;
    let wrong = |announced, actual| FrameError::WrongLength { announced, actual };
    let refused = |bytes: &[u8]| read_message(bytes).expect_err("not a frame");
    assert_eq!(refused(&[]), wrong(0, 0));
    assert_eq!(refused(&frame[..3]), wrong(0, 0));
    assert_eq!(
        refused(&frame[..frame.len() - 1]),
        wrong(payload, payload - 1)
    );
    assert_eq!(
        refused(&[&frame[..], &[0]].concat()),
        wrong(payload, payload + 1)
    );
    assert_eq!(refused(&[0; 4]), FrameError::Empty);
}

#[test]
fn malformed_payload_is_reported_in_one_line() {
    let mut frame = golden_frame("worker_close");
    frame[4..8].copy_from_slice(&[0xff; 4]);
    let error = read_message(&frame).expect_err("an offset out of the frame");
    assert!(matches!(error, FrameError::Malformed(_)));
    assert!(!error.to_string().contains('\n'));
}

#[test]
fn a_frame_beyond_the_limit_is_not_written() {
    let mut frames = FrameBuilder::new();
    let line = "E".repeat(MAX_PAYLOAD);
    let error = frames.log(&line).expect_err("beyond the limit");
    assert!(matches!(error, FrameError::Oversized { len } if len > MAX_PAYLOAD));
    // The next one is not hurt.
    let frame = frames.notification("17", Event::WORKER_RUNNING, None);
    assert!(read_message(frame.expect("a small frame")).is_ok());
}

/// Frames of different sizes, as the npm package sends them.
fn sample() -> Vec<Vec<u8>> {
    [
        "worker_close",
        "worker_create_router",
        "transport_produce",
        "dataproducer_send",
        "transport_consume",
    ]
    .map(golden_frame)
    .to_vec()
}

fn read_all(reader: &mut FrameReader) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame().expect("sound frames") {
        frames.push(frame.to_vec());
    }
    frames
}
