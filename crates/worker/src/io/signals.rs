//! Signals: two ask for an orderly end, five are ignored, the others do what they always do.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use mio::unix::SourceFd;
use mio::{Interest, Registry};
use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::sys_linux::ignore_signal;
use super::token::Source;

/// The signals that ask the worker to end, as a queue that is polled.
pub(super) struct Signals {
    queue: SignalFd,
}

impl Signals {
    /// Sets all dispositions. From here on, only signals that cannot be caught end the process at
    /// once. So this comes before the controller hears that the worker is running.
    ///
    /// The signals are blocked for the calling thread and those it starts later; other threads of
    /// the process must not be running yet.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(super) fn new(registry: &Registry) -> io::Result<Self> {
        for signal in IGNORED {
            ignore_signal(signal)?;
        }
        // A blocked signal is queued even if this process was started with the signal ignored.
        let mask: SigSet = ENDING.into_iter().collect();
        mask.thread_block()?;
        let queue = SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        let raw = queue.as_fd().as_raw_fd();
        let token = Source::Signals.token();
        registry.register(&mut SourceFd(&raw), token, Interest::READABLE)?;
        Ok(Self { queue })
    }

    /// Takes a signal from the queue; `None` when it is empty.
    pub(super) fn next(&self) -> Option<Signal> {
        loop {
            match self.queue.read_signal() {
                Ok(Some(info)) => {
                    let number = i32::try_from(info.ssi_signo).unwrap_or(0);
                    // The mask lets nothing else through.
                    return Some(Signal::try_from(number).unwrap_or(Signal::SIGTERM));
                }
                Err(Errno::EINTR) => {}
                Ok(None) | Err(_) => return None,
            }
        }
    }
}

const ENDING: [Signal; 2] = [Signal::SIGINT, Signal::SIGTERM];

const IGNORED: [Signal; 5] = [
    Signal::SIGPIPE,
    Signal::SIGHUP,
    Signal::SIGALRM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
];

#[cfg(test)]
mod tests {
    use mio::{Events, Poll};
    use nix::sys::signal::raise;

    use super::*;

    #[test]
    fn two_signals_are_queued_and_five_do_nothing() {
        let mut poll = Poll::new().unwrap();
        let signals = Signals::new(poll.registry()).unwrap();
        assert_eq!(signals.next(), None);
        // The signals are raised for this thread alone. If one were not ignored, it would end the
        // process.
        for signal in IGNORED {
            raise(signal).unwrap();
        }
        assert_eq!(signals.next(), None);
        for signal in ENDING {
            raise(signal).unwrap();
            let mut events = Events::with_capacity(4);
            poll.poll(&mut events, None).unwrap();
            let source = events
                .iter()
                .next()
                .and_then(|e| Source::from_token(e.token()));
            assert_eq!(source, Some(Source::Signals));
            assert_eq!(signals.next(), Some(signal));
            assert_eq!(signals.next(), None);
        }
    }
}
