//! Direct transports: packets of the application and for the application, and one that does not
//! read.

use super::*;
use crate::messages::{CreateDirectTransport, IncomingBody, IncomingNotification};

fn rtp(sequence_number: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xfc, 1, 2];
    packet[2..4].copy_from_slice(&sequence_number.to_be_bytes());
    packet
}

impl Rig {
    /// A direct transport `t` with the producer `p`, and the consumer `c` of that on `to`.
    fn direct() -> Self {
        let mut rig = Self::new();
        rig.router("r");
        for id in ["t", "to"] {
            let body = RequestBody::RouterCreateDirectTransport(Box::new(CreateDirectTransport {
                transport_id: id.into(),
                base: TransportOptions::default(),
            }));
            match rig.request("r", body) {
                Ok(ResponseBody::DirectTransportDump(dump)) => assert!(dump.direct),
                other => panic!("{other:?}"),
            }
        }
        rig.producer("t", "p", 1);
        rig.consumer("to", "c", "p", 20);
        rig
    }

    fn tell(&mut self, handler_id: &str, body: IncomingBody) -> Result<(), RequestError> {
        let notification = IncomingNotification {
            event: "TEST",
            handler_id: handler_id.into(),
            body,
        };
        let carried_out = self.worker.carry_out_notification(self.now, &notification);
        self.drain();
        carried_out
    }
}

#[test]
fn the_application_sends_and_receives_rtp_and_rtcp() {
    let mut rig = Rig::direct();
    for number in [7, 8, 10] {
        rig.tell("p", IncomingBody::ProducerSend(rtp(number)))
            .unwrap();
    }
    let packets: Vec<_> = rig
        .events()
        .into_iter()
        .filter_map(|(id, event)| match event {
            Event::ConsumerRtp(packet) => Some((id, packet)),
            _ => None,
        })
        .collect();
    let numbers: Vec<_> = packets
        .iter()
        .map(|(id, packet)| {
            let packet = RtpPacket::new_checked(packet).unwrap();
            assert_eq!((id.as_str(), packet.ssrc()), ("c", Ssrc(20)));
            assert_eq!(packet.payload(), [0xfc, 1, 2]);
            packet.sequence_number()
        })
        .collect();
    assert_eq!(numbers, [numbers[0], numbers[0] + 1, numbers[0] + 3]);

    // The application's NACK is served like a peer's: by the same packet.
    let mut nack = vec![0x81, 205, 0, 3, 0, 0, 0, 9, 0, 0, 0, 20];
    nack.extend((numbers[0] + 1).to_be_bytes());
    nack.extend([0, 0]);
    rig.tell("to", IncomingBody::TransportSendRtcp(nack))
        .unwrap();
    let again = ("c".to_owned(), Event::ConsumerRtp(packets[1].1.clone()));
    assert_eq!(rig.events(), [again]);

    // Reports of what flows come by themselves: of what the application sends, and receives.
    rig.now += Duration::from_secs(2);
    rig.worker.handle_timeout(rig.now);
    rig.drain();
    let reports: Vec<_> = rig
        .events()
        .into_iter()
        .filter_map(|(id, event)| match event {
            Event::DirectTransportRtcp(packet) => Some((id, packet[1])),
            _ => None,
        })
        .collect();
    assert!(reports.contains(&("t".into(), 201)), "{reports:?}");
    assert!(reports.contains(&("to".into(), 200)), "{reports:?}");
}

#[test]
fn what_is_not_for_a_direct_transport_is_refused() {
    let mut rig = Rig::direct();
    rig.transport("r", "web");
    rig.producer("web", "q", 2);
    rig.events();
    for (handler, body, problem) in [
        ("q", IncomingBody::ProducerSend(rtp(1)), "not a direct one"),
        (
            "web",
            IncomingBody::TransportSendRtcp(vec![0x80, 201, 0, 1, 0, 0, 0, 1]),
            "not a direct one",
        ),
        ("c", IncomingBody::ProducerSend(rtp(1)), "it is no producer"),
        (
            "p",
            IncomingBody::TransportSendRtcp(rtp(1)),
            "it is no transport",
        ),
        ("x", IncomingBody::ProducerSend(rtp(1)), "not found"),
        ("p", IncomingBody::ProducerSend(vec![0x80; 1501]), "data: "),
    ] {
        let error = rig.tell(handler, body).unwrap_err().to_string();
        assert!(error.contains(problem), "{problem}: {error}");
    }
    // What is no packet is counted, like a peer's.
    rig.tell("p", IncomingBody::ProducerSend(vec![0x80; 11]))
        .unwrap();
    rig.tell("t", IncomingBody::TransportSendRtcp(vec![0x80; 3]))
        .unwrap();
    let key = rig.worker.registry.transport("t").unwrap();
    let received = rig.worker.entities.transports[key].received();
    assert_eq!(received.dropped_malformed, 2);
}

#[test]
fn an_application_that_does_not_read_loses_packets_and_no_answers() {
    let mut rig = Rig::direct();
    rig.events();
    let packets = 60_000_u32;
    for number in 0..packets {
        let number = u16::try_from(number & 0xffff).unwrap();
        let mut packet = rtp(number);
        packet.resize(1200, 1);
        let body = IncomingBody::ProducerSend(packet);
        rig.tell("p", body).unwrap();
        assert!(rig.worker.wants_messages(), "requests are read on");
    }
    let mut delivered = 0;
    let mut bytes = 0;
    for (_, event) in rig.events() {
        if let Event::ConsumerRtp(packet) = event {
            delivered += 1;
            bytes += packet.len();
        }
    }
    assert!((1000..2 * 1024 * 1024).contains(&bytes), "{bytes}");
    let undelivered = rig.worker.outbox.undelivered();
    assert_eq!(delivered + undelivered, u64::from(packets));
    // Once it reads again, everything arrives again.
    rig.tell(
        "p",
        IncomingBody::ProducerSend(rtp((packets & 0xffff) as u16)),
    )
    .unwrap();
    let is_rtp = |(_, event): &(String, Event)| matches!(event, Event::ConsumerRtp(_));
    assert_eq!(rig.events().iter().filter(|event| is_rtp(event)).count(), 1);
}

#[test]
fn one_packet_for_very_many_consumers_of_an_application_is_bounded() {
    const CONSUMERS: u32 = 1000;
    let mut rig = Rig::direct();
    for number in 1..CONSUMERS {
        rig.consumer("to", &format!("c{number}"), "p", 20 + number);
    }
    let mut packet = rtp(1);
    packet.resize(1200, 1);
    rig.tell("p", IncomingBody::ProducerSend(packet)).unwrap();
    let is_rtp = |(_, event): &(String, Event)| matches!(event, Event::ConsumerRtp(_));
    let delivered = rig.events().iter().filter(|event| is_rtp(event)).count() as u64;
    assert!((200..230).contains(&delivered), "256 KiB: {delivered}");
    let undelivered = rig.worker.outbox.undelivered();
    assert_eq!(delivered + undelivered, u64::from(CONSUMERS));
}
