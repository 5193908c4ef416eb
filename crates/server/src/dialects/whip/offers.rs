//! What an offer makes a participant do, and what the answer says.

use axum::http::StatusCode;
use tureen_controller::Numbering;
use tureen_controller::rtp::MediaKind;

use super::problem::Problem;
use super::session::Session;
use crate::media::{ToReceive, Way};
use crate::participant::{NewTrack, Participant, Side};
use crate::rooms::{
    JoinOptions, Joined, NewRoom, PersonId, RoomError, RoomId, RoomKind, Track, TrackKind,
    TrackSource,
};
use crate::sdp::{Accepted, Answerer, Offer, OfferedMedia};

/// Brings a publisher into a room, which is opened if there is none.
pub(super) async fn publish(
    mut participant: Participant,
    room: &RoomId,
    offer: &Offer,
) -> Result<(Session, String), Problem> {
    let sending: Vec<&OfferedMedia> = one_of_each(offer, OfferedMedia::sends)?;
    let joined = join(&mut participant, room, Side::Sending)?;
    match send(&mut participant, offer, &sending).await {
        Ok(accepted) => answered(participant, Side::Sending, offer, &accepted),
        Err(problem) => {
            // A request that is refused leaves nothing behind.
            if joined.opened {
                participant.abandon();
            }
            Err(problem)
        }
    }
}

/// Opens the connection and publishes what can be published.
async fn send<'a>(
    participant: &mut Participant,
    offer: &'a Offer,
    sending: &[&'a OfferedMedia],
) -> Result<Accepted<'a>, Problem> {
    participant.open_sending().await?;
    connect(participant, Side::Sending, offer).await?;
    let mut accepted = Accepted::default();
    let mut refused = None;
    for (section, kind) in sending.iter().filter_map(|one| Some((*one, one.kind()?))) {
        match open(participant, section, kind).await {
            Ok(()) => {
                accepted.received.insert(section.mid());
            }
            Err(problem) => refused = refused.or(Some(problem)),
        }
    }
    if let (true, Some(problem)) = (accepted.received.is_empty(), refused) {
        return Err(problem);
    }
    Ok(accepted)
}

/// Brings a player into a room, which plays one person: `whom`, or who is on the stage, or who came
/// first of those who publish.
pub(super) async fn play(
    mut participant: Participant,
    room: &RoomId,
    whom: Option<&str>,
    offer: &Offer,
) -> Result<(Session, String), Problem> {
    let receiving: Vec<&OfferedMedia> = one_of_each(offer, OfferedMedia::receives)?;
    let joined = join(&mut participant, room, Side::Receiving)?;
    let me = participant.id();
    let find = |whom| joined.find(whom, me).ok_or(RoomError::NoSuchPerson);
    let tracks = choose(&joined, whom.map(find).transpose()?).ok_or(NOT_LIVE)?;
    participant
        .open_receiving(offer.receive_capabilities(), Numbering::Endpoint)
        .await?;
    connect(&mut participant, Side::Receiving, offer).await?;
    let wanted = receiving.iter().filter_map(|section| {
        let kind = match section.kind()? {
            MediaKind::Audio => TrackKind::Audio,
            MediaKind::Video => TrackKind::Video,
        };
        let track = tracks.iter().find(|track| track.kind == kind)?;
        Some(ToReceive {
            track: track.id.clone(),
            mid: section.mid().to_owned(),
        })
    });
    let wanted: Vec<_> = wanted.collect();
    for one in &wanted {
        participant.subscribe(&one.track, true)?;
    }
    let mut plays = Vec::new();
    for (one, sent) in participant.receive(wanted).await? {
        match sent {
            Ok(parameters) => plays.push((one, parameters)),
            Err(error) => tracing::debug!(track = %one.track, %error, "cannot be played"),
        }
    }
    if plays.is_empty() {
        return Err(sections("the offer has no codec of what is published here"));
    }
    let accepted = Accepted {
        sent: plays
            .iter()
            .map(|(one, parameters)| (one.mid.as_str(), parameters))
            .collect(),
        ..Accepted::default()
    };
    let (mut session, answer) = answered(participant, Side::Receiving, offer, &accepted)?;
    for (one, _) in plays {
        session.participant.resume(&one.track).await?;
        session.plays.push(one.track);
    }
    Ok((session, answer))
}

