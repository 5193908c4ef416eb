//! The library an application's signaling layer drives: it spawns media workers, negotiates RTP
//! parameters and mirrors what the workers hold.
//!
//! ```no_run
//! use tureen_controller::rtp::{MimeType, RtpCodecCapability};
//! use tureen_controller::{ListenInfo, WebRtcTransportOptions, Worker, WorkerSettings};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let worker = Worker::spawn(WorkerSettings::default()).await?;
//! let opus = RtpCodecCapability::audio(MimeType::parse("audio/opus")?, 48_000, 2);
//! let router = worker.create_router(&[opus]).await?;
//! let listen = vec![ListenInfo::udp("127.0.0.1".parse()?)];
//! let options = WebRtcTransportOptions::with_listen_infos(listen);
//! let transport = router.create_web_rtc_transport(options).await?;
//! println!("{:?}", transport.ice_candidates());
//! # Ok(())
//! # }
//! ```
//!
//! `examples/two_peers` goes on from here to a whole call between two peers.
//!
//! The process that [`Worker::spawn`] starts is `tureen-worker`: the one that the environment
//! variable `TUREEN_WORKER_BIN` names, or the one beside the running executable.
//! [`WorkerSettings::binary`] says otherwise. [`WorkerPool`] starts one for each core and replaces
//! those that die.
//!
//! # Handles
//!
//! [`Worker`], [`WebRtcServer`], [`Router`], [`WebRtcTransport`], [`Producer`] and [`Consumer`] are
//! handles: cheap to clone, closed by `close()` or by dropping the last clone. A handle keeps its
//! parent alive: a consumer its transport, the transport its router, the router its worker. When
//! something else closes the entity (its router, or the death of the worker), the handle stays
//! valid and its requests fail with [`RequestError::Closed`] or [`RequestError::WorkerGone`].
//!
//! # Requests
//!
//! Every await resolves: with the answer, a typed error, or [`WorkerGone`]. A future that is
//! dropped half-way leaves nothing behind: if its request creates something, that is closed again.
//!
//! # Events
//!
//! Each handle has `events()`, a receiver of typed events. The first receiver also gets the events
//! since the creation of the entity, so nobody has to hurry to subscribe. The last event of every
//! entity says why it closed; a receiver that comes after the end still gets it.
//!
//! A receiver that nobody reads stays small. It keeps the latest 256 events, always including the
//! last one of the entity, and counts what it lost ([`Events::missed`]).
//!
//! # Negotiation
//!
//! [`ortc`] holds the negotiation as pure functions, [`rtp`] its vocabulary, in the JSON of
//! mediasoup and mediasoup-client. [`WebRtcTransport::produce`] and
//! [`WebRtcTransport::consume`] apply them.

pub mod ortc;
pub mod rtp;

mod channel;
mod consumer;
mod encoding;
mod entity;
mod gone;
mod ids;
mod listen_info;
mod observe;
mod producer;
mod router;
mod stats;
mod transport;
mod web_rtc_server;
mod web_rtc_transport;
mod worker;
mod worker_pool;

pub use channel::{MethodName, RequestError};
pub use consumer::{
    ConsumeError, Consumer, ConsumerDump, ConsumerEvent, ConsumerOptions, ConsumerScore,
    ConsumerType, Numbering,
};
pub use entity::{CloseReason, Events, Lost};
pub use gone::{ExitReason, SpawnError, WorkerGone};
pub use ids::{ConsumerId, ProducerId, RouterId, TransportId, WebRtcServerId, WorkerId};
pub use listen_info::{ListenInfo, PortRange, Protocol, SocketFlags};
pub use observe::{ChannelObserver, LiveSocket, LiveTree};
pub use producer::{
    ProduceError, Producer, ProducerDump, ProducerEvent, ProducerOptions, ProducerScore,
    ProducerType, VideoOrientation,
};
pub use router::{CreateRouterError, Router, RouterDump, RouterEvent};
pub use stats::{RtpStreamDirection, RtpStreamDump, RtpStreamStats, RtxStreamDump};
pub use transport::{RtpListenerDump, TransportDump, TransportStats, TransportTuple};
pub use tureen_channel_dump::{LiveError, SocketDirectory};
pub use web_rtc_server::{
    IpPort, LocalIceUsernameFragment, WebRtcServer, WebRtcServerDump, WebRtcServerEvent,
};
pub use web_rtc_transport::{
    DtlsFingerprint, DtlsParameters, DtlsRole, DtlsState, FingerprintAlgorithm, IceCandidate,
    IceCandidateType, IceParameters, IceRole, IceState, IceTcpCandidateType, WebRtcTransport,
    WebRtcTransportDump, WebRtcTransportEvent, WebRtcTransportListen, WebRtcTransportOptions,
    WebRtcTransportStats,
};
pub use worker::{
    ChannelMessageHandlers, DirectionMetrics, DtlsFiles, LogLevel, LogTag, ResourceUsage,
    TurnMetrics, Worker, WorkerBinary, WorkerDetails, WorkerDump, WorkerEvent, WorkerMetrics,
    WorkerSettings,
};
pub use worker_pool::{
    PooledWorker, RestartPolicy, WorkerPool, WorkerPoolError, WorkerPoolEvent, WorkerPoolSettings,
};
