//! Transports: dumps, ICE, DTLS and their events.

use tureen_channel_fbs::Payload;
use tureen_channel_fbs::fbs::common::{Uint32String, Uint32StringArgs};
use tureen_channel_fbs::fbs::notification::{Body as EventBody, Event as FbsEvent};
use tureen_channel_fbs::fbs::{transport as fbs, web_rtc_transport as webrtc};
use tureen_channel_fbs::flatbuffers::WIPOffset;

use super::control::{pairs, strings};
use super::{Builder, Offset, Tables};
use crate::ids::Ssrc;
use crate::messages::{Event, RtpListenerDump, TransportDump, WebRtcTransportDump};
use crate::output::Protocol;
use crate::params::{
    DtlsParameters, DtlsRole, DtlsState, FingerprintAlgorithm, IceCandidate, IceParameters,
    IceState, Tuple,
};

pub(super) fn dump(
    fbb: &mut Builder,
    dump: &WebRtcTransportDump,
) -> Offset<webrtc::DumpResponse<'static>> {
    let candidates: Vec<_> = dump
        .ice_candidates
        .iter()
        .map(|candidate| self::candidate(fbb, candidate))
        .collect();
    let args = webrtc::DumpResponseArgs {
        base: Some(base(fbb, &dump.base)),
        ice_role: webrtc::IceRole::CONTROLLED,
        ice_parameters: Some(ice_parameters(fbb, &dump.ice_parameters)),
        ice_candidates: Some(fbb.create_vector(&candidates)),
        ice_state: ice_state(dump.ice_state),
        ice_selected_tuple: dump
            .ice_selected_tuple
            .as_ref()
            .map(|tuple| self::tuple(fbb, tuple)),
        dtls_parameters: Some(dtls_parameters(fbb, &dump.dtls_parameters)),
        dtls_state: dtls_state(dump.dtls_state),
    };
    webrtc::DumpResponse::create(fbb, &args)
}

/// What transports of all kinds show.
pub(super) fn base(fbb: &mut Builder, dump: &TransportDump) -> Offset<fbs::Dump<'static>> {
    let extensions = fbs::RecvRtpHeaderExtensionsArgs {
        mid: dump.recv_mid,
        rid: dump.recv_rid,
        rrid: dump.recv_rrid,
        abs_send_time: dump.recv_abs_send_time,
        transport_wide_cc01: dump.recv_transport_wide_cc,
    };
    let args = fbs::DumpArgs {
        id: Some(fbb.create_string(&dump.id)),
        direct: dump.direct,
        producer_ids: Some(strings(fbb, &dump.producer_ids)),
        consumer_ids: Some(strings(fbb, &dump.consumer_ids)),
        map_ssrc_consumer_id: Some(ssrcs(fbb, &dump.ssrc_consumers)),
        map_rtx_ssrc_consumer_id: Some(ssrcs(fbb, &dump.rtx_ssrc_consumers)),
        data_producer_ids: Some(strings(fbb, &[])),
        data_consumer_ids: Some(strings(fbb, &[])),
        recv_rtp_header_extensions: Some(fbs::RecvRtpHeaderExtensions::create(fbb, &extensions)),
        rtp_listener: Some(rtp_listener(fbb, &dump.rtp_listener)),
        max_send_message_size: dump.max_send_message_size,
        max_receive_message_size: dump.max_receive_message_size,
        sctp_parameters: None,
        sctp_state: None,
        sctp_negotiated_capabilities: None,
        sctp_listener: None,
        trace_event_types: Some(fbb.create_vector::<fbs::TraceEventType>(&[])),
    };
    fbs::Dump::create(fbb, &args)
}

fn ssrcs(fbb: &mut Builder, items: &[(Ssrc, String)]) -> Tables<Uint32String<'static>> {
    let items: Vec<_> = items
        .iter()
        .map(|(ssrc, id)| {
            let value = Some(fbb.create_string(id));
            Uint32String::create(fbb, &Uint32StringArgs { key: ssrc.0, value })
        })
        .collect();
    fbb.create_vector(&items)
}

fn rtp_listener(fbb: &mut Builder, dump: &RtpListenerDump) -> Offset<fbs::RtpListener<'static>> {
    let args = fbs::RtpListenerArgs {
        ssrc_table: Some(ssrcs(fbb, &dump.ssrcs)),
        mid_table: Some(pairs(
            fbb,
            dump.mids.iter().map(|(a, b)| (a.as_str(), b.as_str())),
        )),
        rid_table: Some(pairs(
            fbb,
            dump.rids.iter().map(|(a, b)| (a.as_str(), b.as_str())),
        )),
    };
    fbs::RtpListener::create(fbb, &args)
}

pub(super) fn restart(
    fbb: &mut Builder,
    parameters: &IceParameters,
) -> Offset<fbs::RestartIceResponse<'static>> {
    let args = fbs::RestartIceResponseArgs {
        username_fragment: Some(fbb.create_string(&parameters.username_fragment)),
        password: Some(fbb.create_string(&parameters.password)),
        ice_lite: true,
    };
    fbs::RestartIceResponse::create(fbb, &args)
}

fn ice_parameters(
    fbb: &mut Builder,
    parameters: &IceParameters,
) -> Offset<webrtc::IceParameters<'static>> {
    let args = webrtc::IceParametersArgs {
        username_fragment: Some(fbb.create_string(&parameters.username_fragment)),
        password: Some(fbb.create_string(&parameters.password)),
        ice_lite: true,
    };
    webrtc::IceParameters::create(fbb, &args)
}

