//! Accepts the connections at the page's port, and ends those that keep it without use.
//!
//! A connection must bring a whole request soon. When there are too many, or when descriptors run
//! out, the oldest that has proven nothing gives way (docs/security.md rules 16 and 18).

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::extract::connect_info::Connected;
use axum_server::{AddrListener, Address};
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};

use crate::http::{App, Guest};

/// The page's port.
pub(super) struct Door {
    listener: TcpListener,
    app: Arc<App>,
    /// How long a connection may take with its first request.
    patience: Duration,
    /// When descriptors last were lacking.
    lacked: Mutex<Option<Instant>>,
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(SocketAddr);

/// A connection that ends when its place is wanted or its patience is over.
#[derive(Debug)]
pub(super) struct Visitor {
    stream: TcpStream,
    guest: Guest,
    /// Until its first request has come.
    patience: Option<Pin<Box<Sleep>>>,
}

impl Door {
    pub(super) fn new(listener: std::net::TcpListener, app: Arc<App>) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::from_std(listener)?,
            app,
            patience: FIRST_REQUEST,
            lacked: Mutex::default(),
        })
    }

    /// Another patience than that of a running server.
    #[cfg(test)]
    fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Logs once for each time that descriptors run out, and frees one.
    async fn lacks_descriptors(&self) {
        let now = Instant::now();
        let last = {
            let mut lacked = self.lacked.lock().unwrap_or_else(PoisonError::into_inner);
            lacked.replace(now)
        };
        if last.is_none_or(|last| now.duration_since(last) >= OUTAGE) {
            let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft);
            tracing::error!(
                limit,
                "out of file descriptors: connections that have proven nothing give way; raise the limit \
                 (ulimit -n, LimitNOFILE)"
            );
        }
        self.app.guests.evict_oldest();
        // The task of the connection needs a moment to drop it.
        sleep(RETRY).await;
    }
}

impl Address for Peer {
    type Stream = Visitor;
    type Listener = Door;
}

impl Connected<Peer> for SocketAddr {
    fn connect_info(Peer(address): Peer) -> Self {
        address
    }
}

impl AddrListener<Visitor, Peer> for Door {
    /// A door is handed over bound.
    async fn bind_to(_: Peer) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn accept_stream(&self) -> io::Result<(Visitor, Peer)> {
        loop {
            let (stream, peer) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) if is_lack_of_descriptors(&error) => {
                    self.lacks_descriptors().await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let proxies = &self.app.http().trusted_proxies;
            let address = peer.ip().to_canonical();
            let is_proxy = address.is_loopback() || proxies.iter().any(|one| one.holds(address));
            let visitor = Visitor {
                stream,
                guest: self.app.guests.admit(peer, is_proxy),
                patience: Some(Box::pin(sleep(self.patience))),
            };
            return Ok((visitor, Peer(peer)));
        }
    }

    fn get_local_addr(&self) -> io::Result<Peer> {
        self.listener.local_addr().map(Peer)
    }
}

impl Visitor {
    /// Waits for the first bytes and leaves them in place.
    ///
    /// # Errors
    ///
    /// Those of the socket, and one once the connection must end.
    pub(super) async fn peek(&mut self, first: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(first);
        poll_fn(|cx| {
            self.stays(cx)?;
            self.stream.poll_peek(cx, &mut buffer)
        })
        .await
    }

    /// An error once the connection must end.
    fn stays(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.guest.poll_evicted(cx).is_ready() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        if self.guest.has_asked() {
            self.patience = None;
        }
        if let Some(patience) = &mut self.patience
            && patience.as_mut().poll(cx).is_ready()
        {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }
}

impl AsyncRead for Visitor {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stays(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Visitor {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stays(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stays(cx)?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Raises the limit of open descriptors to the maximum that the system allows. Each connection needs
/// one, and the usual 1024 exists for `select(2)`.
pub(super) fn raise_descriptor_limit() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of file descriptors stays as it is");
    }
}

fn is_lack_of_descriptors(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(Errno::from_raw);
    matches!(number, Some(Errno::EMFILE | Errno::ENFILE))
}

/// How long a connection may take with its first request, the handshake of TLS included.
const FIRST_REQUEST: Duration = Duration::from_secs(20);
/// A lack of descriptors after such a pause is another one.
const OUTAGE: Duration = Duration::from_secs(60);
const RETRY: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use axum_server::tls_rustls::RustlsConfig;
    use clap::Parser;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::cli::{Cli, Command};
    use crate::http;
    use crate::media::Media;
    use crate::serve::answer;

    /// A server without workers that is patient for 300 ms.
    async fn start(flags: &[&str]) -> SocketAddr {
        start_with(flags, None).await
    }

    async fn start_with(flags: &[&str], tls: Option<RustlsConfig>) -> SocketAddr {
        let arguments = ["tureen", "serve"].iter().chain(flags);
        let Command::Serve(config) = Cli::parse_from(arguments).command else {
            panic!("serve");
        };
        let media = Arc::new(Media::without_workers(&config.media));
        let app = Arc::new(App::new(*config, media));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let door = Door::new(listener, Arc::clone(&app)).unwrap();
        let door = door.with_patience(Duration::from_millis(300));
        let dialects = crate::dialects::routes(&app);
        let service =
            http::router(app, dialects).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(answer(door, tls, axum_server::Handle::new(), service));
        address
    }

    async fn within<T>(patience: u64, what: impl Future<Output = T>) -> T {
        let patience = Duration::from_secs(patience);
        tokio::time::timeout(patience, what).await.unwrap()
    }

    #[tokio::test]
    async fn a_connection_that_asks_for_nothing_ends() {
        let address = start(&[]).await;
        for said in [
            "",
            "G",
            "GET / HTTP/1.1\r\nhost: localhost\r\n",
            "PRI * HTTP/2.0\r\n",
            // A whole preface with empty settings (RFC 9113 §3.4), and no request.
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0",
        ] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(said.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            // Sooner than any other limit.
            let ended = within(5, stream.read_to_end(&mut answer)).await;
            assert!(ended.is_ok_and(|size| size < 100), "{said:?}");
        }
    }

    #[tokio::test]
    async fn a_connection_without_a_handshake_ends() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (cert, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        // Another test may have done it.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let tls = RustlsConfig::from_pem(cert.into(), key.into()).await;
        let address = start_with(&[], Some(tls.unwrap())).await;
        // Nothing, and the head of a record of type handshake (RFC 8446 §5.1).
        for said in [&b""[..], b"\x16\x03\x01\x02\x00"] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(said).await.unwrap();
            // Sooner than TLS has lost its patience.
            let ended = within(5, stream.read_to_end(&mut Vec::new())).await;
            assert!(ended.is_ok_and(|size| size < 100), "{said:?}");
        }
    }

    #[tokio::test]
    async fn a_connection_that_has_asked_stays() {
        let address = start(&["--ping-interval=1"]).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET /ws HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        // RFC 6455 §5.5.2: pings without a payload, a second apart.
        for _ in 0..2 {
            assert_eq!(within(5, stream.read_u16()).await.unwrap(), 0x8900);
        }
    }
}
