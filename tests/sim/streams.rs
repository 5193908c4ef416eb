//! What happens to single packets of a stream: header extensions, unannounced retransmissions, and
//! reports about many streams at once.

use std::time::Duration;

use tureen_tests::link::{LinkConfig, Loss};
use tureen_tests::media::Camera;
use tureen_tests::parameters::{MID, OPUS, Stream, VP8, VP8_RTX};
use tureen_tests::puppet::{Puppet, rtp};
use tureen_tests::stage;
use tureen_tests::world::World;
use tureen_worker::internal::ids::{PayloadType, Ssrc};
use tureen_worker::internal::messages::{Produce, RequestBody, ResponseBody};
use tureen_worker::internal::params::{
    CodecMapping, HeaderExtensionUri as Uri, RtpCodecParameters, RtpHeaderExtensionParameters,
    RtpParameters,
};
use tureen_worker::internal::time::NtpTime;
use tureen_worker::internal::wire::ext::{AbsCaptureTime, PacketId};
use tureen_worker::internal::wire::rtcp::{
    CompoundWriter, Nack, RtcpPacket, RtcpPackets, SenderInfo, SenderReport,
};
use tureen_worker::internal::wire::rtp::{RtpHeader, RtpPacket};

const MS: Duration = Duration::from_millis(1);
const SCREEN: Stream = Stream::video("screen", 5000);
const SEEN: Stream = Stream::video("screen", 6000);
const CAPTURE_TIME: u8 = 7;
const PACKET_ID: u8 = 8;

/// Puppet 0 publishes what the test says, and puppet 1 watches it.
fn screen(change: impl Fn(&mut Produce), extensions: &[(Uri, u8)]) -> World<Puppet> {
    let mut world = stage::with_watchers(1, 1, None);
    let mut produce = SCREEN.produce("screen");
    change(&mut produce);
    let mut consume = SEEN.consume("screen-to-1", "screen", SCREEN);
    for parameters in [&mut produce.rtp_parameters, &mut consume.rtp_parameters] {
        let negotiated = extensions
            .iter()
            .map(|&(uri, id)| RtpHeaderExtensionParameters {
                uri,
                id,
                encrypt: false,
                parameters: Vec::new(),
            });
        parameters.header_extensions.extend(negotiated);
    }
    let produce = RequestBody::TransportProduce(Box::new(produce));
    world.request("puppet-0", produce).unwrap();
    let consume = RequestBody::TransportConsume(Box::new(consume));
    world.request("puppet-1", consume).unwrap();
    world.run_for(100 * MS);
    world
}

/// A packet with header extensions in the one-byte form.
fn packet(
    ssrc: u32,
    payload_type: u8,
    seq: u16,
    extensions: &[(u8, &[u8])],
    payload: &[u8],
) -> Vec<u8> {
    let header = RtpHeader {
        marker: true,
        payload_type: PayloadType(payload_type),
        sequence_number: seq,
        timestamp: 3000,
        ssrc: Ssrc(ssrc),
    };
    let mut packet = rtp(header, &[]);
    packet[0] |= 0x10;
    let mut elements = Vec::new();
    for (id, value) in extensions {
        elements.push(id << 4 | u8::try_from(value.len() - 1).unwrap());
        elements.extend_from_slice(value);
    }
    elements.resize(elements.len().next_multiple_of(4), 0);
    packet.extend([0xbe, 0xde]);
    packet.extend(u16::try_from(elements.len() / 4).unwrap().to_be_bytes());
    packet.extend(elements);
    packet.extend_from_slice(payload);
    packet
}

fn send(world: &mut World<Puppet>, packet: &[u8]) {
    world.act(0, |puppet| puppet.send_rtp(packet));
    world.run_for(MS);
}

/// The value of an extension of each packet that the watcher received of the screen.
fn extension(world: &World<Puppet>, id: u8) -> Vec<Option<Vec<u8>>> {
    let packets = world
        .peer(1)
        .rtp
        .iter()
        .map(|(_, packet)| RtpPacket::new_checked(packet).unwrap());
    packets
        .filter(|packet| packet.ssrc().0 == SEEN.ssrc)
        .map(|packet| packet.extension(id).map(<[u8]>::to_vec))
        .collect()
}

