//! Requests that concern a WebRTC transport.

use tureen_channel_fbs::Payload;
use tureen_channel_fbs::fbs::request::{Body, Method};
use tureen_channel_fbs::fbs::response::Response;
use tureen_channel_fbs::fbs::{router, web_rtc_transport as fbs};
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
use crate::transport::base_options;

/// Creates a transport, on a WebRtcServer or on sockets of its own.
pub(super) struct Create<'a, const ON_SERVER: bool> {
    pub(super) router_id: &'a RouterId,
    pub(super) id: &'a TransportId,
    pub(super) options: &'a WebRtcTransportOptions,
}

impl<const ON_SERVER: bool> Request for Create<'_, ON_SERVER> {
    const METHOD: Method = if ON_SERVER {
        Method::ROUTER_CREATE_WEBRTCTRANSPORT_WITH_SERVER
    } else {
        Method::ROUTER_CREATE_WEBRTCTRANSPORT
    };
    type Response = WebRtcTransportDump;

    fn handler_id(&self) -> &str {
        self.router_id.as_str()
    }

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

    fn decode(response: &Response<'_>) -> Option<WebRtcTransportDump> {
        read_transport_dump(response)
    }
}

fn transport_options(
    fbb: &mut Fbb,
    options: &WebRtcTransportOptions,
) -> WIPOffset<fbs::WebRtcTransportOptions<'static>> {
    let (listen_type, listen) = listen(fbb, &options.listen);
    let args = fbs::WebRtcTransportOptionsArgs {
        base: Some(base_options(
            fbb,
            options.initial_available_outgoing_bitrate,
        )),
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
