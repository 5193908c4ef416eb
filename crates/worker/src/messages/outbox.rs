//! The queue of messages to the controller. It keeps their order and is bounded when the controller
//! does not read.

use std::collections::VecDeque;
use std::mem::discriminant;

use super::notifications::{Event, Notification};
use super::responses::Response;

/// One message to the controller.
#[derive(Clone, Debug, PartialEq)]
pub enum Outgoing {
    /// The answer to a request; never dropped.
    Response(Box<Response>),
    /// Something happened.
    Notification(Notification),
    /// A line of the log with its level mark in front (docs/channel.md §4); the first to be
    /// dropped.
    Log(String),
}

/// Logs, notifications and responses in the order of their creation, so that a log comes before the
/// error response that it explains.
///
/// Up to [`Outbox::CAP`] messages, everything is kept. Above that, each message has a class: logs
/// are dropped and counted, and a newer score, tuple, state or orientation replaces the one that is
/// still queued. [`Outbox::is_over_cap`] then asks the shell to stop reading requests. Responses
/// and closes are always kept. So the rest is bounded by the requests already read and by the
/// number of entities, whatever their peers do.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Outgoing>,
    dropped: u64,
    merged: u64,
}

impl Outbox {
    /// How many messages may wait before the worker stops reading requests.
    pub(crate) const CAP: usize = 4096;

    /// Queues a response.
    pub(crate) fn respond(&mut self, response: Response) {
        self.push(Outgoing::Response(Box::new(response)));
    }

    /// Queues a notification.
    pub(crate) fn notify(&mut self, handler_id: &str, event: Event) {
        let handler_id = handler_id.to_owned();
        self.push(Outgoing::Notification(Notification { handler_id, event }));
    }

    /// Queues a line of the log.
    pub(crate) fn log(&mut self, line: String) {
        self.push(Outgoing::Log(line));
    }

    /// Queues a message, or does above the cap what its class asks for.
    fn push(&mut self, message: Outgoing) {
        if self.is_over_cap() {
            match message.class() {
                Class::Kept => {}
                Class::Latest => {
                    if self.replace_outdated(&message) {
                        self.merged += 1;
                        return;
                    }
                }
                Class::Droppable => {
                    self.dropped += 1;
                    return;
                }
            }
        }
        self.queue.push_back(message);
    }

    /// Counts lines that were lost before they came here.
    pub(crate) fn count_lost_logs(&mut self, lines: u64) {
        self.dropped += lines;
    }

    /// How many notifications were replaced by newer ones.
    #[must_use]
    pub(crate) fn merged(&self) -> u64 {
        self.merged
    }

    /// Whether the controller is too far behind to be asked for more.
    #[must_use]
    pub(crate) fn is_over_cap(&self) -> bool {
        self.queue.len() >= Self::CAP
    }

    /// The next message to write.
    pub(crate) fn pop(&mut self) -> Option<Outgoing> {
        let next = self.queue.pop_front();
        if self.queue.is_empty() && self.dropped > 0 {
            let line = format!("WOutbox | messages dropped: {}", self.dropped);
            self.dropped = 0;
            self.queue.push_back(Outgoing::Log(line));
        }
        next
    }

    /// Overwrites an older value of the same entity. A tuple never moves to a place before an ICE
    /// state that it followed, because the state DISCONNECTED means that there is no tuple.
    fn replace_outdated(&mut self, message: &Outgoing) -> bool {
        let Outgoing::Notification(Notification { handler_id, event }) = message else {
            return false;
        };
        if let Event::IceStateChange(_) = event {
            return self.replace_ice_state(handler_id, event);
        }
        let kind = discriminant(event);
        let queued = self
            .queue
            .iter_mut()
            .rev()
            .find_map(|message| match message {
                Outgoing::Notification(queued) if queued.handler_id == *handler_id => {
                    let is_state = matches!(queued.event, Event::IceStateChange(_));
                    (is_state || discriminant(&queued.event) == kind).then_some(queued)
                }
                _ => None,
            });
        match queued {
            Some(queued) if discriminant(&queued.event) == kind => {
                queued.event = event.clone();
                true
            }
            _ => false,
        }
    }

    /// Overwrites the queued ICE state, and removes the tuples that came after it.
    fn replace_ice_state(&mut self, handler_id: &str, event: &Event) -> bool {
        let is_of_entity = |message: &Outgoing, kind: fn(&Event) -> bool| matches!(message, Outgoing::Notification(queued) if queued.handler_id == handler_id && kind(&queued.event));
        let is_state = |event: &Event| matches!(event, Event::IceStateChange(_));
        let is_tuple = |event: &Event| matches!(event, Event::IceSelectedTupleChange(_));
        let Some(at) = self
            .queue
            .iter()
            .rposition(|one| is_of_entity(one, is_state))
        else {
            return false;
        };
        let mut index = 0;
        self.queue.retain(|message| {
            index += 1;
            index <= at || !is_of_entity(message, is_tuple)
        });
        if let Some(Outgoing::Notification(queued)) = self.queue.get_mut(at) {
            queued.event = event.clone();
        }
        true
    }
}

