//! The paths that checks have made valid.

use std::net::SocketAddr;
use std::time::Duration;

use crate::output::{Path, Protocol};
use crate::params::{ListenInfo, Tuple};
use crate::time::Instant;

/// How long the selected path may be without traffic while some comes on another one. It is longer
/// than any packet is under way.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long after authenticated traffic nobody else can take the selected path over.
const IN_USE: Duration = Duration::from_secs(2);

/// How many valid paths an agent keeps.
pub(crate) const MAX_TUPLES: usize = 8;

/// The valid paths, and which of them is selected.
#[derive(Debug, Default)]
pub(super) struct Tuples {
    valid: Vec<Valid>,
    selected: Option<Selected>,
}

#[derive(Clone, Copy, Debug)]
struct Selected {
    path: Path,
    /// When it was selected, or when authenticated traffic came on it last.
    proven: Instant,
    /// When authenticated traffic came on it last. A check proves less: whoever can forge a source
    /// address can send one from anywhere.
    traffic: Option<Instant>,
}

#[derive(Debug)]
struct Valid {
    path: Path,
    /// When the last authenticated request came.
    heard: Instant,
    /// Whether it was selected and the remote then used another one. It seems that the remote does
    /// not hear us here.
    is_one_way: bool,
}

impl Tuples {
    pub(super) const fn selected(&self) -> Option<Path> {
        match self.selected {
            Some(selected) => Some(selected.path),
            None => None,
        }
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
        self.valid.push(Valid {
            path,
            heard: now,
            is_one_way: false,
        });
        Heard::Added { evicted }
    }

    /// Selects a valid path; whether that is a change.
    pub(super) fn select(&mut self, now: Instant, path: Path) -> bool {
        if self.selected() == Some(path) {
            return false;
        }
        self.selected = Some(Selected {
            path,
            proven: now,
            traffic: None,
        });
        true
    }

    /// Records authenticated traffic of the remote. Its path is selected if none has come on the
    /// selected path for a while. Returns whether that changed the selection. A check only shows
    /// that we hear the remote, but the remote sends traffic where it has heard us.
    pub(super) fn follow(&mut self, now: Instant, path: Path) -> bool {
        let Some(selected) = &mut self.selected else {
            return false;
        };
        if selected.path == path {
            selected.proven = selected.proven.max(now);
            selected.traffic = Some(now);
            return false;
        }
        let left = selected.path;
        if now.since(selected.proven) < PATIENCE || !self.contains(path) {
            return false;
        }
        for valid in &mut self.valid {
            valid.is_one_way = (valid.is_one_way || valid.path == left) && valid.path != path;
        }
        self.selected = Some(Selected {
            path,
            proven: now,
            traffic: Some(now),
        });
        true
    }

    /// Whether authenticated traffic came on `path` a moment ago and `path` is selected.
    pub(super) fn is_in_use(&self, now: Instant, path: Path) -> bool {
        self.selected.is_some_and(|selected| {
            let traffic = selected.traffic.filter(|_| selected.path == path);
            traffic.is_some_and(|at| now.since(at) < IN_USE)
        })
    }

    /// Whether the remote seems not to hear us on `path`.
    pub(super) fn is_one_way(&self, path: Path) -> bool {
        let mut valid = self.valid.iter();
        valid.any(|valid| valid.path == path && valid.is_one_way)
    }

    /// Forgets which paths seem to lead one way only.
    pub(super) fn forgive(&mut self) {
        for valid in &mut self.valid {
            valid.is_one_way = false;
        }
    }

    /// Forgets a path; whether it was valid.
    pub(super) fn remove(&mut self, path: Path) -> bool {
        let before = self.valid.len();
        self.valid.retain(|valid| valid.path != path);
        if self.selected() == Some(path) {
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
            .filter(|(_, valid)| Some(valid.path) != self.selected())
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
            remote_ip: Some(path.remote.ip().to_canonical().to_string()),
            remote_port: path.remote.port(),
            ..Self::local(path.protocol, listen, local)
        }
    }

    /// The same while the remote is not known.
    #[must_use]
    pub fn local(protocol: Protocol, listen: &ListenInfo, local: SocketAddr) -> Self {
        Self {
            local_address: match &listen.announced_address {
                Some(announced) => announced.clone(),
                None => local.ip().to_string(),
            },
            local_port: local.port(),
            remote_ip: None,
            remote_port: 0,
            protocol,
        }
    }
}
