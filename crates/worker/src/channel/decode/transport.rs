//! Bodies about listening, ICE and DTLS.

use tureen_channel_fbs::fbs::router::{CreateDirectTransportRequest, CreateWebRtcTransportRequest};
use tureen_channel_fbs::fbs::transport as fbs;
use tureen_channel_fbs::fbs::web_rtc_transport::{
    DtlsParameters as FbsDtlsParameters, DtlsRole as FbsDtlsRole,
    FingerprintAlgorithm as FbsAlgorithm, WebRtcTransportOptions,
};
use tureen_channel_fbs::flatbuffers::{ForwardsUOffset, Vector};

use super::{Decoded, unknown};
use crate::error::RequestError;
use crate::messages::{CreateDirectTransport, CreateWebRtcTransport, Listen, TransportOptions};
use crate::output::Protocol;
use crate::params::{
    DtlsParameters, DtlsRole, Fingerprint, FingerprintAlgorithm, ListenInfo, PortRange, SocketFlags,
};

pub(super) fn create(body: &CreateWebRtcTransportRequest<'_>) -> Decoded<CreateWebRtcTransport> {
    let options = body.options();
    Ok(CreateWebRtcTransport {
        transport_id: body.transport_id().to_owned(),
        base: transport_options(&options.base()),
        listen: listen(&options)?,
        enable_udp: options.enable_udp(),
        enable_tcp: options.enable_tcp(),
        prefer_udp: options.prefer_udp(),
        prefer_tcp: options.prefer_tcp(),
        ice_consent_timeout: options.ice_consent_timeout(),
    })
}

pub(super) fn create_direct(body: &CreateDirectTransportRequest<'_>) -> CreateDirectTransport {
    CreateDirectTransport {
        transport_id: body.transport_id().to_owned(),
        base: transport_options(&body.options().base()),
    }
}

/// The options that every kind of transport has.
pub(super) fn transport_options(options: &fbs::Options<'_>) -> TransportOptions {
    TransportOptions {
        initial_available_outgoing_bitrate: options.initial_available_outgoing_bitrate(),
        enable_sctp: options.enable_sctp(),
        max_send_message_size: options.max_send_message_size(),
        max_receive_message_size: options.max_receive_message_size(),
    }
}

fn listen(options: &WebRtcTransportOptions<'_>) -> Decoded<Listen> {
    if let Some(individual) = options.listen_as_listen_individual() {
        return Ok(Listen::Individual(listen_infos(Some(
            individual.listen_infos(),
        ))?));
    }
    if let Some(server) = options.listen_as_listen_server() {
        return Ok(Listen::Server(server.web_rtc_server_id().to_owned()));
    }
    Err(RequestError::invalid(
        "options.listen",
        "neither listenInfos nor a webRtcServerId",
    ))
}

pub(super) fn listen_infos(
    infos: Option<Vector<'_, ForwardsUOffset<fbs::ListenInfo<'_>>>>,
) -> Decoded<Vec<ListenInfo>> {
    infos
        .into_iter()
        .flatten()
        .map(|info| listen_info(&info))
        .collect()
}

pub(super) fn listen_info(info: &fbs::ListenInfo<'_>) -> Decoded<ListenInfo> {
    let (range, flags) = (info.port_range(), info.flags());
    Ok(ListenInfo {
        protocol: match info.protocol() {
            fbs::Protocol::UDP => Protocol::Udp,
            fbs::Protocol::TCP => Protocol::Tcp,
            other => return Err(unknown("listenInfo.protocol", other.0)),
        },
        ip: info.ip().to_owned(),
        announced_address: info.announced_address().map(str::to_owned),
        expose_internal_ip: info.expose_internal_ip(),
        port: info.port(),
        port_range: PortRange {
            min: range.min(),
            max: range.max(),
        },
        flags: SocketFlags {
            ipv6_only: flags.ipv6_only(),
            udp_reuse_port: flags.udp_reuse_port(),
        },
        send_buffer_size: info.send_buffer_size(),
        recv_buffer_size: info.recv_buffer_size(),
    })
}

pub(super) fn dtls_parameters(parameters: &FbsDtlsParameters<'_>) -> Decoded<DtlsParameters> {
    let fingerprints = parameters.fingerprints().iter().map(|fingerprint| {
        let algorithm = match fingerprint.algorithm() {
            FbsAlgorithm::SHA1 => FingerprintAlgorithm::Sha1,
            FbsAlgorithm::SHA224 => FingerprintAlgorithm::Sha224,
            FbsAlgorithm::SHA256 => FingerprintAlgorithm::Sha256,
            FbsAlgorithm::SHA384 => FingerprintAlgorithm::Sha384,
            FbsAlgorithm::SHA512 => FingerprintAlgorithm::Sha512,
            other => return Err(unknown("dtlsParameters.fingerprints.algorithm", other.0)),
        };
        Ok(Fingerprint {
            algorithm,
            value: fingerprint.value().to_owned(),
        })
    });
    Ok(DtlsParameters {
        fingerprints: fingerprints.collect::<Decoded<_>>()?,
        role: match parameters.role() {
            FbsDtlsRole::AUTO => DtlsRole::Auto,
            FbsDtlsRole::CLIENT => DtlsRole::Client,
            FbsDtlsRole::SERVER => DtlsRole::Server,
            other => return Err(unknown("dtlsParameters.role", other.0)),
        },
    })
}
