//! The server's HTTP and WebSocket door, over loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Parser;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::app::App;
use super::strangers::MOST_PER_ADDRESS;
use crate::cli::{Cli, Command};
use crate::media::Media;

/// A server without workers on a free port.
async fn start(flags: &[&str]) -> (SocketAddr, Arc<App>) {
    let arguments = ["tureen", "serve"].iter().chain(flags);
    let Command::Serve(config) = Cli::parse_from(arguments).command else {
        panic!("serve");
    };
    let media = Arc::new(Media::without_workers(&config.media));
    let app = Arc::new(App::new(*config, media));
    // The system keeps little for a client that does not read, so that waiting for room is tested.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(8192).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(64).unwrap();
    let address = listener.local_addr().unwrap();
    let dialects = crate::dialects::routes(&app);
    let service = super::router(Arc::clone(&app), dialects)
        .into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(axum::serve(listener, service).into_future());
    (address, app)
}

/// The whole answer to a GET with these headers.
async fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut request = format!("GET {path} HTTP/1.1\r\nconnection: close, upgrade\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        request += &format!("host: {address}\r\n");
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    stream
        .write_all(format!("{request}\r\n").as_bytes())
        .await
        .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// A client that does nothing by itself: it does not even answer pings.
struct RawClient(TcpStream);

impl RawClient {
    async fn connect(address: SocketAddr) -> Self {
        Self::open(TcpSocket::new_v4().unwrap(), address, "").await
    }

    /// One at home, whose connection comes by a proxy on this machine.
    async fn connect_by_proxy(address: SocketAddr) -> Self {
        let home = "x-forwarded-for: 192.0.2.1\r\n";
        Self::open(TcpSocket::new_v4().unwrap(), address, home).await
    }

    /// Says hello and joins the room. Returns the secret with which it comes back.
    async fn enter_room(&mut self) -> String {
        self.ask(HELLO).await;
        let welcome = self.until("\"resume\"").await;
        let welcome: serde_json::Value = serde_json::from_str(&welcome).unwrap();
        self.ask(JOIN).await;
        self.until("participants").await;
        welcome["ok"]["resume"].as_str().unwrap().to_owned()
    }

    async fn open(socket: TcpSocket, address: SocketAddr, more: &str) -> Self {
        let mut stream = socket.connect(address).await.unwrap();
        let request = format!(
            "GET /ws HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        assert!(
            head.starts_with(b"HTTP/1.1 101"),
            "{}",
            String::from_utf8_lossy(&head)
        );
        Self(stream)
    }

    /// Sends a frame (RFC 6455 §5.2), masked with zeros.
    async fn send(&mut self, opcode: u8, payload: &[u8]) {
        let mut frame = vec![0x80 | opcode, 0x80 | 127];
        frame.extend((payload.len() as u64).to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(payload);
        // A client that was disconnected meanwhile notices it when it reads.
        let _ = self.0.write_all(&frame).await;
    }

    async fn ask(&mut self, text: &str) {
        self.send(TEXT, text.as_bytes()).await;
    }

    /// Opcode and payload of the next frame.
    async fn receive(&mut self) -> Option<(u8, Vec<u8>)> {
        let opcode = self.0.read_u8().await.ok()? & 0x0f;
        let length = match self.0.read_u8().await.ok()? {
            126 => u64::from(self.0.read_u16().await.ok()?),
            127 => self.0.read_u64().await.ok()?,
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((opcode, payload))
    }

    /// The next text that contains `part`; earlier ones are skipped.
    async fn until(&mut self, part: &str) -> String {
        let search = async {
            while let Some((opcode, payload)) = self.receive().await {
                let text = String::from_utf8_lossy(&payload);
                if opcode == TEXT && text.contains(part) {
                    return text.into_owned();
                }
                if opcode == PING {
                    self.send(PONG, &payload).await;
                }
            }
            panic!("the connection ended before {part:?} came");
        };
        tokio::time::timeout(Duration::from_secs(20), search)
            .await
            .unwrap()
    }

    /// The code of the close frame that ends the connection.
    async fn close_code(&mut self) -> u16 {
        while let Some((opcode, payload)) = self.receive().await {
            if opcode == CLOSE {
                return u16::from_be_bytes([payload[0], payload[1]]);
            }
        }
        panic!("no close frame");
    }
}

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

const HELLO: &str = r#"{"id":1,"type":"hello","data":{"version":1,"name":"Ann"}}"#;
const JOIN: &str = r#"{"id":2,"type":"join","data":{"room":"x","open":{"name":"x","kind":"meeting","started":true}}}"#;

#[tokio::test]
async fn every_answer_tells_browsers_what_to_refuse() {
    let (address, _) = start(&[]).await;
    for path in [
        "/",
        "/room/soup",
        "/static/js/main.js",
        "/healthz",
        "/nothing",
        "/static/../x",
    ] {
        let answer = get(address, path, &[]).await;
        for header in [
            "content-security-policy: default-src 'none'; script-src 'self';",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
        ] {
            assert!(answer.contains(header), "{path}: {answer}");
        }
        assert!(!answer.contains("unsafe-inline"), "{path}");
    }
    assert!(get(address, "/healthz", &[]).await.ends_with("ok\n"));
    assert!(
        get(address, "/nothing", &[])
            .await
            .starts_with("HTTP/1.1 404")
    );
    let page = get(address, "/room/soup", &[]).await;
    assert!(page.contains("text/html") && page.contains("/static/js/main.js"));
}

#[tokio::test]
async fn a_file_is_sent_once() {
    let (address, _) = start(&[]).await;
    let first = get(address, "/static/js/main.js", &[]).await;
    let tag = first
        .lines()
        .find_map(|line| line.strip_prefix("etag: "))
        .unwrap();
    let second = get(address, "/static/js/main.js", &[("if-none-match", tag)]).await;
    assert!(second.starts_with("HTTP/1.1 304"), "{second}");
    assert!(second.contains("content-security-policy"));
}

#[tokio::test]
async fn foreign_names_and_origins_are_refused() {
    let (address, _) = start(&["--allowed-hosts=calls.example.org"]).await;
    let answer = get(address, "/", &[("host", "evil.example")]).await;
    assert!(answer.starts_with("HTTP/1.1 421"), "{answer}");
    assert!(
        get(address, "/", &[("host", "calls.example.org")])
            .await
            .starts_with("HTTP/1.1 200")
    );
    let upgrade = [
        ("origin", "https://evil.example"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let answer = get(address, "/ws", &upgrade).await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
}

#[tokio::test]
async fn metrics_are_open_metrics_and_for_this_machine() {
    let (address, _) = start(&[]).await;
    let mut ann = RawClient::connect(address).await;
    ann.ask(HELLO).await;
    ann.until("\"ok\"").await;
    let text = get(address, "/metrics", &[]).await;
    assert!(
        text.contains("application/openmetrics-text; version=1.0.0"),
        "{text}"
    );
    for line in [
        "tureen_people 1",
        "tureen_connections 1",
        "tureen_workers 0",
        "tureen_requests_total 1",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}: {text}");
    }
    assert!(text.ends_with("# EOF\n"));
    let passed_on = [("x-forwarded-for", "192.0.2.1")];
    assert!(
        get(address, "/metrics", &passed_on)
            .await
            .starts_with("HTTP/1.1 403")
    );
    let (address, _) = start(&["--metrics-remote"]).await;
    assert!(
        get(address, "/metrics", &passed_on)
            .await
            .starts_with("HTTP/1.1 200")
    );
}

#[tokio::test]
async fn one_who_gives_no_sign_of_life_is_missed() {
    let (address, _) = start(&[
        "--ping-interval=1",
        "--ping-timeout=2",
        "--resume-timeout=1",
    ])
    .await;
    let mut ann = RawClient::connect(address).await;
    ann.ask(HELLO).await;
    ann.ask(JOIN).await;
    ann.until("participants").await;
    let mut silent = RawClient::connect(address).await;
    silent.ask(HELLO).await;
    silent.ask(JOIN).await;
    ann.until("participant-joined").await;
    ann.until("participant-left").await;
    assert_eq!(silent.close_code().await, 1001);
}

/// A client in the room of these tests, and the secret that it may come back with.
async fn in_room(address: SocketAddr) -> (RawClient, String) {
    let mut client = RawClient::connect(address).await;
    let secret = client.enter_room().await;
    (client, secret)
}

async fn resume(address: SocketAddr, secret: &str) -> RawClient {
    let mut client = RawClient::connect(address).await;
    let data = serde_json::json!({ "secret": secret, "received": 1 });
    let frame = serde_json::json!({ "id": 9, "type": "resume", "data": data });
    client.ask(&frame.to_string()).await;
    client
}

const CHAT: &str = r#"{"id":3,"type":"chat","data":{"text":"still here"}}"#;

#[tokio::test]
async fn a_session_outlives_its_connection() {
    let (address, app) = start(&["--ping-interval=1", "--ping-timeout=30"]).await;
    let (mut ann, _) = in_room(address).await;
    let (bob, secret) = in_room(address).await;
    ann.until("participant-joined").await;
    // A broken connection, and then one that only he knows to be dead.
    drop(bob);
    let mut bob = resume(address, &secret).await;
    let answer = bob.until("lastRequest").await;
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let secret = answer["ok"]["resume"].as_str().unwrap();
    ann.ask(CHAT).await;
    bob.until("still here").await;
    let mut back = resume(address, secret).await;
    back.until("lastRequest").await;
    // He says how much has come to him, and the rest comes again.
    back.until("still here").await;
    assert_eq!(bob.close_code().await, 1000);
    back.ask(CHAT).await;
    // Her own message, and then his: nobody has left.
    for _ in 0..2 {
        let told = ann.until("\"event\"").await;
        assert!(told.contains("still here"), "{told}");
    }
    assert_eq!(app.hall.counts().people, 2);
}

#[tokio::test]
async fn one_who_says_farewell_has_left() {
    let (address, app) = start(&[]).await;
    let (mut ann, _) = in_room(address).await;
    for code in [None, Some(1000), Some(1001)] {
        let (mut bob, secret) = in_room(address).await;
        let code = code.map_or_else(Vec::new, |code: u16| code.to_be_bytes().to_vec());
        bob.send(CLOSE, &code).await;
        ann.until("participant-left").await;
        let mut bob = resume(address, &secret).await;
        bob.until("cannot-resume").await;
    }
    // A code of one who gives up a dead connection, and one of a proxy.
    for code in [4000, 1011] {
        let (mut bob, secret) = in_room(address).await;
        bob.send(CLOSE, &u16::to_be_bytes(code)).await;
        let mut bob = resume(address, &secret).await;
        bob.until("lastRequest").await;
        bob.send(CLOSE, b"").await;
        ann.until("participant-left").await;
    }
    assert_eq!(app.lingering.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_farewell_is_heard_although_nothing_can_be_sent_any_more() {
    let (address, app) = start(&["--ping-timeout=60"]).await;
    let (mut ann, _) = in_room(address).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut bob = RawClient::open(socket, address, "").await;
    bob.enter_room().await;
    let text = "x".repeat(64_000);
    let data = serde_json::json!({ "topic": "t", "text": text });
    let frame = serde_json::json!({ "id": 3, "type": "data", "data": data });
    for _ in 0..12 {
        ann.ask(&frame.to_string()).await;
        ann.until("\"id\":3").await;
    }
    bob.send(CLOSE, b"").await;
    // With something unread the socket is reset.
    drop(bob);
    ann.until("participant-left").await;
    assert_eq!(app.lingering.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn one_who_never_says_hello_is_sent_away() {
    let (address, app) = start(&["--ping-interval=1", "--ping-timeout=2"]).await;
    let mut client = RawClient::connect(address).await;
    let code = async {
        loop {
            match client.receive().await.unwrap() {
                (CLOSE, payload) => break u16::from_be_bytes([payload[0], payload[1]]),
                (_, payload) => client.send(PONG, &payload).await,
            }
        }
    };
    assert_eq!(
        tokio::time::timeout(Duration::from_secs(20), code)
            .await
            .unwrap(),
        1001
    );
    drop(client);
    assert_eq!(app.hall.counts().people, 0);
}

#[tokio::test]
async fn too_much_too_fast_or_no_request_ends_the_connection() {
    let (address, _) = start(&["--max-message-rate=1", "--max-frame-size=2000"]).await;
    let mut fast = RawClient::connect(address).await;
    for _ in 0..30 {
        fast.ask(HELLO).await;
    }
    assert_eq!(fast.close_code().await, 1008);
    let mut binary = RawClient::connect(address).await;
    binary.send(BINARY, b"x").await;
    assert_eq!(binary.close_code().await, 1002);
    let mut nonsense = RawClient::connect(address).await;
    nonsense.ask("nonsense").await;
    assert_eq!(nonsense.close_code().await, 1002);
    let mut large = RawClient::connect(address).await;
    large
        .ask(&format!("{{\"id\":1,\"type\":\"{}\"}}", "x".repeat(3000)))
        .await;
    assert_eq!(large.close_code().await, 1009);
}

#[tokio::test]
async fn clients_are_told_when_the_server_ends() {
    let (address, app) = start(&[]).await;
    let mut ann = RawClient::connect(address).await;
    ann.ask(HELLO).await;
    ann.until("\"ok\"").await;
    app.ending.send_replace(true);
    ann.until("server-ends").await;
    assert_eq!(ann.close_code().await, 1001);
}

#[tokio::test]
async fn a_silent_crowd_gives_way_to_newcomers() {
    let (address, app) = start(&["--trusted-proxies=127.0.0.1"]).await;
    let mut ann = RawClient::connect_by_proxy(address).await;
    ann.ask(HELLO).await;
    ann.until("\"ok\"").await;
    let mut oldest = RawClient::connect_by_proxy(address).await;
    let mut crowd = Vec::new();
    for _ in 0..MOST_PER_ADDRESS {
        crowd.push(RawClient::connect_by_proxy(address).await);
    }
    oldest.until("displaced").await;
    assert_eq!(oldest.close_code().await, 1013);
    let mut newcomer = RawClient::connect_by_proxy(address).await;
    newcomer.ask(HELLO).await;
    newcomer.until("\"ok\"").await;
    // Whoever has said hello stays, however old.
    ann.ask(JOIN).await;
    ann.until("participants").await;
    assert_eq!(app.hall.counts().people, 2);
}

#[tokio::test]
async fn people_behind_a_proxy_on_this_machine_are_no_neighbours() {
    let (address, app) = start(&["--max-people=1000"]).await;
    let mut oldest = RawClient::connect(address).await;
    let mut crowd = Vec::new();
    for _ in 0..MOST_PER_ADDRESS {
        crowd.push(RawClient::connect(address).await);
    }
    let all = async {
        while app.connections.load(Ordering::Relaxed) <= MOST_PER_ADDRESS {
            tokio::task::yield_now().await;
        }
    };
    let patience = Duration::from_secs(20);
    tokio::time::timeout(patience, all)
        .await
        .expect("one was sent away");
    oldest.ask(HELLO).await;
    let answer = oldest.until("{").await;
    assert!(answer.contains("\"ok\""), "{answer}");
}

#[tokio::test]
async fn a_server_that_is_alive_may_not_be_ready() {
    let (address, app) = start(&[]).await;
    assert!(get(address, "/healthz", &[]).await.ends_with("ok\n"));
    let answer = get(address, "/readyz", &[]).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.ends_with("no media worker is running\n"), "{answer}");
    app.ending.send_replace(true);
    let answer = get(address, "/readyz", &[]).await;
    assert!(answer.ends_with("the server is ending\n"), "{answer}");
}

#[tokio::test]
async fn a_full_server_is_not_ready() {
    let (address, _) = start(&["--max-people=1"]).await;
    let mut ann = RawClient::connect(address).await;
    ann.ask(HELLO).await;
    ann.until("\"ok\"").await;
    let answer = get(address, "/readyz", &[]).await;
    assert!(
        answer.ends_with("no place for another person\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn an_address_without_a_room_leads_to_the_lobby_and_says_why() {
    let (address, _) = start(&[]).await;
    let html = [("accept", "text/html,application/xhtml+xml")];
    let too_long = format!("/room/{}", "x".repeat(65));
    let names = "1 to 64 letters";
    for (path, reason) in [
        ("/room/two%20words", names),
        ("/room/%C3%B6ffentlich", names),
        (&too_long, names),
        ("/room/two%20words/", names),
        ("/nope", "misspelt"),
        ("/room/", "misspelt"),
        ("/static/nope.js", "misspelt"),
    ] {
        let answer = get(address, path, &html).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
        assert!(
            answer.contains("text/html") && answer.contains(reason),
            "{path}: {answer}"
        );
        assert!(answer.contains("href=\"/\""), "{path}: {answer}");
        // A program gets a line.
        let answer = get(address, path, &[]).await;
        assert!(
            answer.contains("text/plain") && answer.contains(reason),
            "{path}: {answer}"
        );
    }
    let answer = get(address, "/room/tabs/?produce=false", &html).await;
    assert!(answer.starts_with("HTTP/1.1 308"), "{answer}");
    assert!(
        answer.contains("location: /room/tabs?produce=false\r\n"),
        "{answer}"
    );
}
