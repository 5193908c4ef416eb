//! WebRtcTransports: ICE, DTLS and SRTP towards one endpoint, in the terms of browsers. A transport
//! lives in a router, listens on a WebRtcServer or on sockets of its own, and holds the endpoint's
//! Producers and Consumers.

mod dump;
mod options;
mod parameters;
mod requests;

pub use dump::{RtpListenerDump, TransportDump, WebRtcTransportDump, WebRtcTransportStats};
pub use options::{WebRtcTransportListen, WebRtcTransportOptions};
pub use parameters::{
    DtlsFingerprint, DtlsParameters, DtlsRole, DtlsState, FingerprintAlgorithm, IceCandidate,
    IceCandidateType, IceParameters, IceRole, IceState, IceTcpCandidateType, TransportTuple,
};

use std::sync::{Arc, Mutex};

use tureen_channel_fbs::fbs::notification::{Event, Notification};

use crate::channel::RequestError;
use crate::consumer::{ConsumeError, Consumer, ConsumerOptions};
use crate::entity::{CloseReason, Events, Kind, Lost, Mirror, Owned, debug_by_id, lock};
use crate::ids::TransportId;
use crate::producer::{ProduceError, Producer, ProducerOptions};
use crate::router::Router;
use crate::web_rtc_server::WebRtcServer;
use parameters::{read_dtls_state, read_ice_state, read_tuple};
use requests::{
    CloseTransport, Connect, Create, CreateIndividual, CreateOnServer, Dump, GetStats, RestartIce,
    SetMaxIncomingBitrate,
};

/// One WebRTC endpoint's path to the router: ICE-lite, DTLS and SRTP.
///
/// The application sends its parameters to the endpoint and passes the endpoint's to
/// [`connect`](Self::connect); [`produce`](Self::produce) and [`consume`](Self::consume) may be
/// called before that. Closing it closes its Producers and Consumers.
#[derive(Clone)]
pub struct WebRtcTransport {
    inner: Arc<Inner>,
}

struct Inner {
    id: TransportId,
    ice_candidates: Vec<IceCandidate>,
    dtls_fingerprints: Vec<DtlsFingerprint>,
    negotiated: Mutex<Negotiated>,
    owned: Owned<WebRtcTransportKind>,
    router: Router,
    /// A transport keeps the ports it listens on.
    _server: Option<WebRtcServer>,
}

/// What requests on the transport change.
struct Negotiated {
    ice_parameters: IceParameters,
    dtls_role: DtlsRole,
    /// The one canonical name of all its Producers (RFC 8834 §4.9).
    cname: Option<String>,
    next_mid: u32,
}

impl WebRtcTransport {
    pub(crate) async fn create(
        router: &Router,
        options: WebRtcTransportOptions,
    ) -> Result<Self, RequestError> {
        let id = TransportId::random();
        let mut parents = vec![router.mirror().children.clone()];
        if let WebRtcTransportListen::Server(server) = &options.listen {
            parents.push(server.mirror().children.clone());
        }
        let owned = Owned::new(
            id.as_str(),
            router.worker().channel(),
            State::default(),
            parents,
            CloseTransport {
                router_id: router.id().clone(),
                id: id.clone(),
            },
        )?;
        let request = Create {
            router_id: router.id(),
            id: &id,
            options: &options,
        };
        let same = |_: &Mirror<_>, dump| dump;
        let dump = match &options.listen {
            WebRtcTransportListen::Server(_) => owned.create(&CreateOnServer(request), same).await,
            WebRtcTransportListen::Individual(_) => {
                owned.create(&CreateIndividual(request), same).await
            }
        }?;
        Ok(Self {
            inner: Arc::new(Inner {
                id,
                ice_candidates: dump.ice_candidates,
                dtls_fingerprints: dump.dtls_parameters.fingerprints,
                negotiated: Mutex::new(Negotiated {
                    ice_parameters: dump.ice_parameters,
                    dtls_role: dump.dtls_parameters.role,
                    cname: None,
                    next_mid: 0,
                }),
                owned,
                router: router.clone(),
                _server: match options.listen {
                    WebRtcTransportListen::Server(server) => Some(server),
                    WebRtcTransportListen::Individual(_) => None,
                },
            }),
        })
    }

