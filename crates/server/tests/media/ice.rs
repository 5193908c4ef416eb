//! Paths that are found, lost, forged and changed.

use std::time::Duration;

use tureen_controller::{
    DtlsState, Events, IceState, WebRtcTransport, WebRtcTransportEvent, WebRtcTransportOptions,
};
use tureen_peer::{PeerError, SrtpProfile};

use crate::call::{Call, Publisher, Publishing, Subscriber};
use crate::endpoint::{Endpoint, new_peer, new_peer_with_patience, remote_parameters};
use crate::relay::{Relay, nomination};
use crate::signaling::dtls_parameters;
use crate::within;

#[tokio::test]
async fn an_ice_restart_changes_the_path_and_media_goes_on() {
    let call = Call::start().await;
    let publisher = call.publisher().await;
    let subscriber = call.subscriber(&publisher).await;
    subscriber.until_frames(3).await;
    for endpoint in [&publisher.endpoint, &subscriber.endpoint] {
        let transport = &endpoint.transport;
        let before = (
            transport.ice_parameters(),
            transport.ice_selected_tuple().unwrap(),
        );
        let after = transport.restart_ice().await.unwrap();
        assert_ne!(before.0.username_fragment, after.username_fragment);
        assert_ne!(before.0.password, after.password);
        // Until the client takes part, the old path works as before.
        subscriber.until_more(2).await;

        let mut events = transport.events();
        endpoint.restart_ice().await;
        until(&mut events, |event| match event {
            WebRtcTransportEvent::IceSelectedTupleChanged(tuple) => {
                (tuple.remote_port != before.1.remote_port).then_some(())
            }
            _ => None,
        })
        .await;
        subscriber.until_more(5).await;
        assert_eq!(transport.dtls_state(), DtlsState::Connected);
    }
    call.end().await;
}

#[tokio::test]
async fn a_client_that_falls_silent_loses_consent_after_ten_seconds() {
    let call = Call::start().await;
    let publisher = call.publisher().await;
    let mut options = WebRtcTransportOptions::with_server(call.server.clone());
    options.ice_consent_timeout = 10;
    let transport = call.router.create_web_rtc_transport(options).await.unwrap();
    let relay = Relay::to(call.address().await).await;
    let endpoint = through(&relay, transport).await;
    let mut events = endpoint.transport.events();
    let subscriber = Subscriber::start(endpoint, &publisher).await;
    subscriber.until_frames(3).await;

    relay.cut();
    let cut = tokio::time::Instant::now();
    until(&mut events, ice_state(IceState::Disconnected)).await;
    let silent = cut.elapsed();
    // The last check came up to one interval of the client before, which is two seconds.
    assert!(
        silent >= Duration::from_secs(7),
        "it was given up after {silent:?}"
    );
    assert_eq!(subscriber.endpoint.transport.ice_selected_tuple(), None);

    // Without consent nothing more is sent to it, while the rest of the room goes on.
    let other = call.subscriber(&publisher).await;
    other.until_frames(1).await;
    let sent = relay.path().received();
    other.until_more(10).await;
    assert_eq!(relay.path().received(), sent);
    call.end().await;
}

/// Firefox nominates in every check, also on a path on which it hears no answer.
#[tokio::test]
async fn a_client_that_nominates_a_path_of_one_way_gets_its_media_on_the_other() {
    let call = Call::start().await;
    let publisher = call.publisher().await;
    let mut relay = Relay::to(call.address().await).await;
    let endpoint = through(&relay, call.transport().await).await;
    let transport = endpoint.transport.clone();
    let subscriber = Subscriber::start(endpoint, &publisher).await;
    subscriber.until_frames(3).await;
    let (one_way, both_ways) = (relay.path(), relay.other_path().await);
    relay.move_to(both_ways.clone(), &transport).await;
    one_way.deafen();
    let ice = transport.ice_parameters();
    let nominating = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            let request = nomination(&ice.username_fragment, &ice.password);
            one_way.send(&request.raw).await;
        }
    });
    // Its reports, which come on the other path, show where it listens.
    subscriber.until_more(10).await;
    let tuple = transport.ice_selected_tuple().unwrap();
    assert_eq!(tuple.remote_port, Some(both_ways.port()));
    assert!(!nominating.is_finished());
    nominating.abort();
    call.end().await;
}

