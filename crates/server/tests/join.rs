//! `tureen join` as a person runs it: bots in rooms of a real server, with real media.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

/// A running `tureen`, heard line by line; killed if a test forgets it.
struct Process {
    child: Child,
    lines: Receiver<String>,
    /// All lines so far, for a test that fails.
    heard: Vec<String>,
}

impl Process {
    fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (lines_tx, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                // A test that is over listens no more.
                let _ = lines_tx.send(line);
            }
        });
        Self {
            child,
            lines,
            heard: Vec::new(),
        }
    }

    /// The next line of which `question` makes something.
    fn until<T>(&mut self, what: &str, question: impl Fn(&str) -> Option<T>) -> T {
        let patience = Instant::now() + PATIENCE;
        loop {
            let left = patience.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("{what}: not among {:#?}", self.heard);
            };
            let answer = question(&line);
            self.heard.push(line);
            if let Some(answer) = answer {
                return answer;
            }
        }
    }

    fn says(&mut self, part: &str) -> String {
        self.until(part, |line| line.contains(part).then(|| line.to_owned()))
    }

    /// Ids of the processes that it has started.
    fn children(&self) -> Vec<u32> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let lists = threads
            .flatten()
            .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
        let lists: Vec<_> = lists.collect();
        let ids = lists.iter().flat_map(|list| list.split_whitespace());
        ids.map(|id| id.parse().unwrap()).collect()
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(pid, signal).unwrap();
    }

    /// Exit code and standard error of a process that ends.
    fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        let mut stderr = String::new();
        let mut pipe = self.child.stderr.take().unwrap();
        pipe.read_to_string(&mut stderr).unwrap();
        (code, stderr)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Server {
    process: Process,
    /// `http://127.0.0.1:PORT/`
    url: String,
}

impl Server {
    fn start(flags: &[&str]) -> Self {
        let port = format!("--rtc-port={}", free_port());
        // Nobody reads the log, so there must not be more of it than a pipe holds.
        let head = [
            "serve",
            "--listen=127.0.0.1:0",
            "--workers=1",
            "--log=error",
            &port,
        ];
        let arguments: Vec<_> = head.iter().chain(flags).copied().collect();
        let mut process = Process::start(&arguments);
        let url = process.until("the address", |line| {
            let (_, url) = line.split_once("is ready: ")?;
            Some(url.to_owned())
        });
        Self { process, url }
    }

    fn room(&self, room: &str) -> String {
        format!("{}room/{room}", self.url)
    }

    /// What `/metrics` says now.
    fn scrape(&self) -> String {
        let answer = self.ask("GET /metrics");
        assert!(answer.ends_with("# EOF\n"), "{answer}");
        answer
    }

