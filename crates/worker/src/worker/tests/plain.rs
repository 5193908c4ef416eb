//! Plain transports: addresses that are named and addresses that are learned, keys, ports.

use super::*;
use crate::messages::{CreatePlainTransport, PlainConnect, PlainConnected, PlainTransportDump};
use crate::params::{SrtpCryptoSuite, SrtpParameters};

const REMOTE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 7);
const STRANGER: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8);

fn create_plain(id: &str) -> CreatePlainTransport {
    let Listen::Individual(infos) = create(id).listen else {
        unreachable!("it has sockets of its own");
    };
    CreatePlainTransport {
        transport_id: id.into(),
        base: TransportOptions::default(),
        listen_info: infos[0].clone(),
        rtcp_listen_info: None,
        rtcp_mux: true,
        comedia: false,
        srtp_crypto_suite: None,
    }
}

fn named_remote() -> PlainConnect {
    PlainConnect {
        ip: Some("127.0.0.1".into()),
        port: Some(7),
        ..PlainConnect::default()
    }
}

/// An RTP packet of the producer with SSRC 1.
fn rtp() -> Vec<u8> {
    vec![0x80, 100, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xfc, 1, 2]
}

/// A receiver report without blocks.
fn rtcp() -> Vec<u8> {
    vec![0x80, 201, 0, 1, 0, 0, 0, 1]
}

impl Rig {
    fn plain(&mut self, create: CreatePlainTransport) -> PlainTransportDump {
        let body = RequestBody::RouterCreatePlainTransport(Box::new(create));
        match self.request("r", body) {
            Ok(ResponseBody::PlainTransportDump(dump)) => *dump,
            other => panic!("{other:?}"),
        }
    }

    fn connect_plain(&mut self, remote: PlainConnect) -> Result<PlainConnected, RequestError> {
        let body = RequestBody::PlainTransportConnect(Box::new(remote));
        match self.request("t", body)? {
            ResponseBody::PlainTransportConnect(connected) => Ok(*connected),
            other => panic!("{other:?}"),
        }
    }

    fn plain_dump(&mut self) -> PlainTransportDump {
        match self.request("t", RequestBody::TransportDump) {
            Ok(ResponseBody::PlainTransportDump(dump)) => *dump,
            other => panic!("{other:?}"),
        }
    }

    /// A datagram from `remote` comes to the nth socket.
    fn receive(&mut self, socket: usize, remote: SocketAddr, datagram: &[u8]) {
        let path = Path {
            protocol: Protocol::Udp,
            socket: self.ports.open[socket].0,
            remote,
        };
        let mut batch = Batch::new(2000, 1);
        assert!(batch.push(path, self.now, datagram));
        assert!(self.worker.handle_datagrams(self.now, &mut batch));
        self.drain();
    }