#[tokio::test]
async fn a_path_that_another_transport_takes_over_gets_nothing_from_the_first() {
    let call = Call::start().await;
    let publisher = call.publisher().await;
    let relay = Relay::to(call.address().await).await;
    let endpoint = through(&relay, call.transport().await).await;
    let mut events = endpoint.transport.events();
    let subscriber = Subscriber::start(endpoint, &publisher).await;
    subscriber.until_frames(3).await;

    let second = call.transport().await;
    let ice = second.ice_parameters();
    let request = nomination(&ice.username_fragment, &ice.password);
    // The first client says nothing more, or it would take the path back.
    relay.cut();
    // The path is free for others when the first client has been silent for a while.
    let path = relay.path();
    let asking = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(300));
        loop {
            ticks.tick().await;
            path.send(&request.raw).await;
        }
    });
    until(&mut events, ice_state(IceState::Disconnected)).await;
    asking.abort();
    let sent = relay.path().received();
    let other = call.subscriber(&publisher).await;
    other.until_frames(10).await;
    // The answer to the check may still have been on its way.
    assert!(relay.path().received() <= sent + 1);
    let tuple = second.ice_selected_tuple().unwrap();
    assert_eq!(tuple.remote_port, Some(relay.path().port()));
    call.end().await;
}

#[tokio::test]
async fn a_client_with_the_wrong_certificate_gets_nothing() {
    let call = Call::start().await;
    let publisher = call.publisher().await;
    let transport = call.transport().await;
    let patience = Duration::from_secs(8);
    let peer = new_peer_with_patience(&SrtpProfile::ALL, patience).await;
    let stranger = new_peer(&SrtpProfile::ALL).await;
    transport
        .connect(&dtls_parameters(stranger.local()))
        .await
        .unwrap();
    let capabilities = call.router.rtp_capabilities().clone();
    let options =
        tureen_controller::ConsumerOptions::new(publisher.video.id().clone(), capabilities);
    let consumer = transport.consume(options).await.unwrap();

    let mut events = transport.events();
    let connecting = tokio::spawn(peer.connect(remote_parameters(&transport)));
    until(&mut events, |event| match event {
        WebRtcTransportEvent::DtlsStateChanged { state, .. } => {
            assert_ne!(state, DtlsState::Connected);
            (state == DtlsState::Failed).then_some(())
        }
        _ => None,
    })
    .await;
    // The client hears of it, or at the latest gives up; no media comes in between.
    let other = call.subscriber(&publisher).await;
    other.until_frames(10).await;
    let stats = consumer.get_stats().await.unwrap();
    assert_eq!(stats[0].packet_count, 0);
    assert_eq!(transport.dtls_state(), DtlsState::Failed);
    let connected = within("a failure", connecting).await.unwrap();
    assert!(connected.is_err());
    call.end().await;
}

#[tokio::test]
async fn a_client_with_the_wrong_password_never_connects() {
    let call = Call::start().await;
    let transport = call.transport().await;
    let peer = new_peer_with_patience(&SrtpProfile::ALL, Duration::from_secs(1)).await;
    transport
        .connect(&dtls_parameters(peer.local()))
        .await
        .unwrap();
    let mut remote = remote_parameters(&transport);
    remote.password = "0".repeat(32);
    let refused = within("giving up", peer.connect(remote)).await.err();
    assert!(matches!(refused, Some(PeerError::IceTimeout(_))));
    assert_eq!(transport.ice_state(), IceState::New);
    assert_eq!(transport.ice_selected_tuple(), None);
    let stats = transport.get_stats().await.unwrap();
    assert_eq!(stats.ice_state, IceState::New);
    assert_eq!(stats.dtls_state, DtlsState::New);
    call.end().await;
}

