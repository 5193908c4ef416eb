//! The SRTP profiles that the peer knows.

use std::fmt;

use webrtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use webrtc_srtp::protection_profile::ProtectionProfile;

/// The SRTP protection profiles that a peer offers (RFC 5764 §4.1.2, RFC 7714 §14.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SrtpProfile {
    /// AEAD_AES_256_GCM, 0x0008.
    AeadAes256Gcm,
    /// AEAD_AES_128_GCM, 0x0007.
    AeadAes128Gcm,
    /// AES_CM_128_HMAC_SHA1_80, 0x0001.
    AesCm128HmacSha1_80,
}

impl SrtpProfile {
    /// Every profile, the preferred one first.
    pub const ALL: [Self; 3] = [
        Self::AeadAes256Gcm,
        Self::AeadAes128Gcm,
        Self::AesCm128HmacSha1_80,
    ];

    /// The name in the IANA registry of DTLS-SRTP protection profiles, as mediasoup writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AeadAes256Gcm => "AEAD_AES_256_GCM",
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
        }
    }

    /// Octets that SRTP adds to an RTP packet.
    pub(crate) fn rtp_overhead(self) -> usize {
        match self {
            Self::AeadAes256Gcm | Self::AeadAes128Gcm => 16,
            Self::AesCm128HmacSha1_80 => 10,
        }
    }

    /// Octets that SRTCP adds to an RTCP packet: the tag and the index.
    pub(crate) fn rtcp_overhead(self) -> usize {
        self.rtp_overhead() + 4
    }

    pub(crate) fn for_dtls(self) -> SrtpProtectionProfile {
        match self {
            Self::AeadAes256Gcm => SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm,
            Self::AeadAes128Gcm => SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
            Self::AesCm128HmacSha1_80 => SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
        }
    }

    pub(crate) fn from_dtls(negotiated: SrtpProtectionProfile) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.for_dtls() == negotiated)
    }

    pub(crate) fn for_srtp(self) -> ProtectionProfile {
        match self {
            Self::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
            Self::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
            Self::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
        }
    }
}

impl fmt::Display for SrtpProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