/// What becomes of a message when the controller is too far behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// It waits, whatever comes: requests and entities bound how many there can be.
    Kept,
    /// It takes the place of an older one of its kind. Peers cause such messages as often as they
    /// like, and only the newest matters.
    Latest,
    /// It is dropped and counted.
    Droppable,
}

impl Outgoing {
    const fn class(&self) -> Class {
        match self {
            Self::Response(_) => Class::Kept,
            Self::Notification(notification) => match notification.event {
                Event::ProducerScore(_)
                | Event::ConsumerScore(_)
                | Event::IceStateChange(_)
                | Event::IceSelectedTupleChange(_)
                | Event::ProducerVideoOrientationChange { .. } => Class::Latest,
                Event::WorkerRunning
                | Event::DtlsStateChange { .. }
                | Event::ConsumerProducerPause
                | Event::ConsumerProducerResume
                | Event::ConsumerProducerClose => Class::Kept,
            },
            Self::Log(_) => Class::Droppable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{ConsumerScore, ResponseBody};
    use crate::output::Protocol;
    use crate::params::{IceState, Tuple};

    fn response(id: u32) -> Response {
        Response {
            id,
            result: Ok(ResponseBody::None),
        }
    }

    fn score(score: u8) -> Event {
        Event::ConsumerScore(ConsumerScore {
            score,
            producer_score: 0,
            producer_scores: vec![],
        })
    }

    fn tuple(remote_port: u16) -> Event {
        Event::IceSelectedTupleChange(Tuple {
            local_address: "192.0.2.1".into(),
            local_port: 1,
            remote_ip: Some("192.0.2.2".into()),
            remote_port,
            protocol: Protocol::Udp,
        })
    }

    fn orientation(rotation: u16) -> Event {
        Event::ProducerVideoOrientationChange {
            camera: false,
            flip: false,
            rotation,
        }
    }

    #[test]
    fn a_log_precedes_the_response_it_explains() {
        let mut outbox = Outbox::default();
        outbox.log("E1".into());
        outbox.respond(response(1));
        assert_eq!(outbox.pop(), Some(Outgoing::Log("E1".into())));
        assert_eq!(
            outbox.pop(),
            Some(Outgoing::Response(Box::new(response(1))))
        );
        assert_eq!(outbox.pop(), None);
    }

    #[test]
    fn above_the_cap_logs_are_dropped_and_said_so_and_scores_merge() {
        let mut outbox = Outbox::default();
        outbox.notify("c", score(10));
        for id in 0..Outbox::CAP {
            outbox.respond(response(u32::try_from(id).unwrap()));
        }
        assert!(outbox.is_over_cap());
        outbox.log("lost".into());
        outbox.notify("c", score(3));
        outbox.notify("c", Event::ConsumerProducerClose);
        outbox.respond(response(7));
        let all: Vec<_> = std::iter::from_fn(|| outbox.pop()).collect();
        assert_eq!(all.len(), Outbox::CAP + 4);
        assert!(
            matches!(&all[0], Outgoing::Notification(Notification { event, .. }) if *event == score(3))
        );
        assert!(matches!(all.last(), Some(Outgoing::Log(line)) if line.contains("dropped: 1")));
    }

    #[test]
    fn a_peer_that_changes_its_mind_without_end_adds_nothing_above_the_cap() {
        let mut outbox = Outbox::default();
        for id in 0..Outbox::CAP {
            outbox.respond(response(u32::try_from(id).unwrap()));
        }
        for port in 0..1000 {
            outbox.notify("t", tuple(port));
            outbox.notify("p", orientation(port % 360));
        }
        for port in 0..1000 {
            let states = [IceState::Connected, IceState::Disconnected];
            let state = states[usize::from(port % 2)];
            outbox.notify("t", Event::IceStateChange(state));
            outbox.notify("t", tuple(port));
        }
        let rest: Vec<_> = std::iter::from_fn(|| outbox.pop())
            .skip(Outbox::CAP)
            .collect();
        let expected = [
            ("t", tuple(999)),
            ("p", orientation(999 % 360)),
            ("t", Event::IceStateChange(IceState::Disconnected)),
            ("t", tuple(999)),
        ];
        let expected = expected.map(|(id, event)| {
            let handler_id = id.to_owned();
            Outgoing::Notification(Notification { handler_id, event })
        });
        assert_eq!(rest, expected);
    }
}
