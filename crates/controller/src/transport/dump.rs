//! What the worker holds of any kind of transport.

use std::collections::BTreeMap;

use serde::Serialize;
use tureen_channel_fbs::fbs::{common, transport};
use tureen_channel_fbs::flatbuffers::{ForwardsUOffset, Vector};

use crate::encoding::read_strings;
use crate::ids::{ConsumerId, ProducerId, TransportId};

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

pub(crate) fn read_transport_dump(dump: transport::Dump<'_>) -> TransportDump {
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
