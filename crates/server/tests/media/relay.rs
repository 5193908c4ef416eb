//! A relay between a client and the worker, with a socket towards each. The one towards the worker
//! can be exchanged, as if the client moved to another network.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use stun::attributes::{ATTR_USERNAME, AttrType};
use stun::fingerprint::FINGERPRINT;
use stun::integrity::MessageIntegrity;
use stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Message, Setter};
use stun::textattrs::Username;
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tureen_controller::WebRtcTransport;
use tureen_peer::RemoteParameters;

use crate::call::LOOPBACK;
use crate::endpoint::remote_parameters;
use crate::within;

/// Passes datagrams between one client and the worker.
pub(crate) struct Relay {
    shared: Arc<Shared>,
    address: SocketAddr,
    worker: SocketAddr,
    tasks: JoinSet<()>,
}

struct Shared {
    front: UdpSocket,
    client: Mutex<Option<SocketAddr>>,
    path: Mutex<Arc<Path>>,
    is_cut: AtomicBool,
    /// What the client sends, RTP and RTCP, while it is not to reach the worker.
    held: watch::Sender<Option<Vec<Vec<u8>>>>,
    /// The latest datagrams of the client, the newest last.
    seen: Mutex<Vec<Vec<u8>>>,
}

/// A socket towards the worker.
pub(crate) struct Path {
    socket: UdpSocket,
    /// Whether what the worker sends there gets lost.
    is_deaf: AtomicBool,
    /// Datagrams that the worker has sent there.
    received: watch::Sender<usize>,
}

impl Path {
    async fn to(worker: SocketAddr) -> Arc<Self> {
        let socket = UdpSocket::bind((LOOPBACK, 0)).await.unwrap();
        socket.connect(worker).await.unwrap();
        Arc::new(Self {
            socket,
            is_deaf: AtomicBool::new(false),
            received: watch::Sender::new(0),
        })
    }

    /// From now on nothing that the worker sends there arrives.
    pub(crate) fn deafen(&self) {
        self.is_deaf.store(true, Ordering::Relaxed);
    }

    pub(crate) fn received(&self) -> usize {
        *self.received.borrow()
    }

    /// Waits until so many have come.
    pub(crate) async fn until_received(&self, count: usize) {
        let mut received = self.received.subscribe();
        within(
            "datagrams of the worker",
            received.wait_for(|so_far| *so_far >= count),
        )
        .await
        .unwrap();
    }

    pub(crate) fn port(&self) -> u16 {
        self.socket.local_addr().unwrap().port()
    }

    /// The socket itself.
    pub(crate) fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// Sends a datagram to the worker.
    pub(crate) async fn send(&self, datagram: &[u8]) {
        self.socket.send(datagram).await.unwrap();
    }
}

