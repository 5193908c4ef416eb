//! Opus (RFC 7587).

/// Whether an Opus payload only keeps a silent stream alive.
///
/// An encoder that uses discontinuous transmission then gives a table-of-contents byte with no
/// frame behind it, or two bytes; libopus documents that a packet of up to two bytes "does not need
/// to be transmitted". An empty payload carries nothing and does not count as DTX.
#[must_use]
pub(crate) const fn is_dtx(payload: &[u8]) -> bool {
    matches!(payload.len(), 1..=2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_two_bytes_are_silence() {
        assert!(!is_dtx(&[]));
        assert!(is_dtx(&[0xf8]));
        assert!(is_dtx(&[0xfb, 0x01]));
        assert!(!is_dtx(&[0xf8, 0xff, 0xfe]));
    }
}
