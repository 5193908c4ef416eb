//! SRTP in both directions, on `webrtc-srtp`.

use std::collections::BTreeSet;

use bytes::Bytes;
use webrtc_srtp::{
    context::Context,
    option::{srtcp_replay_protection, srtp_replay_protection},
};

use crate::{
    error::PeerError,
    params::SrtpProfile,
    rtp::{RtpError, RtpPacket, Ssrc},
};

/// Master keys and salts of both directions (RFC 5764 §4.2).
#[derive(PartialEq, Eq)]
pub(super) struct SrtpKeys {
    local: MasterKey,
    remote: MasterKey,
}

#[derive(PartialEq, Eq)]
struct MasterKey {
    key: Vec<u8>,
    salt: Vec<u8>,
}

impl SrtpKeys {
    /// Octets to export from DTLS: two keys, two salts.
    pub(super) fn exported_length(profile: SrtpProfile) -> usize {
        let profile = profile.for_srtp();
        2 * (profile.key_len() + profile.salt_len())
    }

    /// Cuts exported material, of exactly [`Self::exported_length`], into client and server keys,
    /// then salts.
    pub(super) fn from_exported(material: &[u8], profile: SrtpProfile, is_client: bool) -> Self {
        let profile = profile.for_srtp();
        let (keys, salts) = material.split_at(2 * profile.key_len());
        let (client_key, server_key) = keys.split_at(profile.key_len());
        let (client_salt, server_salt) = salts.split_at(profile.salt_len());
        let client = MasterKey::new(client_key, client_salt);
        let server = MasterKey::new(server_key, server_salt);
        let (local, remote) = if is_client {
            (client, server)
        } else {
            (server, client)
        };
        Self { local, remote }
    }
}

impl MasterKey {
    fn new(key: &[u8], salt: &[u8]) -> Self {
        Self {
            key: key.to_vec(),
            salt: salt.to_vec(),
        }
    }
}

/// Protects what this peer sends.
pub(super) struct SrtpOutbound {
    context: Context,
}

impl SrtpOutbound {
    pub(super) fn new(keys: &SrtpKeys, profile: SrtpProfile) -> Result<Self, PeerError> {
        let MasterKey { key, salt } = &keys.local;
        let context = Context::new(key, salt, profile.for_srtp(), None, None)?;
        Ok(Self { context })
    }

    pub(super) fn protect_rtp(&mut self, packet: &[u8]) -> Result<Bytes, ProtectError> {
        // The context panics on a header extension that is cut short.
        RtpPacket::parse(packet)?;
        Ok(self.context.encrypt_rtp(packet)?)
    }

    pub(super) fn protect_rtcp(&mut self, packet: &[u8]) -> Result<Bytes, ProtectError> {
        Ok(self.context.encrypt_rtcp(packet)?)
    }
}

