//! What can be refused without media, over loopback.

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Parser;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::cli::{Cli, Command};
use crate::http::App;
use crate::media::{Media, Way};
use crate::participant::{Origin, Participant};
use crate::rooms::{JoinOptions, NewPerson, NewRoom, RoomId};

const PUBLISH: &str = include_str!("../../sdp/testdata/chromium-publish.sdp");

/// A server without workers on a free port.
async fn start(flags: &[&str]) -> SocketAddr {
    serve(flags).await.0
}

async fn serve(flags: &[&str]) -> (SocketAddr, Arc<App>) {
    let arguments = ["tureen", "serve"].iter().chain(flags);
    let Command::Serve(config) = Cli::parse_from(arguments).command else {
        panic!("serve");
    };
    let media = Arc::new(Media::without_workers(&config.media));
    let app = Arc::new(App::new(*config, media));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let dialects = crate::dialects::routes(&app);
    let service = crate::http::router(Arc::clone(&app), dialects)
        .into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(axum::serve(listener, service).into_future());
    (address, app)
}

/// The answer to a request with a body of this type, in lower case.
async fn ask(address: SocketAddr, line: &str, kind: &str, more: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: {kind}\r\n\
         content-length: {length}\r\n{more}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).to_lowercase()
}

#[tokio::test]
async fn refusals_have_a_status_and_a_reason() {
    let address = start(&[]).await;
    let sdp = "application/sdp";
    for (line, kind, body, status) in [
        ("POST /whip/room", "text/plain", PUBLISH, 415),
        ("POST /whip/ro%ffom", sdp, PUBLISH, 400),
        ("PUT /whip/room", sdp, PUBLISH, 405),
        ("POST /whip/room", sdp, "hello", 400),
        // It offers to send only.
        ("POST /whep/room", sdp, PUBLISH, 422),
        ("PATCH /whip/room/sessions/x", sdp, "", 404),
        ("DELETE /whep/room/sessions/x", sdp, "", 404),
        // No worker runs, so nothing can be received.
        ("POST /whip/room", sdp, PUBLISH, 503),
    ] {
        let answer = ask(address, line, kind, "", body).await;
        assert!(
            answer.starts_with(&format!("http/1.1 {status}")),
            "{line}: {answer}"
        );
        assert!(answer.contains("application/problem+json"), "{answer}");
        assert_eq!(answer.contains("retry-after"), status == 503, "{answer}");
    }
}

#[tokio::test]
async fn foreign_pages_and_strangers_are_refused() {
    let sdp = "application/sdp";
    let origin = "origin: https://evil.example\r\n";
    let open = start(&[]).await;
    let answer = ask(open, "POST /whip/room", sdp, origin, PUBLISH).await;
    assert!(answer.starts_with("http/1.1 403"), "{answer}");

    let key = format!("--keys=key:{}", "s".repeat(32));
    let guarded = start(&[&key]).await;
    let answer = ask(guarded, "POST /whip/room", sdp, origin, PUBLISH).await;
    assert!(answer.starts_with("http/1.1 401"), "{answer}");
    assert!(answer.contains("www-authenticate: bearer"), "{answer}");
    assert!(
        answer.contains("access-control-allow-origin: https://evil.example"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_stranger_is_refused_before_the_body_has_come() {
    let key = format!("--keys=key:{}", "s".repeat(32));
    let address = start(&[&key]).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /whip/room HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/sdp\r\n\
         content-length: 9999\r\n\r\nv=0\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    let answer = stream.read_exact(&mut status);
    let patience = std::time::Duration::from_secs(5);
    tokio::time::timeout(patience, answer)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(status, *b"HTTP/1.1 401");
}

#[tokio::test]
async fn a_refused_post_leaves_no_room() {
    let address = start(&[]).await;
    for _ in 0..3 {
        let answer = ask(address, "POST /whip/room", "application/sdp", "", PUBLISH).await;
        assert!(answer.starts_with("http/1.1 503"), "{answer}");
    }
    // Nothing is there to play.
    let play = PUBLISH.replace("sendonly", "recvonly");
    let answer = ask(address, "POST /whep/room", "application/sdp", "", &play).await;
    assert!(answer.starts_with("http/1.1 404"), "{answer}");
}

/// Ann has come in by the page.
async fn ann(app: &App, encrypted: bool) -> Participant {
    let new = NewPerson {
        identity: Some("ann".parse().unwrap()),
        ..NewPerson::named("Ann")
    };
    let comes = Origin {
        dialect: "page",
        address: [127, 0, 0, 1].into(),
    };
    let room = RoomId::parse("room").unwrap();
    let options = JoinOptions {
        moves: true,
        viewer: false,
        consumes: true,
        enters_call: true,
        secret: None,
        open: Some(NewRoom {
            encrypted,
            ..NewRoom::meeting(&room)
        }),
    };
    let mut ann = Participant::enter(&app.hall, &app.media, new, comes).unwrap();
    ann.join(&room, options, Way::Any).unwrap();
    ann.watch_lobby(true).unwrap();
    app.hall.tick();
    ann.news().await;
    ann
}

#[tokio::test]
async fn a_refused_post_takes_nobodys_place_and_nobody_notices_it() {
    let keys = format!("--keys=key:{}", "s".repeat(32));
    let arguments = ["tureen", "token", &keys, "--identity=ann", "--room=room"];
    let Command::Token(token) = Cli::parse_from(arguments).command else {
        panic!("token");
    };
    let bearer = format!("authorization: Bearer {}\r\n", token.text().unwrap());
    let play = PUBLISH.replace("sendonly", "recvonly");
    let unknown = ["opus/", "VP8/", "VP9/", "H264/", "AV1/", "PCMU/", "PCMA/"];
    let unknown = unknown
        .iter()
        .fold(PUBLISH.to_owned(), |sdp, codec| sdp.replace(codec, "X/"));
    for (encrypted, tracks, line, body, status) in [
        (false, 2, "POST /whep/room", play.as_str(), 409),
        (false, 2, "POST /whep/room/nobody", &play, 404),
        (false, 2, "POST /whip/room", &unknown, 422),
        // Each of the two alone would be one of few enough.
        (false, 1, "POST /whip/room", PUBLISH, 403),
        // No worker runs.
        (false, 2, "POST /whip/room", PUBLISH, 503),
        (true, 2, "POST /whip/room", PUBLISH, 403),
        (true, 2, "POST /whep/room", &play, 403),
    ] {
        let tracks = format!("--max-tracks={tracks}");
        let (address, app) = serve(&[&keys, &tracks]).await;
        let mut ann = ann(&app, encrypted).await;
        let answer = ask(address, line, "application/sdp", &bearer, body).await;
        assert!(
            answer.starts_with(&format!("http/1.1 {status}")),
            "{line}: {answer}"
        );
        app.hall.tick();
        let heard = ann.news().await;
        assert!(ann.is_in_room() && heard.is_empty(), "{line}: {heard:?}");
    }
}

#[tokio::test]
async fn a_network_asks_for_sessions_so_often() {
    let address = start(&["--trusted-proxies=127.0.0.1", "--max-whip-rate=1"]).await;
    let from = |host: u8| format!("x-forwarded-for: 192.0.2.{host}\r\n");
    let sdp = "application/sdp";
    let status = async |host| {
        let answer = ask(address, "POST /whip/room", sdp, &from(host), "hello").await;
        answer[9..12].to_owned()
    };
    for _ in 0..10 {
        assert_eq!(status(1).await, "400");
    }
    assert_eq!(status(1).await, "429");
    assert_eq!(status(2).await, "400");
}
