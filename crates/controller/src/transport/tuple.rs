//! The path that a transport uses.

use serde::{Deserialize, Serialize};
use tureen_channel_fbs::fbs::transport;

use crate::encoding::read_protocol;
use crate::listen_info::Protocol;

/// A path between worker and endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransportTuple {
    /// The worker's address, as announced.
    pub local_address: String,
    /// The worker's port.
    pub local_port: u16,
    /// The endpoint's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_ip: Option<String>,
    /// The endpoint's port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_port: Option<u16>,
    /// UDP or TCP.
    pub protocol: Protocol,
}

pub(crate) fn read_tuple(tuple: transport::Tuple<'_>) -> Option<TransportTuple> {
    let remote_ip = tuple.remote_ip().map(str::to_owned);
    Some(TransportTuple {
        local_address: tuple.local_address().to_owned(),
        local_port: tuple.local_port(),
        remote_port: remote_ip.is_some().then(|| tuple.remote_port()),
        remote_ip,
        protocol: read_protocol(tuple.protocol())?,
    })
}

/// The outer option is none if the tuple cannot be read; the inner one is none if there is no
/// tuple.
pub(crate) fn read_optional_tuple(
    tuple: Option<transport::Tuple<'_>>,
) -> Option<Option<TransportTuple>> {
    match tuple {
        None => Some(None),
        Some(tuple) => read_tuple(tuple).map(Some),
    }
}