    /// The whole answer to a request without a body.
    fn ask(&self, request: &str) -> String {
        let host = self.url.trim_start_matches("http://").trim_end_matches('/');
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!("{request} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

/// A person at a browser, as far as signaling goes.
struct Person {
    socket: WebSocket<TcpStream>,
    events: Vec<Value>,
}

impl Person {
    fn connect(server: &Server, name: &str) -> Self {
        let authority = server.url.trim_start_matches("http://");
        let stream = TcpStream::connect(authority.trim_end_matches('/')).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (socket, _) = client(format!("ws://{authority}ws"), stream).unwrap();
        let mut person = Self {
            socket,
            events: Vec::new(),
        };
        person.ask("hello", json!({ "version": 1, "name": name }));
        person
    }

    /// The answer to a request that is not refused.
    fn ask(&mut self, name: &str, data: Value) -> Value {
        let mut request = json!({ "id": 1, "type": name });
        if !data.is_null() {
            request["data"] = data;
        }
        let request = Message::Text(request.to_string().into());
        self.socket.send(request).unwrap();
        loop {
            let mut frame = self.read();
            if frame["event"].is_string() {
                self.events.push(frame);
            } else {
                assert!(frame["error"].is_null(), "{name}: {frame}");
                return frame["ok"].take();
            }
        }
    }

    /// The content of the next event of this name.
    fn hears(&mut self, name: &str) -> Value {
        loop {
            let mut events = self.events.iter();
            if let Some(index) = events.position(|event| event["event"] == name) {
                return self.events.remove(index)["data"].take();
            }
            let frame = self.read();
            self.events.push(frame);
        }
    }

    fn read(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.socket.read().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }
}

#[test]
fn a_bot_is_seen_and_heard_by_another() {
    let server = Server::start(&[]);
    let mut bot = Process::start(&["join", "--publish-demo", &server.room("soup")]);
    bot.says("Room \"soup\" opened and joined.");
    bot.says("Publishing a test picture (VP8) and a tone (Opus).");

    let mut watcher = Process::start(&["join", "--name=Ann", &server.room("soup")]);
    watcher.says("Here besides the bot: Bot.");
    watcher.says("Connected (AEAD_AES_256_GCM).");
    bot.says("Ann has come in.");
    let mut last = Counts::default();
    for _ in 0..2 {
        let tone = watcher.until("the tone", |line| Counts::read(line, "microphone (opus)"));
        let picture = watcher.until("the picture", |line| Counts::read(line, "camera (VP8)"));
        assert!(tone.packets > last.packets, "{:?}", watcher.heard);
        assert!(picture.frames > last.frames, "{:?}", watcher.heard);
        assert!(picture.key_frames >= 1, "{:?}", watcher.heard);
        last = Counts {
            packets: tone.packets,
            ..picture
        };
    }

    bot.signal(Signal::SIGINT);
    let sent = bot.says("Pictures sent: ");
    assert!(!sent.contains("key frames asked for: 0"), "{sent}");
    bot.says("Left the room.");
    assert_eq!(bot.end(), (Some(0), String::new()));
    watcher.says("Bot has left. Nobody else is here.");
    watcher.signal(Signal::SIGTERM);
    watcher.says("Left the room.");
    assert_eq!(watcher.end(), (Some(0), String::new()));
}

/// One figure of a scrape.
fn figure(scrape: &str, sample: &str) -> f64 {
    let value = scrape
        .lines()
        .find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    let value = value.unwrap_or_else(|| panic!("no {sample} in {scrape}"));
    value.parse().unwrap()
}

#[test]
fn metrics_move_with_a_call_and_are_those_of_the_dashboard() {
    let server = Server::start(&[]);
    let idle = server.scrape();
    let of_worker =
        |scrape: &str, name: &str| figure(scrape, &format!("tureen_worker_{name}{{worker=\"0\"}}"));
    assert_eq!(of_worker(&idle, "up"), 1.0);
    assert_eq!(of_worker(&idle, "rtp_packets_received_total"), 0.0);

    let mut bot = Process::start(&["join", "--publish-demo", &server.room("soup")]);
    bot.says("Publishing a test picture (VP8) and a tone (Opus).");
    let mut watcher = Process::start(&["join", "--name=Ann", &server.room("soup")]);
    let tone = watcher.until("the tone", |line| Counts::read(line, "microphone (opus)"));
    let picture = watcher.until("the picture", |line| Counts::read(line, "camera (VP8)"));
    let refusal = server.ask("POST /whip/soup");
    assert!(refusal.starts_with("HTTP/1.1 415"), "{refusal}");
    let busy = server.scrape();
    assert_eq!(
        figure(&busy, "tureen_refused_total{reason=\"media-type\"}"),
        1.0
    );
    assert_eq!(of_worker(&busy, "producers"), 2.0);
    assert_eq!(of_worker(&busy, "consumers"), 2.0);
    #[expect(clippy::cast_precision_loss, reason = "some hundred packets")]
    let watched = (tone.packets + picture.packets) as f64;
    assert!(
        of_worker(&busy, "rtp_packets_sent_total") >= watched,
        "{busy}"
    );
    assert!(
        of_worker(&busy, "rtp_packets_received_total") >= watched,
        "{busy}"
    );
    assert!(of_worker(&busy, "plis_sent_total") >= 1.0, "{busy}");

    let names: BTreeSet<_> = busy
        .lines()
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    for (file, text) in CONFIGURED {
        let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
        let metrics: BTreeSet<_> = words.filter(|word| word.starts_with("tureen_")).collect();
        assert!(metrics.len() > 5, "{file}");
        for metric in metrics {
            assert!(names.contains(metric), "{file}: {metric} is not told");
        }
    }
    let reasons = [
        "receive.queue_overflow",
        "send.backlog_full",
        "send.waited_too_long",
    ];
    for reason in reasons {
        assert!(CONFIGURED[1].1.contains(reason), "{reason}");
        let sample = format!("tureen_worker_dropped_total{{worker=\"0\",reason=\"{reason}\"}}");
        figure(&busy, &sample);
    }
}

/// What comes with the server for those who watch it.
const CONFIGURED: [(&str, &str); 2] = [
    (
        "grafana-dashboard.json",
        include_str!("../../../config/grafana-dashboard.json"),
    ),
    ("alerts.yml", include_str!("../../../config/alerts.yml")),
];

/// What a line of statistics says.
#[derive(Clone, Copy, Default)]
struct Counts {
    packets: u64,
    frames: u64,
    key_frames: u64,
}

impl Counts {
    fn read(line: &str, track: &str) -> Option<Self> {
        let (_, counts) = line.split_once(track)?;
        let number = |unit: &str| {
            let (before, _) = counts.split_once(unit)?;
            before.rsplit([' ', '(']).next()?.parse().ok()
        };
        Some(Self {
            packets: number(" packets")?,
            frames: number(" frames").unwrap_or_default(),
            key_frames: number(" of them key frames").unwrap_or_default(),
        })
    }
}

#[test]
fn a_bot_answers_the_ring_and_goes_when_the_room_ends() {
    let server = Server::start(&[]);
    let mut owner = Person::connect(&server, "Ann");
    let room = json!({ "name": "Lunch", "kind": "meeting" });
    let created = owner.ask("create-room", room);
    let (room, secret) = (created["room"].as_str().unwrap(), &created["secret"]);
    owner.ask("join", json!({ "room": room, "secret": secret }));

    let mut bot = Process::start(&["join", "--publish-demo", "--name=Bo", &server.room(room)]);
    bot.says("Room \"Lunch\" joined.");
    bot.says("The call has not begun");
    let joined = owner.hears("participant-joined");
    assert_eq!(joined["name"], "Bo");
    owner.ask("start-call", Value::Null);
    let mut sources: Vec<_> = (0..2)
        .map(|_| owner.hears("track-published")["source"].take())
        .collect();
    sources.sort_by_key(Value::to_string);
    assert_eq!(sources, ["camera", "microphone"]);
    bot.says("Publishing");

    owner.ask("end-room", Value::Null);
    bot.says("The owner has ended the room.");
    assert_eq!(bot.end(), (Some(0), String::new()));
}

#[test]
fn one_whose_answers_cannot_be_read_is_sent_away() {
    let server = Server::start(&[]);
    let mut bot = Process::start(&["join", "--publish-demo", &server.room("soup")]);
    bot.says("Publishing a test picture (VP8) and a tone (Opus).");
    let mut ann = Person::connect(&server, "Ann");
    ann.ask("join", json!({ "room": "soup" }));
    let receive = include_str!("../src/sdp/testdata/chromium-receive.sdp");
    ann.ask("receive", json!({ "sdp": receive }));
    for _ in 0..3 {
        let offer = ann.hears("offer")["offer"].take();
        let answer = json!({ "offer": offer, "sdp": "v=1" });
        let request = json!({ "id": 2, "type": "answer", "data": answer });
        let request = Message::Text(request.to_string().into());
        ann.socket.send(request).unwrap();
    }
    assert_eq!(ann.hears("closing")["reason"], "bad-answers");
}

#[test]
fn a_bot_leaves_when_its_time_is_over() {
    let server = Server::start(&[]);
    let mut person = Person::connect(&server, "Ann");
    let open = json!({ "name": "x", "kind": "meeting", "started": true });
    person.ask("join", json!({ "room": "x", "open": open }));
    let room = server.room("x");
    let mut bot = Process::start(&["join", "--publish-demo", "--duration=1", &room]);
    let bot_id = person.hears("participant-joined")["id"].take();
    bot.says("Left the room.");
    assert_eq!(bot.end(), (Some(0), String::new()));
    assert_eq!(person.hears("participant-left")["participant"], bot_id);
}

#[test]
fn a_bot_says_why_it_cannot_stay() {
    let server = Server::start(&[]);
    let mut owner = Person::connect(&server, "Ann");
    let hidden = json!({ "name": "x", "kind": "meeting", "encrypted": true });
    owner.ask("join", json!({ "room": "hidden", "open": hidden }));
    let (code, stderr) = Process::start(&["join", &server.room("hidden")]).end();
    assert_eq!(code, Some(1));
    assert!(stderr.contains("encrypted end to end"), "{stderr}");

    let mut bot = Process::start(&["join", "--publish-demo", &server.room("soup")]);
    bot.says("Publishing");
    server.process.signal(Signal::SIGTERM);
    let (code, stderr) = bot.end();
    assert_eq!(code, Some(1));
    assert!(stderr.contains("server-ends"), "{stderr}");

    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    for (url, code, expected) in [
        (format!("http://{address}/room/x"), 1, "cannot be reached"),
        (format!("http://{address}/"), 2, "/room/NAME"),
        (address.to_string(), 2, "http://"),
        (
            format!("http://{address}/room/x?forceTcp=true"),
            2,
            "forceTcp",
        ),
    ] {
        let (found, stderr) = Process::start(&["join", &url]).end();
        assert_eq!(found, Some(code), "{url}: {stderr}");
        assert!(stderr.contains(expected), "{url}: {stderr}");
    }
}

#[test]
fn a_call_ends_in_good_order_with_the_server() {
    let server = Server::start(&[]);
    let mut bot = Process::start(&["join", "--publish-demo", &server.room("soup")]);
    bot.says("Publishing");
    let mut watcher = Process::start(&["join", "--name=Ann", &server.room("soup")]);
    watcher.until("the picture", |line| Counts::read(line, "camera (VP8)"));
    let workers = server.process.children();
    assert_eq!(workers.len(), 1);

    server.process.signal(Signal::SIGTERM);
    for client in [bot, watcher] {
        let (code, stderr) = client.end();
        assert_eq!(code, Some(1));
        assert!(stderr.contains("server-ends"), "{stderr}");
    }
    // The log has errors only.
    assert_eq!(server.process.end(), (Some(0), String::new()));
    for worker in workers {
        assert!(!Path::new(&format!("/proc/{worker}")).exists(), "{worker}");
    }
}

#[test]
fn the_tracks_of_one_who_vanishes_are_closed() {
    let server = Server::start(&["--ping-interval=1", "--ping-timeout=2"]);
    let mut person = Person::connect(&server, "Ann");
    let open = json!({ "name": "x", "kind": "meeting", "started": true });
    person.ask("join", json!({ "room": "x", "open": open }));
    let bot = Process::start(&["join", "--publish-demo", &server.room("x")]);
    let id = person.hears("participant-joined")["id"].take();
    let tracks = |person: &mut Person, event: &str, name: &str| {
        let mut tracks = [person.hears(event), person.hears(event)].map(|data| data[name].clone());
        tracks.sort_by_key(Value::to_string);
        tracks
    };
    let published = tracks(&mut person, "track-published", "id");

    // It answers no ping, while its connections stay.
    bot.signal(Signal::SIGSTOP);
    assert_eq!(tracks(&mut person, "track-closed", "track"), published);
    assert_eq!(person.hears("participant-left")["participant"], id);
}

#[test]
fn a_certificate_that_nobody_knows_is_accepted_only_on_request() {
    let names = vec!["127.0.0.1".to_owned()];
    let own = rcgen::generate_simple_self_signed(names).unwrap();
    let directory = std::env::temp_dir().join(format!("tureen-join-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&directory).unwrap();
    let (cert, key) = (directory.join("cert.pem"), directory.join("key.pem"));
    std::fs::write(&cert, own.cert.pem()).unwrap();
    std::fs::write(&key, own.signing_key.serialize_pem()).unwrap();
    let server = Server::start(&[
        &format!("--tls-cert={}", cert.display()),
        &format!("--tls-key={}", key.display()),
    ]);
    std::fs::remove_dir_all(&directory).unwrap();

    let room = server.room("soup");
    assert!(room.starts_with("https://"));
    let (code, stderr) = Process::start(&["join", &room]).end();
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("TLS: ") && stderr.contains("--insecure"),
        "{stderr}"
    );
    let mut bot = Process::start(&["join", "--insecure", "--duration=1", &room]);
    bot.says("Room \"soup\" opened and joined.");
    assert_eq!(bot.end(), (Some(0), String::new()));
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tureen"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TUREEN_")) {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}

/// A port that is free for UDP and TCP.
fn free_port() -> u16 {
    loop {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        if UdpSocket::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(60);
