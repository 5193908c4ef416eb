//! A call over bad links: lost packets are repaired, reports are true, and a subscriber whose
//! stream was interrupted gets a key frame.

use std::time::Duration;

use tureen_tests::link::{LinkConfig, Loss};
use tureen_tests::media::Camera;
use tureen_worker::internal::messages::{Event, RequestBody, StreamStats};

use crate::call::{CAMERA, Call, MICROPHONE, consumer, transport};

const MS: Duration = Duration::from_millis(1);

fn bad_link() -> LinkConfig {
    LinkConfig {
        rate: Some(20_000_000),
        queue: 128 * 1024,
        delay: 40 * MS,
        jitter: 8 * MS,
        reorder: 0.01,
        reorder_by: 12 * MS,
        loss: Loss::Random(0.03),
    }
}

#[test]
fn a_minute_and_a_half_at_three_percent_loss() {
    lossy_call(2, Duration::from_secs(90));
}

/// The call is long enough for every sequence number to wrap, and for SRTP's rollover counters to
/// count.
#[test]
fn ten_minutes_at_three_percent_loss() {
    lossy_call(1, Duration::from_secs(600));
}

fn lossy_call(watchers: usize, duration: Duration) {
    let mut call = Call::connected(1, watchers, Camera::new(4, 1100));
    call.set_links(bad_link(), 7);
    call.world.run_for(duration);
    // Whatever is on its way may arrive.
    let now = call.world.now;
    call.world.peer_mut(0).mute(now, true);
    call.world.run_for(Duration::from_secs(1));

    for number in 1..=watchers {
        let published = call.world.peer(0).packets_published(1);
        let received = &call.world.peer(number).received;
        let (audio, video) = (&received[0], &received[1]);

        // Audio crosses two links and is not repaired: 0.97² of it arrives.
        let heard = audio.listener.packets() as f64 / audio.listener.span() as f64;
        assert!((0.93..0.95).contains(&heard), "{heard}");
        assert_eq!(audio.listener.duplicates, 0);

        // Video is repaired on each link separately. We add no gap to the numbers.
        let numbers = &video.sequence_numbers;
        let span = numbers.last().unwrap() - numbers.first().unwrap() + 1;
        let arrived = numbers.len() as f64 / span as f64;
        assert!(arrived > 0.999, "{arrived}");
        assert!(
            span <= published && span > published - 200,
            "{span} of {published}"
        );
        let viewer = &video.viewer;
        let shown = viewer.decoded as f64 / (viewer.decoded + viewer.skipped) as f64;
        assert!(shown > 0.98, "{shown}");
        assert_eq!(viewer.duplicates, 0);
    }
    reports_are_true(&mut call);
    let counters = call.world.worker.counters();
    assert_eq!((counters.panics, counters.unknown_tuple), (0, 0));
}

/// The worker's own figures about the links, and the figures of its peers.
fn reports_are_true(call: &mut Call) {
    let near = |value: f64, expected: f64, by: f64| (value - expected).abs() <= by;

    let stats = call.stats(CAMERA.mid, RequestBody::ProducerGetStats);
    let [StreamStats::Recv(from_publisher)] = stats.as_slice() else {
        panic!("{stats:?}");
    };
    let base = &from_publisher.base;
    let lost = base.packets_repaired as f64 / from_publisher.packet_count as f64;
    assert!(near(lost, 0.03, 0.01), "{base:?}");
    assert!(base.nack_count > 0 && base.nack_packet_count >= base.packets_repaired);
    // Loss is counted before repair.
    let unrepaired = i64::from(base.packets_lost) - i64::try_from(base.packets_repaired).unwrap();
    assert!((-5..5).contains(&unrepaired), "{base:?}");
    // Up to 8 ms of even jitter and a burst at 20 Mbit/s: a few milliseconds at 90 kHz.
    assert!((90..900).contains(&base.jitter), "{base:?}");

    for number in 1..=call.watchers {
        let stats = call.stats(&consumer(number, CAMERA), RequestBody::ConsumerGetStats);
        let [StreamStats::Send(sent), StreamStats::Recv(_)] = stats.as_slice() else {
            panic!("{stats:?}");
        };
        let resent = sent.base.packets_retransmitted as f64 / sent.packet_count as f64;
        // The link's own loss, and a part of the loss on the publisher's link: the watcher asks for
        // such a packet while its repair is on the way.
        assert!((0.03..0.07).contains(&resent), "{sent:?}");
        assert!(
            near(f64::from(sent.base.round_trip_time), 88.0, 12.0),
            "{sent:?}"
        );
        let audio = call.stats(&consumer(number, MICROPHONE), RequestBody::ConsumerGetStats);
        let StreamStats::Send(audio) = &audio[0] else {
            panic!("{audio:?}");
        };
        // A packet that the publisher's link lost is a gap at the subscriber.
        let lost = f64::from(audio.base.packets_lost) / audio.packet_count as f64;
        assert!(near(lost, 0.06, 0.02), "{audio:?}");

        let received = &call.world.peer(number).received[1];
        let theirs = received.stats.as_ref().expect("the peer counts");
        assert!(theirs.remote.is_some(), "sender reports came: {theirs:?}");
        assert!(theirs.nacks > 0);
    }
    let publisher = call.world.peer(0);
    for egress in &publisher.egress {
        let rtt = egress.rtt.expect("receiver reports came").as_secs_f64();
        assert!(near(rtt, 0.088, 0.012), "{egress:?}");
    }
    let audio = publisher
        .egress
        .iter()
        .find(|e| e.mid == MICROPHONE.mid.into());
    let remote = audio
        .and_then(|e| e.remote.as_ref())
        .expect("it is reported");
    let lost = remote.packets_lost as f64 / publisher.packets_published(0) as f64;
    assert!(near(lost, 0.03, 0.01), "{remote:?}");
}

