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

/// An entity that closes together with another one: with its parent, or with the Producer whose
/// media it sends.
pub(crate) trait Descendant: Send + Sync {
    /// Closes it and all below it, because something above it closed. It is added to `lost`. The
    /// worker knows already.
    fn close_from_above(&self, reason: &CloseReason, lost: &mut Lost);

    /// Closes only the Consumers among itself and what lives in it.
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

    /// Closes all of them, Consumers first. So a Consumer whose Producer closes as well hears the
    /// reason that holds for both.
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
