//! One client of the page's dialect, from its greeting to its end.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::SignalingError;
use super::messages::{Notice, Reply, Request, Response};
use super::outgoing::Outgoing;
use super::publishing::Publishing;
use super::receiving::Receiving;
use super::translate::notice;
use crate::auth::Grants;
use crate::http::{App, known_network};
use crate::media::MediaError;
use crate::participant::{Happening, Participant, Resumption, Seat, Told, TooSlow};
use crate::rooms::{Event, LobbySnapshot, TrackId};

/// What all clients of the page share.
#[derive(Clone)]
pub(super) struct Page {
    pub(super) app: Arc<App>,
    /// Clients that may come back after a lost connection.
    resumption: Arc<Resumption<Session>>,
}

impl Page {
    pub(super) fn new(app: Arc<App>) -> Self {
        let config = &app.config;
        let window = Duration::from_secs(config.http.resume_timeout);
        // Whoever lingers takes the place of one who could come.
        let most = config.rooms.max_people / 2 + 16;
        let resumption = Resumption::new(window, most, Arc::clone(&app.lingering));
        Self {
            resumption: Arc::new(resumption),
            app,
        }
    }
}

/// One client. Its requests are carried out in the order in which they come. It hears through
/// [`next`](crate::participant::Unattended::next) what others do.
///
/// It knows nothing of sockets: text comes in, and text goes out.
pub(crate) struct Session {
    pub(super) app: Arc<App>,
    pub(super) resumption: Arc<Resumption<Self>>,
    /// Where the client is.
    pub(super) address: IpAddr,
    /// The token in the address of the connection. A token in a request counts more.
    pub(super) token: Option<String>,
    /// Whether the server had keys when the client came. If keys are added later, whoever is here
    /// goes on as before.
    pub(super) needs_token: bool,
    /// What the token allows, once it was shown to a server with keys. From `hello` on it stays.
    pub(super) grants: Option<Grants>,
    /// From `hello` on.
    pub(super) participant: Option<Participant>,
    pub(super) publishing: Option<Publishing>,
    pub(super) receiving: Option<Receiving>,
    /// Frames that will follow the response to the current request.
    pub(super) following: Vec<Utf8Bytes>,
    /// From `hello` on, as all that follows.
    pub(super) seat: Option<Seat<Self>>,
    /// What the client is told again if it comes back.
    pub(super) outgoing: Outgoing,
    /// The last request that was carried out.
    pub(super) last_request: Option<u64>,
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
    /// The client goes on over another connection.
    Resumed,
    /// The client's answers to offers cannot be read.
    BadAnswers,
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
            Self::Resumed => "resumed",
            Self::BadAnswers => "bad-answers",
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

impl From<TooSlow> for Closing {
    fn from(TooSlow: TooSlow) -> Self {
        Self::TooSlow
    }
}

impl Session {
    /// A client at this address.
    pub(crate) fn new(Page { app, resumption }: Page, address: IpAddr) -> Self {
        Self {
            needs_token: !app.http().keys.is_empty(),
            app,
            resumption,
            address,
            token: None,
            grants: None,
            participant: None,
            publishing: None,
            receiving: None,
            following: Vec::new(),
            seat: None,
            outgoing: Outgoing::default(),
            last_request: None,
        }
    }

    /// A client that has shown this token in the address of its connection.
    pub(crate) fn with_token(self, token: Option<String>) -> Self {
        Self { token, ..self }
    }

    /// The client's network, if it tells people apart.
    pub(super) fn network(&self) -> Option<IpAddr> {
        known_network(self.address)
    }

    /// Whether the client has said hello.
    pub(crate) fn is_online(&self) -> bool {
        self.participant.is_some()
    }