/// This happens when the connection of an ICE-TCP publisher breaks: nobody can be asked for missing
/// packets.
#[test]
fn a_publisher_whose_path_is_lost_with_packets_missing_costs_nothing() {
    let mut call = Call::connected(1, 1, Camera::new(4, 1100));
    let link = LinkConfig {
        loss: Loss::Random(0.3),
        ..bad_link()
    };
    call.set_links(link, 7);
    for _ in 0..20 {
        call.world.run_for(Duration::from_millis(300));
        let path = call.world.path(0).unwrap();
        let now = call.world.now;
        call.world.worker.handle_path_closed(now, path);
        // The world refuses to go round in circles.
        call.world.run_for(Duration::from_millis(100));
    }
}

#[test]
fn whoever_pauses_a_stream_begins_again_with_a_key_frame() {
    let mut call = Call::connected(2, 2, Camera::new(3, 600));
    let id = consumer(1, CAMERA);
    call.world.run_for(Duration::from_secs(1));
    for (handler, pause, resume) in [
        (
            id.as_str(),
            RequestBody::ConsumerPause,
            RequestBody::ConsumerResume,
        ),
        (
            CAMERA.mid,
            RequestBody::ProducerPause,
            RequestBody::ProducerResume,
        ),
    ] {
        let is_producer = handler == CAMERA.mid;
        let (_, made) = call.world.peer(0).key_frames(1);
        call.world.request(handler, pause).unwrap();
        call.world.run_for(Duration::from_secs(1));
        let before = [1, 2].map(|n| call.world.peer(n).received[1].sequence_numbers.len());
        call.world.run_for(Duration::from_secs(1));
        let after = [1, 2].map(|n| call.world.peer(n).received[1].sequence_numbers.len());
        assert_eq!(before[0], after[0], "nothing comes while it is paused");
        assert_eq!(
            is_producer,
            before[1] == after[1],
            "others are not concerned"
        );

        call.world.peer_mut(1).received[1].viewer.interrupt();
        if is_producer {
            call.world.peer_mut(2).received[1].viewer.interrupt();
        }
        let highest = *call.world.peer(1).received[1]
            .sequence_numbers
            .last()
            .unwrap();
        call.world.request(handler, resume).unwrap();
        call.world.run_for(Duration::from_secs(1));
        let (_, now_made) = call.world.peer(0).key_frames(1);
        assert_eq!(now_made, made + 1);
        let received = &call.world.peer(1).received[1];
        assert!(received.viewer.is_playing());
        assert_eq!(
            received.viewer.skipped, 0,
            "the first frame is the key frame"
        );
        assert!(received.sequence_numbers.contains(&(highest + 1)), "no gap");
    }
    let told: Vec<_> = call
        .world
        .events
        .iter()
        .filter(|(handler, _)| *handler == id)
        .map(|(_, event)| event.clone())
        .filter(|event| !matches!(event, Event::ConsumerScore(_)))
        .collect();
    assert_eq!(
        told,
        [Event::ConsumerProducerPause, Event::ConsumerProducerResume]
    );
}

#[test]
fn closing_a_producer_ends_its_consumers_and_closing_a_transport_tells_the_peer() {
    let mut call = Call::connected(3, 2, Camera::new(2, 300));
    let close = RequestBody::TransportCloseProducer {
        producer_id: CAMERA.mid.to_owned(),
    };
    call.world.events.clear();
    call.world.request(&transport(0), close).unwrap();
    for number in 1..=2 {
        let closed = (consumer(number, CAMERA), Event::ConsumerProducerClose);
        assert!(call.world.events.contains(&closed));
        let gone = call
            .world
            .request(&consumer(number, CAMERA), RequestBody::ConsumerDump);
        assert_eq!(gone.unwrap_err().class(), "NotFoundError");
    }
    let heard = call.world.peer(1).received[0].listener.packets();
    call.world.run_for(Duration::from_secs(1));
    assert!(
        call.world.peer(1).received[0].listener.packets() > heard + 40,
        "audio goes on"
    );

    let close = RequestBody::RouterCloseTransport {
        transport_id: transport(1),
    };
    call.world.request("router", close).unwrap();
    call.world.run_for(Duration::from_secs(1));
    assert!(call.world.peer(1).is_closed, "by close_notify");
    assert!(!call.world.peer(2).is_closed);
}
