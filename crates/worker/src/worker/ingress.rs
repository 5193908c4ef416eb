//! A datagram on its way in: what it is, and which transport and producer it is for.

use super::shares::Shares;
use super::{SocketOwner, Worker};
use crate::ids::{ProducerKey, TransportKey};
use crate::messages::Event;
use crate::output::Path;
use crate::producer::Taken;
use crate::time::Instant;
use crate::transport::Work;
use crate::wire::demux::DatagramKind;
use crate::wire::stun::StunMessage;

impl Worker {
    pub(super) fn handle_datagram(
        &mut self,
        now: Instant,
        path: Path,
        at: Instant,
        datagram: &mut [u8],
    ) {
        // The transport of the datagram before is not to blame for this one.
        self.current = None;
        match DatagramKind::of(datagram) {
            DatagramKind::Stun => self.handle_stun(now, path, datagram),
            DatagramKind::Dtls => self.handle_dtls(now, path, datagram),
            DatagramKind::Rtp => self.handle_rtp(now, path, at, datagram),
            DatagramKind::Rtcp => self.handle_rtcp(now, path, datagram),
            DatagramKind::Zrtp | DatagramKind::ChannelData | DatagramKind::Unknown => {
                self.counters.unknown_protocol += 1;
            }
        }
    }

    /// The transport that a datagram of `path` is for (docs/security.md rule 2).
    fn transport_at(&mut self, path: &Path) -> Option<TransportKey> {
        // Datagrams of one remote come in runs.
        let known = self.last_route.filter(|(last, _)| last == path);
        let key = known.map_or_else(|| self.transport_of(path), |(_, key)| Some(key));
        let Some(key) = key else {
            self.counters.unknown_tuple += 1;
            return None;
        };
        self.current = Some(key);
        self.last_route = Some((*path, key));
        Some(key)
    }

    /// The transport that a packet of `path` is for, unless it has had its share.
    pub(super) fn transport_of_packet(
        &mut self,
        now: Instant,
        path: &Path,
    ) -> Option<TransportKey> {
        let key = self.transport_at(path)?;
        self.is_within_share(now, key, path).then_some(key)
    }

    /// Whether a transport may have one more datagram of `path`, which is its own, looked at. While
    /// datagrams queue up, it gets no more than a share.
    fn is_within_share(&mut self, now: Instant, key: TransportKey, path: &Path) -> bool {
        if !self.is_pressed {
            return true;
        }
        let transport = &mut self.entities.transports[key];
        // What an earlier datagram has proven says nothing of this one.
        transport.take_proof();
        let network = path.network();
        let is_within = self.shares.have_room(now, &transport.share, network);
        self.counters.over_share += u64::from(!is_within);
        is_within
    }

    /// Enters the work that the last datagram of a transport has caused while others waited, if the
    /// datagram has proven to be its own.
    pub(super) fn enter_work(&mut self, now: Instant, key: TransportKey, path: &Path, work: Work) {
        if !self.is_pressed {
            return;
        }
        let transport = &mut self.entities.transports[key];
        if transport.take_proof() {
            let own = &mut transport.share;
            self.shares.enter(now, own, path.network(), work);
        }
    }

    fn handle_dtls(&mut self, now: Instant, path: Path, datagram: &[u8]) {
        let Some(key) = self.transport_at(&path) else {
            return;
        };
        let transport = &mut self.entities.transports[key];
        if self.is_pressed && !Shares::take_for_dtls(now, &mut transport.dtls_share) {
            self.counters.over_share += 1;
            return;
        }
        if transport.speaks_ice() {
            transport.handle_dtls(now, path, datagram);
            self.touch(key);
        } else {
            self.counters.unknown_protocol += 1;
        }
    }

    /// The transport that `path` belongs to.
    fn transport_of(&self, path: &Path) -> Option<TransportKey> {
        match self.sockets.get(&path.socket)?.owner {
            SocketOwner::WebRtcServer(server) => {
                self.entities.web_rtc_servers[server].by_tuple(path)
            }
            SocketOwner::Transport(transport) => {
                let owns = self.entities.transports[transport].owns(path);
                owns.then_some(transport)
            }
        }
    }

