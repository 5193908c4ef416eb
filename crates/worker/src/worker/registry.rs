//! The ids from the controller, and the keys that they stand for. Strings end here; the media path
//! sees only keys.

use crate::error::RequestError;
use crate::ids::{ConsumerKey, ProducerKey, RouterKey, TransportKey, WebRtcServerKey};
use crate::rng::{KeyedState, Table};

/// What an id of the controller names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entity {
    WebRtcServer(WebRtcServerKey),
    Router(RouterKey),
    Transport(TransportKey),
    Producer(ProducerKey),
    Consumer(ConsumerKey),
}

/// One table for the whole worker: an id is unique among all kinds of entities (docs/channel.md
/// §5).
#[derive(Debug)]
pub(crate) struct Registry {
    entities: Table<String, Entity>,
}

impl Registry {
    pub(crate) fn new(state: KeyedState) -> Self {
        Self {
            entities: Table::with_hasher(state),
        }
    }

    /// Refuses an id that is taken. Asked before anything is built.
    pub(crate) fn check_free(&self, id: &str) -> Result<(), RequestError> {
        if self.entities.contains_key(id) {
            let problem = format!("Channel request handler with ID {id} already exists");
            return Err(RequestError::Failed(problem));
        }
        Ok(())
    }

    pub(crate) fn insert(&mut self, id: &str, entity: Entity) {
        self.entities.insert(id.to_owned(), entity);
    }

    pub(crate) fn remove(&mut self, id: &str) {
        self.entities.swap_remove(id);
    }

    /// The entity that a request is for.
    pub(crate) fn handler(&self, id: &str, method: &str) -> Result<Entity, RequestError> {
        self.entities.get(id).copied().ok_or_else(|| {
            RequestError::NotFound(format!(
                "Channel request handler with ID {id} not found [method:{method}]"
            ))
        })
    }

    /// The router with this id.
    pub(crate) fn router(&self, id: &str) -> Result<RouterKey, RequestError> {
        match self.entities.get(id) {
            Some(Entity::Router(key)) => Ok(*key),
            _ => Err(not_found("Router", id)),
        }
    }

    /// The WebRTC server with this id.
    pub(crate) fn web_rtc_server(&self, id: &str) -> Option<WebRtcServerKey> {
        match self.entities.get(id) {
            Some(Entity::WebRtcServer(key)) => Some(*key),
            _ => None,
        }
    }

    /// The transport with this id.
    pub(crate) fn transport(&self, id: &str) -> Result<TransportKey, RequestError> {
        match self.entities.get(id) {
            Some(Entity::Transport(key)) => Ok(*key),
            _ => Err(not_found("Transport", id)),
        }
    }

    /// The producer with this id.
    pub(crate) fn producer(&self, id: &str) -> Result<ProducerKey, RequestError> {
        match self.entities.get(id) {
            Some(Entity::Producer(key)) => Ok(*key),
            _ => Err(not_found("Producer", id)),
        }
    }

    /// The consumer with this id.
    pub(crate) fn consumer(&self, id: &str) -> Result<ConsumerKey, RequestError> {
        match self.entities.get(id) {
            Some(Entity::Consumer(key)) => Ok(*key),
            _ => Err(not_found("Consumer", id)),
        }
    }

    /// Every id that takes requests.
    pub(crate) fn request_handlers(&self) -> Vec<String> {
        self.entities.keys().cloned().collect()
    }

    /// Every id that takes notifications: transports and producers.
    pub(crate) fn notification_handlers(&self) -> Vec<String> {
        self.entities
            .iter()
            .filter(|(_, entity)| matches!(entity, Entity::Transport(_) | Entity::Producer(_)))
            .map(|(id, _)| id.clone())
            .collect()
    }
}

/// The error for an id in a body that names nothing of that kind.
pub(crate) fn not_found(kind: &str, id: &str) -> RequestError {
    RequestError::NotFound(format!("{kind} not found: {id}"))
}
