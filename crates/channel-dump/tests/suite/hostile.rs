//! Frames and recordings from an attacker, or from a broken disk.

use tureen_channel_dump::{
    Content, Decoder, Direction, Entry, Filter, Header, Record, RecordingReader, RecordingWriter,
    Secrets, Session, TextOptions, TextPrinter, write_json,
};

use crate::golden_frames;
use crate::session::{PID, Script};

#[test]
fn mutated_frames_are_shown_or_refused() {
    let frames = golden_frames();
    let mut random = XorShift(0x7475_7265_656e);
    let mut unreadable = 0;
    let mut session = Session::new(Secrets::Shown, Filter::default());
    for _ in 0..4000 {
        let mut frame = frames[random.below(frames.len())].1.clone();
        for _ in 0..=random.below(4) {
            let position = random.below(frame.len());
            frame[position] = random.byte();
        }
        let content = Content::Frame(Direction::FromWorker, frame);
        let at = std::time::Duration::ZERO;
        for entry in session.record(PID, &Record { at, content }) {
            unreadable += u32::from(show(&entry).contains("unreadable"));
        }
    }
    // Some mutations are found by the verifier, and some are not.
    assert!((400..3600).contains(&unreadable), "{unreadable}");
}

#[test]
fn every_byte_of_a_frame_may_be_wrong() {
    let mut decoder = Decoder::new(Secrets::Shown);
    for (_, frame) in golden_frames() {
        for position in 0..frame.len() {
            for wrong in [0, 1, 0x7f, 0xff, frame[position].wrapping_add(1)] {
                let mut frame = frame.clone();
                frame[position] = wrong;
                // Either is fine, as long as it comes back.
                let _ = decoder.decode(&frame);
            }
        }
    }
}

#[test]
fn every_byte_of_a_recording_may_be_wrong() {
    let sound = recording();
    let mut session = Session::new(Secrets::Hidden, Filter::default());
    for position in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[position] ^= 0xff;
        let Ok(mut reader) = RecordingReader::new(bytes.as_slice()) else {
            continue;
        };
        while let Ok(Some(record)) = reader.next_record() {
            session.record(PID, &record);
        }
    }
}

#[test]
fn a_frame_that_unfolds_has_a_bound() {
    // A vector of two million offsets to the same empty string, in WORKER_UPDATE_SETTINGS: 8 MiB
    // that would take ten times as much as values.
    use tureen_channel_fbs::FrameBuilder;
    use tureen_channel_fbs::fbs::request::{Body, Method};
    use tureen_channel_fbs::fbs::worker::{UpdateSettingsRequest, UpdateSettingsRequestArgs};

    let mut frames = FrameBuilder::new();
    let fbb = frames.begin();
    let text = fbb.create_string("");
    let tags = fbb.create_vector(&vec![text; 2_000_000]);
    let args = UpdateSettingsRequestArgs {
        log_tags: Some(tags),
        ..Default::default()
    };
    let body = UpdateSettingsRequest::create(fbb, &args).as_union_value();
    let body = (Body::Worker_UpdateSettingsRequest, body);
    let frame = frames.request(1, Method::WORKER_UPDATE_SETTINGS, "", Some(body));
    let mut decoder = Decoder::new(Secrets::Hidden);
    if let Ok(value) = decoder.decode(frame.expect("a frame")) {
        let text = serde_json::to_string(&value).expect("JSON");
        assert!(text.len() < 4_000_000, "{}", text.len());
        assert!(text.contains('…'));
    }
}

fn show(entry: &Entry) -> String {
    let mut text = Vec::new();
    let options = TextOptions {
        bodies: true,
        pids: true,
    };
    let mut printer = TextPrinter::new(&mut text, options);
    printer.entry(entry).expect("memory takes any text");
    write_json(&mut text, entry).expect("memory takes any text");
    let text = String::from_utf8(text).expect("text");
    assert!(!text.contains(|letter: char| letter.is_control() && letter != '\n'));
    text
}

fn recording() -> Vec<u8> {
    let header = Header {
        pid: PID,
        name: "worker 0".to_owned(),
        start: std::time::UNIX_EPOCH,
    };
    let mut bytes = Vec::new();
    let mut writer = RecordingWriter::new(&mut bytes, &header).expect("memory");
    for record in Script::records().into_iter().take(8) {
        if let Content::Frame(direction, frame) = record.content {
            writer.frame(record.at, direction, &frame).expect("memory");
        }
    }
    writer.flush().expect("memory");
    drop(writer);
    bytes
}

/// Marsaglia's xorshift with 64 bits of state: the same sequence in every run.
struct XorShift(u64);

impl XorShift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("a small bound");
        usize::try_from(self.next() % bound).expect("below a usize")
    }
}
