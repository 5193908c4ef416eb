//! Username fragment and password.

use crate::params::IceParameters;
use crate::rng::Rng;
use crate::wire::stun::IntegrityKey;

impl IceParameters {
    /// New random credentials: 32 lower-case letters and digits each. That is 165 bits and within
    /// the limits of RFC 8445 §5.3.
    pub fn generate(rng: &mut Rng) -> Self {
        Self {
            username_fragment: rng.alphanumeric(LEN),
            password: rng.alphanumeric(LEN),
        }
    }
}

/// Credentials whose password is prepared for verifying and signing.
#[derive(Debug)]
pub(super) struct Credentials {
    pub(super) parameters: IceParameters,
    pub(super) key: IntegrityKey,
}

impl Credentials {
    pub(super) fn new(parameters: IceParameters) -> Self {
        Self {
            key: IntegrityKey::new(parameters.password.as_bytes()),
            parameters,
        }
    }

    /// Whether a request is addressed to them.
    pub(super) fn is_named(&self, username_fragment: &[u8]) -> bool {
        self.parameters.username_fragment.as_bytes() == username_fragment
    }
}

const LEN: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_credentials_are_long_and_differ() {
        let mut rng = Rng::new([1; 32]);
        let (a, b) = (
            IceParameters::generate(&mut rng),
            IceParameters::generate(&mut rng),
        );
        assert_eq!((a.username_fragment.len(), a.password.len()), (32, 32));
        assert_ne!(a.username_fragment, b.username_fragment);
        assert_ne!(a.username_fragment, a.password);
    }
}
