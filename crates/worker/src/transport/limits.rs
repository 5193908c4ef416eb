//! Bit rates that the controller sets on a transport.

use crate::error::RequestError;

/// Limits in bits per second; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    max_incoming: u64,
}

impl Limits {
    pub(crate) fn set_max_incoming(&mut self, bitrate: u64) -> Result<(), RequestError> {
        if bitrate > MAX {
            let problem = format!("must not exceed {MAX}");
            return Err(RequestError::invalid("maxIncomingBitrate", problem));
        }
        self.max_incoming = bitrate;
        Ok(())
    }

    pub(crate) fn max_incoming(&self) -> Option<u64> {
        Some(self.max_incoming).filter(|bitrate| *bitrate > 0)
    }
}

/// docs/channel.md §7: more than 2^63 − 2 is a `TypeError`.
const MAX: u64 = (1 << 63) - 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_the_contract_hold_and_a_refusal_changes_nothing() {
        let mut limits = Limits::default();
        assert_eq!(limits.max_incoming(), None);
        limits.set_max_incoming(1).unwrap();
        assert!(limits.set_max_incoming(MAX + 1).is_err());
        assert_eq!(limits.max_incoming(), Some(1));
        limits.set_max_incoming(0).unwrap();
        assert_eq!(limits.max_incoming(), None);
    }
}
