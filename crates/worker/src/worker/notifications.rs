//! Carries out what the controller notifies. There is no answer: what goes wrong is logged.

use super::Worker;
use super::registry::Entity;
use crate::error::RequestError;
use crate::ids::TransportKey;
use crate::messages::{IncomingBody, IncomingNotification};
use crate::output::MAX_DATAGRAM;
use crate::time::Instant;
use crate::transport::Incoming;

impl Worker {
    pub(super) fn handle_notification(
        &mut self,
        now: Instant,
        notification: &IncomingNotification,
    ) {
        if let Err(refusal) = self.carry_out_notification(now, notification) {
            tracing::error!(
                target: "tureen::message",
                event = notification.event, handler = notification.handler_id,
                class = refusal.class(),
                "notification refused: {refusal}"
            );
        }
    }

    pub(super) fn carry_out_notification(
        &mut self,
        now: Instant,
        notification: &IncomingNotification,
    ) -> Result<(), RequestError> {
        let handler = self
            .registry
            .handler(&notification.handler_id, notification.event);
        match &notification.body {
            IncomingBody::WorkerClose => {
                self.close(now);
                Ok(())
            }
            IncomingBody::ProducerSend(packet) => match handler? {
                Entity::Producer(key) => {
                    let transport = self.entities.producers[key].transport;
                    self.take_from_application(now, transport, Incoming::Rtp, packet)
                }
                _ => Err(RequestError::Failed("it is no producer".into())),
            },
            IncomingBody::TransportSendRtcp(packet) => match handler? {
                Entity::Transport(key) => {
                    self.take_from_application(now, key, Incoming::Rtcp, packet)
                }
                _ => Err(RequestError::Failed("it is no transport".into())),
            },
            // What is not there comes before what is wrong with its notification.
            IncomingBody::Unsupported => {
                handler?;
                Err(RequestError::Failed("the event is not supported".into()))
            }
            IncomingBody::Unknown(number) => {
                Err(RequestError::Failed(format!("unknown event {number}")))
            }
            IncomingBody::Malformed(error) => Err(error.clone()),
        }
    }

    /// Takes a packet of the application, as if it had come from a direct transport's peer.
    fn take_from_application(
        &mut self,
        now: Instant,
        key: TransportKey,
        kind: Incoming,
        packet: &[u8],
    ) -> Result<(), RequestError> {
        if !self.entities.transports[key].is_direct() {
            let problem = "the transport is not a direct one";
            return Err(RequestError::Failed(problem.into()));
        }
        if packet.len() > MAX_DATAGRAM {
            let problem = format!("must be {MAX_DATAGRAM} bytes at most");
            return Err(RequestError::invalid("data", problem));
        }
        let mut packet = packet.to_vec();
        self.fenced(now, |worker| {
            worker.current = Some(key);
            match kind {
                Incoming::Rtp => worker.take_rtp(now, key, None, now, &mut packet),
                Incoming::Rtcp => worker.take_rtcp(now, key, None, &mut packet),
            }
        });
        Ok(())
    }
}
