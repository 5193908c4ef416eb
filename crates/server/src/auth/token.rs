//! Checks tokens and signs them.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Deserialize;
use thiserror::Error;

use super::claims::Claims;
use super::{ApiKey, Grants};

/// Why a token is refused. The texts are for people and repeat nothing of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum TokenError {
    /// None was shown.
    #[error("this server wants a token: ask for a link that has one")]
    Missing,
    /// It is longer than any token of use.
    #[error("the token is too long")]
    TooLong,
    /// It is no JWT, or a claim has the wrong type.
    #[error("the token cannot be read")]
    Malformed,
    /// It is signed by another algorithm than HS256, or not at all.
    #[error("the token is not signed by HS256")]
    Algorithm,
    /// The server does not know the key that it names.
    #[error("the token is of a key that this server does not know")]
    UnknownKey,
    /// It was not signed with the secret of the key that it names, or was changed since.
    #[error("the signature of the token is wrong")]
    Signature,
    /// It has no `exp`.
    #[error("the token has no end: exp is missing")]
    NoEnd,
    /// Its time is over.
    #[error("the token has expired: ask for a new link")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
}

impl TokenError {
    /// A word for programs, logs and metrics.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Missing => "token-missing",
            Self::Expired => "token-expired",
            Self::TooLong
            | Self::Malformed
            | Self::Algorithm
            | Self::UnknownKey
            | Self::Signature
            | Self::NoEnd
            | Self::NotYetValid => "bad-token",
        }
    }
}

/// Checks a token against the keys: signature, time with a minute of leeway, and form.
///
/// # Errors
///
/// [`TokenError`] says what is wrong with it.
pub(crate) fn verify(token: &str, keys: &[ApiKey]) -> Result<Grants, TokenError> {
    if token.len() > MAX_SIZE {
        return Err(TokenError::TooLong);
    }
    // RFC 8725 §3.1: "Libraries MUST enable the caller to specify a supported set of
    // algorithms and MUST NOT use any other algorithms". The token's own algorithm only decides
    // which error is returned.
    let header = jsonwebtoken::decode_header(token).map_err(|error| match error.kind() {
        // What the library has no algorithm for, `none` among it.
        ErrorKind::Json(_) if is_jwt(token) => TokenError::Algorithm,
        _ => TokenError::Malformed,
    })?;
    if header.alg != Algorithm::HS256 {
        return Err(TokenError::Algorithm);
    }
    let Issuer { iss } = jsonwebtoken::dangerous::insecure_decode(token)
        .map_err(|_| TokenError::Malformed)?
        .claims;
    let key = keys.iter().find(|key| key.name() == iss);
    let key = key.ok_or(TokenError::UnknownKey)?;
    let secret = DecodingKey::from_secret(key.secret());
    let claims: Claims = jsonwebtoken::decode(token, &secret, &validation(key))
        .map_err(|error| reason(error.kind()))?
        .claims;
    Ok(claims.into())
}

/// Signs what the claims say.
pub(super) fn sign(claims: &Claims, key: &ApiKey) -> Result<String, jsonwebtoken::errors::Error> {
    let secret = EncodingKey::from_secret(key.secret());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &secret)
}

/// The name of the key that the token claims. Nothing is believed before the signature is checked.
#[derive(Deserialize)]
struct Issuer {
    iss: String,
}

fn validation(key: &ApiKey) -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[key.name()]);
    validation.set_required_spec_claims(&["exp", "iss"]);
    validation.leeway = LEEWAY;
    validation.validate_nbf = true;
    // These tokens have no audience. If there is one, it is an unknown claim.
    validation.validate_aud = false;
    validation
}

fn reason(kind: &ErrorKind) -> TokenError {
    match kind {
        ErrorKind::InvalidSignature => TokenError::Signature,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => TokenError::Algorithm,
        ErrorKind::ExpiredSignature => TokenError::Expired,
        ErrorKind::ImmatureSignature => TokenError::NotYetValid,
        ErrorKind::MissingRequiredClaim(claim) if claim == "exp" => TokenError::NoEnd,
        _ => TokenError::Malformed,
    }
}

/// Three parts with dots between.
fn is_jwt(token: &str) -> bool {
    token.split('.').count() == 3
}

/// Seconds that clocks may be apart.
const LEEWAY: u64 = 60;
/// The maximum length of a token in bytes. Only metadata and attributes can be long, and a token
/// must also fit into an address.
const MAX_SIZE: usize = 16 * 1024;

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
