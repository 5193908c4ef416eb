//! Requests that concern a WebRTC server.

use tureen_channel_fbs::Payload;
use tureen_channel_fbs::fbs::request::{Body, Method};
use tureen_channel_fbs::fbs::response::Response;
use tureen_channel_fbs::fbs::{web_rtc_server as fbs, worker};
use tureen_channel_fbs::flatbuffers::{ForwardsUOffset, Vector};

use super::{IpPort, LocalIceUsernameFragment, WebRtcServerDump};
use crate::channel::{Fbb, Request, plain_request};
use crate::encoding::{listen_infos, read_strings};
use crate::ids::WebRtcServerId;
use crate::listen_info::ListenInfo;

pub(super) struct CreateWebRtcServer<'a> {
    pub(super) id: &'a WebRtcServerId,
    pub(super) listen_infos: &'a [ListenInfo],
}

impl Request for CreateWebRtcServer<'_> {
    const METHOD: Method = Method::WORKER_CREATE_WEBRTCSERVER;
    type Response = ();

    fn handler_id(&self) -> &str {
        ""
    }

    fn encode(&self, fbb: &mut Fbb) -> Option<Payload<Body>> {
        let args = worker::CreateWebRtcServerRequestArgs {
            web_rtc_server_id: Some(fbb.create_string(self.id.as_str())),
            listen_infos: Some(listen_infos(fbb, self.listen_infos)),
        };
        let body = worker::CreateWebRtcServerRequest::create(fbb, &args);
        Some((
            Body::Worker_CreateWebRtcServerRequest,
            body.as_union_value(),
        ))
    }

    fn decode(_: &Response<'_>) -> Option<()> {
        Some(())
    }
}

pub(crate) struct CloseWebRtcServer(pub(super) WebRtcServerId);

impl Request for CloseWebRtcServer {
    const METHOD: Method = Method::WORKER_WEBRTCSERVER_CLOSE;
    type Response = ();

    fn handler_id(&self) -> &str {
        ""
    }

    fn encode(&self, fbb: &mut Fbb) -> Option<Payload<Body>> {
        let args = worker::CloseWebRtcServerRequestArgs {
            web_rtc_server_id: Some(fbb.create_string(self.0.as_str())),
        };
        let body = worker::CloseWebRtcServerRequest::create(fbb, &args);
        Some((Body::Worker_CloseWebRtcServerRequest, body.as_union_value()))
    }

    fn decode(_: &Response<'_>) -> Option<()> {
        Some(())
    }
}

plain_request! {
    /// Asks what a worker holds of a WebRtcServer.
    DumpWebRtcServer(WebRtcServerId) = WEBRTCSERVER_DUMP -> WebRtcServerDump, read_dump;
}

fn read_dump(response: &Response<'_>) -> Option<WebRtcServerDump> {
    let dump = response.body_as_web_rtc_server_dump_response()?;
    let fragments = dump.local_ice_username_fragments().iter();
    Some(WebRtcServerDump {
        id: dump.id().into(),
        udp_sockets: read_ip_ports(dump.udp_sockets()),
        tcp_servers: read_ip_ports(dump.tcp_servers()),
        web_rtc_transport_ids: read_strings(dump.web_rtc_transport_ids()),
        local_ice_username_fragments: fragments
            .map(|fragment| LocalIceUsernameFragment {
                local_ice_username_fragment: fragment.local_ice_username_fragment().to_owned(),
                web_rtc_transport_id: fragment.web_rtc_transport_id().into(),
            })
            .collect(),
    })
}

fn read_ip_ports(list: Vector<'_, ForwardsUOffset<fbs::IpPort<'_>>>) -> Vec<IpPort> {
    list.iter()
        .map(|entry| IpPort {
            ip: entry.ip().to_owned(),
            port: entry.port(),
        })
        .collect()
}
