//! A peer before it is connected: it gathers candidates and then connects.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use super::{
    counters::Counters,
    driver::{Connected, PeerState, PeerTransport},
    dtls::{self, LocalCertificate},
    dtls_path::DtlsPath,
    ice::{IceAgent, IceRole, LocalAddresses},
    receive::{InboundKeys, Receiver},
    sender::PeerSender,
    srtp::{SrtpInbound, SrtpOutbound},
};
use crate::{
    error::PeerError,
    params::{LocalParameters, RemoteParameters, SrtpProfile},
};

/// How a [`Peer`] connects.
#[derive(Debug, Clone)]
pub struct PeerConfig {
    /// Addresses to gather candidates on; all by default.
    pub addresses: LocalAddresses,
    /// Controlling by default, which an ICE-lite server needs.
    pub ice_role: IceRole,
    /// Profiles to offer, the preferred first; by default [`SrtpProfile::ALL`]. As DTLS server the
    /// peer takes the first profile of the *other* side that is among these.
    pub srtp_profiles: Vec<SrtpProfile>,
    /// How long ICE may take, and then again DTLS; 15 seconds by default.
    pub step_deadline: Duration,
    /// Decrypted packets that may wait to be read before further ones are dropped; 4096 by default,
    /// at least 1.
    pub incoming_queue: usize,
}

impl Default for PeerConfig {
    fn default() -> Self {
        Self {
            addresses: LocalAddresses::All,
            ice_role: IceRole::Controlling,
            srtp_profiles: SrtpProfile::ALL.to_vec(),
            step_deadline: Duration::from_secs(15),
            incoming_queue: 4096,
        }
    }
}

/// A WebRTC endpoint that has sockets and a certificate but no connection yet.
///
/// Dropping it, or the future of [`Peer::connect`], closes its sockets.
pub struct Peer {
    config: PeerConfig,
    ice: IceAgent,
    certificate: LocalCertificate,
    local: LocalParameters,
    state: watch::Sender<PeerState>,
}

impl Peer {
    /// Gathers candidates and makes a certificate; needs a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// No SRTP profile in the configuration, no address to bind, or a refusal of the ICE or DTLS
    /// crate.
    pub async fn new(config: PeerConfig) -> Result<Self, PeerError> {
        if config.srtp_profiles.is_empty() {
            return Err(PeerError::NoSrtpProfiles);
        }
        let certificate = LocalCertificate::generate()?;
        let ice = IceAgent::gather(config.addresses).await?;
        let (username_fragment, password) = ice.credentials().await;
        let local = LocalParameters {
            username_fragment,
            password,
            candidates: ice.candidates().await?,
            fingerprint: certificate.fingerprint(),
        };
        let (state, _) = watch::channel(PeerState::New);
        Ok(Self {
            config,
            ice,
            certificate,
            local,
            state,
        })
    }

    /// What to tell the other side.
    pub fn local(&self) -> &LocalParameters {
        &self.local
    }

    /// The state, from now until the transport is closed.
    pub fn state(&self) -> watch::Receiver<PeerState> {
        self.state.subscribe()
    }

    /// Connects: ICE, then DTLS with the remote certificate verified, then SRTP.
    ///
    /// # Errors
    /// [`PeerError`] says which step failed; sockets are closed then, and the state says
    /// [`CloseReason::Failed`](super::CloseReason::Failed).
    pub async fn connect(self, remote: RemoteParameters) -> Result<PeerTransport, PeerError> {
        let state = self.state.clone();
        let connected = self.connect_steps(remote).await;
        if let Err(error) = &connected {
            state.send_replace(PeerState::Closed(super::CloseReason::Failed(
                error.to_string(),
            )));
        }
        connected
    }

    async fn connect_steps(self, remote: RemoteParameters) -> Result<PeerTransport, PeerError> {
        let deadline = self.config.step_deadline;
        self.state.send_replace(PeerState::IceChecking);
        let conn = self
            .ice
            .connect(self.config.ice_role, &remote, deadline)
            .await?;

        self.state.send_replace(PeerState::DtlsHandshake);
        let counters = Arc::new(Counters::default());
        let keys = Arc::new(InboundKeys::default());
        let (dtls_tx, dtls_rx) = mpsc::channel(DTLS_QUEUE);
        let (incoming_tx, incoming) = mpsc::channel(self.config.incoming_queue.max(1));
        let receiver = Receiver {
            dtls: dtls_tx,
            incoming: incoming_tx,
            srtp: Arc::clone(&keys),
            counters: Arc::clone(&counters),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(receiver.run(Arc::clone(&conn)));

        let path = DtlsPath::new(Arc::clone(&conn), dtls_rx, Arc::clone(&counters));
        let session = dtls::handshake(
            Arc::new(path),
            self.certificate,
            &self.config.srtp_profiles,
            &remote,
            deadline,
        )
        .await?;
        keys.install(SrtpInbound::new(&session.keys, session.profile)?);
        let outbound = SrtpOutbound::new(&session.keys, session.profile)?;

        Ok(PeerTransport::start(Connected {
            ice: self.ice,
            dtls: session.conn,
            profile: session.profile,
            sender: PeerSender::new(outbound, conn),
            incoming,
            counters,
            tasks,
            state: self.state,
            step_deadline: deadline,
        }))
    }
}

/// In datagrams. A flight of a handshake has at most a dozen.
const DTLS_QUEUE: usize = 64;
