//! Receives everything that the room publishes and counts it, without decoding.

mod negotiation;
mod track;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tureen_peer::rtp::{RtpPacket, Ssrc};
use tureen_peer::{Incoming, LocalParameters, Peer, PeerConfig, PeerTransport, random_u32};

use self::track::Watched;
use super::JoinError;
use super::description::Description;
use super::messages::{Done, Offer};
use super::room::Room;
use super::run::{ended, say};
use super::signaling::Signaling;

/// The connection on which tracks arrive.
pub(super) struct Watching {
    local: LocalParameters,
    /// Until the server's first offer says whom to connect to.
    peer: Option<Peer>,
    /// From then on.
    transport: Option<PeerTransport>,
    start: Instant,
    /// Whom feedback comes from.
    ssrc: Ssrc,
    /// By the SSRC of their streams.
    tracks: BTreeMap<Ssrc, Watched>,
    /// Retransmission streams and what they repeat.
    retransmissions: BTreeMap<Ssrc, Ssrc>,
    feedback: Interval,
    reports: Interval,
}

impl Watching {
    /// Tells the server what can be received; its offers follow.
    pub(super) async fn start(signaling: &mut Signaling) -> Result<Self, JoinError> {
        let peer = Peer::new(PeerConfig::default()).await?;
        let local = peer.local().clone();
        let capabilities = json!({ "sdp": negotiation::capabilities(&local) });
        let Done {} = signaling.request("receive", capabilities).await?;
        Ok(Self {
            local,
            peer: Some(peer),
            transport: None,
            start: Instant::now(),
            ssrc: Ssrc(random_u32()),
            tracks: BTreeMap::new(),
            retransmissions: BTreeMap::new(),
            feedback: ticks(FEEDBACK_INTERVAL),
            reports: ticks(REPORT_INTERVAL),
        })
    }

    /// Takes an offer and answers it; the first one also connects.
    pub(super) async fn offer(
        &mut self,
        offer: &Offer,
        room: &Room,
        signaling: &mut Signaling,
    ) -> Result<(), JoinError> {
        let description = Description::parse(&offer.sdp)?;
        self.follow(&description, offer, room);
        let answer = negotiation::answer(&self.local, &description);
        let answer = json!({ "offer": offer.offer, "sdp": answer });
        let Done {} = signaling.request("answer", answer).await?;
        if let Some(peer) = self.peer.take() {
            let transport = peer.connect(description.transport()?).await?;
            say(&format!("Connected ({}).", transport.srtp_profile()));
            self.transport = Some(transport);
        }
        Ok(())
    }

    /// Counts, and prints what it has counted, until the connection ends. Dropping the future
    /// loses nothing but the feedback that is being sent.
    pub(super) async fn run(&mut self) -> JoinError {
        loop {
            let incoming = async {
                match &mut self.transport {
                    Some(transport) => match transport.recv().await {
                        Some(incoming) => Ok(incoming),
                        None => Err(ended(transport).await),
                    },
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                incoming = incoming => match incoming {
                    Ok(incoming) => self.count(&incoming),
                    Err(error) => return error,
                },
                _ = self.feedback.tick() => self.send_feedback().await,
                _ = self.reports.tick() => self.report(),
            }
        }
    }

    /// Prints what has arrived of each track.
    pub(super) fn report(&mut self) {
        let now = self.start.elapsed();
        for track in self.tracks.values_mut() {
            say(&track.report(now));
        }
    }

    /// Ends the connection.
    pub(super) async fn stop(self) {
        if let Some(transport) = self.transport {
            transport.close().await;
        }
    }

    /// The tracks that the offer names are received, and no others.
    fn follow(&mut self, description: &Description, offer: &Offer, room: &Room) {
        let now = self.start.elapsed();
        let mut tracks = BTreeMap::new();
        self.retransmissions.clear();
        for named in &offer.tracks {
            let Some(section) = description.section(&named.mid) else {
                continue;
            };
            let Some((ssrc, rtx)) = section.sources() else {
                continue;
            };
            let track = self.tracks.remove(&ssrc).or_else(|| {
                let name = room.track_name(&named.track);
                Watched::new(name, section, self.ssrc, now)
            });
            tracks.extend(track.map(|track| (ssrc, track)));
            self.retransmissions.extend(rtx.map(|rtx| (rtx, ssrc)));
        }
        self.tracks = tracks;
    }

    fn count(&mut self, incoming: &Incoming) {
        let now = self.start.elapsed();
        match incoming {
            Incoming::Rtp(packet) => {
                let Ok(parsed) = RtpPacket::parse(packet) else {
                    return;
                };
                let ssrc = parsed.ssrc();
                let media = self.retransmissions.get(&ssrc).copied().unwrap_or(ssrc);
                // A track that has ended may have packets on their way.
                if let Some(track) = self.tracks.get_mut(&media) {
                    track.handle_rtp(now, packet);
                }
            }
            Incoming::Rtcp(compound) => {
                for track in self.tracks.values_mut() {
                    track.handle_rtcp(now, compound);
                }
            }
        }
    }

    async fn send_feedback(&mut self) {
        let Some(transport) = &self.transport else {
            return;
        };
        let sender = transport.sender();
        let now = self.start.elapsed();
        for track in self.tracks.values_mut() {
            for compound in track.feedback(now) {
                if let Err(error) = sender.send_rtcp(&compound).await {
                    tracing::debug!(%error, "feedback was not sent");
                }
            }
        }
    }
}

/// Ticks of which the first comes after a period.
fn ticks(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    ticks
}

const FEEDBACK_INTERVAL: Duration = Duration::from_millis(100);
const REPORT_INTERVAL: Duration = Duration::from_secs(3);
