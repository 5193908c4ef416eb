//! A transport: one peer's packets, in and out. All kinds share this code. The things that only one
//! kind does, such as ICE and DTLS, are in a module of that kind, behind [`Kind`].
//!
//! Every packet comes in through [`ingress`] and leaves through [`egress`]. Nothing here knows
//! routers or other transports; what concerns them is returned to the graph.

mod consumer_ssrcs;
mod destination;
mod due;
mod egress;
mod events;
mod feedback;
mod ingress;
mod kind;
mod limits;
mod listen;
mod plain;
mod protection;
mod receive;
mod reports;
mod rtcp;
mod rtp_listener;
mod send;
mod share;
mod srtp_keys;
mod upstream;
mod webrtc;

pub(crate) use destination::Destination;
pub(crate) use egress::{ForApplication, Traffic};
pub(crate) use events::TransportEvent;
pub(crate) use ingress::{Incoming, ReceivedCounters};
pub(crate) use kind::Kind;
pub(crate) use listen::{ListenSocket, open};
pub(crate) use plain::PlainTransport;
pub(crate) use send::Purpose;
pub(crate) use share::{Rate, Share, Work};
pub(crate) use webrtc::{Sockets, WebRtcTransport};

use std::time::Duration;

use crate::arena::Arena;
use crate::consumer::Consumer;
use crate::dtls::DtlsCounters;
use crate::error::RequestError;
use crate::ice::IceCounters;
use crate::ids::{ConsumerKey, ProducerKey, RouterKey, Ssrc, WebRtcServerKey};
use crate::messages::{
    Consume, PlainConnect, PlainConnected, ResponseBody, TransportOptions, TransportStats,
};
use crate::output::{Output, Path, Protocol};
use crate::params::{DtlsParameters, DtlsRole, IceParameters, RtpParameters};
use crate::producer::Producer;
use crate::rng::Rng;
use crate::srtp::{SrtpError, SrtpReceive, SrtpSend};
use crate::time::{Instant, NtpTime};
use crate::wire::extension_ids::RecvExtensionIds;
use crate::wire::rtcp::ReportBlock;

use consumer_ssrcs::{ConsumerSsrc, ConsumerSsrcs};
use due::DueProducers;
use egress::{Egress, SentCounters};
use feedback::PathFeedback;
use ingress::Ingress;
use limits::Limits;
use protection::Protection;
use rtcp::RtcpSchedule;
use rtp_listener::RtpListener;

/// A transport of a router. Which producers and consumers it has is kept as keys.
pub(crate) struct Transport {
    pub(crate) id: String,
    pub(crate) router: RouterKey,
    pub(crate) options: TransportOptions,
    kind: Kind,
    /// In the order of creation; removal swaps the last into the hole.
    pub(crate) producers: Vec<ProducerKey>,
    /// Which of them want to be looked after.
    due: DueProducers,
    /// In the order of creation; removal swaps the last into the hole.
    pub(crate) consumers: Vec<ConsumerKey>,
    listener: RtpListener,
    recv_ids: RecvExtensionIds,
    consumer_ssrcs: ConsumerSsrcs,
    ingress: Ingress,
    /// Its own shares of the worker's time while datagrams queue up: for DTLS, and for all else.
    pub(crate) dtls_share: Share,
    pub(crate) share: Share,
    /// Whether the last datagram has proven to be the remote's own.
    is_proven: bool,
    egress: Egress,
    limits: Limits,
    rtcp: RtcpSchedule,
    feedback: PathFeedback,
    /// The last receiver reference time of the peer, its SSRC, and when it came.
    reference_time: Option<(Ssrc, NtpTime, Instant)>,
    /// Consumers with packets to send again, each once.
    resending: Vec<ConsumerKey>,
    /// Producers whose scores changed and are still to be told.
    changed_scores: Vec<ProducerKey>,
    /// Whether it is in the worker's list of touched transports.
    pub(crate) touched: bool,
}

/// The producers and consumers of all transports, lent to a transport that works on its own ones.
pub(crate) struct Streams<'a> {
    pub(crate) producers: &'a mut Arena<ProducerKey, Producer>,
    pub(crate) consumers: &'a mut Arena<ConsumerKey, Consumer>,
    /// Room for the blocks of a report.
    pub(crate) report_blocks: &'a mut Vec<ReportBlock>,
}

