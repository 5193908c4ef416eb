//! The ICE agent, on `webrtc-ice`.

use std::{net::IpAddr, sync::Arc, time::Duration};

use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
};
use webrtc_ice::{
    agent::{Agent, agent_config::AgentConfig},
    candidate::{
        Candidate, CandidateType, candidate_base::CandidateBaseConfig,
        candidate_host::CandidateHostConfig,
    },
    mdns::MulticastDnsMode,
    network_type::NetworkType,
    state::ConnectionState,
};
use webrtc_util::Conn;

use crate::{
    error::PeerError,
    params::{IceCandidate, IceProtocol, RemoteParameters},
};

/// The role in nomination (RFC 8445 §6.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IceRole {
    /// The peer nominates. Towards an ICE-lite server it must do so.
    #[default]
    Controlling,
    /// The peer waits for a nomination. This is for a peer that plays the server of another one.
    Controlled,
}

/// On which addresses of the machine candidates are gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LocalAddresses {
    /// Every address of every interface, with loopback and without IPv6 link-local ones.
    #[default]
    All,
    /// 127.0.0.0/8 and ::1.
    Loopback,
}

pub(super) type IceConn = Arc<dyn Conn + Send + Sync>;

/// The gathered agent. Dropping it closes its sockets and stops its tasks in the background.
pub(super) struct IceAgent {
    agent: Option<Agent>,
    state: watch::Receiver<ConnectionState>,
    runtime: Handle,
}

impl IceAgent {
    /// Binds one UDP socket per address; complete when every local candidate is known.
    pub(super) async fn gather(addresses: LocalAddresses) -> Result<Self, PeerError> {
        let agent = Agent::new(AgentConfig {
            multicast_dns_mode: MulticastDnsMode::Disabled,
            network_types: vec![NetworkType::Udp4, NetworkType::Udp6],
            candidate_types: vec![CandidateType::Host],
            check_interval: CHECK_INTERVAL,
            max_binding_requests: Some(MAX_CHECKS_PER_PAIR),
            ip_filter: Arc::new(Some(Box::new(move |ip| is_usable(ip, addresses)))),
            include_loopback: true,
            ..AgentConfig::default()
        })
        .await?;
        let (state_tx, state) = watch::channel(ConnectionState::New);
        agent.on_connection_state_change(Box::new(move |state| {
            state_tx.send_replace(state);
            Box::pin(async {})
        }));
        let gathered = Self {
            agent: Some(agent),
            state,
            runtime: Handle::current(),
        };
        gathered.gather_candidates().await?;
        Ok(gathered)
    }

    /// The local username fragment and password.
    pub(super) async fn credentials(&self) -> (String, String) {
        self.agent().get_local_user_credentials().await
    }

    pub(super) async fn candidates(&self) -> Result<Vec<IceCandidate>, PeerError> {
        let gathered = self.agent().get_local_candidates().await?;
        let candidates = gathered.iter().map(|candidate| IceCandidate {
            foundation: candidate.foundation(),
            priority: candidate.priority(),
            address: candidate.addr().ip(),
            protocol: IceProtocol::Udp,
            port: candidate.port(),
        });
        Ok(candidates.collect())
    }

    /// Checks the remote candidates until a pair is nominated, for at most `deadline`.
    pub(super) async fn connect(
        &self,
        role: IceRole,
        remote: &RemoteParameters,
        deadline: Duration,
    ) -> Result<IceConn, PeerError> {
        let agent = self.agent();
        let usable = self.add_remote_candidates(remote)?;
        // A controlled agent learns the address of the other side from its checks.
        if usable == 0 && role == IceRole::Controlling {
            return Err(PeerError::NoUdpCandidate);
        }

        // The sender must live until the end, because the agent takes a closed channel for a
        // cancellation.
        let (_cancel_tx, cancel_rx) = mpsc::channel(1);
        let ufrag = remote.username_fragment.clone();
        let password = remote.password.clone();
        let connecting = async {
            let conn: IceConn = match role {
                IceRole::Controlling => agent.dial(cancel_rx, ufrag, password).await?,
                IceRole::Controlled => agent.accept(cancel_rx, ufrag, password).await?,
            };
            Ok(conn)
        };
        match tokio::time::timeout(deadline, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(PeerError::IceTimeout(deadline)),
        }
    }

