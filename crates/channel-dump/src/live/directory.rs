//! The directory of the sockets of running processes, and whether it can be trusted.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::{Pid, Uid, geteuid};

use super::LiveError;

/// The directory in which each process of a user has its socket, named `<process id>.sock`.
///
/// Whoever can write in it can pretend to be a process. So it is used only when it belongs to the
/// user and is closed to others. Root may look into the directories of others, but puts no socket
/// there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketDirectory {
    path: PathBuf,
}

impl SocketDirectory {
    /// `$XDG_RUNTIME_DIR/tureen`, or `/tmp/tureen-<user id>` if that variable is not set.
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

    /// Makes the directory (0700) if it is not there, and removes the sockets of killed processes.
    /// It checks that the directory is the user's alone, also when the user is root.
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
        self.check(Use::Serve)?;
        for pid in self.sockets()? {
            if !is_alive(pid) {
                self.answers(pid);
            }
        }
        Ok(())
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

    /// The ids of the processes that listen, in ascending order. The user's own sockets of killed
    /// processes are removed.
    ///
    /// # Errors
    ///
    /// [`LiveError::Directory`] and [`LiveError::Untrusted`].
    pub fn running(&self) -> Result<Vec<u32>, LiveError> {
        match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            _ => self.check(Use::Attach)?,
        }
        let mut pids = self.sockets()?;
        pids.retain(|pid| self.answers(*pid));
        pids.sort_unstable();
        Ok(pids)
    }

    /// Process ids that sockets are named by.
    fn sockets(&self) -> Result<Vec<u32>, LiveError> {
        let mut pids = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(|error| self.error(error))? {
            let name = entry.map_err(|error| self.error(error))?.file_name();
            let pid = name.to_str().and_then(|name| name.strip_suffix(".sock"));
            pids.extend(pid.and_then(|pid| pid.parse::<u32>().ok()));
        }
        Ok(pids)
    }

    /// Whether somebody listens on the socket of a process. One that was left behind is removed.
    fn answers(&self, pid: u32) -> bool {
        let path = self.socket(pid);
        match UnixStream::connect(&path) {
            Ok(_) => true,
            Err(error) => {
                // A process that lives may be about to listen.
                if error.kind() == io::ErrorKind::ConnectionRefused && !is_alive(pid) {
                    // Somebody else may be as quick.
                    let _ = self.remove(&path);
                }
                false
            }
        }
    }

    /// Removes a socket. In somebody else's directory a name may become another file at any time,
    /// so nothing is removed there.
    fn remove(&self, socket: &Path) -> io::Result<()> {
        let is_own = fs::symlink_metadata(&self.path)?.uid() == geteuid().as_raw();
        if is_own && fs::symlink_metadata(socket)?.file_type().is_socket() {
            fs::remove_file(socket)?;
        }
        Ok(())
    }

    fn check(&self, to: Use) -> Result<(), LiveError> {
        let metadata = fs::symlink_metadata(&self.path).map_err(|error| self.error(error))?;
        let untrusted = if metadata.is_dir() {
            distrust(to, geteuid(), metadata.uid(), metadata.mode())
        } else {
            Some("not a directory")
        };
        match untrusted {
            None => Ok(()),
            Some(why) => Err(LiveError::Untrusted {
                path: self.path.clone(),
                why,
            }),
        }
    }

    fn error(&self, source: io::Error) -> LiveError {
        let path = self.path.clone();
        LiveError::Directory { path, source }
    }
}

/// What the directory is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// To put a socket there.
    Serve,
    /// To find the sockets of others.
    Attach,
}

/// What is wrong with a directory of this owner and mode. A client that is root may use any
/// directory: it gains nothing by it. A server that is root may not, because the directory's owner
/// could replace its socket.
fn distrust(to: Use, user: Uid, owner: u32, mode: u32) -> Option<&'static str> {
    let may_be_lenient = to == Use::Attach && user.is_root();
    if owner != user.as_raw() && !may_be_lenient {
        Some("belongs to somebody else")
    } else if mode & 0o077 != 0 {
        Some("open to others than its owner, must have mode 0700")
    } else {
        None
    }
}

fn is_alive(pid: u32) -> bool {
    let Ok(pid) = i32::try_from(pid) else {
        return false;
    };
    // Signal 0 is not delivered; kill(2) only says whether it could be. 0 and negative numbers are
    // not processes.
    pid > 0 && kill(Pid::from_raw(pid), None) != Err(Errno::ESRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_trusts_its_own_directory_alone_and_root_may_look_elsewhere() {
        let (root, user) = (Uid::from_raw(0), Uid::from_raw(1000));
        for (to, who, owner, mode, trusted) in [
            (Use::Serve, user, 1000, 0o40700, true),
            (Use::Serve, user, 1000, 0o40710, false),
            (Use::Serve, user, 1001, 0o40700, false),
            (Use::Serve, root, 0, 0o40700, true),
            (Use::Serve, root, 1000, 0o40700, false),
            (Use::Attach, user, 1000, 0o40700, true),
            (Use::Attach, user, 1001, 0o40700, false),
            (Use::Attach, user, 0, 0o40700, false),
            (Use::Attach, root, 1000, 0o40700, true),
            (Use::Attach, root, 1000, 0o40701, false),
        ] {
            let why = distrust(to, who, owner, mode);
            assert_eq!(
                why.is_none(),
                trusted,
                "{to:?} {who} {owner} {mode:o}: {why:?}"
            );
        }
    }

    #[test]
    fn who_is_alive() {
        assert!(is_alive(std::process::id()));
        assert!(is_alive(1), "of another user perhaps, yet alive");
        assert!(!is_alive(0) && !is_alive(u32::MAX));
        assert!(!is_alive(4_194_305), "beyond the largest process id");
    }
}
