//! What each request does: one function per request that is more than a call to the rooms.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use tureen_controller::rtp::MediaKind;

use super::messages::{
    self, CreateRoom, Hello, HelloReply, Join, MidTrack, Publish, PublishedReply, PublishedTrack,
    RefusedTrack, Reply, Request,
};
use super::publishing::{Publishing, Wanted};
use super::receiving::Receiving;
use super::session::Session;
use super::translate::person_id;
use super::{SignalingError, VERSION};
use crate::media::{Connection, Way};
use crate::rooms::{
    JoinOptions, RingId, RoomError, RoomId, Track, TrackId, TrackKind, TrackSource,
};
use crate::sdp::{Offer, RemoteCandidate, receive_capabilities};

type Result<T> = std::result::Result<T, SignalingError>;

impl Session {
    pub(super) async fn perform(&mut self, request: Request) -> Result<Reply> {
        let request = self.admit(request)?;
        match request {
            Request::Hello(hello) => return self.hello(&hello),
            // One who stands at the door has no name yet.
            Request::DescribeRoom { room, .. } => return self.describe_room(&room),
            _ => {}
        }
        let me = self.person_id()?;
        let app = Arc::clone(&self.app);
        let hall = &app.hall;
        match request {
            Request::Hello(_) | Request::DescribeRoom { .. } => {}
            Request::WatchLobby { watch } => {
                hall.act(|rooms, _, out| rooms.watch_lobby(me, watch, out))?;
            }
            Request::CreateRoom(room) => return self.create_room(room),
            Request::Join(join) => return self.join(join),
            Request::Leave => {
                self.close_media();
                hall.act(|rooms, now, out| rooms.leave(me, now, out))?;
            }
            Request::StartCall => hall.act(|rooms, _, out| rooms.start_call(me, out))?,
            Request::RingRoom => hall.act(|rooms, _, out| rooms.ring_room(me, out))?,
            Request::AnswerCall { accept } => {
                hall.act(|rooms, _, out| rooms.answer_call(me, accept, out))?;
            }
            Request::EndRoom => hall.act(|rooms, _, out| rooms.end(me, out))?,
            Request::Ring { person } => {
                let person = person_id(&person).ok_or(RoomError::NoSuchPerson)?;
                let RingId(ring) = hall.act(|rooms, now, out| rooms.ring(me, person, now, out))?;
                return Ok(Reply::Ringing { ring });
            }
            Request::CancelRing { ring } => {
                hall.act(|rooms, _, out| rooms.cancel_ring(me, RingId(ring), out))?;
            }
            Request::AnswerRing { ring, accept } => {
                hall.act(|rooms, now, out| rooms.answer_ring(me, RingId(ring), accept, now, out))?;
            }
            Request::Chat { text } => {
                hall.act(|rooms, _, out| rooms.chat(me, &text, unix_time(), out))?;
            }
            Request::Publish(publish) => return self.publish(publish).await,
            Request::Receive { sdp } => self.open_receiving(&sdp).await?,
            Request::Answer { offer, sdp } => self.answer(offer, &sdp).await?,
            Request::Candidate {
                connection,
                candidate,
            } => {
                self.candidate(connection, &candidate)?;
            }
            Request::RestartIce => {
                let receiving = self
                    .receiving
                    .as_mut()
                    .ok_or(SignalingError::NoConnection)?;
                receiving.restart_ice().await?;
            }
            Request::Subscribe { track, wanted } => {
                hall.act(|rooms, _, out| rooms.subscribe(me, &TrackId(track), wanted, out))?;
            }
            Request::Mute { track, muted } => self.mute(TrackId(track), muted).await?,
            Request::Stage { track } => {
                hall.act(|rooms, _, out| rooms.set_stage(me, track.map(TrackId), out))?;
            }
        }
        Ok(Reply::Done {})
    }

    fn hello(&mut self, hello: &Hello) -> Result<Reply> {
        if hello.version != VERSION {
            return Err(SignalingError::WrongVersion {
                client: hello.version,
                server: VERSION,
            });
        }
        let you = self.come_online(&hello.name)?;
        let limits = &self.app.config.rooms;
        Ok(Reply::Hello(HelloReply {
            version: VERSION,
            you: you.to_string(),
            max_name_length: limits.max_name_length,
            max_chat_length: limits.max_chat_length,
        }))
    }

    fn describe_room(&self, room: &str) -> Result<Reply> {
        let room = RoomId::parse(room)?;
        let room = self.app.hall.act(|rooms, _, _| rooms.describe(&room))?;
        Ok(Reply::Described(room.into()))
    }

    fn create_room(&self, room: CreateRoom) -> Result<Reply> {
        let me = self.person_id()?;
        let create =
            |rooms: &mut crate::rooms::Rooms, now, _: &mut _| rooms.create(me, room.into(), now);
        let (room, secret) = self.app.hall.act(create)?;
        Ok(Reply::Created {
            room: room.to_string(),
            secret: secret.reveal().to_owned(),
        })
    }

    fn join(&mut self, join: Join) -> Result<Reply> {
        let me = self.person_id()?;
        let room = RoomId::parse(&join.room)?;
        let options = JoinOptions {
            viewer: join.viewer,
            consumes: join.consumes,
            enters_call: join.enters_call,
            secret: join.secret,
            open: join.open.map(Into::into),
        };
        let hall = &self.app.hall;
        let joined = hall.act(|rooms, now, out| rooms.join(me, &room, options, now, out))?;
        self.way = if join.force_tcp {
            Way::TcpOnly
        } else {
            Way::Any
        };
        Ok(Reply::Joined(Box::new(joined.into())))
    }

