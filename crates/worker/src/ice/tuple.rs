//! The paths that checks have made valid.

use std::net::SocketAddr;

use crate::output::Path;
use crate::params::{ListenInfo, Tuple};
use crate::time::Instant;

/// How many valid paths an agent keeps.
pub(crate) const MAX_TUPLES: usize = 8;

/// The valid paths, and which of them is selected.
#[derive(Debug, Default)]
pub(super) struct Tuples {
    valid: Vec<Valid>,
    selected: Option<Path>,
}

#[derive(Debug)]
struct Valid {
    path: Path,
    /// When the last authenticated request came.
    heard: Instant,
}

impl Tuples {
    pub(super) const fn selected(&self) -> Option<Path> {
        self.selected
    }

    pub(super) fn contains(&self, path: Path) -> bool {
        self.valid.iter().any(|valid| valid.path == path)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Path> {
        self.valid.iter().map(|valid| valid.path)
    }

    /// Notes an authenticated request on `path`.
    pub(super) fn hear(&mut self, now: Instant, path: Path) -> Heard {
        if let Some(valid) = self.valid.iter_mut().find(|valid| valid.path == path) {
            valid.heard = now;
            return Heard::Known;
        }
        let evicted = if self.valid.len() >= MAX_TUPLES {
            self.evict()
        } else {
            None
        };
        self.valid.push(Valid { path, heard: now });
        Heard::Added { evicted }
    }

    /// Selects a valid path; whether that is a change.
    pub(super) fn select(&mut self, path: Path) -> bool {
        let changed = self.selected != Some(path);
        self.selected = Some(path);
        changed
    }

    /// Forgets a path; whether it was valid.
    pub(super) fn remove(&mut self, path: Path) -> bool {
        let before = self.valid.len();
        self.valid.retain(|valid| valid.path != path);
        if self.selected == Some(path) {
            self.selected = None;
        }
        self.valid.len() < before
    }

    /// The path that was heard of last.
    pub(super) fn latest(&self) -> Option<Path> {
        let latest = self.valid.iter().max_by_key(|valid| valid.heard)?;
        Some(latest.path)
    }

    /// Takes out the path that was silent for longest; the selected path stays.
    fn evict(&mut self) -> Option<Path> {
        let (index, _) = self
            .valid
            .iter()
            .enumerate()
            .filter(|(_, valid)| Some(valid.path) != self.selected)
            .min_by_key(|(_, valid)| valid.heard)?;
        Some(self.valid.remove(index).path)
    }
}

/// What a request means for the table.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Its path is valid already.
    Known,
    /// Its path has become valid, and another one made room.
    Added { evicted: Option<Path> },
}

impl Tuple {
    /// How the channel shows a path: with the announced address of the listening address if there
    /// is one, else with the local IP.
    #[must_use]
    pub fn new(path: Path, listen: &ListenInfo, local: SocketAddr) -> Self {
        Self {
            local_address: match &listen.announced_address {
                Some(announced) => announced.clone(),
                None => local.ip().to_string(),
            },
            local_port: local.port(),
            remote_ip: Some(path.remote.ip().to_canonical().to_string()),
            remote_port: path.remote.port(),
            protocol: path.protocol,
        }
    }
}
