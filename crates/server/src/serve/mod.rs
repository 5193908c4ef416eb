//! `tureen serve`: from a configuration to a running server, and back to nothing.
//!
//! `door` accepts connections, `tls` holds the certificate of the pages, `logs` what is logged, and `reload` what SIGHUP
//! changes of both and of the rest.

mod door;
mod logs;
mod reload;
mod tls;

pub use logs::LogFilterError;
pub use reload::Reload;
pub use tls::TlsError;

use std::env;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum_server::tls_rustls::RustlsConfig;
use axum_server::{Handle, Server};
use clap::CommandFactory;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use thiserror::Error;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tureen_controller::{
    ChannelObserver, LiveSocket, SocketDirectory, WorkerBinary, WorkerPoolError,
};

use crate::auth::ApiKey;
use crate::cli::Cli;
use crate::config::{CodecName, MediaConfig, ServeConfig, unknown_variables};
use crate::dialects;
use crate::ends::{Ends, Hangups};
use crate::http::{self, App};
use crate::media::{ListenPlan, Media, plan, surroundings};
use door::{Door, Peer};
use tls::TlsOnly;

/// Why the server did not start, or stopped.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The log filter says nothing that is known.
    #[error(transparent)]
    LogFilter(#[from] LogFilterError),
    /// A codec stands in the list twice.
    #[error("codecs: {0:?} is there twice")]
    CodecTwice(CodecName),
    /// Sound or pictures could not be sent at all.
    #[error("codecs: there is no codec for {0} among them")]
    NoCodec(&'static str),
    /// Everyone would be taken for gone between two pings.
    #[error("ping-timeout: it must be longer than ping-interval, of {interval} s")]
    PingTimeout {
        /// Seconds between pings.
        interval: u64,
    },
    /// Nothing can be recorded in the directory.
    #[error("record-channel: {path}: {source}")]
    RecordChannel {
        /// As configured.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The address of the pages cannot be had.
    #[error("listen: {address}: {source}")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Certificate or key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A port of a worker cannot be had.
    #[error("rtc-port: {transport} {address} for media: {source}; choose another rtc-port")]
    MediaPort {
        /// UDP or TCP.
        transport: &'static str,
        /// One of those that follow from the configuration.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The media workers did not start.
    #[error("rtc-port, rtc-listen, workers: {0}")]
    Media(#[from] WorkerPoolError),
    /// The system failed us.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Serves until SIGINT or SIGTERM, then ends all calls and workers. SIGHUP ends nothing: `again`
/// reads the configuration anew, and what can change is changed.
///
/// Runs its media workers as `<this executable> worker …`, so the executable must have that
/// subcommand; `TUREEN_WORKER_BIN` names another one.
///
/// # Errors
///
/// [`ServeError`] names the key of the configuration with the fault.
pub fn serve(config: ServeConfig, again: Reload) -> Result<(), ServeError> {
    check(&config)?;
    let _rest_of_the_log = logs::start(&config.log)?;
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for warning in unknown_variables(&Cli::command(), names) {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(run(config, again));
    // Nothing is left that would be worth waiting for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

/// Refuses settings that are known to fail, before anything is started.
fn check(config: &ServeConfig) -> Result<(), ServeError> {
    let interval = config.http.ping_interval;
    if config.http.ping_timeout <= interval {
        return Err(ServeError::PingTimeout { interval });
    }
    check_codecs(&config.media.codecs)?;
    match &config.media.record_channel {
        Some(path) => can_record(path).map_err(|source| ServeError::RecordChannel {
            path: path.clone(),
            source,
        }),
        None => Ok(()),
    }
}

fn check_codecs(codecs: &[CodecName]) -> Result<(), ServeError> {
    for (index, codec) in codecs.iter().enumerate() {
        if codecs[..index].contains(codec) {
            return Err(ServeError::CodecTwice(*codec));
        }
    }
    let is_audio =
        |codec: &CodecName| matches!(codec, CodecName::Opus | CodecName::Pcmu | CodecName::Pcma);
    if !codecs.iter().any(is_audio) {
        return Err(ServeError::NoCodec("sound"));
    }
    if codecs.iter().all(is_audio) {
        return Err(ServeError::NoCodec("pictures"));
    }
    Ok(())
}

/// Takes the ports of the workers for a moment. So if one is in use, the error names the key of the
/// configuration.
fn check_ports(config: &MediaConfig, plan: &ListenPlan) -> Result<(), ServeError> {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let workers = if config.workers == 0 {
        cores()
    } else {
        config.workers
    };
    // If there are too many, the pool reports it, because it knows how many it needs.
    for port in (config.rtc_port..=u16::MAX).take(workers) {
        for address in plan.addresses() {
            let address = SocketAddr::new(*address, port);
            let udp = UdpSocket::bind(address).map(drop);
            let tcp = TcpListener::bind(address).map(drop);
            for (transport, bound) in [("UDP", udp), ("TCP", tcp)] {
                bound.map_err(|source| ServeError::MediaPort {
                    transport,
                    address,
                    source,
                })?;
            }
        }
    }
    Ok(())
}

/// Makes the directory for recordings and tries whether a file can be made in it.
fn can_record(directory: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let probe = directory.join(format!(".tureen-{}", uuid::Uuid::new_v4()));
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&probe)?;
    fs::remove_file(probe)
}

async fn run(config: ServeConfig, again: Reload) -> Result<(), ServeError> {
    door::raise_descriptor_limit();
    let mut ends = Ends::new()?;
    let hangups = Hangups::new()?;
    let address = config.http.listen;
    let listen = |source| ServeError::Listen { address, source };
    // This comes before the workers start, because this port is the one that is most likely taken.
    let listener = TcpListener::bind(address).map_err(listen)?;
    listener.set_nonblocking(true).map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let tls = tls::server_config(&config.http)?.map(RustlsConfig::from_config);

    let here = surroundings(&config.media).await;
    let plan = plan(&config.media, address.ip(), &here);
    check_ports(&config.media, &plan)?;
    let observer = match &config.media.record_channel {
        Some(directory) => ChannelObserver::recording_to(directory),
        None => ChannelObserver::new(),
    };
    let media = Media::start(&config.media, &plan, worker_binary(), observer.clone()).await?;
    let media = Arc::new(media);
    let socket = config.media.dump_socket.then(|| live_socket(&observer));
    let app = Arc::new(App::new(config, Arc::clone(&media)));
    let tasks = [
        tokio::spawn(tick(Arc::clone(&app))),
        tokio::spawn(watch(Arc::clone(&app))),
        tokio::spawn(reload_at(hangups, Arc::clone(&app), tls.clone(), again)),
    ];

    let handle = axum_server::Handle::new();
    let service = http::router(Arc::clone(&app), dialects::routes(&app))
        .into_make_service_with_connect_info::<SocketAddr>();
    announce(&app, address, tls.is_some(), &plan, here.outward);
    let door = Door::new(listener, Arc::clone(&app))?;
    let server = tokio::spawn(answer(door, tls, handle.clone(), service));

    ends.wait().await;
    tracing::info!("ending: clients are told, workers are closed");
    app.ending.send_replace(true);
    let _ = timeout(FAREWELL, no_connections(&app)).await;
    handle.graceful_shutdown(Some(Duration::from_millis(500)));
    tokio::select! {
        // A second signal means that somebody does not want to wait. The workers end when we do.
        () = ends.wait() => {}
        () = media.close() => {}
    }
    drop(socket);
    if timeout(FAREWELL, observer.recordings_written())
        .await
        .is_err()
    {
        tracing::warn!("record-channel: the last of the recordings is not written");
    }
    for task in tasks {
        task.abort();
    }
    match server.await {
        Ok(result) => Ok(result?),
        Err(error) => Err(io::Error::other(error).into()),
    }
}

/// Answers requests until the handle says otherwise.
async fn answer(
    door: Door,
    tls: Option<RustlsConfig>,
    handle: Handle<Peer>,
    service: IntoMakeServiceWithConnectInfo<Router, SocketAddr>,
) -> io::Result<()> {
    let mut server = Server::<Peer>::from_listener(door).handle(handle);
    limit(server.http_builder());
    match tls {
        Some(tls) => server.acceptor(TlsOnly::new(tls)).serve(service).await,
        None => server.serve(service).await,
    }
}

/// A client that sends a request letter by letter, or is silent after one, cannot hold a connection
/// for long. The door sees to the first request.
fn limit(connections: &mut Builder<TokioExecutor>) {
    connections
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT);
    connections
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_PING)
        .keep_alive_timeout(HEADER_TIMEOUT)
        .max_concurrent_streams(HTTP2_STREAMS);
}

fn worker_binary() -> WorkerBinary {
    match env::var_os("TUREEN_WORKER_BIN") {
        Some(path) if !path.is_empty() => WorkerBinary::Path(path.into()),
        _ => WorkerBinary::CurrentExe,
    }
}

/// The socket for `tureen dump`. The server works without it, too.
fn live_socket(observer: &ChannelObserver) -> Option<LiveSocket> {
    match LiveSocket::open(&SocketDirectory::of_user(), observer.clone(), observer) {
        Ok(socket) => Some(socket),
        Err(error) => {
            tracing::warn!("dump-socket: `tureen dump` cannot attach: {error}");
            None
        }
    }
}

/// Says where the server is, and what will not work.
fn announce(
    app: &App,
    address: SocketAddr,
    is_tls: bool,
    plan: &ListenPlan,
    outward: Option<IpAddr>,
) {
    let media = &app.config.media;
    warn_of_short_keys(&app.config.http.keys);
    for warning in &plan.warnings {
        tracing::warn!("{}", warning.text(media.rtc_port));
    }
    if !is_tls && !address.ip().is_loopback() {
        tracing::warn!(
            "browsers open camera and microphone only over HTTPS or on localhost: set tls-cert and \
             tls-key, or let a reverse proxy on this machine speak HTTPS"
        );
    }
    let addresses: Vec<_> = plan.addresses().iter().map(ToString::to_string).collect();
    tracing::info!(
        workers = app.media.workers(),
        addresses = addresses.join(" "),
        announced = plan.announced().join(" "),
        first_port = media.rtc_port,
        "media listens on UDP and TCP"
    );
    let host = match (address.ip().is_unspecified(), outward) {
        (true, Some(outward)) => outward,
        (true, None) => IpAddr::from([127, 0, 0, 1]),
        (false, _) => address.ip(),
    };
    let scheme = if is_tls { "https" } else { "http" };
    // A server serves on when nobody reads this.
    let _ = writeln!(
        io::stdout(),
        "Tureen is ready: {scheme}://{}/",
        SocketAddr::new(host, address.port())
    );
}

fn warn_of_short_keys(keys: &[ApiKey]) {
    for key in keys.iter().filter(|key| !key.is_long_enough()) {
        tracing::warn!(
            key = key.name(),
            "keys: a secret of fewer than 32 characters can be guessed from any token"
        );
    }
}

/// Lets time pass in the rooms.
async fn tick(app: Arc<App>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        app.metrics.set_lines_lost(logs::lost());
        for room in app.hall.tick() {
            let is_gone = || !app.hall.has_room(&room);
            app.media.close_call(&room, is_gone).await;
        }
    }
}

async fn watch(app: Arc<App>) {
    app.media
        .watch_workers(app.ending.subscribe(), || {
            app.metrics.worker_restarts.inc();
        })
        .await;
}

/// Reloads as often as it is wished.
async fn reload_at(mut hangups: Hangups, app: Arc<App>, tls: Option<RustlsConfig>, again: Reload) {
    loop {
        hangups.next().await;
        reload::reload(&app, tls.as_ref(), &again);
    }
}

async fn no_connections(app: &App) {
    let mut looks = interval(Duration::from_millis(20));
    while app.connections.load(Ordering::Relaxed) > 0 {
        looks.tick().await;
    }
}

/// How often the lobby is told of changes.
const TICK: Duration = Duration::from_millis(250);
/// How long clients may take to hear that the server ends.
const FAREWELL: Duration = Duration::from_secs(3);
/// How long a client may take to send the head of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
const HTTP2_STREAMS: u32 = 64;
/// How often a connection of HTTP/2 is asked whether it lives.
const HTTP2_PING: Duration = Duration::from_secs(30);
