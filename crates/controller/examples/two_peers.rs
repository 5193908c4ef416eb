//! Two peers and one track: Alice sends a tone, Bob receives its packets through a worker.
//!
//! ```text
//! cargo build -p tureen-worker
//! TUREEN_WORKER_BIN=target/debug/tureen-worker cargo run -p tureen-controller --example two_peers
//! ```
//!
//! The peers are part of this process, yet meet the worker as browsers do, by ICE, DTLS and SRTP. In
//! an application they are browsers, and what is handed over here passes through its signaling.

use std::{error::Error, time::Duration};

use serde_json::json;
use tokio::time::{interval, timeout};
use tureen_controller::rtp::{MediaKind, MimeType, RtpCodecCapability};
use tureen_controller::{ConsumerOptions, ListenInfo, ProducerOptions, Worker, WorkerSettings};
use tureen_controller::{WebRtcTransport, WebRtcTransportOptions};
use tureen_peer::rtp::{PayloadType, RtpHeader, RtpPacket, RtpTimestamp, SequenceNumber, Ssrc};
use tureen_peer::{DtlsFingerprint, DtlsRole, Incoming, Peer, PeerSender, PeerTransport};
use tureen_peer::{RemoteParameters, demo::DemoMedia};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
pub(crate) async fn main() -> Result<()> {
    let worker = Worker::spawn(WorkerSettings::default()).await?;
    let opus = RtpCodecCapability::audio(MimeType::parse("audio/opus")?, 48_000, 2);
    let router = worker.create_router(&[opus]).await?;
    let listen = vec![ListenInfo::udp("127.0.0.1".parse()?)];
    let options = WebRtcTransportOptions::with_listen_infos(listen);

    // Alice connects and says what she sends.
    let for_alice = router.create_web_rtc_transport(options.clone()).await?;
    let alice = connect(&for_alice).await?;
    let opus = json!({
        "mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2,
    });
    let sends = json!({ "codecs": [opus], "encodings": [{ "ssrc": 1111 }] });
    let sends = ProducerOptions::new(MediaKind::Audio, serde_json::from_value(sends)?);
    let track = for_alice.produce(sends).await?;

    // Bob connects, can receive all that the router can, and is told what will come.
    let for_bob = router.create_web_rtc_transport(options).await?;
    let mut bob = connect(&for_bob).await?;
    let capabilities = router.rtp_capabilities().clone();
    let receives = ConsumerOptions::new(track.id().clone(), capabilities);
    let receives = for_bob.consume(receives).await?;
    let ssrc = receives.rtp_parameters().encodings[0].ssrc;
    let ssrc = Ssrc(ssrc.ok_or("a stream without SSRC")?.0);

    let call = async { tokio::try_join!(send_tone(alice.sender()), receive(&mut bob, ssrc)) };
    timeout(Duration::from_secs(15), call).await??;
    println!("Bob received {PACKETS} packets with SSRC {ssrc}");
    alice.close().await;
    bob.close().await;
    println!("{}", worker.close().await);
    Ok(())
}

/// Connects a new peer to its transport: each is told the other's addresses and fingerprints.
async fn connect(transport: &WebRtcTransport) -> Result<PeerTransport> {
    let peer = Peer::new(Default::default()).await?;
    let own = &peer.local().fingerprint;
    let own = json!({ "algorithm": own.algorithm().token(), "value": own.value() });
    let own = json!({ "role": "client", "fingerprints": [own] });
    transport.connect(&serde_json::from_value(own)?).await?;

    let candidates = transport.ice_candidates().iter().map(|one| {
        let (foundation, priority) = (&one.foundation, one.priority);
        let (address, port) = (&one.address, one.port);
        format!("{foundation} 1 udp {priority} {address} {port} typ host").parse()
    });
    let fingerprints = transport.dtls_parameters().fingerprints;
    let ice = transport.ice_parameters();
    let remote = RemoteParameters {
        username_fragment: ice.username_fragment,
        password: ice.password,
        candidates: candidates.collect::<std::result::Result<_, _>>()?,
        dtls_role: DtlsRole::Server,
        // A peer knows fewer algorithms than a worker.
        fingerprints: (fingerprints.iter())
            .filter_map(|one| DtlsFingerprint::new(one.algorithm.as_str(), &one.value).ok())
            .collect(),
    };
    Ok(peer.connect(remote).await?)
}

/// Sends as many frames of Opus as Bob waits for, one every 20 ms: 960 samples.
async fn send_tone(alice: PeerSender) -> Result<()> {
    let tone = DemoMedia::embedded()?;
    let mut clock = interval(Duration::from_millis(20));
    for (number, frame) in (0..PACKETS).zip(tone.tone()) {
        clock.tick().await;
        let header = RtpHeader {
            marker: false,
            payload_type: PayloadType(111),
            sequence_number: SequenceNumber(number),
            timestamp: RtpTimestamp(960 * u32::from(number)),
            ssrc: Ssrc(1111),
            extensions: Vec::new(),
        };
        alice.send_rtp(&header.write(frame)).await?;
    }
    Ok(())
}

/// Returns when they have arrived.
async fn receive(bob: &mut PeerTransport, ssrc: Ssrc) -> Result<()> {
    let mut packets = 0;
    while packets < PACKETS {
        if let Incoming::Rtp(packet) = bob.recv().await.ok_or("the connection was closed")?
            && RtpPacket::parse(&packet)?.ssrc() == ssrc
        {
            packets += 1;
        }
    }
    Ok(())
}

const PACKETS: u16 = 50;
