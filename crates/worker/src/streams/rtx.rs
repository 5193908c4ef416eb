//! The retransmission payload format (RFC 4588 §4): the original sequence number (OSN), then the
//! original payload.

/// The original sequence number and the original payload. `None` if there is no whole OSN, as in
/// packets of padding alone.
#[must_use]
pub(crate) fn decapsulate(payload: &[u8]) -> Option<(u16, &[u8])> {
    let (osn, payload) = payload.split_first_chunk()?;
    Some((u16::from_be_bytes(*osn), payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_osn_comes_first_in_network_order() {
        let payload = [0x12, 0x34, 1, 2, 3];
        assert_eq!(decapsulate(&payload), Some((0x1234, &[1, 2, 3][..])));
        assert_eq!(decapsulate(&[1, 2]), Some((0x0102, &[][..])));
    }

    #[test]
    fn a_payload_without_a_whole_osn_is_refused() {
        assert_eq!(decapsulate(&[]), None);
        assert_eq!(decapsulate(&[1]), None);
    }
}
