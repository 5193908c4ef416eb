//! A client on the other end of a WebRtcTransport, and what has arrived at it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tureen_controller::{Consumer, WebRtcTransport};
use tureen_peer::demo::DemoPublisher;
use tureen_peer::receiver::{
    Payload, PayloadKind, Receiver, ReceiverConfig, RtxSource, StreamStats, Vp8Frame,
};
use tureen_peer::rtcp::{RtcpPacket, parse_compound};
use tureen_peer::rtp::{PayloadType, RtpPacket, Ssrc};
use tureen_peer::{
    Incoming, LocalAddresses, Peer, PeerConfig, PeerError, PeerSender, PeerState, PeerTransport,
    RemoteParameters, SrtpProfile,
};

use crate::signaling::{self, dtls_parameters};
use crate::within;

/// A connected client.
pub(crate) struct Endpoint {
    pub(crate) transport: WebRtcTransport,
    pub(crate) sender: PeerSender,
    pub(crate) profile: SrtpProfile,
    state: watch::Receiver<PeerState>,
    inbox: watch::Receiver<Inbox>,
    commands: mpsc::Sender<Command>,
    task: JoinHandle<()>,
}

enum Command {
    Play(Arc<DemoPublisher>),
    Receive(ReceiverConfig, oneshot::Sender<()>),
    RestartIce(RemoteParameters, oneshot::Sender<Result<(), PeerError>>),
    Close,
}

impl Endpoint {
    /// Connects a client that offers `profiles` to `transport`.
    pub(crate) async fn connect(transport: WebRtcTransport, profiles: &[SrtpProfile]) -> Self {
        let peer = new_peer(profiles).await;
        let remote = remote_parameters(&transport);
        Self::connect_over(transport, peer, remote).await
    }

    /// The same with a client that is told `remote`.
    pub(crate) async fn connect_over(
        transport: WebRtcTransport,
        peer: Peer,
        remote: RemoteParameters,
    ) -> Self {
        transport
            .connect(&dtls_parameters(peer.local()))
            .await
            .unwrap();
        let peer = within("connecting", peer.connect(remote)).await.unwrap();
        let (inbox_tx, inbox) = watch::channel(Inbox::new());
        let (commands, commands_rx) = mpsc::channel(8);
        Self {
            transport,
            sender: peer.sender(),
            profile: peer.srtp_profile(),
            state: peer.state(),
            inbox,
            commands,
            task: tokio::spawn(run(peer, inbox_tx, commands_rx)),
        }
    }

    /// Passes the RTCP that arrives to `demo`.
    pub(crate) async fn play(&self, demo: Arc<DemoPublisher>) {
        self.command(Command::Play(demo)).await;
    }

    /// Receives what `consumers` send, and forgets everything that came before.
    pub(crate) async fn receive(&self, consumers: &[&Consumer]) {
        let (done, ready) = oneshot::channel();
        let config = receiver_config(consumers);
        self.command(Command::Receive(config, done)).await;
        within("readiness", ready).await.unwrap();
    }

    /// Restarts ICE with the transport's new credentials: new sockets, new ports.
    pub(crate) async fn restart_ice(&self) {
        let (done, restarted) = oneshot::channel();
        let remote = remote_parameters(&self.transport);
        self.command(Command::RestartIce(remote, done)).await;
        within("an ICE restart", restarted).await.unwrap().unwrap();
    }

    /// Waits until what has arrived satisfies `enough`.
    pub(crate) async fn until(&self, what: &str, enough: impl Fn(&Inbox) -> bool) {
        let mut inbox = self.inbox.clone();
        let waited = tokio::time::timeout(crate::DEADLINE, inbox.wait_for(|inbox| enough(inbox)));
        match waited.await {
            Ok(arrived) => drop(arrived.unwrap()),
            Err(_) => panic!("did not arrive: {what}; {}", self.inbox.borrow().summary()),
        }
    }

    /// What has arrived so far.
    pub(crate) fn inbox(&self) -> watch::Ref<'_, Inbox> {
        self.inbox.borrow()
    }

    /// Waits until the client stands where `wanted` says.
    pub(crate) async fn until_state(&self, wanted: &PeerState) {
        let mut state = self.state.clone();
        within(
            &format!("{wanted:?}"),
            state.wait_for(|state| state == wanted),
        )
        .await
        .unwrap();
    }

    /// Leaves: closes DTLS and the sockets, and waits for that.
    pub(crate) async fn leave(self) {
        self.command(Command::Close).await;
        within("leaving", self.task).await.unwrap();
    }

    async fn command(&self, command: Command) {
        // A client that the other side has closed accepts none any more.
        let _ = self.commands.send(command).await;
    }
}

/// What has arrived at a client.
pub(crate) struct Inbox {
    start: Instant,
    receiver: Receiver,
    /// RTP packets with their times.
    pub(crate) rtp: Vec<(Duration, Bytes)>,
    /// Packets of the compounds, with their times.
    pub(crate) rtcp: Vec<(Duration, RtcpPacket)>,
    /// Whole VP8 frames.
    pub(crate) frames: Vec<Vp8Frame>,
}

