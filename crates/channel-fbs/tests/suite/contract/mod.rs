//! `tests/data/channel.json` says what the bytes of the channel mean. Three sources are turned
//! into the same flat list of facts: that contract, the compiled schema, and the generated Rust.
//! Equality of the lists means that nothing is missing, different or more.

mod compiled;
mod generated;
mod json;

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What is known (`table FBS.Log.Log data`) and how it is (`slot 0, string, required`).
type Facts = BTreeMap<String, String>;

#[test]
fn compiled_schema_agrees_with_the_contract() {
    let differences = differences(&json::facts(&extended()), &compiled::facts(BFBS));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn compiled_schema_has_the_message_as_root() {
    assert_eq!(compiled::root(BFBS), "FBS.Message.Message");
}

#[test]
fn generated_code_agrees_with_the_contract() {
    let contract = extended();
    let differences = differences(&generated::expected(&contract), &generated::facts(RUST));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn contract_is_complete() {
    let contract = contract();
    let count = |part: &str| contract[part].as_object().map_or(0, serde_json::Map::len);
    assert_eq!(
        (count("enums"), count("unions"), count("tables")),
        (22, 10, 176)
    );
    // Every fact is told apart by its name: 575 fields and the headings, members and values.
    let facts = json::facts(&contract);
    let fields = facts.keys().filter(|key| key.split(' ').count() == 3);
    assert_eq!(fields.filter(|key| key.starts_with("table ")).count(), 575);
}

/// What is mediasoup's stays as it is: we add tables of our own, and fields behind its last ones,
/// which its readers pass over and its writers leave out.
#[test]
fn extension_changes_nothing_of_the_contract() {
    let (contract, extended) = (contract(), extended());
    let (before, after) = (json::facts(&contract), json::facts(&extended));
    for (name, fact) in &before {
        assert_eq!(after.get(name), Some(fact), "{name}");
    }
    for name in after.keys().filter(|name| !before.contains_key(*name)) {
        let ours = name.starts_with("table FBS.Metrics.");
        let behind = name == "table FBS.Worker.ResourceUsageResponse metrics";
        assert!(ours || behind, "{name}");
    }
    let slots = |contract: &Value| {
        let fields = contract["tables"]["FBS.Worker.ResourceUsageResponse"].as_array();
        let slots = fields.into_iter().flatten().map(|of| of["slot"].as_u64());
        slots
            .collect::<Option<Vec<_>>>()
            .expect("slots are numbers")
    };
    let (theirs, all) = (slots(&contract), slots(&extended));
    assert!(
        all[theirs.len()..]
            .iter()
            .all(|slot| *slot >= theirs.len() as u64)
    );
}

#[test]
fn every_kind_of_change_is_reported() {
    let changes = [
        (
            "/enums/FBS.Request.Method/values/TRANSPORT_PRODUCE",
            json!(26),
        ),
        ("/enums/FBS.Request.Method/values/NEW_METHOD", json!(68)),
        ("/enums/FBS.Request.Method/type", json!("uint16")),
        (
            "/enums/FBS.New",
            json!({"type": "uint8", "values": {"A": 0}}),
        ),
        ("/unions/FBS.Message.Body/Log/tag", json!(5)),
        (
            "/unions/FBS.Message.Body/Log/table",
            json!("FBS.Request.Request"),
        ),
        (
            "/unions/FBS.Message.Body/Event",
            json!({"tag": 5, "table": "FBS.Log.Log"}),
        ),
        ("/tables/FBS.Transport.Tuple/1/slot", json!(9)),
        ("/tables/FBS.Transport.Tuple/1/type", json!("uint32")),
        ("/tables/FBS.Transport.Tuple/1/field", json!("port")),
        ("/tables/FBS.Transport.Tuple/4/default", json!("TCP")),
        ("/tables/FBS.Transport.Tuple/4/default", json!("null")),
        ("/tables/FBS.Transport.Tuple/2/required", json!(true)),
        ("/tables/FBS.Transport.Options/0/default", json!("true")),
        ("/tables/FBS.Request.Request/3/tag_slot", json!(5)),
        ("/tables/FBS.RtpStream.Stats", json!([])),
        ("/tables/FBS.New.Table", json!([])),
    ];
    let schema = compiled::facts(BFBS);
    for (pointer, value) in changes {
        let mut contract = extended();
        set(&mut contract, pointer, &value);
        let differences = differences(&json::facts(&contract), &schema);
        assert!(
            !differences.is_empty(),
            "{pointer} = {value} went unnoticed"
        );
    }
}

fn contract() -> Value {
    let text = std::fs::read_to_string(crate::data("channel.json")).expect("the contract is there");
    serde_json::from_str(&text).expect("the contract is JSON")
}

/// The contract with what we add to it.
fn extended() -> Value {
    let mut contract = contract();
    let text = std::fs::read_to_string(crate::data("extension.json")).expect("it is there");
    let extension: Value = serde_json::from_str(&text).expect("the extension is JSON");
    for (table, fields) in json::members(&extension) {
        let fields = fields.as_array().expect("fields are a list");
        let tables = contract["tables"].as_object_mut().expect("tables");
        let of = tables.entry(table).or_insert_with(|| json!([]));
        let of = of.as_array_mut().expect("fields are a list");
        of.extend(fields.iter().cloned());
    }
    contract
}

/// Sets the value at a JSON pointer, or adds it to the object that the pointer ends in.
fn set(contract: &mut Value, pointer: &str, value: &Value) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer with a parent");
    let parent = contract.pointer_mut(parent).expect("the parent exists");
    match parent {
        Value::Object(members) => members.insert(name.to_owned(), value.clone()),
        other => panic!("{pointer}: {other} has no members"),
    };
}

/// One line for each fact that is not the same in both.
fn differences(contract: &Facts, actual: &Facts) -> Vec<String> {
    let names: std::collections::BTreeSet<_> = contract.keys().chain(actual.keys()).collect();
    names
        .into_iter()
        .filter(|name| contract.get(*name) != actual.get(*name))
        .map(|name| {
            let show = |facts: &Facts| facts.get(name).map_or("absent", String::as_str).to_owned();
            format!("{name}: contract {}, here {}", show(contract), show(actual))
        })
        .collect()
}

const BFBS: &[u8] = include_bytes!("../../../src/generated/channel.bfbs");
const RUST: &str = include_str!("../../../src/generated/channel_generated.rs");
