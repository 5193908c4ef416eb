//! A session that goes on over another connection, or without one.

use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;

use super::SignalingError;
use super::messages::{Reply, Resume, ResumedReply};
use super::session::Session;
use crate::participant::{Claim, Happening, Participant, Unattended, Woken};

impl Session {
    /// Becomes the session of the client who was here before. Returns the answer, and then
    /// everything that the client has missed.
    pub(super) async fn resume(&mut self, id: u64, resume: Resume) -> Vec<Utf8Bytes> {
        match self.take_up(&resume).await {
            Ok((reply, missed)) => {
                let mut frames = vec![self.response(id, Ok(reply))];
                frames.extend(missed);
                frames
            }
            Err(error) => vec![self.response(id, Err(error))],
        }
    }

    async fn take_up(
        &mut self,
        resume: &Resume,
    ) -> Result<(Reply, Vec<Utf8Bytes>), SignalingError> {
        if self.participant.is_some() {
            return Err(SignalingError::HelloTwice);
        }
        let table = Arc::clone(&self.resumption);
        let claimed = table.claim(&resume.secret).await;
        let (mut session, secret) = claimed.ok_or(SignalingError::CannotResume)?;
        // If something that it must hear is lost, the session ends here.
        let missed = session.outgoing.after(resume.received);
        let mut missed = missed.ok_or(SignalingError::CannotResume)?;
        session.address = self.address;
        *self = session;
        tracing::debug!(person = ?self.participant.as_ref().map(Participant::id), "is back");
        missed.extend(self.news().await);
        let reply = ResumedReply {
            resume: secret,
            last_request: self.last_request,
        };
        Ok((Reply::Resumed(reply), missed))
    }

    /// How many frames the client should have by now; none before it is online.
    pub(crate) fn sent(&self) -> Option<u64> {
        self.seat.as_ref().map(|_| self.outgoing.count())
    }

    /// The client has got as many frames as [`sent`](Self::sent) said over this connection.
    pub(crate) fn acknowledge(&mut self, count: u64) {
        self.outgoing.acknowledge(count);
        if let Some(seat) = &self.seat {
            seat.acknowledge();
        }
    }

    /// Waits until the client has come back over another connection. Dropping the future loses
    /// nothing.
    pub(crate) async fn claimed(&mut self) -> Claim<Self> {
        match &mut self.seat {
            Some(seat) => seat.claimed().await,
            None => std::future::pending().await,
        }
    }

    /// The connection is lost. One who is in a room may come back; who is not misses nothing by
    /// coming anew.
    pub(crate) fn linger(self) {
        let has_place = |one: &Participant| one.has_place();
        let table = Arc::clone(&self.resumption);
        if self.participant.as_ref().is_some_and(has_place) && !table.window().is_zero() {
            let network = self.network();
            table.linger(self, network);
        }
    }
}

impl Unattended for Session {
    async fn next(&mut self) -> Woken<Self> {
        let (Some(participant), Some(seat)) = (&mut self.participant, &mut self.seat) else {
            return std::future::pending().await;
        };
        tokio::select! {
            claim = seat.claimed() => Woken::Claimed(claim),
            happening = participant.next() => Woken::Happening(happening),
        }
    }

    async fn keep(&mut self, happening: Happening) -> bool {
        let before = self.outgoing.first();
        self.happened(happening).await.is_ok() && self.outgoing.first() == before
    }
}
