//! Waiting until a recording has grown.

use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

/// Tells when a file has grown, without asking again and again.
#[derive(Debug)]
pub struct Growth {
    inotify: Inotify,
}

impl Growth {
    /// Watches the file from now on: what is read after this call and before
    /// [`wait`](Self::wait) is told once more, and nothing is missed.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn of(path: &Path) -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC)?;
        inotify.add_watch(path, AddWatchFlags::IN_MODIFY)?;
        Ok(Self { inotify })
    }

    /// Waits until the file was written to since the last call.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn wait(&self) -> io::Result<()> {
        loop {
            match self.inotify.read_events() {
                Ok(_) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}
