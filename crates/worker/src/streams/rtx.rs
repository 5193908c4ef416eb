//! The retransmission payload format (RFC 4588 §4): the original sequence number (OSN), then the
//! original payload.

/// Bytes that encapsulation adds in front of the payload.
pub const OSN_LEN: usize = 2;

/// Writes a retransmission's payload to the start of `out` and returns its length; `None` if `out`
/// is too short.
#[must_use]
pub fn encapsulate(osn: u16, payload: &[u8], out: &mut [u8]) -> Option<usize> {
    let len = payload.len().checked_add(OSN_LEN)?;
    let (header, rest) = out.get_mut(..len)?.split_at_mut(OSN_LEN);
    header.copy_from_slice(&osn.to_be_bytes());
    rest.copy_from_slice(payload);
    Some(len)
}

/// The original sequence number and the original payload. `None` if there is no whole OSN, as in
/// packets of padding alone.
#[must_use]
pub fn decapsulate(payload: &[u8]) -> Option<(u16, &[u8])> {
    let (osn, payload) = payload.split_first_chunk::<OSN_LEN>()?;
    Some((u16::from_be_bytes(*osn), payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_osn_comes_first_in_network_order() {
        let mut out = [0xee; 6];
        assert_eq!(encapsulate(0x1234, &[1, 2, 3], &mut out), Some(5));
        assert_eq!(out, [0x12, 0x34, 1, 2, 3, 0xee]);
        assert_eq!(decapsulate(&out[..5]), Some((0x1234, &[1, 2, 3][..])));
    }

    #[test]
    fn too_little_room_or_data_is_refused() {
        assert_eq!(encapsulate(1, &[1, 2, 3], &mut [0; 4]), None);
        assert_eq!(encapsulate(1, &[], &mut []), None);
        assert_eq!(encapsulate(1, &[], &mut [0; 2]), Some(2));
        assert_eq!(decapsulate(&[]), None);
        assert_eq!(decapsulate(&[1]), None);
        assert_eq!(decapsulate(&[1, 2]), Some((0x0102, &[][..])));
    }
}
