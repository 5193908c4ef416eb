//! Recording one channel on a thread of its own.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use nix::sys::signal::{SigSet, Signal};

use super::{Content, Direction, Header, Record, RecordingError, RecordingWriter};

/// Records the channel of one worker on a thread of its own.
///
/// [`frame`](Self::frame) takes a copy and returns at once, whatever the disk does. At most 16 MiB
/// wait for a slow disk; what comes on top is lost, and the recording says so. After the first
/// error nothing more is written, and the error is reported once.
///
/// Dropping it ends the recording in the background; [`finish`](Self::finish) waits for that.
#[derive(Debug)]
pub struct Recorder {
    queue: Arc<Queue>,
    begun: Instant,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    /// Something was queued, or the recording is over.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    records: VecDeque<Record>,
    /// Bytes of the frames in `records`.
    bytes: usize,
    /// How many frames were lost since the last one that was queued.
    lost: u64,
    is_over: bool,
}

impl Recorder {
    /// Begins the recording of a worker in a new file in `directory`; see
    /// [`RecordingWriter::create`]. If an error ends the recording, `failed` gets it.
    ///
    /// # Errors
    ///
    /// [`RecordingError::Create`] and [`RecordingError::Write`].
    pub fn start<F>(
        directory: &Path,
        pid: u32,
        name: &str,
        failed: F,
    ) -> Result<Self, RecordingError>
    where
        F: FnOnce(RecordingError) + Send + 'static,
    {
        let header = Header {
            pid,
            name: name.to_owned(),
            start: SystemTime::now(),
        };
        let begun = Instant::now();
        let (writer, path) = RecordingWriter::<File>::create(directory, &header)?;
        Self::over(writer, begun, failed).map_err(|source| RecordingError::Create { path, source })
    }

    fn over<W, F>(writer: RecordingWriter<W>, begun: Instant, failed: F) -> io::Result<Self>
    where
        W: Write + Send + 'static,
        F: FnOnce(RecordingError) + Send + 'static,
    {
        let queue = Arc::new(Queue::default());
        let source = Arc::clone(&queue);
        let thread = thread::Builder::new().name("channel recorder".to_owned());
        let thread = thread.spawn(move || {
            // When a file reaches the size limit of the process, this signal would end the process.
            // The writing thread blocks the signal and gets an error instead. Blocking cannot fail.
            let _ = SigSet::from(Signal::SIGXFSZ).thread_block();
            if let Err(error) = write(writer, &source, begun) {
                source.discard();
                failed(error);
            }
        })?;
        Ok(Self {
            queue,
            begun,
            thread: Some(thread),
        })
    }

    /// Records a frame, prefix included, that passes now.
    pub fn frame(&self, direction: Direction, frame: &[u8]) {
        let at = self.begun.elapsed();
        self.queue.push(at, frame.len(), || {
            Content::Frame(direction, frame.to_vec())
        });
    }

    /// Records something that is worth knowing when the recording is read.
    pub fn note(&self, text: &str) {
        let at = self.begun.elapsed();
        self.queue
            .push(at, text.len(), || Content::Note(text.to_owned()));
    }

