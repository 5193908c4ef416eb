//! What the worker holds of a WebRTC transport, and its statistics.

use serde::Serialize;
use tureen_channel_fbs::fbs::web_rtc_transport as fbs;

use super::parameters::{
    read_dtls_parameters, read_dtls_state, read_ice_candidate, read_ice_parameters, read_ice_role,
    read_ice_state,
};
use super::{DtlsParameters, DtlsState, IceCandidate, IceParameters, IceRole, IceState};
use crate::transport::{
    TransportDump, TransportStats, TransportTuple, read_optional_tuple, read_transport_dump,
    read_transport_stats,
};

/// A [`WebRtcTransport`](super::WebRtcTransport) as the worker holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WebRtcTransportDump {
    /// What every transport has.
    #[serde(flatten)]
    pub base: TransportDump,
    /// Role in ICE.
    pub ice_role: IceRole,
    /// The worker's ICE credentials.
    pub ice_parameters: IceParameters,
    /// The worker's addresses.
    pub ice_candidates: Vec<IceCandidate>,
    /// State of ICE.
    pub ice_state: IceState,
    /// The path in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ice_selected_tuple: Option<TransportTuple>,
    /// The worker's DTLS role and fingerprints.
    pub dtls_parameters: DtlsParameters,
    /// State of DTLS.
    pub dtls_state: DtlsState,
}

/// Statistics of a [`WebRtcTransport`](super::WebRtcTransport).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WebRtcTransportStats {
    /// What every transport has.
    #[serde(flatten)]
    pub base: TransportStats,
    /// Role in ICE.
    pub ice_role: IceRole,
    /// State of ICE.
    pub ice_state: IceState,
    /// The path in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ice_selected_tuple: Option<TransportTuple>,
    /// State of DTLS.
    pub dtls_state: DtlsState,
}

pub(super) fn read_dump(dump: fbs::DumpResponse<'_>) -> Option<WebRtcTransportDump> {
    let candidates = dump.ice_candidates().iter().map(read_ice_candidate);
    Some(WebRtcTransportDump {
        base: read_transport_dump(dump.base()),
        ice_role: read_ice_role(dump.ice_role())?,
        ice_parameters: read_ice_parameters(dump.ice_parameters()),
        ice_candidates: candidates.collect::<Option<_>>()?,
        ice_state: read_ice_state(dump.ice_state())?,
        ice_selected_tuple: read_optional_tuple(dump.ice_selected_tuple())?,
        dtls_parameters: read_dtls_parameters(dump.dtls_parameters())?,
        dtls_state: read_dtls_state(dump.dtls_state())?,
    })
}

pub(super) fn read_stats(stats: fbs::GetStatsResponse<'_>) -> Option<WebRtcTransportStats> {
    Some(WebRtcTransportStats {
        base: read_transport_stats(stats.base()),
        ice_role: read_ice_role(stats.ice_role())?,
        ice_state: read_ice_state(stats.ice_state())?,
        ice_selected_tuple: read_optional_tuple(stats.ice_selected_tuple())?,
        dtls_state: read_dtls_state(stats.dtls_state())?,
    })
}