    /// Its id.
    pub fn id(&self) -> &TransportId {
        &self.inner.id
    }

    /// The router it lives in.
    pub fn router(&self) -> &Router {
        &self.inner.router
    }

    /// The worker's ICE credentials, for the endpoint.
    pub fn ice_parameters(&self) -> IceParameters {
        lock(&self.inner.negotiated).ice_parameters.clone()
    }

    /// The worker's addresses, for the endpoint.
    pub fn ice_candidates(&self) -> &[IceCandidate] {
        &self.inner.ice_candidates
    }

    /// The worker's DTLS role and fingerprints, for the endpoint.
    pub fn dtls_parameters(&self) -> DtlsParameters {
        DtlsParameters {
            role: lock(&self.inner.negotiated).dtls_role,
            fingerprints: self.inner.dtls_fingerprints.clone(),
        }
    }

    /// State of ICE, as last heard.
    pub fn ice_state(&self) -> IceState {
        self.inner.owned.state(|state| state.ice_state)
    }

    /// State of DTLS, as last heard.
    pub fn dtls_state(&self) -> DtlsState {
        self.inner.owned.state(|state| state.dtls_state)
    }

    /// The path in use, as last heard.
    pub fn ice_selected_tuple(&self) -> Option<TransportTuple> {
        self.inner
            .owned
            .state(|state| state.ice_selected_tuple.clone())
    }

    /// Gives the worker the endpoint's DTLS role and fingerprints.
    ///
    /// # Errors
    ///
    /// [`RequestError::Other`] when it was connected before, [`RequestError::Type`] for a
    /// malformed fingerprint or none.
    pub async fn connect(&self, remote: &DtlsParameters) -> Result<(), RequestError> {
        let request = Connect {
            id: self.id(),
            dtls_parameters: remote,
        };
        let role = self.inner.owned.request(&request).await?;
        lock(&self.inner.negotiated).dtls_role = role;
        Ok(())
    }

    /// New ICE credentials for the endpoint to restart ICE with. The old ones stay valid until
    /// it uses the new ones.
    pub async fn restart_ice(&self) -> Result<IceParameters, RequestError> {
        let parameters = self.inner.owned.request(&RestartIce(self.id())).await?;
        lock(&self.inner.negotiated).ice_parameters = parameters.clone();
        Ok(parameters)
    }

    /// Asks the endpoint not to send more than this, in bit/s; 0 for no limit.
    pub async fn set_max_incoming_bitrate(&self, bitrate: u64) -> Result<(), RequestError> {
        let id = self.id();
        let request = SetMaxIncomingBitrate { id, bitrate };
        self.inner.owned.request(&request).await
    }

    /// Takes in a source that the endpoint sends.
    pub async fn produce(&self, options: ProducerOptions) -> Result<Producer, ProduceError> {
        Producer::create(self, options).await
    }

    /// Sends a source of the router to the endpoint.
    pub async fn consume(&self, options: ConsumerOptions) -> Result<Consumer, ConsumeError> {
        Consumer::create(self, options).await
    }

    /// Closes it with its Producers and Consumers.
    pub fn close(&self) {
        self.inner.owned.close();
    }

    /// Whether it is closed, by whomever.
    pub fn is_closed(&self) -> bool {
        self.inner.owned.mirror.close_reason().is_some()
    }

    /// Its events.
    pub fn events(&self) -> Events<WebRtcTransportEvent> {
        self.inner.owned.mirror.subscribe()
    }

    /// What the worker holds of it.
    pub async fn dump(&self) -> Result<WebRtcTransportDump, RequestError> {
        self.inner.owned.request(&Dump(self.id())).await
    }

    /// Its statistics.
    pub async fn get_stats(&self) -> Result<WebRtcTransportStats, RequestError> {
        self.inner.owned.request(&GetStats(self.id())).await
    }

    pub(crate) fn mirror(&self) -> &Mirror<WebRtcTransportKind> {
        &self.inner.owned.mirror
    }

