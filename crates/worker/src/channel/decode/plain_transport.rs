//! Bodies about plain transports, and SRTP keys.

use tureen_channel_fbs::fbs::plain_transport::ConnectRequest;
use tureen_channel_fbs::fbs::router::CreatePlainTransportRequest;
use tureen_channel_fbs::fbs::srtp_parameters as fbs;

use super::transport::{listen_info, transport_options};
use super::{Decoded, unknown};
use crate::error::RequestError;
use crate::messages::{CreatePlainTransport, PlainConnect};
use crate::params::{SrtpCryptoSuite, SrtpParameters};

pub(super) fn create(body: &CreatePlainTransportRequest<'_>) -> Decoded<CreatePlainTransport> {
    let options = body.options();
    let rtcp_listen_info = options.rtcp_listen_info();
    let rtcp_listen_info = rtcp_listen_info
        .map(|info| listen_info(&info))
        .transpose()?;
    let srtp_crypto_suite = options.srtp_crypto_suite().map(crypto_suite).transpose()?;
    if options.enable_srtp() && srtp_crypto_suite.is_none() {
        return Err(RequestError::invalid("options.srtpCryptoSuite", "missing"));
    }
    Ok(CreatePlainTransport {
        transport_id: body.transport_id().to_owned(),
        base: transport_options(&options.base()),
        listen_info: listen_info(&options.listen_info())?,
        rtcp_listen_info,
        rtcp_mux: options.rtcp_mux(),
        comedia: options.comedia(),
        srtp_crypto_suite: srtp_crypto_suite.filter(|_| options.enable_srtp()),
    })
}

pub(super) fn connect(body: &ConnectRequest<'_>) -> Decoded<PlainConnect> {
    let srtp = body.srtp_parameters();
    Ok(PlainConnect {
        ip: body.ip().map(str::to_owned),
        port: body.port(),
        rtcp_port: body.rtcp_port(),
        srtp_parameters: srtp.map(|srtp| srtp_parameters(&srtp)).transpose()?,
    })
}

fn srtp_parameters(parameters: &fbs::SrtpParameters<'_>) -> Decoded<SrtpParameters> {
    Ok(SrtpParameters {
        crypto_suite: crypto_suite(parameters.crypto_suite())?,
        key_base64: parameters.key_base64().to_owned(),
    })
}

fn crypto_suite(suite: fbs::SrtpCryptoSuite) -> Decoded<SrtpCryptoSuite> {
    Ok(match suite {
        fbs::SrtpCryptoSuite::AEAD_AES_256_GCM => SrtpCryptoSuite::AeadAes256Gcm,
        fbs::SrtpCryptoSuite::AEAD_AES_128_GCM => SrtpCryptoSuite::AeadAes128Gcm,
        fbs::SrtpCryptoSuite::AES_CM_128_HMAC_SHA1_80 => SrtpCryptoSuite::AesCm128HmacSha1_80,
        fbs::SrtpCryptoSuite::AES_CM_128_HMAC_SHA1_32 => SrtpCryptoSuite::AesCm128HmacSha1_32,
        other => return Err(unknown("srtpParameters.cryptoSuite", other.0)),
    })
}