impl Transport {
    pub(crate) fn new(
        now: Instant,
        id: String,
        router: RouterKey,
        options: TransportOptions,
        kind: Kind,
        rng: &mut Rng,
    ) -> Self {
        let (ingress, egress) = kind.protection();
        let egress = Egress::new(egress, kind.destination());
        Self {
            id,
            router,
            options,
            kind,
            producers: Vec::new(),
            due: DueProducers::default(),
            consumers: Vec::new(),
            listener: RtpListener::default(),
            recv_ids: RecvExtensionIds::default(),
            consumer_ssrcs: ConsumerSsrcs::default(),
            ingress: Ingress::new(ingress),
            dtls_share: Share::default(),
            share: Share::default(),
            is_proven: false,
            egress,
            limits: Limits::default(),
            rtcp: RtcpSchedule::new(now, rng),
            feedback: PathFeedback::default(),
            reference_time: None,
            resending: Vec::new(),
            changed_scores: Vec::new(),
            touched: false,
        }
    }

    /// `WEBRTCTRANSPORT_CONNECT`: takes the remote's DTLS parameters and answers our role.
    ///
    /// # Errors
    ///
    /// See [`WebRtcTransport::connect`].
    pub(crate) fn connect_web_rtc(
        &mut self,
        now: Instant,
        parameters: &DtlsParameters,
    ) -> Result<DtlsRole, RequestError> {
        self.kind.connect_web_rtc(now, parameters)
    }

    /// `PLAINTRANSPORT_CONNECT`: takes the remote's address and key.
    ///
    /// # Errors
    ///
    /// See [`PlainTransport::connect`].
    pub(crate) fn connect_plain(
        &mut self,
        remote: &PlainConnect,
        rng: &mut Rng,
    ) -> Result<PlainConnected, RequestError> {
        let connection = self.kind.connect_plain(remote, rng)?;
        if let Some((send, receive)) = connection.sessions {
            self.set_keys(send, receive);
        }
        self.egress.set_destination(connection.destination);
        self.due.note_all();
        Ok(connection.answer)
    }

    /// `TRANSPORT_RESTART_ICE`: new credentials.
    ///
    /// # Errors
    ///
    /// `Error` for a kind that speaks no ICE.
    pub(crate) fn restart_ice(
        &mut self,
        now: Instant,
        rng: &mut Rng,
    ) -> Result<IceParameters, RequestError> {
        self.kind.restart_ice(now, rng)
    }

    /// Packets go there from now on.
    pub(crate) fn set_destination(&mut self, destination: Destination) {
        self.egress.set_destination(destination);
        self.due.note_all();
    }

    /// Media is protected with these keys from now on.
    pub(crate) fn set_keys(&mut self, send: SrtpSend, receive: SrtpReceive) {
        self.egress.set_protection(Protection::Keyed(send));
        self.ingress.set_protection(Protection::Keyed(receive));
        self.due.note_all();
    }

    /// The keys are no longer valid. Nothing passes until there are new ones.
    pub(crate) fn forget_keys(&mut self) {
        self.egress.set_protection(Protection::Waiting);
        self.ingress.set_protection(Protection::Waiting);
        self.due.note_all();
    }

    /// Whether the application is its remote, at the other end of the channel.
    pub(crate) fn is_direct(&self) -> bool {
        self.kind.is_direct()
    }

    /// Takes the packets that are for the application.
    pub(crate) fn take_for_application(&mut self) -> ForApplication {
        self.egress.take_for_application()
    }

    /// Whether media can leave.
    pub(crate) fn is_connected(&self) -> bool {
        self.egress.is_connected()
    }

    /// Whether [`Transport::next_event`] has one.
    pub(crate) fn has_events(&self) -> bool {
        self.kind.has_events()
    }

    /// The next change that no request caused. They come in order.
    pub(crate) fn next_event(&mut self) -> Option<TransportEvent> {
        self.kind.next_event()
    }

    /// The next producer whose scores changed.
    pub(crate) fn next_changed_score(&mut self) -> Option<ProducerKey> {
        self.changed_scores.pop()
    }

