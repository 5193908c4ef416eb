//! The protection profiles by their numbers.

use crate::params::SrtpCryptoSuite;

impl SrtpCryptoSuite {
    /// Length of the master key and of the session's cipher keys, in bytes.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::AeadAes256Gcm => 32,
            Self::AeadAes128Gcm | Self::AesCm128HmacSha1_80 | Self::AesCm128HmacSha1_32 => 16,
        }
    }

    /// Length of the master salt and of the session's salts, in bytes.
    #[must_use]
    pub const fn salt_len(self) -> usize {
        match self {
            Self::AeadAes256Gcm | Self::AeadAes128Gcm => 12,
            Self::AesCm128HmacSha1_80 | Self::AesCm128HmacSha1_32 => 14,
        }
    }

    /// Length of master key and master salt side by side, as they stand in the `keyBase64` of plain
    /// and pipe transports.
    #[must_use]
    pub const fn key_and_salt_len(self) -> usize {
        self.key_len() + self.salt_len()
    }

    /// What protection adds to an RTP packet, in bytes.
    #[must_use]
    pub const fn rtp_overhead(self) -> usize {
        match self {
            Self::AeadAes256Gcm | Self::AeadAes128Gcm => 16,
            Self::AesCm128HmacSha1_80 => 10,
            Self::AesCm128HmacSha1_32 => 4,
        }
    }

    /// How many bytes protection adds to an RTCP packet: the tag and the index word.
    #[must_use]
    pub const fn rtcp_overhead(self) -> usize {
        match self {
            Self::AeadAes256Gcm | Self::AeadAes128Gcm => 16 + 4,
            // RFC 5764 §4.1.2: the short tag of the _32 profile is for RTP alone.
            Self::AesCm128HmacSha1_80 | Self::AesCm128HmacSha1_32 => 10 + 4,
        }
    }
}

/// The most bytes that any profile adds to an RTP or RTCP packet. A buffer needs this much spare
/// room before it is protected.
pub const MAX_PROTECTION_OVERHEAD: usize = 20;
