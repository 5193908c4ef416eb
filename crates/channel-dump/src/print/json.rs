//! Entries as lines of JSON.

use std::io::{self, Write};

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;

use super::printable;
use crate::message::{Body, Message, Outcome};
use crate::recording::Header;
use crate::session::{Entry, Event, Matched};
use crate::time::Utc;

/// Writes what a recording says of itself as one line of JSON, of the kind `recording`: the `name`
/// of the worker, and the `start` in UTC.
///
/// # Errors
///
/// What `out` says.
pub fn write_json_header(out: &mut impl Write, header: &Header) -> io::Result<()> {
    let line = json!({
        "kind": "recording",
        "pid": header.pid,
        "name": header.name,
        "start": Utc::from(header.start).to_string(),
        "time_ns": 0,
    });
    writeln!(out, "{}", printable(&line.to_string(), false))
}

/// Writes an entry as one line of JSON.
///
/// Every line has `pid`, `time_ns` since the start and `kind`, which is `request`, `response`,
/// `notification`, `log`, `unreadable`, `unknown`, `unanswered`, `note` or `end`. A frame also has
/// its `direction` and `bytes`; a response whose request was seen has the `method` and `handler_id`
/// of that request and the `latency_ns` between the two.
///
/// # Errors
///
/// What `out` says.
pub fn write_json(out: &mut impl Write, entry: &Entry) -> io::Result<()> {
    let line = serde_json::to_string(&Line(entry))?;
    writeln!(out, "{}", printable(&line, false))
}

struct Line<'a>(&'a Entry);

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Entry { pid, at, event } = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pid", pid)?;
        map.serialize_entry("time_ns", &at.as_nanos())?;
        match event {
            Event::Frame {
                direction,
                len,
                message,
                request,
            } => {
                map.serialize_entry("direction", direction.as_str())?;
                map.serialize_entry("bytes", len)?;
                match message {
                    Ok(message) => write_message(&mut map, message, request.as_ref(), self.0)?,
                    Err(error) => {
                        map.serialize_entry("kind", "unreadable")?;
                        map.serialize_entry("error", &error.to_string())?;
                    }
                }
            }
            Event::Unanswered {
                id,
                request,
                is_id_reused,
            } => {
                map.serialize_entry("kind", "unanswered")?;
                map.serialize_entry("id", id)?;
                map.serialize_entry("method", &request.method)?;
                map.serialize_entry("handler_id", &request.handler_id)?;
                map.serialize_entry("id_reused", is_id_reused)?;
            }
            Event::Note(text) => {
                map.serialize_entry("kind", "note")?;
                map.serialize_entry("note", text)?;
            }
            Event::End => map.serialize_entry("kind", "end")?,
        }
        map.end()
    }
}

fn write_message<M: SerializeMap>(
    map: &mut M,
    message: &Message,
    request: Option<&Matched>,
    entry: &Entry,
) -> Result<(), M::Error> {
    match message {
        Message::Request {
            id,
            method,
            handler_id,
            ..
        } => {
            map.serialize_entry("kind", "request")?;
            map.serialize_entry("id", id)?;
            map.serialize_entry("method", method)?;
            map.serialize_entry("handler_id", handler_id)?;
        }
        Message::Response { id, outcome, .. } => {
            map.serialize_entry("kind", "response")?;
            map.serialize_entry("id", id)?;
            if let Some(request) = request {
                map.serialize_entry("method", &request.method)?;
                map.serialize_entry("handler_id", &request.handler_id)?;
                let latency = entry.at.saturating_sub(request.at);
                map.serialize_entry("latency_ns", &latency.as_nanos())?;
            }
            map.serialize_entry("accepted", &(*outcome == Outcome::Accepted))?;
            if let Outcome::Refused { error, reason } = outcome {
                map.serialize_entry("error", error)?;
                map.serialize_entry("reason", reason)?;
            }
        }
        Message::Notification {
            event, handler_id, ..
        } => {
            map.serialize_entry("kind", "notification")?;
            map.serialize_entry("event", event)?;
            map.serialize_entry("handler_id", handler_id)?;
        }
        Message::Log(text) => {
            map.serialize_entry("kind", "log")?;
            map.serialize_entry("log", text)?;
        }
        Message::Unknown(tag) => {
            map.serialize_entry("kind", "unknown")?;
            map.serialize_entry("tag", tag)?;
        }
    }
    if let Some(Body { name, value }) = message.body() {
        map.serialize_entry("body_type", name)?;
        map.serialize_entry("body", value)?;
    }
    Ok(())
}
