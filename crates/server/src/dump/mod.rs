//! `tureen dump`: shows recordings of worker channels and the entities of a running process, for
//! people and for programs.

mod args;

pub use args::DumpArgs;

use std::io::{self, BufWriter, stdout};
use std::path::PathBuf;

use thiserror::Error;
use tureen_channel_dump::{Dump, DumpError, LiveClient, LiveError, SocketDirectory, is_known_name};

use args::Source;

/// Why `tureen dump` ends early.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DumpCommandError {
    /// Neither a file nor anything else was named.
    #[error("name a recording, `state` for what lives in a running server, or --follow")]
    Nothing,
    /// `--follow` makes no sense for the state.
    #[error("the state is what is now: --follow shows what happens")]
    FollowState,
    /// A recording cannot be read.
    #[error("{path}: {source}")]
    File {
        /// As it was named.
        path: PathBuf,
        /// Why.
        source: DumpError,
    },
    /// There is nothing of this name on the channel.
    #[error("method: nothing on the channel is called {0:?}; `*` stands for any letters")]
    NoSuchMethod(String),
    /// The process cannot be read.
    #[error(transparent)]
    Dump(#[from] DumpError),
}

/// Prints what was asked for to standard output.
///
/// # Errors
///
/// [`DumpCommandError`]. It is no error if the reader has gone, as in `tureen dump FILE | head`.
pub fn dump(args: &DumpArgs) -> Result<(), DumpCommandError> {
    match print(args) {
        Err(DumpCommandError::Dump(DumpError::Output(error)))
            if error.kind() == io::ErrorKind::BrokenPipe =>
        {
            Ok(())
        }
        other => other,
    }
}

fn print(args: &DumpArgs) -> Result<(), DumpCommandError> {
    let source = args.source()?;
    let mut unknown = args.method.iter().filter(|method| !is_known_name(method));
    if let Some(method) = unknown.next() {
        return Err(DumpCommandError::NoSuchMethod(method.clone()));
    }
    let out = BufWriter::new(stdout().lock());
    let is_live = matches!(source, Source::Frames | Source::State);
    let dump = Dump::new(out, args.form(is_live), args.secrets(), args.filter());
    match source {
        Source::File(path) => {
            let read = match args.follow {
                true => dump.follow_file(path),
                false => dump.file(path),
            };
            read.map_err(|source| match source {
                DumpError::Output(_) => source.into(),
                source => DumpCommandError::File {
                    path: path.to_owned(),
                    source,
                },
            })?;
        }
        Source::Frames => dump.follow_process(client(args).map_err(DumpError::Live)?)?,
        Source::State => dump.state(client(args).map_err(DumpError::Live)?)?,
    }
    Ok(())
}

fn client(args: &DumpArgs) -> Result<LiveClient, LiveError> {
    let directory = SocketDirectory::of_user();
    let path = match (&args.socket, args.pid) {
        (Some(path), _) => path.clone(),
        (None, Some(pid)) => directory.socket(pid),
        (None, None) => directory.only_socket()?,
    };
    LiveClient::connect(&path)
}