#[test]
fn packets_are_numbered_where_that_was_asked_for() {
    for enabled in [true, false] {
        let mut world = screen(
            |produce| produce.enable_packet_id = enabled,
            &[(Uri::PacketId, PACKET_ID)],
        );
        let mut camera = Camera::new(1, 100);
        for seq in 0..3 {
            let payload = camera.next_frame().remove(0);
            send(&mut world, &packet(SCREEN.ssrc, VP8, seq, &[], &payload));
        }
        let ids = extension(&world, PACKET_ID).into_iter();
        let ids: Vec<_> = ids.map(|value| Some(PacketId::parse(&value?)?.0)).collect();
        let expected = if enabled {
            [Some(0), Some(1), Some(2)]
        } else {
            [None; 3]
        };
        assert_eq!(ids, expected);
    }
}

#[test]
fn a_capture_time_is_told_by_the_clock_of_our_reports() {
    let mut world = screen(|_| {}, &[(Uri::AbsCaptureTime, CAPTURE_TIME)]);
    let time = AbsCaptureTime {
        timestamp: NtpTime(5 << 32),
        clock_offset: Some(0),
    };
    let mut camera = Camera::new(1, 100);
    let mut publish = |world: &mut World<Puppet>, seq| {
        let payload = camera.next_frame().remove(0);
        let element = (CAPTURE_TIME, &time.to_bytes()[..]);
        send(world, &packet(SCREEN.ssrc, VP8, seq, &[element], &payload));
    };
    publish(&mut world, 0);
    // The publisher's clock is at 1900, in an era of its own.
    let mut report = [0; 100];
    let mut out = CompoundWriter::new(&mut report);
    let info = SenderInfo {
        ntp: NtpTime(7 << 32),
        rtp_timestamp: 3000,
        packet_count: 1,
        octet_count: 100,
    };
    SenderReport::write(&mut out, Ssrc(SCREEN.ssrc), &info, &[]).unwrap();
    let report = out.written().to_vec();
    let arrived = world.ntp();
    world.act(0, |puppet| puppet.send_rtcp(&report));
    world.run_for(MS);
    publish(&mut world, 1);

    let times = extension(&world, CAPTURE_TIME).into_iter();
    let times: Vec<_> = times.map(|value| AbsCaptureTime::parse(&value?)).collect();
    let unknown = AbsCaptureTime {
        clock_offset: None,
        ..time
    };
    let offset = info.ntp.0.wrapping_sub(arrived.0).cast_signed();
    let known = AbsCaptureTime {
        clock_offset: Some(offset),
        ..time
    };
    assert_eq!(times, [Some(unknown), Some(known)]);
}

/// A producer whose SSRCs are not signaled: its packets are known by their MID.
#[test]
fn retransmissions_are_known_by_their_name() {
    let mut world = screen(
        |produce| {
            let encoding = &mut produce.rtp_parameters.encodings[0];
            (encoding.ssrc, encoding.rtx_ssrc) = (None, None);
            produce.rtp_mapping.encodings[0].ssrc = None;
        },
        &[],
    );
    let mid: &[(u8, &[u8])] = &[(MID, b"screen")];
    let payloads: Vec<_> = (0..3)
        .map(|_| Camera::new(1, 100).next_frame().remove(0))
        .collect();
    for seq in [0, 2] {
        send(
            &mut world,
            &packet(777, VP8, seq, mid, &payloads[usize::from(seq)]),
        );
    }
    let repair = [&1_u16.to_be_bytes(), &payloads[1][..]].concat();
    send(&mut world, &packet(888, VP8_RTX, 50, mid, &repair));
    let seen = world
        .peer(1)
        .rtp
        .iter()
        .map(|(_, packet)| RtpPacket::new_checked(packet).unwrap());
    let mut numbers: Vec<_> = seen
        .filter(|packet| packet.ssrc().0 == SEEN.ssrc)
        .map(|packet| packet.sequence_number())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers.len(), 3, "{numbers:?}");
    assert_eq!(numbers[2].wrapping_sub(numbers[0]), 2);
}

