//! Finding the worker's binary.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, io};

use crate::gone::SpawnError;

/// Which binary a worker runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WorkerBinary {
    /// The binary that the environment variable `TUREEN_WORKER_BIN` names, else a `tureen-worker`
    /// beside the running executable.
    #[default]
    Search,
    /// This one.
    Path(PathBuf),
    /// The running executable again, as `<executable> worker <arguments>`: for an executable
    /// that has this subcommand.
    CurrentExe,
}

/// An existing binary, and the arguments that come before the worker's own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) subcommand: Option<&'static str>,
}

impl WorkerBinary {
    pub(super) fn program(&self) -> Result<Program, SpawnError> {
        let (path, subcommand) = match self {
            Self::Search => (
                search(env::var_os(BINARY_VARIABLE), env::current_exe)?,
                None,
            ),
            Self::Path(path) => (path.clone(), None),
            Self::CurrentExe => (current_exe(env::current_exe)?, Some("worker")),
        };
        Ok(Program { path, subcommand })
    }
}

fn search(
    named: Option<OsString>,
    exe: impl FnOnce() -> io::Result<PathBuf>,
) -> Result<PathBuf, SpawnError> {
    if let Some(named) = named.filter(|named| !named.is_empty()) {
        return Ok(named.into());
    }
    let exe = current_exe(exe)?;
    let beside = exe
        .parent()
        .unwrap_or_else(|| Path::new(""))
        .join(BINARY_NAME);
    if beside.is_file() {
        return Ok(beside);
    }
    Err(SpawnError::BinaryNotFound {
        looked_at: vec![beside],
    })
}

fn current_exe(exe: impl FnOnce() -> io::Result<PathBuf>) -> Result<PathBuf, SpawnError> {
    exe().map_err(|source| SpawnError::Run {
        binary: PathBuf::from("/proc/self/exe"),
        source,
    })
}

const BINARY_VARIABLE: &str = "TUREEN_WORKER_BIN";
const BINARY_NAME: &str = "tureen-worker";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_comes_before_the_neighbour() {
        let exe = || Ok(PathBuf::from("/nowhere/app"));
        let named = search(Some("/opt/worker".into()), exe).unwrap();
        assert_eq!(named, PathBuf::from("/opt/worker"));
        let Err(SpawnError::BinaryNotFound { looked_at }) = search(None, exe) else {
            panic!("there is no neighbour");
        };
        assert_eq!(looked_at[0], PathBuf::from("/nowhere/tureen-worker"));
    }

    #[test]
    fn a_neighbour_is_found() {
        let directory = env::temp_dir().join(format!("tureen-binary-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let neighbour = directory.join("tureen-worker");
        std::fs::write(&neighbour, "").unwrap();
        let found = search(Some(OsString::new()), || Ok(directory.join("app")));
        std::fs::remove_dir_all(&directory).unwrap();
        assert_eq!(found.unwrap(), neighbour);
    }
}