    /// Starts over with new credentials, new sockets and the remote side's new parameters, for at
    /// most `deadline` (RFC 8445 §9). The path that was in use is gone at once: packets are lost
    /// until there is another.
    pub(super) async fn restart(
        &self,
        remote: &RemoteParameters,
        deadline: Duration,
    ) -> Result<(), PeerError> {
        let agent = self.agent();
        let mut state = self.state();
        state.mark_unchanged();
        // Empty strings let the agent choose.
        agent.restart(String::new(), String::new()).await?;
        self.gather_candidates().await?;
        agent
            .set_remote_credentials(remote.username_fragment.clone(), remote.password.clone())
            .await?;
        if self.add_remote_candidates(remote)? == 0 {
            return Err(PeerError::NoUdpCandidate);
        }
        // First the agent goes back to checking. Only a state that comes after that counts.
        let connected = async {
            while state.changed().await.is_ok() {
                if *state.borrow_and_update() == ConnectionState::Connected {
                    return Ok(());
                }
            }
            Err(PeerError::IceTimeout(deadline))
        };
        let connected = tokio::time::timeout(deadline, connected).await;
        connected.unwrap_or(Err(PeerError::IceTimeout(deadline)))
    }

    /// Adds the usable candidates and says how many there are.
    fn add_remote_candidates(&self, remote: &RemoteParameters) -> Result<usize, PeerError> {
        let mut usable = 0;
        for candidate in &remote.candidates {
            if candidate.protocol == IceProtocol::Udp {
                self.agent()
                    .add_remote_candidate(&remote_candidate(candidate)?)?;
                usable += 1;
            }
        }
        Ok(usable)
    }

    /// The state of the agent, which goes on changing after it has connected.
    pub(super) fn state(&self) -> watch::Receiver<ConnectionState> {
        self.state.clone()
    }

    /// Closes the sockets and stops the tasks.
    pub(super) async fn close(mut self) {
        if let Some(agent) = self.agent.take() {
            close_agent(agent).await;
        }
    }

    async fn gather_candidates(&self) -> Result<(), PeerError> {
        let (candidate_tx, mut candidate_rx) = mpsc::unbounded_channel();
        self.agent().on_candidate(Box::new(move |candidate| {
            // Once gathering has ended there is no receiver, and later candidates matter to nobody.
            let _ = candidate_tx.send(candidate.is_some());
            Box::pin(async {})
        }));
        self.agent().gather_candidates()?;

        let mut gathered = 0;
        while let Some(true) = candidate_rx.recv().await {
            gathered += 1;
        }
        if gathered == 0 {
            return Err(PeerError::NoLocalCandidate);
        }
        Ok(())
    }

    fn agent(&self) -> &Agent {
        self.agent
            .as_ref()
            .expect("the agent is taken only by close, which consumes self")
    }
}

impl Drop for IceAgent {
    fn drop(&mut self) {
        if let Some(agent) = self.agent.take() {
            self.runtime.spawn(close_agent(agent));
        }
    }
}

async fn close_agent(agent: Agent) {
    if let Err(error) = agent.close().await {
        tracing::debug!(%error, "ICE agent was closed already");
    }
}

fn is_usable(ip: IpAddr, addresses: LocalAddresses) -> bool {
    match addresses {
        LocalAddresses::Loopback => ip.is_loopback(),
        // A link-local address cannot be bound without its scope, which the agent does not keep.
        LocalAddresses::All => match ip {
            IpAddr::V4(_) => true,
            IpAddr::V6(ip) => !ip.is_unicast_link_local(),
        },
    }
}

fn remote_candidate(
    candidate: &IceCandidate,
) -> Result<Arc<dyn Candidate + Send + Sync>, PeerError> {
    let config = CandidateHostConfig {
        base_config: CandidateBaseConfig {
            network: "udp".to_owned(),
            address: candidate.address.to_string(),
            port: candidate.port,
            component: 1,
            priority: candidate.priority,
            foundation: candidate.foundation.clone(),
            ..CandidateBaseConfig::default()
        },
        ..CandidateHostConfig::default()
    };
    Ok(Arc::new(config.new_candidate_host()?))
}

/// The time between two checks: Ta of RFC 8445 §14.2, for one list.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// The agent gives a pair up after this many checks without an answer; at `CHECK_INTERVAL`, after
/// 15 seconds.
const MAX_CHECKS_PER_PAIR: u16 = 300;
