//! Two peers of this crate connect to each other, and everything that can go wrong with that.

use std::{
    collections::BTreeSet,
    future::Future,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{net::UdpSocket, runtime::Handle};

use super::*;
use crate::{
    DtlsFingerprint, DtlsRole, PeerError, RemoteParameters, SrtpProfile,
    rtp::{PayloadType, RtpHeader, RtpTimestamp, SequenceNumber, Ssrc},
};

mod demo;

/// The test fails after this time; nothing waits so long when all is well.
async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), work)
        .await
        .expect("the test did not end in time")
}

async fn peer(ice_role: IceRole, srtp_profiles: &[SrtpProfile]) -> Peer {
    let config = PeerConfig {
        addresses: LocalAddresses::Loopback,
        ice_role,
        srtp_profiles: srtp_profiles.to_vec(),
        ..PeerConfig::default()
    };
    Peer::new(config).await.unwrap()
}

fn remote(of: &Peer, dtls_role: DtlsRole) -> RemoteParameters {
    let local = of.local();
    RemoteParameters {
        username_fragment: local.username_fragment.clone(),
        password: local.password.clone(),
        candidates: local.candidates.clone(),
        dtls_role,
        fingerprints: vec![local.fingerprint.clone()],
    }
}

/// A controlling DTLS client and a controlled DTLS server, connected.
async fn connected(profiles: &[SrtpProfile]) -> (PeerTransport, PeerTransport) {
    let client = peer(IceRole::Controlling, profiles).await;
    let server = peer(IceRole::Controlled, &SrtpProfile::ALL).await;
    let to_server = remote(&server, DtlsRole::Auto);
    let to_client = remote(&client, DtlsRole::Client);
    let (client, server) = tokio::join!(client.connect(to_server), server.connect(to_client));
    (client.unwrap(), server.unwrap())
}

fn rtp_packet(ssrc: u32, sequence_number: u16) -> Vec<u8> {
    RtpHeader {
        marker: false,
        payload_type: PayloadType(111),
        sequence_number: SequenceNumber(sequence_number),
        timestamp: RtpTimestamp(960),
        ssrc: Ssrc(ssrc),
        extensions: vec![(1, b"0".to_vec())],
    }
    .write(&[sequence_number.to_be_bytes()[1]; 40])
}

const RECEIVER_REPORT: [u8; 8] = [0x80, 201, 0, 1, 0, 0, 0, 9];

async fn exchange(sender: &PeerSender, receiver: &mut PeerTransport, ssrc: u32) {
    // The sequence number wraps in between, so the rollover counter matters.
    for index in 0..20 {
        let packet = rtp_packet(ssrc, 65530_u16.wrapping_add(index));
        sender.send_rtp(&packet).await.unwrap();
        assert_eq!(receiver.recv().await, Some(Incoming::Rtp(packet.into())));
    }
    sender.send_rtcp(&RECEIVER_REPORT).await.unwrap();
    let expected = Incoming::Rtcp(RECEIVER_REPORT.to_vec().into());
    assert_eq!(receiver.recv().await, Some(expected));
}

fn addresses(of: &Peer) -> Vec<SocketAddr> {
    let candidates = of.local().candidates.iter();
    candidates
        .map(|candidate| SocketAddr::new(candidate.address, candidate.port))
        .collect()
}

async fn until_free(address: SocketAddr) {
    while UdpSocket::bind(address).await.is_err() {
        tokio::task::yield_now().await;
    }
}

async fn closed(transport: &PeerTransport) -> PeerState {
    let mut state = transport.state();
    let state = state.wait_for(|state| matches!(state, PeerState::Closed(_)));
    within(state).await.unwrap().clone()
}

