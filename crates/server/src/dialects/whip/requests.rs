//! The HTTP side: one function per method.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderName};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};

use super::offers;
use super::session::{Handle, NO_SESSION, Origin, Session, start, tag};
use crate::auth::Grants;
use crate::http::{
    App, Problem, Sessions, Shares, accepts, admit, client, cors, is_guest, known_network,
    link_ice_servers, read, refuse_alike, tally, text,
};
use crate::participant::{Newcomer, Side};
use crate::rooms::{NewPerson, RoomId};
use crate::sdp::{IceFragment, Offer};

type Result<T> = std::result::Result<T, Problem>;

/// The two endpoints, and the sessions that they make.
pub(crate) fn routes(app: Arc<App>) -> Router {
    let limits = &app.config.rooms;
    let shares = Shares::new(limits.max_whip_rate, limits.max_connecting_per_network);
    let sessions = Sessions::new(shares);
    let shared = Shared { app, sessions };
    let session = || get(look).patch(patch).delete(delete).options(options);
    let endpoint = |post: MethodRouter<Shared>| post.get(endpoint).options(options);
    Router::new()
        .route("/whip/{room}", endpoint(post(publish)))
        .route("/whip/{room}/sessions/{session}", session())
        .route("/whep/{room}", endpoint(post(play)))
        .route("/whep/{room}/{person}", endpoint(post(play_person)))
        .route("/whep/{room}/sessions/{session}", session())
        .layer(from_fn(refuse_alike))
        .layer(from_fn_with_state(Arc::clone(&shared.app), cors))
        .layer(from_fn_with_state(Arc::clone(&shared.app), tally))
        .with_state(shared)
}

#[derive(Clone)]
struct Shared {
    app: Arc<App>,
    sessions: Sessions<Handle>,
}

/// The parts of a POST.
type Post = (
    State<Shared>,
    ConnectInfo<SocketAddr>,
    Query<HashMap<String, String>>,
    HeaderMap,
    Body,
);

async fn publish(Path(room): Path<String>, post: Post) -> Result<Response> {
    begin(Side::Sending, &room, None, post).await
}

async fn play(Path(room): Path<String>, post: Post) -> Result<Response> {
    begin(Side::Receiving, &room, None, post).await
}

async fn play_person(Path((room, person)): Path<(String, String)>, post: Post) -> Result<Response> {
    begin(Side::Receiving, &room, Some(person), post).await
}

async fn begin(side: Side, room: &str, whom: Option<String>, post: Post) -> Result<Response> {
    let (State(shared), ConnectInfo(peer), Query(mut query), headers, body) = post;
    let address = client(peer, &headers, &shared.app.http().trusted_proxies);
    let network = known_network(address);
    shared.sessions.asked(network)?;
    let grants = admit(&shared.app.http(), &headers, room)?;
    let may = |grants: &Grants| match side {
        Side::Sending => grants.can_publish,
        Side::Receiving => grants.can_subscribe,
    };
    if !grants.as_ref().is_none_or(may) {
        return Err(NOT_THIS_WAY);
    }
    if !accepts(&headers, SDP) {
        return Err(NOT_ACCEPTED);
    }
    let offer = Offer::parse(&read(&headers, body, SDP).await?)?;
    let id = RoomId::parse(room)?;
    let known = grants.as_ref().map(NewPerson::try_from).transpose()?;
    let mut new = known.unwrap_or_else(|| NewPerson::named(""));
    if new.name.is_empty() {
        let otherwise = words(side).1;
        new.name = query.remove("name").unwrap_or_else(|| otherwise.to_owned());
    }
    new.address = network;
    let comes = crate::participant::Origin {
        dialect: words(side).0,
        address,
    };
    let newcomer = Newcomer::new(&shared.app.hall, &shared.app.media, new, comes);
    let (session, answer) = match side {
        Side::Sending => offers::publish(newcomer, &id, &offer).await?,
        Side::Receiving => offers::play(newcomer, &id, whom, &offer).await?,
    };
    let origin = Origin {
        room: id,
        needs_token: grants.is_some(),
        network,
    };
    created(&shared, session, origin, answer)
}

fn created(shared: &Shared, session: Session, origin: Origin, answer: String) -> Result<Response> {
    let side = session.side;
    let tag = tag(&session.participant.transport(side)?);
    let ending = shared.app.ending.subscribe();
    let path = format!("{}/sessions", origin.room);
    let id = start(&shared.sessions, session, origin, tag.clone(), ending);
    let location = format!("/{}/{path}/{id}", words(side).0);
    let headers = [
        (header::CONTENT_TYPE, SDP.to_owned()),
        (header::LOCATION, location),
        (header::ETAG, tag),
        (ACCEPT_PATCH, FRAGMENT.to_owned()),
    ];
    let mut response = (StatusCode::CREATED, headers, answer).into_response();
    link_ice_servers(response.headers_mut(), &shared.app.http().ice_servers());
    Ok(response)
}

