//! A plain transport's own part: RTP and RTCP over UDP, to an address that the application names or
//! that is learned from the remote's first packet.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use crate::error::RequestError;
use crate::messages::{
    CreatePlainTransport, Event, PlainConnect, PlainConnected, PlainTransportDump,
    PlainTransportStats, TransportDump, TransportStats,
};
use crate::output::{Path, Protocol};
use crate::params::{ListenInfo, SrtpParameters, Tuple};
use crate::rng::Rng;

use super::destination::Destination;
use super::events::TransportEvent;
use super::ingress::Incoming;
use super::listen::ListenSocket;
use super::srtp_keys::{self, Sessions};

/// Sockets, addresses and keys of one transport.
pub(crate) struct PlainTransport {
    /// Its socket for RTP, and then, unless RTP and RTCP share it, the one for RTCP.
    sockets: Vec<ListenSocket>,
    comedia: bool,
    /// Our suite and key; `None` without SRTP.
    srtp: Option<SrtpParameters>,
    connect_called: bool,
    /// Where the remote sends RTP from, and takes it.
    rtp: Option<Path>,
    /// The same for RTCP; unused if RTP and RTCP share a path.
    rtcp: Option<Path>,
    events: VecDeque<TransportEvent>,
}

impl CreatePlainTransport {
    /// Where to listen: for RTP, and for RTCP unless they share a port.
    ///
    /// # Errors
    ///
    /// `TypeError` for another protocol than UDP.
    pub(crate) fn listen_infos(&self) -> Result<Vec<ListenInfo>, RequestError> {
        let mut infos = vec![self.listen_info.clone()];
        if !self.rtcp_mux {
            infos.push(self.rtcp_listen_info.clone().unwrap_or_else(|| ListenInfo {
                port: 0,
                ..self.listen_info.clone()
            }));
        }
        if infos.iter().any(|info| info.protocol != Protocol::Udp) {
            return Err(RequestError::invalid("listenInfo.protocol", "must be udp"));
        }
        Ok(infos)
    }
}

/// What `connect()` decided.
pub(super) struct Connection {
    pub(super) answer: PlainConnected,
    /// `None` without SRTP.
    pub(super) sessions: Option<Sessions>,
    pub(super) destination: Destination,
}

impl PlainTransport {
    pub(crate) fn new(
        create: &CreatePlainTransport,
        sockets: Vec<ListenSocket>,
        rng: &mut Rng,
    ) -> Self {
        let suite = create.srtp_crypto_suite;
        Self {
            sockets,
            comedia: create.comedia,
            srtp: suite.map(|suite| srtp_keys::generate(suite, rng)),
            connect_called: false,
            rtp: None,
            rtcp: None,
            events: VecDeque::new(),
        }
    }

    /// Whether RTP and RTCP share one port (RFC 5761).
    fn multiplexes(&self) -> bool {
        self.sockets.len() == 1
    }

    /// Whether packets are protected by SRTP.
    pub(super) fn is_protected(&self) -> bool {
        self.srtp.is_some()
    }

    /// Takes the remote's address and key.
    ///
    /// # Errors
    ///
    /// `Error` if it is called twice, `TypeError` for an address or key that is missing, malformed
    /// or not wanted. Then nothing changes, and it may be called again.
    pub(super) fn connect(
        &mut self,
        remote: &PlainConnect,
        rng: &mut Rng,
    ) -> Result<Connection, RequestError> {
        if self.connect_called {
            return Err(RequestError::Failed("connect() already called".into()));
        }
        let (rtp, rtcp) = if self.comedia {
            (self.rtp, self.rtcp)
        } else {
            self.remote_paths(remote)?
        };
        let (srtp, sessions) = match (&self.srtp, &remote.srtp_parameters) {
            (None, None) => (None, None),
            (Some(_), None) => return Err(RequestError::invalid("srtpParameters", "missing")),
            (None, Some(_)) => {
                let problem = "given, but the transport does without SRTP";
                return Err(RequestError::invalid("srtpParameters", problem));
            }
            (Some(local), Some(remote)) => {
                // docs/channel.md §7: the remote's suite counts, with a new key of our own.
                let local = if local.crypto_suite == remote.crypto_suite {
                    local.clone()
                } else {
                    srtp_keys::generate(remote.crypto_suite, rng)
                };
                let sessions = srtp_keys::sessions(&local, remote)?;
                (Some(local), Some(sessions))
            }
        };
        self.connect_called = true;
        (self.rtp, self.rtcp, self.srtp) = (rtp, rtcp, srtp);
        Ok(Connection {
            answer: PlainConnected {
                tuple: self.rtp.map(|path| self.tuple(RTP, Some(path))),
                rtcp_tuple: self.rtcp.map(|path| self.tuple(RTCP, Some(path))),
                srtp_parameters: self.srtp.clone(),
            },
            sessions,
            destination: self.destination(),
        })
    }