#[tokio::test]
async fn a_client_that_roams_takes_its_media_along() {
    let call = Call::start().await;
    let worker = call.address().await;
    let (mut here, mut there) = (Relay::to(worker).await, Relay::to(worker).await);
    let endpoint = through(&here, call.transport().await).await;
    let publisher = Publisher::start(endpoint, &Publishing::default()).await;
    let endpoint = through(&there, call.transport().await).await;
    let subscriber = Subscriber::start(endpoint, &publisher).await;
    subscriber.until_frames(3).await;

    // The subscriber first: what is sent to it goes to the new address, and only there.
    let transport = subscriber.endpoint.transport.clone();
    let (old, new) = (there.path(), there.other_path().await);
    let mut events = transport.events();
    there.move_to(new.clone(), &transport).await;
    until(&mut events, tuple_with_port(new.port())).await;
    subscriber.until_more(3).await;
    let (left, arrived) = (old.received(), new.received());
    subscriber.until_more(5).await;
    assert_eq!(old.received(), left, "nothing goes to the old address");
    assert!(new.received() > arrived);

    // The publisher: what it sends comes from the new address.
    let transport = publisher.endpoint.transport.clone();
    let new = here.other_path().await;
    let mut events = transport.events();
    here.move_to(new.clone(), &transport).await;
    until(&mut events, tuple_with_port(new.port())).await;
    subscriber.until_more(5).await;
    call.end().await;
}

#[tokio::test]
async fn a_stranger_cannot_take_media_away() {
    let call = Call::start().await;
    let publisher = call.publisher().await;
    let relay = Relay::to(call.address().await).await;
    let endpoint = through(&relay, call.transport().await).await;
    let subscriber = Subscriber::start(endpoint, &publisher).await;
    subscriber.until_frames(3).await;

    // The stranger knows the user name, which travels in the clear, and replays what it has seen.
    let transport = &subscriber.endpoint.transport;
    let ice = transport.ice_parameters();
    let stranger = relay.other_path().await;
    let forged = nomination(&ice.username_fragment, "not the password of the transport");
    for _ in 0..20 {
        stranger.send(&forged.raw).await;
        for datagram in relay.seen() {
            // A replayed binding request is still sound, because ICE has no protection against
            // replay.
            if datagram[0] > 3 {
                stranger.send(&datagram).await;
            }
        }
    }
    subscriber.until_more(5).await;
    let tuple = transport.ice_selected_tuple().unwrap();
    assert_eq!(tuple.remote_port, Some(relay.path().port()));
    call.end().await;
}

/// A client whose only way to the worker is `relay`.
pub(crate) async fn through(relay: &Relay, transport: WebRtcTransport) -> Endpoint {
    let peer = new_peer(&SrtpProfile::ALL).await;
    let remote = relay.remote_parameters(&transport);
    Endpoint::connect_over(transport, peer, remote).await
}

/// Waits for the event that `wanted` takes.
async fn until<T>(
    events: &mut Events<WebRtcTransportEvent>,
    wanted: impl Fn(WebRtcTransportEvent) -> Option<T>,
) -> T {
    let search = async {
        loop {
            let event = events.next().await.expect("the transport is open");
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    };
    within("an event of the transport", search).await
}

fn ice_state(wanted: IceState) -> impl Fn(WebRtcTransportEvent) -> Option<()> {
    move |event| (event == WebRtcTransportEvent::IceStateChanged(wanted)).then_some(())
}

fn tuple_with_port(port: u16) -> impl Fn(WebRtcTransportEvent) -> Option<()> {
    move |event| match event {
        WebRtcTransportEvent::IceSelectedTupleChanged(tuple) => {
            (tuple.remote_port == Some(port)).then_some(())
        }
        _ => None,
    }
}
