//! Output of a session against committed files. When a test says that they differ, it has stored
//! the new output: look at it, then replace the committed file.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value as Json;
use tureen_channel_dump::{
    Decoder, Entry, Filter, Header, Secrets, Session, TextOptions, TextPrinter, write_json,
};

use crate::session::{PID, SECRETS, Script};
use crate::{data, golden_frames};

#[test]
fn text() {
    compare(
        "session.txt",
        &as_text(Secrets::Hidden, TextOptions::default()),
    );
}

#[test]
fn text_with_bodies() {
    let options = TextOptions {
        bodies: true,
        pids: true,
    };
    compare("session-bodies.txt", &as_text(Secrets::Hidden, options));
}

#[test]
fn json_lines() {
    let text = as_json(Secrets::Hidden);
    compare("session.jsonl", &text);
    for line in text.lines() {
        let line: Json = serde_json::from_str(line).expect("JSON on each line");
        assert_eq!(line["pid"], PID);
        assert!(line["kind"].is_string());
    }
}

#[test]
fn secrets_are_shown_on_demand_alone() {
    let options = TextOptions {
        bodies: true,
        pids: false,
    };
    for secret in SECRETS {
        // A payload is shown in hexadecimal digits.
        let digits: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        let is_in = |text: &str| text.contains(secret) || text.contains(&digits);
        for secrets in [Secrets::Hidden, Secrets::Shown] {
            let is_shown = secrets == Secrets::Shown;
            assert_eq!(is_in(&as_text(secrets, options)), is_shown, "{secret}");
            assert_eq!(is_in(&as_json(secrets)), is_shown, "{secret}");
            if !is_shown {
                assert!(!is_in(&as_text(secrets, TextOptions::default())));
                assert!(!is_in(&format!(
                    "{:?}",
                    entries(secrets, &Filter::default())
                )));
            }
        }
    }
}

#[test]
fn every_golden_frame_is_decoded() {
    let mut decoder = Decoder::new(Secrets::Hidden);
    for (name, frame) in golden_frames() {
        let value = decoder.decode(&frame).expect("a sound frame");
        let json = serde_json::to_string(&value).expect("a value is JSON");
        assert!(!json.contains("unknown_member"), "{name}: {json}");
        // The npm package names its frames after their method or event.
        let method = name.trim_end_matches("_2").to_uppercase();
        let is_named = json.contains(&format!("\"{method}\""));
        assert!(
            is_named || WRITTEN.contains(&name.as_str()),
            "{name}: {json}"
        );
    }
}

#[test]
fn filters() {
    let by_method = |pattern: &str| Filter {
        methods: vec![pattern.to_owned()],
        ..Filter::default()
    };
    assert_eq!(
        summaries(&by_method("*_ice*")),
        [
            "TRANSPORT_RESTART_ICE",
            "response 31",
            "WEBRTCTRANSPORT_ICE_STATE_CHANGE"
        ]
    );
    let by_id = Filter {
        id: Some("plain tr".to_owned()),
        ..Filter::default()
    };
    assert_eq!(summaries(&by_id), ["PLAINTRANSPORT_CONNECT", "response 30"]);
    // The router's id is in the body of the request that creates it; later it is the handler.
    let router = Filter {
        id: Some("00000000-0000-4000-8000-000000000002".to_owned()),
        ..Filter::default()
    };
    let found = summaries(&router);
    assert_eq!(found[0], "WORKER_CREATE_ROUTER");
    assert!(
        found.contains(&"ROUTER_CREATE_WEBRTCTRANSPORT".to_owned()),
        "{found:?}"
    );
    // The request is too early, its response is not.
    let late = Filter {
        from: Some(Duration::from_micros(5_015)),
        until: Some(Duration::from_micros(5_300)),
        ..Filter::default()
    };
    assert_eq!(summaries(&late), ["response 1"]);
    let unanswered = Filter {
        methods: vec!["worker_dump".to_owned(), "worker_get*".to_owned()],
        ..Filter::default()
    };
    assert_eq!(
        summaries(&unanswered),
        [
            "WORKER_DUMP",
            "WORKER_DUMP unanswered",
            "WORKER_GET_RESOURCE_USAGE",
            "WORKER_GET_RESOURCE_USAGE unanswered"
        ]
    );
}

/// What is left of the session, in short.
fn summaries(filter: &Filter) -> Vec<String> {
    use tureen_channel_dump::{Event, Message};

    let entries = entries(Secrets::Hidden, filter).into_iter();
    let summaries = entries.map(|entry| match entry.event {
        Event::Frame {
            message: Ok(Message::Response { id, .. }),
            ..
        } => format!("response {id}"),
        Event::Frame {
            message: Ok(message),
            ..
        } => message.name().unwrap_or("nameless").to_owned(),
        Event::Unanswered { request, .. } => format!("{} unanswered", request.method),
        // Notes are shown whatever is asked for.
        Event::Note(_) => String::new(),
        other => format!("{other:?}"),
    });
    summaries.filter(|summary| !summary.is_empty()).collect()
}

fn entries(secrets: Secrets, filter: &Filter) -> Vec<Entry> {
    let mut session = Session::new(secrets, filter.clone());
    let mut entries = Vec::new();
    for record in Script::records() {
        entries.extend(session.record(PID, &record));
    }
    entries.extend(session.unanswered());
    entries
}

fn as_text(secrets: Secrets, options: TextOptions) -> String {
    let mut text = Vec::new();
    let mut printer = TextPrinter::new(&mut text, options);
    let header = Header {
        pid: PID,
        name: "worker 0".to_owned(),
        start: std::time::UNIX_EPOCH + Duration::from_micros(1_234_567_890_000_001),
    };
    printer.header(&header).expect("memory takes any text");
    for entry in entries(secrets, &Filter::default()) {
        printer.entry(&entry).expect("memory takes any text");
    }
    String::from_utf8(text).expect("text")
}

fn as_json(secrets: Secrets) -> String {
    let mut text = Vec::new();
    for entry in entries(secrets, &Filter::default()) {
        write_json(&mut text, &entry).expect("memory takes any text");
    }
    String::from_utf8(text).expect("text")
}

fn compare(name: &str, text: &str) {
    let committed = fs::read_to_string(data(name)).unwrap_or_default();
    if committed != text {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, text).expect("room for the new output");
        panic!("{name} differs, the new one is {}", path.display());
    }
}

/// The frames of ours, which are named freely.
const WRITTEN: [&str; 7] = [
    "accepted",
    "failure",
    "ice_state_change",
    "log",
    "producer_stats",
    "running",
    "webrtctransport_dump",
];