    /// Enters a producer.
    ///
    /// # Errors
    ///
    /// See [`RtpListener::add`].
    pub(crate) fn add_producer(
        &mut self,
        key: ProducerKey,
        parameters: &RtpParameters,
    ) -> Result<(), RequestError> {
        self.listener.add(key, parameters)?;
        for ssrc in self.listener.ssrcs_of(key) {
            self.ingress.resume(ssrc);
        }
        self.producers.push(key);
        self.recv_ids.learn(&parameters.header_extensions);
        let max_bitrate = self.limits.max_incoming();
        self.feedback
            .negotiate(parameters, self.recv_ids, max_bitrate);
        Ok(())
    }

    pub(crate) fn remove_producer(&mut self, key: ProducerKey) {
        if let Some(at) = self.producers.iter().position(|other| *other == key) {
            self.producers.swap_remove(at);
        }
        self.changed_scores.retain(|other| *other != key);
        self.ingress.retire(self.listener.ssrcs_of(key));
        self.listener.remove(key);
        self.due.remove(key);
    }

    /// Something has happened to one of its producers, which is looked after with the next output.
    pub(crate) fn note_producer(&mut self, key: ProducerKey, producer: &mut Producer) {
        self.due.note(key, producer);
    }

    /// Refuses a consumer whose SSRCs are or were in use, or more than the transport can send.
    pub(crate) fn check_consumer(&self, consume: &Consume) -> Result<(), RequestError> {
        let encodings = &consume.rtp_parameters.encodings;
        let ssrcs = encodings.iter().flat_map(|e| [e.ssrc, e.rtx_ssrc]);
        ssrcs.flatten().try_for_each(|ssrc| self.check_free(ssrc))
    }

    fn check_free(&self, ssrc: Ssrc) -> Result<(), RequestError> {
        let problem = if self.consumer_of(ssrc).is_some() {
            format!("ssrc {ssrc} is already sent by the transport")
        } else {
            match self.egress.check_new(ssrc) {
                Ok(()) => return Ok(()),
                Err(SrtpError::SpentSsrc) => {
                    format!("ssrc {ssrc} is not sent again: the transport sent it before")
                }
                Err(_) => {
                    "the transport has sent as many SSRCs as it may; make a new one".to_owned()
                }
            }
        };
        Err(RequestError::Failed(problem))
    }

    /// Enters a consumer.
    pub(crate) fn add_consumer(&mut self, key: ConsumerKey, consumer: &Consumer) {
        self.consumers.push(key);
        for (outgoing, ssrc, is_rtx) in consumer.ssrcs() {
            self.consumer_ssrcs.insert(ConsumerSsrc {
                ssrc,
                consumer: key,
                outgoing,
                is_rtx,
            });
        }
    }

    pub(crate) fn remove_consumer(&mut self, key: ConsumerKey) {
        if let Some(at) = self.consumers.iter().position(|other| *other == key) {
            self.consumers.swap_remove(at);
        }
        self.resending.retain(|other| *other != key);
        let egress = &mut self.egress;
        self.consumer_ssrcs.remove(key, |ssrc| egress.release(ssrc));
    }

    /// The consumer that sends `ssrc`, and as what.
    pub(crate) fn consumer_of(&self, ssrc: Ssrc) -> Option<ConsumerSsrc> {
        self.consumer_ssrcs.find(ssrc)
    }

    /// All SSRCs that its consumers send, ascending.
    pub(crate) fn consumer_ssrcs(&self) -> impl Iterator<Item = ConsumerSsrc> {
        self.consumer_ssrcs.iter()
    }

    /// How incoming packets find their producers.
    pub(crate) fn listener(&self) -> &RtpListener {
        &self.listener
    }

    /// The ids of the header extensions that it reads itself.
    pub(crate) fn recv_ids(&self) -> RecvExtensionIds {
        self.recv_ids
    }

    /// Sets the most that the publisher may be told to send, in bits per second; 0 is no limit.
    pub(crate) fn set_max_incoming_bitrate(&mut self, bitrate: u64) -> Result<(), RequestError> {
        self.limits.set_max_incoming(bitrate)?;
        self.feedback.set_max_bitrate(self.limits.max_incoming());
        Ok(())
    }

    /// Sets the round trip to the publisher. The graph sets it in the streams.
    pub(crate) fn set_rtt(&mut self, rtt: Duration) {
        self.feedback.set_rtt(rtt);
        self.due.note_all();
    }

