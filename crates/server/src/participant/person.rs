//! One person: what happens to them, and what follows from it.

use std::sync::Arc;

use tokio::sync::watch;

use super::hall::Hall;
use super::log::{Entry, Origin, Reason};
use super::mailbox::Letters;
use super::media::Connections;
use super::open_room::OpenRoom;
use crate::media::{Media, Way};
use crate::rooms::{Event, NewPerson, PersonId, Removal, RoomError, RoomId, TrackId};

/// One person online, served by one task.
///
/// Methods are what the person does: those here and in `room` concern others, those in `media`
/// their own streams. What others do comes from [`next`](Self::next). Pass it to
/// [`happened`](Self::happened), which carries out the consequences and returns what to tell the
/// client, in order. Dropping the participant takes the person away.
pub(crate) struct Participant {
    pub(super) hall: Arc<Hall>,
    pub(super) media: Arc<Media>,
    pub(super) id: PersonId,
    letters: Letters,
    /// The room they are in. They may be out already without having heard of it.
    pub(super) room: Option<Arc<OpenRoom>>,
    /// Over which transport their media is to flow.
    pub(super) way: Way,
    pub(super) connections: Connections,
    /// Of the call whose connections are open.
    pub(super) lost: Option<watch::Receiver<bool>>,
    pub(super) entry: Entry,
    why_gone: Reason,
}

/// What happened without the person's doing.
#[derive(Debug)]
pub(crate) enum Happening {
    /// Others did something.
    Event(Event),
    /// The media worker died.
    MediaLost,
    /// The person does not read what others do.
    TooSlow,
}

/// What a client is to be told.
///
/// The order is the one in which things happened: a track is announced before it is received.
/// Negotiate after a whole batch, so that one offer is enough for a whole room.
#[derive(Debug)]
pub(crate) enum Told {
    /// Others did something. The consequences for this person's media are done already, except for
    /// [`Event::Subscribed`]: there the dialect names the stream and calls
    /// [`receive`](Participant::receive). After [`Event::Moved`] the connections are gone, as
    /// after leaving, and they are in the other room.
    Event(Event),
    /// The media worker has died: the connections are gone, the tracks on them closed.
    MediaLost,
}

/// The person does not read events and must be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooSlow;

impl Participant {
    /// A person comes online.
    ///
    /// # Errors
    ///
    /// [`RoomError::TooManyPeople`], [`RoomError::BadName`], [`RoomError::TooLarge`]
    pub(crate) fn enter(
        hall: &Arc<Hall>,
        media: &Arc<Media>,
        new: NewPerson,
        origin: Origin,
    ) -> Result<Self, RoomError> {
        let name = new.name.trim().to_owned();
        let (id, letters) = hall.enter(new)?;
        let entry = Entry {
            person: id,
            name,
            origin,
        };
        entry.comes();
        Ok(Self {
            hall: Arc::clone(hall),
            media: Arc::clone(media),
            id,
            letters,
            room: None,
            way: Way::Any,
            connections: Connections::default(),
            lost: None,
            entry,
            why_gone: Reason::Borrowed("refused"),
        })
    }

    /// Notes for the log why they are about to go. Without a reason they were refused something
    /// without which their client has no use for the server.
    pub(crate) fn goes(&mut self, why: impl Into<Reason>) {
        self.why_gone = why.into();
    }

    /// Who they are.
    pub(crate) fn id(&self) -> PersonId {
        self.id
    }

