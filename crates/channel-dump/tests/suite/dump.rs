//! `Dump` on files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use tureen_channel_dump::{
    Content, Dump, DumpError, Filter, Form, Header, Record, RecordingWriter, Secrets, TextOptions,
};

use crate::directory;
use crate::session::{PID, Script};

const TEXT: Form = Form::Text(TextOptions {
    bodies: false,
    pids: false,
});

#[test]
fn a_file_is_printed() {
    let path = write("printed", &Script::records());
    let text = print(&path, TEXT).unwrap();
    assert!(text.starts_with("# worker 1234 \"worker 0\", from 1970-01-01T00:00:00.000000Z\n"));
    assert!(text.contains("## end of the channel"));
    assert!(text.ends_with("no response\n"));
    let json = print(&path, Form::Json).unwrap();
    let header: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(header["start"], "1970-01-01T00:00:00.000000Z");
    assert_eq!(
        (&header["pid"], &header["name"]),
        (&PID.into(), &"worker 0".into())
    );
}

#[test]
fn a_cut_file_is_printed_and_the_cut_told() {
    let path = write("cut-printed", &Script::records());
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 7]).unwrap();
    let text = print(&path, TEXT).unwrap();
    assert!(
        text.contains("## cut off: 9 bytes of one more record\n"),
        "{text}"
    );
    assert!(!text.contains("end of the channel"));
}

#[test]
fn what_comes_before_the_damage_is_printed() {
    let path = write("damaged", &[]);
    OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(&[0xee; 40])
        .unwrap();
    let mut out = Vec::new();
    let error = dump(&mut out, TEXT).file(&path).unwrap_err().to_string();
    assert_eq!(error, "no sound record at byte 34");
    assert!(String::from_utf8(out).unwrap().starts_with("# worker 1234"));
}

#[test]
fn a_growing_file_is_followed_to_its_end() {
    let path = write("followed", &[]);
    let (lines, shown) = mpsc::channel();
    let follower = thread::spawn({
        let path = path.clone();
        move || dump(io::LineWriter::new(Lines(lines)), Form::Json).follow_file(&path)
    });
    let next = || shown.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(next().contains("\"recording\""));
    let whole = fs::read(write("to-follow", &Script::records())).unwrap();
    let begun = usize::try_from(fs::metadata(&path).unwrap().len()).unwrap();
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    // The first message of the worker is shown before there is another one.
    let first = begun + 16 + 60;
    file.write_all(&whole[begun..first]).unwrap();
    assert!(next().contains("WORKER_RUNNING"));
    file.write_all(&whole[first..]).unwrap();
    follower.join().unwrap().unwrap();
    let rest: String = shown.try_iter().collect();
    let complete = print(&path, Form::Json).unwrap();
    assert!(complete.ends_with(&rest) && rest.contains("\"end\""));
}

#[test]
fn nobody_who_reads_is_an_error_of_the_output() {
    let path = write("unread", &Script::records());
    let (lines, shown) = mpsc::channel();
    drop(shown);
    let error = dump(io::LineWriter::new(Lines(lines)), TEXT)
        .file(&path)
        .unwrap_err();
    assert!(matches!(error, DumpError::Output(error) if error.kind() == io::ErrorKind::BrokenPipe));
}

fn print(path: &Path, form: Form) -> Result<String, DumpError> {
    let mut out = Vec::new();
    dump(&mut out, form).file(path)?;
    Ok(String::from_utf8(out).expect("text"))
}

fn dump<W: Write>(out: W, form: Form) -> Dump<W> {
    Dump::new(out, form, Secrets::Hidden, Filter::default())
}

/// Hands over what is written.
struct Lines(mpsc::Sender<String>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8(bytes.to_vec()).map_err(io::Error::other)?;
        let sent = self.0.send(text);
        sent.map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(name: &str, records: &[Record]) -> PathBuf {
    let header = Header {
        pid: PID,
        name: "worker 0".to_owned(),
        start: UNIX_EPOCH,
    };
    let directory = directory(name);
    let (mut writer, path) = RecordingWriter::<File>::create(&directory, &header).unwrap();
    for record in records {
        match &record.content {
            Content::Frame(direction, frame) => writer.frame(record.at, *direction, frame),
            Content::Note(text) => writer.note(record.at, text),
            Content::End => {
                writer.end(record.at).unwrap();
                return path;
            }
        }
        .unwrap();
    }
    writer.flush().unwrap();
    path
}
