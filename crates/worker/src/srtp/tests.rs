//! Published vectors, an independent implementation, and hostile input.

use webrtc_srtp::context::Context;
use webrtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use webrtc_srtp::protection_profile::ProtectionProfile;

use super::cipher::FlowCipher;
use super::key_derivation::{Flow, SessionKeys};
use super::*;
use crate::ids::Ssrc;
use crate::params::SrtpCryptoSuite::{self, *};
use crate::rng::Rng;

const SUITES: [SrtpCryptoSuite; 4] = [
    AeadAes256Gcm,
    AeadAes128Gcm,
    AesCm128HmacSha1_80,
    AesCm128HmacSha1_32,
];

/// The bytes of hexadecimal `text`; spaces and line breaks are ignored.
pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits
        .chunks_exact(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap())
        .collect()
}

fn master_key(suite: SrtpCryptoSuite, fill: u8) -> MasterKey {
    let bytes: Vec<u8> = (0..suite.key_and_salt_len())
        .map(|i| fill.wrapping_add(u8::try_from(i).unwrap().wrapping_mul(37)))
        .collect();
    MasterKey::new(suite, &bytes).unwrap()
}

fn oracle(master: &MasterKey) -> Context {
    let profile = match master.suite() {
        AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
        AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
        AesCm128HmacSha1_32 => ProtectionProfile::Aes128CmHmacSha1_32,
    };
    Context::new(
        master.key(),
        master.salt(),
        profile,
        Some(srtp_replay_protection(1024)),
        Some(srtcp_replay_protection(128)),
    )
    .unwrap()
}

