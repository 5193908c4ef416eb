//! Closing things from the controller, and what everybody is told.

use tokio::net::UdpSocket;
use tureen_controller::{
    CloseReason, ConsumerEvent, DtlsState, Events, ProducerEvent, RouterEvent, WebRtcTransportEvent,
};
use tureen_peer::PeerState;

use crate::call::Call;
use crate::within;

/// The state of a client whose transport was closed: the worker has said goodbye.
const CLOSED: PeerState = PeerState::Closed(tureen_peer::CloseReason::Remote);

#[tokio::test]
async fn a_producer_takes_its_consumers_along_and_leaves_the_rest() {
    let call = Call::start().await;
    let publisher = call.publisher().await;
    let subscriber = call.subscriber(&publisher).await;
    subscriber.until_frames(3).await;

    let mut events = subscriber.video.events();
    publisher.video.close();
    let reason = last(&mut events, |event| match event {
        ConsumerEvent::Closed(reason) => Some(reason),
        _ => None,
    });
    assert_eq!(reason.await, CloseReason::ProducerClosed);

    // The tone goes on, without the picture.
    let (frames, heard) = {
        let inbox = subscriber.endpoint.inbox();
        let heard = inbox.packets(subscriber.audio_ssrc).count();
        (inbox.frames.len(), heard)
    };
    subscriber
        .endpoint
        .until("twenty packets of tone", |inbox| {
            inbox.packets(subscriber.audio_ssrc).count() >= heard + 20
        })
        .await;
    // Packets that were under way when the producer closed may still have come.
    assert!(subscriber.endpoint.inbox().frames.len() <= frames + 1);
    assert!(!subscriber.audio.is_closed());
    let dump = call.router.dump().await.unwrap();
    assert_eq!(dump.map_producer_id_consumer_ids.len(), 1);
    assert_eq!(dump.map_consumer_id_producer_id.len(), 1);
    call.end().await;
}

#[tokio::test]
async fn a_transport_tells_its_client_and_the_consumers_of_its_producers() {
    let call = Call::start().await;
    let publisher = call.publisher().await;
    let subscriber = call.subscriber(&publisher).await;
    let other = call.subscriber(&publisher).await;
    other.until_frames(3).await;

    let mut events = subscriber.video.events();
    subscriber.endpoint.transport.close();
    subscriber.endpoint.until_state(&CLOSED).await;
    let closed = last(&mut events, consumer_closed).await;
    assert_eq!(closed, CloseReason::TransportClosed);
    other.until_more(3).await;

    let (mut produced, mut consumed) = (publisher.video.events(), other.video.events());
    publisher.endpoint.transport.close();
    publisher.endpoint.until_state(&CLOSED).await;
    let closed = last(&mut consumed, consumer_closed).await;
    assert_eq!(closed, CloseReason::ProducerClosed);
    let closed = last(&mut produced, |event| match event {
        ProducerEvent::Closed(reason) => Some(reason),
        _ => None,
    });
    assert_eq!(closed.await, CloseReason::TransportClosed);
    let dump = call.router.dump().await.unwrap();
    assert_eq!(
        dump.transport_ids,
        [other.endpoint.transport.id().to_owned()]
    );
    call.end().await;
}

#[tokio::test]
async fn a_router_closes_all_that_is_in_it() {
    let call = Call::start().await;
    let publisher = call.publisher().await;
    let subscriber = call.subscriber(&publisher).await;
    subscriber.until_frames(3).await;

    let mut events = call.router.events();
    let mut transport = subscriber.endpoint.transport.events();
    let mut consumer = subscriber.video.events();
    call.router.close();
    for endpoint in [&publisher.endpoint, &subscriber.endpoint] {
        endpoint.until_state(&CLOSED).await;
    }
    assert_eq!(
        events.next().await,
        Some(RouterEvent::Closed(CloseReason::Closed))
    );
    let closed = last(&mut transport, transport_closed).await;
    assert_eq!(closed, CloseReason::RouterClosed);
    let closed = last(&mut consumer, consumer_closed).await;
    assert_eq!(closed, CloseReason::RouterClosed);

    let dump = call.worker.dump().await.unwrap();
    assert!(dump.router_ids.is_empty());
    // The WebRtcServer is all that is left to take requests.
    let handlers = dump.channel_message_handlers;
    let server = call.server.id().to_string();
    assert_eq!(handlers.channel_request_handlers, [server]);
    assert!(handlers.channel_notification_handlers.is_empty());
    let dump = call.server.dump().await.unwrap();
    assert!(dump.web_rtc_transport_ids.is_empty());
    assert!(dump.local_ice_username_fragments.is_empty());
    call.end().await;
}

#[tokio::test]
async fn a_web_rtc_server_closes_its_transports_and_frees_its_port() {
    let call = Call::start().await;
    let publisher = call.publisher().await;
    let subscriber = call.subscriber(&publisher).await;
    subscriber.until_frames(3).await;
    let address = call.address().await;
    assert!(UdpSocket::bind(address).await.is_err(), "it is in use");

    let mut transport = subscriber.endpoint.transport.events();
    let mut consumer = subscriber.video.events();
    call.server.close();
    for endpoint in [&publisher.endpoint, &subscriber.endpoint] {
        endpoint.until_state(&CLOSED).await;
    }
    let closed = last(&mut transport, transport_closed).await;
    assert_eq!(closed, CloseReason::WebRtcServerClosed);
    let closed = last(&mut consumer, consumer_closed).await;
    assert_eq!(closed, CloseReason::WebRtcServerClosed);

    // Requests are answered in order, so after an answer the server is gone.
    let dump = call.worker.dump().await.unwrap();
    assert!(dump.web_rtc_server_ids.is_empty());
    UdpSocket::bind(address).await.unwrap();
    let dump = call.router.dump().await.unwrap();
    assert!(dump.transport_ids.is_empty() && dump.map_producer_id_consumer_ids.is_empty());
    call.end().await;
}

#[tokio::test]
async fn a_client_that_leaves_is_told_to_the_controller() {
    let call = Call::start().await;
    let publisher = call.publisher().await;
    let subscriber = call.subscriber(&publisher).await;
    subscriber.until_frames(3).await;
    let mut events = publisher.endpoint.transport.events();
    publisher.endpoint.leave().await;
    last(&mut events, |event| match event {
        WebRtcTransportEvent::DtlsStateChanged { state, .. } => {
            (state == DtlsState::Closed).then_some(())
        }
        _ => None,
    })
    .await;
    // Its streams stay until the controller closes them.
    assert!(!publisher.video.is_closed());
    call.end().await;
}

/// The first event that `wanted` accepts. For an entity that closes, this is its last event.
async fn last<E, T>(events: &mut Events<E>, wanted: impl Fn(E) -> Option<T>) -> T {
    let search = async {
        loop {
            let event = events.next().await.expect("the event is still to come");
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    };
    within("an event", search).await
}

fn consumer_closed(event: ConsumerEvent) -> Option<CloseReason> {
    match event {
        ConsumerEvent::Closed(reason) => Some(reason),
        _ => None,
    }
}

fn transport_closed(event: WebRtcTransportEvent) -> Option<CloseReason> {
    match event {
        WebRtcTransportEvent::Closed(reason) => Some(reason),
        _ => None,
    }
}