impl Relay {
    pub(crate) async fn to(worker: SocketAddr) -> Self {
        let front = UdpSocket::bind((LOOPBACK, 0)).await.unwrap();
        let address = front.local_addr().unwrap();
        let path = Path::to(worker).await;
        let shared = Arc::new(Shared {
            front,
            client: Mutex::new(None),
            path: Mutex::new(Arc::clone(&path)),
            is_cut: AtomicBool::new(false),
            held: watch::Sender::new(None),
            seen: Mutex::new(Vec::new()),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(from_client(Arc::clone(&shared)));
        tasks.spawn(from_worker(Arc::clone(&shared), path));
        Self {
            shared,
            address,
            worker,
            tasks,
        }
    }

    /// The parameters of `transport` for the client, changed so that its packets go through here.
    pub(crate) fn remote_parameters(&self, transport: &WebRtcTransport) -> RemoteParameters {
        let mut remote = remote_parameters(transport);
        remote.candidates.truncate(1);
        remote.candidates[0].address = self.address.ip();
        remote.candidates[0].port = self.address.port();
        remote
    }

    /// The socket towards the worker that is in use.
    pub(crate) fn path(&self) -> Arc<Path> {
        Arc::clone(&self.shared.path.lock().unwrap())
    }

    /// From now on nothing of the client reaches the worker.
    pub(crate) fn cut(&self) {
        self.shared.is_cut.store(true, Ordering::Relaxed);
    }

    /// From now on what the client sends of RTP and RTCP is kept here.
    pub(crate) fn hold(&self) {
        self.shared.held.send_replace(Some(Vec::new()));
    }

    /// Waits until so many datagrams are kept.
    pub(crate) async fn until_held(&self, count: usize) {
        let mut held = self.shared.held.subscribe();
        let enough = held.wait_for(|held| held.as_ref().is_some_and(|held| held.len() >= count));
        within("datagrams to hold", enough).await.unwrap();
    }

    /// Everything reaches the worker again, but for what was kept, which is returned.
    pub(crate) fn release(&self) -> Vec<Vec<u8>> {
        self.shared.held.send_replace(None).unwrap_or_default()
    }

    /// The latest datagrams of the client.
    pub(crate) fn seen(&self) -> Vec<Vec<u8>> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Another socket towards the worker, not in use yet.
    pub(crate) async fn other_path(&self) -> Arc<Path> {
        Path::to(self.worker).await
    }

    /// Nominates `path`, as a controlling agent does, and sends what comes from the client there.
    pub(crate) async fn move_to(&mut self, path: Arc<Path>, transport: &WebRtcTransport) {
        let ice = transport.ice_parameters();
        let request = nomination(&ice.username_fragment, &ice.password);
        let answered = async {
            let mut datagram = [0; 2048];
            path.send(&request.raw).await;
            loop {
                let length = path.socket.recv(&mut datagram).await.unwrap();
                let mut answer = Message::new();
                answer.raw = datagram[..length].to_vec();
                let is_answer = answer.decode().is_ok()
                    && answer.transaction_id == request.transaction_id
                    && answer.typ == BINDING_SUCCESS;
                if is_answer {
                    return;
                }
                path.received.send_modify(|received| *received += 1);
            }
        };
        within("an answer to the nomination", answered).await;
        *self.shared.path.lock().unwrap() = Arc::clone(&path);
        let shared = Arc::clone(&self.shared);
        self.tasks.spawn(from_worker(shared, path));
    }
}

async fn from_client(shared: Arc<Shared>) {
    let mut datagram = [0; 2048];
    while let Ok((length, client)) = shared.front.recv_from(&mut datagram).await {
        let datagram = &datagram[..length];
        *shared.client.lock().unwrap() = Some(client);
        {
            let mut seen = shared.seen.lock().unwrap();
            if seen.len() == SEEN {
                seen.remove(0);
            }
            seen.push(datagram.to_vec());
        }
        // RFC 7983 §7.
        let is_media = datagram
            .first()
            .is_some_and(|first| (128..192).contains(first));
        let is_held = is_media
            && shared.held.send_if_modified(|held| {
                let is_holding = held.is_some();
                held.iter_mut()
                    .for_each(|held| held.push(datagram.to_vec()));
                is_holding
            });
        if !is_held && !shared.is_cut.load(Ordering::Relaxed) {
            let path = Arc::clone(&shared.path.lock().unwrap());
            // The worker may be gone, which the client finds out for itself.
            let _ = path.socket.send(datagram).await;
        }
    }
}

async fn from_worker(shared: Arc<Shared>, path: Arc<Path>) {
    let mut datagram = [0; 2048];
    loop {
        // An error is the echo of a datagram that nobody took.
        let Ok(length) = path.socket.recv(&mut datagram).await else {
            continue;
        };
        path.received.send_modify(|received| *received += 1);
        let client = *shared.client.lock().unwrap();
        if let Some(client) = client.filter(|_| !path.is_deaf.load(Ordering::Relaxed)) {
            let _ = shared.front.send_to(&datagram[..length], client).await;
        }
    }
}

/// A binding request with USE-CANDIDATE (RFC 8445 §7.1) under an agent's credentials.
pub(crate) fn nomination(username_fragment: &str, password: &str) -> Message {
    let mut request = Message::new();
    let username = Username::new(ATTR_USERNAME, format!("{username_fragment}:roaming"));
    request
        .build(&[
            Box::new(BINDING_REQUEST),
            Box::new(stun::agent::TransactionId::new()),
            Box::new(username),
        ])
        .unwrap();
    request.add(AttrType(PRIORITY), &0x6e00_01ff_u32.to_be_bytes());
    request.add(AttrType(ICE_CONTROLLING), &1_u64.to_be_bytes());
    request.add(AttrType(USE_CANDIDATE), &[]);
    MessageIntegrity::new_short_term_integrity(password.to_owned())
        .add_to(&mut request)
        .unwrap();
    FINGERPRINT.add_to(&mut request).unwrap();
    request
}

/// RFC 8445 §16.1.
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const ICE_CONTROLLING: u16 = 0x802a;
/// Datagrams of a client that are kept.
const SEEN: usize = 64;
