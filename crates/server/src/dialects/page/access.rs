//! What a token allows, request by request. A server without keys allows everything.

use super::SignalingError;
use super::messages::{Join, Request};
use super::session::Session;
use crate::auth::{Grants, TokenError, verify};

type Result<T> = std::result::Result<T, SignalingError>;

impl Session {
    /// Refuses what the token of the client does not allow, and narrows what it allows in part. The
    /// token is checked once, when it is shown. That of the accepted `hello` says for good who the
    /// person is, so that what rooms know of them and what is allowed here come from one token. If
    /// it expires later, the person stays in.
    pub(super) fn admit(&mut self, request: Request) -> Result<Request> {
        if !self.needs_token {
            return Ok(request);
        }
        let http = self.app.http();
        let shown = match &request {
            Request::Hello(hello) => hello.token.as_deref(),
            Request::DescribeRoom { token, .. } => token.as_deref(),
            _ => None,
        };
        if shown.is_some() && self.is_online() {
            return Err(SignalingError::TokenTwice);
        }
        if !self.is_online()
            && let Some(token) = shown.or(self.token.as_deref())
        {
            self.grants = Some(verify(token, &http.keys)?);
            self.token = None;
        }
        let grants = self.grants.as_ref().ok_or(TokenError::Missing)?;
        permit(grants, request)
    }
}

fn permit(grants: &Grants, request: Request) -> Result<Request> {
    match request {
        Request::Hello(mut hello) => {
            // Nobody may take a name that the application has given to somebody else.
            if !grants.name.is_empty() {
                hello.name.clone_from(&grants.name);
            }
            Ok(Request::Hello(hello))
        }
        Request::DescribeRoom { ref room, .. } => {
            let may = grants.is_for(room) && (grants.room_join || grants.room_list);
            allowed(may, "to see this room").map(|()| request)
        }
        // A made room has a new name, and the lobby shows all: both go beyond one room.
        Request::WatchLobby { .. } => {
            let may = grants.room_list && grants.room.is_none();
            allowed(may, "to list rooms").map(|()| request)
        }
        Request::CreateRoom(_) => {
            let may = grants.room_create && grants.room.is_none();
            allowed(may, "to make rooms").map(|()| request)
        }
        Request::Join(join) => Ok(Request::Join(narrow(grants, join)?)),
        // What is rung is a room for two with a name of its own.
        Request::Ring { .. } => {
            let may = grants.room_create && grants.room_join && grants.room.is_none();
            allowed(may, "to ring people").map(|()| request)
        }
        Request::AnswerRing { accept: true, .. } => {
            let may = grants.room_join && grants.room.is_none();
            allowed(may, "to answer a ring").map(|()| request)
        }
        Request::Data(_) => allowed(grants.can_publish_data, "to send data").map(|()| request),
        Request::Chat { .. } => allowed(grants.can_publish_data, "to chat").map(|()| request),
        Request::Receive { .. } | Request::Subscribe { wanted: true, .. } => {
            allowed(grants.can_subscribe, "to receive tracks").map(|()| request)
        }
        // Otherwise the answer would tell of rooms that are not the token's.
        Request::Move { ref room, .. } => {
            let is_named = grants.destination_room.as_deref() == Some(room);
            let may = grants.is_for(room) || is_named;
            allowed(may, "to move people into this room").map(|()| request)
        }
        // The rooms say no to who may not.
        Request::Resume(_)
        | Request::Profile(_)
        | Request::Ping
        | Request::LockRoom { .. }
        | Request::RoomMetadata { .. }
        | Request::Remove { .. }
        | Request::Publish(_)
        | Request::Prefer(_)
        | Request::Leave
        | Request::StartCall
        | Request::RingRoom
        | Request::AnswerCall { .. }
        | Request::EndRoom
        | Request::CancelRing { .. }
        | Request::AnswerRing { .. }
        | Request::Answer { .. }
        | Request::Candidate { .. }
        | Request::RestartIce
        | Request::Subscribe { .. }
        | Request::Mute { .. }
        | Request::Stage { .. } => Ok(request),
    }
}

fn allowed(may: bool, what: &'static str) -> Result<()> {
    may.then_some(()).ok_or(SignalingError::NotAllowed(what))
}

/// A person who may not publish comes in to watch. A person who may not subscribe receives nothing.
fn narrow(grants: &Grants, mut join: Join) -> Result<Join> {
    allowed(grants.may_join(&join.room), "to enter this room")?;
    join.viewer |= !grants.can_publish;
    join.consumes &= grants.can_subscribe;
    Ok(join)
}