/// A subscriber that waits for a key frame gets all of it, even if its first packet was lost and
/// repaired, packet by packet or in one batch.
#[test]
fn a_key_frame_that_is_repaired_arrives_whole() {
    for pause in [MS, Duration::ZERO] {
        let mut world = screen(|_| {}, &[]);
        let mut camera = Camera::new(5, 100);
        // A packet must come before the gap and not be used, so the consumer is paused then.
        let paused = world.request("screen-to-1", RequestBody::ConsumerPause);
        paused.unwrap();
        let mut packets = Vec::new();
        let mut frame = |seq: u16, lost: Option<usize>| {
            let payloads = camera.next_frame();
            for (number, (at, payload)) in (seq..).zip(payloads.iter().enumerate()) {
                if lost != Some(at) {
                    packets.push(packet(SCREEN.ssrc, VP8, number, &[], payload));
                }
            }
            camera.want_key_frame();
            payloads
        };
        frame(0, None);
        let payloads = frame(5, Some(0));
        let repair = [&5_u16.to_be_bytes(), &payloads[0][..]].concat();
        packets.push(packet(SCREEN.ssrc + 1, VP8_RTX, 50, &[], &repair));
        for (at, packet) in packets.iter().enumerate() {
            if at == 5 {
                world.run_for(MS);
                let resumed = world.request("screen-to-1", RequestBody::ConsumerResume);
                resumed.unwrap();
            }
            world.act(0, |puppet| puppet.send_rtp(packet));
            world.run_for(pause);
        }
        world.run_for(MS);
        assert_eq!(extension(&world, MID).len(), 5, "{pause:?}");
    }
}

/// An encoder that starts anew, or whose SSRC collided, goes on under another SSRC in the same section
/// (RFC 9143 §9.2). What watches it goes on as well, with a key frame and without a gap.
#[test]
fn a_new_ssrc_with_the_mid_of_a_stream_takes_its_place() {
    let mut world = screen(|_| {}, &[]);
    let mut camera = Camera::new(2, 100);
    let send_frame = |world: &mut World<Puppet>, camera: &mut Camera, ssrc: u32, first: u16| {
        for (payload, number) in camera.next_frame().iter().zip(first..) {
            let packet = packet(ssrc, VP8, number, &[(MID, b"screen")], payload);
            world.act(0, |puppet| puppet.send_rtp(&packet));
        }
        world.run_for(20 * MS);
    };
    send_frame(&mut world, &mut camera, SCREEN.ssrc, 100);
    send_frame(&mut world, &mut camera, SCREEN.ssrc, 102);
    assert_eq!(seen(&world).len(), 4);
    world.run_for(1000 * MS);

    let (second, third) = (9000, 9500);
    send_frame(&mut world, &mut camera, second, 40_000);
    assert_eq!(
        seen(&world).len(),
        4,
        "a new source begins with a key frame"
    );
    let asked = world.peer(0).rtcp.iter().any(|(_, compound)| {
        RtcpPackets::new(compound)
            .any(|packet| matches!(packet, RtcpPacket::Pli(pli) if pli.media_ssrc == Ssrc(second)))
    });
    assert!(asked, "and is asked for one");
    camera.want_key_frame();
    send_frame(&mut world, &mut camera, second, 40_002);
    send_frame(&mut world, &mut camera, second, 40_004);
    let numbers: Vec<_> = seen(&world).iter().map(|(number, _)| *number).collect();
    let expected: Vec<_> = (numbers[0]..).take(8).collect();
    assert_eq!(numbers, expected);

    // What was lost of the new source is repaired by its own RTX stream.
    let payload = camera.next_frame().swap_remove(0);
    let repair = [&40_006_u16.to_be_bytes(), &payload[..]].concat();
    let next = packet(second, VP8, 40_007, &[(MID, b"screen")], &payload);
    let repair = packet(second + 1, VP8_RTX, 7, &[(MID, b"screen")], &repair);
    for packet in [next, repair] {
        world.act(0, |puppet| puppet.send_rtp(&packet));
        world.run_for(20 * MS);
    }
    assert_eq!(seen(&world).len(), 10);

    // Sources that take turns do not change it with every packet, but once a second.
    for turn in 0..10 {
        camera.want_key_frame();
        send_frame(&mut world, &mut camera, third, 2 * turn);
        camera.want_key_frame();
        send_frame(&mut world, &mut camera, SCREEN.ssrc, 200 + 2 * turn);
    }
    assert_eq!(seen(&world).len(), 10);
    world.run_for(1000 * MS);
    camera.want_key_frame();
    send_frame(&mut world, &mut camera, third, 100);
    assert_eq!(seen(&world).len(), 12);
}

