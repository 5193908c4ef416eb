//! A connected transport: its tasks, its state and its end.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::{JoinHandle, JoinSet},
};
use webrtc_dtls::conn::DTLSConn;
use webrtc_ice::state::ConnectionState;

use super::{
    counters::{Counters, PeerCounters},
    ice::IceAgent,
    receive::Incoming,
    sender::PeerSender,
};
use crate::{
    error::PeerError,
    params::{RemoteParameters, SrtpProfile},
};

/// Where a peer stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerState {
    /// Candidates are gathered; `connect` has not been called.
    New,
    /// ICE looks for a pair.
    IceChecking,
    /// ICE has a pair, DTLS is under way.
    DtlsHandshake,
    /// Packets flow.
    Connected,
    /// The other side has been silent for five seconds; it may come back.
    Disconnected,
    /// Over, and why.
    Closed(CloseReason),
}

/// What ended a transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloseReason {
    /// [`PeerTransport::close`], or its drop.
    Local,
    /// The other side ended the DTLS session, by a close_notify or a fatal alert.
    Remote,
    /// The other side stopped answering consent checks (RFC 7675).
    IceFailed,
    /// `connect` failed, with this error.
    Failed(String),
}

/// A connected peer.
///
/// Dropping it closes it in the background: a DTLS close_notify is sent, tasks end, sockets close.
/// [`PeerTransport::close`] does the same and waits.
pub struct PeerTransport {
    profile: SrtpProfile,
    sender: PeerSender,
    incoming: mpsc::Receiver<Incoming>,
    state: watch::Receiver<PeerState>,
    counters: Arc<Counters>,
    restarts: mpsc::Sender<IceRestart>,
    /// Dropped to make the driver end.
    stop: oneshot::Sender<()>,
    driver: JoinHandle<()>,
}

/// A request to the driver, which has the agent.
struct IceRestart {
    remote: RemoteParameters,
    done: oneshot::Sender<Result<(), PeerError>>,
}

/// What a completed handshake leaves to the driver.
pub(super) struct Connected {
    pub(super) ice: IceAgent,
    pub(super) dtls: DTLSConn,
    pub(super) profile: SrtpProfile,
    pub(super) sender: PeerSender,
    pub(super) incoming: mpsc::Receiver<Incoming>,
    pub(super) counters: Arc<Counters>,
    pub(super) tasks: JoinSet<()>,
    pub(super) state: watch::Sender<PeerState>,
    pub(super) step_deadline: Duration,
}

impl PeerTransport {
    pub(super) fn start(connected: Connected) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (restarts, restarts_rx) = mpsc::channel(1);
        connected.state.send_replace(PeerState::Connected);
        let state = connected.state.subscribe();
        let driver = Driver {
            ice: connected.ice,
            dtls: Arc::new(connected.dtls),
            sender: connected.sender.clone(),
            tasks: connected.tasks,
            state: connected.state,
            step_deadline: connected.step_deadline,
        };
        Self {
            profile: connected.profile,
            sender: connected.sender,
            incoming: connected.incoming,
            state,
            counters: connected.counters,
            restarts,
            stop,
            driver: tokio::spawn(driver.run(stopped, restarts_rx)),
        }
    }

    /// The SRTP profile that the handshake agreed on.
    pub fn srtp_profile(&self) -> SrtpProfile {
        self.profile
    }

    /// A handle that sends.
    pub fn sender(&self) -> PeerSender {
        self.sender.clone()
    }

    /// The next decrypted packet; `None` once the transport is closed and everything was read.
    pub async fn recv(&mut self) -> Option<Incoming> {
        self.incoming.recv().await
    }

    /// The state and its changes.
    pub fn state(&self) -> watch::Receiver<PeerState> {
        self.state.clone()
    }

    /// What became of the datagrams so far.
    pub fn counters(&self) -> PeerCounters {
        self.counters.snapshot()
    }

    /// Restarts ICE (RFC 8445 §9) with the other side's new credentials and its candidates: the
    /// peer takes new sockets and credentials of its own, which an ICE-lite side learns from the
    /// checks. DTLS and SRTP go on; packets are lost until the new path is found.
    ///
    /// # Errors
    /// [`PeerError::IceTimeout`] when no path is found within the step deadline of the
    /// configuration, and what the agent refuses.
    pub async fn restart_ice(&self, remote: RemoteParameters) -> Result<(), PeerError> {
        let (done, restarted) = oneshot::channel();
        let closed = |_| PeerError::Ice(webrtc_ice::Error::ErrClosed);
        let request = IceRestart { remote, done };
        self.restarts.send(request).await.map_err(|_| closed(()))?;
        restarted.await.map_err(|_| closed(()))?
    }

    /// Sends a close_notify, stops every task, closes the sockets, and returns when that is done.
    pub async fn close(self) {
        drop(self.stop);
        if let Err(error) = self.driver.await {
            tracing::warn!(%error, "the driver of a peer transport did not end cleanly");
        }
    }
}

