//! People whose media flows through a real worker, which this test program becomes once more.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::json;
use tokio::sync::mpsc;
use tureen_controller::rtp::{MediaKind, RtpParameters};
use tureen_controller::{ChannelObserver, Numbering, WorkerBinary};
use tureen_peer::demo::{
    DemoConfig, DemoMedia, DemoPublisher, DemoSource, ExtensionIds, StreamConfig,
};
use tureen_peer::rtp::{PayloadType, RtpPacket, Ssrc};
use tureen_peer::{Incoming, LocalAddresses, Peer, PeerConfig, PeerTransport};

use super::*;
use crate::media::{ToReceive, plan, surroundings};
use crate::rooms::{TrackId, TrackSource};
use signaling::{dtls_parameters, remote_parameters};

#[path = "../../../tests/media/signaling.rs"]
mod signaling;

/// The worker of the tests below: [`program`] runs this test alone in a process of its own. In a run
/// of all tests it checks that such a process can be started, and that one without a channel fails.
#[test]
fn this_program_becomes_a_worker() {
    let arguments = std::env::var(ARGUMENTS).unwrap_or_default();
    let arguments = arguments.split(' ').filter(|one| !one.is_empty());
    let is_child = std::env::var_os(ARGUMENTS).is_some();
    if is_child {
        let program = std::iter::once("tureen-worker").chain(arguments);
        std::process::exit(tureen_worker::run(program.map(Into::into)));
    }
    let path = program();
    let output = std::process::Command::new(&path).output();
    fs::remove_file(path).unwrap();
    assert!(!output.unwrap().status.success());
}

const ARGUMENTS: &str = "TUREEN_TEST_WORKER";

fn program() -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    let path = std::env::temp_dir().join(format!("tureen-worker-{}", uuid::Uuid::new_v4()));
    let test = "participant::tests::worker::this_program_becomes_a_worker";
    let script = format!(
        "#!/bin/sh\n{ARGUMENTS}=\"$*\" exec \"{}\" --exact {test} --nocapture\n",
        exe.display()
    );
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// A scene with so many workers on loopback.
async fn scene(workers: u16) -> Scene {
    let mut scene = Scene::new(5);
    scene.media = Arc::new(media(workers).await);
    scene
}

/// So many workers on loopback.
pub(crate) async fn media(workers: u16) -> Media {
    let port = free_port(workers);
    let flags = [
        "tureen".to_owned(),
        "serve".to_owned(),
        format!("--workers={workers}"),
        "--rtc-listen=127.0.0.1".to_owned(),
        format!("--rtc-port={port}"),
    ];
    let Command::Serve(config) = Cli::parse_from(flags).command else {
        panic!("serve");
    };
    let here = surroundings(&config.media).await;
    let plan = plan(&config.media, Ipv4Addr::LOCALHOST.into(), &here);
    let path = program();
    let binary = WorkerBinary::Path(path.clone());
    let media = Media::start(&config.media, &plan, binary, ChannelObserver::new()).await;
    fs::remove_file(path).unwrap();
    media.unwrap()
}

/// A port that is free for UDP and TCP, as those after it are: one for each worker.
fn free_port(workers: u16) -> u16 {
    let is_free = |port: u16| {
        let address = (Ipv4Addr::LOCALHOST, port);
        TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok()
    };
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let mut ports = port..port.saturating_add(workers);
        if ports.len() == usize::from(workers) && ports.all(is_free) {
            return port;
        }
    }
}

/// A client that has one connection, on which it sends the demo.
struct Client {
    participant: Participant,
    track: TrackId,
    incoming: mpsc::UnboundedReceiver<Ssrc>,
    _demo: Arc<DemoPublisher>,
}

impl Client {
    async fn start(scene: &Scene, name: &str) -> Self {
        let mut participant = scene.person(name);
        join(&mut participant, "a").unwrap();
        Self::open(participant).await
    }

