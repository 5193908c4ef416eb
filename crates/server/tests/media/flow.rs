//! Media from one publisher to its subscribers, and the reports about it.

use std::collections::HashSet;

use tureen_controller::RtpStreamDirection;
use tureen_peer::SrtpProfile;
use tureen_peer::rtcp::RtcpPacket;
use tureen_peer::rtp::Ssrc;

use crate::call::{AUDIO, Call, Publisher, Publishing, Subscriber, VIDEO, media};
use crate::endpoint::{Endpoint, Inbox};

#[tokio::test]
async fn picture_and_tone_reach_two_subscribers_intact() {
    let call = Call::start().await;
    let publisher = call.publisher().await;
    let first = call.subscriber(&publisher).await;
    let second = call.subscriber(&publisher).await;
    for subscriber in [&first, &second] {
        subscriber.until_frames(20).await;
        subscriber.until_more(1).await;
        assert_intact(subscriber);
    }
    // Each stream leaves under numbers of its own.
    let ssrcs = [&first, &second].map(|one| [one.video_ssrc, one.audio_ssrc]);
    let ssrcs: HashSet<Ssrc> = ssrcs.into_iter().flatten().chain([VIDEO, AUDIO]).collect();
    assert_eq!(ssrcs.len(), 6);
    call.end().await;
}

/// Every frame comes from the source, in the same order, and none is lost.
fn assert_intact(subscriber: &Subscriber) {
    let (media, inbox) = (media(), subscriber.endpoint.inbox());
    assert!(inbox.frames[0].key_frame, "it begins with a key frame");
    let mut last_timestamp = None;
    let mut place = 0;
    for frame in &inbox.frames {
        if frame.key_frame {
            place = 0;
        }
        assert_eq!(
            media.picture(place),
            Some(&frame.data[..]),
            "picture {place}"
        );
        place = (place + 1) % media.pictures();
        let elapsed = last_timestamp.map(|last| frame.timestamp.0.wrapping_sub(last));
        assert!(
            elapsed.is_none_or(|ticks| ticks > 0 && ticks < 30 * 90_000),
            "{elapsed:?}"
        );
        last_timestamp = Some(frame.timestamp.0);
    }
    let tone: HashSet<&[u8]> = media.tone().collect();
    assert!(
        inbox
            .packets(subscriber.audio_ssrc)
            .all(|packet| tone.contains(packet.payload()))
    );
    for ssrc in [subscriber.video_ssrc, subscriber.audio_ssrc] {
        let stats = inbox.stats(ssrc);
        assert_eq!(
            (stats.lost, stats.duplicates, stats.broken_frames),
            (0, 0, 0)
        );
    }
}

#[tokio::test]
async fn each_srtp_profile_carries_media_to_each_other() {
    let call = Call::start().await;
    let [gcm_256, gcm_128, sha1] = SrtpProfile::ALL;
    for (sends, receives) in [(gcm_256, gcm_128), (gcm_128, sha1), (sha1, gcm_256)] {
        let endpoint = Endpoint::connect(call.transport().await, &[sends]).await;
        let publisher = Publisher::start(endpoint, &Publishing::default()).await;
        let endpoint = Endpoint::connect(call.transport().await, &[receives]).await;
        let subscriber = Subscriber::start(endpoint, &publisher).await;
        assert_eq!(publisher.endpoint.profile, sends);
        assert_eq!(subscriber.endpoint.profile, receives);
        subscriber.until_frames(3).await;
        subscriber.until_more(2).await;
        assert_intact(&subscriber);
        subscriber.endpoint.leave().await;
        publisher.endpoint.leave().await;
    }
    call.end().await;
}

#[tokio::test]
async fn a_client_that_offers_everything_gets_gcm_256() {
    let call = Call::start().await;
    let offered = [
        SrtpProfile::AesCm128HmacSha1_80,
        SrtpProfile::AeadAes128Gcm,
        SrtpProfile::AeadAes256Gcm,
    ];
    let endpoint = Endpoint::connect(call.transport().await, &offered).await;
    assert_eq!(endpoint.profile, SrtpProfile::AeadAes256Gcm);
    call.end().await;
}

#[tokio::test]
async fn reports_go_both_ways_on_both_sides() {
    let call = Call::start().await;
    let publisher = call.publisher().await;
    let subscriber = call.subscriber(&publisher).await;

    // The worker tells the publisher what arrives of each stream …
    publisher
        .endpoint
        .until("receiver reports on both streams", |inbox| {
            [VIDEO, AUDIO].iter().all(|ssrc| {
                report_blocks(inbox).any(|block| block.ssrc == *ssrc && block.last_sr != 0)
            })
        })
        .await;
    let inbox = publisher.endpoint.inbox();
    assert!(report_blocks(&inbox).all(|block| block.fraction_lost == 0));
    drop(inbox);

    // … and the subscriber what it sends, with a clock that follows the publisher's.
    let ssrcs = [subscriber.video_ssrc, subscriber.audio_ssrc];
    subscriber
        .endpoint
        .until("two sender reports on both streams", |inbox| {
            ssrcs
                .iter()
                .all(|ssrc| inbox.stats(*ssrc).sender_reports >= 2)
        })
        .await;
    // The subscriber's reports tell the worker how far away it is.
    let outbound = async {
        loop {
            let stats = subscriber.video.get_stats().await.unwrap();
            let mut stats = stats.into_iter();
            let sent = stats.find(|one| one.direction == RtpStreamDirection::Outbound);
            if let Some(sent) = sent.filter(|one| one.round_trip_time > 0.0) {
                return sent;
            }
            subscriber.until_more(1).await;
        }
    };
    let sent = crate::within("a round trip time", outbound).await;
    assert!(sent.round_trip_time < 1_000.0, "{sent:?}");
    assert_eq!(sent.packets_lost, 0);
    assert_eq!(sent.ssrc.0, subscriber.video_ssrc.0);
    assert_sender_reports_count(&subscriber);
    call.end().await;
}

/// The numbers in a sender report are those that had arrived by then, give or take packets under
/// way.
fn assert_sender_reports_count(subscriber: &Subscriber) {
    let inbox = subscriber.endpoint.inbox();
    let reports = inbox.rtcp.iter().filter_map(|(at, packet)| match packet {
        RtcpPacket::SenderReport(report) if report.ssrc == subscriber.video_ssrc => {
            Some((*at, report))
        }
        _ => None,
    });
    let mut count = 0;
    for (at, report) in reports {
        let packets = inbox.rtp.iter().take_while(|(time, _)| *time <= at);
        let ssrc = subscriber.video_ssrc.0.to_be_bytes();
        let arrived = packets.filter(|(_, packet)| packet[8..12] == ssrc).count();
        let said = usize::try_from(report.packet_count).unwrap();
        assert!(
            said.abs_diff(arrived) <= 30,
            "{said} said, {arrived} arrived"
        );
        count += 1;
    }
    assert!(count >= 2);
}

fn report_blocks(inbox: &Inbox) -> impl Iterator<Item = &tureen_peer::rtcp::ReportBlock> {
    inbox.rtcp.iter().flat_map(|(_, packet)| match packet {
        RtcpPacket::ReceiverReport(report) => report.reports.iter(),
        RtcpPacket::SenderReport(report) => report.reports.iter(),
        _ => [].iter(),
    })
}