/// What is still on its way of a replaced source does not count as the new one's: neither is its
/// RTX stream learned, nor does its packet fill a gap. A new RTX stream alone is learned, too.
#[test]
fn retransmissions_of_a_replaced_source_are_refused() {
    let mut world = screen(|_| {}, &[]);
    let mut camera = Camera::new(1, 100);
    let mid: &[(u8, &[u8])] = &[(MID, b"screen")];
    let mut media = |world: &mut World<Puppet>, ssrc: u32, seq: u16| {
        camera.want_key_frame();
        let payload = camera.next_frame().remove(0);
        send(world, &packet(ssrc, VP8, seq, mid, &payload));
    };
    let repair = |world: &mut World<Puppet>, ssrc: u32, seq: u16, osn: u16, mark: u8| {
        let payload = [&osn.to_be_bytes()[..], &[0x10, 0, 1, mark]].concat();
        send(world, &packet(ssrc, VP8_RTX, seq, mid, &payload));
    };
    let marks = |world: &World<Puppet>| -> Vec<u8> {
        let packets = world.peer(1).rtp.iter();
        let views = packets.map(|(_, packet)| RtpPacket::new_checked(packet).unwrap());
        let screen = views.filter(|packet| packet.ssrc().0 == SEEN.ssrc);
        let repairs = screen.filter(|packet| packet.payload().len() == 4);
        repairs.map(|packet| packet.payload()[3]).collect()
    };
    let (old_rtx, new, new_rtx, newer_rtx) = (SCREEN.ssrc + 1, 9000, 9001, 9002);
    media(&mut world, SCREEN.ssrc, 100);
    media(&mut world, SCREEN.ssrc, 102);
    repair(&mut world, old_rtx, 1, 101, 1);
    assert_eq!(marks(&world), [1]);

    world.run_for(1000 * MS);
    media(&mut world, new, 100);
    media(&mut world, new, 102);
    repair(&mut world, old_rtx, 2, 101, 2);
    assert_eq!(marks(&world), [1], "a straggler");
    repair(&mut world, new_rtx, 1, 101, 3);
    assert_eq!(marks(&world), [1, 3]);

    media(&mut world, new, 104);
    repair(&mut world, newer_rtx, 1, 103, 4);
    assert_eq!(marks(&world), [1, 3], "once a second");
    world.run_for(1000 * MS);
    repair(&mut world, newer_rtx, 2, 103, 5);
    assert_eq!(marks(&world), [1, 3, 5]);
    media(&mut world, new, 106);
    repair(&mut world, new_rtx, 2, 105, 6);
    assert_eq!(marks(&world), [1, 3, 5], "the one before is refused now");
}

/// A subscriber that begins again and again, by pausing or by losing its path, gets a key frame at
/// once, and then one a second. Otherwise it could make everybody receive only key frames.
#[test]
fn a_consumer_that_begins_again_and_again_costs_a_key_frame_a_second() {
    let mut world = screen(|_| {}, &[]);
    let mut camera = Camera::new(1, 100);
    let requests = |world: &mut World<Puppet>| {
        let heard = std::mem::take(&mut world.peer_mut(0).rtcp);
        let is_pli = |packet: &RtcpPacket<'_>| matches!(packet, RtcpPacket::Pli(pli) if pli.media_ssrc == Ssrc(SCREEN.ssrc));
        let count =
            |(_, compound): &(_, Vec<u8>)| RtcpPackets::new(compound).filter(is_pli).count();
        heard.iter().map(count).sum::<usize>()
    };
    let mut seq = 0;
    let mut obey = |world: &mut World<Puppet>| {
        camera.want_key_frame();
        let payload = camera.next_frame().remove(0);
        seq += 1;
        send(world, &packet(SCREEN.ssrc, VP8, seq, &[], &payload));
    };
    obey(&mut world);
    world.run_for(3000 * MS);
    requests(&mut world);
    let mut counts = Vec::new();
    for _ in 0..30 {
        for body in [RequestBody::ConsumerPause, RequestBody::ConsumerResume] {
            world.request("screen-to-1", body).unwrap();
        }
        world.run_for(100 * MS);
        obey(&mut world);
        counts.push(requests(&mut world));
    }
    assert_eq!(counts[0], 1, "at once");
    let all: usize = counts.iter().sum();
    assert!((3..=4).contains(&all), "{counts:?}");
}