    /// One who is in a room, and receives all that is published there.
    async fn open(mut participant: Participant) -> Self {
        participant.open_sending().await.unwrap();
        let capabilities = participant.rtp_capabilities(Side::Sending).unwrap().clone();
        let tracks = participant
            .open_both(capabilities, Numbering::Router)
            .await
            .unwrap();
        assert_eq!(tracks.len(), participant.view().unwrap().call.tracks.len());
        let peer = Peer::new(PeerConfig {
            addresses: LocalAddresses::Loopback,
            ..PeerConfig::default()
        });
        let peer = peer.await.unwrap();
        let sides = [Side::Sending, Side::Receiving];
        let [ours, same] = sides.map(|side| participant.transport(side).unwrap());
        assert_eq!(ours.ice.username_fragment, same.ice.username_fragment);
        let dtls = dtls_parameters(peer.local());
        participant.connect(Side::Receiving, &dtls).await.unwrap();
        let remote = remote_parameters(ours.ice, &ours.candidates, &ours.dtls);
        let mut peer = peer.connect(remote).await.unwrap();
        let track = participant.publish(new_track()).await.unwrap();
        let demo = demo(&peer);
        let (sender, incoming) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(packet) = peer.recv().await {
                if let Incoming::Rtp(packet) = packet {
                    let ssrc = RtpPacket::parse(&packet).unwrap().ssrc();
                    // A test that is over reads no more.
                    let _ = sender.send(ssrc);
                }
            }
        });
        Self {
            participant,
            track,
            incoming,
            _demo: demo,
        }
    }

    /// Receives a track on the one connection, until packets of it have come. Returns their SSRC.
    async fn watch(&mut self, track: &TrackId) -> Ssrc {
        let wanted = ToReceive {
            track: track.clone(),
            mid: "9".to_owned(),
        };
        let mut received = self.participant.receive(vec![wanted]).await.unwrap();
        let (_, parameters) = received.pop().unwrap();
        let ssrc = Ssrc(parameters.unwrap().encodings[0].ssrc.unwrap().0);
        self.participant.resume(track).await.unwrap();
        self.until_heard(ssrc).await;
        ssrc
    }

    /// Waits for ten packets of a stream.
    async fn until_heard(&mut self, ssrc: Ssrc) {
        let arrive = async {
            let mut count = 0;
            while count < 10 {
                count += usize::from(self.incoming.recv().await.unwrap() == ssrc);
            }
        };
        tokio::time::timeout(PATIENCE, arrive).await.unwrap();
    }

    /// Waits until, while `others` come, none of a stream does for as long as 50 packets take.
    async fn until_silent(&mut self, ssrc: Ssrc, others: Ssrc) {
        let silence = async {
            let mut count = 0;
            while count < 50 {
                let came = self.incoming.recv().await.unwrap();
                count = if came == ssrc {
                    0
                } else {
                    count + usize::from(came == others)
                };
            }
        };
        tokio::time::timeout(PATIENCE, silence).await.unwrap();
    }
}

/// Somebody whose connection is lost, as dialects serve them.
struct Away {
    participant: Participant,
    seat: Seat<Self>,
}

impl Unattended for Away {
    async fn next(&mut self) -> Woken<Self> {
        tokio::select! {
            claim = self.seat.claimed() => Woken::Claimed(claim),
            happening = self.participant.next() => Woken::Happening(happening),
        }
    }

