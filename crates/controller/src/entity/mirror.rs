//! This side's picture of an entity in the worker.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};

use tureen_channel_fbs::fbs::notification::Notification;

use super::{Children, Descendant, EventQueue, Events, Lost, lock};
use crate::channel::{Channel, NotificationHandler, Request, RequestError};
use crate::gone::WorkerGone;

/// Why an entity closed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// `close()` was called or the last handle dropped.
    Closed,
    /// The Producer that a Consumer consumed was closed.
    ProducerClosed,
    /// Its transport was closed.
    TransportClosed,
    /// The WebRtcServer its transport listened on was closed.
    WebRtcServerClosed,
    /// Its router was closed.
    RouterClosed,
    /// Its worker was closed or died.
    WorkerGone(WorkerGone),
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "it was closed by its owner",
            Self::ProducerClosed => "its Producer was closed",
            Self::TransportClosed => "its transport was closed",
            Self::WebRtcServerClosed => "its WebRtcServer was closed",
            Self::RouterClosed => "its router was closed",
            Self::WorkerGone(gone) => return gone.fmt(f),
        })
    }
}

/// What tells one kind of entity from another.
pub(crate) trait Kind: Sized + Send + Sync + 'static {
    /// What its handle's receivers get.
    type Event: Clone + Send + 'static;
    /// What the worker tells about it and the handle can ask for without a request.
    type State: Send + 'static;
    /// The request that closes it in the worker.
    type Close: Request + Send + Sync + 'static;
    /// Why entities below it close when it is closed by itself.
    const CLOSES_CHILDREN_FOR: CloseReason;

    /// The last event.
    fn closed(reason: CloseReason) -> Self::Event;

    /// Why entities below it close when it closes for this reason.
    fn closes_children_for(reason: &CloseReason) -> CloseReason {
        match reason {
            CloseReason::Closed | CloseReason::ProducerClosed => Self::CLOSES_CHILDREN_FOR,
            above => above.clone(),
        }
    }

    /// Closes only the Consumers among the entity and what lives in it.
    fn close_consumers(mirror: &Mirror<Self>, reason: &CloseReason, lost: &mut Lost) {
        mirror.children.close_consumers(reason, lost);
    }

    /// Takes in a notification of the worker.
    fn notified(mirror: &Mirror<Self>, notification: &Notification<'_>);

    /// Adds its id to what was lost.
    fn record_loss(id: &str, lost: &mut Lost);
}

/// This side's picture of one entity in the worker. It exists before the request that creates
/// the entity is sent, so that no notification can come too early for it.
pub(crate) struct Mirror<K: Kind> {
    pub(crate) id: String,
    pub(crate) channel: Channel,
    pub(crate) state: Mutex<K::State>,
    pub(crate) children: Children,
    events: EventQueue<K::Event>,
    closed: OnceLock<CloseReason>,
    parents: Vec<Children>,
}

impl<K: Kind> Mirror<K> {
    pub(crate) fn subscribe(&self) -> Events<K::Event> {
        self.events.subscribe()
    }

    pub(crate) fn push(&self, event: K::Event) {
        self.events.push(event);
    }

    /// Notes a notification that this version has no event for.
    pub(crate) fn ignored(&self, notification: &Notification<'_>) {
        let event = notification.event();
        tracing::debug!(id = self.id, ?event, "notification without an event");
    }

    pub(crate) fn close_reason(&self) -> Option<&CloseReason> {
        self.closed.get()
    }

    /// Closes it and all below it on this side. Returns whether it was open.
    pub(crate) fn close(&self, reason: CloseReason) -> bool {
        self.close_with(reason, &mut Lost::default())
    }

    pub(crate) fn close_with(&self, reason: CloseReason, lost: &mut Lost) -> bool {
        if self.closed.set(reason.clone()).is_err() {
            return false;
        }
        self.channel.unregister(&self.id);
        for parent in &self.parents {
            parent.remove(&self.id);
        }
        K::record_loss(&self.id, lost);
        let below = K::closes_children_for(&reason);
        self.children.close_from_above(&below, lost);
        self.events.finish(K::closed(reason));
        true
    }
}

impl<K: Kind> NotificationHandler for Mirror<K> {
    fn notified(&self, notification: &Notification<'_>) {
        K::notified(self, notification);
    }
}

impl<K: Kind> Descendant for Mirror<K> {
    fn close_from_above(&self, reason: &CloseReason, lost: &mut Lost) {
        self.close_with(reason.clone(), lost);
    }

    fn close_consumers(&self, reason: &CloseReason, lost: &mut Lost) {
        K::close_consumers(self, reason, lost);
    }
}

/// An entity that this process has created, or is about to: dropping it closes the entity.
///
/// It is made before the request is sent. A future that is dropped while it waits for the answer
/// therefore closes what the worker may create; requests are answered in order.
pub(crate) struct Owned<K: Kind> {
    pub(crate) mirror: Arc<Mirror<K>>,
    close: K::Close,
}

impl<K: Kind> Owned<K> {
    pub(crate) fn new(
        id: &str,
        channel: &Channel,
        state: K::State,
        parents: Vec<Children>,
        close: K::Close,
    ) -> Result<Self, RequestError> {
        let mirror = Arc::new(Mirror {
            id: id.to_owned(),
            channel: channel.clone(),
            state: Mutex::new(state),
            children: Children::default(),
            events: EventQueue::new(),
            closed: OnceLock::new(),
            parents,
        });
        let handler: Arc<dyn NotificationHandler> = mirror.clone();
        channel.register(id, handler)?;
        let descendant: Arc<dyn Descendant> = mirror.clone();
        for parent in &mirror.parents {
            parent.insert(id, Arc::downgrade(&descendant));
        }
        Ok(Self { mirror, close })
    }

    /// Sends the request that creates the entity. `created` sees the answer before any notification
    /// that follows. If the worker refuses, there is nothing to close.
    pub(crate) async fn create<R: Request, T: Send + 'static>(
        &self,
        request: &R,
        created: impl FnOnce(&Mirror<K>, R::Response) -> T + Send + 'static,
    ) -> Result<T, RequestError> {
        let mirror = self.mirror.clone();
        let result = self
            .mirror
            .channel
            .request_then(request, move |response| created(&mirror, response))
            .await;
        if let Err(error) = &result
            && error.is_refusal()
        {
            self.mirror.close(CloseReason::Closed);
        }
        result
    }

    /// Sends a request, unless the entity is closed.
    pub(crate) async fn request<R: Request>(
        &self,
        request: &R,
    ) -> Result<R::Response, RequestError> {
        match self.mirror.close_reason() {
            None => self.mirror.channel.request(request).await,
            Some(CloseReason::WorkerGone(gone)) => Err(RequestError::WorkerGone(gone.clone())),
            Some(reason) => Err(RequestError::Closed(reason.clone())),
        }
    }

    /// Closes the entity here and in the worker.
    pub(crate) fn close(&self) {
        if self.mirror.close(CloseReason::Closed) {
            self.mirror.channel.post_close(&self.close);
        }
    }

    /// Reads or changes what the worker tells about the entity.
    pub(crate) fn state<T>(&self, read: impl FnOnce(&mut K::State) -> T) -> T {
        read(&mut lock(&self.mirror.state))
    }
}

impl<K: Kind> Drop for Owned<K> {
    fn drop(&mut self) {
        self.close();
    }
}
