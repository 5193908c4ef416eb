//! What a publisher is told about its path.

use std::collections::BTreeSet;

use tureen_peer::SrtpProfile;
use tureen_peer::rtcp::{Remb, RtcpPacket, TransportFeedback};

use crate::call::{AUDIO, Call, CongestionControl, Publisher, Publishing, VIDEO};
use crate::endpoint::{Endpoint, Inbox};

async fn publisher(call: &Call, congestion_control: CongestionControl) -> Publisher {
    let how = Publishing { congestion_control };
    let endpoint = Endpoint::connect(call.transport().await, &SrtpProfile::ALL).await;
    Publisher::start(endpoint, &how).await
}

#[tokio::test]
async fn transport_wide_feedback_covers_each_packet() {
    let call = Call::start().await;
    let publisher = publisher(&call, CongestionControl::TransportWide).await;
    publisher
        .endpoint
        .until("ten feedbacks and a report", |inbox| {
            let reports = inbox.rtcp.iter();
            let mut reports =
                reports.filter(|(_, packet)| matches!(packet, RtcpPacket::ReceiverReport(_)));
            feedbacks(inbox).count() >= 10 && reports.next().is_some()
        })
        .await;
    let inbox = publisher.endpoint.inbox();
    let mut covered = BTreeSet::new();
    for (index, feedback) in feedbacks(&inbox).enumerate() {
        assert_eq!(usize::from(feedback.feedback_count), index);
        assert!([VIDEO, AUDIO].contains(&feedback.media));
        for (offset, arrival) in feedback.packets.iter().enumerate() {
            assert!(arrival.is_some(), "nothing is lost on loopback");
            let offset = u16::try_from(offset).unwrap();
            covered.insert(feedback.base.plus(offset).0);
        }
    }
    // Numbers count from 0, picture and tone together.
    let count = u16::try_from(covered.len()).unwrap();
    assert!(count > 50, "{count}");
    assert!(covered.into_iter().eq(0..count), "no number is missing");
    assert_eq!(rembs(&inbox).count(), 0);
    drop(inbox);
    call.end().await;
}

#[tokio::test]
async fn remb_is_sent_when_it_is_all_that_was_negotiated() {
    let call = Call::start().await;
    let publisher = publisher(&call, CongestionControl::Remb).await;
    publisher
        .endpoint
        .until("an estimate", |inbox| rembs(inbox).next().is_some())
        .await;
    let inbox = publisher.endpoint.inbox();
    let remb = rembs(&inbox).next().unwrap();
    assert!(remb.ssrcs.contains(&VIDEO), "{remb:?}");
    // The demo sends a few hundred kbit/s over a path that has no limit.
    assert!(
        (10_000..1_000_000_000).contains(&remb.bitrate),
        "{}",
        remb.bitrate
    );
    assert_eq!(feedbacks(&inbox).count(), 0);
    drop(inbox);

    // The publisher is told the limit that the controller sets.
    publisher
        .endpoint
        .transport
        .set_max_incoming_bitrate(50_000)
        .await
        .unwrap();
    publisher
        .endpoint
        .until("the limit", |inbox| {
            rembs(inbox)
                .last()
                .is_some_and(|remb| remb.bitrate <= 50_000)
        })
        .await;
    call.end().await;
}

fn feedbacks(inbox: &Inbox) -> impl Iterator<Item = &TransportFeedback> {
    inbox.rtcp.iter().filter_map(|(_, packet)| match packet {
        RtcpPacket::TransportFeedback(feedback) => Some(feedback),
        _ => None,
    })
}

fn rembs(inbox: &Inbox) -> impl Iterator<Item = &Remb> {
    inbox.rtcp.iter().filter_map(|(_, packet)| match packet {
        RtcpPacket::Remb(remb) => Some(remb),
        _ => None,
    })
}