    fn handle_stun(&mut self, now: Instant, path: Path, datagram: &[u8]) {
        let transport = StunMessage::new_checked(datagram).ok().and_then(|message| {
            let key = match self.sockets.get(&path.socket)?.owner {
                SocketOwner::WebRtcServer(server) => {
                    let fragment = std::str::from_utf8(message.local_username_fragment()?).ok()?;
                    self.entities.web_rtc_servers[server].by_username_fragment(fragment)?
                }
                SocketOwner::Transport(transport) => transport,
            };
            self.entities.transports[key]
                .speaks_ice()
                .then_some((key, message))
        });
        let Some((key, message)) = transport else {
            self.counters.stun_ignored += 1;
            return;
        };
        self.current = Some(key);
        let owner = self.transport_of(&path);
        // Anyone may send checks from elsewhere, so these do not count against the transport.
        if owner == Some(key) {
            if !self.is_within_share(now, key, &path) {
                return;
            }
        } else if self.is_pressed && !self.shares.take_for_stranger(now, Work::CHECK) {
            self.counters.stun_over_share += 1;
            return;
        }
        // A source address can be forged. So nobody takes a path over with a check while its owner
        // proves with every packet that the path is in use.
        if let Some(owner) = owner
            && owner != key
            && self.entities.transports[owner].is_in_use(now, &path)
        {
            self.counters.path_in_use += 1;
            return;
        }
        let transport = &mut self.entities.transports[key];
        match self.control.slot() {
            Some(answer) => {
                let len = transport.handle_stun(now, path, &message, datagram.len(), answer);
                if len > 0 {
                    self.control.commit(path, len);
                }
            }
            None => self.counters.stun_answers_dropped += 1,
        }
        if owner == Some(key) {
            self.enter_work(now, key, &path, Work::CHECK);
        }
        self.take_events(now, key);
        self.touch(key);
    }

    pub(super) fn path_closed(&mut self, now: Instant, path: Path) {
        if let Some(key) = self.transport_of(&path) {
            self.current = Some(key);
            self.entities.transports[key].remove_path(now, path);
            self.take_events(now, key);
            self.touch(key);
        }
    }

    fn handle_rtp(&mut self, now: Instant, path: Path, at: Instant, datagram: &mut [u8]) {
        if let Some(key) = self.transport_of_packet(now, &path) {
            self.take_rtp(now, key, Some(path), at, datagram);
        }
    }

    /// Takes an RTP packet that came on `path`, or from the application.
    pub(super) fn take_rtp(
        &mut self,
        now: Instant,
        key: TransportKey,
        path: Option<Path>,
        at: Instant,
        datagram: &mut [u8],
    ) {
        let work = Work::rtp(datagram.len());
        let transport = &mut self.entities.transports[key];
        let received = transport.receive_rtp(now, at, path, datagram);
        if let Some(path) = &path {
            self.enter_work(now, key, path, work);
        }
        let Some(received) = received else {
            // A packet that is for no producer may still have told the remote's address.
            if self.entities.transports[key].has_events() {
                self.touch(key);
            }
            return;
        };
        let transport = &mut self.entities.transports[key];
        let producer = &mut self.entities.producers[received.producer];
        transport.note_producer(received.producer, producer);
        match producer.handle_rtp(now, at, &received.packet, received.names) {
            Ok(taken) => {
                transport.rtp_taken(now, &received, &taken);
                self.packet_taken(received.producer, &taken);
            }
            Err(reason) => {
                tracing::trace!(target: "tureen::rtp", ?reason, "packet not taken");
                transport.rtp_refused();
            }
        }
        self.touch(key);
    }

    pub(super) fn packet_taken(&mut self, key: ProducerKey, taken: &Taken) {
        if taken.is_first_to_forward {
            self.fan_out.add(key);
        }
        if taken.score_changed {
            self.tell_scores(key);
        }
        if let Some(orientation) = taken.orientation {
            let event = Event::ProducerVideoOrientationChange {
                camera: orientation.camera,
                flip: orientation.flip,
                rotation: orientation.rotation.degrees(),
            };
            self.outbox.notify(&self.entities.producers[key].id, event);
        }
    }
}