#[tokio::test]
async fn rtp_and_rtcp_flow_both_ways_under_each_profile() {
    for profile in SrtpProfile::ALL {
        within(async {
            let (mut client, mut server) = connected(&[profile]).await;
            assert_eq!(client.srtp_profile(), profile);
            assert_eq!(server.srtp_profile(), profile);
            assert_eq!(*client.state().borrow(), PeerState::Connected);
            let (from_client, from_server) = (client.sender(), server.sender());
            exchange(&from_client, &mut server, 1).await;
            exchange(&from_server, &mut client, 2).await;
            let counters = server.counters();
            assert_eq!((counters.rtp_received, counters.rtcp_received), (20, 1));
            client.close().await;
            server.close().await;
        })
        .await;
    }
}

#[tokio::test]
async fn server_takes_the_first_profile_that_the_client_offers() {
    let offered = [SrtpProfile::AesCm128HmacSha1_80, SrtpProfile::AeadAes256Gcm];
    let (client, server) = within(connected(&offered)).await;
    assert_eq!(client.srtp_profile(), SrtpProfile::AesCm128HmacSha1_80);
    assert_eq!(server.srtp_profile(), SrtpProfile::AesCm128HmacSha1_80);
}

#[tokio::test]
async fn certificate_that_was_not_announced_is_refused() {
    for wrong_at_client in [true, false] {
        let client = peer(IceRole::Controlling, &SrtpProfile::ALL).await;
        let server = peer(IceRole::Controlled, &SrtpProfile::ALL).await;
        let mut to_server = remote(&server, DtlsRole::Auto);
        let mut to_client = remote(&client, DtlsRole::Client);
        let zeros = ["00"; 32].join(":");
        let wrong = DtlsFingerprint::new("sha-256", &zeros).unwrap();
        let remote = if wrong_at_client {
            &mut to_server
        } else {
            &mut to_client
        };
        remote.fingerprints = vec![wrong];
        let state = client.state();
        let both = async { tokio::join!(client.connect(to_server), server.connect(to_client)) };
        let (client, server) = within(both).await;
        let (client, server) = (client.err().unwrap(), server.err());
        if wrong_at_client {
            assert!(matches!(client, PeerError::FingerprintMismatch));
        } else {
            assert!(matches!(server, Some(PeerError::FingerprintMismatch)));
        }
        let closed = PeerState::Closed(CloseReason::Failed(client.to_string()));
        assert_eq!(*state.borrow(), closed);
    }
}

#[tokio::test]
async fn wrong_ice_password_ends_at_the_deadline() {
    let client = Peer::new(PeerConfig {
        addresses: LocalAddresses::Loopback,
        step_deadline: Duration::from_millis(300),
        ..PeerConfig::default()
    })
    .await
    .unwrap();
    let server = peer(IceRole::Controlled, &SrtpProfile::ALL).await;
    let mut to_server = remote(&server, DtlsRole::Auto);
    to_server.password = "x".repeat(32);
    let to_client = remote(&client, DtlsRole::Client);
    let serving = tokio::spawn(server.connect(to_client));
    let error = within(client.connect(to_server)).await.err().unwrap();
    assert!(matches!(error, PeerError::IceTimeout(_)), "{error}");
    serving.abort();
}

#[tokio::test]
async fn candidates_are_gathered_on_every_address_by_default() {
    let every = Peer::new(PeerConfig::default()).await.unwrap();
    let loopback = peer(IceRole::Controlling, &SrtpProfile::ALL).await;
    let every: BTreeSet<IpAddr> = addresses(&every).iter().map(SocketAddr::ip).collect();
    let loopback: BTreeSet<IpAddr> = addresses(&loopback).iter().map(SocketAddr::ip).collect();
    assert!(loopback.contains(&IpAddr::from([127, 0, 0, 1])));
    assert!(loopback.iter().all(IpAddr::is_loopback));
    assert!(every.is_superset(&loopback));
}