/// Some encoders send the picture parameter set before the sequence parameter set. RFC 6184 §8.4
/// asks only that both come before the pictures that refer to them.
#[test]
fn a_picture_parameter_set_before_its_sequence_parameter_set_reaches_a_new_consumer() {
    for pause in [MS, Duration::ZERO] {
        let h264 = |parameters: &mut RtpParameters| {
            "video/H264".clone_into(&mut parameters.codecs[0].mime_type);
        };
        let mut world = stage::with_watchers(1, 1, None);
        let mut produce = SCREEN.produce("screen");
        h264(&mut produce.rtp_parameters);
        let produce = RequestBody::TransportProduce(Box::new(produce));
        world.request("puppet-0", produce).unwrap();
        let mut consume = SEEN.consume("screen-to-1", "screen", SCREEN);
        h264(&mut consume.rtp_parameters);
        let consume = RequestBody::TransportConsume(Box::new(consume));
        world.request("puppet-1", consume).unwrap();
        world.run_for(100 * MS);

        let (slice, pps, sps, idr) = (0x41, 0x68, 0x67, 0x65);
        let sent = [
            (1, 3000, true, slice),
            (2, 6000, false, pps),
            (3, 6000, false, sps),
            (4, 6000, true, idr),
            (5, 9000, true, slice),
        ];
        for (sequence_number, timestamp, marker, unit) in sent {
            let header = RtpHeader {
                marker,
                payload_type: PayloadType(VP8),
                sequence_number,
                timestamp,
                ssrc: Ssrc(SCREEN.ssrc),
            };
            let packet = rtp(header, &[unit, 1, 2, 3]);
            world.act(0, |puppet| puppet.send_rtp(&packet));
            world.run_for(pause);
        }
        world.run_for(MS);
        let mut units: Vec<_> = seen(&world);
        units.sort_unstable();
        let numbers: Vec<_> = units.iter().map(|(number, _)| *number).collect();
        let first = numbers[0];
        assert_eq!(numbers, [first, first + 1, first + 2, first + 3]);
        let units: Vec<_> = units.iter().map(|(_, unit)| *unit).collect();
        assert_eq!(units, [pps, sps, idr, slice], "{pause:?}");
    }
}

/// RFC 3389: comfort noise replaces speech, here from the first packet on.
#[test]
fn comfort_noise_does_not_set_the_clock_of_a_stream() {
    let (spoken, heard) = (Stream::audio("talk", 7000), Stream::audio("talk", 8000));
    let noise = RtpCodecParameters {
        mime_type: "audio/CN".to_owned(),
        payload_type: 13,
        clock_rate: 8000,
        channels: None,
        parameters: Vec::new(),
        rtcp_feedback: Vec::new(),
    };
    let mut world = stage::with_watchers(1, 1, None);
    let mut produce = spoken.produce("talk");
    produce.rtp_parameters.codecs.insert(0, noise.clone());
    produce.rtp_parameters.encodings[0].codec_payload_type = None;
    let mapped = CodecMapping {
        payload_type: 13,
        mapped_payload_type: 13,
    };
    produce.rtp_mapping.codecs.push(mapped);
    let mut consume = heard.consume("talk-to-1", "talk", spoken);
    consume.rtp_parameters.codecs.insert(0, noise);
    consume.rtp_parameters.encodings[0].codec_payload_type = None;
    let produce = RequestBody::TransportProduce(Box::new(produce));
    world.request("puppet-0", produce).unwrap();
    let consume = RequestBody::TransportConsume(Box::new(consume));
    world.request("puppet-1", consume).unwrap();
    world.run_for(100 * MS);
    for (seq, payload_type) in [(0, 13), (1, OPUS), (2, 13)] {
        send(
            &mut world,
            &packet(spoken.ssrc, payload_type, seq, &[], &[8; 20]),
        );
    }
    let dump = world.request("talk", RequestBody::ProducerDump);
    let Ok(ResponseBody::ProducerDump(dump)) = dump else {
        panic!("{dump:?}");
    };
    assert_eq!(dump.rtp_streams[0].clock_rate, 48_000);
    let payload_types = world.peer(1).rtp.iter().map(|(_, packet)| packet[1] & 0x7f);
    assert_eq!(payload_types.collect::<Vec<_>>(), [13, OPUS, 13]);
}

