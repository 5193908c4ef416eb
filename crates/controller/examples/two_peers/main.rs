//! Two peers and one track: Alice sends a tone, Bob receives its packets through a worker.
//!
//! ```text
//! cargo build -p tureen-worker
//! TUREEN_WORKER_BIN=target/debug/tureen-worker cargo run -p tureen-controller --example two_peers
//! ```
//!
//! The peers are part of this process, but they meet the worker as browsers do, by ICE, DTLS and
//! SRTP. In an application they are browsers, and the parameters that are handed over here travel
//! through its signaling.

mod peers;

use std::{error::Error, time::Duration};

use serde_json::json;
use tokio::time::timeout;
use tureen_controller::rtp::{MediaKind, MimeType, RtpCodecCapability};
use tureen_controller::{ConsumerOptions, ListenInfo, ProducerOptions, WebRtcTransportOptions};
use tureen_controller::{Worker, WorkerSettings};
use tureen_peer::rtp::Ssrc;

use peers::{connect, receive, send_tone};

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

    // Bob connects and can receive all that the router can. Then he learns what will come.
    let for_bob = router.create_web_rtc_transport(options).await?;
    let mut bob = connect(&for_bob).await?;
    let capabilities = router.rtp_capabilities().clone();
    let receives = ConsumerOptions::new(track.id().clone(), capabilities);
    let receives = for_bob.consume(receives).await?;
    let ssrc = receives.rtp_parameters().encodings[0].ssrc;
    let ssrc = Ssrc(ssrc.ok_or("a stream without SSRC")?.0);

    let call = async {
        tokio::try_join!(
            send_tone(alice.sender(), PACKETS),
            receive(&mut bob, ssrc, PACKETS)
        )
    };
    timeout(Duration::from_secs(15), call).await??;
    println!("Bob received {PACKETS} packets with SSRC {ssrc}");
    alice.close().await;
    bob.close().await;
    println!("{}", worker.close().await);
    Ok(())
}

/// A second of sound.
const PACKETS: u16 = 50;
