//! What each request does. A request that is more than one call has a function of its own.

use std::collections::BTreeMap;

use tureen_controller::Numbering;

use super::messages::{
    Connection, Hello, HelloReply, IceServer, Join, Publish, PublishedReply, Reply, Request,
    SendData,
};
use super::session::Session;
use super::{SignalingError, VERSION};
use crate::media::Way;
use crate::participant::{Origin, Participant, ParticipantError};
use crate::rooms::{JoinOptions, NewPerson, PersonId, RingId, RoomError, RoomId, TrackId};
use crate::sdp::{Offer, RemoteCandidate, receive_capabilities};

type Result<T> = std::result::Result<T, SignalingError>;

impl Session {
    pub(super) async fn perform(&mut self, request: Request) -> Result<Reply> {
        let request = self.admit(request)?;
        match request {
            Request::Hello(hello) => return self.hello(hello),
            Request::Ping => return Ok(Reply::Done {}),
            // One who stands at the door has no name yet.
            Request::DescribeRoom { room, .. } => return self.describe_room(&room),
            _ => {}
        }
        let participant = self.participant()?;
        match request {
            Request::Hello(_)
            | Request::Resume(_)
            | Request::Ping
            | Request::DescribeRoom { .. } => {}
            Request::WatchLobby { watch } => participant.watch_lobby(watch)?,
            Request::CreateRoom(room) => {
                let (room, secret) = participant.create_room(room.into())?;
                return Ok(Reply::Created {
                    room: room.to_string(),
                    secret: secret.reveal().to_owned(),
                });
            }
            Request::Join(join) => return self.join(join),
            Request::Leave => {
                participant.leave()?;
                self.forget_media();
            }
            Request::StartCall => participant.start_call()?,
            Request::RingRoom => participant.ring_room()?,
            Request::AnswerCall { accept } => participant.answer_call(accept)?,
            Request::EndRoom => {
                participant.end_room()?;
                self.forget_media();
            }
            Request::LockRoom { locked } => participant.lock_room(locked)?,
            Request::RoomMetadata { metadata } => participant.set_room_metadata(metadata)?,
            Request::Remove { participant: whom } => participant.remove(person(&whom)?)?,
            Request::Move {
                participant: whom,
                room,
                secret,
            } => {
                let room = RoomId::parse(&room)?;
                participant.move_person(person(&whom)?, &room, secret.as_deref())?;
            }
            Request::Profile(change) => participant.change_profile(change.into())?,
            Request::Ring { person: whom } => {
                let ring = participant.ring(person(&whom)?)?.to_string();
                return Ok(Reply::Ringing { ring });
            }
            Request::CancelRing { ring } => participant.cancel_ring(self::ring(&ring)?)?,
            Request::AnswerRing { ring, accept } => {
                participant.answer_ring(self::ring(&ring)?, accept)?;
            }
            Request::Chat { text } => participant.chat(&text)?,
            Request::Data(data) => send_data(participant, data)?,
            media => return self.perform_media(media).await,
        }
        Ok(Reply::Done {})
    }

    /// The requests that concern streams.
    async fn perform_media(&mut self, request: Request) -> Result<Reply> {
        let participant = self.participant()?;
        match request {
            Request::Publish(publish) => {
                return Ok(Reply::Published(self.publish(publish).await?));
            }
            Request::Receive { sdp } => self.open_receiving(&sdp).await?,
            Request::Answer { offer, sdp } => self.answer(offer, &sdp).await?,
            Request::Candidate {
                connection,
                candidate,
            } => self.candidate(connection, &candidate)?,
            Request::RestartIce => self.restart_ice().await?,
            Request::Subscribe { track, wanted } => {
                participant.subscribe(&TrackId(track), wanted)?;
            }
            Request::Prefer(wanted) => {
                let (track, preferences) = wanted.into();
                participant.prefer(&track, preferences).await?;
            }
            Request::Mute { track, muted } => participant.mute(&TrackId(track), muted).await?,
            Request::Stage { track } => participant.set_stage(track.map(TrackId))?,
            // All others are done by now.
            _ => {}
        }
        Ok(Reply::Done {})
    }