/// RFC 3550 §6.4.2: a report has at most 31 blocks.
#[test]
fn a_publisher_of_many_streams_hears_of_each() {
    let mut world = stage::with_watchers(1, 0, None);
    world.run_for(100 * MS);
    let names = [
        "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r",
        "s", "t", "u", "v", "w", "x", "y", "z", "aa", "bb", "cc", "dd", "ee", "ff", "gg",
    ];
    for (mid, ssrc) in names.into_iter().zip(10_000..) {
        let produce = Stream::audio(mid, 2 * ssrc).produce(mid);
        let produce = RequestBody::TransportProduce(Box::new(produce));
        world.request("puppet-0", produce).unwrap();
        send(&mut world, &packet(2 * ssrc, OPUS, 0, &[], &[8; 20]));
    }
    world.run_for(8000 * MS);
    let mut reported: Vec<_> = world
        .peer(0)
        .rtcp
        .iter()
        .flat_map(|(_, compound)| RtcpPackets::new(compound))
        .filter_map(|packet| match packet {
            RtcpPacket::ReceiverReport(report) => Some(report.reports),
            _ => None,
        })
        .flatten()
        .map(|block| block.ssrc.0)
        .collect();
    reported.sort_unstable();
    reported.dedup();
    let published: Vec<_> = (10_000..).map(|ssrc| 2 * ssrc).take(names.len()).collect();
    assert_eq!(reported, published);
}

/// A receiver that negotiated NACK and no RTX gets the packet itself again, the same to the last
/// bit.
#[test]
fn a_nack_without_rtx_is_answered_with_the_same_bytes() {
    let mut world = stage::with_watchers(1, 1, None);
    let produce = RequestBody::TransportProduce(Box::new(SCREEN.produce("screen")));
    world.request("puppet-0", produce).unwrap();
    let mut consume = SEEN.consume("screen-to-1", "screen", SCREEN);
    consume.rtp_parameters.codecs.truncate(1);
    consume.rtp_parameters.encodings[0].rtx_ssrc = None;
    let consume = RequestBody::TransportConsume(Box::new(consume));
    world.request("puppet-1", consume).unwrap();
    world.run_for(100 * MS);

    let mut camera = Camera::new(4, 300);
    world.tap = Some(Vec::new());
    let mut send_frame = |world: &mut World<Puppet>, first: u16| {
        for (payload, seq) in camera.next_frame().iter().zip(first..) {
            let packet = packet(SCREEN.ssrc, VP8, seq, &[], payload);
            world.act(0, |puppet| puppet.send_rtp(&packet));
        }
        world.run_for(20 * MS);
    };
    send_frame(&mut world, 100);
    // The second frame is lost on its way.
    let gone = LinkConfig {
        loss: Loss::Random(1.0),
        ..LinkConfig::default()
    };
    world.set_link(1, LinkConfig::default(), gone, 1);
    send_frame(&mut world, 104);
    world.set_link(1, LinkConfig::default(), LinkConfig::default(), 1);
    let sent: Vec<_> = world
        .tap
        .take()
        .unwrap()
        .into_iter()
        .map(|(_, _, datagram)| datagram)
        .collect();
    let of_screen = |datagram: &&Vec<u8>| datagram[8..12] == SEEN.ssrc.to_be_bytes();
    let sent: Vec<_> = sent.iter().filter(of_screen).cloned().collect();
    assert_eq!(sent.len(), 8);

    let received = seen(&world).len();
    let lost: Vec<u16> = sent[4..6]
        .iter()
        .map(|one| u16::from_be_bytes([one[2], one[3]]))
        .collect();
    let mut buffer = [0; 100];
    let mut out = CompoundWriter::new(&mut buffer);
    Nack::write(&mut out, Ssrc(1), Ssrc(SEEN.ssrc), &lost).unwrap();
    let nack = out.written().to_vec();
    world.tap = Some(Vec::new());
    world.act(1, |puppet| puppet.send_rtcp(&nack));
    world.run_for(20 * MS);
    let again: Vec<_> = world
        .tap
        .take()
        .unwrap()
        .into_iter()
        .map(|(_, _, datagram)| datagram)
        .collect();
    let again: Vec<_> = again.iter().filter(of_screen).cloned().collect();
    assert_eq!(again, sent[4..6]);
    // The receiver takes what it had lost.
    assert_eq!(seen(&world).len(), received + 2);
}

