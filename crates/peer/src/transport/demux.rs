//! Telling DTLS, SRTP and SRTCP apart.

/// What a datagram on the ICE path holds (RFC 7983 §7, RFC 5761 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DatagramKind {
    Dtls,
    Srtp,
    Srtcp,
    Unknown,
}

/// Tells DTLS, SRTP and SRTCP apart by the first two octets; STUN never comes here, because the ICE
/// agent keeps it.
pub(super) fn classify(datagram: &[u8]) -> DatagramKind {
    match datagram {
        [20..=63, ..] => DatagramKind::Dtls,
        // "This demultiplexing method works if the RTP payload type values 64-95 are avoided",
        // which as the second octet of RTCP are the packet types 192 to 223 (RFC 5761 §4).
        [128..=191, 192..=223, ..] => DatagramKind::Srtcp,
        [128..=191, _, ..] => DatagramKind::Srtp,
        _ => DatagramKind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_rfc_7983_and_rfc_5761() {
        for (datagram, kind) in [
            (&[][..], DatagramKind::Unknown),
            (&[0x80], DatagramKind::Unknown),
            (&[19, 0], DatagramKind::Unknown),
            (&[20, 0], DatagramKind::Dtls),
            (&[63, 0], DatagramKind::Dtls),
            (&[64, 0], DatagramKind::Unknown),
            (&[127, 0], DatagramKind::Unknown),
            (&[0x80, 96], DatagramKind::Srtp),
            (&[0x90, 0x80 | 111], DatagramKind::Srtp),
            (&[0x81, 191], DatagramKind::Srtp),
            (&[0x81, 192], DatagramKind::Srtcp),
            (&[0x81, 200], DatagramKind::Srtcp),
            (&[0x81, 223], DatagramKind::Srtcp),
            (&[0x81, 224], DatagramKind::Srtp),
            (&[192, 200], DatagramKind::Unknown),
        ] {
            assert_eq!(classify(datagram), kind, "{datagram:?}");
        }
    }
}
