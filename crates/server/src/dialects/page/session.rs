//! One client of the page's dialect, from its greeting to its end.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::SignalingError;
use super::messages::{Notice, Request, RequestId, Response};
use super::publishing::Publishing;
use super::receiving::Receiving;
use super::translate::notice;
use crate::app::App;
use crate::auth::Grants;
use crate::media::Way;
use crate::rooms::{Event, PersonId, TrackId};

/// One client: its requests are done in the order in which they come, and it hears of what others
/// do through [`next`](Self::next).
///
/// Knows nothing of sockets: text comes in, text goes out.
pub(crate) struct Session {
    pub(super) app: Arc<App>,
    pub(super) person: Option<Online>,
    /// The token in the address of the connection; one in a request goes first.
    pub(super) token: Option<String>,
    /// What the token allows, once it was shown to a server with keys.
    pub(super) grants: Option<Grants>,
    pub(super) way: Way,
    pub(super) publishing: Option<Publishing>,
    pub(super) receiving: Option<Receiving>,
    /// Of the call whose connections are open.
    pub(super) lost: Option<watch::Receiver<bool>>,
    /// Frames that are to follow the response to the request that is being done.
    pub(super) following: Vec<String>,
}

/// What a client is after `hello`.
pub(super) struct Online {
    pub(super) id: PersonId,
    mailbox: mpsc::Receiver<Event>,
}

/// What happened meanwhile.
pub(crate) enum Happening {
    /// Others did something.
    Event(Event),
    /// The media worker died.
    MediaLost,
    /// The mailbox overflowed.
    TooSlow,
}

/// The server closes the connection, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    /// A frame was no request at all.
    Protocol,
    /// The client did not read what it was sent.
    TooSlow,
    /// The client sent more messages than it may.
    TooFast,
    /// The client gave no sign of life.
    Vanished,
    /// A message is longer than the server takes.
    TooLarge,
    /// The client has not said who it is, and newer ones want its place.
    Displaced,
    /// The server ends.
    ServerEnds,
}

impl Closing {
    /// A word for the client.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Protocol => "protocol",
            Self::TooSlow => "too-slow",
            Self::TooFast => "too-fast",
            Self::Vanished => "vanished",
            Self::TooLarge => "too-large",
            Self::Displaced => "displaced",
            Self::ServerEnds => "server-ends",
        }
    }

    /// The frame that says so.
    pub(crate) fn frame(self) -> String {
        to_text(&Notice::Closing {
            reason: self.reason(),
        })
    }
}

