//! Waiting until a recording has grown.

use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

/// Waits until a file has grown, without asking again and again.
#[derive(Debug)]
pub struct Growth {
    inotify: Inotify,
}

impl Growth {
    /// Watches the file from now on. No growth is missed; what is read between this call and
    /// [`wait`](Self::wait) may be reported once more.
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
