//! Egress and ingress of a transport without a network: what leaves in the clear, and where to.

use super::destination::Destination;
use super::egress::{Egress, RtpToSend, Sent};
use super::ingress::{Incoming, Ingress};
use super::protection::Protection;
use crate::dtls::simulated_keys;
use crate::ids::{PayloadType, Ssrc};
use crate::output::{Output, Path, Protocol, SocketKey};
use crate::params::{HeaderExtensionUri as Uri, IceParameters, RtpHeaderExtensionParameters};
use crate::rng::Rng;
use crate::srtp::{MAX_PROTECTION_OVERHEAD, SrtpReceive, SrtpSend, StreamIndex};
use crate::streams::ProtectedLog;
use crate::time::Instant;
use crate::wire::rtp::{RtpHeader, RtpPacket};
use crate::wire::send_extensions::SendExtensions;

const NOW: Instant = Instant::from_millis(1000);

fn path(port: u16) -> Path {
    Path {
        protocol: Protocol::Udp,
        socket: SocketKey(1),
        remote: ([192, 0, 2, 1], port).into(),
    }
}

fn clear_egress() -> Egress {
    let mut egress = Egress::new(Protection::Waiting, Destination::None);
    egress.set_protection(Protection::Clear);
    egress
}

fn negotiated(uri: Uri, id: u8) -> SendExtensions {
    let extension = RtpHeaderExtensionParameters {
        uri,
        id,
        encrypt: false,
        parameters: vec![],
    };
    SendExtensions::new(&[extension], None)
}

fn packet<'a>(extensions: &'a SendExtensions, stored_extensions: &'a [u8]) -> RtpToSend<'a> {
    RtpToSend {
        header: RtpHeader {
            marker: true,
            payload_type: PayloadType(96),
            sequence_number: 7,
            timestamp: 8,
            ssrc: Ssrc(9),
        },
        extensions,
        stored_extensions,
        original_sequence_number: None,
        payload: b"payload",
    }
}

fn send(egress: &mut Egress, packet: &RtpToSend<'_>, output: &mut Output) -> Sent {
    egress.send_rtp(NOW, packet, &mut StreamIndex::default(), None, output)
}

#[test]
fn nothing_leaves_before_keys_and_a_destination_are_known() {
    let mut output = Output::new(10_000);
    let mut egress = Egress::new(Protection::Waiting, Destination::None);
    let none = SendExtensions::new(&[], None);
    let nothing = packet(&none, &[]);
    egress.set_destination(Destination::Path(path(1)));
    assert_eq!(send(&mut egress, &nothing, &mut output), Sent::Dropped);
    egress.set_destination(Destination::None);
    egress.set_protection(Protection::Clear);
    assert_eq!(send(&mut egress, &nothing, &mut output), Sent::Dropped);
    assert_eq!(egress.sent.dropped_not_connected, 2);
    assert!(output.is_empty() && !egress.is_connected());

    let mut ingress = Ingress::new(Protection::Waiting);
    assert_eq!(ingress.unprotect(Incoming::Rtp, &mut [0x80; 20]), None);
    assert_eq!(ingress.received.dropped_not_connected, 1);
}

#[test]
fn what_is_clear_passes_as_it_is_and_rtcp_goes_its_own_way() {
    let mut output = Output::new(10_000);
    let mut egress = clear_egress();
    egress.set_destination(Destination::Pair {
        rtp: Some(path(5000)),
        rtcp: Some(path(5001)),
    });
    let none = SendExtensions::new(&[], None);
    let sent = send(&mut egress, &packet(&none, &[]), &mut output);
    assert_eq!(sent, Sent::Queued(12 + 7));
    egress.send_rtcp(NOW, &mut output, |buffer| {
        buffer[..8].copy_from_slice(&[0x80, 201, 0, 1, 0, 0, 0, 9]);
        Some(8)
    });
    let sent: Vec<_> = output
        .trains()
        .map(|(train, bytes)| (train.path, bytes.to_vec()))
        .collect();
    assert_eq!((sent[0].0, sent[1].0), (path(5000), path(5001)));
    let mut datagram = sent[0].1.clone();
    let mut ingress = Ingress::new(Protection::Waiting);
    ingress.set_protection(Protection::Clear);
    let plain = ingress.unprotect(Incoming::Rtp, &mut datagram).unwrap();
    let view = RtpPacket::new_checked(plain).unwrap();
    assert_eq!((view.ssrc(), view.payload()), (Ssrc(9), &b"payload"[..]));
}