impl Inbox {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            receiver: Receiver::new(receiver_config(&[])),
            rtp: Vec::new(),
            rtcp: Vec::new(),
            frames: Vec::new(),
        }
    }

    /// Time since the client is connected.
    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn stats(&self, ssrc: Ssrc) -> StreamStats {
        self.receiver.stats(ssrc).unwrap_or_default()
    }

    /// Packets of one stream.
    pub(crate) fn packets(&self, ssrc: Ssrc) -> impl Iterator<Item = RtpPacket<'_>> {
        self.rtp
            .iter()
            .map(|(_, packet)| RtpPacket::parse(packet).unwrap())
            .filter(move |packet| packet.ssrc() == ssrc)
    }

    fn take(&mut self, incoming: Incoming) -> Option<Bytes> {
        let now = self.now();
        match incoming {
            Incoming::Rtp(packet) => {
                let frame = self.receiver.handle_rtp(now, &packet).unwrap();
                self.frames.extend(frame);
                self.rtp.push((now, packet));
                None
            }
            Incoming::Rtcp(compound) => {
                self.receiver.handle_rtcp(now, &compound).unwrap();
                let packets = parse_compound(&compound).unwrap();
                self.rtcp
                    .extend(packets.into_iter().map(|packet| (now, packet)));
                Some(compound)
            }
        }
    }

    fn summary(&self) -> String {
        let streams: Vec<_> = self
            .receiver
            .ssrcs()
            .map(|ssrc| (ssrc, self.stats(ssrc)))
            .collect();
        format!(
            "{} RTP, {} RTCP packets, {} frames; {streams:?}",
            self.rtp.len(),
            self.rtcp.len(),
            self.frames.len()
        )
    }
}

/// Files what arrives and reports each second, until told to close.
async fn run(
    mut peer: PeerTransport,
    inbox: watch::Sender<Inbox>,
    mut commands: mpsc::Receiver<Command>,
) {
    let sender = peer.sender();
    let mut demo: Option<Arc<DemoPublisher>> = None;
    let mut is_receiving = false;
    loop {
        let next_report = {
            let inbox = inbox.borrow();
            inbox.start + inbox.receiver.poll_timeout()
        };
        tokio::select! {
            incoming = peer.recv() => {
                let Some(incoming) = incoming else { return };
                let mut compound = None;
                inbox.send_modify(|inbox| compound = inbox.take(incoming));
                if let (Some(demo), Some(compound)) = (&demo, compound) {
                    demo.handle_rtcp(compound);
                }
            }
            () = sleep_until(next_report), if is_receiving => {
                let mut due = Vec::new();
                inbox.send_modify(|inbox| {
                    let now = inbox.now();
                    due = inbox.receiver.handle_timeout(now);
                });
                for compound in due {
                    // The transport may have been closed meanwhile.
                    let _ = sender.send_rtcp(&compound).await;
                }
            }
            command = commands.recv() => match command {
                Some(Command::Play(source)) => demo = Some(source),
                Some(Command::Receive(config, done)) => {
                    is_receiving = true;
                    inbox.send_modify(|inbox| {
                        *inbox = Inbox { receiver: Receiver::new(config), ..Inbox::new() };
                    });
                    let _ = done.send(());
                }
                Some(Command::RestartIce(remote, done)) => {
                    let _ = done.send(peer.restart_ice(remote).await);
                }
                Some(Command::Close) | None => {
                    peer.close().await;
                    return;
                }
            },
        }
    }
}

/// A client on loopback that is not connected.
pub(crate) async fn new_peer(profiles: &[SrtpProfile]) -> Peer {
    new_peer_with_patience(profiles, crate::DEADLINE).await
}

/// A client that gives up after `patience`.
pub(crate) async fn new_peer_with_patience(profiles: &[SrtpProfile], patience: Duration) -> Peer {
    Peer::new(PeerConfig {
        addresses: LocalAddresses::Loopback,
        srtp_profiles: profiles.to_vec(),
        step_deadline: patience,
        ..PeerConfig::default()
    })
    .await
    .unwrap()
}

/// What signaling tells a client of a transport.
pub(crate) fn remote_parameters(transport: &WebRtcTransport) -> RemoteParameters {
    signaling::remote_parameters(
        transport.ice_parameters(),
        transport.ice_candidates(),
        &transport.dtls_parameters(),
    )
}

fn receiver_config(consumers: &[&Consumer]) -> ReceiverConfig {
    let mut config = ReceiverConfig {
        ssrc: Ssrc(1),
        payloads: Vec::new(),
        rtx: Vec::new(),
        transport_cc: None,
    };
    for consumer in consumers {
        let parameters = consumer.rtp_parameters();
        let codec = &parameters.codecs[0];
        let payload_type = PayloadType(codec.payload_type.get());
        let kind = match codec.mime_type.as_str() {
            "video/VP8" => PayloadKind::Vp8,
            _ => PayloadKind::Other {
                clock_rate: codec.clock_rate,
            },
        };
        config.payloads.push(Payload { payload_type, kind });
        let encoding = &parameters.encodings[0];
        if let (Some(media), Some(rtx)) = (encoding.ssrc, &encoding.rtx) {
            config.rtx.push(RtxSource {
                ssrc: Ssrc(rtx.ssrc.0),
                media_ssrc: Ssrc(media.0),
                media_payload_type: payload_type,
            });
        }
        let mut extensions = parameters.header_extensions.iter();
        let transport_cc = extensions.find(|one| one.uri.as_str() == TRANSPORT_CC);
        config.transport_cc = transport_cc.map(|one| one.id).or(config.transport_cc);
    }
    config
}

pub(crate) const TRANSPORT_CC: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
