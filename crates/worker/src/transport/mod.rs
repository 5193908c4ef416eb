//! A transport: one peer's packets in and out. What all kinds share is here; what a kind does by
//! itself (ICE and DTLS for WebRTC) is in its own module.
//!
//! A packet comes in through [`ingress`] and leaves through [`egress`]: there is no other way.
//! Nothing here knows routers or other transports; what concerns them is returned as an event.

mod egress;
mod feedback;
mod ingress;
mod limits;
mod listen;
mod rtcp;
mod rtp_listener;
mod webrtc;

pub(crate) use egress::{Egress, RtpToSend, Sent, Traffic};
pub(crate) use feedback::PathFeedback;
pub(crate) use ingress::{Incoming, Ingress};
pub(crate) use limits::Limits;
pub(crate) use listen::{ListenSocket, open};
pub(crate) use rtcp::RtcpSchedule;
pub(crate) use rtp_listener::RtpListener;
pub(crate) use webrtc::{DtlsStep, Sockets, TransportEvent, WebRtcTransport};

use crate::error::RequestError;
use crate::ids::{ConsumerKey, ProducerKey, RouterKey, Ssrc, WebRtcServerKey};
use crate::messages::{Consume, CreateWebRtcTransport, TransportOptions, TransportStats};
use crate::output::{Output, Path, Protocol};
use crate::params::RtpParameters;
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::extension_ids::RecvExtensionIds;

/// A transport of a router. Which producers and consumers it has is kept as keys.
pub(crate) struct Transport {
    pub(crate) id: String,
    pub(crate) router: RouterKey,
    pub(crate) options: TransportOptions,
    pub(crate) web_rtc: WebRtcTransport,
    /// In the order of creation; removal swaps the last into the hole.
    pub(crate) producers: Vec<ProducerKey>,
    /// In the order of creation; removal swaps the last into the hole.
    pub(crate) consumers: Vec<ConsumerKey>,
    pub(crate) listener: RtpListener,
    pub(crate) recv_ids: RecvExtensionIds,
    /// Sorted by SSRC.
    consumer_ssrcs: Vec<ConsumerSsrc>,
    /// SSRCs of consumers that are gone, sorted. Sent again under the same key, their packet indices
    /// would start over and repeat nonces (RFC 7714 §8.1). Eight bytes for each consumer that the
    /// transport ever had; peers have no say in it.
    retired_ssrcs: Vec<Ssrc>,
    pub(crate) ingress: Ingress,
    pub(crate) egress: Egress,
    pub(crate) limits: Limits,
    pub(crate) rtcp: RtcpSchedule,
    pub(crate) feedback: PathFeedback,
    /// Consumers that owe retransmissions, each once.
    pub(crate) resending: Vec<ConsumerKey>,
    /// Whether it waits in the worker's list of transports to look at.
    pub(crate) touched: bool,
}

/// An SSRC that a transport sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConsumerSsrc {
    pub(crate) ssrc: Ssrc,
    pub(crate) consumer: ConsumerKey,
    pub(crate) is_rtx: bool,
}

impl Transport {
    pub(crate) fn new(
        now: Instant,
        router: RouterKey,
        create: &CreateWebRtcTransport,
        web_rtc: WebRtcTransport,
        rng: &mut Rng,
    ) -> Self {
        Self {
            id: create.transport_id.clone(),
            router,
            options: create.base.clone(),
            web_rtc,
            producers: Vec::new(),
            consumers: Vec::new(),
            listener: RtpListener::default(),
            recv_ids: RecvExtensionIds::default(),
            consumer_ssrcs: Vec::new(),
            retired_ssrcs: Vec::new(),
            ingress: Ingress::default(),
            egress: Egress::new(),
            limits: Limits::default(),
            rtcp: RtcpSchedule::new(now, rng),
            feedback: PathFeedback::default(),
            resending: Vec::new(),
            touched: false,
        }
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

    /// Sets the most that the publisher may be told to send, in bits per second; 0 is no limit.
    pub(crate) fn set_max_incoming_bitrate(&mut self, bitrate: u64) -> Result<(), RequestError> {
        self.limits.set_max_incoming(bitrate)?;
        self.feedback.set_max_bitrate(self.limits.max_incoming());
        Ok(())
    }

    /// A consumer owes retransmissions.
    pub(crate) fn resend_for(&mut self, consumer: ConsumerKey) {
        if !self.resending.contains(&consumer) {
            self.resending.push(consumer);
        }
    }

    /// The index of the next consumer that reports in this interval; `None` when all have.
    pub(crate) fn next_to_report(&self) -> Option<usize> {
        Some(self.rtcp.reported()).filter(|next| *next < self.consumers.len())
    }

    /// When the transport itself wants to be looked at.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let reports = self.egress.is_connected().then(|| self.rtcp.deadline());
        let has_streams = !self.producers.is_empty() || !self.consumers.is_empty();
        self.web_rtc
            .deadline()
            .into_iter()
            .chain(reports.filter(|_| has_streams))
            .chain(self.feedback.deadline())
            .min()
    }