impl Session {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self {
            app,
            token: None,
            grants: None,
            person: None,
            way: Way::Any,
            publishing: None,
            receiving: None,
            lost: None,
            following: Vec::new(),
        }
    }

    /// A client that has shown this token in the address of its connection.
    pub(crate) fn with_token(app: Arc<App>, token: Option<String>) -> Self {
        let mut session = Self::new(app);
        session.token = token;
        session
    }

    /// Whether the client has said hello.
    pub(crate) fn is_online(&self) -> bool {
        self.person.is_some()
    }

    /// Does what a frame asks. Returns the frames to send: the response first.
    ///
    /// # Errors
    ///
    /// The frame has no id to answer to.
    pub(crate) async fn request(&mut self, text: &str) -> Result<Vec<String>, Closing> {
        let RequestId { id } = serde_json::from_str(text).map_err(|_| Closing::Protocol)?;
        let result = match serde_json::from_str::<Request>(text) {
            Ok(request) => self.perform(request).await,
            Err(error) => Err(SignalingError::BadRequest(error.to_string())),
        };
        self.app.metrics.requests.inc();
        let response = match result {
            Ok(ok) => Response::Ok { id, ok },
            Err(error) => {
                self.app.metrics.refusals.inc();
                let (person, code) = (self.person_id().ok(), error.code());
                tracing::debug!(?person, code, "refused");
                self.app.refusals.note(code, |silent| {
                    tracing::info!(?person, code, silent, "request refused");
                });
                Response::Error {
                    id,
                    error: error.body(),
                }
            }
        };
        let mut frames = vec![to_text(&response)];
        frames.append(&mut self.following);
        if self.receiving.as_ref().is_some_and(Receiving::is_offer_due) {
            // A client hears of a track before it is offered.
            frames.extend(self.news().await);
            frames.extend(self.offer());
        }
        Ok(frames)
    }

    /// The next thing that happens without the client's doing. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Happening {
        let Some(person) = &mut self.person else {
            return std::future::pending().await;
        };
        let lost = async {
            match &mut self.lost {
                Some(lost) => {
                    // A sender that is gone means that the call was closed in good order.
                    let closed = lost.wait_for(|lost| *lost).await.is_err();
                    if closed {
                        std::future::pending::<()>().await;
                    }
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = person.mailbox.recv() => event.map_or(Happening::TooSlow, Happening::Event),
            () = lost => Happening::MediaLost,
        }
    }

    /// Takes note of what happened, and of all that has happened since. Returns the frames to
    /// send.
    ///
    /// # Errors
    ///
    /// The connection is to be closed.
    pub(crate) async fn happened(&mut self, first: Happening) -> Result<Vec<String>, Closing> {
        let mut frames = Vec::new();
        match first {
            Happening::Event(event) => frames.extend(self.event(event).await),
            Happening::MediaLost => {
                self.unpublish_all();
                self.close_media();
                frames.push(to_text(&Notice::MediaLost {}));
            }
            Happening::TooSlow => return Err(Closing::TooSlow),
        }
        // What comes together is negotiated together: one offer for a whole room.
        frames.extend(self.news().await);
        frames.extend(self.offer());
        Ok(frames)
    }

    /// What others have done by now.
    async fn news(&mut self) -> Vec<String> {
        let mut frames = Vec::new();
        while let Some(event) = self
            .person
            .as_mut()
            .and_then(|one| one.mailbox.try_recv().ok())
        {
            frames.extend(self.event(event).await);
        }
        frames
    }

    /// The client is gone.
    pub(crate) fn end(&mut self) {
        self.close_media();
        if let Some(person) = self.person.take() {
            self.app.hall.vanish(person.id);
        }
    }

    async fn event(&mut self, event: Event) -> Vec<String> {
        let mut frames = Vec::new();
        match &event {
            Event::Subscribed(track) => frames.extend(self.receive(track).await),
            Event::Unsubscribed(track) => {
                if let Some(receiving) = &mut self.receiving {
                    receiving.remove(track);
                }
            }
            Event::RoomEnded => self.close_media(),
            _ => {}
        }
        frames.extend(notice(event).map(|notice| to_text(&notice)));
        frames
    }

    /// Begins to receive a track, once the client has said what it can receive.
    pub(super) async fn receive(&mut self, track: &TrackId) -> Option<String> {
        let receiving = self.receiving.as_mut()?;
        let Err(error) = receiving.add(track).await else {
            return None;
        };
        tracing::debug!(%track, %error, "cannot be received");
        Some(refused(track, error.code()))
    }

    /// The offer that is due, if one is.
    fn offer(&mut self) -> Option<String> {
        let offer = self.receiving.as_mut()?.offer()?;
        Some(to_text(&offer))
    }

    /// The tracks of a connection that is lost are no more; the client publishes them anew.
    fn unpublish_all(&self) {
        let (Some(publishing), Ok(me)) = (&self.publishing, self.person_id()) else {
            return;
        };
        for track in publishing.connection.published() {
            let _ = self
                .app
                .hall
                .act(|rooms, _, out| rooms.unpublish(me, track, out));
        }
    }

    pub(super) fn close_media(&mut self) {
        self.publishing = None;
        self.receiving = None;
        self.lost = None;
    }

    pub(super) fn person_id(&self) -> Result<PersonId, SignalingError> {
        let person = self.person.as_ref().ok_or(SignalingError::HelloFirst)?;
        Ok(person.id)
    }

    pub(super) fn come_online(&mut self, name: &str) -> Result<PersonId, SignalingError> {
        if self.person.is_some() {
            return Err(SignalingError::HelloTwice);
        }
        let (id, mailbox) = self.app.hall.enter(name)?;
        self.person = Some(Online { id, mailbox });
        Ok(id)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}

/// The frame that tells of a track which cannot be received.
pub(super) fn refused(track: &TrackId, reason: &'static str) -> String {
    to_text(&Notice::TrackRefused {
        track: track.0.clone(),
        reason,
    })
}

/// Our own messages always have a form in JSON: their keys are strings and their numbers finite.
fn to_text(message: &impl serde::Serialize) -> String {
    serde_json::to_string(message).unwrap_or_else(|error| {
        tracing::error!(%error, "a message has no form in JSON");
        String::from("{}")
    })
}
