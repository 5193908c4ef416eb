//! Key frames, retransmissions, and streams that stop and go on.

use std::time::Duration;

use tureen_peer::rtcp::{Nack, PictureLossIndication, RtcpPacket, write_compound};
use tureen_peer::rtp::{SequenceNumber, Ssrc, Vp8Descriptor, is_vp8_key_frame};

use crate::call::{Call, Subscriber, VIDEO};
use crate::endpoint::Inbox;

#[tokio::test]
async fn a_late_subscriber_begins_with_a_key_frame_that_was_asked_for() {
    let call = Call::start().await;
    let publisher = call.publisher().await;
    let early = call.subscriber(&publisher).await;
    early.until_frames(5).await;
    let asked = publisher.demo.stats().key_frame_requests;

    let late = call.subscriber(&publisher).await;
    late.until_frames(1).await;
    assert!(publisher.demo.stats().key_frame_requests > asked);
    let inbox = late.endpoint.inbox();
    let first = inbox.packets(late.video_ssrc).next().unwrap();
    assert!(begins_key_frame(first.payload()));
    drop(inbox);
    call.end().await;
}

#[tokio::test]
async fn picture_loss_is_told_the_publisher_once_a_second_and_brings_a_key_frame() {
    let call = Call::start().await;
    let publisher = call.publisher().await;
    let subscriber = call.subscriber(&publisher).await;
    subscriber.until_frames(3).await;

    // With every frame it loses the picture anew.
    let start = publisher.endpoint.inbox().now();
    for _ in 0..40 {
        send_pli(&subscriber).await;
        let frames = subscriber.endpoint.inbox().frames.len();
        subscriber.until_frames(frames + 1).await;
    }
    let end = publisher.endpoint.inbox().now();
    let inbox = publisher.endpoint.inbox();
    let times: Vec<Duration> = picture_losses(&inbox).collect();
    let asked = times.iter().filter(|at| (start..end).contains(*at)).count();
    assert!(
        asked >= 2,
        "40 frames take more than two seconds: {times:?}"
    );
    for (earlier, later) in times.iter().zip(&times[1..]) {
        assert!(*later - *earlier >= Duration::from_millis(900), "{times:?}");
    }
    let stats = subscriber.endpoint.inbox().stats(subscriber.video_ssrc);
    assert!(stats.key_frames >= 3, "{stats:?}");
    drop(inbox);
    call.end().await;
}

#[tokio::test]
async fn a_burst_of_picture_losses_becomes_one_request() {
    let call = Call::start().await;
    let publisher = call.publisher().await;
    let subscriber = call.subscriber(&publisher).await;
    subscriber.until_frames(3).await;
    let asked = publisher.demo.stats().key_frame_requests;
    let before = subscriber.endpoint.inbox().stats(subscriber.video_ssrc);
    for _ in 0..20 {
        send_pli(&subscriber).await;
    }
    subscriber
        .endpoint
        .until("a key frame", |inbox| {
            inbox.stats(subscriber.video_ssrc).key_frames > before.key_frames
        })
        .await;
    let asked = publisher.demo.stats().key_frame_requests - asked;
    // The key frame may come between the first and the last of them.
    assert!((1..=2).contains(&asked), "{asked}");
    call.end().await;
}

#[tokio::test]
async fn what_a_subscriber_misses_comes_again_as_rtx() {
    let call = Call::start().await;
    let publisher = call.publisher().await;
    let subscriber = call.subscriber(&publisher).await;
    subscriber.until_frames(5).await;

    // It asks again for packets that it has, so that they can be compared.
    let wanted: Vec<(SequenceNumber, Vec<u8>)> = {
        let inbox = subscriber.endpoint.inbox();
        let packets: Vec<_> = inbox.packets(subscriber.video_ssrc).collect();
        packets
            .iter()
            .rev()
            .step_by(2)
            .take(5)
            .map(|packet| (packet.header().sequence_number, packet.payload().to_vec()))
            .collect()
    };
    let parameters = subscriber.video.rtp_parameters();
    let rtx_ssrc = Ssrc(parameters.encodings[0].rtx.as_ref().unwrap().ssrc.0);
    let rtx_payload_type = parameters.codecs[1].payload_type.get();
    let nack = write_compound(&[RtcpPacket::Nack(Nack {
        sender: Ssrc(1),
        media: subscriber.video_ssrc,
        lost: wanted.iter().rev().map(|(number, _)| *number).collect(),
    })]);
    subscriber.endpoint.sender.send_rtcp(&nack).await.unwrap();
    subscriber
        .endpoint
        .until("every packet once more", |inbox| {
            wanted.iter().all(|(number, payload)| {
                inbox.packets(rtx_ssrc).any(|packet| {
                    packet.header().payload_type.0 == rtx_payload_type
                        && packet.payload().split_first_chunk::<2>()
                            == Some((&number.0.to_be_bytes(), &payload[..]))
                })
            })
        })
        .await;
    let stats = subscriber.video.get_stats().await.unwrap();
    assert_eq!((stats[0].nack_count, stats[0].nack_packet_count), (1, 5));
    assert_eq!(stats[0].packets_retransmitted, 5);
    call.end().await;
}

