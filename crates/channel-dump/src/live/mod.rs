//! Attaching to a running process: where its socket is, what is said on it, and the client.
//!
//! The client sends one line of JSON, [`Ask`]. To `state`, the process answers with one [`Line`]
//! and closes; to `follow`, with lines until either side closes.

mod client;
mod directory;
mod protocol;

pub use client::{Follower, LiveClient};
pub use directory::SocketDirectory;
pub use protocol::{Ask, Line, LiveFrame, MAX_ASK, MAX_LINE};

use std::io;
use std::path::PathBuf;

/// Why there is no talking to a running process.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The directory of the sockets cannot be made or read.
    #[error("{}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The directory is not one that only its owner can use.
    #[error("{}: {why}", path.display())]
    Untrusted {
        /// The directory or socket.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No process listens in the directory.
    #[error("no running process has a socket in {}", .0.display())]
    Nobody(PathBuf),
    /// Several processes listen; one must be chosen.
    #[error("several processes are running, choose one with --pid: {}", words(.0))]
    Several(Vec<u32>),
    /// The socket does not answer.
    #[error("{}: {source}", path.display())]
    Connect {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The connection broke.
    #[error("connection to the process: {0}")]
    Io(#[from] io::Error),
    /// The process said something that the protocol does not know.
    #[error("the process answers with something else: {0}")]
    Protocol(String),
    /// The process refused.
    #[error("the process refuses: {0}")]
    Refused(String),
}

fn words(pids: &[u32]) -> String {
    let words: Vec<String> = pids.iter().map(u32::to_string).collect();
    words.join(", ")
}
