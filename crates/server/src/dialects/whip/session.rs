//! One client: a participant in a room until it says that it leaves, or is silent.

use std::borrow::Cow;
use std::net::IpAddr;

use axum::http::StatusCode;
use tokio::sync::{mpsc, oneshot, watch};

use crate::http::{Place, Problem, Sessions};
use crate::media::TransportParameters;
use crate::participant::{Following, Participant, Side, Told};
use crate::rooms::{Event, RoomId};

/// Where a session is, and who has made it.
pub(super) struct Origin {
    pub(super) room: RoomId,
    /// Whether the server had keys when it began.
    pub(super) needs_token: bool,
    /// None for a client that may be anybody's.
    pub(super) network: Option<IpAddr>,
}

/// What the HTTP side knows of a session.
pub(super) struct Handle {
    pub(super) origin: Origin,
    pub(super) side: Side,
    pub(super) ice: watch::Sender<IceSession>,
    commands: mpsc::Sender<Command>,
}

/// The present ICE session.
pub(super) struct IceSession {
    /// Its ETag.
    pub(super) tag: String,
    /// The client's username fragment.
    pub(super) remote: String,
}

enum Command {
    Restart(oneshot::Sender<Result<TransportParameters, Problem>>),
    End,
    /// Newer ones of its network want its place.
    Displaced,
}

/// A participant whose offer is answered.
pub(super) struct Session {
    pub(super) participant: Participant,
    pub(super) side: Side,
    /// The client's username fragment.
    pub(super) remote: String,
    /// What it watches, if it is a player.
    pub(super) following: Option<Following>,
}

/// Serves a session by a task of its own. Returns its id.
pub(super) fn start(
    sessions: &Sessions<Handle>,
    mut session: Session,
    origin: Origin,
    tag: String,
    ending: watch::Receiver<bool>,
) -> String {
    let (commands, mut inbox) = mpsc::channel(COMMANDS);
    let network = origin.network;
    let handle = Handle {
        origin,
        side: session.side,
        ice: watch::Sender::new(IceSession {
            tag,
            remote: session.remote.clone(),
        }),
        commands,
    };
    let (place, oldest) = sessions.begin(network, handle);
    if let Some(oldest) = oldest {
        // One that has other commands to carry out is not idle.
        let _ = oldest.commands.try_send(Command::Displaced);
    }
    let id = place.id().to_owned();
    tokio::spawn(async move {
        let why = serve(&mut session, &mut inbox, ending, &place).await;
        let why = why.unwrap_or_else(|error| error.to_string().into());
        session.participant.goes(why);
        // Whoever waits for the end finds nothing of the session: neither the person nor the id.
        drop(session);
        drop(place);
        drop(inbox);
    });
    id
}

impl Handle {
    /// New ICE credentials of ours. The old ones go on until the client has used the new ones.
    pub(super) async fn restart(&self, remote: String) -> Result<TransportParameters, Problem> {
        let (sender, answer) = oneshot::channel();
        let command = Command::Restart(sender);
        self.commands.send(command).await.map_err(|_| NO_SESSION)?;
        let parameters = answer.await.map_err(|_| NO_SESSION)??;
        let tag = tag(&parameters);
        self.ice.send_replace(IceSession { tag, remote });
        Ok(parameters)
    }

    /// Ends the session, and returns when it has ended.
    pub(super) async fn end(&self) {
        if self.commands.send(Command::End).await.is_ok() {
            self.commands.closed().await;
        }
    }
}

/// "a strong entity-tag ... identifying the ICE session" (RFC 9725 §4.3.1).
pub(super) fn tag(parameters: &TransportParameters) -> String {
    format!("\"{}\"", parameters.ice.username_fragment)
}

/// Serves it to its end, and returns why it has ended.
async fn serve(
    session: &mut Session,
    inbox: &mut mpsc::Receiver<Command>,
    mut ending: watch::Receiver<bool>,
    place: &Place<Handle>,
) -> Result<Cow<'static, str>, Problem> {
    let silence = session.participant.silence(session.side)?;
    let connecting = session.participant.connected(session.side)?;
    tokio::pin!(silence, connecting);
    let mut is_connecting = true;
    loop {
        tokio::select! {
            command = inbox.recv() => match command {
                Some(Command::Restart(answer)) => {
                    let _ = answer.send(session.restart().await);
                }
                Some(Command::Displaced) => return Ok("displaced".into()),
                Some(Command::End) | None => return Ok("deleted".into()),
            },
            happening = session.participant.next() => {
                let Ok(told) = session.participant.happened(happening).await else {
                    return Ok("too-slow".into());
                };
                if let Some(why) = told.iter().find_map(end_of) {
                    return Ok(why.into());
                }
                session.follow(&told).await?;
            }
            () = &mut connecting, if is_connecting => {
                is_connecting = false;
                place.is_connected();
            }
            why = &mut silence => return Ok(why.to_string().into()),
            () = async { let _ = ending.wait_for(|ending| *ending).await; } => {
                return Ok("server-ends".into());
            }
        }
    }
}

impl Session {
    async fn restart(&mut self) -> Result<TransportParameters, Problem> {
        self.participant.restart_ice(self.side).await?;
        Ok(self.participant.transport(self.side)?)
    }

    /// A player goes on with whoever is to be watched now.
    async fn follow(&mut self, told: &[Told]) -> Result<(), Problem> {
        let Some(following) = &mut self.following else {
            return Ok(());
        };
        // All of it is to be noted, so this stops at no first one.
        if told.iter().filter(|told| following.hears(told)).count() > 0 {
            following.follow(&mut self.participant).await?;
        }
        Ok(())
    }
}

/// Why nothing is left to do, if that is so.
fn end_of(told: &Told) -> Option<&'static str> {
    match told {
        Told::MediaLost => Some("media-lost"),
        Told::Event(Event::RoomEnded | Event::Removed(_)) => Some("out of the room"),
        Told::Event(_) => None,
    }
}

pub(super) const NO_SESSION: Problem = Problem::refused(
    StatusCode::NOT_FOUND,
    "no-such-session",
    "there is no such session, or not any more",
);
/// Commands that may wait.
const COMMANDS: usize = 4;