    /// The canonical name of every source of this endpoint: the first that it gives, else one that
    /// `random` makes.
    pub(crate) fn settle_cname(
        &self,
        given: Option<String>,
        random: impl FnOnce() -> String,
    ) -> String {
        let mut negotiated = lock(&self.inner.negotiated);
        let settled = negotiated.cname.take();
        let cname = settled.or(given).unwrap_or_else(random);
        negotiated.cname = Some(cname.clone());
        cname
    }

    /// The MID of the next Consumer: 0, 1, … below 10⁸, because a MID has at most 8 bytes.
    pub(crate) fn next_mid(&self) -> String {
        let mut negotiated = lock(&self.inner.negotiated);
        let mid = negotiated.next_mid;
        negotiated.next_mid = (mid + 1) % 100_000_000;
        mid.to_string()
    }
}

debug_by_id!(WebRtcTransport);

/// What happens to a [`WebRtcTransport`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebRtcTransportEvent {
    /// ICE changed its state.
    IceStateChanged(IceState),
    /// ICE chose another path. This comes before the change of state that it causes.
    IceSelectedTupleChanged(TransportTuple),
    /// DTLS changed its state.
    DtlsStateChanged {
        /// The new state.
        state: DtlsState,
        /// The endpoint's certificate in PEM, when connected.
        remote_certificate: Option<String>,
    },
    /// It closed; the last event.
    Closed(CloseReason),
}

#[derive(Default)]
pub(crate) struct State {
    ice_state: IceState,
    ice_selected_tuple: Option<TransportTuple>,
    dtls_state: DtlsState,
}

pub(crate) struct WebRtcTransportKind;

impl Kind for WebRtcTransportKind {
    type Event = WebRtcTransportEvent;
    type State = State;
    type Close = CloseTransport;
    const CLOSES_CHILDREN_FOR: CloseReason = CloseReason::TransportClosed;

    fn closed(reason: CloseReason) -> WebRtcTransportEvent {
        WebRtcTransportEvent::Closed(reason)
    }

    fn notified(mirror: &Mirror<Self>, notification: &Notification<'_>) {
        match event(notification) {
            Some(event) => {
                lock(&mirror.state).apply(&event);
                mirror.push(event);
            }
            None => mirror.ignored(notification),
        }
    }

    fn record_loss(id: &str, lost: &mut Lost) {
        lost.transports.push(id.into());
    }
}

impl State {
    fn apply(&mut self, event: &WebRtcTransportEvent) {
        match event {
            WebRtcTransportEvent::IceStateChanged(state) => {
                self.ice_state = *state;
                if *state == IceState::Disconnected {
                    self.ice_selected_tuple = None;
                }
            }
            WebRtcTransportEvent::IceSelectedTupleChanged(tuple) => {
                self.ice_selected_tuple = Some(tuple.clone());
            }
            WebRtcTransportEvent::DtlsStateChanged { state, .. } => self.dtls_state = *state,
            WebRtcTransportEvent::Closed(_) => {}
        }
    }
}

fn event(notification: &Notification<'_>) -> Option<WebRtcTransportEvent> {
    match notification.event() {
        Event::WEBRTCTRANSPORT_ICE_STATE_CHANGE => {
            let body = notification.body_as_web_rtc_transport_ice_state_change_notification()?;
            let state = read_ice_state(body.ice_state())?;
            Some(WebRtcTransportEvent::IceStateChanged(state))
        }
        Event::WEBRTCTRANSPORT_ICE_SELECTED_TUPLE_CHANGE => {
            let body =
                notification.body_as_web_rtc_transport_ice_selected_tuple_change_notification()?;
            let tuple = read_tuple(body.tuple())?;
            Some(WebRtcTransportEvent::IceSelectedTupleChanged(tuple))
        }
        Event::WEBRTCTRANSPORT_DTLS_STATE_CHANGE => {
            let body = notification.body_as_web_rtc_transport_dtls_state_change_notification()?;
            Some(WebRtcTransportEvent::DtlsStateChanged {
                state: read_dtls_state(body.dtls_state())?,
                remote_certificate: body.remote_cert().map(str::to_owned),
            })
        }
        _ => None,
    }
}
