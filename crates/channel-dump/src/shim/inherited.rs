//! The descriptors that the shim inherits from the controller.

#![expect(
    unsafe_code,
    reason = "a descriptor that comes with the process is only known by its number"
)]

use std::fs;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

/// Whether there is a descriptor of this number.
pub(crate) fn is_open(fd: RawFd) -> bool {
    fs::symlink_metadata(format!("/proc/self/fd/{fd}")).is_ok()
}

/// Takes the descriptor of this number, which came with the process. Processes that are started
/// from now on do not get it.
///
/// Each number may be taken once, before anything else of this process opens a descriptor.
pub(crate) fn take(fd: RawFd) -> io::Result<OwnedFd> {
    if !is_open(fd) {
        return Err(io::Error::other(format!("descriptor {fd} is not open")));
    }
    // SAFETY: the descriptor is open, and by the contract of this function, which its one caller
    // keeps, nothing else in the process owns it: it was there before the first line of `main`.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    fcntl(&fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    Ok(fd)
}
