//! Bit rates that the controller sets on a transport.

use crate::error::RequestError;

/// Limits in bits per second; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    max_incoming: u64,
    max_outgoing: u64,
    min_outgoing: u64,
}

impl Limits {
    pub(crate) fn set_max_incoming(&mut self, bitrate: u64) -> Result<(), RequestError> {
        check_range("maxIncomingBitrate", bitrate)?;
        self.max_incoming = bitrate;
        Ok(())
    }

    pub(crate) fn set_max_outgoing(&mut self, bitrate: u64) -> Result<(), RequestError> {
        check_outgoing("maxOutgoingBitrate", bitrate)?;
        if bitrate != 0 && bitrate < self.min_outgoing {
            let problem = format!(
                "must not be less than minOutgoingBitrate ({})",
                self.min_outgoing
            );
            return Err(RequestError::invalid("maxOutgoingBitrate", problem));
        }
        self.max_outgoing = bitrate;
        Ok(())
    }

    pub(crate) fn set_min_outgoing(&mut self, bitrate: u64) -> Result<(), RequestError> {
        check_outgoing("minOutgoingBitrate", bitrate)?;
        if self.max_outgoing != 0 && bitrate > self.max_outgoing {
            let problem = format!("must not exceed maxOutgoingBitrate ({})", self.max_outgoing);
            return Err(RequestError::invalid("minOutgoingBitrate", problem));
        }
        self.min_outgoing = bitrate;
        Ok(())
    }

    pub(crate) fn max_incoming(&self) -> Option<u64> {
        Some(self.max_incoming).filter(|bitrate| *bitrate > 0)
    }

    pub(crate) fn max_outgoing(&self) -> Option<u64> {
        Some(self.max_outgoing).filter(|bitrate| *bitrate > 0)
    }

    pub(crate) fn min_outgoing(&self) -> Option<u64> {
        Some(self.min_outgoing).filter(|bitrate| *bitrate > 0)
    }
}

/// CHANNEL §7: outgoing bit rates are 0 or at least 30,000.
fn check_outgoing(field: &str, bitrate: u64) -> Result<(), RequestError> {
    if bitrate != 0 && bitrate < MIN_OUTGOING {
        return Err(RequestError::invalid(
            field,
            format!("must be 0 or at least {MIN_OUTGOING}"),
        ));
    }
    check_range(field, bitrate)
}

fn check_range(field: &str, bitrate: u64) -> Result<(), RequestError> {
    if bitrate > MAX {
        return Err(RequestError::invalid(
            field,
            format!("must not exceed {MAX}"),
        ));
    }
    Ok(())
}

const MIN_OUTGOING: u64 = 30_000;
/// CHANNEL §7: more than 2^63 − 2 is a `TypeError`.
const MAX: u64 = (1 << 63) - 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_the_contract_hold_and_a_refusal_changes_nothing() {
        let mut limits = Limits::default();
        assert!(limits.set_max_outgoing(29_999).is_err());
        limits.set_min_outgoing(40_000).unwrap();
        assert!(limits.set_max_outgoing(39_999).is_err());
        assert_eq!(limits.max_outgoing(), None);
        limits.set_max_outgoing(50_000).unwrap();
        assert!(limits.set_min_outgoing(50_001).is_err());
        assert_eq!(limits.min_outgoing(), Some(40_000));
        limits.set_max_outgoing(0).unwrap();
        limits.set_min_outgoing(60_000).unwrap();
        limits.set_max_incoming(1).unwrap();
        assert!(limits.set_max_incoming(MAX + 1).is_err());
        assert_eq!(limits.max_incoming(), Some(1));
    }
}