    /// The next thing that others do. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Happening {
        let lost = async {
            match &mut self.lost {
                Some(lost) => {
                    // If the sender is gone, the call was closed in good order.
                    let closed = lost.wait_for(|lost| *lost).await.is_err();
                    if closed {
                        std::future::pending::<()>().await;
                    }
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = self.letters.next() => event.map_or(Happening::TooSlow, Happening::Event),
            () = lost => Happening::MediaLost,
        }
    }

    /// Carries out the consequences of what has happened, and of everything that has happened
    /// since.
    ///
    /// # Errors
    ///
    /// [`TooSlow`]
    pub(crate) async fn happened(&mut self, first: Happening) -> Result<Vec<Told>, TooSlow> {
        let mut told = Vec::new();
        match first {
            Happening::Event(event) => told.extend(self.follow(event).await),
            Happening::MediaLost => {
                self.lose_media();
                told.push(Told::MediaLost);
            }
            Happening::TooSlow => return Err(TooSlow),
        }
        told.extend(self.news().await);
        Ok(told)
    }

    /// What others have done by now.
    pub(crate) async fn news(&mut self) -> Vec<Told> {
        let mut told = Vec::new();
        while let Some(event) = self.letters.next_now() {
            told.extend(self.follow(event).await);
        }
        told
    }

    /// Carries out the consequences of an event for the person's own media. Returns nothing if it
    /// concerns them no more.
    async fn follow(&mut self, event: Event) -> Option<Told> {
        match &event {
            Event::Unsubscribed(track) => self.stop_receiving(track),
            // Somebody else muted or closed the person's track. If the person did it, it is done
            // already. The person may have opened it again meanwhile, so the room is asked.
            Event::TrackMuted { track, by, .. } if *by != Some(self.id) => {
                let muted = self.is_muted(track);
                if let Err(error) = self.hold_back(track, muted).await {
                    tracing::debug!(person = %self.id, %track, %error, "not muted");
                }
            }
            // Of the room before, when they are in another by now.
            Event::RoomEnded if !self.is_in_room() => self.is_out("the room has ended"),
            Event::Removed(Removal::By(_)) if !self.is_in_room() => self.is_out("removed"),
            Event::Removed(Removal::SameIdentity) if !self.is_in_room() => {
                self.is_out("came in again elsewhere");
            }
            Event::Moved(moved) if !self.goes_over(&moved.joined.room.id) => return None,
            _ => {}
        }
        Some(Told::Event(event))
    }

    /// They are in another room by another's doing. Returns false if they have left it by now.
    fn goes_over(&mut self, to: &RoomId) -> bool {
        let Some(room) = self.hall.arrive(self.id, to) else {
            return false;
        };
        self.close_media();
        self.room = Some(room);
        true
    }

    /// Whether the room holds back a track now. One that is gone is not held back.
    pub(super) fn is_muted(&self, track: &TrackId) -> bool {
        let room = self.room.as_ref();
        room.is_some_and(|room| room.ask(|room| room.is_muted(track)))
    }

    /// They are out of the room by another's doing.
    fn is_out(&mut self, why: &str) {
        self.close_media();
        if let Some(room) = self.room.take() {
            self.entry.leaves(room.id(), why);
            self.hall.is_out(self.id, &room);
        }
    }

    /// Whether they are in a room now.
    pub(crate) fn is_in_room(&self) -> bool {
        let room = self.room.as_ref();
        room.is_some_and(|room| room.ask(|room| room.holds(self.id)))
    }

    /// Whether they are in a room now, be it one of which they have not heard yet.
    pub(crate) fn has_place(&self) -> bool {
        self.is_in_room() || self.hall.has_moved(self.id)
    }

    /// Whether this is their room, as far as they have heard.
    pub(crate) fn is_in(&self, room: &str) -> bool {
        self.room.as_ref().is_some_and(|one| one.id().is(room))
    }

    /// The room they are in, or were in until just now.
    pub(super) fn room(&self) -> Result<&OpenRoom, RoomError> {
        self.room.as_deref().ok_or(RoomError::NotInRoom)
    }
}

impl Drop for Participant {
    fn drop(&mut self) {
        self.close_media();
        let left = self.hall.vanish(self.id, self.room.as_deref());
        if let Some(room) = left {
            self.entry.leaves(&room, &self.why_gone);
        }
        self.entry.goes(&self.why_gone);
    }
}
