//! Two peers and one track: Alice sends Opus, Bob is told how to receive it.
//!
//! Run it with a worker beside it or with `TUREEN_WORKER_BIN` set to one. What the peers say here
//! comes, in an application, from their browsers through its signaling.

use std::error::Error;

use serde_json::json;
use tureen_controller::rtp::{MediaKind, MimeType, RtpCapabilities, RtpCodecCapability};
use tureen_controller::{
    ConsumerOptions, ListenInfo, ProducerOptions, WebRtcTransportOptions, Worker, WorkerSettings,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt::init();
    let worker = Worker::spawn(WorkerSettings::default()).await?;
    let ip = "127.0.0.1".parse()?;
    let server = worker
        .create_web_rtc_server(vec![ListenInfo::udp(ip)])
        .await?;
    let opus = RtpCodecCapability::audio(MimeType::parse("audio/opus")?, 48_000, 2);
    let router = worker.create_router(&[opus]).await?;

    let options = WebRtcTransportOptions::with_server(server);
    let alice = router.create_web_rtc_transport(options.clone()).await?;
    let bob = router.create_web_rtc_transport(options).await?;
    let for_alice = json!({
        "id": alice.id(),
        "iceParameters": alice.ice_parameters(),
        "iceCandidates": alice.ice_candidates(),
        "dtlsParameters": alice.dtls_parameters(),
    });
    println!("Alice connects to {for_alice:#}");

    // Alice answers with her DTLS parameters and what she sends.
    let fingerprint = ["AB"; 32].join(":");
    let dtls = json!({ "role": "client", "fingerprints": [{
        "algorithm": "sha-256",
        "value": fingerprint,
    }] });
    alice.connect(&serde_json::from_value(dtls)?).await?;
    let sends = json!({
        "mid": "0",
        "codecs": [{
            "mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2,
        }],
        "encodings": [{ "ssrc": 1111 }],
    });
    let options = ProducerOptions::new(MediaKind::Audio, serde_json::from_value(sends)?);
    let track = alice.produce(options).await?;

    // Bob can receive all that the router can; a browser would say so after loading its device.
    let capabilities: RtpCapabilities = router.rtp_capabilities().clone();
    assert!(router.can_consume(track.id(), &capabilities)?);
    let consumer = bob
        .consume(ConsumerOptions::new(track.id().clone(), capabilities))
        .await?;
    let for_bob = json!({
        "id": consumer.id(),
        "producerId": consumer.producer_id(),
        "kind": consumer.kind(),
        "rtpParameters": consumer.rtp_parameters(),
    });
    println!("Bob receives {for_bob:#}");

    let gone = worker.close().await;
    println!("{gone}");
    Ok(())
}
