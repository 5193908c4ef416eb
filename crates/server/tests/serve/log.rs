//! What an operator reads of people and of what is refused.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

use crate::server::{Server, pid};

/// A client of the page's dialect.
struct Client(WebSocket<TcpStream>);

impl Client {
    fn connect(server: &Server) -> Self {
        let stream = TcpStream::connect(&server.authority).unwrap();
        let (socket, _) = client(format!("ws://{}/ws", server.authority), stream).unwrap();
        Self(socket)
    }

    fn ask(&mut self, name: &str, data: &Value) -> Value {
        let request = json!({ "id": 1, "type": name, "data": data });
        let request = Message::Text(request.to_string().into());
        self.0.send(request).unwrap();
        loop {
            if let Message::Text(text) = self.0.read().unwrap() {
                let frame: Value = serde_json::from_str(&text).unwrap();
                if frame["id"] == 1 {
                    return frame;
                }
            }
        }
    }

    /// A person of this name, and their id.
    fn online(server: &Server, name: &str) -> (Self, String) {
        let mut client = Self::connect(server);
        let mut hello = client.ask("hello", &json!({ "version": 1, "name": name }));
        let you = hello["ok"]["you"].take();
        (client, you.as_str().unwrap().to_owned())
    }

    /// Opens a room, or comes into it. Returns what is there.
    fn join(&mut self, room: &str) -> Value {
        let open = json!({ "name": "Soup", "kind": "meeting", "started": true });
        let join = json!({ "room": room, "open": open, "moves": true });
        let mut joined = self.ask("join", &join);
        assert!(joined["ok"].is_object(), "{joined}");
        joined["ok"].take()
    }

    fn close(mut self) {
        self.0.close(None).unwrap();
        while self.0.read().is_ok() {}
    }
}

/// The log of a server that has ended, line by line.
fn lines(server: Server) -> Vec<String> {
    kill(pid(server.process.id()), Signal::SIGTERM).unwrap();
    let (code, log) = server.end();
    assert_eq!(code, Some(0));
    log.lines().map(str::to_owned).collect()
}

#[track_caller]
fn says(lines: &[String], parts: &[&str]) {
    let is_it = |line: &&String| parts.iter().all(|part| line.contains(part));
    let count = lines.iter().filter(is_it).count();
    assert_eq!(count, 1, "{parts:?} in {lines:#?}");
}