/// A packet with every kind of header: CSRCs, header extension, payload of any length.
fn rtp_packet(rng: &mut Rng, ssrc: u32, sequence: u16) -> Vec<u8> {
    let csrcs = u8::try_from(rng.below(4)).unwrap();
    let extension = rng.below(2) == 1;
    let mut packet = vec![0x80 | csrcs | u8::from(extension) << 4, 96];
    packet.extend(sequence.to_be_bytes());
    packet.extend(rng.next_u32().to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    for _ in 0..csrcs {
        packet.extend(rng.next_u32().to_be_bytes());
    }
    if extension {
        packet.extend([0xbe, 0xde, 0, 2, 0x10, 7, 0x22, 1, 2, 3, 0, 0]);
    }
    let mut payload = vec![0; rng.below(1200) as usize];
    rng.fill(&mut payload);
    packet.extend(payload);
    packet
}

/// A sender report followed by noise in place of further packets.
fn rtcp_packet(rng: &mut Rng, ssrc: u32) -> Vec<u8> {
    let mut body = vec![0; 20 + 4 * rng.below(50) as usize];
    rng.fill(&mut body);
    let words = u16::try_from(1 + body.len() / 4).unwrap();
    let mut packet = vec![0x80, 200];
    packet.extend(words.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(body);
    packet
}

fn protect_rtp(send: &mut SrtpSend, plain: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut buffer = plain.to_vec();
    buffer.resize(plain.len() + MAX_PROTECTION_OVERHEAD, 0xee);
    let len = send.protect_rtp(&mut buffer, plain.len())?;
    assert_eq!(len, plain.len() + send.suite().rtp_overhead());
    buffer.truncate(len);
    Ok(buffer)
}

fn protect_rtcp(send: &mut SrtpSend, plain: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut buffer = plain.to_vec();
    buffer.resize(plain.len() + MAX_PROTECTION_OVERHEAD, 0xee);
    let len = send.protect_rtcp(&mut buffer, plain.len())?;
    assert_eq!(len, plain.len() + send.suite().rtcp_overhead());
    buffer.truncate(len);
    Ok(buffer)
}

fn unprotect_rtp(receive: &mut SrtpReceive, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut buffer = packet.to_vec();
    let len = receive.unprotect_rtp(&mut buffer)?;
    buffer.truncate(len);
    Ok(buffer)
}

fn unprotect_rtcp(receive: &mut SrtpReceive, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut buffer = packet.to_vec();
    let len = receive.unprotect_rtcp(&mut buffer)?;
    buffer.truncate(len);
    Ok(buffer)
}

/// A flow with the keys that RFC 7714 §16 and §17 start from.
fn rfc_7714_flow(suite: SrtpCryptoSuite, flow: Flow) -> FlowCipher {
    let mut keys = SessionKeys::derive(&master_key(suite, 0), flow);
    for (byte, i) in keys.cipher_key.iter_mut().zip(0..) {
        *byte = i;
    }
    keys.salt[..12].copy_from_slice(b"Quid pro quo");
    FlowCipher::with_session_keys(suite, flow, &keys)
}

/// RFC 7714 §16.1 and §16.2.
#[test]
fn gcm_rtp_vectors_of_the_rfc() {
    let plain = hex(
        "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976
         69736120 696e2070 61727465 73207472 6573",
    );
    for (suite, sealed) in [
        (
            AeadAes128Gcm,
            "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5
             0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
        ),
        (
            AeadAes256Gcm,
            "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238
             9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
        ),
    ] {
        let flow = rfc_7714_flow(suite, Flow::Rtp);
        let (ssrc, index) = (Ssrc(0x5501_a0b2), 0xf17b);
        let mut buffer = plain.clone();
        buffer.resize(plain.len() + 16, 0);
        let len = flow.seal_rtp(ssrc, index, 12, &mut buffer, plain.len());
        assert_eq!(len, Ok(buffer.len()));
        assert_eq!(buffer, hex(sealed), "{suite:?}");
        assert_eq!(flow.open_rtp(ssrc, index, 12, &mut buffer), Ok(plain.len()));
        assert_eq!(buffer[..plain.len()], plain);
    }
}

/// RFC 7714 §17.1 and §17.3.
#[test]
fn gcm_rtcp_vectors_of_the_rfc() {
    let plain = hex(
        "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
         deadbeef deadbeef deadbeef deadbeef deadbeef",
    );
    for (suite, sealed) in [
        (
            AeadAes128Gcm,
            "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d
             c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872
             45d9eade 800005d4",
        ),
        (
            AeadAes256Gcm,
            "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50
             a2eaa5c1 110555be 8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c
             b26ac3be 800005d4",
        ),
    ] {
        let flow = rfc_7714_flow(suite, Flow::Rtcp);
        let ssrc = Ssrc(0x4d61_7273);
        let mut buffer = plain.clone();
        buffer.resize(plain.len() + 20, 0);
        let len = flow.seal_rtcp(ssrc, 0x5d4, &mut buffer, plain.len());
        assert_eq!(len, Ok(buffer.len()));
        assert_eq!(buffer, hex(sealed), "{suite:?}");
        assert_eq!(flow.rtcp_index(&buffer), Ok(0x5d4));
        assert_eq!(flow.open_rtcp(ssrc, 0x5d4, &mut buffer), Ok(plain.len()));
        assert_eq!(buffer[..plain.len()], plain);
    }
}

#[test]
fn what_we_protect_the_oracle_reads_across_rollovers() {
    for suite in SUITES {
        let master = master_key(suite, 1);
        let (mut send, mut peer) = (SrtpSend::new(&master, 8), oracle(&master));
        let mut rng = Rng::new([1; 32]);
        // Steps of up to 20,000 pass the rollover about thirty times.
        let mut sequence = 65_000_u16;
        for n in 0..200 {
            for ssrc in [0x1111_1111, 0xffff_ffff] {
                let plain = rtp_packet(&mut rng, ssrc, sequence);
                let protected = protect_rtp(&mut send, &plain).unwrap();
                assert_eq!(peer.decrypt_rtp(&protected).unwrap(), plain, "{suite:?}");
                let plain = rtcp_packet(&mut rng, ssrc);
                let protected = protect_rtcp(&mut send, &plain).unwrap();
                assert_eq!(peer.decrypt_rtcp(&protected).unwrap(), plain, "{suite:?}");
            }
            let step = if n < 100 { 1 } else { rng.below(20_000) };
            sequence = sequence.wrapping_add(u16::try_from(step).unwrap());
        }
        assert_eq!(send.streams(), (2, 2));
    }
}

#[test]
fn what_the_oracle_protects_we_read_across_rollovers_and_reordering() {
    for suite in SUITES {
        let master = master_key(suite, 2);
        let (mut receive, mut peer) = (SrtpReceive::new(&master, 8), oracle(&master));
        let mut rng = Rng::new([2; 32]);
        let mut sent = Vec::new();
        let mut sequence = 65_500_u16;
        for n in 0..400 {
            let plain = rtp_packet(&mut rng, 7, sequence);
            sent.push((peer.encrypt_rtp(&plain).unwrap(), plain));
            let step = if n < 200 { 1 } else { rng.below(1000) };
            sequence = sequence.wrapping_add(u16::try_from(step.max(1)).unwrap());
            let plain = rtcp_packet(&mut rng, 7);
            let protected = peer.encrypt_rtcp(&plain).unwrap();
            assert_eq!(unprotect_rtcp(&mut receive, &protected).unwrap(), plain);
            let replayed = unprotect_rtcp(&mut receive, &protected);
            assert_eq!(replayed, Err(SrtpError::Replayed));
        }
        // The first packet fixes the rollover counter. The rest of the first stretch comes
        // backwards, across the rollover. After that, neighbours change places.
        sent[1..200].reverse();
        for pair in sent[200..].chunks_mut(2) {
            pair.swap(0, 1);
        }
        for (protected, plain) in &sent {
            let unprotected = unprotect_rtp(&mut receive, protected);
            assert_eq!(unprotected.as_ref(), Ok(plain), "{suite:?}");
        }
        assert_eq!(
            unprotect_rtp(&mut receive, &sent[399].0),
            Err(SrtpError::Replayed)
        );
        assert_eq!(receive.streams(), (1, 1));
    }
}

#[test]
fn an_old_packet_is_refused_and_changes_nothing() {
    for suite in SUITES {
        let master = master_key(suite, 3);
        let (mut send, mut receive) = (SrtpSend::new(&master, 8), SrtpReceive::new(&master, 8));
        let mut rng = Rng::new([3; 32]);
        let packets: Vec<_> = (0..1200)
            .map(|n| protect_rtp(&mut send, &rtp_packet(&mut rng, 1, n)).unwrap())
            .collect();
        for packet in packets.iter().skip(1) {
            unprotect_rtp(&mut receive, packet).unwrap();
        }
        let before = receive.state();
        let refused = unprotect_rtp(&mut receive, &packets[0]);
        assert_eq!(refused, Err(SrtpError::TooOld));
        let refused = unprotect_rtp(&mut receive, &packets[1000]);
        assert_eq!(refused, Err(SrtpError::Replayed));
        assert!(receive.state() == before);
    }
}

#[test]
fn hostile_packets_never_panic_and_change_nothing() {
    for suite in SUITES {
        let master = master_key(suite, 4);
        let (mut send, mut receive) = (SrtpSend::new(&master, 8), SrtpReceive::new(&master, 8));
        let mut rng = Rng::new([4; 32]);
        let rtp = protect_rtp(&mut send, &rtp_packet(&mut rng, 1, 1)).unwrap();
        let rtcp = protect_rtcp(&mut send, &rtcp_packet(&mut rng, 1)).unwrap();
        unprotect_rtp(&mut receive, &rtp).unwrap();
        unprotect_rtcp(&mut receive, &rtcp).unwrap();
        let fresh_rtp = protect_rtp(&mut send, &rtp_packet(&mut rng, 1, 2)).unwrap();
        let fresh_rtcp = protect_rtcp(&mut send, &rtcp_packet(&mut rng, 1)).unwrap();
        let before = receive.state();
        for original in [&fresh_rtp, &fresh_rtcp] {
            for len in 0..original.len() {
                assert!(unprotect_rtp(&mut receive, &original[..len]).is_err());
                assert!(unprotect_rtcp(&mut receive, &original[..len]).is_err());
            }
            for _ in 0..5000 {
                let mut hostile = original.clone();
                for _ in 0..=rng.below(3) {
                    let at = rng.below(u32::try_from(hostile.len()).unwrap()) as usize;
                    hostile[at] ^= 1 << rng.below(8);
                }
                hostile.truncate(hostile.len() - rng.below(2) as usize * rng.below(40) as usize);
                if hostile == *original {
                    continue;
                }
                assert!(unprotect_rtp(&mut receive, &hostile).is_err());
                assert!(unprotect_rtcp(&mut receive, &hostile).is_err());
            }
        }
        let mut noise = [0; 60];
        for len in (0..60).cycle().take(20_000) {
            rng.fill(&mut noise);
            noise[0] = noise[0] & 0x3f | 0x80;
            assert!(unprotect_rtp(&mut receive, &noise[..len]).is_err());
            assert!(unprotect_rtcp(&mut receive, &noise[..len]).is_err());
        }
        assert!(receive.state() == before, "{suite:?}");
        unprotect_rtp(&mut receive, &fresh_rtp).unwrap();
        unprotect_rtcp(&mut receive, &fresh_rtcp).unwrap();
    }
}

#[test]
fn the_number_of_streams_is_bounded() {
    let master = master_key(AeadAes128Gcm, 5);
    let (mut send, mut receive) = (SrtpSend::new(&master, 4), SrtpReceive::new(&master, 3));
    let mut rng = Rng::new([5; 32]);
    for ssrc in 1..=3 {
        let rtp = protect_rtp(&mut send, &rtp_packet(&mut rng, ssrc, 9)).unwrap();
        let rtcp = protect_rtcp(&mut send, &rtcp_packet(&mut rng, ssrc)).unwrap();
        unprotect_rtp(&mut receive, &rtp).unwrap();
        unprotect_rtcp(&mut receive, &rtcp).unwrap();
    }
    let rtp = protect_rtp(&mut send, &rtp_packet(&mut rng, 4, 9)).unwrap();
    let rtcp = protect_rtcp(&mut send, &rtcp_packet(&mut rng, 4)).unwrap();
    let full = Err(SrtpError::TooManyStreams);
    assert_eq!(unprotect_rtp(&mut receive, &rtp), full);
    assert_eq!(unprotect_rtcp(&mut receive, &rtcp), full);
    assert_eq!(protect_rtp(&mut send, &rtp_packet(&mut rng, 5, 9)), full);
    assert_eq!(protect_rtcp(&mut send, &rtcp_packet(&mut rng, 5)), full);
    receive.retire(Ssrc(2));
    send.release(Ssrc(1));
    unprotect_rtp(&mut receive, &rtp).unwrap();
    unprotect_rtcp(&mut receive, &rtcp).unwrap();
    protect_rtp(&mut send, &rtp_packet(&mut rng, 5, 9)).unwrap();
    assert_eq!((receive.streams(), send.streams()), ((3, 3), (4, 3)));
}

#[test]
fn what_a_stream_sent_before_it_ended_is_not_accepted_again() {
    let master = master_key(AeadAes128Gcm, 5);
    let (mut send, mut receive) = (SrtpSend::new(&master, 4), SrtpReceive::new(&master, 4));
    let mut rng = Rng::new([5; 32]);
    let rtp = protect_rtp(&mut send, &rtp_packet(&mut rng, 1, 9)).unwrap();
    let rtcp = protect_rtcp(&mut send, &rtcp_packet(&mut rng, 1)).unwrap();
    unprotect_rtp(&mut receive, &rtp).unwrap();
    unprotect_rtcp(&mut receive, &rtcp).unwrap();
    receive.retire(Ssrc(1));
    receive.resume(Ssrc(1));
    assert_eq!(unprotect_rtp(&mut receive, &rtp), Err(SrtpError::Replayed));
    assert_eq!(
        unprotect_rtcp(&mut receive, &rtcp),
        Err(SrtpError::Replayed)
    );
}

#[test]
fn a_sender_uses_no_index_twice_in_any_suite() {
    for suite in SUITES {
        let mut send = SrtpSend::new(&master_key(suite, 6), 2);
        let mut rng = Rng::new([6; 32]);
        let mut packet = |sequence| rtp_packet(&mut rng, 1, sequence);
        // Twice around, with a gap that a late packet fills.
        for n in 0..140_000_u32 {
            let sequence = u16::try_from(n & 0xffff).unwrap();
            if n != 139_500 {
                protect_rtp(&mut send, &packet(sequence)).unwrap();
            }
        }
        let late = u16::try_from(139_500 & 0xffff).unwrap();
        assert!(protect_rtp(&mut send, &packet(late)).is_ok(), "{suite:?}");
        let last = u16::try_from(139_999 & 0xffff).unwrap();
        for again in [late, last, last - 100] {
            let refused = protect_rtp(&mut send, &packet(again));
            assert_eq!(refused, Err(SrtpError::Replayed), "{suite:?} {again}");
        }
        // A receiver takes these leaps for numbers of the past.
        for leap in [32_769, 40_000, 50_000, 64_000] {
            let refused = protect_rtp(&mut send, &packet(last.wrapping_add(leap)));
            assert_eq!(refused, Err(SrtpError::TooOld), "{suite:?} {leap}");
        }
        let one_back = protect_rtp(&mut send, &packet(last.wrapping_add(65_535)));
        assert_eq!(one_back, Err(SrtpError::Replayed), "{suite:?}");
        assert!(protect_rtp(&mut send, &packet(last.wrapping_add(32_767))).is_ok());
    }
}

#[test]
fn a_released_ssrc_does_not_start_over() {
    for suite in SUITES {
        let mut send = SrtpSend::new(&master_key(suite, 10), 2);
        let mut rng = Rng::new([10; 32]);
        let (rtp, rtcp) = (rtp_packet(&mut rng, 1, 9), rtcp_packet(&mut rng, 1));
        protect_rtp(&mut send, &rtp).unwrap();
        send.release(Ssrc(1));
        send.release(Ssrc(2));
        assert_eq!(protect_rtp(&mut send, &rtp), Err(SrtpError::SpentSsrc));
        assert_eq!(protect_rtcp(&mut send, &rtcp), Err(SrtpError::SpentSsrc));
        // This one was never sent.
        assert!(protect_rtp(&mut send, &rtp_packet(&mut rng, 2, 9)).is_ok());
    }
}

#[test]
fn the_number_of_ssrcs_that_were_ever_sent_is_bounded() {
    let mut send = SrtpSend::new(&master_key(AeadAes128Gcm, 10), 4);
    let mut rng = Rng::new([11; 32]);
    protect_rtp(&mut send, &rtp_packet(&mut rng, 0, 9)).unwrap();
    let mut packet = rtp_packet(&mut rng, 1, 9);
    for ssrc in 1_u32..=65_536 {
        packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
        protect_rtp(&mut send, &packet).unwrap();
        send.release(Ssrc(ssrc));
    }
    let full = Err(SrtpError::TooManyStreams);
    assert_eq!(
        protect_rtp(&mut send, &rtp_packet(&mut rng, 65_537, 9)),
        full
    );
    assert_eq!(
        protect_rtcp(&mut send, &rtcp_packet(&mut rng, 65_537)),
        full
    );
    protect_rtp(&mut send, &rtp_packet(&mut rng, 0, 10)).unwrap();
}

#[test]
fn a_key_ends_with_its_last_index() {
    let mut send = SrtpSend::new(&master_key(AeadAes256Gcm, 7), 2);
    let packet = rtcp_packet(&mut Rng::new([7; 32]), 1);
    send.set_next_rtcp_index(Ssrc(1), (1 << 31) - 1);
    let last = protect_rtcp(&mut send, &packet).unwrap();
    assert_eq!(last.last_chunk(), Some(&[0xff; 4]));
    assert_eq!(
        protect_rtcp(&mut send, &packet),
        Err(SrtpError::KeyExhausted)
    );
}

#[test]
fn an_unencrypted_rtcp_packet_is_refused() {
    for suite in SUITES {
        let master = master_key(suite, 8);
        let (mut send, mut receive) = (SrtpSend::new(&master, 8), SrtpReceive::new(&master, 8));
        let mut packet = protect_rtcp(&mut send, &rtcp_packet(&mut Rng::new([8; 32]), 1)).unwrap();
        let is_aead = matches!(suite, AeadAes256Gcm | AeadAes128Gcm);
        let tag_behind_the_word = if is_aead { 0 } else { 10 };
        let word = packet.len() - tag_behind_the_word - 4;
        packet[word] &= 0x7f;
        let refused = unprotect_rtcp(&mut receive, &packet);
        assert_eq!(refused, Err(SrtpError::NotEncrypted));
    }
}

#[test]
fn a_buffer_without_room_for_the_tag_is_refused() {
    for suite in SUITES {
        let mut send = SrtpSend::new(&master_key(suite, 9), 8);
        let mut rng = Rng::new([9; 32]);
        let mut packet = rtp_packet(&mut rng, 1, 1);
        let len = packet.len();
        packet.resize(len + suite.rtp_overhead() - 1, 0);
        assert_eq!(send.protect_rtp(&mut packet, len), Err(SrtpError::NoRoom));
        let mut packet = rtcp_packet(&mut rng, 1);
        let len = packet.len();
        packet.resize(len + suite.rtcp_overhead() - 1, 0);
        assert_eq!(send.protect_rtcp(&mut packet, len), Err(SrtpError::NoRoom));
        assert_eq!(send.streams(), (0, 0));
    }
}
