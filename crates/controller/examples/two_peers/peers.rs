//! The peers of the example, in place of browsers: how they connect, what they send and receive.

use std::time::Duration;

use serde_json::json;
use tokio::time::interval;
use tureen_controller::WebRtcTransport;
use tureen_peer::rtp::{PayloadType, RtpHeader, RtpPacket, RtpTimestamp, SequenceNumber, Ssrc};
use tureen_peer::{DtlsFingerprint, DtlsRole, Incoming, Peer, PeerSender, PeerTransport};
use tureen_peer::{RemoteParameters, demo::DemoMedia};

use super::Result;

/// Connects a new peer to its transport: each is told the other's addresses and fingerprints.
pub(super) async fn connect(transport: &WebRtcTransport) -> Result<PeerTransport> {
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

/// Sends frames of Opus, one every 20 ms: 960 samples.
pub(super) async fn send_tone(alice: PeerSender, packets: u16) -> Result<()> {
    let tone = DemoMedia::embedded()?;
    let mut clock = interval(Duration::from_millis(20));
    for (number, frame) in (0..packets).zip(tone.tone()) {
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

/// Returns when that many packets of a stream have arrived.
pub(super) async fn receive(bob: &mut PeerTransport, ssrc: Ssrc, packets: u16) -> Result<()> {
    let mut received = 0;
    while received < packets {
        if let Incoming::Rtp(packet) = bob.recv().await.ok_or("the connection was closed")?
            && RtpPacket::parse(&packet)?.ssrc() == ssrc
        {
            received += 1;
        }
    }
    Ok(())
}