#[test]
fn people_come_and_go_by_name_and_with_a_reason() {
    let server = Server::start_with_log(&["--workers=1"]);
    let (mut ann, ann_id) = Client::online(&server, "Ann");
    ann.join("soup");
    ann.ask("leave", &Value::Null);
    ann.join("salad");
    // Whoever forges a line is quoted.
    let forger = r#"Eve" room=soup why="left"#;
    let (mut eve, eve_id) = Client::online(&server, forger);
    eve.join("salad");
    let removed = ann.ask("remove", &json!({ "participant": eve_id }));
    assert!(removed["ok"].is_object(), "{removed}");
    eve.ask("profile", &json!({ "name": "Eva" }));
    eve.close();
    ann.close();
    let lines = lines(server);

    let ann = format!(r#"person={ann_id} name="Ann" dialect="page" address=127.0.0.1"#);
    let ann = ann.as_str();
    says(&lines, &["comes online", ann]);
    says(&lines, &["enters a room", ann, "room=soup"]);
    says(
        &lines,
        &["leaves a room", ann, "room=soup", r#"why="left""#],
    );
    let why = r#"why="closed""#;
    says(&lines, &["leaves a room", ann, "room=salad", why]);
    says(&lines, &["goes offline", ann, why]);
    let eve = r#"name="Eve\" room=soup why=\"left" dialect="#;
    says(&lines, &["comes online", eve]);
    says(&lines, &["leaves a room", eve, r#"why="removed""#]);
    says(&lines, &["goes offline", r#"name="Eva""#]);
    let odd = |line: &&String| line.contains("WARN") || line.contains("ERROR");
    assert_eq!(lines.iter().find(odd), None);
}

#[test]
fn one_who_is_moved_leaves_the_room_that_they_are_in() {
    let server = Server::start_with_log(&["--workers=1"]);
    let (mut ann, ann_id) = Client::online(&server, "Ann");
    ann.join("soup");
    let (mut cid, _) = Client::online(&server, "Cid");
    let secret = cid.join("salad")["secret"].take();
    let (mut bob, bob_id) = Client::online(&server, "Bob");
    bob.join("soup");
    let request = json!({ "participant": bob_id, "room": "salad", "secret": secret });
    let moved = ann.ask("move", &request);
    assert!(moved["ok"].is_object(), "{moved}");
    bob.close();
    let lines = lines(server);
    let by = format!("by={ann_id}");
    let goes = ["is moved", r#"name="Bob""#, "from=soup to=salad", &by];
    says(&lines, &goes);
    let why = r#"why="closed""#;
    says(
        &lines,
        &["leaves a room", r#"name="Bob""#, "room=salad", why],
    );
}

#[test]
fn refusals_are_logged_once_and_counted_by_reason() {
    let server = Server::start_with_log(&["--workers=1", "--max-message-rate=1"]);
    for _ in 0..2 {
        let stream = TcpStream::connect(&server.authority).unwrap();
        let url = format!("ws://{}/ws", server.authority);
        let mut request = url.into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("origin", "https://evil.example".parse().unwrap());
        assert!(client(request, stream).is_err());
    }
    let (mut ann, ann_id) = Client::online(&server, "Ann");
    for _ in 0..2 {
        ann.ask("chat", &json!({ "text": "to nobody" }));
    }
    for _ in 0..20 {
        // The connection may be closed by now.
        let _ = ann
            .0
            .send(Message::Text(r#"{"id":1,"type":"leave"}"#.into()));
    }
    while ann.0.read().is_ok() {}
    let metrics = server.get("/metrics");
    for count in [
        r#"{reason="foreign-origin"} 2"#,
        r#"{reason="not-in-room"} "#,
        r#"{reason="too-fast"} 1"#,
    ] {
        let sample = format!("tureen_refused_total{count}");
        assert!(metrics.contains(&sample), "{sample}: {metrics}");
    }
    let lines = lines(server);
    let here = "address=127.0.0.1";
    let origin = r#"origin="https://evil.example""#;
    says(&lines, &["foreign origin", origin, here]);
    says(&lines, &["refused", r#"code="not-in-room""#, &ann_id, here]);
    says(&lines, &["connection closed", r#"reason="too-fast""#, here]);
    says(&lines, &["goes offline", r#"why="too-fast""#]);
}

#[test]
fn a_session_that_gives_way_says_so() {
    let flags = [
        "--workers=1",
        "--trusted-proxies=127.0.0.1",
        "--max-connecting-per-network=1",
    ];
    let server = Server::start_with_log(&flags);
    let offer = include_str!("../../src/sdp/testdata/chromium-publish.sdp");
    let mut sessions = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(&server.authority).unwrap();
        let (host, length) = (&server.authority, offer.len());
        let head = format!(
            "POST /whip/soup HTTP/1.1\r\nhost: {host}\r\nx-forwarded-for: 192.0.2.1\r\n\
             content-type: application/sdp\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        );
        write!(stream, "{head}{offer}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
        let location = answer
            .lines()
            .find_map(|line| line.strip_prefix("location: "));
        sessions.push(location.unwrap().to_owned());
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    while !server.get(&sessions[0]).starts_with("HTTP/1.1 404") {
        assert!(
            Instant::now() < deadline,
            "the first session is still there"
        );
    }
    let lines = lines(server);
    says(&lines, &["a person leaves a room", "why=\"displaced\""]);
}
