//! Printing a whole channel, from a file or from a running process.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::filter::Filter;
use crate::live::{LiveClient, LiveError};
use crate::print::{TextOptions, TextPrinter, write_json, write_json_header, write_tree};
use crate::recording::{Content, Growth, RecordingError, RecordingReader};
use crate::redact::{Secrets, redact};
use crate::session::{Entry, Session};

/// How a dump looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Lines for people.
    Text(TextOptions),
    /// One JSON object per line.
    Json,
}

/// Prints a channel, from a file or from a running process.
#[derive(Debug)]
pub struct Dump<W: Write> {
    session: Session,
    out: Output<W>,
    secrets: Secrets,
}

/// Why a dump ends early.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The recording cannot be read.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The running process cannot be asked.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// Nobody takes the output.
    #[error("output: {0}")]
    Output(#[from] io::Error),
}

#[derive(Debug)]
enum Output<W: Write> {
    Text(TextPrinter<W>),
    Json(W),
}

impl<W: Write> Dump<W> {
    /// A dump that writes to `out`. Give it a buffered writer: the dump flushes whenever nothing
    /// more can be read at once.
    pub fn new(out: W, form: Form, secrets: Secrets, filter: Filter) -> Self {
        let out = match form {
            Form::Text(options) => Output::Text(TextPrinter::new(out, options)),
            Form::Json => Output::Json(out),
        };
        Self {
            session: Session::new(secrets, filter),
            out,
            secrets,
        }
    }

    /// Prints a whole recording. If the last record is cut off, it says so.
    ///
    /// # Errors
    ///
    /// Any [`DumpError`] but [`DumpError::Live`]; what came before it is printed.
    pub fn file(mut self, path: &Path) -> Result<(), DumpError> {
        let mut reader = open(path)?;
        self.begin(&reader)?;
        let outcome = self.file_part(&mut reader);
        if outcome.is_ok() && reader.pending() > 0 {
            let note = format!("cut off: {} bytes of one more record", reader.pending());
            self.note(&reader, note)?;
        }
        self.end()?;
        outcome.map(|_| ())
    }

    /// Prints a recording that still grows, until it ends.
    ///
    /// # Errors
    ///
    /// Any [`DumpError`] but [`DumpError::Live`]; what came before it is printed.
    pub fn follow_file(mut self, path: &Path) -> Result<(), DumpError> {
        // Watch before the first read; otherwise we could miss what is written in between.
        let growth = Growth::of(path).map_err(RecordingError::Read)?;
        let mut reader = open(path)?;
        self.begin(&reader)?;
        loop {
            match self.file_part(&mut reader) {
                Ok(Progress::More) => {
                    self.flush()?;
                    growth.wait().map_err(RecordingError::Read)?;
                }
                Ok(Progress::Ended) => return self.end(),
                Err(error) => {
                    self.end()?;
                    return Err(error);
                }
            }
        }
    }

    /// Prints what passes in a running process until it ends.
    ///
    /// # Errors
    ///
    /// Any [`DumpError`] but [`DumpError::Recording`]; what came before it is printed.
    pub fn follow_process(mut self, client: LiveClient) -> Result<(), DumpError> {
        let mut follower = client.follow()?;
        loop {
            match follower.next_record() {
                Ok(Some((pid, record))) => {
                    for entry in self.session.record(pid, &record) {
                        self.entry(&entry)?;
                    }
                    self.flush()?;
                }
                Ok(None) => return self.end(),
                Err(error) => {
                    self.end()?;
                    return Err(error.into());
                }
            }
        }
    }

    /// Prints the live tree of a running process.
    ///
    /// # Errors
    ///
    /// [`DumpError::Live`] and [`DumpError::Output`].
    pub fn state(self, client: LiveClient) -> Result<(), DumpError> {
        let mut tree = client.state()?;
        if self.secrets == Secrets::Hidden {
            redact(&mut tree);
        }
        match self.out {
            Output::Text(printer) => {
                let (mut out, options) = printer.into_parts();
                write_tree(&mut out, &tree, options.bodies)?;
                Ok(out.flush()?)
            }
            Output::Json(mut out) => {
                writeln!(out, "{tree}")?;
                Ok(out.flush()?)
            }
        }
    }

    fn begin(&mut self, reader: &RecordingReader<File>) -> Result<(), DumpError> {
        match &mut self.out {
            Output::Text(printer) => Ok(printer.header(reader.header())?),
            Output::Json(out) => Ok(write_json_header(out, reader.header())?),
        }
    }

    /// Prints what there is at present.
    fn file_part(&mut self, reader: &mut RecordingReader<File>) -> Result<Progress, DumpError> {
        let pid = reader.header().pid;
        while let Some(record) = reader.next_record()? {
            for entry in self.session.record(pid, &record) {
                self.entry(&entry)?;
            }
            if record.content == Content::End {
                return Ok(Progress::Ended);
            }
        }
        Ok(Progress::More)
    }

    fn note(&mut self, reader: &RecordingReader<File>, text: String) -> Result<(), DumpError> {
        let pid = reader.header().pid;
        let at = reader.last_time();
        let content = Content::Note(text);
        for entry in self.session.record(pid, &crate::Record { at, content }) {
            self.entry(&entry)?;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), DumpError> {
        for entry in self.session.unanswered() {
            self.entry(&entry)?;
        }
        self.flush()
    }

    fn entry(&mut self, entry: &Entry) -> Result<(), DumpError> {
        match &mut self.out {
            Output::Text(printer) => printer.entry(entry)?,
            Output::Json(out) => write_json(out, entry)?,
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), DumpError> {
        match &mut self.out {
            Output::Text(printer) => printer.flush()?,
            Output::Json(out) => out.flush()?,
        }
        Ok(())
    }
}

/// Whether a recording can grow.
enum Progress {
    More,
    Ended,
}

fn open(path: &Path) -> Result<RecordingReader<File>, RecordingError> {
    RecordingReader::new(File::open(path).map_err(RecordingError::Read)?)
}
