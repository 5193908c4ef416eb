//! The demo over a real transport, with its receiver at the other end.

use std::{sync::Arc, time::Instant};

use super::*;
use crate::{
    demo::{
        DemoConfig, DemoMedia, DemoPublisher, DemoSource, ExtensionIds, RtxStream, StreamConfig,
    },
    receiver::{Payload, PayloadKind, Receiver, ReceiverConfig, RtxSource, StreamStats},
};

const VIDEO: Ssrc = Ssrc(1000);
const VIDEO_RTX: Ssrc = Ssrc(1001);
const AUDIO: Ssrc = Ssrc(2000);

fn publisher(sender: PeerSender) -> DemoPublisher {
    let stream = |ssrc, payload_type, mid: &str, rtx| StreamConfig {
        ssrc,
        payload_type: PayloadType(payload_type),
        mid: mid.to_owned(),
        rtx,
    };
    let rtx = RtxStream {
        ssrc: VIDEO_RTX,
        payload_type: PayloadType(97),
    };
    let config = DemoConfig {
        video: Some(stream(VIDEO, 96, "0", Some(rtx))),
        audio: Some(stream(AUDIO, 111, "1", None)),
        extensions: ExtensionIds {
            mid: Some(1),
            ..ExtensionIds::default()
        },
        cname: "demo".to_owned(),
        max_payload: 500,
        start_ntp: DemoPublisher::ntp_now(),
    };
    let media = Arc::new(DemoMedia::embedded().unwrap());
    DemoPublisher::start(DemoSource::new(media, config), sender)
}

fn receiver() -> Receiver {
    let payload = |payload_type, kind| Payload {
        payload_type: PayloadType(payload_type),
        kind,
    };
    Receiver::new(ReceiverConfig {
        ssrc: Ssrc(1),
        payloads: vec![
            payload(96, PayloadKind::Vp8),
            payload(111, PayloadKind::Other { clock_rate: 48_000 }),
        ],
        rtx: vec![RtxSource {
            ssrc: VIDEO_RTX,
            media_ssrc: VIDEO,
            media_payload_type: PayloadType(96),
        }],
        transport_cc: None,
    })
}

/// Reads until the statistics of a stream satisfy `enough`, losing one packet of each frame while
/// `lossy`.
async fn receive_until(
    transport: &mut PeerTransport,
    receiver: &mut Receiver,
    start: Instant,
    lossy: bool,
    enough: impl Fn(&Receiver) -> bool,
) {
    let work = async {
        while !enough(receiver) {
            match transport.recv().await.expect("the transport stays open") {
                Incoming::Rtp(packet) => {
                    let header = *crate::rtp::RtpPacket::parse(&packet).unwrap().header();
                    if !(lossy && header.ssrc == VIDEO && header.marker) {
                        receiver.handle_rtp(start.elapsed(), &packet).unwrap();
                    }
                }
                Incoming::Rtcp(compound) => {
                    receiver.handle_rtcp(start.elapsed(), &compound).unwrap();
                }
            }
        }
    };
    within(work).await;
}

fn video(receiver: &Receiver) -> StreamStats {
    receiver.stats(VIDEO).unwrap_or_default()
}

/// Passes what the publishing side receives to the publisher, until the transport closes.
async fn pass_feedback(mut transport: PeerTransport, publisher: Arc<DemoPublisher>) {
    while let Some(incoming) = transport.recv().await {
        if let Incoming::Rtcp(compound) = incoming {
            publisher.handle_rtcp(compound);
        }
    }
}

#[tokio::test]
async fn demo_reaches_a_receiver_and_answers_its_feedback() {
    let (client, mut server) = within(connected(&SrtpProfile::ALL)).await;
    let publisher = Arc::new(publisher(client.sender()));
    let feedback = tokio::spawn(pass_feedback(client, Arc::clone(&publisher)));
    let sender = server.sender();
    let mut receiver = receiver();
    let start = Instant::now();

    receive_until(&mut server, &mut receiver, start, false, |receiver| {
        let audio = receiver.stats(AUDIO).unwrap_or_default();
        video(receiver).frames >= 4 && audio.packets >= 10 && audio.sender_reports >= 1
    })
    .await;
    assert_eq!(video(&receiver).key_frames, 1);

    sender.send_rtcp(&receiver.pli(VIDEO)).await.unwrap();
    receive_until(&mut server, &mut receiver, start, false, |receiver| {
        video(receiver).key_frames == 2
    })
    .await;

    receive_until(&mut server, &mut receiver, start, true, |receiver| {
        video(receiver).lost >= 3
    })
    .await;
    sender
        .send_rtcp(&receiver.nack(VIDEO).unwrap())
        .await
        .unwrap();
    receive_until(&mut server, &mut receiver, start, false, |receiver| {
        video(receiver).recovered >= 3
    })
    .await;
    let stats = publisher.stats();
    assert_eq!(stats.key_frame_requests, 1);
    assert!(stats.retransmissions >= 3, "{stats:?}");

    feedback.abort();
    assert!(feedback.await.unwrap_err().is_cancelled());
    let publisher = Arc::into_inner(publisher).expect("the feedback task has ended");
    within(publisher.stop()).await;
    assert_eq!(
        closed(&server).await,
        PeerState::Closed(CloseReason::Remote)
    );
}

#[tokio::test]
async fn publisher_that_stops_says_goodbye() {
    let (client, mut server) = within(connected(&SrtpProfile::ALL)).await;
    let publisher = publisher(client.sender());
    let mut receiver = receiver();
    let start = Instant::now();
    receive_until(&mut server, &mut receiver, start, false, |receiver| {
        video(receiver).frames >= 1
    })
    .await;
    within(publisher.stop()).await;
    receive_until(&mut server, &mut receiver, start, false, |receiver| {
        video(receiver).ended
    })
    .await;
    assert!(video(&receiver).ended);
}
