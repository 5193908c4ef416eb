//! Which entities close with another one.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, Weak};

use super::{CloseReason, lock};
use crate::ids::{ConsumerId, ProducerId, RouterId, TransportId, WebRtcServerId};

/// What a worker took with it when it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// WebRtcServers.
    pub web_rtc_servers: Vec<WebRtcServerId>,
    /// Routers.
    pub routers: Vec<RouterId>,
    /// Transports.
    pub transports: Vec<TransportId>,
    /// Producers.
    pub producers: Vec<ProducerId>,
    /// Consumers.
    pub consumers: Vec<ConsumerId>,
}

impl Lost {
    /// Whether nothing was lost.
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }
}

/// An entity that closes with another one: that which it lives in, or whose media it sends.
pub(crate) trait Descendant: Send + Sync {
    /// Closes it and all below it for a reason above it; says so in `lost`. The worker knows.
    fn close_from_above(&self, reason: &CloseReason, lost: &mut Lost);

    /// Closes, of itself and what lives in it, the Consumers alone.
    fn close_consumers(&self, reason: &CloseReason, lost: &mut Lost);
}

/// The entities that close with one entity, by id.
#[derive(Clone, Default)]
pub(crate) struct Children {
    by_id: Arc<Mutex<HashMap<String, Weak<dyn Descendant>>>>,
}

impl Children {
    pub(crate) fn insert(&self, id: &str, child: Weak<dyn Descendant>) {
        lock(&self.by_id).insert(id.to_owned(), child);
    }

    pub(crate) fn remove(&self, id: &str) {
        lock(&self.by_id).remove(id);
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.by_id).len()
    }

    /// Closes all of them, Consumers first: one whose Producer closes as well hears what is true of
    /// both.
    pub(crate) fn close_from_above(&self, reason: &CloseReason, lost: &mut Lost) {
        self.close_consumers(reason, lost);
        let children = mem::take(&mut *lock(&self.by_id));
        for child in children.values().filter_map(Weak::upgrade) {
            child.close_from_above(reason, lost);
        }
    }

    pub(crate) fn close_consumers(&self, reason: &CloseReason, lost: &mut Lost) {
        // A Consumer that closes takes itself out.
        let children: Vec<_> = lock(&self.by_id)
            .values()
            .filter_map(Weak::upgrade)
            .collect();
        for child in children {
            child.close_consumers(reason, lost);
        }
    }
}
