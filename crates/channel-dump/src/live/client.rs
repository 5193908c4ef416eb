//! A client of a running process: its state and its frames as they pass.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;
use nix::unistd::geteuid;
use serde_json::Value;

use super::{Ask, Line, LiveError, MAX_LINE};
use crate::recording::{Content, Record};

/// A connection to the socket of a running process.
#[derive(Debug)]
pub struct LiveClient {
    stream: BufReader<UnixStream>,
}

/// Follows the frames of a running process.
#[derive(Debug)]
pub struct Follower {
    client: LiveClient,
    last: Duration,
}

impl LiveClient {
    /// Connects, and checks that a process of the same user answers.
    ///
    /// # Errors
    ///
    /// [`LiveError::Connect`] and [`LiveError::Untrusted`].
    pub fn connect(socket: &Path) -> Result<Self, LiveError> {
        let connect_error = |source| LiveError::Connect {
            path: socket.to_owned(),
            source,
        };
        let stream = UnixStream::connect(socket).map_err(connect_error)?;
        let peer = getsockopt(&stream, PeerCredentials);
        let peer = peer.map_err(|errno| connect_error(errno.into()))?;
        let user = geteuid();
        if peer.uid() != user.as_raw() && !user.is_root() {
            return Err(LiveError::Untrusted {
                path: socket.to_owned(),
                why: "somebody else listens there",
            });
        }
        let stream = BufReader::new(stream);
        Ok(Self { stream })
    }

    /// The tree of all entities in the process, with their secrets: see [`redact`](crate::redact).
    ///
    /// # Errors
    ///
    /// [`LiveError::Io`], [`LiveError::Protocol`] and [`LiveError::Refused`].
    pub fn state(mut self) -> Result<Value, LiveError> {
        self.ask(Ask::State)?;
        match self.line()? {
            Some(Line::State(state)) => Ok(state),
            other => Err(unexpected(other)),
        }
    }

    /// Every frame from now on.
    ///
    /// # Errors
    ///
    /// [`LiveError::Io`].
    pub fn follow(mut self) -> Result<Follower, LiveError> {
        self.ask(Ask::Follow)?;
        Ok(Follower {
            client: self,
            last: Duration::ZERO,
        })
    }

    fn ask(&mut self, ask: Ask) -> Result<(), LiveError> {
        let line = ask.encode() + "\n";
        self.stream.get_mut().write_all(line.as_bytes())?;
        Ok(())
    }

    /// The next line, `None` at the end of the connection.
    fn line(&mut self) -> Result<Option<Line>, LiveError> {
        let mut line = Vec::new();
        let most = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
        (&mut self.stream).take(most).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        match Line::decode(&line) {
            Some(line) => Ok(Some(line)),
            None => {
                let begin = &line[..line.len().min(SHOWN)];
                let begin = String::from_utf8_lossy(begin).escape_debug().to_string();
                Err(LiveError::Protocol(begin))
            }
        }
    }
}

impl Follower {
    /// The next record and its worker; `None` when the process has ended. A loss of frames is a
    /// note for worker 0.
    ///
    /// # Errors
    ///
    /// [`LiveError::Io`], [`LiveError::Protocol`] and [`LiveError::Refused`].
    pub fn next_record(&mut self) -> Result<Option<(u32, Record)>, LiveError> {
        match self.client.line()? {
            None => Ok(None),
            Some(Line::Frame(frame)) => {
                self.last = Duration::from_nanos(frame.time_ns);
                let content = Content::Frame(frame.direction, frame.frame);
                let at = self.last;
                Ok(Some((frame.pid, Record { at, content })))
            }
            Some(Line::Lost(frames)) => {
                let content =
                    Content::Note(format!("{frames} frames not shown: reading too slowly"));
                let at = self.last;
                Ok(Some((0, Record { at, content })))
            }
            other => Err(unexpected(other)),
        }
    }
}

fn unexpected(line: Option<Line>) -> LiveError {
    match line {
        Some(Line::Error(why)) => LiveError::Refused(why),
        Some(other) => LiveError::Protocol(other.encode().chars().take(SHOWN).collect()),
        None => LiveError::Protocol("nothing".to_owned()),
    }
}

/// Bytes of a strange answer that are worth showing.
const SHOWN: usize = 80;
