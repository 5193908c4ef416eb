//! A worker that answers from a script. Its channel is its standard input and output.

use std::env;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::{self, ExitCode};

use nix::errno::Errno;
use nix::sys::wait::wait;
use tureen_channel_fbs::fbs::notification::Event;
use tureen_channel_fbs::{FrameBuilder, FrameReader, read_message};

pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let (scenario, arguments) = arguments.split_first().expect("a scenario");
    let mut worker = Worker::new();
    match scenario.as_str() {
        "answers" => worker.answers(),
        "refuses" => {
            eprintln!("wrong settings: {arguments:?}");
            return ExitCode::from(42);
        }
        "tells" => worker.tells(arguments),
        "stops-writing" => return worker.stops_writing(),
        "writes" => return worker.writes(),
        "garbles" => worker.garbles(),
        other => panic!("no scenario {other}"),
    }
    ExitCode::SUCCESS
}

struct Worker {
    input: UnixStream,
    output: UnixStream,
    reader: FrameReader,
    frames: FrameBuilder,
}

impl Worker {
    fn new() -> Self {
        let input = std::io::stdin().as_fd().try_clone_to_owned();
        let output = std::io::stdout().as_fd().try_clone_to_owned();
        let mut worker = Self {
            input: input.expect("descriptor 3").into(),
            output: output.expect("descriptor 4").into(),
            reader: FrameReader::new(),
            frames: FrameBuilder::new(),
        };
        let pid = process::id().to_string();
        let running = worker
            .frames
            .notification(&pid, Event::WORKER_RUNNING, None);
        // Whoever refuses its settings need not be heard.
        let _ = worker.output.write_all(running.expect("a frame"));
        worker
    }

    /// Accepts every request until it is told to close or its input ends. Then it sends one last
    /// message.
    fn answers(&mut self) {
        while let Some(id) = self.next_request() {
            let response = self.frames.response(id, None).expect("a frame");
            self.output
                .write_all(response)
                .expect("a controller that reads");
        }
        self.log("Xlast word");
    }

    /// Reports what it was started with, and whether it has children.
    fn tells(&mut self, arguments: &[String]) {
        self.log(&format!("X{arguments:?}"));
        let foreign = env::vars().filter(|(name, _)| name.starts_with("TUREEN_SHIM"));
        let foreign: Vec<_> = foreign.map(|(name, _)| name).collect();
        self.log(&format!("X{foreign:?} {:?}", env::var("MEDIASOUP_VERSION")));
        self.log(match wait() {
            Err(Errno::ECHILD) => "Xno children",
            _ => "Xchildren",
        });
        while self.next_request().is_some() {}
    }

    /// Closes its output after the first answer, and ends when its input does.
    fn stops_writing(&mut self) -> ExitCode {
        let id = self.next_request().expect("a request");
        let response = self.frames.response(id, None).expect("a frame");
        self.output
            .write_all(response)
            .expect("a controller that reads");
        self.output.shutdown(Shutdown::Write).expect("a socket");
        let mut later = 0;
        while self.next_request().is_some() {
            later += 1;
        }
        ExitCode::from(later)
    }

    /// Writes until nobody reads.
    fn writes(&mut self) -> ExitCode {
        loop {
            let line = self.frames.log("Xanother line").expect("a frame");
            match self.output.write_all(line) {
                Ok(()) => {}
                Err(error) => match error.kind() {
                    // Which of the two depends on whether something was left unread.
                    ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => return ExitCode::from(9),
                    _ => panic!("{error}"),
                },
            }
        }
    }

    /// Sends bytes that are no frame, and accepts requests all the same.
    fn garbles(&mut self) {
        self.output
            .write_all(&[0; 4])
            .expect("a controller that reads");
        self.output
            .write_all(&[0xff; 4])
            .expect("a controller that reads");
        self.answers();
    }

    fn log(&mut self, line: &str) {
        let line = self.frames.log(line).expect("a frame");
        // A controller that is gone hears nothing.
        let _ = self.output.write_all(line);
    }

    /// Id of the next request, `None` when there will be none.
    fn next_request(&mut self) -> Option<u32> {
        loop {
            if let Some(frame) = self.reader.next_frame().expect("sound frames") {
                let message = read_message(frame).expect("a sound frame");
                return message.data_as_request().map(|request| request.id());
            }
            match self.input.read(self.reader.space()) {
                Ok(0) => return None,
                Ok(len) => self.reader.advance(len),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }
}
