//! Carries out what the controller notifies. There is no answer: what goes wrong is logged.

use super::Worker;
use crate::error::RequestError;
use crate::messages::{IncomingBody, IncomingNotification};
use crate::time::Instant;

impl Worker {
    pub(super) fn handle_notification(
        &mut self,
        now: Instant,
        notification: &IncomingNotification,
    ) {
        let refusal = match &notification.body {
            IncomingBody::WorkerClose => {
                self.close(now);
                return;
            }
            // What is not there comes before what is wrong with its notification.
            IncomingBody::Unsupported => self
                .registry
                .handler(&notification.handler_id, notification.event)
                .err()
                .unwrap_or_else(|| RequestError::Failed("the event is not supported".into())),
            IncomingBody::Unknown(number) => {
                RequestError::Failed(format!("unknown event {number}"))
            }
            IncomingBody::Malformed(error) => error.clone(),
        };
        tracing::error!(
            target: "tureen::message",
            event = notification.event, handler = notification.handler_id,
            class = refusal.class(),
            "notification refused: {refusal}"
        );
    }
}
