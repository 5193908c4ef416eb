//! The live tree as indented lines.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::Value;

use super::printable;

/// Writes the live tree as indented lines, one per entity, with the words and numbers of its
/// dump; `details` adds whole dumps and statistics.
///
/// Secrets are not hidden here: see [`redact`](crate::redact).
///
/// # Errors
///
/// What `out` says.
pub fn write_tree(out: &mut impl Write, tree: &Value, details: bool) -> io::Result<()> {
    for worker in elements(tree, "workers") {
        let pid = worker.get("pid").map(Value::to_string).unwrap_or_default();
        writeln!(out, "worker {pid}{}", printable(&facts(worker), false))?;
        write_details(out, worker, details, 1)?;
        write_children(out, worker, details, 1)?;
    }
    Ok(())
}

fn write_children(
    out: &mut impl Write,
    parent: &Value,
    details: bool,
    depth: usize,
) -> io::Result<()> {
    let indent = INDENT.repeat(depth);
    for (list, default_kind) in CHILDREN {
        for child in elements(parent, list) {
            let kind = child.get("kind").and_then(Value::as_str);
            let kind = kind.unwrap_or(default_kind);
            let id = child.get("id").and_then(Value::as_str).unwrap_or_default();
            let line = format!("{kind} {id}{}", facts(child));
            writeln!(out, "{indent}{}", printable(&line, false))?;
            write_details(out, child, details, depth + 1)?;
            // The tree has five levels. A broken process may send more.
            if depth < MAX_DEPTH {
                write_children(out, child, details, depth + 1)?;
            }
        }
    }
    Ok(())
}

fn write_details(
    out: &mut impl Write,
    entity: &Value,
    details: bool,
    depth: usize,
) -> io::Result<()> {
    let indent = INDENT.repeat(depth);
    for name in DETAILS {
        let Some(value) = entity.get(name).filter(|_| details) else {
            continue;
        };
        let text = format!("{name} {}", serde_json::to_string_pretty(value)?);
        for line in printable(&text, true).lines() {
            writeln!(out, "{indent}{line}")?;
        }
    }
    Ok(())
}

/// The words and numbers of an entity's dump.
fn facts(entity: &Value) -> String {
    let mut text = String::new();
    if let Some(error) = entity.get("error").and_then(Value::as_str) {
        write!(text, "  no dump: {error}").expect("a string takes any text");
    }
    add_facts(&mut text, entity.get("dump"), 0);
    text
}

fn add_facts(text: &mut String, dump: Option<&Value>, depth: usize) {
    let Some(Value::Object(fields)) = dump else {
        return;
    };
    for (name, value) in fields {
        match value {
            Value::String(_) | Value::Number(_) | Value::Bool(_) if !UNTOLD.contains(&&**name) => {
                let value = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                if text.len() + value.len() < MAX_FACTS {
                    write!(text, "  {name}={value}").expect("a string takes any text");
                }
            }
            _ => {}
        }
    }
    if depth < 3 {
        for inner in ["data", "base"] {
            add_facts(text, fields.get(inner), depth + 1);
        }
    }
}

fn elements<'t>(parent: &'t Value, list: &str) -> &'t [Value] {
    let elements = parent.get(list).and_then(Value::as_array);
    elements.map(Vec::as_slice).unwrap_or_default()
}

/// The lists that an entity can have, and what their elements are called.
const CHILDREN: [(&str, &str); 8] = [
    ("web_rtc_servers", "WebRtcServer"),
    ("routers", "Router"),
    ("transports", "Transport"),
    ("rtp_observers", "RtpObserver"),
    ("producers", "Producer"),
    ("consumers", "Consumer"),
    ("data_producers", "DataProducer"),
    ("data_consumers", "DataConsumer"),
];

const DETAILS: [&str; 3] = ["dump", "stats", "resource_usage"];

/// What the line says already.
const UNTOLD: [&str; 2] = ["id", "pid"];

const INDENT: &str = "  ";

const MAX_DEPTH: usize = 8;

/// Bytes of a line that facts may take.
const MAX_FACTS: usize = 300;
