//! Which protocol a datagram belongs to, by its first bytes (RFC 7983, RFC 5761).

/// The protocol of a datagram. Protocols that the worker does not speak have a name as well, so
/// that their datagrams can be counted when they are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DatagramKind {
    /// STUN: first byte 0–3.
    Stun,
    /// DTLS: first byte 20–63.
    Dtls,
    /// RTP: first byte 128–191.
    Rtp,
    /// RTCP: the first byte is 128–191, and the second is a packet type that RTP does not use as a
    /// payload type.
    Rtcp,
    /// ZRTP: first byte 16–19. Not spoken.
    Zrtp,
    /// TURN ChannelData: first byte 64–79. Not spoken.
    ChannelData,
    /// An empty datagram, or one whose first byte means nothing here.
    Unknown,
}

impl DatagramKind {
    /// The kind of `datagram`. It looks at two bytes at most; the protocol's own view checks the
    /// rest.
    #[must_use]
    pub fn of(datagram: &[u8]) -> Self {
        match datagram {
            [0..=3, ..] => Self::Stun,
            [16..=19, ..] => Self::Zrtp,
            [20..=63, ..] => Self::Dtls,
            [64..=79, ..] => Self::ChannelData,
            // RFC 5761 §4: "payload type values in the range 64-95 MUST NOT be used" when RTP and
            // RTCP share a port; with the marker bit they are the RTCP packet types 192-223.
            [128..=191, second, ..] if matches!(second & 0x7f, 64..=95) => Self::Rtcp,
            [128..=191, ..] => Self::Rtp,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranges_of_rfc_7983_meet_without_gap_or_overlap() {
        let expected = |first: u8| match first {
            0..4 => DatagramKind::Stun,
            16..20 => DatagramKind::Zrtp,
            20..64 => DatagramKind::Dtls,
            64..80 => DatagramKind::ChannelData,
            128..192 => DatagramKind::Rtp,
            _ => DatagramKind::Unknown,
        };
        for first in 0..=255 {
            assert_eq!(
                DatagramKind::of(&[first, 96]),
                expected(first),
                "first byte {first}"
            );
        }
        assert_eq!(DatagramKind::of(&[]), DatagramKind::Unknown);
    }

    #[test]
    fn rtcp_is_told_from_rtp_by_the_second_byte() {
        for second in [192, 200, 201, 206, 207, 223, 64, 95] {
            assert_eq!(DatagramKind::of(&[0x80, second]), DatagramKind::Rtcp);
        }
        for second in [0, 63, 96, 127, 128, 191, 224, 255] {
            assert_eq!(DatagramKind::of(&[0x80, second]), DatagramKind::Rtp);
        }
        assert_eq!(DatagramKind::of(&[0x80]), DatagramKind::Rtp);
    }
}
