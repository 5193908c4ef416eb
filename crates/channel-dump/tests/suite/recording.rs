//! Recordings as files.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use tureen_channel_dump::{
    Content, Direction, Growth, Header, Record, Recorder, RecordingError, RecordingReader,
    RecordingWriter,
};

use crate::directory;
use crate::session::{PID, Script};

#[test]
fn what_is_written_is_read() {
    let records = Script::records();
    let (path, header) = write("round-trip", &records);
    let mut reader = RecordingReader::new(File::open(&path).unwrap()).unwrap();
    assert_eq!(reader.header(), &header);
    for record in &records {
        assert_eq!(reader.next_record().unwrap().as_ref(), Some(record));
    }
    assert_eq!(reader.next_record().unwrap(), None);
    assert_eq!(reader.pending(), 0);
}

#[test]
fn a_cut_recording_is_read_up_to_the_cut() {
    let records = Script::records();
    let (path, _) = write("cut", &records);
    let whole = fs::read(path).unwrap();
    let mut before = 0;
    for len in 0..whole.len() {
        let mut reader = match RecordingReader::new(&whole[..len]) {
            Ok(reader) => reader,
            Err(RecordingError::NotARecording) if len < 34 => continue,
            Err(error) => panic!("{len}: {error}"),
        };
        let mut read = 0;
        while let Some(record) = reader.next_record().unwrap() {
            assert_eq!(record, records[read]);
            read += 1;
        }
        assert!(read == before || read == before + 1 && reader.pending() == 0);
        before = read;
    }
    assert_eq!(before, records.len() - 1);
}

#[test]
fn files_that_are_no_recordings_are_named_as_such() {
    let error = |bytes: &[u8]| RecordingReader::new(bytes).unwrap_err().to_string();
    assert_eq!(error(b""), "not a recording of a channel");
    assert_eq!(error(b"tureen"), "not a recording of a channel");
    assert_eq!(error(b"{\"json\": true}"), "not a recording of a channel");
    assert_eq!(
        error(b"tureenCR\x07\0\0\0\0\0\0\0"),
        "recording of format version 7, this is version 1"
    );
    let (path, _) = write("garbage", &[]);
    let mut bytes = fs::read(path).unwrap();
    let offset = bytes.len();
    bytes.extend([0xee; 64]);
    let mut reader = RecordingReader::new(bytes.as_slice()).unwrap();
    for _ in 0..2 {
        let error = reader.next_record().unwrap_err().to_string();
        assert_eq!(error, format!("no sound record at byte {offset}"));
    }
}

#[test]
fn files_are_for_the_owner_alone() {
    let directory = directory("owner").join("made");
    let header = header();
    let (_, path) = RecordingWriter::<File>::create(&directory, &header).unwrap();
    assert_eq!(path.file_name().unwrap(), "20090213T233130Z-1234.channel");
    assert_eq!(fs::metadata(&directory).unwrap().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn what_is_there_is_never_written_to() {
    let directory = directory("link");
    let victim = directory.join("victim");
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, directory.join("20090213T233130Z-1234.channel")).unwrap();
    symlink("nowhere", directory.join("20090213T233130Z-1234.2.channel")).unwrap();
    let (_, path) = RecordingWriter::<File>::create(&directory, &header()).unwrap();
    assert_eq!(path.file_name().unwrap(), "20090213T233130Z-1234.3.channel");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert!(!directory.join("nowhere").exists());
}

#[test]
fn a_directory_that_cannot_be_is_named() {
    let error = RecordingWriter::<File>::create("/dev/null/recordings".as_ref(), &header());
    let error = error.unwrap_err().to_string();
    assert_eq!(
        error,
        "no recording in /dev/null/recordings: Not a directory (os error 20)"
    );
}

#[test]
fn a_growing_recording_is_followed() {
    let (path, _) = write("growing", &[]);
    let records = Script::records();
    let (shown, read) = mpsc::channel();
    let follower = thread::spawn({
        let path = path.clone();
        move || {
            let growth = Growth::of(&path).unwrap();
            let mut reader = RecordingReader::new(File::open(&path).unwrap()).unwrap();
            loop {
                let Some(record) = reader.next_record().unwrap() else {
                    growth.wait().unwrap();
                    continue;
                };
                let is_end = record.content == Content::End;
                shown.send(record).unwrap();
                if is_end {
                    return;
                }
            }
        }
    });
    let (whole, _) = write("grown", &records);
    let bytes = fs::read(whole).unwrap();
    let begun = fs::metadata(&path).unwrap().len();
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    // In steps that do not care where a record ends.
    for step in bytes[usize::try_from(begun).unwrap()..].chunks(100) {
        file.write_all(step).unwrap();
    }
    for record in &records {
        let next = read.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(&next, record);
    }
    follower.join().unwrap();
}

#[test]
fn a_recorder_writes_in_the_background() {
    let directory = directory("recorder");
    let recorder = Recorder::start(&directory, PID, "worker 0", |error| panic!("{error}"));
    let recorder = recorder.unwrap();
    recorder.frame(Direction::ToWorker, b"\x04\0\0\0word");
    recorder.note("here");
    recorder.frame(Direction::FromWorker, b"\x04\0\0\0back");
    recorder.finish();
    let path = fs::read_dir(&directory)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut reader = RecordingReader::new(File::open(path).unwrap()).unwrap();
    assert_eq!(
        (reader.header().pid, reader.header().name.as_str()),
        (PID, "worker 0")
    );
    assert!(reader.header().start.elapsed().unwrap() < Duration::from_secs(60));
    let mut contents = Vec::new();
    let mut last = Duration::ZERO;
    while let Some(record) = reader.next_record().unwrap() {
        assert!(last <= record.at);
        last = record.at;
        contents.push(record.content);
    }
    assert_eq!(
        contents,
        [
            Content::Frame(Direction::ToWorker, b"\x04\0\0\0word".to_vec()),
            Content::Note("here".to_owned()),
            Content::Frame(Direction::FromWorker, b"\x04\0\0\0back".to_vec()),
            Content::End,
        ]
    );
}

fn write(name: &str, records: &[Record]) -> (PathBuf, Header) {
    let header = header();
    let (mut writer, path) = RecordingWriter::<File>::create(&directory(name), &header).unwrap();
    for record in records {
        match &record.content {
            Content::Frame(direction, frame) => writer.frame(record.at, *direction, frame),
            Content::Note(text) => writer.note(record.at, text),
            Content::End => return (path, writer.end(record.at).map(|()| header).unwrap()),
        }
        .unwrap();
    }
    writer.flush().unwrap();
    (path, header)
}

fn header() -> Header {
    Header {
        pid: PID,
        name: "worker 0".to_owned(),
        start: UNIX_EPOCH + Duration::from_nanos(1_234_567_890_000_000_001),
    }
}
