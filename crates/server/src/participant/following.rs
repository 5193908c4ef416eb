//! A client that agrees once on what it may be sent, and then watches whoever is to be watched.

use tureen_controller::rtp::MediaKind;

use super::media::track_kind;
use super::{Participant, ParticipantError, Told};
use crate::media::ToReceive;
use crate::rooms::{Event, Joined, PersonId, Track, TrackId, TrackKind};

/// What such a client watches: one person at a time, in sections that stay.
///
/// When that person goes, the sections are silent until somebody is to be watched again. So a
/// publisher may begin anew, and those who watch need not.
#[derive(Debug)]
pub(crate) struct Following {
    /// By id, identity or name. Without one it is who is on the stage, or else who publishes.
    whom: Option<String>,
    /// Who it is now, or was last.
    last: Option<PersonId>,
    sections: Vec<Section>,
}

/// Where the client receives one track at a time.
#[derive(Debug)]
struct Section {
    kind: TrackKind,
    mid: String,
    plays: Option<TrackId>,
}

impl Following {
    /// To watch `whom` in sections of these kinds and mids, the first of a kind being used first.
    pub(crate) fn new(
        whom: Option<String>,
        sections: impl IntoIterator<Item = (MediaKind, String)>,
    ) -> Self {
        let section = |(kind, mid)| Section {
            kind: track_kind(kind),
            mid,
            plays: None,
        };
        Self {
            whom,
            last: None,
            sections: sections.into_iter().map(section).collect(),
        }
    }

    /// The tracks that `me` is to watch, best first; `None` if the person who is wanted is not here.
    ///
    /// What is on the stage goes before the camera, which goes before screens. Nobody is left for
    /// another while they are here, except for the stage.
    pub(crate) fn choose(&mut self, room: &Joined, me: PersonId) -> Option<Vec<Track>> {
        let tracks = &room.call.tracks;
        let on_stage = |track: &&Track| room.call.stage.as_ref() == Some(&track.id);
        let person = match &self.whom {
            Some(whom) => {
                let last = self.last.filter(|last| room.holds(*last));
                Some(room.find(whom, me).or(last)?)
            }
            None => {
                let owner = |track: &Track| track.owner;
                let last = self
                    .last
                    .filter(|last| tracks.iter().any(|one| one.owner == *last));
                let staged = tracks.iter().find(on_stage).map(owner);
                staged.or(last).or_else(|| tracks.first().map(owner))
            }
        };
        self.last = person.or(self.last);
        let of_them = tracks.iter().filter(|track| Some(track.owner) == person);
        let mut of_them: Vec<_> = of_them.cloned().collect();
        of_them.sort_by_key(|track| (!on_stage(&track), !track.source.is_of_camera()));
        Some(of_them)
    }

    /// Those of these tracks that would be sent first.
    pub(crate) fn wanted<'a>(&self, tracks: &'a [Track]) -> impl Iterator<Item = &'a Track> {
        let sections = self.sections.iter();
        sections.filter_map(|section| section.choose(tracks))
    }

    /// Notes what was told. Returns whether something else may have to be watched now.
    pub(crate) fn hears(&mut self, told: &Told) -> bool {
        let Told::Event(event) = told else {
            return false;
        };
        match event {
            Event::Unsubscribed(track) => {
                let is_it = |one: &&mut Section| one.plays.as_ref() == Some(track);
                let section = self.sections.iter_mut().find(is_it);
                section.is_some_and(|section| section.plays.take().is_some())
            }
            Event::TrackPublished(_)
            | Event::Stage { .. }
            | Event::ParticipantJoined(_)
            | Event::ParticipantChanged(_)
            | Event::ParticipantLeft(_) => true,
            _ => false,
        }
    }

    /// Sends the client what is to be watched now. A section that plays something else is free for
    /// it only when the participant has heard that this has ended, so call it again after
    /// [`hears`](Self::hears).
    ///
    /// # Errors
    ///
    /// The person is out of the room, or has no receiving connection.
    pub(crate) async fn follow(
        &mut self,
        participant: &mut Participant,
    ) -> Result<(), ParticipantError> {
        let room = participant.view()?;
        let tracks = self.choose(&room, participant.id()).unwrap_or_default();
        for section in &mut self.sections {
            let wanted = section.choose(&tracks);
            match (&section.plays, wanted) {
                (Some(plays), Some(wanted)) if *plays == wanted.id => {}
                (Some(plays), _) => participant.subscribe(plays, false)?,
                (None, Some(wanted)) => section.play(&wanted.id, participant).await?,
                (None, None) => {}
            }
        }
        Ok(())
    }

    /// Whether anything is being sent.
    pub(crate) fn plays(&self) -> bool {
        self.sections.iter().any(|section| section.plays.is_some())
    }
}

impl Section {
    fn choose<'a>(&self, tracks: &'a [Track]) -> Option<&'a Track> {
        tracks.iter().find(|track| track.kind == self.kind)
    }

    async fn play(
        &mut self,
        track: &TrackId,
        participant: &mut Participant,
    ) -> Result<(), ParticipantError> {
        // It may be gone meanwhile.
        if participant.subscribe(track, true).is_err() {
            return Ok(());
        }
        let wanted = ToReceive {
            track: track.clone(),
            mid: self.mid.clone(),
        };
        match participant.receive(vec![wanted]).await?.pop() {
            Some((_, Ok(_))) => {
                if let Err(error) = participant.resume(track).await {
                    // Its publisher closes it just now. The event that says so frees the section.
                    tracing::debug!(%track, %error, "not resumed");
                }
                self.plays = Some(track.clone());
            }
            Some((_, Err(error))) => {
                tracing::debug!(%track, %error, "cannot be watched");
                participant.subscribe(track, false)?;
            }
            None => participant.subscribe(track, false)?,
        }
        Ok(())
    }
}
