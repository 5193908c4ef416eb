//! System calls that neither the standard library nor nix offer in the form that the worker needs:
//! batches of datagrams with control messages, two clocks, inherited descriptors and ignored
//! signals. All `unsafe` of the worker is here.

#![expect(
    unsafe_code,
    reason = "system calls; every block states why it is sound"
)]

mod address;
mod receive;
mod send;
#[cfg(test)]
mod tap;

use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{SigHandler, Signal, signal};

use crate::time::Instant;

pub(super) use receive::{ReceiveArrays, Received, SlotSize};
pub(super) use send::{Message, SendArrays};
#[cfg(test)]
pub(super) use tap::Tap;

/// Both clocks at the same moment. Kernel receive times are wall-clock times. The offset between
/// the clocks is read for every batch and turns them into the worker's time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    /// `CLOCK_MONOTONIC`.
    pub(super) monotonic: Instant,
    /// `CLOCK_REALTIME`, as time since the Unix epoch.
    pub(super) unix: Duration,
}

impl Clocks {
    /// Reads both, and again if they were interrupted: the time between the two readings would
    /// shift the receive times of a whole batch.
    pub(super) fn read() -> Self {
        let mut before = monotonic_now();
        for _ in 0..READINGS {
            let unix = read_clock(libc::CLOCK_REALTIME);
            let monotonic = monotonic_now();
            if monotonic.since(before) <= CLOSE_READINGS {
                return Self { monotonic, unix };
            }
            before = monotonic;
        }
        Self {
            unix: read_clock(libc::CLOCK_REALTIME),
            monotonic: monotonic_now(),
        }
    }

    /// Turns a recent wall-clock time into the worker's time. A time in the future, or too far back
    /// for any queue, means that the clock was just set; it counts as now.
    pub(super) fn to_instant(self, unix: Duration) -> Instant {
        match self.unix.checked_sub(unix) {
            Some(ago) if ago <= LONGEST_QUEUEING => self.monotonic - ago,
            _ => self.monotonic,
        }
    }
}

/// `CLOCK_MONOTONIC`.
pub(super) fn monotonic_now() -> Instant {
    let nanos = read_clock(libc::CLOCK_MONOTONIC).as_nanos();
    Instant::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

fn read_clock(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid place to write a timespec to, and outlives the call.
    let result = unsafe { libc::clock_gettime(clock, &raw mut time) };
    debug_assert_eq!(result, 0, "both clocks exist on every Linux");
    from_timespec(time)
}

/// A timespec as a duration; what is negative becomes zero.
fn from_timespec(time: libc::timespec) -> Duration {
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// Takes over descriptor `fd`, which the parent process left open for this one, and makes it
/// non-blocking. Call this once for each descriptor.
pub(super) fn inherit_descriptor(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the borrow ends within this function; were nothing open under the number, the call
    // would fail with EBADF and do nothing.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    set_nonblocking(borrowed)?;
    // SAFETY: `fd` is open, as the call above has shown, and the contract with the parent process
    // says that it is ours; nothing else in this process knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The size of a `T` in bytes, as C's interfaces count it.
#[expect(
    clippy::cast_possible_truncation,
    reason = "used for types of a few dozen bytes"
)]
const fn c_size_of<T>() -> libc::c_uint {
    size_of::<T>() as libc::c_uint
}

/// Sets `O_NONBLOCK`.
pub(super) fn set_nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?);
    fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}

/// Makes the process ignore `ignored`.
pub(super) fn ignore_signal(ignored: Signal) -> Result<(), Errno> {
    // SAFETY: `SIG_IGN` installs no handler, so no code of ours runs in a signal's context.
    unsafe { signal(ignored, SigHandler::SigIgn) }.map(drop)
}

/// Sends without UDP checksums. Then the kernel refuses GSO, as it does for a device that cannot
/// compute them.
#[cfg(test)]
pub(super) fn disable_checksums(fd: BorrowedFd<'_>) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the option's value is an int, which is what the pointer and the length describe.
    let result = unsafe {
        libc::setsockopt(
            std::os::fd::AsRawFd::as_raw_fd(&fd),
            libc::SOL_SOCKET,
            libc::SO_NO_CHECK,
            (&raw const on).cast(),
            c_size_of::<libc::c_int>(),
        )
    };
    Errno::result(result)?;
    Ok(())
}

/// How far apart two readings may be to count as simultaneous. Each takes about 50 ns.
const CLOSE_READINGS: Duration = Duration::from_micros(20);

/// How often the clocks are read for a better pair.
const READINGS: usize = 3;

/// No packet waits longer than this in a socket's queue.
const LONGEST_QUEUEING: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_is_the_standard_librarys() {
        let (anchor, at) = (std::time::Instant::now(), monotonic_now());
        while monotonic_now().since(at) < Duration::from_millis(2) {}
        let passed = anchor.elapsed();
        assert!(passed >= Duration::from_millis(2), "{passed:?}");
        assert!(passed < Duration::from_secs(5), "{passed:?}");
    }

    #[test]
    fn wall_clock_times_move_to_the_time_line_and_nonsense_is_now() {
        let clocks = Clocks {
            monotonic: Instant::from_millis(100_000),
            unix: Duration::from_secs(1_000_000),
        };
        let ago = |ago| clocks.to_instant(clocks.unix - Duration::from_millis(ago));
        assert_eq!(ago(0), Instant::from_millis(100_000));
        assert_eq!(ago(3), Instant::from_millis(99_997));
        assert_eq!(ago(61_000), Instant::from_millis(100_000));
        let future = clocks.to_instant(clocks.unix + Duration::from_nanos(1));
        assert_eq!(future, Instant::from_millis(100_000));
    }

    #[test]
    fn a_descriptor_that_is_not_open_is_refused() {
        let error = inherit_descriptor(9_999).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    }
}
