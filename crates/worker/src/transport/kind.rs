//! The kinds of transport as a closed set. The rest of the worker calls these methods and never
//! asks which kind it is.

use crate::dtls::DtlsCounters;
use crate::error::RequestError;
use crate::ice::IceCounters;
use crate::ids::WebRtcServerKey;
use crate::messages::{PlainConnect, ResponseBody, TransportDump, TransportStats};
use crate::output::{Output, Path};
use crate::params::{DtlsParameters, DtlsRole, Fingerprint, IceParameters};
use crate::rng::Rng;
use crate::srtp::{SrtpReceive, SrtpSend};
use crate::time::Instant;
use crate::wire::stun::StunMessage;

use super::destination::Destination;
use super::events::TransportEvent;
use super::ingress::Incoming;
use super::listen::ListenSocket;
use super::plain::{Connection, PlainTransport};
use super::protection::Protection;
use super::webrtc::{DtlsStep, WebRtcTransport};

/// The kind of a transport, with everything that only this kind has.
pub(crate) enum Kind {
    /// ICE decides where packets go, DTLS with which keys.
    WebRtc(Box<WebRtcTransport>),
    /// The application names the remote's address and keys.
    Plain(Box<PlainTransport>),
    /// There is no network: the remote is the application, at the other end of the channel.
    Direct,
}

