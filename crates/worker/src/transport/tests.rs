//! Egress and ingress of a transport without a network: what leaves in the clear, and where to.

use super::destination::Destination;
use super::egress::{Egress, RtpToSend, Sent};
use super::ingress::{Incoming, Ingress};
use super::protection::Protection;
use crate::ids::{PayloadType, Ssrc};
use crate::output::{Output, Path, Protocol, SocketKey};
use crate::params::{HeaderExtensionUri as Uri, RtpHeaderExtensionParameters};
use crate::srtp::StreamIndex;
use crate::time::Instant;
use crate::wire::extension_ids::SendExtensionIds;
use crate::wire::rtp::{RtpHeader, RtpPacket};

const NOW: Instant = Instant::from_millis(1000);

fn path(port: u16) -> Path {
    Path {
        protocol: Protocol::Udp,
        socket: SocketKey(1),
        remote: ([192, 0, 2, 1], port).into(),
    }
}

fn clear_egress() -> Egress {
    let mut egress = Egress::new();
    egress.set_protection(Protection::Clear);
    egress
}

fn ids(uri: Uri, id: u8) -> SendExtensionIds {
    SendExtensionIds::new(&[RtpHeaderExtensionParameters {
        uri,
        id,
        encrypt: false,
        parameters: vec![],
    }])
}

fn packet(extension_ids: SendExtensionIds, extensions: &[u8]) -> RtpToSend<'_> {
    RtpToSend {
        header: RtpHeader {
            marker: true,
            payload_type: PayloadType(96),
            sequence_number: 7,
            timestamp: 8,
            ssrc: Ssrc(9),
        },
        extension_ids,
        mid: None,
        extensions,
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
    let mut egress = Egress::new();
    let nothing = packet(SendExtensionIds::default(), &[]);
    egress.set_destination(Destination::Path(path(1)));
    assert_eq!(send(&mut egress, &nothing, &mut output), Sent::Dropped);
    egress.set_destination(Destination::None);
    egress.set_protection(Protection::Clear);
    assert_eq!(send(&mut egress, &nothing, &mut output), Sent::Dropped);
    assert_eq!(egress.sent.dropped_not_connected, 2);
    assert!(output.is_empty() && !egress.is_connected());

    let mut ingress = Ingress::new();
    assert_eq!(ingress.unprotect(Incoming::Rtp, &mut [0x80; 20]), None);
    assert_eq!(ingress.received.dropped_not_connected, 1);
}

#[test]
fn what_is_clear_passes_as_it_is_and_rtcp_goes_its_own_way() {
    let mut output = Output::new(10_000);
    let mut egress = clear_egress();
    egress.set_destination(Destination::Pair {
        rtp: path(5000),
        rtcp: path(5001),
    });
    let sent = send(
        &mut egress,
        &packet(SendExtensionIds::default(), &[]),
        &mut output,
    );
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
    let mut ingress = Ingress::new();
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
        let ids = ids(Uri::DependencyDescriptor, 12);
        send(&mut egress, &packet(ids, &extensions), &mut output);
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
