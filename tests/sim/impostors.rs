//! docs/security.md rules 2 and 3: a peer that is not the signalled one gets nowhere and costs
//! nobody else anything. A peer that falls silent is given up.

use std::time::Duration;

use tureen_tests::link::{LinkConfig, Loss};
use tureen_tests::media::Camera;
use tureen_worker::internal::messages::{Event, RequestBody, ResponseBody};
use tureen_worker::internal::params::{DtlsState, IceState};

use crate::call::{Call, address, transport};

fn states(call: &mut Call, number: usize) -> (IceState, DtlsState) {
    let dump = call
        .world
        .request(&transport(number), RequestBody::TransportDump);
    match dump {
        Ok(ResponseBody::WebRtcTransportDump(dump)) => (dump.ice_state, dump.dtls_state),
        other => panic!("no dump: {other:?}"),
    }
}

/// Pion CVE-2021-28681: the session could be used after the fingerprint check had failed.
#[test]
fn another_certificate_than_the_one_that_was_signalled_ends_the_session() {
    let mut call = Call::empty(1);
    call.invite(0, |dtls, _| {
        dtls.fingerprints[0].value = ["AB"; 32].join(":");
    });
    call.world.run_for(Duration::from_secs(5));
    assert_eq!(
        states(&mut call, 0),
        (IceState::Completed, DtlsState::Failed)
    );
    let told: Vec<_> = call.world.events.iter().map(|(_, event)| event).collect();
    let failed = Event::DtlsStateChange {
        state: DtlsState::Failed,
        remote_certificate: None,
    };
    assert!(told.contains(&&failed), "{told:?}");
    let connected = told.iter().any(|event| {
        let state = DtlsState::Connected;
        matches!(event, Event::DtlsStateChange { state: s, .. } if *s == state)
    });
    assert!(!connected, "{told:?}");
    // The next one, who is genuine, is let in.
    call.invite(1, |_, _| {});
    call.world.run_for(Duration::from_secs(5));
    assert_eq!(
        states(&mut call, 1),
        (IceState::Completed, DtlsState::Connected)
    );
}

#[test]
fn who_does_not_know_the_ice_password_does_not_get_as_far_as_dtls() {
    let mut call = Call::empty(2);
    call.invite(0, |_, ice| ice.password = "wrong".repeat(5));
    call.world.run_for(Duration::from_secs(10));
    assert_eq!(states(&mut call, 0), (IceState::New, DtlsState::New));
    assert!(!call.world.peer(0).is_connected);
}

/// The ClientHello race again (CVE-2023-49786 and its kin): the first one at the port, before ICE
/// has validated anyone, gets nothing and takes nothing.
#[test]
fn a_client_hello_before_ice_is_dropped() {
    let mut recorded = Call::recorded(3, 0, Camera::new(1, 100));
    let seen = recorded.world.incoming.take().unwrap_or_default();
    let hello = seen.into_iter().map(|(_, datagram)| datagram);
    let hello: Vec<_> = hello.filter(|d| d[0] == 22).take(1).collect();
    assert_eq!(hello.len(), 1);

    let mut call = Call::empty(4);
    call.invite(0, |_, _| {});
    for from in [address(0), address(9)] {
        call.world.tap = Some(Vec::new());
        call.world.inject(from, crate::call::SERVER, &hello[0]);
        assert_eq!(call.world.tap.take(), Some(Vec::new()));
    }
    assert_eq!(call.world.worker.counters().unknown_tuple, 2);
    assert_eq!(states(&mut call, 0), (IceState::New, DtlsState::New));
    call.world.run_for(Duration::from_secs(5));
    assert_eq!(
        states(&mut call, 0),
        (IceState::Completed, DtlsState::Connected)
    );
}

/// RFC 7675: a peer whose consent has run out is sent nothing more.
#[test]
fn a_peer_that_falls_silent_is_given_up_and_sent_nothing() {
    let mut call = Call::connected(5, 1, Camera::new(2, 300));
    let deaf = LinkConfig {
        loss: Loss::Random(1.0),
        ..LinkConfig::default()
    };
    call.world.set_link(1, deaf, LinkConfig::default(), 1);
    call.world.run_for(Duration::from_secs(20));
    assert_eq!(states(&mut call, 1).0, IceState::Completed);
    call.world.run_for(Duration::from_secs(20));
    assert_eq!(states(&mut call, 1).0, IceState::Disconnected);
    let told = (transport(1), Event::IceStateChange(IceState::Disconnected));
    assert!(call.world.events.contains(&told));
    let sent = call.world.traffic(1).down.sent;
    call.world.run_for(Duration::from_secs(5));
    assert_eq!(call.world.traffic(1).down.sent, sent);
    assert_eq!(states(&mut call, 0).0, IceState::Completed, "others stay");
}