impl Kind {
    /// Whether what comes on `path` belongs to the transport (docs/security.md rule 2).
    pub(super) fn owns(&self, path: &Path) -> bool {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.has_tuple(path),
            Self::Plain(plain) => plain.owns(path),
            Self::Direct => false,
        }
    }

    /// Whether packets of this kind come on `path`, which is its own.
    pub(super) fn carries(&self, kind: Incoming, path: &Path) -> bool {
        match self {
            // RFC 8834 §4.5: "Implementations are REQUIRED to support transport-level multiplexing".
            Self::WebRtc(_) => true,
            Self::Plain(plain) => plain.carries(kind, path),
            Self::Direct => false,
        }
    }

    /// Where packets go at first.
    pub(super) fn destination(&self) -> Destination {
        match self {
            Self::WebRtc(_) | Self::Plain(_) => Destination::None,
            Self::Direct => Destination::Channel,
        }
    }

    /// Whether the application is its remote.
    pub(super) fn is_direct(&self) -> bool {
        matches!(self, Self::Direct)
    }

    /// How packets in and out are protected at first.
    pub(super) fn protection(&self) -> (Protection<SrtpReceive>, Protection<SrtpSend>) {
        match self {
            Self::Plain(plain) if !plain.is_protected() => (Protection::Clear, Protection::Clear),
            // RFC 8827 §6.5: "All media channels MUST be secured via SRTP".
            Self::WebRtc(_) | Self::Plain(_) => (Protection::Waiting, Protection::Waiting),
            Self::Direct => (Protection::Clear, Protection::Clear),
        }
    }

    /// Whether it speaks ICE and DTLS.
    pub(super) fn speaks_ice(&self) -> bool {
        match self {
            Self::WebRtc(_) => true,
            Self::Plain(_) | Self::Direct => false,
        }
    }

    /// Whether `path` is the one on which the remote has just sent authenticated traffic.
    pub(super) fn is_in_use(&self, now: Instant, path: &Path) -> bool {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.is_in_use(now, path),
            Self::Plain(_) | Self::Direct => false,
        }
    }

    /// The paths that belong to the transport.
    pub(super) fn paths(&self) -> impl Iterator<Item = Path> {
        let (web_rtc, plain) = match self {
            Self::WebRtc(web_rtc) => (Some(web_rtc.paths()), None),
            Self::Plain(plain) => (None, Some(plain.paths())),
            Self::Direct => (None, None),
        };
        let web_rtc = web_rtc.into_iter().flatten();
        web_rtc.chain(plain.into_iter().flatten())
    }

    /// The sockets that close with the transport.
    pub(super) fn own_sockets(&self) -> &[ListenSocket] {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.own_sockets(),
            Self::Plain(plain) => plain.own_sockets(),
            Self::Direct => &[],
        }
    }

    /// The WebRTC server whose sockets it uses.
    pub(super) fn web_rtc_server(&self) -> Option<WebRtcServerKey> {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.server(),
            Self::Plain(_) | Self::Direct => None,
        }
    }

    /// The local username fragments by which STUN finds it.
    pub(super) fn username_fragments(&self) -> impl Iterator<Item = &str> {
        let web_rtc = match self {
            Self::WebRtc(web_rtc) => Some(web_rtc),
            Self::Plain(_) | Self::Direct => None,
        };
        web_rtc
            .into_iter()
            .flat_map(|web_rtc| web_rtc.username_fragments())
    }

    /// Takes a STUN message and writes the answer, which goes back on the same path. Returns the
    /// answer's length; 0 means no answer.
    pub(super) fn handle_stun(
        &mut self,
        now: Instant,
        path: Path,
        message: &StunMessage<'_>,
        message_len: usize,
        answer: &mut [u8],
    ) -> usize {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.handle_stun(now, path, message, message_len, answer),
            Self::Plain(_) | Self::Direct => 0,
        }
    }

    /// Takes a DTLS datagram of a path that is its own.
    pub(super) fn handle_dtls(&mut self, now: Instant, path: Path, datagram: &[u8]) {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.handle_dtls(now, path, datagram),
            Self::Plain(_) | Self::Direct => {}
        }
    }

    /// A TCP connection ended.
    pub(super) fn remove_path(&mut self, now: Instant, path: Path) {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.remove_path(now, path),
            Self::Plain(_) | Self::Direct => {}
        }
    }

    /// A packet of `path` authenticated: the remote has the keys, and uses that path.
    pub(super) fn confirm_remote(&mut self, now: Instant, path: Path) {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.confirm_remote(now, path),
            Self::Plain(plain) => plain.confirm_remote(path),
            Self::Direct => {}
        }
    }

    /// Lets what is due happen.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.handle_timeout(now),
            Self::Plain(_) | Self::Direct => {}
        }
    }

    /// When [`Kind::handle_timeout`] is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.deadline(),
            Self::Plain(_) | Self::Direct => None,
        }
    }

    /// The next datagram of its own, written to the front of `buffer`.
    pub(super) fn poll_datagram(&mut self, now: Instant, buffer: &mut [u8]) -> DtlsStep {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.poll_dtls(now, buffer),
            Self::Plain(_) | Self::Direct => DtlsStep::Idle,
        }
    }

    /// Whether anything changed since the last time.
    pub(super) fn has_events(&self) -> bool {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.has_events(),
            Self::Plain(plain) => plain.has_events(),
            Self::Direct => false,
        }
    }

    /// What changed since the last time.
    pub(super) fn next_event(&mut self) -> Option<TransportEvent> {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.next_event(),
            Self::Plain(plain) => plain.next_event(),
            Self::Direct => None,
        }
    }

    /// Ends it. The message for the peer goes into `output`.
    pub(super) fn close(&mut self, now: Instant, output: &mut Output) {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.close(now, output),
            Self::Plain(_) | Self::Direct => {}
        }
    }

    /// `WEBRTCTRANSPORT_CONNECT`: see [`WebRtcTransport::connect`].
    pub(super) fn connect_web_rtc(
        &mut self,
        now: Instant,
        parameters: &DtlsParameters,
    ) -> Result<DtlsRole, RequestError> {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.connect(now, parameters),
            Self::Plain(_) | Self::Direct => {
                Err(RequestError::Failed("not a WebRTC transport".into()))
            }
        }
    }

    /// `PLAINTRANSPORT_CONNECT`: see [`PlainTransport::connect`].
    pub(super) fn connect_plain(
        &mut self,
        remote: &PlainConnect,
        rng: &mut Rng,
    ) -> Result<Connection, RequestError> {
        match self {
            Self::Plain(plain) => plain.connect(remote, rng),
            Self::WebRtc(_) | Self::Direct => {
                Err(RequestError::Failed("not a plain transport".into()))
            }
        }
    }

    /// `TRANSPORT_RESTART_ICE`: see [`WebRtcTransport::restart_ice`].
    pub(super) fn restart_ice(
        &mut self,
        now: Instant,
        rng: &mut Rng,
    ) -> Result<IceParameters, RequestError> {
        match self {
            Self::WebRtc(web_rtc) => Ok(web_rtc.restart_ice(now, rng)),
            Self::Plain(_) | Self::Direct => {
                Err(RequestError::Failed("not a WebRTC transport".into()))
            }
        }
    }

    /// What ICE and DTLS dropped, where they are spoken.
    pub(super) fn counters(&self) -> Option<(&IceCounters, &DtlsCounters)> {
        match self {
            Self::WebRtc(web_rtc) => Some(web_rtc.counters()),
            Self::Plain(_) | Self::Direct => None,
        }
    }

    /// The answer to `TRANSPORT_DUMP`, with the part that all kinds share. `fingerprints` are those
    /// of the worker's certificate.
    pub(crate) fn dump(&self, base: TransportDump, fingerprints: &[Fingerprint]) -> ResponseBody {
        match self {
            Self::WebRtc(web_rtc) => {
                ResponseBody::WebRtcTransportDump(Box::new(web_rtc.dump(base, fingerprints)))
            }
            Self::Plain(plain) => ResponseBody::PlainTransportDump(Box::new(plain.dump(base))),
            Self::Direct => ResponseBody::DirectTransportDump(Box::new(base)),
        }
    }

    /// The answer to `TRANSPORT_GET_STATS`, with the part that all kinds share.
    pub(super) fn stats(&self, base: TransportStats) -> ResponseBody {
        match self {
            Self::WebRtc(web_rtc) => {
                ResponseBody::WebRtcTransportStats(Box::new(web_rtc.stats(base)))
            }
            Self::Plain(plain) => ResponseBody::PlainTransportStats(Box::new(plain.stats(base))),
            Self::Direct => ResponseBody::DirectTransportStats(Box::new(base)),
        }
    }
}