#[tokio::test]
async fn a_stream_that_pauses_goes_on_with_a_key_frame_and_the_next_number() {
    let call = Call::start().await;
    let publisher = call.publisher().await;
    let subscriber = call.subscriber(&publisher).await;
    let other = call.subscriber(&publisher).await;
    subscriber.until_frames(5).await;

    // The consumer pauses: others see the publisher go on meanwhile.
    subscriber.video.pause().await.unwrap();
    let paused = frames_until_quiet(&subscriber, &other).await;
    subscriber.video.resume().await.unwrap();
    assert_goes_on(&subscriber, paused).await;

    // The producer pauses: tone and picture are paused one by one, so the tone shows the time.
    publisher.video.pause().await.unwrap();
    let audio = subscriber.audio_ssrc;
    let heard = subscriber.endpoint.inbox().packets(audio).count();
    let paused = subscriber.endpoint.inbox().frames.len();
    subscriber
        .endpoint
        .until("twenty packets of tone", |inbox| {
            inbox.packets(audio).count() >= heard + 20
        })
        .await;
    let after = subscriber.endpoint.inbox().frames.len();
    assert!(
        after <= paused + 1,
        "400 ms of tone brought {} frames",
        after - paused
    );
    publisher.video.resume().await.unwrap();
    assert_goes_on(&subscriber, after).await;
    call.end().await;
}

/// The frames of `subscriber` after the worker has stopped sending to it. The packets of `other`
/// show that time passes.
async fn frames_until_quiet(subscriber: &Subscriber, other: &Subscriber) -> usize {
    other.until_more(1).await;
    let before = subscriber.endpoint.inbox().frames.len();
    other.until_more(5).await;
    let after = subscriber.endpoint.inbox().frames.len();
    assert_eq!(after, before, "a paused consumer sends nothing");
    after
}

/// The first frame after the `paused`th is a key frame, and no number is missing.
async fn assert_goes_on(subscriber: &Subscriber, paused: usize) {
    subscriber.until_frames(paused + 5).await;
    let inbox = subscriber.endpoint.inbox();
    assert!(inbox.frames[paused].key_frame);
    let stats = inbox.stats(subscriber.video_ssrc);
    assert_eq!(
        (stats.lost, stats.duplicates, stats.broken_frames),
        (0, 0, 0)
    );
}

async fn send_pli(subscriber: &Subscriber) {
    let pli = RtcpPacket::PictureLossIndication(PictureLossIndication {
        sender: Ssrc(1),
        media: subscriber.video_ssrc,
    });
    let sender = &subscriber.endpoint.sender;
    sender.send_rtcp(&write_compound(&[pli])).await.unwrap();
}

/// When the publisher was asked for a key frame of the picture.
fn picture_losses(inbox: &Inbox) -> impl Iterator<Item = Duration> {
    inbox.rtcp.iter().filter_map(|(at, packet)| {
        matches!(packet, RtcpPacket::PictureLossIndication(pli) if pli.media == VIDEO)
            .then_some(*at)
    })
}

fn begins_key_frame(payload: &[u8]) -> bool {
    let Ok(descriptor) = Vp8Descriptor::parse(payload) else {
        return false;
    };
    descriptor.starts_frame && is_vp8_key_frame(&payload[descriptor.length..])
}
