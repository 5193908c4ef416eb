//! WebRtcTransports: ICE, DTLS and SRTP towards one endpoint, in the terms of browsers. A transport
//! lives in a router, listens on a WebRtcServer or on sockets of its own, and holds the endpoint's
//! Producers and Consumers.

mod dump;
mod mirror;
mod options;
mod parameters;
mod requests;

pub use dump::{WebRtcTransportDump, WebRtcTransportStats};
pub use options::{WebRtcTransportListen, WebRtcTransportOptions};
pub use parameters::{
    DtlsFingerprint, DtlsParameters, DtlsRole, DtlsState, FingerprintAlgorithm, IceCandidate,
    IceCandidateType, IceParameters, IceRole, IceState, IceTcpCandidateType,
};

use std::sync::{Arc, Mutex};

use crate::channel::RequestError;
use crate::entity::{CloseReason, lock};
use crate::ids::TransportId;
use crate::router::Router;
use crate::transport::{Core, TransportTuple, transport_handle};
use crate::web_rtc_server::WebRtcServer;
use mirror::WebRtcTransportKind;
use requests::{Connect, Create, Dump, GetStats, RestartIce};

/// One WebRTC endpoint's path to the router: ICE-lite, DTLS and SRTP.
///
/// The application sends its parameters to the endpoint and passes the endpoint's to
/// [`connect`](Self::connect); [`produce`](Self::produce) and [`consume`](Self::consume) may be
/// called before that. Closing it closes its Producers and Consumers.
#[derive(Clone)]
pub struct WebRtcTransport {
    core: Arc<Core<WebRtcTransportKind>>,
}

/// What only WebRtcTransports have.
pub(crate) struct Own {
    ice_candidates: Vec<IceCandidate>,
    dtls_fingerprints: Vec<DtlsFingerprint>,
    negotiated: Mutex<Negotiated>,
    /// A transport keeps the ports it listens on.
    _server: Option<WebRtcServer>,
}

/// What requests on the transport change.
struct Negotiated {
    ice_parameters: IceParameters,
    dtls_role: DtlsRole,
}

impl Router {
    /// Makes a transport for one WebRTC endpoint.
    ///
    /// # Errors
    ///
    /// [`RequestError::Other`] when no port can be bound, [`RequestError::Type`] when an address
    /// cannot.
    pub async fn create_web_rtc_transport(
        &self,
        options: WebRtcTransportOptions,
    ) -> Result<WebRtcTransport, RequestError> {
        let id = TransportId::random();
        let core = match &options.listen {
            WebRtcTransportListen::Server(server) => {
                let request = Create::<true> {
                    router_id: self.id(),
                    id: &id,
                    options: &options,
                };
                let parents = vec![server.children().clone()];
                let own = |dump| Own::new(dump, Some(server.clone()));
                Core::create(self, &id, parents, &request, own).await
            }
            WebRtcTransportListen::Individual(_) => {
                let request = Create::<false> {
                    router_id: self.id(),
                    id: &id,
                    options: &options,
                };
                let own = |dump| Own::new(dump, None);
                Core::create(self, &id, Vec::new(), &request, own).await
            }
        }?;
        let core = Arc::new(core);
        Ok(WebRtcTransport { core })
    }
}

impl Own {
    fn new(dump: WebRtcTransportDump, server: Option<WebRtcServer>) -> Self {
        Self {
            ice_candidates: dump.ice_candidates,
            dtls_fingerprints: dump.dtls_parameters.fingerprints,
            negotiated: Mutex::new(Negotiated {
                ice_parameters: dump.ice_parameters,
                dtls_role: dump.dtls_parameters.role,
            }),
            _server: server,
        }
    }
}

transport_handle!(WebRtcTransport, WebRtcTransportEvent);

impl WebRtcTransport {
    /// The worker's ICE credentials, for the endpoint.
    pub fn ice_parameters(&self) -> IceParameters {
        lock(&self.core.own.negotiated).ice_parameters.clone()
    }

    /// The worker's addresses, for the endpoint.
    pub fn ice_candidates(&self) -> &[IceCandidate] {
        &self.core.own.ice_candidates
    }

    /// The worker's DTLS role and fingerprints, for the endpoint.
    pub fn dtls_parameters(&self) -> DtlsParameters {
        DtlsParameters {
            role: lock(&self.core.own.negotiated).dtls_role,
            fingerprints: self.core.own.dtls_fingerprints.clone(),
        }
    }

    /// State of ICE, as last heard.
    pub fn ice_state(&self) -> IceState {
        self.core.owned.state(|state| state.ice_state)
    }

    /// State of DTLS, as last heard.
    pub fn dtls_state(&self) -> DtlsState {
        self.core.owned.state(|state| state.dtls_state)
    }

    /// The path in use, as last heard.
    pub fn ice_selected_tuple(&self) -> Option<TransportTuple> {
        self.core
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
        let role = self.core.owned.request(&request).await?;
        lock(&self.core.own.negotiated).dtls_role = role;
        Ok(())
    }

    /// New ICE credentials for the endpoint to restart ICE with. The old ones stay valid until
    /// it uses the new ones.
    pub async fn restart_ice(&self) -> Result<IceParameters, RequestError> {
        let parameters = self.core.owned.request(&RestartIce(self.id())).await?;
        lock(&self.core.own.negotiated).ice_parameters = parameters.clone();
        Ok(parameters)
    }

    /// What the worker holds of it.
    pub async fn dump(&self) -> Result<WebRtcTransportDump, RequestError> {
        self.core.owned.request(&Dump(self.id())).await
    }

    /// Its statistics.
    pub async fn get_stats(&self) -> Result<WebRtcTransportStats, RequestError> {
        self.core.owned.request(&GetStats(self.id())).await
    }
}

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