    /// The paths to the addresses that `connect()` names.
    fn remote_paths(
        &self,
        remote: &PlainConnect,
    ) -> Result<(Option<Path>, Option<Path>), RequestError> {
        let ip = remote.ip.as_deref().ok_or_else(|| missing("ip"))?;
        let ip = ip
            .parse()
            .map_err(|_| RequestError::invalid("ip", format!("invalid IP {ip:?}")))?;
        let port = remote.port.ok_or_else(|| missing("port"))?;
        let rtp = self.path(RTP, ip, port, "port")?;
        let rtcp = match (remote.rtcp_port, self.multiplexes()) {
            (None, true) => None,
            (Some(port), false) => Some(self.path(RTCP, ip, port, "rtcpPort")?),
            (None, false) => return Err(missing("rtcpPort")),
            (Some(_), true) => {
                let problem = "given, but RTP and RTCP share a port";
                return Err(RequestError::invalid("rtcpPort", problem));
            }
        };
        Ok((Some(rtp), rtcp))
    }

    /// The path from one of our sockets to an address, if the socket can reach it. `field` is the
    /// name of the port.
    fn path(
        &self,
        socket: usize,
        ip: IpAddr,
        port: u16,
        field: &str,
    ) -> Result<Path, RequestError> {
        let socket = &self.sockets[socket];
        let ip = match (socket.local.ip(), ip) {
            (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => ip,
            // A socket of both families has IPv4 remotes under mapped addresses.
            (IpAddr::V6(_), IpAddr::V4(ip)) if !socket.info.flags.ipv6_only => {
                ip.to_ipv6_mapped().into()
            }
            (local, _) => {
                let problem = format!("{ip} cannot be reached from {local}");
                return Err(RequestError::invalid("ip", problem));
            }
        };
        if port == 0 {
            return Err(RequestError::invalid(field, "must not be 0"));
        }
        Ok(Path {
            protocol: Protocol::Udp,
            socket: socket.socket,
            remote: SocketAddr::new(ip, port),
        })
    }

    /// Whether what comes on `path` may be taken. Until the remote's address is learned, anybody
    /// may send, and whoever sends the first valid packet is the remote.
    pub(super) fn owns(&self, path: &Path) -> bool {
        let is_rtp = path.socket == self.sockets[RTP].socket;
        match if is_rtp { self.rtp } else { self.rtcp } {
            Some(known) => known == *path,
            None => self.comedia && (self.connect_called || !self.is_protected()),
        }
    }

    /// Whether packets of this kind come on `path`.
    pub(super) fn carries(&self, kind: Incoming, path: &Path) -> bool {
        let is_rtp = path.socket == self.sockets[RTP].socket;
        self.multiplexes() || is_rtp == (kind == Incoming::Rtp)
    }

    /// A valid packet came on `path`. The first one tells the remote's address.
    pub(super) fn confirm_remote(&mut self, path: Path) {
        if path.socket == self.sockets[RTP].socket {
            if self.rtp.is_none() {
                self.rtp = Some(path);
                let tuple = self.tuple(RTP, Some(path));
                self.learned(Event::PlainTransportTuple(tuple));
            }
        } else if self.rtcp.is_none() {
            self.rtcp = Some(path);
            let tuple = self.tuple(RTCP, Some(path));
            self.learned(Event::PlainTransportRtcpTuple(tuple));
        }
    }

    fn learned(&mut self, event: Event) {
        let destination = self.destination();
        self.events
            .push_back(TransportEvent::Learned { destination, event });
    }

    fn destination(&self) -> Destination {
        match (self.multiplexes(), self.rtp) {
            (true, None) => Destination::None,
            (true, Some(path)) => Destination::Path(path),
            (false, rtp) => Destination::Pair {
                rtp,
                rtcp: self.rtcp,
            },
        }
    }

    pub(super) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    pub(super) fn next_event(&mut self) -> Option<TransportEvent> {
        self.events.pop_front()
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = Path> {
        self.rtp.into_iter().chain(self.rtcp)
    }

    pub(super) fn own_sockets(&self) -> &[ListenSocket] {
        &self.sockets
    }

    /// A tuple as the controller sees it, with the remote's side once that is known.
    fn tuple(&self, socket: usize, path: Option<Path>) -> Tuple {
        let socket = &self.sockets[socket];
        match path {
            Some(path) => Tuple::new(path, &socket.info, socket.local),
            None => Tuple::local(Protocol::Udp, &socket.info, socket.local),
        }
    }

    fn rtcp_tuple(&self) -> Option<Tuple> {
        (!self.multiplexes()).then(|| self.tuple(RTCP, self.rtcp))
    }

    /// The dump, around what all kinds have in common.
    pub(super) fn dump(&self, base: TransportDump) -> PlainTransportDump {
        PlainTransportDump {
            base,
            rtcp_mux: self.multiplexes(),
            comedia: self.comedia,
            tuple: self.tuple(RTP, self.rtp),
            rtcp_tuple: self.rtcp_tuple(),
            srtp_parameters: self.srtp.clone(),
        }
    }

    /// The statistics, around what all kinds have in common.
    pub(super) fn stats(&self, base: TransportStats) -> PlainTransportStats {
        PlainTransportStats {
            base,
            rtcp_mux: self.multiplexes(),
            comedia: self.comedia,
            tuple: self.tuple(RTP, self.rtp),
            rtcp_tuple: self.rtcp_tuple(),
        }
    }
}

fn missing(field: &str) -> RequestError {
    RequestError::invalid(field, "missing")
}

/// The place of each socket in [`PlainTransport::sockets`].
const RTP: usize = 0;
const RTCP: usize = 1;