fn candidate(fbb: &mut Builder, candidate: &IceCandidate) -> Offset<webrtc::IceCandidate<'static>> {
    let args = webrtc::IceCandidateArgs {
        foundation: Some(fbb.create_string(&candidate.foundation)),
        priority: candidate.priority,
        address: Some(fbb.create_string(&candidate.address)),
        protocol: protocol(candidate.protocol),
        port: candidate.port,
        type_: webrtc::IceCandidateType::HOST,
        tcp_type: match candidate.protocol {
            Protocol::Udp => None,
            Protocol::Tcp => Some(webrtc::IceCandidateTcpType::PASSIVE),
        },
    };
    webrtc::IceCandidate::create(fbb, &args)
}

fn dtls_parameters(
    fbb: &mut Builder,
    parameters: &DtlsParameters,
) -> Offset<webrtc::DtlsParameters<'static>> {
    let fingerprints: Vec<_> = parameters
        .fingerprints
        .iter()
        .map(|fingerprint| {
            let args = webrtc::FingerprintArgs {
                algorithm: match fingerprint.algorithm {
                    FingerprintAlgorithm::Sha1 => webrtc::FingerprintAlgorithm::SHA1,
                    FingerprintAlgorithm::Sha224 => webrtc::FingerprintAlgorithm::SHA224,
                    FingerprintAlgorithm::Sha256 => webrtc::FingerprintAlgorithm::SHA256,
                    FingerprintAlgorithm::Sha384 => webrtc::FingerprintAlgorithm::SHA384,
                    FingerprintAlgorithm::Sha512 => webrtc::FingerprintAlgorithm::SHA512,
                },
                value: Some(fbb.create_string(&fingerprint.value)),
            };
            webrtc::Fingerprint::create(fbb, &args)
        })
        .collect();
    let args = webrtc::DtlsParametersArgs {
        fingerprints: Some(fbb.create_vector(&fingerprints)),
        role: dtls_role(parameters.role),
    };
    webrtc::DtlsParameters::create(fbb, &args)
}

/// A tuple.
pub(super) fn tuple(fbb: &mut Builder, tuple: &Tuple) -> Offset<fbs::Tuple<'static>> {
    let args = fbs::TupleArgs {
        local_address: Some(fbb.create_string(&tuple.local_address)),
        local_port: tuple.local_port,
        remote_ip: tuple.remote_ip.as_ref().map(|ip| fbb.create_string(ip)),
        remote_port: tuple.remote_port,
        protocol: protocol(tuple.protocol),
    };
    fbs::Tuple::create(fbb, &args)
}

pub(super) fn event(fbb: &mut Builder, event: &Event) -> (FbsEvent, Option<Payload<EventBody>>) {
    match event {
        Event::IceSelectedTupleChange(tuple) => {
            let tuple: Option<WIPOffset<_>> = Some(self::tuple(fbb, tuple));
            let args = webrtc::IceSelectedTupleChangeNotificationArgs { tuple };
            let table = webrtc::IceSelectedTupleChangeNotification::create(fbb, &args);
            let body = EventBody::WebRtcTransport_IceSelectedTupleChangeNotification;
            let event = FbsEvent::WEBRTCTRANSPORT_ICE_SELECTED_TUPLE_CHANGE;
            (event, Some((body, table.as_union_value())))
        }
        Event::IceStateChange(state) => {
            let args = webrtc::IceStateChangeNotificationArgs {
                ice_state: ice_state(*state),
            };
            let table = webrtc::IceStateChangeNotification::create(fbb, &args);
            let body = EventBody::WebRtcTransport_IceStateChangeNotification;
            (
                FbsEvent::WEBRTCTRANSPORT_ICE_STATE_CHANGE,
                Some((body, table.as_union_value())),
            )
        }
        Event::DtlsStateChange {
            state,
            remote_certificate,
        } => {
            let args = webrtc::DtlsStateChangeNotificationArgs {
                dtls_state: dtls_state(*state),
                remote_cert: remote_certificate
                    .as_ref()
                    .map(|pem| fbb.create_string(pem)),
            };
            let table = webrtc::DtlsStateChangeNotification::create(fbb, &args);
            let body = EventBody::WebRtcTransport_DtlsStateChangeNotification;
            (
                FbsEvent::WEBRTCTRANSPORT_DTLS_STATE_CHANGE,
                Some((body, table.as_union_value())),
            )
        }
        other => unreachable!("{other:?} is not an event of a transport"),
    }
}

fn protocol(protocol: Protocol) -> fbs::Protocol {
    match protocol {
        Protocol::Udp => fbs::Protocol::UDP,
        Protocol::Tcp => fbs::Protocol::TCP,
    }
}

pub(super) fn dtls_role(role: DtlsRole) -> webrtc::DtlsRole {
    match role {
        DtlsRole::Auto => webrtc::DtlsRole::AUTO,
        DtlsRole::Client => webrtc::DtlsRole::CLIENT,
        DtlsRole::Server => webrtc::DtlsRole::SERVER,
    }
}

pub(super) fn ice_state(state: IceState) -> webrtc::IceState {
    match state {
        IceState::New => webrtc::IceState::NEW,
        IceState::Connected => webrtc::IceState::CONNECTED,
        IceState::Completed => webrtc::IceState::COMPLETED,
        IceState::Disconnected => webrtc::IceState::DISCONNECTED,
    }
}

pub(super) fn dtls_state(state: DtlsState) -> webrtc::DtlsState {
    match state {
        DtlsState::New => webrtc::DtlsState::NEW,
        DtlsState::Connecting => webrtc::DtlsState::CONNECTING,
        DtlsState::Connected => webrtc::DtlsState::CONNECTED,
        DtlsState::Failed => webrtc::DtlsState::FAILED,
        DtlsState::Closed => webrtc::DtlsState::CLOSED,
    }
}
