//! The queue of messages to the controller. It keeps their order and is bounded when the controller
//! does not read.

use std::collections::VecDeque;

use super::notifications::{Event, Notification};
use super::responses::Response;
use crate::params::IceState;
use crate::rng::{KeyedState, Table};

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
/// Scores, tuples, ICE states and orientations change as often as peers like, and only the newest
/// matters. So a newer one replaces the one of its entity that is still queued. Up to
/// [`Outbox::CAP`] messages everything else is kept. Above that, logs are dropped and counted, and
/// [`Outbox::is_over_cap`] asks the shell to stop reading requests. Packets for the application are
/// dropped much earlier ([`Outbox::offer`]). Responses and closes are always kept. So the queue is
/// bounded by the requests already read and by the number of entities, whatever their peers do.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Slot>,
    /// How many slots have left the queue, which is the position of its front.
    left: u64,
    /// By entity: where its replaceable notifications wait.
    newest: Table<String, Newest>,
    dropped: u64,
    merged: u64,
    undelivered: u64,
    /// Bytes of the packets in the queue.
    packet_bytes: usize,
}

/// A place in the queue.
#[derive(Debug)]
struct Slot {
    message: Outgoing,
    /// It is passed over: what it told holds no more.
    is_void: bool,
}

/// The positions of an entity's newest notifications, by kind.
#[derive(Debug, Default)]
struct Newest([Option<u64>; Replaceable::COUNT]);

impl Outbox {
    /// How many messages may wait before the worker stops reading requests.
    pub(crate) const CAP: usize = 4096;

    /// An empty queue. `state` hashes the ids of entities.
    pub(crate) fn new(state: KeyedState) -> Self {
        Self {
            newest: Table::with_hasher(state),
            ..Self::default()
        }
    }

    /// Queues a response.
    pub(crate) fn respond(&mut self, response: Response) {
        self.push(Outgoing::Response(Box::new(response)));
    }

    /// Queues a notification, or lets it replace an older one.
    pub(crate) fn notify(&mut self, handler_id: &str, event: Event) {
        let Some(kind) = Replaceable::of(&event) else {
            let handler_id = handler_id.to_owned();
            self.push(Outgoing::Notification(Notification { handler_id, event }));
            return;
        };
        if event == Event::IceStateChange(IceState::Disconnected) {
            // This state means that there is no tuple.
            self.void_tuple(handler_id);
        }
        if let Some(position) = self.position_to_replace(handler_id, kind)
            && let Some(slot) = self.slot(position)
            && let Outgoing::Notification(queued) = &mut slot.message
        {
            queued.event = event;
            slot.is_void = false;
            self.merged += u64::from(self.is_over_cap());
            return;
        }
        let position = self.left + self.queue.len() as u64;
        let handler_id = handler_id.to_owned();
        let newest = self.newest.entry(handler_id.clone()).or_default();
        newest.0[kind as usize] = Some(position);
        self.push(Outgoing::Notification(Notification { handler_id, event }));
    }

    /// Queues a packet for the application, unless it reads too slowly: then the packet is counted
    /// and dropped. Media is worth nothing when it is late.
    pub(crate) fn offer(&mut self, handler_id: &str, event: Event) {
        let len = event.packet_len();
        if self.queue.len() >= Self::CAP / 2 || self.packet_bytes + len > MAX_PACKET_BYTES {
            self.undelivered += 1;
            return;
        }
        self.packet_bytes += len;
        let handler_id = handler_id.to_owned();
        self.push(Outgoing::Notification(Notification { handler_id, event }));
    }

    /// Counts packets that were lost before they came here.
    pub(crate) fn count_undelivered(&mut self, packets: u64) {
        self.undelivered += packets;
    }

    /// How many packets the application was too slow for.
    #[must_use]
    pub(crate) fn undelivered(&self) -> u64 {
        self.undelivered
    }

    /// Queues a line of the log, or counts it as dropped above the cap.
    pub(crate) fn log(&mut self, line: String) {
        if self.is_over_cap() {
            self.dropped += 1;
        } else {
            self.push(Outgoing::Log(line));
        }
    }

    /// Counts lines that were lost before they came here.
    pub(crate) fn count_lost_logs(&mut self, lines: u64) {
        self.dropped += lines;
    }

