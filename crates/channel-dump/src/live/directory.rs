use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use super::LiveError;

/// The directory in which each process of a user has its socket, named `<process id>.sock`.
///
/// Whoever could write in it could stand in for a process, so it is used only when it is the
/// user's own and closed to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketDirectory {
    path: PathBuf,
}

impl SocketDirectory {
    /// `$XDG_RUNTIME_DIR/tureen`, and `/tmp/tureen-<user id>` where there is no such variable.
    pub fn of_user() -> Self {
        let path = match std::env::var_os("XDG_RUNTIME_DIR") {
            Some(directory) if Path::new(&directory).is_absolute() => {
                Path::new(&directory).join("tureen")
            }
            _ => PathBuf::from(format!("/tmp/tureen-{}", geteuid())),
        };
        Self { path }
    }

    /// A directory of one's own choice.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The socket of a process.
    pub fn socket(&self, pid: u32) -> PathBuf {
        self.path.join(format!("{pid}.sock"))
    }

    /// Makes the directory (0700) if it is not there, and checks that it is the user's alone.
    ///
    /// # Errors
    ///
    /// [`LiveError::Directory`] and [`LiveError::Untrusted`].
    pub fn prepare(&self) -> Result<(), LiveError> {
        match DirBuilder::new().mode(0o700).create(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(self.error(error));
            }
            _ => {}
        }
        self.check()
    }

    /// The socket of the one process that listens.
    ///
    /// # Errors
    ///
    /// [`LiveError::Nobody`], [`LiveError::Several`], [`LiveError::Directory`] and
    /// [`LiveError::Untrusted`].
    pub fn only_socket(&self) -> Result<PathBuf, LiveError> {
        let pids = self.running()?;
        match pids.as_slice() {
            [] => Err(LiveError::Nobody(self.path.clone())),
            [pid] => Ok(self.socket(*pid)),
            _ => Err(LiveError::Several(pids)),
        }
    }

    /// Process ids of those who listen, in ascending order.
    ///
    /// # Errors
    ///
    /// [`LiveError::Directory`] and [`LiveError::Untrusted`].
    pub fn running(&self) -> Result<Vec<u32>, LiveError> {
        match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            _ => self.check()?,
        }
        let mut pids = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(|error| self.error(error))? {
            let name = entry.map_err(|error| self.error(error))?.file_name();
            let pid = name.to_str().and_then(|name| name.strip_suffix(".sock"));
            let pid = pid.and_then(|pid| pid.parse().ok());
            // A process that was killed leaves its socket behind; nobody answers there.
            pids.extend(pid.filter(|pid| UnixStream::connect(self.socket(*pid)).is_ok()));
        }
        pids.sort_unstable();
        Ok(pids)
    }

    fn check(&self) -> Result<(), LiveError> {
        let metadata = fs::symlink_metadata(&self.path).map_err(|error| self.error(error))?;
        let user = geteuid();
        let why = if !metadata.is_dir() {
            "not a directory"
        } else if metadata.uid() != user.as_raw() && !user.is_root() {
            "belongs to somebody else"
        } else if metadata.mode() & 0o077 != 0 {
            "open to others than its owner, must have mode 0700"
        } else {
            return Ok(());
        };
        let path = self.path.clone();
        Err(LiveError::Untrusted { path, why })
    }

    fn error(&self, source: io::Error) -> LiveError {
        let path = self.path.clone();
        LiveError::Directory { path, source }
    }
}