    /// Ends the recording and waits until it is written.
    pub fn finish(mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // Its error was told already.
            let _ = thread.join();
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Queue {
    fn push(&self, at: Duration, len: usize, content: impl FnOnce() -> Content) {
        let mut state = self.lock();
        if state.is_over {
            return;
        }
        if state.bytes.saturating_add(len) > MAX_WAITING {
            state.lost += 1;
            return;
        }
        state.mention_loss(at);
        state.bytes += len;
        let content = content();
        state.records.push_back(Record { at, content });
        self.changed.notify_one();
    }

    fn close(&self) {
        self.lock().is_over = true;
        self.changed.notify_one();
    }

    /// Ends the recording without writing what waits.
    fn discard(&self) {
        let mut state = self.lock();
        *state = State {
            is_over: true,
            ..State::default()
        };
    }

    /// Waits until something is queued and takes all of it; `None` when nothing more will come.
    fn take(&self, begun: Instant) -> Option<VecDeque<Record>> {
        let mut state = self.lock();
        while state.records.is_empty() && !state.is_over {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_over {
            state.mention_loss(begun.elapsed());
        }
        state.bytes = 0;
        let records = std::mem::take(&mut state.records);
        (!records.is_empty()).then_some(records)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn mention_loss(&mut self, at: Duration) {
        if self.lost > 0 {
            let content =
                Content::Note(format!("{} frames not recorded: disk too slow", self.lost));
            self.records.push_back(Record { at, content });
            self.lost = 0;
        }
    }
}

/// Writes what is queued until the recording is over. It writes the whole queue at once and
/// flushes, so nothing stays in the buffer during a pause.
fn write<W: Write>(
    mut writer: RecordingWriter<W>,
    queue: &Queue,
    begun: Instant,
) -> Result<(), RecordingError> {
    while let Some(records) = queue.take(begun) {
        for record in records {
            match record.content {
                Content::Frame(direction, frame) => writer.frame(record.at, direction, &frame)?,
                Content::Note(text) => writer.note(record.at, &text)?,
                Content::End => {}
            }
        }
        writer.flush()?;
    }
    writer.end(begun.elapsed())
}

/// Bytes of frames that may wait for the disk.
const MAX_WAITING: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::super::RecordingReader;
    use super::*;

    #[test]
    fn a_full_disk_ends_the_recording_with_one_error() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        // The header of a recording is written at once.
        let error = RecordingWriter::new(full, &header()).unwrap_err();
        assert!(error.to_string().contains("No space left"), "{error}");

        let (errors, told) = mpsc::channel();
        let writer = RecordingWriter::new(Limited { left: 100 }, &header()).unwrap();
        let recorder = Recorder::over(writer, Instant::now(), move |error| {
            errors.send(error.to_string()).unwrap();
        });
        let recorder = recorder.unwrap();
        recorder.frame(Direction::ToWorker, &[0; 200]);
        let error = told.recv().unwrap();
        assert!(error.contains("No space left"), "{error}");
        // The channel goes on. We keep nothing for a disk that takes nothing.
        for _ in 0..1000 {
            recorder.frame(Direction::FromWorker, &[0; 200]);
        }
        assert_eq!(recorder.queue.lock().bytes, 0);
        recorder.finish();
        assert!(told.recv().is_err(), "a second error");
    }

    #[test]
    fn a_slow_disk_loses_frames_and_says_so() {
        let (open, gate) = mpsc::channel();
        let (written, bytes) = mpsc::channel();
        let stream = Gated { gate, written };
        open.send(()).unwrap();
        let writer = RecordingWriter::new(stream, &header()).unwrap();
        let recorder = Recorder::over(writer, Instant::now(), |error| panic!("{error}")).unwrap();
        let frame = vec![7; 1024 * 1024];
        for _ in 0..64 {
            recorder.frame(Direction::ToWorker, &frame);
        }
        assert!(recorder.queue.lock().bytes <= MAX_WAITING);
        // From here on the gate stays open.
        drop(open);
        recorder.finish();

        let recording: Vec<u8> = bytes.into_iter().flatten().collect();
        let mut reader = RecordingReader::new(recording.as_slice()).unwrap();
        let (mut frames, mut lost) = (0, 0);
        while let Some(record) = reader.next_record().unwrap() {
            match record.content {
                Content::Frame(..) => frames += 1,
                Content::Note(text) => {
                    let (count, _) = text.split_once(' ').unwrap();
                    lost += count.parse::<u32>().unwrap();
                }
                Content::End => {}
            }
        }
        assert_eq!(frames + lost, 64);
        assert!(frames >= 16 && lost >= 16, "{frames} frames, {lost} lost");
    }

    fn header() -> Header {
        Header {
            pid: 1,
            name: String::new(),
            start: SystemTime::now(),
        }
    }

    /// A disk with little room.
    struct Limited {
        left: usize,
    }

    impl Write for Limited {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.left {
                0 => Err(io::Error::from_raw_os_error(nix::libc::ENOSPC)),
                left => {
                    let len = bytes.len().min(left);
                    self.left -= len;
                    Ok(len)
                }
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A disk that writes once for every word from the gate, and freely after the last.
    struct Gated {
        gate: mpsc::Receiver<()>,
        written: mpsc::Sender<Vec<u8>>,
    }

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.gate.recv();
            self.written
                .send(bytes.to_vec())
                .map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