struct Driver {
    ice: IceAgent,
    dtls: Arc<DTLSConn>,
    sender: PeerSender,
    tasks: JoinSet<()>,
    state: watch::Sender<PeerState>,
    step_deadline: Duration,
}

impl Driver {
    async fn run(
        mut self,
        stopped: oneshot::Receiver<()>,
        mut restarts: mpsc::Receiver<IceRestart>,
    ) {
        let (remote_close_tx, remote_close) = oneshot::channel();
        self.tasks.spawn(drain_application_data(
            Arc::clone(&self.dtls),
            remote_close_tx,
        ));
        let restart = async {
            while let Some(IceRestart { remote, done }) = restarts.recv().await {
                // If the future was dropped, nobody waits for the answer.
                let _ = done.send(self.ice.restart(&remote, self.step_deadline).await);
            }
        };
        let reason = tokio::select! {
            biased;
            _ = stopped => CloseReason::Local,
            // Ends with the transport's handle.
            () = restart => CloseReason::Local,
            _ = remote_close => CloseReason::Remote,
            () = follow_ice(self.ice.state(), &self.state) => CloseReason::IceFailed,
        };
        self.end(reason).await;
    }

    async fn end(self, reason: CloseReason) {
        let closing = tokio::time::timeout(CLOSE_NOTIFY_DEADLINE, self.dtls.close()).await;
        if !matches!(closing, Ok(Ok(()))) {
            tracing::debug!(?reason, "no close_notify could be sent");
        }
        let Self {
            ice,
            dtls,
            sender,
            mut tasks,
            state,
            ..
        } = self;
        sender.close();
        tasks.shutdown().await;
        drop(dtls);
        ice.close().await;
        state.send_replace(PeerState::Closed(reason));
    }
}

/// Reads and drops application data, because the crate's reader blocks when its queue of one record
/// is full. It ends when the other side ends the session, and says so by dropping `_closed`.
async fn drain_application_data(dtls: Arc<DTLSConn>, _closed: oneshot::Sender<()>) {
    let mut buf = vec![0; MAX_RECORD];
    loop {
        match dtls.read(&mut buf, None).await {
            Ok(_) | Err(webrtc_dtls::Error::ErrBufferTooSmall) => {}
            Err(_) => return,
        }
    }
}

/// Returns when the agent has failed.
async fn follow_ice(mut ice: watch::Receiver<ConnectionState>, state: &watch::Sender<PeerState>) {
    loop {
        let current = *ice.borrow_and_update();
        match current {
            ConnectionState::Failed | ConnectionState::Closed => return,
            ConnectionState::Disconnected => {
                state.send_replace(PeerState::Disconnected);
            }
            ConnectionState::Connected | ConnectionState::Completed => {
                state.send_if_modified(|state| {
                    let returns = *state == PeerState::Disconnected;
                    if returns {
                        *state = PeerState::Connected;
                    }
                    returns
                });
            }
            _ => {}
        }
        if ice.changed().await.is_err() {
            return;
        }
    }
}

const CLOSE_NOTIFY_DEADLINE: Duration = Duration::from_secs(1);
/// 2^14 octets (RFC 6347 §4.1).
const MAX_RECORD: usize = 16384;
