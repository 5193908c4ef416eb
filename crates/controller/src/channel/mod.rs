//! The channel to one worker. It matches responses with their requests, and hands each notification
//! to the entity that it names.

mod error;
mod pump;
mod request;

pub use error::{MethodName, RequestError};
pub(crate) use pump::{ChannelEnd, ChannelTasks};
pub(crate) use request::{Fbb, Request, plain_request};

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tureen_channel_fbs::fbs::notification::{Event, Notification};
use tureen_channel_fbs::fbs::request::{Body, Method};
use tureen_channel_fbs::fbs::response::Response;
use tureen_channel_fbs::{FrameBuilder, Payload};

use crate::entity::lock;
use crate::gone::WorkerGone;

/// This side's end of the channel to one worker. Clones share it.
#[derive(Clone)]
pub(crate) struct Channel {
    shared: Arc<Shared>,
}

/// Takes the notifications of one entity.
pub(crate) trait NotificationHandler: Send + Sync {
    fn notified(&self, notification: &Notification<'_>);
}

struct Shared {
    state: Mutex<State>,
    outgoing: mpsc::UnboundedSender<Outgoing>,
    request_timeout: Duration,
}

enum Outgoing {
    Frame(Vec<u8>),
    /// Nothing follows: close the stream.
    End,
}

struct State {
    frames: FrameBuilder,
    last_id: u32,
    pending: HashMap<u32, Pending>,
    handlers: HashMap<String, Arc<dyn NotificationHandler>>,
    gone: Option<WorkerGone>,
}

struct Pending {
    method: Method,
    settle: Settle,
}

/// Hands the outcome to whoever waits for it. It runs in the task that reads frames, so it comes
/// before every later notification.
type Settle = Box<dyn FnOnce(Result<&Response<'_>, RequestError>) + Send>;

impl Channel {
    /// A channel without streams yet; [`ChannelTasks::connect`] gives it some.
    fn new(request_timeout: Duration) -> (Self, mpsc::UnboundedReceiver<Outgoing>) {
        let (outgoing, frames) = mpsc::unbounded_channel();
        let state = State {
            frames: FrameBuilder::new(),
            last_id: 0,
            pending: HashMap::new(),
            handlers: HashMap::new(),
            gone: None,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            outgoing,
            request_timeout,
        });
        (Self { shared }, frames)
    }

    /// Sends a request and waits for its response.
    pub(crate) async fn request<R: Request>(
        &self,
        request: &R,
    ) -> Result<R::Response, RequestError> {
        self.request_then(request, |response| response).await
    }

    /// Sends a request, waits for its response, and applies `then` to it. Notifications that follow
    /// the response are handled after that.
    pub(crate) async fn request_then<R: Request, T: Send + 'static>(
        &self,
        request: &R,
        then: impl FnOnce(R::Response) -> T + Send + 'static,
    ) -> Result<T, RequestError> {
        let (sender, receiver) = oneshot::channel();
        let settle: Settle = Box::new(move |outcome| {
            let result = outcome.and_then(|response| {
                R::decode(response).ok_or_else(|| RequestError::MalformedResponse(R::METHOD.into()))
            });
            // Whoever waited may have stopped waiting.
            let _ = sender.send(result.map(then));
        });
        self.send(request, settle)?;
        self.settled(R::METHOD, receiver).await
    }

