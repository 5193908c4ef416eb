//! The life of a bot, from joining a room to leaving it.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Builder;
use tokio::time::{sleep, timeout};
use tureen_peer::{CloseReason, PeerState, PeerTransport};

use super::messages::{Done, Event, Joined, VERSION, Welcome};
use super::publish::Publishing;
use super::room::Room;
use super::signaling::{Signaling, plain};
use super::watch::Watching;
use super::{JoinConfig, JoinError};
use crate::ends::Ends;

/// Joins a room and stays until it ends, SIGINT or SIGTERM comes, or the time is over; then leaves
/// in good order. Prints what happens on standard output.
///
/// # Errors
///
/// [`JoinError`] says why the room could not be joined, or was lost.
pub fn join(config: JoinConfig) -> Result<(), JoinError> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut ends = Ends::new()?;
        let mut visit = tokio::select! {
            visit = Visit::begin(&config) => visit?,
            () = ends.wait() => return Ok(()),
        };
        let stayed = tokio::select! {
            stayed = visit.stay() => stayed,
            () = ends.wait() => Ok(()),
            () = time_is_over(config.duration) => Ok(()),
        };
        // Whoever does not answer any more is not waited for.
        let _ = timeout(FAREWELL, visit.end()).await;
        stayed
    })
}

/// Prints one line for the person at the terminal. If the terminal is gone, the bot goes on.
pub(super) fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Why a transport has closed.
pub(super) async fn ended(transport: &PeerTransport) -> JoinError {
    let mut state = transport.state();
    let closed = state.wait_for(|state| matches!(state, PeerState::Closed(_)));
    match closed.await.as_deref() {
        Ok(PeerState::Closed(reason)) => JoinError::MediaEnded(reason.clone()),
        _ => JoinError::MediaEnded(CloseReason::Local),
    }
}

/// The bot in the room.
struct Visit {
    signaling: Signaling,
    room: Room,
    publishes: bool,
    media: Media,
}

/// What the bot does there.
enum Media {
    /// The call has not begun.
    None,
    Publishing(Publishing),
    Watching(Box<Watching>),
}

impl Visit {
    /// Enters the room and begins with media.
    async fn begin(config: &JoinConfig) -> Result<Self, JoinError> {
        let url = &config.url;
        let mut signaling = Signaling::connect(url, config.insecure).await?;
        let hello = json!({ "version": VERSION, "name": config.name, "token": url.token() });
        let welcome: Welcome = signaling.request("hello", hello).await?;
        let open = json!({ "name": url.room(), "kind": "meeting", "started": true });
        let wish = json!({
            "room": url.room(),
            "viewer": !config.publish_demo,
            "consumes": !config.publish_demo,
            "open": open,
        });
        let joined: Joined = signaling.request("join", wish).await?;
        if joined.room.encrypted {
            return Err(JoinError::Encrypted);
        }
        let how = match joined.secret {
            Some(_) => "opened and joined",
            None => "joined",
        };
        say(&format!("Room {:?} {how}.", plain(&joined.room.name)));
        let mut visit = Self {
            room: Room::new(welcome.you, &joined),
            signaling,
            publishes: config.publish_demo,
            media: Media::None,
        };
        say(&visit.room.others());
        visit.start_media().await?;
        if !visit.room.is_in_call() {
            say("The call has not begun; the bot waits to be rung.");
        }
        Ok(visit)
    }

    /// Stays until the room ends (`Ok`) or is lost.
    async fn stay(&mut self) -> Result<(), JoinError> {
        loop {
            let event = tokio::select! {
                event = self.signaling.event() => event?,
                error = self.media.run() => return Err(error),
            };
            if matches!(event, Event::RoomEnded) {
                say("The owner has ended the room.");
                return Ok(());
            }
            self.handle(event).await?;
        }
    }

    /// Leaves the room.
    async fn end(mut self) {
        match self.media {
            Media::None => {}
            Media::Publishing(publishing) => {
                let stats = publishing.stop().await;
                say(&format!(
                    "Pictures sent: {}, key frames asked for: {}, packets sent again: {}.",
                    stats.pictures, stats.key_frame_requests, stats.retransmissions
                ));
            }
            Media::Watching(mut watching) => {
                watching.report();
                watching.stop().await;
            }
        }
        // The room may have ended, or the connection with it.
        let left: Result<Done, _> = self.signaling.request("leave", Value::Null).await;
        if left.is_ok() {
            say("Left the room.");
        }
        self.signaling.close().await;
    }

    async fn handle(&mut self, event: Event) -> Result<(), JoinError> {
        match event {
            Event::ParticipantJoined(participant) => {
                self.room.join(&participant);
                say(&format!("{} has come in.", plain(&participant.name)));
            }
            Event::ParticipantLeft(left) => {
                if let Some(name) = self.room.leave(&left.participant) {
                    say(&format!("{name} has left. {}", self.room.others()));
                }
            }
            Event::Presence(change) => {
                self.room.set_presence(&change.participant, change.presence);
                self.start_media().await?;
            }
            Event::CallRinging => {
                let accept = json!({ "accept": true });
                let Done {} = self.signaling.request("answer-call", accept).await?;
            }
            Event::TrackPublished(track) => self.room.publish(&track),
            Event::TrackClosed(closed) => self.room.unpublish(&closed.track),
            Event::Offer(offer) => {
                if let Media::Watching(watching) = &mut self.media {
                    let (room, signaling) = (&self.room, &mut self.signaling);
                    watching.offer(&offer, room, signaling).await?;
                }
            }
            Event::TrackRefused(refused) => {
                let track = self.room.track_name(&refused.track);
                say(&format!("{track}: refused ({}).", plain(&refused.reason)));
            }
            Event::MediaLost => return Err(JoinError::MediaLost),
            Event::Closing(closing) => return Err(JoinError::Closing(plain(&closing.reason))),
            Event::RoomEnded => {}
        }
        Ok(())
    }

    /// Begins to publish or to watch, as soon as the bot is in the call.
    async fn start_media(&mut self) -> Result<(), JoinError> {
        if !self.room.is_in_call() || !matches!(self.media, Media::None) {
            return Ok(());
        }
        self.media = if self.publishes {
            let publishing = Publishing::start(&mut self.signaling).await?;
            say(&format!("Connected ({}).", publishing.srtp_profile()));
            say(&format!("Publishing {}.", publishing.what()));
            Media::Publishing(publishing)
        } else {
            say("Watching; statistics follow as soon as someone publishes.");
            Media::Watching(Box::new(Watching::start(&mut self.signaling).await?))
        };
        Ok(())
    }
}

impl Media {
    /// Does its work until the connection ends. Dropping the future loses nothing.
    async fn run(&mut self) -> JoinError {
        match self {
            Self::None => std::future::pending().await,
            Self::Publishing(publishing) => publishing.run().await,
            Self::Watching(watching) => watching.run().await,
        }
    }
}

async fn time_is_over(seconds: Option<u64>) {
    match seconds {
        Some(seconds) => sleep(Duration::from_secs(seconds)).await,
        None => std::future::pending().await,
    }
}

/// How long leaving may take.
const FAREWELL: Duration = Duration::from_secs(3);