    async fn publish(&mut self, publish: Publish) -> Result<Reply> {
        let me = self.person_id()?;
        let offer = Offer::parse(&publish.sdp)?;
        let announced: BTreeMap<_, _> = publish
            .tracks
            .into_iter()
            .map(|track| (track.mid.clone(), track))
            .collect();
        if self.publishing.is_none() {
            self.app.hall.act(|rooms, _, _| rooms.may_publish(me))?;
            self.publishing = Some(Publishing::new(self.connection().await?));
        }
        let publishing = self
            .publishing
            .as_mut()
            .ok_or(SignalingError::NoConnection)?;
        let wanted = announced
            .iter()
            .map(|(mid, track)| {
                let msid = format!("{me}-{} {mid}", stream_name(track));
                (
                    mid.clone(),
                    Wanted {
                        msid,
                        muted: track.muted,
                    },
                )
            })
            .collect();
        let changes = publishing.apply(&offer, &wanted).await?;
        let hall = &self.app.hall;
        for track in &changes.closed {
            // A track that the room has closed before us is closed all the same.
            let _ = hall.act(|rooms, _, out| rooms.unpublish(me, track, out));
        }
        let mut refused: Vec<_> = changes
            .refused
            .into_iter()
            .map(|(mid, error)| refusal(mid, &error))
            .collect();
        for (mid, id, kind) in changes.opened {
            let Some(announced) = announced.get(&mid) else {
                continue;
            };
            let track = Track {
                id,
                owner: me,
                kind: match kind {
                    MediaKind::Audio => TrackKind::Audio,
                    MediaKind::Video => TrackKind::Video,
                },
                source: announced.source.into(),
                label: announced.label.clone(),
                muted: announced.muted,
            };
            if let Err(error) = hall.act(|rooms, _, out| rooms.publish(track, out)) {
                publishing.close(&mid);
                refused.push(refusal(mid, &error.into()));
            }
        }
        let tracks = publishing.tracks();
        let tracks = tracks
            .map(|(mid, track)| MidTrack {
                mid: mid.to_owned(),
                track: track.to_string(),
            })
            .collect();
        Ok(Reply::Published(PublishedReply {
            tracks,
            refused,
            sdp: publishing.answer(&offer),
        }))
    }

    /// Opens the receiving connection, and receives what the room says this person receives.
    async fn open_receiving(&mut self, sdp: &str) -> Result<()> {
        let me = self.person_id()?;
        let capabilities = receive_capabilities(sdp)?;
        self.receiving = Some(Receiving::new(self.connection().await?, capabilities));
        for track in self.app.hall.act(|rooms, _, _| rooms.subscriptions(me)) {
            let refusal = self.receive(&track).await;
            self.following.extend(refusal);
        }
        Ok(())
    }

    async fn answer(&mut self, offer: u32, sdp: &str) -> Result<()> {
        let me = self.person_id()?;
        let receiving = self
            .receiving
            .as_mut()
            .ok_or(SignalingError::NoConnection)?;
        for track in receiving.answer(offer, sdp).await? {
            tracing::debug!(person = %me, %track, "refused by the browser");
            let _ = self
                .app
                .hall
                .act(|rooms, _, out| rooms.subscribe(me, &track, false, out));
        }
        Ok(())
    }

    fn candidate(&self, connection: messages::Connection, candidate: &str) -> Result<()> {
        let is_open = match connection {
            messages::Connection::Publish => self.publishing.is_some(),
            messages::Connection::Receive => self.receiving.is_some(),
        };
        RemoteCandidate::parse(candidate)?;
        if is_open {
            Ok(())
        } else {
            Err(SignalingError::NoConnection)
        }
    }

    async fn mute(&self, track: TrackId, muted: bool) -> Result<()> {
        let me = self.person_id()?;
        let mute =
            |rooms: &mut crate::rooms::Rooms, _, out: &mut _| rooms.mute(me, &track, muted, out);
        self.app.hall.act(mute)?;
        if let Some(publishing) = &self.publishing {
            publishing.connection.mute(&track, muted).await?;
        }
        Ok(())
    }

    /// A connection in the call of the room this person is in.
    async fn connection(&mut self) -> Result<Connection> {
        let me = self.person_id()?;
        let room = self
            .app
            .hall
            .act(|rooms, _, _| rooms.room_of(me).cloned())?;
        let call = self.app.media.call(&room).await?;
        self.lost = Some(call.lost());
        Ok(Connection::open(call, self.way).await?)
    }
}

/// Camera and microphone are played in sync; every screen is a stream of its own.
fn stream_name(track: &PublishedTrack) -> String {
    match TrackSource::from(track.source) {
        TrackSource::Camera | TrackSource::Microphone => "camera".to_owned(),
        TrackSource::Screen | TrackSource::ScreenAudio => format!("screen-{}", track.mid),
    }
}

fn refusal(mid: String, error: &SignalingError) -> RefusedTrack {
    RefusedTrack {
        mid,
        error: error.body(),
    }
}

/// Milliseconds since 1970.
fn unix_time() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
