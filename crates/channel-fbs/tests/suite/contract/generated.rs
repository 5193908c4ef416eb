//! Facts of the generated Rust: the numbers of enum values and union tags and the vtable entry
//! of every field, found in its text. So a forgotten regeneration shows without the compiler.

use serde_json::Value;

use super::Facts;
use super::json::{members, text};

/// What the generated code has to say when it agrees with the contract.
pub(super) fn expected(contract: &Value) -> Facts {
    let mut facts = Facts::new();
    for (name, of) in members(&contract["enums"]) {
        for (value, number) in members(&of["values"]) {
            facts.insert(format!("{} {value}", path(name)), number.to_string());
        }
    }
    for (name, of) in members(&contract["unions"]) {
        facts.insert(format!("{} NONE", path(name)), "0".to_owned());
        for (member, of) in members(of) {
            facts.insert(format!("{} {member}", path(name)), of["tag"].to_string());
        }
    }
    for (name, fields) in members(&contract["tables"]) {
        for of in fields.as_array().expect("fields are a list") {
            let field = text(&of["field"]).to_uppercase();
            let mut add = |field: &str, slot: &Value| {
                let entry = 4 + 2 * slot.as_u64().expect("a slot");
                facts.insert(format!("{} VT_{field}", path(name)), entry.to_string());
            };
            // `type` is a keyword in Rust.
            let suffix = if field == "TYPE" { "_" } else { "" };
            add(&format!("{field}{suffix}"), &of["slot"]);
            if let Some(tag_slot) = of.get("tag_slot") {
                add(&format!("{field}_TYPE"), tag_slot);
            }
        }
    }
    facts
}

/// What the generated code says.
pub(super) fn facts(source: &str) -> Facts {
    let mut facts = Facts::new();
    let mut modules = Vec::new();
    let mut item = "";
    for line in source.lines() {
        if let Some(module) = between(line, "pub mod ", " {") {
            modules.push(module);
        } else if line.starts_with("}  // pub mod") {
            modules.pop();
        } else if let Some(name) = between(line, "pub struct ", "<'a> {") {
            item = name;
        } else if let Some(name) = between(line, "pub struct ", "(pub u8);") {
            item = name;
        } else if let Some(constant) = between(line, "  pub const ", ";") {
            let Some((name, value)) = constant.split_once(": ") else {
                continue;
            };
            let value = value
                .strip_prefix("::flatbuffers::VOffsetT = ")
                .or_else(|| between(value, "Self = Self(", ")"));
            if let Some(value) = value {
                let key = format!("{}::{item} {name}", modules.join("::"));
                facts.insert(key, value.to_owned());
            }
        }
    }
    facts
}

/// `FBS.RtpStream.Stats` as Rust says it: `fbs::rtp_stream::Stats`.
fn path(name: &str) -> String {
    let (namespace, item) = name.rsplit_once('.').expect("a name in a namespace");
    let namespace = namespace.strip_prefix("FBS.").expect("the namespace FBS");
    let mut module = String::new();
    for letter in namespace.chars() {
        if letter.is_uppercase() && !module.is_empty() {
            module.push('_');
        }
        module.extend(letter.to_lowercase());
    }
    format!("fbs::{module}::{item}")
}

fn between<'a>(line: &'a str, before: &str, after: &str) -> Option<&'a str> {
    line.strip_prefix(before)?.strip_suffix(after)
}
