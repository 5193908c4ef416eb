//! Entries as lines of text.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::printable;
use crate::message::{Body, Message, Outcome};
use crate::recording::{Direction, Header};
use crate::session::{Entry, Event, Matched};
use crate::time::{Utc, seconds, span};
use crate::value::Value;

/// What the text shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextOptions {
    /// Whether each message is followed by its whole body.
    pub bodies: bool,
    /// Whether each line begins with the process id of the worker.
    pub pids: bool,
}

/// Writes entries as text, one line each:
///
/// ```text
///     0.000120 -> #1     WORKER_CREATE_ROUTER                -
///     0.000310 <- #1     WORKER_CREATE_ROUTER                ok in 190 µs
/// ```
///
/// The columns are: seconds since the start; `->` to the worker or `<-` from it; the number of the
/// request; method or event; then the handler and the beginning of the body, or the outcome.
#[derive(Debug)]
pub struct TextPrinter<W: Write> {
    out: W,
    options: TextOptions,
}

impl<W: Write> TextPrinter<W> {
    /// A printer to `out`.
    pub fn new(out: W, options: TextOptions) -> Self {
        Self { out, options }
    }

    /// Writes what a recording says of itself.
    ///
    /// # Errors
    ///
    /// What `out` says.
    pub fn header(&mut self, header: &Header) -> io::Result<()> {
        let name = match header.name.as_str() {
            "" => String::new(),
            name => format!(" {:?}", printable(name, false)),
        };
        let start = Utc::from(header.start);
        writeln!(self.out, "# worker {}{name}, from {start}", header.pid)
    }

    /// Writes an entry.
    ///
    /// # Errors
    ///
    /// What `out` says.
    pub fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        let mut line = String::new();
        if self.options.pids {
            write!(line, "{:>7} ", entry.pid).expect("a string takes any text");
        }
        write!(line, "{:>12} ", seconds(entry.at)).expect("a string takes any text");
        line.push_str(&summary(entry));
        writeln!(self.out, "{}", printable(line.trim_end(), false))?;
        match &entry.event {
            Event::Frame {
                message: Ok(message),
                ..
            } if self.options.bodies => self.body(message.body()),
            _ => Ok(()),
        }
    }

    /// Writes what waits in a buffer.
    ///
    /// # Errors
    ///
    /// What `out` says.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Where it writes, and what.
    pub(crate) fn into_parts(self) -> (W, TextOptions) {
        (self.out, self.options)
    }

    fn body(&mut self, body: Option<&Body>) -> io::Result<()> {
        let Some(Body { name, value }) = body else {
            return Ok(());
        };
        let text = serde_json::to_string_pretty(value)?;
        let text = format!("{name} {}", printable(&text, true));
        for line in text.lines() {
            writeln!(self.out, "{INDENT}{line}")?;
        }
        Ok(())
    }
}

/// What an entry says in one line, without its time.
fn summary(entry: &Entry) -> String {
    match &entry.event {
        Event::Frame {
            direction,
            len,
            message,
            request,
        } => {
            let arrow = match direction {
                Direction::ToWorker => "->",
                Direction::FromWorker => "<-",
            };
            let text = match message {
                Ok(message) => of_message(message, request.as_ref(), entry),
                Err(error) => format!("{:NUMBER$} unreadable, {len} bytes: {error}", ""),
            };
            format!("{arrow} {text}")
        }
        Event::Unanswered {
            id,
            request,
            is_id_reused,
        } => {
            let why = match is_id_reused {
                true => "no response before another request took its number",
                false => "no response",
            };
            format!("!! {}{why}", columns(&format!("#{id}"), &request.method))
        }
        Event::Note(text) => format!("## {text}"),
        Event::End => "## end of the channel".to_owned(),
    }
}

fn of_message(message: &Message, request: Option<&Matched>, entry: &Entry) -> String {
    match message {
        Message::Request {
            id,
            method,
            handler_id,
            body,
        } => {
            let head = columns(&format!("#{id}"), method);
            format!("{head}{}{}", handler(handler_id), beginning(body.as_ref()))
        }
        Message::Response { id, outcome, body } => {
            let method = request.map_or("to no request", |request| request.method.as_str());
            let head = columns(&format!("#{id}"), method);
            let outcome = match outcome {
                Outcome::Accepted => "ok".to_owned(),
                Outcome::Refused { error, reason } => format!("{error} {reason:?}"),
            };
            let latency = request.map_or_else(String::new, |request| {
                format!(" in {}", span(entry.at.saturating_sub(request.at)))
            });
            format!("{head}{outcome}{latency}{}", beginning(body.as_ref()))
        }
        Message::Notification {
            event,
            handler_id,
            body,
        } => {
            let head = columns("", event);
            format!("{head}{}{}", handler(handler_id), beginning(body.as_ref()))
        }
        Message::Log(text) => format!("{}{text}", columns("", "log")),
        Message::Unknown(tag) => columns("", &format!("message of unknown kind {tag}")),
    }
}

fn columns(number: &str, name: &str) -> String {
    format!("{number:NUMBER$} {name:NAME$} ")
}

fn handler(id: &str) -> &str {
    if id.is_empty() { "-" } else { id }
}

/// The fields of a body that are one number or word each, as far as they fit the line.
fn beginning(body: Option<&Body>) -> String {
    let mut text = String::new();
    let Some(Value::Table(fields)) = body.map(|body| &body.value) else {
        return text;
    };
    for (name, value) in fields {
        let value = match value {
            Value::Text(value) => format!("{value:?}"),
            Value::Name(value) => (*value).to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Signed(value) => value.to_string(),
            Value::Unsigned(value) => value.to_string(),
            Value::Payload { len, .. } => format!("{len} bytes"),
            _ => continue,
        };
        if text.chars().count() + name.len() + value.chars().count() > BEGINNING {
            text.push_str(" …");
            break;
        }
        write!(text, " {name}={value}").expect("a string takes any text");
    }
    text
}

/// Width of the column with the request's number.
const NUMBER: usize = 6;

/// Width of the column with method or event. The longest names have 46 letters, most have half of
/// that.
const NAME: usize = 35;

/// How many letters of a line the beginning of a body may take.
const BEGINNING: usize = 120;

/// Before each line of a body.
const INDENT: &str = "                 ";