    /// How many notifications were replaced by newer ones because the controller did not read.
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
        while let Some(slot) = self.queue.pop_front() {
            self.forget_position(&slot.message);
            if let Outgoing::Notification(notification) = &slot.message {
                self.packet_bytes -= notification.event.packet_len();
            }
            self.left += 1;
            if self.queue.is_empty() && self.dropped > 0 {
                let line = format!("WOutbox | messages dropped: {}", self.dropped);
                self.dropped = 0;
                self.push(Outgoing::Log(line));
            }
            if !slot.is_void {
                return Some(slot.message);
            }
        }
        None
    }

    fn push(&mut self, message: Outgoing) {
        self.queue.push_back(Slot {
            message,
            is_void: false,
        });
    }

    /// Where the notification waits that a newer one of this kind may replace. A tuple never moves
    /// to a place before an ICE state that it followed.
    fn position_to_replace(&self, handler_id: &str, kind: Replaceable) -> Option<u64> {
        let newest = self.newest.get(handler_id)?;
        let position = newest.0[kind as usize]?;
        let state = newest.0[Replaceable::IceState as usize];
        let stays = kind == Replaceable::IceTuple && state > Some(position);
        (!stays).then_some(position)
    }

    /// Voids a tuple that would otherwise follow the ICE state. Its slot stays for the next one.
    fn void_tuple(&mut self, handler_id: &str) {
        if let Some(newest) = self.newest.get(handler_id)
            && let Some(tuple) = newest.0[Replaceable::IceTuple as usize]
            && newest.0[Replaceable::IceState as usize].is_some_and(|state| state < tuple)
            && let Some(slot) = self.slot(tuple)
        {
            slot.is_void = true;
        }
    }

    fn slot(&mut self, position: u64) -> Option<&mut Slot> {
        let index = position.checked_sub(self.left)?;
        self.queue.get_mut(usize::try_from(index).ok()?)
    }

    /// The message in front leaves the queue.
    fn forget_position(&mut self, message: &Outgoing) {
        let Outgoing::Notification(notification) = message else {
            return;
        };
        let Some(kind) = Replaceable::of(&notification.event) else {
            return;
        };
        let Some(newest) = self.newest.get_mut(&notification.handler_id) else {
            return;
        };
        let position = &mut newest.0[kind as usize];
        if *position == Some(self.left) {
            *position = None;
        }
        if newest.0.iter().all(Option::is_none) {
            self.newest.swap_remove(&notification.handler_id);
        }
    }
}

/// How many bytes of packets may wait for the application.
const MAX_PACKET_BYTES: usize = 2 * 1024 * 1024;

/// The kinds of notification of which only the newest matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Replaceable {
    ProducerScore,
    ConsumerScore,
    IceState,
    IceTuple,
    VideoOrientation,
}

impl Replaceable {
    const COUNT: usize = Self::VideoOrientation as usize + 1;

    const fn of(event: &Event) -> Option<Self> {
        match event {
            Event::ProducerScore(_) => Some(Self::ProducerScore),
            Event::ConsumerScore(_) => Some(Self::ConsumerScore),
            Event::IceStateChange(_) => Some(Self::IceState),
            Event::IceSelectedTupleChange(_) => Some(Self::IceTuple),
            Event::ProducerVideoOrientationChange { .. } => Some(Self::VideoOrientation),
            // Packets never replace one another; see [`Outbox::offer`].
            Event::ConsumerRtp(_) | Event::DirectTransportRtcp(_) => None,
            // Requests and entities bound how many of these there can be.
            Event::WorkerRunning
            | Event::DtlsStateChange { .. }
            | Event::PlainTransportTuple(_)
            | Event::PlainTransportRtcpTuple(_)
            | Event::ConsumerProducerPause
            | Event::ConsumerProducerResume
            | Event::ConsumerProducerClose => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{ConsumerScore, ResponseBody};
    use crate::output::Protocol;
    use crate::params::Tuple;

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

    fn told(outbox: &mut Outbox) -> Vec<Event> {
        let events = std::iter::from_fn(|| outbox.pop()).map(|message| match message {
            Outgoing::Notification(notification) => notification.event,
            other => panic!("{other:?}"),
        });
        events.collect()
    }

    #[test]
    fn between_two_readings_each_kind_is_told_once_for_each_entity() {
        let mut outbox = Outbox::default();
        for _ in 0..100 {
            for id in ["a", "b"] {
                for value in 0..10 {
                    outbox.notify(id, score(value));
                    outbox.notify(id, orientation(u16::from(value)));
                    outbox.notify(id, tuple(u16::from(value)));
                }
            }
            let of_each = [score(9), orientation(9), tuple(9)];
            assert_eq!(told(&mut outbox), [of_each.clone(), of_each].concat());
            assert_eq!(outbox.merged(), 0, "the controller reads");
            assert!(outbox.newest.is_empty(), "nothing is kept of entities");
        }
    }

    /// The agent reports the tuple first and then the state.
    #[test]
    fn a_path_that_is_lost_and_found_again_is_told_as_it_is_now() {
        let (connected, lost) = (IceState::Connected, IceState::Disconnected);
        let mut outbox = Outbox::default();
        for port in 1..=3 {
            outbox.notify("t", tuple(port));
            outbox.notify("t", Event::IceStateChange(connected));
            outbox.notify("t", Event::IceStateChange(lost));
        }
        let expected = [tuple(1), Event::IceStateChange(lost)];
        assert_eq!(told(&mut outbox), expected);
        outbox.notify("t", tuple(1));
        outbox.notify("t", Event::IceStateChange(connected));
        outbox.notify("t", Event::IceStateChange(lost));
        outbox.notify("t", tuple(2));
        outbox.notify("t", Event::IceStateChange(connected));
        let expected = [tuple(1), Event::IceStateChange(connected), tuple(2)];
        assert_eq!(told(&mut outbox), expected);
    }
}