    /// Sends what DTLS has to say; `false` when the output is full.
    pub(crate) fn poll_dtls(&mut self, now: Instant, output: &mut Output) -> bool {
        loop {
            let Some(slot) = output.slot() else {
                return false;
            };
            match self.web_rtc.poll_dtls(now, slot) {
                DtlsStep::Datagram(path, len) => {
                    output.commit(path, len);
                    self.egress.count_control(now, len);
                }
                DtlsStep::Dropped => {}
                DtlsStep::Idle => return true,
            }
        }
    }

    /// A packet with a new SSRC was taken by a producer.
    pub(crate) fn learn_ssrc(&mut self, ssrc: Ssrc, producer: ProducerKey) {
        if self.listener.learn(ssrc, producer) {
            self.ingress.resume(ssrc);
        }
    }

    pub(crate) fn remove_producer(&mut self, key: ProducerKey) {
        if let Some(at) = self.producers.iter().position(|other| *other == key) {
            self.producers.swap_remove(at);
        }
        self.ingress.retire(self.listener.ssrcs_of(key));
        self.listener.remove(key);
    }

    /// Refuses a consumer whose SSRCs are in use, or were before.
    pub(crate) fn check_consumer(&self, consume: &Consume) -> Result<(), RequestError> {
        let encodings = &consume.rtp_parameters.encodings;
        for ssrc in encodings
            .iter()
            .flat_map(|e| [e.ssrc, e.rtx_ssrc])
            .flatten()
        {
            if self.consumer_of(ssrc).is_some() {
                let problem = format!("ssrc {ssrc} is already sent by the transport");
                return Err(RequestError::Failed(problem));
            }
            if self.retired_ssrcs.binary_search(&ssrc).is_ok() {
                let problem = format!("ssrc {ssrc} was sent by the transport before");
                return Err(RequestError::Failed(problem));
            }
        }
        Ok(())
    }

    pub(crate) fn add_consumer(
        &mut self,
        key: ConsumerKey,
        ssrcs: impl Iterator<Item = (Ssrc, bool)>,
    ) {
        self.consumers.push(key);
        for (ssrc, is_rtx) in ssrcs {
            let at = self
                .consumer_ssrcs
                .partition_point(|entry| entry.ssrc < ssrc);
            self.consumer_ssrcs.insert(
                at,
                ConsumerSsrc {
                    ssrc,
                    consumer: key,
                    is_rtx,
                },
            );
        }
    }

    pub(crate) fn remove_consumer(
        &mut self,
        key: ConsumerKey,
        ssrcs: impl Iterator<Item = (Ssrc, bool)>,
    ) {
        if let Some(at) = self.consumers.iter().position(|other| *other == key) {
            self.consumers.swap_remove(at);
        }
        self.consumer_ssrcs.retain(|entry| entry.consumer != key);
        self.resending.retain(|other| *other != key);
        for (ssrc, _) in ssrcs {
            self.egress.release(ssrc);
            if let Err(at) = self.retired_ssrcs.binary_search(&ssrc) {
                self.retired_ssrcs.insert(at, ssrc);
            }
        }
    }

    /// The consumer that sends `ssrc`, and whether that is its RTX stream.
    pub(crate) fn consumer_of(&self, ssrc: Ssrc) -> Option<ConsumerSsrc> {
        let at = self
            .consumer_ssrcs
            .binary_search_by_key(&ssrc, |entry| entry.ssrc)
            .ok()?;
        Some(self.consumer_ssrcs[at])
    }

    pub(crate) fn consumer_ssrcs(&self) -> impl Iterator<Item = ConsumerSsrc> {
        self.consumer_ssrcs.iter().copied()
    }

    pub(crate) fn web_rtc_server(&self) -> Option<WebRtcServerKey> {
        self.web_rtc.server()
    }

    pub(crate) fn own_sockets(&self) -> &[ListenSocket] {
        self.web_rtc.own_sockets()
    }

    /// The TCP connections that end with the transport.
    pub(crate) fn tcp_paths(&self) -> Vec<Path> {
        self.web_rtc
            .paths()
            .filter(|path| path.protocol == Protocol::Tcp)
            .collect()
    }

    /// Tells the DTLS peer that the session ends.
    pub(crate) fn say_goodbye(&mut self, now: Instant, output: &mut Output) {
        self.web_rtc.close(now, output);
    }

    /// What the transport counts; losses are the graph's to add.
    pub(crate) fn stats(&self, now: Instant) -> TransportStats {
        let (received, sent) = (&self.ingress.received, &self.egress.sent);
        let bitrate = |traffic: &Traffic| traffic.rate.bitrate(now);
        TransportStats {
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
            ..TransportStats::default()
        }
    }
}
