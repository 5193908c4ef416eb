//! The gate between the exported keys and the rest of the worker.

use crate::params::Fingerprint;
use crate::srtp::SrtpKeys;

/// Holds the exported keys until the remote's certificate has matched the signalled fingerprint.
/// The three may come in any order; [`KeyGate::open`] is the only way out.
#[derive(Default)]
pub(super) struct KeyGate {
    expected: Option<Fingerprint>,
    certificate: Option<Vec<u8>>,
    keys: Option<SrtpKeys>,
}

/// The certificate does not match the signalled fingerprint.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FingerprintMismatch;

impl KeyGate {
    /// Takes the fingerprint that the signalling named.
    pub(super) fn expect(&mut self, fingerprint: Fingerprint) -> Result<(), FingerprintMismatch> {
        self.expected = Some(fingerprint);
        self.check()
    }

    /// Takes the certificate that the remote presented, in DER.
    pub(super) fn present(&mut self, certificate: Vec<u8>) -> Result<(), FingerprintMismatch> {
        self.certificate = Some(certificate);
        self.check()
    }

    /// Takes the keys of the finished handshake.
    pub(super) fn hold(&mut self, keys: SrtpKeys) {
        self.keys = Some(keys);
    }

    /// Whether keys are held back.
    pub(super) const fn holds_keys(&self) -> bool {
        self.keys.is_some()
    }

    /// The keys, once, together with the certificate that has matched; `None` while one of the
    /// three is missing.
    pub(super) fn open(&mut self) -> Option<(SrtpKeys, &[u8])> {
        self.keys.as_ref()?;
        let certificate = self.certificate.as_deref()?;
        if !self.expected.as_ref()?.matches(certificate) {
            return None;
        }
        Some((self.keys.take()?, certificate))
    }

    fn check(&self) -> Result<(), FingerprintMismatch> {
        match (&self.expected, &self.certificate) {
            (Some(expected), Some(certificate)) if !expected.matches(certificate) => {
                Err(FingerprintMismatch)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtls::fingerprint;
    use crate::params::{FingerprintAlgorithm, SrtpCryptoSuite};

    fn keys() -> SrtpKeys {
        SrtpKeys::from_exporter(SrtpCryptoSuite::AeadAes128Gcm, &[1; 56]).unwrap()
    }

    #[test]
    fn it_opens_only_when_all_three_are_there_and_agree() {
        let right = fingerprint(FingerprintAlgorithm::Sha256, b"certificate");
        let wrong = fingerprint(FingerprintAlgorithm::Sha256, b"another");
        // Every subset and both fingerprints, in every order.
        for order in [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ] {
            for subset in 0..8 {
                for expected in [&right, &wrong] {
                    let mut gate = KeyGate::default();
                    let mut mismatch = false;
                    for step in order.into_iter().filter(|step| subset & (1 << step) != 0) {
                        match step {
                            0 => mismatch |= gate.expect(expected.clone()).is_err(),
                            1 => mismatch |= gate.present(b"certificate".to_vec()).is_err(),
                            _ => gate.hold(keys()),
                        }
                    }
                    assert_eq!(mismatch, subset & 3 == 3 && expected == &wrong);
                    assert_eq!(gate.open().is_some(), subset == 7 && expected == &right);
                }
            }
        }
    }

    #[test]
    fn keys_come_out_once() {
        let mut gate = KeyGate::default();
        gate.expect(fingerprint(FingerprintAlgorithm::Sha1, b"c"))
            .unwrap();
        gate.present(b"c".to_vec()).unwrap();
        gate.hold(keys());
        assert!(gate.holds_keys());
        assert!(gate.open().is_some());
        assert!(gate.open().is_none());
    }
}