/// The protocol in the URL, and what a client is called that has no name.
fn words(side: Side) -> (&'static str, &'static str) {
    match side {
        Side::Sending => ("whip", "Publisher"),
        Side::Receiving => ("whep", "Player"),
    }
}

/// Trickled candidates, which an ICE-lite server needs not; or an ICE restart.
async fn patch(
    shared: State<Shared>,
    path: Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let session = find(&shared, &path, &headers)?;
    let fragment = IceFragment::parse(&read(&headers, body, FRAGMENT).await?)?;
    // Eyevinn's client names the ICE session in a header of the other name.
    let shown = text(&headers, &header::IF_MATCH).or_else(|| text(&headers, &header::ETAG));
    match shown {
        Some("*") if fragment.ufrag.is_none() => return Err(NO_CREDENTIALS),
        Some("*") => {}
        Some(shown) if shown != session.ice.borrow().tag => return Err(STALE_IF_MATCH),
        // Players at hand do not keep the ETag.
        None if session.side == Side::Sending => return Err(NO_IF_MATCH),
        Some(_) | None => {}
    }
    // "any WHIP session receiving an updated "ice-pwd" and "ice-ufrag" attributes MUST consider the
    // request as performing an ICE restart" (RFC 9725 §4.3.3).
    let is_new = |ufrag: &String| shown == Some("*") || *ufrag != session.ice.borrow().remote;
    let Some(remote) = fragment.ufrag.clone().filter(is_new) else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let parameters = session.restart(remote).await?;
    let headers = [
        (header::CONTENT_TYPE, FRAGMENT.to_owned()),
        (header::ETAG, tag(&parameters)),
    ];
    Ok((headers, fragment.answer(&parameters)).into_response())
}

async fn delete(
    shared: State<Shared>,
    path: Path<(String, String)>,
    headers: HeaderMap,
) -> Result<()> {
    find(&shared, &path, &headers)?.end().await;
    Ok(())
}

/// Tells that the session lives.
async fn look(
    shared: State<Shared>,
    path: Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode> {
    find(&shared, &path, &headers)?;
    Ok(StatusCode::NO_CONTENT)
}

fn find(
    State(shared): &State<Shared>,
    Path((room, id)): &Path<(String, String)>,
    headers: &HeaderMap,
) -> Result<Arc<Handle>> {
    let found = shared.sessions.find(id);
    let found = found.filter(|session| session.origin.room.to_string() == *room);
    // If keys were added meanwhile, a session that began without a token goes on as before.
    if found
        .as_ref()
        .is_none_or(|session| session.origin.needs_token)
    {
        admit(&shared.app.http(), headers, room)?;
    }
    found.ok_or(NO_SESSION)
}

/// What an endpoint takes, for one who asks with GET or HEAD.
async fn endpoint() -> Response {
    [(header::CONTENT_TYPE, SDP)].into_response()
}

async fn options(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let mut response = [(ACCEPT_POST, SDP), (ACCEPT_PATCH, FRAGMENT)].into_response();
    let http = shared.app.http();
    // "SHOULD NOT return the STUN/TURN server configuration if the OPTIONS request is a preflight
    // request" (RFC 9725 §4.6). Nor does a stranger get credentials.
    let is_preflight = headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if !is_preflight && is_guest(&http, &headers) {
        link_ice_servers(response.headers_mut(), &http.ice_servers());
    }
    response
}

const NOT_ACCEPTED: Problem = Problem::refused(
    StatusCode::NOT_ACCEPTABLE,
    "not-acceptable",
    "the answer is of type application/sdp, and Accept excludes that",
);
const NO_CREDENTIALS: Problem = Problem::refused(
    StatusCode::BAD_REQUEST,
    "no-credentials",
    "an ICE restart needs a=ice-ufrag and a=ice-pwd",
);
/// RFC 6585 §3.
const NO_IF_MATCH: Problem = Problem::refused(
    StatusCode::PRECONDITION_REQUIRED,
    "no-if-match",
    "If-Match is missing",
);
const STALE_IF_MATCH: Problem = Problem::refused(
    StatusCode::PRECONDITION_FAILED,
    "stale-if-match",
    "If-Match is not the ETag of the session",
);
const NOT_THIS_WAY: Problem = Problem::refused(
    StatusCode::FORBIDDEN,
    "not-allowed",
    "your token does not allow this: to publish, or to play",
);
/// The type of offers and answers.
const SDP: &str = "application/sdp";
/// The type of what a PATCH carries (RFC 8840 §9).
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
/// What a POST takes (RFC 9725 §4.2).
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
/// What a PATCH takes (RFC 5789 §3.1).
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");