    /// Which ports of the remote were learned.
    fn learned(&mut self) -> Vec<(&'static str, u16)> {
        let events = self.events().into_iter();
        events
            .map(|(_, event)| match event {
                Event::PlainTransportTuple(tuple) => ("rtp", tuple.remote_port),
                Event::PlainTransportRtcpTuple(tuple) => ("rtcp", tuple.remote_port),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn received(&self) -> &crate::transport::ReceivedCounters {
        let key = self.worker.registry.transport("t").unwrap();
        self.worker.entities.transports[key].received()
    }
}

#[test]
fn a_named_remote_alone_is_heard() {
    let mut rig = Rig::new();
    rig.router("r");
    let dump = rig.plain(create_plain("t"));
    assert_eq!((dump.tuple.remote_ip, dump.tuple.remote_port), (None, 0));
    assert_eq!((dump.rtcp_tuple, dump.srtp_parameters), (None, None));
    rig.producer("t", "p", 1);
    rig.receive(0, REMOTE, &rtp());
    assert_eq!(rig.received().all.packets, 0, "nobody is named yet");

    let connected = rig.connect_plain(named_remote()).unwrap();
    assert_eq!(connected.tuple.unwrap().remote_port, 7);
    rig.receive(0, STRANGER, &rtp());
    assert_eq!(rig.received().rtp.packets, 0);
    rig.receive(0, REMOTE, &rtp());
    assert_eq!(rig.received().rtp.packets, 1);
    let again = rig.connect_plain(named_remote()).unwrap_err();
    assert_eq!(again.class(), "Error");
    assert_eq!(rig.worker.counters().unknown_tuple, 2);
}

#[test]
fn what_connect_misses_is_named_and_it_may_be_called_again() {
    let mut rig = Rig::new();
    rig.router("r");
    rig.plain(CreatePlainTransport {
        srtp_crypto_suite: Some(SrtpCryptoSuite::AeadAes128Gcm),
        ..create_plain("t")
    });
    let key = |len: usize| {
        use base64::Engine as _;
        Some(SrtpParameters {
            crypto_suite: SrtpCryptoSuite::AeadAes256Gcm,
            key_base64: base64::engine::general_purpose::STANDARD.encode(vec![7; len]),
        })
    };
    let good = PlainConnect {
        srtp_parameters: key(44),
        ..named_remote()
    };
    let wrong = [
        (
            "ip",
            PlainConnect {
                ip: None,
                ..good.clone()
            },
        ),
        (
            "ip",
            PlainConnect {
                ip: Some("localhost".into()),
                ..good.clone()
            },
        ),
        (
            "ip",
            PlainConnect {
                ip: Some("::1".into()),
                ..good.clone()
            },
        ),
        (
            "port",
            PlainConnect {
                port: None,
                ..good.clone()
            },
        ),
        (
            "port",
            PlainConnect {
                port: Some(0),
                ..good.clone()
            },
        ),
        (
            "rtcpPort",
            PlainConnect {
                rtcp_port: Some(9),
                ..good.clone()
            },
        ),
        (
            "srtpParameters",
            PlainConnect {
                srtp_parameters: None,
                ..good.clone()
            },
        ),
        (
            "srtpParameters.keyBase64",
            PlainConnect {
                srtp_parameters: key(43),
                ..good.clone()
            },
        ),
    ];
    for (field, remote) in wrong {
        let error = rig.connect_plain(remote).unwrap_err();
        assert_eq!(error.class(), "TypeError");
        assert!(error.to_string().contains(field), "{field}: {error}");
        assert_eq!(rig.plain_dump().tuple.remote_ip, None);
    }
    let before = rig.plain_dump().srtp_parameters.unwrap();
    let after = rig.connect_plain(good).unwrap().srtp_parameters.unwrap();
    assert_eq!(after.crypto_suite, SrtpCryptoSuite::AeadAes256Gcm);
    assert_ne!(before.key_base64, after.key_base64);
    assert_eq!(rig.plain_dump().srtp_parameters, Some(after));
}

#[test]
fn comedia_learns_both_ports_from_valid_packets_alone() {
    let mut rig = Rig::new();
    rig.router("r");
    rig.plain(CreatePlainTransport {
        comedia: true,
        rtcp_mux: false,
        ..create_plain("t")
    });
    assert_eq!(rig.ports.open.len(), 2);
    // RTP on the port of RTCP, RTCP on the port of RTP, a packet that is none.
    rig.receive(1, STRANGER, &rtp());
    rig.receive(0, STRANGER, &rtcp());
    rig.receive(0, STRANGER, &rtp()[..11]);
    rig.receive(1, STRANGER, &[0x80, 201, 0, 9, 0, 0, 0, 1]);
    assert_eq!(rig.events(), []);
    assert_eq!(rig.received().dropped_wrong_port, 2);

    rig.receive(0, REMOTE, &rtp());
    rig.receive(0, STRANGER, &rtp());
    assert_eq!(rig.learned(), [("rtp", 7)]);
    let rtcp_tuple = rig.plain_dump().rtcp_tuple.unwrap();
    assert_eq!((rtcp_tuple.remote_ip, rtcp_tuple.remote_port), (None, 0));
    rig.receive(1, STRANGER, &rtcp());
    assert_eq!(rig.learned(), [("rtcp", 8)]);
}

#[test]
fn with_srtp_comedia_learns_from_a_valid_tag_alone() {
    let mut rig = Rig::new();
    rig.router("r");
    rig.plain(CreatePlainTransport {
        comedia: true,
        srtp_crypto_suite: Some(SrtpCryptoSuite::AesCm128HmacSha1_80),
        ..create_plain("t")
    });
    rig.receive(0, STRANGER, &rtp());
    let remote = SrtpParameters {
        crypto_suite: SrtpCryptoSuite::AesCm128HmacSha1_80,
        key_base64: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into(),
    };
    rig.connect_plain(PlainConnect {
        srtp_parameters: Some(remote),
        ..PlainConnect::default()
    })
    .unwrap();
    rig.receive(0, STRANGER, &[rtp(), vec![0; 10]].concat());
    assert_eq!(rig.plain_dump().tuple.remote_ip, None);

    let master = crate::srtp::MasterKey::new(SrtpCryptoSuite::AesCm128HmacSha1_80, &[0; 30]);
    let mut srtp = SrtpSend::new(&master.unwrap(), 1);
    let mut datagram = rtp();
    let len = datagram.len();
    datagram.resize(len + crate::srtp::MAX_PROTECTION_OVERHEAD, 0);
    let len = srtp.protect_rtp(&mut datagram, len).unwrap();
    rig.receive(0, REMOTE, &datagram[..len]);
    assert_eq!(rig.plain_dump().tuple.remote_port, 7);
    assert_eq!(rig.received().dropped_unauthenticated, 1);
}

#[test]
fn a_plain_transport_speaks_no_ice_and_gives_its_ports_back() {
    let mut rig = Rig::new();
    rig.router("r");
    rig.plain(CreatePlainTransport {
        rtcp_mux: false,
        ..create_plain("t")
    });
    for body in [
        RequestBody::TransportRestartIce,
        RequestBody::WebRtcTransportConnect(DtlsParameters {
            fingerprints: vec![],
            role: DtlsRole::Auto,
        }),
    ] {
        assert_eq!(rig.request("t", body).unwrap_err().class(), "Error");
    }
    let mut stun = [0; 20];
    stun[1] = 1;
    stun[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
    rig.receive(0, REMOTE, &stun);
    assert_eq!(rig.worker.counters().stun_ignored, 1);
    let transport_id = "t".into();
    rig.request("r", RequestBody::RouterCloseTransport { transport_id })
        .unwrap();
    assert!(rig.ports.open.is_empty());
    let tcp = ListenInfo {
        protocol: Protocol::Tcp,
        ..create_plain("t").listen_info
    };
    let body = RequestBody::RouterCreatePlainTransport(Box::new(CreatePlainTransport {
        rtcp_mux: false,
        rtcp_listen_info: Some(tcp),
        ..create_plain("t")
    }));
    assert_eq!(rig.request("r", body).unwrap_err().class(), "TypeError");
    assert!(rig.ports.open.is_empty());
}
