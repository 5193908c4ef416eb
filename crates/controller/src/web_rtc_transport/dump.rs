//! What the worker holds of a WebRTC transport, and its statistics.

use std::collections::BTreeMap;

use serde::Serialize;
use tureen_channel_fbs::fbs::{common, transport, web_rtc_transport as fbs};
use tureen_channel_fbs::flatbuffers::{ForwardsUOffset, Vector};

use super::parameters::{
    read_dtls_parameters, read_dtls_state, read_ice_candidate, read_ice_parameters, read_ice_role,
    read_ice_state, read_tuple,
};
use super::{
    DtlsParameters, DtlsState, IceCandidate, IceParameters, IceRole, IceState, TransportTuple,
};
use crate::encoding::read_strings;
use crate::ids::{ConsumerId, ProducerId, TransportId};
use crate::stats::{TransportStats, read_transport_stats};

/// What the worker holds of any kind of transport.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TransportDump {
    /// Its id.
    pub id: TransportId,
    /// Its Producers.
    pub producer_ids: Vec<ProducerId>,
    /// Its Consumers.
    pub consumer_ids: Vec<ConsumerId>,
    /// Consumers by the SSRC they send with.
    pub map_ssrc_consumer_id: BTreeMap<u32, ConsumerId>,
    /// Consumers by the SSRC of their retransmissions.
    pub map_rtx_ssrc_consumer_id: BTreeMap<u32, ConsumerId>,
    /// Ids of the header extensions it looks for in what it receives, by name.
    pub recv_rtp_header_extensions: BTreeMap<&'static str, u8>,
    /// How it finds the Producer of what it receives.
    pub rtp_listener: RtpListenerDump,
}

/// How a transport finds the Producer of a packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RtpListenerDump {
    /// By SSRC.
    pub ssrc_table: BTreeMap<u32, ProducerId>,
    /// By MID.
    pub mid_table: BTreeMap<String, ProducerId>,
    /// By RID.
    pub rid_table: BTreeMap<String, ProducerId>,
}

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
        base: read_base_dump(dump.base()),
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

/// The outer option is none if the tuple cannot be read; the inner one is none if there is no
/// tuple.
fn read_optional_tuple(tuple: Option<transport::Tuple<'_>>) -> Option<Option<TransportTuple>> {
    match tuple {
        None => Some(None),
        Some(tuple) => read_tuple(tuple).map(Some),
    }
}

fn read_base_dump(dump: transport::Dump<'_>) -> TransportDump {
    let extensions = dump.recv_rtp_header_extensions();
    let listener = dump.rtp_listener();
    let named = [
        ("mid", extensions.mid()),
        ("rid", extensions.rid()),
        ("rrid", extensions.rrid()),
        ("absSendTime", extensions.abs_send_time()),
        ("transportWideCc01", extensions.transport_wide_cc01()),
    ];
    TransportDump {
        id: dump.id().into(),
        producer_ids: read_strings(dump.producer_ids()),
        consumer_ids: read_strings(dump.consumer_ids()),
        map_ssrc_consumer_id: read_ssrc_table(dump.map_ssrc_consumer_id()),
        map_rtx_ssrc_consumer_id: read_ssrc_table(dump.map_rtx_ssrc_consumer_id()),
        recv_rtp_header_extensions: named
            .into_iter()
            .filter_map(|(name, id)| Some((name, id?)))
            .collect(),
        rtp_listener: RtpListenerDump {
            ssrc_table: read_ssrc_table(listener.ssrc_table()),
            mid_table: read_text_table(listener.mid_table()),
            rid_table: read_text_table(listener.rid_table()),
        },
    }
}

fn read_ssrc_table<T: for<'a> From<&'a str>>(
    table: Vector<'_, ForwardsUOffset<common::Uint32String<'_>>>,
) -> BTreeMap<u32, T> {
    table
        .iter()
        .map(|entry| (entry.key(), entry.value().into()))
        .collect()
}

fn read_text_table(
    table: Vector<'_, ForwardsUOffset<common::StringString<'_>>>,
) -> BTreeMap<String, ProducerId> {
    table
        .iter()
        .map(|entry| (entry.key().to_owned(), entry.value().into()))
        .collect()
}
