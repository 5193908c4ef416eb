//! SRTP sessions from keys that signaling carries.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::RequestError;
use crate::params::{SrtpCryptoSuite, SrtpParameters};
use crate::rng::Rng;
use crate::srtp::{MasterKey, SrtpReceive, SrtpSend};

/// The limit of SSRCs in each direction, media and RTX. The listener takes fewer, and a room of a
/// few hundred people needs fewer.
pub(super) const MAX_SRTP_STREAMS: usize = 4096;

/// Both sessions of a transport: ours to send with, the remote's to receive with.
pub(super) type Sessions = (SrtpSend, SrtpReceive);

/// A fresh key of our own.
pub(super) fn generate(crypto_suite: SrtpCryptoSuite, rng: &mut Rng) -> SrtpParameters {
    let mut key = vec![0; crypto_suite.key_and_salt_len()];
    rng.fill(&mut key);
    SrtpParameters {
        crypto_suite,
        key_base64: STANDARD.encode(key),
    }
}

/// The sessions that `local` and `remote` name.
///
/// # Errors
///
/// `TypeError` for a key that is not base64 or does not have the length of its suite.
pub(super) fn sessions(
    local: &SrtpParameters,
    remote: &SrtpParameters,
) -> Result<Sessions, RequestError> {
    let (local, remote) = (master_key(local)?, master_key(remote)?);
    Ok((
        SrtpSend::new(&local, MAX_SRTP_STREAMS),
        SrtpReceive::new(&remote, MAX_SRTP_STREAMS),
    ))
}

fn master_key(parameters: &SrtpParameters) -> Result<MasterKey, RequestError> {
    let invalid = |problem: String| RequestError::invalid("srtpParameters.keyBase64", problem);
    let key = STANDARD
        .decode(&parameters.key_base64)
        .map_err(|_| invalid("is not base64".into()))?;
    MasterKey::new(parameters.crypto_suite, &key).map_err(|error| invalid(error.to_string()))
}
