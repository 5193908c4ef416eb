//! docs/security.md rules 2 and 3: a peer that is not the signalled one gets nowhere and costs
//! nobody else anything. A peer that falls silent is given up.

use std::time::Duration;

use tureen_tests::link::{LinkConfig, Loss};
use tureen_tests::media::Camera;
use tureen_worker::internal::messages::{Event, RequestBody, ResponseBody};
use tureen_worker::internal::params::{DtlsState, IceState};

use crate::call::{Call, SERVER, address, transport};
use crate::spray::binding;

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

/// A participant forges the source address of another one in checks for a transport of its own.
/// With every check it would get the other one's path, and the other one would be cut off until its
/// next check.
#[test]
fn forged_checks_of_a_participant_take_no_path_that_is_in_use() {
    let mut call = Call::connected(6, 1, Camera::new(4, 300));
    let ice = call.invite(2, |_, _| {});
    call.world.run_for(Duration::from_secs(3));
    let username = format!("{}:x", ice.username_fragment);
    let check = binding(&username, ice.password.as_bytes(), true);
    let victims = [0, 1].map(|number| states(&mut call, number));
    call.world.events.clear();
    for round in 0..400 {
        call.world.inject(address(round % 2), SERVER, &check);
        call.world.run_for(Duration::from_millis(10));
    }
    let told = call.world.events.iter();
    let told: Vec<_> = told
        .filter(|(_, event)| !matches!(event, Event::ConsumerScore(_) | Event::ProducerScore(_)))
        .collect();
    assert!(told.is_empty(), "{told:?}");
    assert_eq!(victims, [0, 1].map(|number| states(&mut call, number)));
    let freeze = call.world.peer(1).received[1].viewer.longest_freeze;
    assert!(freeze <= Duration::from_millis(60), "{freeze:?}");
    assert_eq!(call.world.worker.counters().path_in_use, 400);
    let counted = call.world.worker.drops().to_string();
    assert!(counted.contains("worker.path_in_use=400"), "{counted}");
}

/// The address and port of one who has left may be given to the next.
#[test]
fn a_path_is_free_for_the_next_when_nothing_came_on_it_for_a_while() {
    let mut call = Call::connected(7, 1, Camera::new(5, 300));
    let ice = call.invite(2, |_, _| {});
    call.world.run_for(Duration::from_secs(3));
    let gone = LinkConfig {
        loss: Loss::Random(1.0),
        ..LinkConfig::default()
    };
    call.world.set_link(1, gone, gone, 1);
    call.world.run_for(Duration::from_millis(2100));
    let username = format!("{}:x", ice.username_fragment);
    let check = binding(&username, ice.password.as_bytes(), true);
    call.world.inject(address(1), SERVER, &check);
    assert_eq!(states(&mut call, 1).0, IceState::Disconnected);
    let dump = call
        .world
        .request(&transport(2), RequestBody::TransportDump);
    let Ok(ResponseBody::WebRtcTransportDump(dump)) = dump else {
        panic!("no dump: {dump:?}");
    };
    let tuple = dump.ice_selected_tuple.expect("it has a path");
    assert_eq!(tuple.remote_ip, Some(address(1).ip().to_string()));
    assert_eq!(call.world.worker.counters().path_in_use, 0);
}
