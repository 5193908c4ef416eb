//! The kinds of transport as a closed set. The rest of the worker calls these methods and never
//! asks which kind it is.

use crate::dtls::DtlsCounters;
use crate::error::RequestError;
use crate::ice::IceCounters;
use crate::ids::WebRtcServerKey;
use crate::messages::{ResponseBody, TransportDump, TransportStats};
use crate::output::{Output, Path};
use crate::params::{DtlsParameters, DtlsRole, Fingerprint, IceParameters};
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::stun::StunMessage;

use super::listen::ListenSocket;
use super::webrtc::{DtlsStep, TransportEvent, WebRtcTransport};

/// The kind of a transport, with everything that only this kind has.
pub(crate) enum Kind {
    /// ICE decides where packets go, DTLS with which keys.
    WebRtc(Box<WebRtcTransport>),
}

impl Kind {
    /// Whether what comes on `path` belongs to the transport (docs/security.md rule 2).
    pub(super) fn owns(&self, path: &Path) -> bool {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.has_tuple(path),
        }
    }

    /// Whether `path` is the one on which the remote has just sent authenticated traffic.
    pub(super) fn is_in_use(&self, now: Instant, path: &Path) -> bool {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.is_in_use(now, path),
        }
    }

    /// The paths that belong to the transport.
    pub(super) fn paths(&self) -> impl Iterator<Item = Path> {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.paths(),
        }
    }

    /// The sockets that close with the transport.
    pub(super) fn own_sockets(&self) -> &[ListenSocket] {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.own_sockets(),
        }
    }

    /// The WebRTC server whose sockets it uses.
    pub(super) fn web_rtc_server(&self) -> Option<WebRtcServerKey> {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.server(),
        }
    }

    /// The local username fragments by which STUN finds it.
    pub(super) fn username_fragments(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.username_fragments(),
        }
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
        }
    }

    /// Takes a DTLS datagram of a path that is its own.
    pub(super) fn handle_dtls(&mut self, now: Instant, path: Path, datagram: &[u8]) {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.handle_dtls(now, path, datagram),
        }
    }

    /// A TCP connection ended.
    pub(super) fn remove_path(&mut self, now: Instant, path: Path) {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.remove_path(now, path),
        }
    }

    /// A packet of `path` authenticated: the remote has the keys, and uses that path.
    pub(super) fn confirm_remote(&mut self, now: Instant, path: Path) {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.confirm_remote(now, path),
        }
    }

    /// Lets what is due happen.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.handle_timeout(now),
        }
    }

    /// When [`Kind::handle_timeout`] is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.deadline(),
        }
    }

    /// The next datagram of its own, written to the front of `buffer`.
    pub(super) fn poll_datagram(&mut self, now: Instant, buffer: &mut [u8]) -> DtlsStep {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.poll_dtls(now, buffer),
        }
    }

    /// What changed since the last time.
    pub(super) fn next_event(&mut self) -> Option<TransportEvent> {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.next_event(),
        }
    }

    /// Ends it. The message for the peer goes into `output`.
    pub(super) fn close(&mut self, now: Instant, output: &mut Output) {
        match self {
            Self::WebRtc(web_rtc) => web_rtc.close(now, output),
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
        }
    }

    /// What ICE and DTLS dropped, where they are spoken.
    pub(super) fn counters(&self) -> Option<(&IceCounters, &DtlsCounters)> {
        match self {
            Self::WebRtc(web_rtc) => Some(web_rtc.counters()),
        }
    }

    /// The answer to `TRANSPORT_DUMP`, with the part that all kinds share. `fingerprints` are those
    /// of the worker's certificate.
    pub(crate) fn dump(&self, base: TransportDump, fingerprints: &[Fingerprint]) -> ResponseBody {
        match self {
            Self::WebRtc(web_rtc) => {
                ResponseBody::WebRtcTransportDump(Box::new(web_rtc.dump(base, fingerprints)))
            }
        }
    }

    /// The answer to `TRANSPORT_GET_STATS`, with the part that all kinds share.
    pub(super) fn stats(&self, base: TransportStats) -> ResponseBody {
        match self {
            Self::WebRtc(web_rtc) => {
                ResponseBody::WebRtcTransportStats(Box::new(web_rtc.stats(base)))
            }
        }
    }
}