    fn hello(&mut self, hello: Hello) -> Result<Reply> {
        if hello.version != VERSION {
            return Err(SignalingError::WrongVersion {
                client: hello.version,
                server: VERSION,
            });
        }
        if self.participant.is_some() {
            return Err(SignalingError::HelloTwice);
        }
        // On a server with keys, the token says who they are and what they may do.
        let known = self.grants.as_ref().map(NewPerson::try_from).transpose()?;
        let mut new = known.unwrap_or_else(|| NewPerson::named(""));
        new.name = hello.name;
        new.address = self.network();
        if self.grants.is_none() {
            new.metadata = hello.metadata;
            new.attributes = hello.attributes;
        }
        let origin = Origin {
            dialect: "page",
            address: self.address,
        };
        let participant = Participant::enter(&self.app.hall, &self.app.media, new, origin)?;
        let you = participant.id();
        let (seat, resume) = self.resumption.seat(you);
        let resume_timeout = self.resumption.window().as_secs();
        self.participant = Some(participant);
        self.seat = Some(seat);
        let limits = &self.app.config.rooms;
        let ice_servers = self.app.http().ice_servers();
        Ok(Reply::Hello(HelloReply {
            version: VERSION,
            you: you.to_string(),
            max_name_length: limits.max_name_length,
            max_chat_length: limits.max_chat_length,
            resume,
            resume_timeout,
            ice_servers: ice_servers
                .into_iter()
                .map(|one| IceServer::new(one.uri, one.login))
                .collect(),
        }))
    }

    fn describe_room(&self, room: &str) -> Result<Reply> {
        let room = self.app.hall.describe(&RoomId::parse(room)?)?;
        Ok(Reply::Described(room.into()))
    }

    fn join(&mut self, join: Join) -> Result<Reply> {
        let room = RoomId::parse(&join.room)?;
        let options = JoinOptions {
            viewer: join.viewer,
            consumes: join.consumes,
            enters_call: join.enters_call,
            secret: join.secret,
            open: join.open.map(Into::into),
            moves: join.moves,
        };
        let way = if join.force_tcp {
            Way::TcpOnly
        } else {
            Way::Any
        };
        let joined = self.participant()?.join(&room, options, way)?;
        Ok(Reply::Joined(Box::new(joined.into())))
    }

    async fn publish(&mut self, publish: Publish) -> Result<PublishedReply> {
        let participant = self
            .participant
            .as_mut()
            .ok_or(SignalingError::HelloFirst)?;
        participant.require_room()?;
        let offer = Offer::parse(&publish.sdp)?;
        let announced: BTreeMap<_, _> = publish
            .tracks
            .into_iter()
            .map(|track| (track.mid.clone(), track))
            .collect();
        participant.open_sending().await?;
        let publishing = self.publishing.get_or_insert_default();
        publishing.apply(participant, &offer, &announced).await
    }

    /// Opens the receiving connection, and receives what the room says this person receives.
    async fn open_receiving(&mut self, sdp: &str) -> Result<()> {
        let participant = self.participant()?;
        participant.require_room()?;
        let capabilities = receive_capabilities(sdp)?;
        let tracks = participant
            .open_receiving(capabilities, Numbering::Router)
            .await?;
        self.receiving = Some(Default::default());
        let refused = self.receive(tracks).await;
        self.following.extend(refused);
        Ok(())
    }

    async fn answer(&mut self, offer: u32, sdp: &str) -> Result<()> {
        let (Some(participant), Some(receiving)) = (&mut self.participant, &mut self.receiving)
        else {
            return Err(ParticipantError::NoConnection.into());
        };
        receiving.answer(participant, offer, sdp).await
    }

    async fn restart_ice(&mut self) -> Result<()> {
        let (Some(participant), Some(receiving)) = (&mut self.participant, &mut self.receiving)
        else {
            return Err(ParticipantError::NoConnection.into());
        };
        receiving.restart_ice(participant).await
    }

    fn candidate(&self, connection: Connection, candidate: &str) -> Result<()> {
        let is_open = match connection {
            Connection::Publish => self.publishing.is_some(),
            Connection::Receive => self.receiving.is_some(),
        };
        RemoteCandidate::parse(candidate)?;
        if is_open {
            Ok(())
        } else {
            Err(ParticipantError::NoConnection.into())
        }
    }

    fn participant(&mut self) -> Result<&mut Participant> {
        self.participant.as_mut().ok_or(SignalingError::HelloFirst)
    }
}

fn send_data(participant: &Participant, data: SendData) -> Result<()> {
    let to: Vec<_> = data
        .to
        .iter()
        .map(|one| person(one))
        .collect::<Result<_>>()?;
    participant.send_data(data.topic, data.text.as_bytes(), &to)?;
    Ok(())
}

fn person(text: &str) -> Result<PersonId> {
    Ok(PersonId::parse(text).ok_or(RoomError::NoSuchPerson)?)
}

fn ring(text: &str) -> Result<RingId> {
    Ok(RingId::parse(text).ok_or(RoomError::NoSuchRing)?)
}
