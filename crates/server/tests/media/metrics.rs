//! What a worker tells a monitoring system, against what its peers have sent and received.

use tureen_controller::WorkerDetails;

use crate::call::{Call, Publisher};
use crate::endpoint::Inbox;

#[tokio::test]
async fn the_figures_of_a_call_agree_with_what_was_sent() {
    let call = Call::start().await;
    let idle = details(&call).await;
    let entities = |of: &WorkerDetails| (of.routers, of.transports, of.producers, of.consumers);
    assert_eq!(entities(&idle), (1, 0, 0, 0));
    assert_eq!((idle.web_rtc_servers, idle.received.bytes), (1, 0));
    assert!(idle.resident_bytes > 0);

    let publisher = call.publisher().await;
    let subscriber = call.subscriber(&publisher).await;
    subscriber.until_frames(20).await;
    // Media goes on, so each figure lies between two looks at what it counts.
    let arrived = |inbox: &Inbox| inbox.rtp.len() as u64;
    let at_subscriber = arrived(&subscriber.endpoint.inbox());
    let before = received_by_producers(&publisher).await;
    let busy = details(&call).await;
    let after = received_by_producers(&publisher).await;
    assert_eq!(entities(&busy), (1, 2, 2, 2));
    let of_streams = busy.received.rtp_packets + busy.received.rtx_packets;
    assert!((before..=after).contains(&of_streams), "{busy:?}");
    assert!(busy.sent.rtp_packets >= at_subscriber, "{busy:?}");
    assert!(busy.received.bytes > busy.received.rtp_bytes, "{busy:?}");
    assert!(busy.received.rtp_bytes > 0 && busy.sent.bytes > busy.sent.rtp_bytes);
    assert!(busy.turns.counts.iter().sum::<u64>() > idle.turns.counts.iter().sum());
    assert_eq!(busy.turns.counts.len(), busy.turns.bounds.len() + 1);

    // The subscriber's picture began with a key frame that was asked for.
    let asked = publisher.demo.stats().key_frame_requests;
    assert!(asked >= 1 && details(&call).await.sent.plis >= asked);

    subscriber.endpoint.transport.close();
    publisher.endpoint.transport.close();
    let last = details(&call).await;
    assert_eq!(entities(&last), (1, 0, 0, 0));
    assert!(
        last.received.rtp_packets >= busy.received.rtp_packets,
        "{last:?}"
    );
    assert!(last.sent.rtp_packets >= busy.sent.rtp_packets, "{last:?}");
    call.end().await;
}

/// What nobody listens to is told by name, and what has not happened is there with 0.
#[tokio::test]
async fn drops_are_told_by_reason() {
    let call = Call::start().await;
    let idle = details(&call).await;
    assert!(idle.dropped.values().all(|count| *count == 0), "{idle:?}");
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = call.address().await;
    // RTP from a stranger, and what no protocol begins with.
    socket.send_to(&[0x80; 40], address).await.unwrap();
    socket.send_to(&[0xff; 40], address).await.unwrap();
    let told = crate::within("both drops", async {
        loop {
            let now = details(&call).await.dropped;
            if now["worker.unknown_tuple"] == 1 && now["worker.unknown_protocol"] == 1 {
                break now;
            }
        }
    });
    let told = told.await;
    assert_eq!(told.values().sum::<u64>(), 2, "{told:?}");
    call.end().await;
}

async fn details(call: &Call) -> WorkerDetails {
    let metrics = call.worker.metrics().await.unwrap();
    metrics.details.expect("a worker of this project")
}

async fn received_by_producers(publisher: &Publisher) -> u64 {
    let mut packets = 0;
    for producer in [&publisher.video, &publisher.audio] {
        let stats = producer.get_stats().await.unwrap();
        packets += stats.iter().map(|stream| stream.packet_count).sum::<u64>();
    }
    packets
}