    /// The SSRC of its reports and feedback.
    pub(crate) fn rtcp_ssrc(&self) -> Ssrc {
        self.rtcp.ssrc
    }

    /// The peer, under `ssrc`, sent its reference time (RFC 3611 §4.4).
    pub(crate) fn handle_reference_time(&mut self, now: Instant, ssrc: Ssrc, time: NtpTime) {
        self.reference_time = Some((ssrc, time, now));
    }

    /// A consumer has packets to send again.
    pub(crate) fn resend_for(&mut self, consumer: ConsumerKey) {
        if !self.resending.contains(&consumer) {
            self.resending.push(consumer);
        }
    }

    /// When the transport wants to be looked at, for itself or for its producers.
    pub(crate) fn deadline(&self, consumers: &Arena<ConsumerKey, Consumer>) -> Option<Instant> {
        let reports = self.has_to_report(consumers) && self.egress.takes_rtcp();
        let reports = reports.then(|| self.rtcp.deadline());
        self.kind
            .deadline()
            .into_iter()
            .chain(reports)
            .chain(self.feedback.deadline())
            .chain(self.due.deadline())
            .min()
    }

    pub(crate) fn web_rtc_server(&self) -> Option<WebRtcServerKey> {
        self.kind.web_rtc_server()
    }

    pub(crate) fn own_sockets(&self) -> &[ListenSocket] {
        self.kind.own_sockets()
    }

    /// The paths that lead to it.
    pub(crate) fn paths(&self) -> impl Iterator<Item = Path> {
        self.kind.paths()
    }

    /// The local username fragments by which STUN finds it.
    pub(crate) fn username_fragments(&self) -> impl Iterator<Item = &str> {
        self.kind.username_fragments()
    }

    /// The TCP connections that end with the transport.
    pub(crate) fn tcp_paths(&self) -> Vec<Path> {
        self.paths()
            .filter(|path| path.protocol == Protocol::Tcp)
            .collect()
    }

    /// Tells the peer that the transport closes.
    pub(crate) fn say_goodbye(&mut self, now: Instant, output: &mut Output) {
        self.kind.close(now, output);
    }

    /// The counts of what it received and dropped.
    pub(crate) fn received(&self) -> &ReceivedCounters {
        &self.ingress.received
    }

    /// The counts of what it sent and could not send.
    pub(crate) fn sent(&self) -> &SentCounters {
        &self.egress.sent
    }

    /// What ICE and DTLS dropped, where they are spoken.
    pub(crate) fn connectivity_counters(&self) -> Option<(&IceCounters, &DtlsCounters)> {
        self.kind.counters()
    }

    /// The kind, which makes up the dump.
    pub(crate) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The answer to `TRANSPORT_GET_STATS`. The graph passes the losses, as fractions of 1.
    pub(crate) fn stats(
        &self,
        now: Instant,
        loss_received: Option<f64>,
        loss_sent: Option<f64>,
    ) -> ResponseBody {
        let (received, sent) = (&self.ingress.received, &self.egress.sent);
        let bitrate = |traffic: &Traffic| traffic.rate.bitrate(now);
        self.kind.stats(TransportStats {
            transport_id: self.id.clone(),
            timestamp: now.as_millis(),
            bytes_received: received.all.bytes,
            recv_bitrate: bitrate(&received.all),
            bytes_sent: sent.all.bytes,
            send_bitrate: bitrate(&sent.all),
            rtp_bytes_received: received.rtp.bytes,
            rtp_recv_bitrate: bitrate(&received.rtp),
            rtp_bytes_sent: sent.rtp.bytes,
            rtp_send_bitrate: bitrate(&sent.rtp),
            rtx_bytes_received: received.rtx.bytes,
            rtx_recv_bitrate: bitrate(&received.rtx),
            rtx_bytes_sent: sent.rtx.bytes,
            rtx_send_bitrate: bitrate(&sent.rtx),
            available_incoming_bitrate: self.feedback.estimate(),
            max_incoming_bitrate: self.limits.max_incoming(),
            rtp_packet_loss_received: loss_received,
            rtp_packet_loss_sent: loss_sent,
        })
    }
}

#[cfg(test)]
mod tests;
