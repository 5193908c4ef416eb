//! A decoded frame, sorted by kind: request, response, notification or log line.

use crate::decode::{DecodeError, Decoder};
use crate::value::Value;

/// A decoded frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// From the controller.
    Request {
        /// Matches the response to it.
        id: u64,
        /// Name of the method, or its number when this version does not know it.
        method: String,
        /// Id of the entity that takes it; empty for the worker itself.
        handler_id: String,
        /// What it carries.
        body: Option<Body>,
    },
    /// From the worker.
    Response {
        /// Id of the request.
        id: u64,
        /// Whether it was done.
        outcome: Outcome,
        /// What it carries.
        body: Option<Body>,
    },
    /// From either side.
    Notification {
        /// Name of the event, or its number when this version does not know it.
        event: String,
        /// Id of the entity that it is from or for; empty for the worker itself.
        handler_id: String,
        /// What it carries.
        body: Option<Body>,
    },
    /// A line of the worker's log, its level as the first character.
    Log(String),
    /// A message of a kind that this version does not know: its tag, 0 for none.
    Unknown(u8),
}

/// What a response says of its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Accepted,
    /// Not done.
    Refused {
        /// Class of the error: `Error`, `TypeError` or `NotFoundError`.
        error: String,
        /// For people.
        reason: String,
    },
}

/// The body of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// Which table it is, as the union names it: `Transport_ProduceRequest`; empty for one that
    /// this version does not know.
    pub name: &'static str,
    /// The table.
    pub value: Value,
}

impl Message {
    /// Decodes one frame, prefix included.
    ///
    /// # Errors
    ///
    /// As [`Decoder::decode`].
    pub fn read(decoder: &mut Decoder, frame: &[u8]) -> Result<Self, DecodeError> {
        let mut root = decoder.decode(frame)?;
        let data = root.take("data");
        if let Some(Value::UnknownMember(tag)) = data {
            return Ok(Self::Unknown(tag));
        }
        let Some((kind, mut table)) = data.and_then(Value::into_member) else {
            return Ok(Self::Unknown(0));
        };
        Ok(match kind {
            "Request" => Self::Request {
                id: number(&table, "id"),
                method: name(&table, "method"),
                handler_id: text(&table, "handler_id"),
                body: body(&mut table),
            },
            "Response" => Self::Response {
                id: number(&table, "id"),
                outcome: match table.get("accepted") {
                    Some(Value::Bool(true)) => Outcome::Accepted,
                    _ => Outcome::Refused {
                        error: text(&table, "error"),
                        reason: decoder.scrub(text(&table, "reason")),
                    },
                },
                body: body(&mut table),
            },
            "Notification" => Self::Notification {
                event: name(&table, "event"),
                handler_id: text(&table, "handler_id"),
                body: body(&mut table),
            },
            _ => Self::Log(decoder.scrub(text(&table, "data"))),
        })
    }

    /// Name of the method or event.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Request { method, .. } => Some(method),
            Self::Notification { event, .. } => Some(event),
            _ => None,
        }
    }

    /// Id of the entity that the message names as its own.
    pub fn handler_id(&self) -> Option<&str> {
        match self {
            Self::Request { handler_id, .. } | Self::Notification { handler_id, .. } => {
                Some(handler_id)
            }
            _ => None,
        }
    }

    /// What the message carries.
    pub fn body(&self) -> Option<&Body> {
        match self {
            Self::Request { body, .. }
            | Self::Response { body, .. }
            | Self::Notification { body, .. } => body.as_ref(),
            Self::Log(_) | Self::Unknown(_) => None,
        }
    }
}

fn body(table: &mut Value) -> Option<Body> {
    match table.take("body")? {
        unknown @ Value::UnknownMember(_) => Some(Body {
            name: "",
            value: unknown,
        }),
        member => {
            let (name, value) = member.into_member()?;
            Some(Body { name, value })
        }
    }
}

fn number(table: &Value, field: &str) -> u64 {
    match table.get(field) {
        Some(Value::Unsigned(number)) => *number,
        _ => 0,
    }
}

fn text(table: &Value, field: &str) -> String {
    let text = table.get(field).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

/// The name of an enum's value, or its number.
fn name(table: &Value, field: &str) -> String {
    match table.get(field) {
        Some(Value::Unsigned(number)) => number.to_string(),
        _ => text(table, field),
    }
}