    /// Sends a request without a body and yields what `read` makes of the frame of its response,
    /// prefix included.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        method: Method,
        handler_id: &str,
        read: impl FnOnce(&[u8]) -> T + Send + 'static,
    ) -> Result<T, RequestError> {
        let (sender, receiver) = oneshot::channel();
        let settle: Settle = Box::new(move |outcome| {
            // A verified table knows all the bytes of its frame.
            let result = outcome.map(|response| read(response._tab.buf()));
            // Whoever waited may have stopped waiting.
            let _ = sender.send(result);
        });
        self.send_parts(method, handler_id, |_| None, settle)?;
        self.settled(method, receiver).await
    }

    async fn settled<T>(
        &self,
        method: Method,
        receiver: oneshot::Receiver<Result<T, RequestError>>,
    ) -> Result<T, RequestError> {
        match timeout(self.shared.request_timeout, receiver).await {
            Ok(Ok(result)) => result,
            // The end of the channel settles all pending requests, so this is for completeness.
            Ok(Err(_)) => Err(RequestError::MalformedResponse(method.into())),
            Err(_) => Err(RequestError::Timeout(method.into())),
        }
    }

    /// Sends a request that closes something. Nobody waits for the answer. Requests that are sent
    /// later come after it.
    pub(crate) fn post_close<R: Request>(&self, request: &R) {
        let settle: Settle = Box::new(|outcome| match outcome {
            // An entity that does not exist is closed: the worker may have closed it at the same
            // moment.
            Ok(_) | Err(RequestError::NotFound { .. } | RequestError::WorkerGone(_)) => {}
            Err(error) => tracing::warn!(%error, "a closing request failed"),
        });
        match self.send(request, settle) {
            Ok(()) | Err(RequestError::WorkerGone(_)) => {}
            Err(error) => tracing::warn!(%error, "a closing request was not sent"),
        }
    }

    /// Sends a notification without a body.
    pub(crate) fn notify(&self, handler_id: &str, event: Event) {
        let mut state = lock(&self.shared.state);
        match state.frames.notification(handler_id, event, None) {
            Ok(frame) => {
                let frame = Outgoing::Frame(frame.to_vec());
                // Without a reader there is no worker to tell.
                let _ = self.shared.outgoing.send(frame);
            }
            Err(error) => tracing::error!(%error, "notification not sent"),
        }
    }

    /// Closes the stream to the worker as soon as everything is written.
    pub(crate) fn end(&self) {
        // Without a reader it is closed already.
        let _ = self.shared.outgoing.send(Outgoing::End);
    }

    /// Makes `handler` receive the notifications to this id; refused when there is one already.
    pub(crate) fn register(
        &self,
        handler_id: &str,
        handler: Arc<dyn NotificationHandler>,
    ) -> Result<(), RequestError> {
        let mut state = lock(&self.shared.state);
        if let Some(gone) = &state.gone {
            return Err(RequestError::WorkerGone(gone.clone()));
        }
        match state.handlers.entry(handler_id.to_owned()) {
            Entry::Occupied(_) => Err(RequestError::DuplicateId(handler_id.to_owned())),
            Entry::Vacant(vacant) => {
                vacant.insert(handler);
                Ok(())
            }
        }
    }

    pub(crate) fn unregister(&self, handler_id: &str) {
        let handler = lock(&self.shared.state).handlers.remove(handler_id);
        // Dropping the handler may close what it owns, and that takes the lock again.
        drop(handler);
    }

    /// How many entities hear notifications: all that are open, each one from before its creation
    /// on.
    pub(crate) fn entities(&self) -> usize {
        lock(&self.shared.state).handlers.len()
    }

    /// Ends the channel for all who wait on it, and for all who come later.
    pub(crate) fn fail(&self, gone: &WorkerGone) {
        let (pending, handlers) = {
            let mut state = lock(&self.shared.state);
            state.gone.get_or_insert_with(|| gone.clone());
            (
                std::mem::take(&mut state.pending),
                std::mem::take(&mut state.handlers),
            )
        };
        for pending in pending.into_values() {
            (pending.settle)(Err(RequestError::WorkerGone(gone.clone())));
        }
        drop(handlers);
    }

    /// Whether the channel has ended for all who wait on it.
    pub(crate) fn is_gone(&self) -> bool {
        lock(&self.shared.state).gone.is_some()
    }

    fn send<R: Request>(&self, request: &R, settle: Settle) -> Result<(), RequestError> {
        let encode = |fbb: &mut Fbb| request.encode(fbb);
        self.send_parts(R::METHOD, request.handler_id(), encode, settle)
    }

    fn send_parts(
        &self,
        method: Method,
        handler_id: &str,
        encode: impl FnOnce(&mut Fbb) -> Option<Payload<Body>>,
        settle: Settle,
    ) -> Result<(), RequestError> {
        let mut guard = lock(&self.shared.state);
        let state = &mut *guard;
        if let Some(gone) = &state.gone {
            return Err(RequestError::WorkerGone(gone.clone()));
        }
        let body = encode(state.frames.begin());
        let id = next_id(state);
        let frame = state
            .frames
            .request(id, method, handler_id, body)
            .map_err(|_| RequestError::TooLarge(method.into()))?;
        // The lock is held until the frame is queued, so that ids leave in order. When nobody takes
        // frames any more, the worker is ending, and that settles the pending requests.
        let _ = self.shared.outgoing.send(Outgoing::Frame(frame.to_vec()));
        state.pending.insert(id, Pending { method, settle });
        Ok(())
    }

    fn settle(&self, response: &Response<'_>) {
        let pending = lock(&self.shared.state).pending.remove(&response.id());
        let Some(Pending { method, settle }) = pending else {
            tracing::warn!(id = response.id(), "response to no request");
            return;
        };
        settle(match response.accepted() {
            true => Ok(response),
            false => Err(RequestError::refused(method, response)),
        });
    }

    fn dispatch(&self, notification: &Notification<'_>) {
        let handler_id = notification.handler_id();
        let handler = lock(&self.shared.state).handlers.get(handler_id).cloned();
        match handler {
            Some(handler) => handler.notified(notification),
            // Notifications may still come for an entity that was just closed on this side.
            None => {
                let event = notification.event();
                tracing::trace!(handler_id, ?event, "notification to nobody");
            }
        }
    }
}

/// Counts 1, 2, … and wraps; ids that still wait for their response are skipped.
fn next_id(state: &mut State) -> u32 {
    loop {
        state.last_id = state.last_id.checked_add(1).unwrap_or(1);
        if !state.pending.contains_key(&state.last_id) {
            return state.last_id;
        }
    }
}

#[cfg(test)]
mod tests;