    /// Does what a frame asks. Returns the frames to send: the response first.
    ///
    /// # Errors
    ///
    /// The connection is to be closed: the frame has no id to answer to, or the client cannot answer
    /// offers.
    pub(crate) async fn request(&mut self, text: &str) -> Result<Vec<Utf8Bytes>, Closing> {
        let mut frame: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| Closing::Protocol)?;
        let id = frame.remove("id").and_then(|id| id.as_u64());
        let id = id.ok_or(Closing::Protocol)?;
        let room = frame.remove("room");
        let request = Request::deserialize(Value::Object(frame))
            .map_err(|error| SignalingError::BadRequest(error.to_string()));
        if let Ok(Request::Resume(resume)) = request {
            return Ok(self.resume(id, resume).await);
        }
        let was_online = self.is_online();
        let result = match request {
            Ok(request) => match self.require_room(room.as_ref()) {
                Ok(()) => self.perform(request).await,
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        if self.receiving.as_ref().is_some_and(Receiving::has_given_up) {
            return Err(Closing::BadAnswers);
        }
        let mut frames = vec![self.response(id, result)];
        frames.append(&mut self.following);
        if self.receiving.as_ref().is_some_and(Receiving::is_offer_due)
            && let Some(participant) = &mut self.participant
        {
            // A client hears of a track before it is offered.
            let news = participant.news().await;
            self.tell(news, &mut frames).await;
        }
        if self.is_online() {
            self.last_request = Some(id);
        }
        // The client counts from behind the answer to its hello.
        if was_online {
            self.outgoing.push(&frames);
        }
        Ok(frames)
    }

    /// Refuses a request for a room in which the client is no more. It may have been on its way when
    /// the client was moved, and what it says is for nobody in the other room.
    fn require_room(&self, room: Option<&Value>) -> Result<(), SignalingError> {
        let Some(room) = room else {
            return Ok(());
        };
        let room = room.as_str();
        let room = room.ok_or_else(|| SignalingError::BadRequest("`room` is no text".into()))?;
        let is_here = |one: &Participant| one.is_in(room);
        let is_here = self.participant.as_ref().is_some_and(is_here);
        is_here.then_some(()).ok_or(SignalingError::AnotherRoom)
    }

    /// The frame that answers a request.
    pub(super) fn response(&self, id: u64, result: Result<Reply, SignalingError>) -> Utf8Bytes {
        self.app.metrics.requests.inc();
        let response = match result {
            Ok(ok) => Response::Ok { id, ok },
            Err(error) => {
                self.note(&error);
                Response::Error {
                    id,
                    error: error.body(),
                }
            }
        };
        to_text(&response).into()
    }

    fn note(&self, error: &SignalingError) {
        let person = self
            .participant
            .as_ref()
            .map(|one| tracing::field::display(one.id()));
        let (code, address) = (error.code(), self.address);
        tracing::debug!(person, code, %address, "request refused");
        self.app.refusals.note(code, |silent| {
            tracing::info!(person, code, %address, silent, "request refused");
        });
    }

    /// Handles what has happened, and everything that has happened since. Returns the frames to
    /// send.
    ///
    /// # Errors
    ///
    /// The connection is to be closed.
    pub(crate) async fn happened(&mut self, first: Happening) -> Result<Vec<Utf8Bytes>, Closing> {
        let mut frames = Vec::new();
        if let Some(participant) = &mut self.participant {
            let news = participant.happened(first).await?;
            self.tell(news, &mut frames).await;
        }
        self.outgoing.push(&frames);
        Ok(frames)
    }

    /// The frames for what others have done by now.
    pub(super) async fn news(&mut self) -> Vec<Utf8Bytes> {
        let mut frames = Vec::new();
        if let Some(participant) = &mut self.participant {
            let news = participant.news().await;
            self.tell(news, &mut frames).await;
        }
        self.outgoing.push(&frames);
        frames
    }

    /// Notes for the log why the client is about to go.
    pub(crate) fn goes(&mut self, why: &'static str) {
        if let Some(participant) = &mut self.participant {
            participant.goes(why);
        }
    }

    /// Writes the frames for a batch of events, and then makes one offer for all of them.
    async fn tell(&mut self, news: Vec<Told>, frames: &mut Vec<Utf8Bytes>) {
        let mut subscribed = Vec::new();
        for told in news {
            let event = match told {
                Told::Event(event) => event,
                Told::MediaLost => {
                    self.forget_media();
                    subscribed.clear();
                    frames.push(to_text(&Notice::MediaLost {}).into());
                    continue;
                }
            };
            match event {
                Event::Lobby(lobby) => frames.push(shared(&lobby)),
                Event::Subscribed(track) => subscribed.push(track),
                Event::Unsubscribed(track) => {
                    subscribed.retain(|one| *one != track);
                    if let Some(receiving) = &mut self.receiving {
                        receiving.remove(&track);
                    }
                }
                other => {
                    if matches!(
                        other,
                        Event::RoomEnded | Event::Removed(_) | Event::Moved(_)
                    ) {
                        self.forget_media();
                        subscribed.clear();
                    }
                    let notice = notice(other);
                    frames.extend(notice.map(|notice| to_text(&notice).into()));
                }
            }
        }
        frames.extend(self.receive(subscribed).await);
        frames.extend(self.offer());
    }

    /// Begins to receive tracks, once the client has said what it can receive. Returns the frames
    /// about tracks that it cannot receive.
    pub(super) async fn receive(&mut self, tracks: Vec<TrackId>) -> Vec<Utf8Bytes> {
        let (Some(participant), Some(receiving)) = (&mut self.participant, &mut self.receiving)
        else {
            return Vec::new();
        };
        if tracks.is_empty() {
            return Vec::new();
        }
        let refused = receiving.add(participant, tracks).await;
        let told = refused.into_iter().map(|(track, error)| {
            tracing::debug!(%track, %error, "cannot be received");
            cannot_receive(&track, &error)
        });
        told.collect()
    }

    /// The offer that is due, if one is.
    fn offer(&mut self) -> Option<Utf8Bytes> {
        let receiving = self.receiving.as_mut()?;
        let offer = receiving.offer(self.participant.as_ref()?)?;
        Some(to_text(&offer).into())
    }

    /// The connections are gone, and so is everything that was negotiated on them.
    pub(super) fn forget_media(&mut self) {
        self.publishing = None;
        self.receiving = None;
    }
}

/// The frame of a lobby, made once for all who watch it.
fn shared(lobby: &LobbySnapshot) -> Utf8Bytes {
    let text = lobby
        .text
        .get_or_init(|| to_text(&Notice::from(lobby)).into_bytes().into());
    Utf8Bytes::try_from(text.clone()).unwrap_or_default()
}

fn cannot_receive(track: &TrackId, error: &MediaError) -> Utf8Bytes {
    let notice = Notice::TrackRefused {
        track: track.to_string(),
        reason: error.code(),
    };
    to_text(&notice).into()
}

/// Our own messages always have a form in JSON: their keys are strings and their numbers finite.
fn to_text(message: &impl serde::Serialize) -> String {
    serde_json::to_string(message).unwrap_or_else(|error| {
        tracing::error!(%error, "a message has no form in JSON");
        String::from("{}")
    })
}
