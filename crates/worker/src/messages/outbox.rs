//! The one ordered queue to the controller, bounded when the controller does not read.

use std::collections::VecDeque;

use super::notifications::{Event, Notification};
use super::responses::Response;

/// One message to the controller.
#[derive(Clone, Debug, PartialEq)]
pub enum Outgoing {
    /// The answer to a request; never dropped.
    Response(Box<Response>),
    /// Something happened.
    Notification(Notification),
    /// A line of the log with its level mark in front (CHANNEL §4); the first to be dropped.
    Log(String),
}

/// Logs, notifications and responses in the order in which they came to be, so that a log precedes
/// the error response that it explains.
///
/// Up to [`Outbox::CAP`] messages everything is kept. Above, logs are dropped and counted, a newer
/// score replaces the one still queued, and [`Outbox::is_over_cap`] asks the shell to stop reading
/// requests; responses and closes are always kept, so what is then still added is bounded by the
/// requests already read.
#[derive(Debug, Default)]
pub struct Outbox {
    queue: VecDeque<Outgoing>,
    dropped_logs: u64,
    merged_scores: u64,
}

impl Outbox {
    /// How many messages may wait before the worker stops reading requests.
    pub const CAP: usize = 4096;

    /// Queues a response.
    pub fn respond(&mut self, response: Response) {
        self.queue.push_back(Outgoing::Response(Box::new(response)));
    }

    /// Queues a notification.
    pub fn notify(&mut self, handler_id: &str, event: Event) {
        if self.is_over_cap() && self.replace_score(handler_id, &event) {
            self.merged_scores += 1;
            return;
        }
        let handler_id = handler_id.to_owned();
        self.queue
            .push_back(Outgoing::Notification(Notification { handler_id, event }));
    }

    /// Queues a line of the log.
    pub fn log(&mut self, line: String) {
        if self.is_over_cap() {
            self.dropped_logs += 1;
        } else {
            self.queue.push_back(Outgoing::Log(line));
        }
    }

    /// Whether the controller is too far behind to be asked for more.
    #[must_use]
    pub fn is_over_cap(&self) -> bool {
        self.queue.len() >= Self::CAP
    }

    /// The next message to write.
    pub fn pop(&mut self) -> Option<Outgoing> {
        let next = self.queue.pop_front();
        if self.queue.is_empty() && self.dropped_logs > 0 {
            let line = format!("WOutbox | log lines dropped: {}", self.dropped_logs);
            self.dropped_logs = 0;
            self.queue.push_back(Outgoing::Log(line));
        }
        next
    }

    /// Overwrites a queued score of the same entity with a newer one.
    fn replace_score(&mut self, handler_id: &str, event: &Event) -> bool {
        let queued = self
            .queue
            .iter_mut()
            .rev()
            .find_map(|message| match message {
                Outgoing::Notification(queued) if queued.handler_id == handler_id => {
                    match (&queued.event, event) {
                        (Event::ProducerScore(_), Event::ProducerScore(_))
                        | (Event::ConsumerScore(_), Event::ConsumerScore(_)) => Some(queued),
                        _ => None,
                    }
                }
                _ => None,
            });
        match queued {
            Some(queued) => {
                queued.event = event.clone();
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{ConsumerScore, ResponseBody};

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
}