/// Why a packet was not protected.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProtectError {
    #[error(transparent)]
    Malformed(#[from] RtpError),
    #[error(transparent)]
    Srtp(#[from] webrtc_srtp::Error),
}

/// Authenticates and decrypts what arrives.
///
/// `webrtc-srtp` panics on short packets, and it keeps state for every SSRC before it has
/// authenticated anything. So we check the form of a packet first and limit the number of SSRCs.
pub(super) struct SrtpInbound {
    context: Context,
    profile: SrtpProfile,
    rtp_ssrcs: BTreeSet<Ssrc>,
    rtcp_ssrcs: BTreeSet<Ssrc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Malformed,
    TooManySsrcs,
    NotAuthentic,
}

impl SrtpInbound {
    pub(super) fn new(keys: &SrtpKeys, profile: SrtpProfile) -> Result<Self, PeerError> {
        let MasterKey { key, salt } = &keys.remote;
        let context = Context::new(
            key,
            salt,
            profile.for_srtp(),
            Some(srtp_replay_protection(REPLAY_WINDOW)),
            Some(srtcp_replay_protection(REPLAY_WINDOW)),
        )?;
        Ok(Self {
            context,
            profile,
            rtp_ssrcs: BTreeSet::new(),
            rtcp_ssrcs: BTreeSet::new(),
        })
    }

    pub(super) fn unprotect_rtp(&mut self, packet: &[u8]) -> Result<Bytes, Refusal> {
        let header = RtpPacket::parse_header(packet).map_err(|_| Refusal::Malformed)?;
        if packet.len() < header.length + self.profile.rtp_overhead() {
            return Err(Refusal::Malformed);
        }
        admit(&mut self.rtp_ssrcs, header.ssrc)?;
        self.context
            .decrypt_rtp(packet)
            .map_err(|_| Refusal::NotAuthentic)
    }

    pub(super) fn unprotect_rtcp(&mut self, packet: &[u8]) -> Result<Bytes, Refusal> {
        let minimum = RTCP_HEADER_AND_SSRC + self.profile.rtcp_overhead();
        if packet.len() < minimum {
            return Err(Refusal::Malformed);
        }
        let ssrc = Ssrc(u32::from_be_bytes([
            packet[4], packet[5], packet[6], packet[7],
        ]));
        admit(&mut self.rtcp_ssrcs, ssrc)?;
        self.context
            .decrypt_rtcp(packet)
            .map_err(|_| Refusal::NotAuthentic)
    }
}

fn admit(known: &mut BTreeSet<Ssrc>, ssrc: Ssrc) -> Result<(), Refusal> {
    if known.contains(&ssrc) {
        return Ok(());
    }
    if known.len() >= MAX_SSRCS {
        return Err(Refusal::TooManySsrcs);
    }
    known.insert(ssrc);
    Ok(())
}

/// In packets. The window is wide enough for a retransmission on the stream's own SSRC after a
/// second of video at a high bit rate.
const REPLAY_WINDOW: usize = 1024;
const MAX_SSRCS: usize = 4096;
const RTCP_HEADER_AND_SSRC: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(profile: SrtpProfile) -> (SrtpOutbound, SrtpInbound) {
        let material: Vec<u8> = (0..=255).take(SrtpKeys::exported_length(profile)).collect();
        let client = SrtpKeys::from_exported(&material, profile, true);
        let server = SrtpKeys::from_exported(&material, profile, false);
        (
            SrtpOutbound::new(&client, profile).unwrap(),
            SrtpInbound::new(&server, profile).unwrap(),
        )
    }

    const RTP: [u8; 20] = [
        0x90, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde, 0, 1, 0x10, 0x41, 0, 0,
    ];
    const RTCP: [u8; 8] = [0x80, 201, 0, 1, 0, 0, 0, 3];

    #[test]
    fn every_truncation_is_refused_without_a_panic() {
        for profile in SrtpProfile::ALL {
            let (mut outbound, mut inbound) = pair(profile);
            let rtp = outbound.protect_rtp(&RTP).unwrap();
            let rtcp = outbound.protect_rtcp(&RTCP).unwrap();
            for length in 0..rtp.len() {
                assert!(inbound.unprotect_rtp(&rtp[..length]).is_err());
            }
            for length in 0..rtcp.len() {
                assert!(inbound.unprotect_rtcp(&rtcp[..length]).is_err());
            }
            assert_eq!(inbound.unprotect_rtp(&rtp).unwrap()[..], RTP);
            assert_eq!(inbound.unprotect_rtcp(&rtcp).unwrap()[..], RTCP);
            assert_eq!(inbound.unprotect_rtp(&rtp), Err(Refusal::NotAuthentic));
        }
    }

    #[test]
    fn extension_longer_than_the_packet_is_refused_in_both_directions() {
        let (mut outbound, mut inbound) = pair(SrtpProfile::AeadAes128Gcm);
        let mut packet = RTP.to_vec();
        packet[15] = 200;
        assert!(matches!(
            outbound.protect_rtp(&packet),
            Err(ProtectError::Malformed(_))
        ));
        packet.resize(64, 0);
        assert_eq!(inbound.unprotect_rtp(&packet), Err(Refusal::Malformed));
    }

    #[test]
    fn ssrcs_are_bounded() {
        let mut known = (0..4095).map(Ssrc).collect();
        assert_eq!(admit(&mut known, Ssrc(9000)), Ok(()));
        assert_eq!(admit(&mut known, Ssrc(9001)), Err(Refusal::TooManySsrcs));
        assert_eq!(admit(&mut known, Ssrc(9000)), Ok(()));
    }
}
