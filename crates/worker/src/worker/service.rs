//! Output: first the transports' own packets, then the fan-out of what arrived at producers.

use super::{Drain, Worker};
use crate::ids::TransportKey;
use crate::messages::Event;
use crate::output::Output;
use crate::router::Ends;
use crate::time::Instant;
use crate::transport::Streams;
use crate::wire::demux::DatagramKind;
use crate::wire::rtp::RtpPacket;

impl Worker {
    /// One stretch of [`Worker::drain`]. A full output can interrupt it anywhere, and the next
    /// stretch goes on from there.
    pub(super) fn drain_fenced(&mut self, now: Instant, output: &mut Output) -> Drain {
        while let Some(key) = self.touched.front().copied() {
            self.current = Some(key);
            if self.entities.transports.get(key).is_some() && !self.service(now, key, output) {
                return Drain::More;
            }
            self.touched.pop_front();
            if let Some(transport) = self.entities.transports.get_mut(key) {
                transport.touched = false;
                let deadline = transport.deadline(&self.entities.consumers);
                self.deadlines.set(key, deadline);
            }
        }
        self.current = None;
        let mut ends = Ends {
            producers: &mut self.entities.producers,
            consumers: &mut self.entities.consumers,
            transports: &mut self.entities.transports,
            current: &mut self.current,
        };
        let is_done = self.fan_out.run(now, &mut ends, output);
        self.deliver();
        if is_done { Drain::Drained } else { Drain::More }
    }

    /// Hands the application the packets of direct transports.
    fn deliver(&mut self) {
        for key in &self.direct {
            let transport = &mut self.entities.transports[*key];
            let taken = transport.take_for_application();
            self.outbox.count_undelivered(taken.lost);
            for packet in taken.packets {
                if DatagramKind::of(&packet) == DatagramKind::Rtcp {
                    let event = Event::DirectTransportRtcp(packet);
                    self.outbox.offer(&transport.id, event);
                } else if let Ok(rtp) = RtpPacket::new_checked(&packet)
                    && let Some(entry) = transport.consumer_of(rtp.ssrc())
                {
                    let id = &self.entities.consumers[entry.consumer].id;
                    self.outbox.offer(id, Event::ConsumerRtp(packet));
                }
            }
        }
    }

    /// Lets a transport send its own packets; `false` when the output is full.
    fn service(&mut self, now: Instant, key: TransportKey, output: &mut Output) -> bool {
        let transport = &mut self.entities.transports[key];
        transport.handle_timeout(now);
        let sent = transport.poll_datagrams(now, output);
        self.take_events(now, key);
        let ntp = self.settings.clock.to_ntp(now);
        let transport = &mut self.entities.transports[key];
        let streams = &mut Streams {
            producers: &mut self.entities.producers,
            consumers: &mut self.entities.consumers,
            report_blocks: &mut self.report_blocks,
        };
        let is_done = sent
            && transport.look_after_streams(now, streams, output)
            && transport.send_feedback(now, streams, output)
            && transport.send_reports(now, ntp, streams, output)
            && transport.resend(now, streams, output);
        // Changes are reported even if the rest must wait for room.
        while let Some(producer) = self.entities.transports[key].next_changed_score() {
            self.tell_scores(producer);
        }
        is_done
    }
}
