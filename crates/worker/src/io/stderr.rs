//! Writing to standard error without ever waiting. If nobody reads it, lines are lost and media
//! goes on.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::panic;

use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, send};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::unistd::write;

/// Writes a line to stderr, which the controller logs.
pub(super) fn complain(line: fmt::Arguments<'_>) {
    say(io::stderr().as_fd(), &format!("tureen-worker: {line}\n"));
}

/// Makes panics write through [`complain`]. The standard library's own message would wait for a
/// reader.
pub(super) fn complain_of_panics() {
    panic::set_hook(Box::new(|panic| {
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            complain(format_args!("{panic}\n{backtrace}"));
        } else {
            complain(format_args!("{panic}"));
        }
    }));
}

/// Writes as much of `text` as `fd` takes at once.
fn say(fd: BorrowedFd<'_>, text: &str) {
    for piece in text.as_bytes().chunks(PIECE) {
        // If the line is not taken, it is lost, and there is nobody left to tell.
        if write_at_once(fd, piece) != Ok(piece.len()) {
            return;
        }
    }
}

/// Writes without waiting, although `fd` may be in blocking mode. All processes that share the
/// descriptor share this mode, so we must not change it.
fn write_at_once(fd: BorrowedFd<'_>, bytes: &[u8]) -> nix::Result<usize> {
    let kind = SFlag::from_bits_truncate(fstat(fd)?.st_mode) & SFlag::S_IFMT;
    if kind == SFlag::S_IFSOCK {
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        return send(fd.as_raw_fd(), bytes, flags);
    }
    if kind != SFlag::S_IFIFO && kind != SFlag::S_IFCHR {
        // A file does not wait for a reader.
        return write(fd, bytes);
    }
    // If we open the pipe or terminal again, we get a mode of our own.
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    if let Ok(own) = open(path.as_str(), flags, Mode::empty()) {
        return write(own, bytes);
    }
    // It belongs to another user, or no descriptor is left. A writable one takes one piece without
    // waiting.
    let mut polled = [PollFd::new(fd, PollFlags::POLLOUT)];
    match poll(&mut polled, PollTimeout::ZERO)? {
        0 => Ok(0),
        _ => write(fd, bytes),
    }
}

/// How many bytes a pipe takes as a whole or not at all (`PIPE_BUF`).
const PIECE: usize = 4096;

#[cfg(test)]
mod tests {
    use std::fs::{File, OpenOptions};
    use std::io::{Read, Seek, Write};
    use std::os::unix::net::UnixStream;

    use nix::fcntl::{FcntlArg, fcntl};
    use nix::unistd::pipe;

    use super::*;

    fn is_blocking(fd: BorrowedFd<'_>) -> bool {
        let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL).unwrap());
        !flags.contains(OFlag::O_NONBLOCK)
    }

    /// More than any pipe or socket holds by itself.
    const LINES: usize = 50_000;

    #[test]
    fn a_pipe_that_nobody_reads_is_not_waited_for() {
        let (reader, writer) = pipe().unwrap();
        for _ in 0..LINES {
            say(writer.as_fd(), "a line of text that nobody reads\n");
        }
        assert!(is_blocking(writer.as_fd()), "the mode is not ours");
        drop(writer);
        let mut text = String::new();
        File::from(reader).read_to_string(&mut text).unwrap();
        assert!(text.starts_with("a line of text that nobody reads\na line"));
        assert!((4096..LINES * 33).contains(&text.len()), "{}", text.len());
    }

    #[test]
    fn a_socket_that_nobody_reads_is_not_waited_for() {
        let (mut reader, writer) = UnixStream::pair().unwrap();
        for _ in 0..LINES {
            say(writer.as_fd(), "a line of text that nobody reads\n");
        }
        assert!(is_blocking(writer.as_fd()), "the mode is not ours");
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert!((4096..LINES * 33).contains(&text.len()), "{}", text.len());
    }

    #[test]
    fn a_file_gets_everything_behind_what_it_holds() {
        let path = std::env::temp_dir().join(format!("tureen-stderr-{}", std::process::id()));
        let options = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path);
        let mut file = options.unwrap();
        std::fs::remove_file(&path).unwrap();
        file.write_all(b"before\n").unwrap();
        let long = "x".repeat(3 * PIECE);
        say(file.as_fd(), &long);
        file.rewind().unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, format!("before\n{long}"));
    }
}