    async fn keep(&mut self, happening: Happening) -> bool {
        self.participant.happened(happening).await.is_ok()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_carries_both_directions() {
    let scene = scene(1).await;
    let mut ann = Client::start(&scene, "Ann").await;
    let mut bob = Client::start(&scene, "Bob").await;
    ann.watch(&bob.track).await;
    bob.watch(&ann.track).await;
    // What is received can go, and what is sent goes on.
    let track = bob.track.clone();
    ann.participant.stop_receiving(&track);
    ann.participant.mute(&ann.track, true).await.unwrap();
    ann.participant.mute(&ann.track, false).await.unwrap();
    ann.participant.unpublish(&ann.track);
    ann.watch(&bob.track).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_mutes_one_whose_connection_is_lost() {
    let scene = scene(1).await;
    let mut ann = Client::start(&scene, "Ann").await;
    let bob = Client::start(&scene, "Bob").await;
    let cid = Client::start(&scene, "Cid").await;
    let bobs = ann.watch(&bob.track).await;
    let cids = ann.watch(&cid.track).await;
    // His media goes on, because only his signaling is lost.
    let table = Arc::new(Resumption::new(
        Duration::from_secs(3600),
        5,
        Arc::default(),
    ));
    let (seat, secret) = table.seat(bob.participant.id());
    let participant = bob.participant;
    table.linger(Away { participant, seat }, None);
    ann.until_heard(bobs).await;
    ann.participant.mute(&bob.track, true).await.unwrap();
    ann.until_silent(bobs, cids).await;
    // He comes back and finds himself muted, which he may change.
    let (mut bob_again, _) = table.claim(&secret).await.unwrap();
    let bob_again = &mut bob_again.participant;
    assert!(bob_again.is_muted(&bob.track));
    bob_again.mute(&bob.track, false).await.unwrap();
    ann.until_heard(bobs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_outlives_a_track_that_ends_while_it_begins() {
    let scene = scene(1).await;
    let mut ann = Client::start(&scene, "Ann").await;
    let mut bob = Client::start(&scene, "Bob").await;
    let whom = Some("Bob".to_owned());
    let mut following = Following::new(whom, [(MediaKind::Video, "9".to_owned())]);
    for _ in 0..20 {
        let track = bob.track.clone();
        // Bob closes it when the worker has been asked for it.
        let close = async { bob.participant.unpublish(&track) };
        let (followed, ()) = tokio::join!(following.follow(&mut ann.participant), close);
        followed.unwrap();
        bob.track = bob.participant.publish(new_track()).await.unwrap();
        let told = ann.participant.news().await;
        assert!(told.iter().filter(|told| following.hears(told)).count() > 0);
    }
    following.follow(&mut ann.participant).await.unwrap();
    assert!(following.plays());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_is_moved_publishes_and_receives_anew_on_another_worker() {
    let scene = scene(2).await;
    let mut ann = Client::start(&scene, "Ann").await;
    let mut bob = Client::start(&scene, "Bob").await;
    let mut cid = scene.person("Cid");
    join(&mut cid, "b").unwrap();
    let secret = cid.room.as_ref().unwrap();
    let secret = secret.ask(|room| room.secret().reveal().to_owned());
    let mut cid = Client::open(cid).await;
    ann.watch(&bob.track).await;
    bob.watch(&ann.track).await;
    let (host, person) = (&ann.participant, bob.participant.id());
    host.move_person(person, &id("b"), Some(&secret)).unwrap();
    let told = heard(&mut bob.participant).await;
    let moved = |event: &Event| matches!(event, Event::Moved(_));
    assert!(told.iter().any(moved), "{told:?}");
    // Nothing of his is left in the room before, and nothing of it with him.
    for side in [Side::Sending, Side::Receiving] {
        let gone = bob.participant.transport(side).err();
        assert!(matches!(gone, Some(ParticipantError::NoConnection)));
    }
    let wanted = ToReceive {
        track: bob.track.clone(),
        mid: "9".to_owned(),
    };
    let received = ann.participant.receive(vec![wanted]).await.unwrap();
    assert!(received.is_empty());
    let of_a = bob.participant.subscribe(&ann.track, true);
    assert_eq!(of_a, Err(RoomError::NoSuchTrack));
    assert_eq!(scene.hall.counts().tracks, 2);
    while bob.incoming.recv().await.is_some() {}
    let mut bob = Client::open(bob.participant).await;
    cid.watch(&bob.track).await;
    bob.watch(&cid.track).await;
    let of_a = cid.participant.subscribe(&ann.track, true);
    assert_eq!(of_a, Err(RoomError::NoSuchTrack));
}

fn new_track() -> NewTrack {
    let rtp_parameters: RtpParameters = serde_json::from_value(json!({
        "mid": "0",
        "codecs": [{ "mimeType": "video/VP8", "payloadType": 96, "clockRate": 90000 }],
        "headerExtensions": [{ "uri": "urn:ietf:params:rtp-hdrext:sdes:mid", "id": 1 }],
        "encodings": [{ "ssrc": 1000 }],
        "rtcp": { "cname": "demo" },
    }))
    .unwrap();
    NewTrack {
        kind: MediaKind::Video,
        source: TrackSource::Camera,
        label: String::new(),
        muted: false,
        rtp_parameters,
    }
}

fn demo(peer: &PeerTransport) -> Arc<DemoPublisher> {
    let config = DemoConfig {
        video: Some(StreamConfig {
            ssrc: Ssrc(1000),
            payload_type: PayloadType(96),
            mid: "0".to_owned(),
            rtx: None,
        }),
        audio: None,
        extensions: ExtensionIds {
            mid: Some(1),
            abs_send_time: None,
            transport_cc: None,
            audio_level: None,
        },
        cname: "demo".to_owned(),
        max_payload: 1100,
        start_ntp: DemoPublisher::ntp_now(),
    };
    let source = DemoSource::new(Arc::new(DemoMedia::embedded().unwrap()), config);
    Arc::new(DemoPublisher::start(source, peer.sender()))
}

/// This is for slow and busy machines.
const PATIENCE: Duration = Duration::from_secs(30);