/// What puppet 1 has of the screen: sequence numbers and first bytes.
fn seen(world: &World<Puppet>) -> Vec<(u16, u8)> {
    let view = |packet: &[u8]| {
        let view = RtpPacket::new_checked(packet).ok()?;
        let is_screen = view.ssrc() == Ssrc(SEEN.ssrc);
        let first = view.payload().first().copied()?;
        is_screen.then_some((view.sequence_number(), first))
    };
    let all = world.peer(1).rtp.iter();
    all.filter_map(|(_, packet)| view(packet)).collect()
}

/// SRTP knows which of the last numbers were used. An older one is refused when it is sent, so a
/// repair that comes so late is not taken in.
#[test]
fn a_repair_is_taken_in_only_if_it_can_be_forwarded() {
    let mut world = screen(|_| {}, &[]);
    let mut camera = Camera::new(1, 100);
    let payloads: Vec<_> = (0..1300).map(|_| camera.next_frame().remove(0)).collect();
    let (too_late, late) = (100, 400);
    for (seq, payload) in (0..).zip(&payloads) {
        if seq != too_late && seq != late {
            send(&mut world, &packet(SCREEN.ssrc, VP8, seq, &[], payload));
        }
    }
    let received = extension(&world, MID).len();
    for (rtx_seq, seq) in [(1, late), (2, too_late)] {
        let original = [&seq.to_be_bytes(), &payloads[usize::from(seq)][..]].concat();
        let repair = packet(SCREEN.ssrc + 1, VP8_RTX, rtx_seq, &[], &original);
        send(&mut world, &repair);
    }
    assert_eq!(extension(&world, MID).len(), received + 1);
    let drops = world.worker.drops().to_string();
    assert!(!drops.contains("sent.unprotected"), "{drops}");
}

/// Without media there is nothing to report, and the worker is not woken for it.
#[test]
fn a_transport_on_which_nothing_flows_reports_nothing_until_something_does() {
    let mut world = stage::with_watchers(4, 1, None);
    let second = Duration::from_secs(1);
    let reports = |world: &mut World<Puppet>, number| {
        let compounds = std::mem::take(&mut world.peer_mut(number).rtcp);
        let is_report = |packet: &RtcpPacket<'_>| {
            matches!(
                packet,
                RtcpPacket::SenderReport(_) | RtcpPacket::ReceiverReport(_)
            )
        };
        let count =
            |(_, compound): &(_, Vec<u8>)| RtcpPackets::new(compound).filter(is_report).count();
        compounds.iter().map(count).sum::<usize>()
    };
    for consumer in ["voice-to-1", "face-to-1"] {
        world.request(consumer, RequestBody::ConsumerPause).unwrap();
    }
    world.run_for(3 * second);
    // The last ones, of before.
    reports(&mut world, 0);
    reports(&mut world, 1);
    world.run_for(10 * second);
    assert_eq!((reports(&mut world, 0), reports(&mut world, 1)), (0, 0));
    let (deadline, reason) = world.worker.poll_timeout().unwrap();
    let left = deadline.since(world.now);
    assert!(left > 20 * second, "{left:?} until {reason:?}");

    // The first packet is reported at once, and then the flow is.
    let now = world.now;
    world
        .peer_mut(0)
        .publish(now, stage::FACE, Camera::new(1, 100));
    world.run_for(200 * MS);
    assert_eq!((reports(&mut world, 0), reports(&mut world, 1)), (1, 0));
    world.run_for(3 * second);
    assert!((2..=4).contains(&reports(&mut world, 0)));
    assert_eq!(reports(&mut world, 1), 0, "its consumers are paused");
    world
        .request("face-to-1", RequestBody::ConsumerResume)
        .unwrap();
    world.run_for(3 * second);
    assert!((2..=4).contains(&reports(&mut world, 1)));
}
