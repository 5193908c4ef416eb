//! Requests that every kind of transport takes.

use tureen_channel_fbs::Payload;
use tureen_channel_fbs::fbs::request::{Body, Method};
use tureen_channel_fbs::fbs::response::Response;
use tureen_channel_fbs::fbs::{router, transport};
use tureen_channel_fbs::flatbuffers::WIPOffset;

use crate::channel::{Fbb, Request};
use crate::ids::{RouterId, TransportId};

/// Options that every kind of transport has. SCTP is off. The limits are sent all the same, with
/// mediasoup's values.
pub(crate) fn base_options(
    fbb: &mut Fbb,
    initial_available_outgoing_bitrate: u64,
) -> WIPOffset<transport::Options<'static>> {
    let args = transport::OptionsArgs {
        direct: false,
        initial_available_outgoing_bitrate: Some(initial_available_outgoing_bitrate),
        enable_sctp: false,
        max_send_message_size: 262_144,
        max_receive_message_size: 262_144,
        sctp_send_buffer_size: 2_000_000,
        sctp_per_stream_send_queue_limit: 2_000_000,
        sctp_max_receiver_window_buffer_size: 5_242_880,
        sctp_default_stream_buffered_amount_low_threshold: 1024,
        is_data_channel: true,
    };
    transport::Options::create(fbb, &args)
}

pub(crate) struct CloseTransport {
    pub(super) router_id: RouterId,
    pub(super) id: TransportId,
}

impl Request for CloseTransport {
    const METHOD: Method = Method::ROUTER_CLOSE_TRANSPORT;
    type Response = ();

    fn handler_id(&self) -> &str {
        self.router_id.as_str()
    }

    fn encode(&self, fbb: &mut Fbb) -> Option<Payload<Body>> {
        let args = router::CloseTransportRequestArgs {
            transport_id: Some(fbb.create_string(self.id.as_str())),
        };
        let body = router::CloseTransportRequest::create(fbb, &args);
        Some((Body::Router_CloseTransportRequest, body.as_union_value()))
    }

    fn decode(_: &Response<'_>) -> Option<()> {
        Some(())
    }
}

pub(super) struct SetMaxIncomingBitrate<'a> {
    pub(super) id: &'a TransportId,
    pub(super) bitrate: u64,
}

impl Request for SetMaxIncomingBitrate<'_> {
    const METHOD: Method = Method::TRANSPORT_SET_MAX_INCOMING_BITRATE;
    type Response = ();

    fn handler_id(&self) -> &str {
        self.id.as_str()
    }

    fn encode(&self, fbb: &mut Fbb) -> Option<Payload<Body>> {
        let args = transport::SetMaxIncomingBitrateRequestArgs {
            max_incoming_bitrate: self.bitrate,
        };
        let body = transport::SetMaxIncomingBitrateRequest::create(fbb, &args);
        Some((
            Body::Transport_SetMaxIncomingBitrateRequest,
            body.as_union_value(),
        ))
    }

    fn decode(_: &Response<'_>) -> Option<()> {
        Some(())
    }
}
