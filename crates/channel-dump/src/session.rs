//! Following a channel: each response finds its request.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::decode::{DecodeError, Decoder};
use crate::filter::Filter;
use crate::message::Message;
use crate::recording::{Content, Direction, Record};
use crate::redact::Secrets;

/// Follows the channels of one or more workers: decodes what passes, finds the request of each
/// response, and leaves out what the filter does not want.
///
/// Call [`record`](Self::record) for each record, in order, then
/// [`unanswered`](Self::unanswered) once.
#[derive(Debug)]
pub struct Session {
    decoder: Decoder,
    filter: Filter,
    /// Requests without a response yet, by worker and request id.
    open: BTreeMap<(u32, u64), OpenRequest>,
}

/// Something to show.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Process id of the worker.
    pub pid: u32,
    /// Since the start.
    pub at: Duration,
    /// What happened.
    pub event: Event,
}

/// What an entry is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A frame.
    Frame {
        /// Which way it went.
        direction: Direction,
        /// Its bytes, prefix included.
        len: usize,
        /// What it says.
        message: Result<Message, DecodeError>,
        /// For a response, its request, if that was seen.
        request: Option<Matched>,
    },
    /// A request that no response was seen to.
    Unanswered {
        /// Its id.
        id: u64,
        /// What was asked, and when.
        request: Matched,
        /// Whether another request took its id.
        is_id_reused: bool,
    },
    /// Something that the recorder has to say.
    Note(String),
    /// The channel was closed.
    End,
}

/// The request that a response belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// Name of its method.
    pub method: String,
    /// Id of the entity that it was for.
    pub handler_id: String,
    /// When it passed, since the start.
    pub at: Duration,
}

#[derive(Debug)]
struct OpenRequest {
    request: Matched,
    /// Whether the filter wants its names and ids; the time is another question.
    is_wanted: bool,
}

impl Session {
    /// A session that has seen nothing yet.
    pub fn new(secrets: Secrets, filter: Filter) -> Self {
        Self {
            decoder: Decoder::new(secrets),
            filter,
            open: BTreeMap::new(),
        }
    }

    /// Takes the next record of a worker and yields what is to be shown: usually one entry or
    /// none.
    pub fn record(&mut self, pid: u32, record: &Record) -> Vec<Entry> {
        let at = record.at;
        let (event, is_wanted) = match &record.content {
            // A user who looks for one method also wants to know that frames are missing.
            Content::Note(text) => (Event::Note(text.clone()), true),
            Content::End => (Event::End, self.filter.is_unnamed()),
            Content::Frame(direction, frame) => {
                return self.frame(pid, at, *direction, frame);
            }
        };
        match is_wanted && self.filter.is_within(at) {
            true => vec![Entry { pid, at, event }],
            false => Vec::new(),
        }
    }

    /// The requests without a response, in the order in which they were sent.
    pub fn unanswered(&mut self) -> Vec<Entry> {
        let open = std::mem::take(&mut self.open);
        let entries = open.into_iter().filter_map(|((pid, id), open)| {
            let entry = unanswered(pid, id, open.request, false);
            (open.is_wanted && self.filter.is_within(entry.at)).then_some(entry)
        });
        let mut entries: Vec<_> = entries.collect();
        entries.sort_by_key(|entry| entry.at);
        entries
    }

    fn frame(&mut self, pid: u32, at: Duration, direction: Direction, frame: &[u8]) -> Vec<Entry> {
        let mut entries = Vec::new();
        let message = Message::read(&mut self.decoder, frame);
        let mut request = None;
        let is_wanted = match (&message, direction) {
            (Ok(sent @ Message::Request { id, .. }), Direction::ToWorker) => {
                let is_wanted = self.filter.wants(sent);
                entries.extend(self.open(pid, *id, at, sent, is_wanted));
                is_wanted
            }
            (Ok(Message::Response { id, .. }), Direction::FromWorker) => {
                let open = self.open.remove(&(pid, *id));
                // A response is shown if its request was. Without its request it is shown only if
                // the filter asks for nothing that only a request could answer.
                let is_wanted = match &open {
                    Some(open) => open.is_wanted,
                    None => self.filter.is_unnamed(),
                };
                request = open.map(|open| open.request);
                is_wanted
            }
            (Ok(message), _) => self.filter.wants(message),
            (Err(_), _) => self.filter.is_unnamed(),
        };
        if is_wanted && self.filter.is_within(at) {
            let event = Event::Frame {
                direction,
                len: frame.len(),
                message,
                request,
            };
            entries.push(Entry { pid, at, event });
        }
        entries
    }

    /// Remembers a request. If an older one with this id got no response, it is returned.
    fn open(
        &mut self,
        pid: u32,
        id: u64,
        at: Duration,
        message: &Message,
        is_wanted: bool,
    ) -> Option<Entry> {
        let request = Matched {
            method: message.name().unwrap_or_default().to_owned(),
            handler_id: message.handler_id().unwrap_or_default().to_owned(),
            at,
        };
        let before = self
            .open
            .insert((pid, id), OpenRequest { request, is_wanted });
        if self.open.len() > MAX_OPEN {
            self.open.pop_first();
        }
        let is_shown =
            |before: &OpenRequest| before.is_wanted && self.filter.is_within(before.request.at);
        let before = before.filter(is_shown)?;
        Some(unanswered(pid, id, before.request, true))
    }
}

fn unanswered(pid: u32, id: u64, request: Matched, is_id_reused: bool) -> Entry {
    Entry {
        pid,
        at: request.at,
        event: Event::Unanswered {
            id,
            request,
            is_id_reused,
        },
    }
}

/// How many requests may wait for their response. When there are more, the one with the lowest id
/// is forgotten.
const MAX_OPEN: usize = 1 << 16;
