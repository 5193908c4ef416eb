//! Facts of the contract.

use serde_json::{Map, Value};

use super::Facts;

pub(super) fn facts(contract: &Value) -> Facts {
    let mut facts = Facts::new();
    for (name, of) in members(&contract["enums"]) {
        facts.insert(format!("enum {name}"), text(&of["type"]));
        for (value, number) in members(&of["values"]) {
            facts.insert(format!("enum {name} {value}"), number.to_string());
        }
    }
    for (name, of) in members(&contract["unions"]) {
        facts.insert(format!("union {name}"), String::new());
        for (member, of) in members(of) {
            let fact = format!("tag {}, {}", of["tag"], text(&of["table"]));
            facts.insert(format!("union {name} {member}"), fact);
        }
    }
    for (name, fields) in members(&contract["tables"]) {
        facts.insert(format!("table {name}"), String::new());
        for of in fields.as_array().expect("fields are a list") {
            let key = format!("table {name} {}", text(&of["field"]));
            assert!(
                facts.insert(key.clone(), field(contract, of)).is_none(),
                "{key} twice"
            );
        }
    }
    facts
}

/// How a field is, in the words that `compiled` uses as well.
fn field(contract: &Value, of: &Value) -> String {
    let mut fact = format!("slot {}, {}", of["slot"], text(&of["type"]));
    if let Some(tag_slot) = of.get("tag_slot") {
        fact += &format!(", tag slot {tag_slot}");
    }
    if of.get("required") == Some(&Value::Bool(true)) {
        fact += ", required";
    }
    if let Some(default) = default(contract, of) {
        fact += &format!(", default {default}");
    }
    fact
}

/// The default of a number, `None` for what is referred to by an offset.
fn default(contract: &Value, of: &Value) -> Option<String> {
    let of_type = text(&of["type"]);
    let of_enum = contract["enums"].get(&of_type);
    if of_enum.is_none() && !SCALARS.contains(&of_type.as_str()) {
        assert_eq!(of.get("default"), None, "default of {of}");
        return None;
    }
    Some(match of.get("default").map(text).as_deref() {
        None | Some("false") => "0".to_owned(),
        Some("true") => "1".to_owned(),
        Some(name) => match of_enum.and_then(|of| of["values"].get(name)) {
            Some(number) => number.to_string(),
            None => name.to_owned(),
        },
    })
}

pub(super) fn members(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object of the contract")
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().expect("a text of the contract").to_owned()
}

const SCALARS: [&str; 11] = [
    "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32",
    "float64",
];
