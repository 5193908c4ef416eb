//! What an offer makes a participant do, and what the answer says.

use axum::http::StatusCode;
use tureen_controller::Numbering;
use tureen_controller::rtp::MediaKind;

use super::session::Session;
use crate::http::Problem;
use crate::media::Way;
use crate::participant::{
    Following, NewTrack, Newcomer, Participant, ParticipantError, Preview, Side,
};
use crate::rooms::{JoinOptions, Joined, NewRoom, RoomError, RoomId};
use crate::sdp::{Accepted, Answerer, Offer, OfferedMedia};

/// Brings a publisher into a room, which is opened if there is none.
pub(super) async fn publish(
    newcomer: Newcomer,
    room: &RoomId,
    offer: &Offer,
) -> Result<(Session, String), Problem> {
    let sending: Vec<&OfferedMedia> = one_of_each(offer, OfferedMedia::sends)?;
    let options = options(room, Side::Sending);
    let mut preview = look(&newcomer, room, &options)?;
    let router = newcomer
        .rtp_capabilities()
        .map_err(ParticipantError::from)?;
    let mut tracks = Vec::new();
    // "SHOULD NOT reject individual "m=" sections ... but reject the HTTP POST request" (RFC 9725
    // §4.4.3).
    for (section, kind) in sending.iter().filter_map(|one| Some((*one, one.kind()?))) {
        let track = NewTrack::of_person(kind, section.rtp_parameters(&router)?);
        preview.may_publish(&track)?;
        tracks.push((section.mid(), track));
    }
    let mut participant = newcomer.enter()?;
    let joined = join(&mut participant, room, options)?;
    match send(&mut participant, offer, tracks).await {
        Ok(accepted) => answered(participant, Side::Sending, offer, &accepted, None),
        Err(problem) => {
            // A request that is refused leaves nothing behind.
            if joined.opened {
                participant.abandon();
            }
            Err(problem)
        }
    }
}

/// Opens the connection and publishes the tracks of the sections.
async fn send<'a>(
    participant: &mut Participant,
    offer: &Offer,
    tracks: Vec<(&'a str, NewTrack)>,
) -> Result<Accepted<'a>, Problem> {
    participant.open_sending().await?;
    connect(participant, Side::Sending, offer).await?;
    let mut accepted = Accepted::default();
    for (mid, track) in tracks {
        participant.publish(track).await?;
        accepted.received.insert(mid);
    }
    Ok(accepted)
}

/// Brings a player into a room, which plays one person: `whom`, or who is on the stage, or who came
/// first of those who publish. It goes on with the next when they go, because all that may come is
/// agreed here.
pub(super) async fn play(
    newcomer: Newcomer,
    room: &RoomId,
    whom: Option<String>,
    offer: &Offer,
) -> Result<(Session, String), Problem> {
    let receiving: Vec<&OfferedMedia> = one_of_each(offer, OfferedMedia::receives)?;
    let options = options(room, Side::Receiving);
    let preview = look(&newcomer, room, &options)?;
    let places = receiving
        .iter()
        .filter_map(|section| Some((section.kind()?, section.mid().to_owned())));
    let mut following = Following::new(whom, places);
    let found = preview.joined().ok_or(RoomError::NoSuchRoom)?;
    let tracks = following.choose(found, preview.id());
    let tracks = tracks.ok_or(RoomError::NoSuchPerson)?;
    if tracks.is_empty() {
        return Err(NOT_LIVE);
    }
    let capabilities = offer.receive_capabilities();
    let wanted = following.wanted(&tracks);
    if !newcomer.can_receive(room, wanted, &capabilities).await {
        return Err(sections("the offer has no codec of what is published here"));
    }
    let mut participant = newcomer.enter()?;
    join(&mut participant, room, options)?;
    participant
        .open_receiving(capabilities, Numbering::Endpoint)
        .await?;
    connect(&mut participant, Side::Receiving, offer).await?;
    following.follow(&mut participant).await?;
    if !following.plays() {
        // Whoever published has just gone.
        return Err(NOT_LIVE);
    }
    let agreed: Vec<_> = receiving
        .iter()
        .filter_map(|section| {
            let (kind, mid) = (section.kind()?, section.mid());
            Some((mid, participant.may_receive(kind, mid).ok()?))
        })
        .collect();
    let accepted = Accepted {
        sent: agreed
            .iter()
            .map(|(mid, parameters)| (*mid, parameters))
            .collect(),
        ..Accepted::default()
    };
    answered(
        participant,
        Side::Receiving,
        offer,
        &accepted,
        Some(following),
    )
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
    following: Option<Following>,
) -> Result<(Session, String), Problem> {
    let answer = Answerer::default().answer(
        offer,
        participant.rtp_capabilities(side)?,
        &participant.transport(side)?,
        accepted,
    );
    let remote = offer.transport().map(|one| one.ice_ufrag.clone());
    let session = Session {
        participant,
        side,
        remote: remote.unwrap_or_default(),
        following,
    };
    Ok((session, answer))
}

/// A publisher opens the room where there is none; a player only watches.
fn options(room: &RoomId, side: Side) -> JoinOptions {
    JoinOptions {
        viewer: side == Side::Receiving,
        consumes: false,
        enters_call: true,
        secret: None,
        open: (side == Side::Sending).then(|| NewRoom::meeting(room)),
        // What is agreed is agreed once.
        moves: false,
    }
}

/// What a client would find. It takes the place of whoever is there with its identity, so what
/// can be refused without a worker is refused before it comes.
fn look(newcomer: &Newcomer, room: &RoomId, options: &JoinOptions) -> Result<Preview, Problem> {
    let preview = newcomer.look(room, options)?;
    preview.joined().map_or(Ok(()), require_clear)?;
    Ok(preview)
}

fn join(
    participant: &mut Participant,
    room: &RoomId,
    options: JoinOptions,
) -> Result<Joined, Problem> {
    let joined = participant.join(room, options, Way::Any)?;
    // Another room of this name may have been opened since the look.
    require_clear(&joined)?;
    Ok(joined)
}

fn require_clear(joined: &Joined) -> Result<(), Problem> {
    (!joined.room.encrypted).then_some(()).ok_or(ENCRYPTED)
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