#[tokio::test]
async fn parameters_that_cannot_work_are_named() {
    let error = Peer::new(PeerConfig {
        srtp_profiles: Vec::new(),
        ..PeerConfig::default()
    })
    .await
    .err()
    .unwrap();
    assert!(matches!(error, PeerError::NoSrtpProfiles));

    let client = peer(IceRole::Controlling, &SrtpProfile::ALL).await;
    let server = peer(IceRole::Controlled, &SrtpProfile::ALL).await;
    let mut to_server = remote(&server, DtlsRole::Auto);
    for candidate in &mut to_server.candidates {
        candidate.protocol = crate::IceProtocol::Tcp;
    }
    let error = client.connect(to_server).await.err().unwrap();
    assert!(matches!(error, PeerError::NoUdpCandidate));
}

#[tokio::test]
async fn close_tells_the_other_side_and_leaves_no_task_behind() {
    let (client, server) = within(connected(&SrtpProfile::ALL)).await;
    let sender = client.sender();
    let client_state = client.state();
    within(client.close()).await;
    let local = PeerState::Closed(CloseReason::Local);
    assert_eq!(*client_state.borrow(), local);
    assert!(matches!(
        sender.send_rtp(&rtp_packet(1, 1)).await,
        Err(SendError::Closed)
    ));
    assert_eq!(
        closed(&server).await,
        PeerState::Closed(CloseReason::Remote)
    );
    drop(server);
    within(async {
        while Handle::current().metrics().num_alive_tasks() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn drop_closes_as_well_and_sockets_are_freed() {
    let client = peer(IceRole::Controlling, &SrtpProfile::ALL).await;
    let server = peer(IceRole::Controlled, &SrtpProfile::ALL).await;
    let addresses = addresses(&client);
    assert!(addresses.iter().any(|address| address.ip().is_loopback()));
    let to_server = remote(&server, DtlsRole::Auto);
    let to_client = remote(&client, DtlsRole::Client);
    let both = async { tokio::join!(client.connect(to_server), server.connect(to_client)) };
    let (client, server) = within(both).await;
    let (client, server) = (client.unwrap(), server.unwrap());
    for address in &addresses {
        assert!(
            UdpSocket::bind(address).await.is_err(),
            "{address} is in use"
        );
    }

    let sender = client.sender();
    drop(client);
    assert_eq!(
        closed(&server).await,
        PeerState::Closed(CloseReason::Remote)
    );
    for address in addresses {
        within(until_free(address)).await;
    }
    drop(sender);
}

#[tokio::test]
async fn connect_that_is_given_up_frees_the_sockets() {
    let client = peer(IceRole::Controlling, &SrtpProfile::ALL).await;
    let silent = peer(IceRole::Controlled, &SrtpProfile::ALL).await;
    let addresses = addresses(&client);
    let mut state = client.state();
    let connecting = tokio::spawn(client.connect(remote(&silent, DtlsRole::Auto)));
    let checking = state.wait_for(|state| *state == PeerState::IceChecking);
    within(checking).await.unwrap();
    connecting.abort();
    for address in addresses {
        within(until_free(address)).await;
    }
}

#[tokio::test]
async fn malformed_and_forged_packets_are_counted_and_nothing_else() {
    let (client, mut server) = within(connected(&SrtpProfile::ALL)).await;
    let sender = client.sender();
    let path = sender.path().unwrap();
    let forged_rtp = [rtp_packet(5, 5), vec![0; 16]].concat();
    let forged_alert = [21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40];
    for datagram in [
        &[0x80, 96, 0][..],
        &[0x81, 200, 0, 1, 0, 0],
        &forged_rtp,
        &forged_alert,
        &[0xff, 0xff],
    ] {
        path.send(datagram).await.unwrap();
    }
    within(exchange(&sender, &mut server, 1)).await;
    let counters = server.counters();
    assert_eq!(counters.malformed, 2);
    assert_eq!(counters.not_authentic, 1);
    // The alert is judged by the task that reads DTLS, which may still be behind.
    within(async {
        while server.counters().ignored < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(*server.state().borrow(), PeerState::Connected);
}