/// Every key frame has a dependency descriptor with the template structure. It is too long for the
/// one-byte form.
#[test]
fn a_long_extension_takes_the_two_byte_form_for_its_own_packet_alone() {
    let router_id = Uri::DependencyDescriptor.router_id();
    let element = |len: u8| [vec![router_id, len], vec![0xab; usize::from(len)]].concat();
    let profile_and_value = |len: u8| {
        let mut output = Output::new(10_000);
        let mut egress = clear_egress();
        egress.set_destination(Destination::Path(path(1)));
        let extensions = element(len);
        let own = negotiated(Uri::DependencyDescriptor, 12);
        send(&mut egress, &packet(&own, &extensions), &mut output);
        let datagram = output.trains().next().unwrap().1.to_vec();
        let view = RtpPacket::new_checked(&datagram).unwrap();
        let value = view.extension(12).map(<[u8]>::len);
        (u16::from_be_bytes([datagram[12], datagram[13]]), value)
    };
    assert_eq!(profile_and_value(3), (0xbede, Some(3)));
    assert_eq!(profile_and_value(16), (0xbede, Some(16)));
    assert_eq!(profile_and_value(17), (0x1000, Some(17)));
    assert_eq!(profile_and_value(200), (0x1000, Some(200)));
}

/// A publisher sends an element that is empty or too long. Its subscribers may not support the
/// two-byte form, so they get the packet without the element.
#[test]
fn what_the_one_byte_form_cannot_hold_is_left_out_and_counted() {
    let router_id = Uri::AbsCaptureTime.router_id();
    for (len, is_left_out) in [(0, true), (8, false), (16, false), (17, true)] {
        let mut output = Output::new(10_000);
        let mut egress = clear_egress();
        egress.set_destination(Destination::Path(path(1)));
        let extensions = [vec![router_id, len], vec![0xab; usize::from(len)]].concat();
        for id in [12, 15] {
            let own = negotiated(Uri::AbsCaptureTime, id);
            send(&mut egress, &packet(&own, &extensions), &mut output);
        }
        let datagrams: Vec<_> = output
            .trains()
            .flat_map(|(train, bytes)| train.split(bytes))
            .collect();
        let value = |at: usize, id| {
            let view = RtpPacket::new_checked(datagrams[at]).unwrap();
            assert_eq!(view.payload(), b"payload");
            view.extension(id).map(<[u8]>::len)
        };
        let whole = Some(usize::from(len));
        assert_eq!(value(0, 12), whole.filter(|_| !is_left_out));
        // An id that only the two-byte form holds was negotiated, and so was the form.
        assert_eq!(value(1, 15), whole);
        assert_eq!(egress.sent.extensions_left_out, u64::from(is_left_out));
    }
}

/// What is counted as RTP and as retransmissions is what was in the packet, without protection.
#[test]
fn a_protected_packet_that_is_sent_again_counts_as_much_as_the_first_time() {
    let keys = simulated_keys(&IceParameters::generate(&mut Rng::new([3; 32])));
    let mut egress = Egress::new(Protection::Waiting, Destination::None);
    egress.set_protection(Protection::Keyed(SrtpSend::new(&keys.server, 16)));
    egress.set_destination(Destination::Path(path(1)));
    let (mut output, mut log) = (Output::new(10_000), ProtectedLog::new());
    let none = SendExtensions::new(&[], None);
    let voice = packet(&none, &[]);
    let stream = &mut StreamIndex::default();
    let first = egress.send_rtp(NOW, &voice, stream, Some(&mut log), &mut output);
    let again = egress.resend_protected(NOW, log.get(7).unwrap(), &mut output);
    assert_eq!((first, again), (Sent::Queued(19), Sent::Queued(19)));
    assert_eq!((egress.sent.rtp.bytes, egress.sent.rtx.bytes), (19, 19));
}

#[test]
fn a_packet_is_dropped_under_the_name_of_its_reason() {
    let keys = simulated_keys(&IceParameters::generate(&mut Rng::new([3; 32])));
    let mut sender = SrtpSend::new(&keys.client, 16);
    let mut ingress = Ingress::new(Protection::Waiting);
    ingress.set_protection(Protection::Keyed(SrtpReceive::new(&keys.client, 1)));
    for ssrc in [1, 2] {
        let mut datagram = vec![0; 12];
        let header = RtpHeader {
            ssrc: Ssrc(ssrc),
            ..packet(&SendExtensions::new(&[], None), &[]).header
        };
        header.write(&mut datagram).unwrap();
        datagram.resize(12 + MAX_PROTECTION_OVERHEAD, 0);
        let len = sender.protect_rtp(&mut datagram, 12).unwrap();
        let taken = ingress.unprotect(Incoming::Rtp, &mut datagram[..len]);
        assert_eq!(taken.is_some(), ssrc == 1);
    }
    let received = &ingress.received;
    assert_eq!(received.dropped_too_many_ssrcs, 1);
    assert_eq!(received.dropped_unauthenticated, 0);
}