/// "at most one audio and one video" (RFC 9725 §4.4.2): the sections of use.
fn one_of_each(
    offer: &Offer,
    is_used: impl Fn(&OfferedMedia) -> bool,
) -> Result<Vec<&OfferedMedia>, Problem> {
    let used: Vec<_> = offer.sections().iter().filter(|one| is_used(one)).collect();
    let count = |kind| used.iter().filter(|one| one.kind() == Some(kind)).count();
    if count(MediaKind::Audio) > 1 || count(MediaKind::Video) > 1 {
        return Err(sections("the offer has two sections of one kind"));
    }
    if used.is_empty() {
        let problem = offer.sections().iter().find_map(OfferedMedia::problem);
        let none = || sections("the offer has no section of this direction");
        return Err(problem.map_or_else(none, |problem| problem.clone().into()));
    }
    Ok(used)
}

async fn open(
    participant: &mut Participant,
    section: &OfferedMedia,
    kind: MediaKind,
) -> Result<(), Problem> {
    let rtp_parameters = section.rtp_parameters(participant.rtp_capabilities(Side::Sending)?)?;
    let source = match kind {
        MediaKind::Audio => TrackSource::Microphone,
        MediaKind::Video => TrackSource::Camera,
    };
    let new = NewTrack {
        kind,
        source,
        label: String::new(),
        muted: false,
        rtp_parameters,
    };
    participant.publish(new).await?;
    Ok(())
}

/// What is used of an offer flows over its transport, so it has one.
async fn connect(participant: &mut Participant, side: Side, offer: &Offer) -> Result<(), Problem> {
    if let Some(transport) = offer.transport() {
        let remote = transport.dtls_parameters();
        participant.connect(side, &remote).await?;
    }
    Ok(())
}

fn answered(
    participant: Participant,
    side: Side,
    offer: &Offer,
    accepted: &Accepted<'_>,
) -> Result<(Session, String), Problem> {
    let answer = Answerer::default().answer(
        offer,
        participant.rtp_capabilities(side)?,
        &participant.transport(side)?,
        accepted,
    );
    let plays = Vec::new();
    let session = Session {
        participant,
        side,
        plays,
    };
    Ok((session, answer))
}

/// A publisher opens the room where there is none; a player only watches.
fn join(participant: &mut Participant, room: &RoomId, side: Side) -> Result<Joined, Problem> {
    let open = || NewRoom {
        name: room.to_string(),
        kind: RoomKind::Meeting,
        listed: false,
        encrypted: false,
        started: true,
        metadata: String::new(),
    };
    let options = JoinOptions {
        viewer: side == Side::Receiving,
        consumes: false,
        enters_call: true,
        secret: None,
        open: (side == Side::Sending).then(open),
    };
    let joined = participant.join(room, options, Way::Any)?;
    if joined.room.encrypted {
        return Err(ENCRYPTED);
    }
    Ok(joined)
}

/// The tracks to play, best first: what is on the stage goes before the camera, which goes before
/// screens. All are of one person.
fn choose(joined: &Joined, whom: Option<PersonId>) -> Option<Vec<&Track>> {
    let call = &joined.call;
    let on_stage = |track: &&Track| call.stage.as_ref() == Some(&track.id);
    let whom = whom
        .or_else(|| Some(call.tracks.iter().find(on_stage)?.owner))
        .or_else(|| Some(call.tracks.first()?.owner))?;
    let mut tracks: Vec<&Track> = call
        .tracks
        .iter()
        .filter(|track| track.owner == whom)
        .collect();
    tracks.sort_by_key(|track| {
        let is_camera = matches!(track.source, TrackSource::Camera | TrackSource::Microphone);
        (!on_stage(track), !is_camera)
    });
    (!tracks.is_empty()).then_some(tracks)
}

/// The description is sound, and not one of WHIP or WHEP.
fn sections(problem: &'static str) -> Problem {
    Problem::refused(StatusCode::UNPROCESSABLE_ENTITY, "bad-sections", problem)
}

const NOT_LIVE: Problem = Problem::refused(
    StatusCode::CONFLICT,
    "not-live",
    "nobody publishes here now",
);
const ENCRYPTED: Problem = Problem::refused(
    StatusCode::FORBIDDEN,
    "encrypted",
    "the people of this room encrypt end to end, which WHIP and WHEP cannot",
);
