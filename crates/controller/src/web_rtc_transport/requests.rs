//! Requests that concern a WebRTC transport.

use tureen_channel_fbs::Payload;
use tureen_channel_fbs::fbs::request::{Body, Method};
use tureen_channel_fbs::fbs::response::Response;
use tureen_channel_fbs::fbs::{router, transport, web_rtc_transport as fbs};
use tureen_channel_fbs::flatbuffers::{UnionWIPOffset, WIPOffset};

use super::dump::{read_dump, read_stats};
use super::parameters::{dtls_role, fingerprint_algorithm, read_dtls_role};
use super::{
    DtlsParameters, DtlsRole, IceParameters, WebRtcTransportDump, WebRtcTransportListen,
    WebRtcTransportOptions, WebRtcTransportStats,
};
use crate::channel::{Fbb, Request, plain_request};
use crate::encoding::{listen_infos, vector};
use crate::ids::{RouterId, TransportId};

/// On sockets of its own.
pub(super) struct CreateIndividual<'a>(pub(super) Create<'a>);

/// On a WebRtcServer.
pub(super) struct CreateOnServer<'a>(pub(super) Create<'a>);

#[derive(Clone, Copy)]
pub(super) struct Create<'a> {
    pub(super) router_id: &'a RouterId,
    pub(super) id: &'a TransportId,
    pub(super) options: &'a WebRtcTransportOptions,
}

impl Create<'_> {
    fn encode(&self, fbb: &mut Fbb) -> Option<Payload<Body>> {
        let args = router::CreateWebRtcTransportRequestArgs {
            transport_id: Some(fbb.create_string(self.id.as_str())),
            options: Some(transport_options(fbb, self.options)),
        };
        let body = router::CreateWebRtcTransportRequest::create(fbb, &args);
        Some((
            Body::Router_CreateWebRtcTransportRequest,
            body.as_union_value(),
        ))
    }
}

impl Request for CreateIndividual<'_> {
    const METHOD: Method = Method::ROUTER_CREATE_WEBRTCTRANSPORT;
    type Response = WebRtcTransportDump;

    fn handler_id(&self) -> &str {
        self.0.router_id.as_str()
    }

    fn encode(&self, fbb: &mut Fbb) -> Option<Payload<Body>> {
        self.0.encode(fbb)
    }

    fn decode(response: &Response<'_>) -> Option<WebRtcTransportDump> {
        read_dump(response.body_as_web_rtc_transport_dump_response()?)
    }
}

impl Request for CreateOnServer<'_> {
    const METHOD: Method = Method::ROUTER_CREATE_WEBRTCTRANSPORT_WITH_SERVER;
    type Response = WebRtcTransportDump;

    fn handler_id(&self) -> &str {
        self.0.router_id.as_str()
    }

    fn encode(&self, fbb: &mut Fbb) -> Option<Payload<Body>> {
        self.0.encode(fbb)
    }

    fn decode(response: &Response<'_>) -> Option<WebRtcTransportDump> {
        read_dump(response.body_as_web_rtc_transport_dump_response()?)
    }
}

fn transport_options(
    fbb: &mut Fbb,
    options: &WebRtcTransportOptions,
) -> WIPOffset<fbs::WebRtcTransportOptions<'static>> {
    let (listen_type, listen) = listen(fbb, &options.listen);
    let args = fbs::WebRtcTransportOptionsArgs {
        base: Some(base_options(fbb, options)),
        listen_type,
        listen: Some(listen),
        enable_udp: options.enable_udp,
        enable_tcp: options.enable_tcp,
        prefer_udp: options.prefer_udp,
        prefer_tcp: options.prefer_tcp,
        ice_consent_timeout: options.ice_consent_timeout,
    };
    fbs::WebRtcTransportOptions::create(fbb, &args)
}

fn listen(
    fbb: &mut Fbb,
    listen: &WebRtcTransportListen,
) -> (fbs::Listen, WIPOffset<UnionWIPOffset>) {
    match listen {
        WebRtcTransportListen::Server(server) => {
            let args = fbs::ListenServerArgs {
                web_rtc_server_id: Some(fbb.create_string(server.id().as_str())),
            };
            let table = fbs::ListenServer::create(fbb, &args);
            (fbs::Listen::ListenServer, table.as_union_value())
        }
        WebRtcTransportListen::Individual(infos) => {
            let args = fbs::ListenIndividualArgs {
                listen_infos: Some(listen_infos(fbb, infos)),
            };
            let table = fbs::ListenIndividual::create(fbb, &args);
            (fbs::Listen::ListenIndividual, table.as_union_value())
        }
    }
}

/// SCTP is off. The limits are sent all the same, with mediasoup's values.
fn base_options(
    fbb: &mut Fbb,
    options: &WebRtcTransportOptions,
) -> WIPOffset<transport::Options<'static>> {
    let args = transport::OptionsArgs {
        direct: false,
        initial_available_outgoing_bitrate: Some(options.initial_available_outgoing_bitrate),
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

pub(super) struct Connect<'a> {
    pub(super) id: &'a TransportId,
    pub(super) dtls_parameters: &'a DtlsParameters,
}

impl Request for Connect<'_> {
    const METHOD: Method = Method::WEBRTCTRANSPORT_CONNECT;
    type Response = DtlsRole;

    fn handler_id(&self) -> &str {
        self.id.as_str()
    }

    fn encode(&self, fbb: &mut Fbb) -> Option<Payload<Body>> {
        let fingerprints = vector(
            fbb,
            &self.dtls_parameters.fingerprints,
            |fbb, fingerprint| {
                let args = fbs::FingerprintArgs {
                    algorithm: fingerprint_algorithm(fingerprint.algorithm),
                    value: Some(fbb.create_string(&fingerprint.value)),
                };
                fbs::Fingerprint::create(fbb, &args)
            },
        );
        let args = fbs::DtlsParametersArgs {
            fingerprints: Some(fingerprints),
            role: dtls_role(self.dtls_parameters.role),
        };
        let args = fbs::ConnectRequestArgs {
            dtls_parameters: Some(fbs::DtlsParameters::create(fbb, &args)),
        };
        let body = fbs::ConnectRequest::create(fbb, &args);
        Some((Body::WebRtcTransport_ConnectRequest, body.as_union_value()))
    }

    fn decode(response: &Response<'_>) -> Option<DtlsRole> {
        let body = response.body_as_web_rtc_transport_connect_response()?;
        read_dtls_role(body.dtls_local_role())
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

plain_request! {
    /// Asks for new ICE credentials.
    RestartIce(TransportId) = TRANSPORT_RESTART_ICE -> IceParameters, read_ice_parameters;
    /// Asks what a worker holds of a transport.
    Dump(TransportId) = TRANSPORT_DUMP -> WebRtcTransportDump, read_transport_dump;
    /// Asks for the statistics of a transport.
    GetStats(TransportId) = TRANSPORT_GET_STATS -> WebRtcTransportStats, read_transport_stats;
}

fn read_ice_parameters(response: &Response<'_>) -> Option<IceParameters> {
    let body = response.body_as_transport_restart_ice_response()?;
    Some(IceParameters {
        username_fragment: body.username_fragment().to_owned(),
        password: body.password().to_owned(),
        ice_lite: body.ice_lite(),
    })
}

fn read_transport_dump(response: &Response<'_>) -> Option<WebRtcTransportDump> {
    read_dump(response.body_as_web_rtc_transport_dump_response()?)
}

fn read_transport_stats(response: &Response<'_>) -> Option<WebRtcTransportStats> {
    read_stats(response.body_as_web_rtc_transport_get_stats_response()?)
}
