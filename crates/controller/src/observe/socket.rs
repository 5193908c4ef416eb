//! The socket to which `tureen dump` attaches.

use std::fs::{self, Permissions};
use std::future::Future;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tureen_channel_dump::{Ask, Line, LiveError, MAX_ASK, MAX_LINE, SocketDirectory};

use super::ChannelObserver;

/// A socket of this process to which the same user's `tureen dump` attaches. It serves the live
/// tree, and every frame as it passes. Dropping it closes and removes it.
///
/// The socket has mode 0600 and lies in a directory of mode 0700; a client of another user, other
/// than root, is hung up on.
#[derive(Debug)]
pub struct LiveSocket {
    path: PathBuf,
    task: JoinHandle<()>,
}

/// What lives in a process.
pub trait LiveTree: Send + Sync + 'static {
    /// `{"workers": [..]}`: the workers, with their routers, transports, producers and consumers,
    /// and the dump and the statistics of each.
    fn tree(&self) -> impl Future<Output = Value> + Send;
}

impl LiveSocket {
    /// Opens the socket of this process in `directory`, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// [`LiveError::Directory`] and [`LiveError::Untrusted`] for the directory,
    /// [`LiveError::Connect`] for the socket.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn open(
        directory: &SocketDirectory,
        tree: impl LiveTree,
        observer: &ChannelObserver,
    ) -> Result<Self, LiveError> {
        directory.prepare()?;
        let path = directory.socket(process::id());
        let listener = listen(&path).map_err(|source| LiveError::Connect {
            path: path.clone(),
            source,
        })?;
        let server = Arc::new(Server {
            tree,
            observer: observer.clone(),
            user: nix::unistd::geteuid().as_raw(),
        });
        let task = tokio::spawn(accept(listener, server));
        Ok(Self { path, task })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for LiveSocket {
    fn drop(&mut self) {
        self.task.abort();
        // Somebody may have removed it already.
        let _ = fs::remove_file(&self.path);
    }
}

struct Server<T> {
    tree: T,
    observer: ChannelObserver,
    user: u32,
}

fn listen(path: &Path) -> io::Result<UnixListener> {
    // An earlier process of this id may have been killed and have left its socket.
    if StdUnixStream::connect(path).is_err() {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let listener = UnixListener::bind(path)?;
    // Until then, the mode of the directory keeps others out.
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn accept<T: LiveTree>(listener: UnixListener, server: Arc<Server<T>>) {
    let places = Arc::new(Semaphore::new(MAX_CLIENTS));
    // The connections end with this task.
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "live socket");
                // Most likely there are no descriptors left, so others have to close first.
                tokio::time::sleep(ACCEPT_DELAY).await;
                continue;
            }
        };
        let server = server.clone();
        connections.spawn(async move {
            if let Err(error) = server.serve(stream).await {
                tracing::debug!(%error, "client of the live socket");
            }
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
}

impl<T: LiveTree> Server<T> {
    async fn serve(&self, stream: UnixStream) -> io::Result<()> {
        let peer = stream.peer_cred()?.uid();
        if peer != self.user && peer != ROOT {
            tracing::warn!(uid = peer, "live socket: somebody else's client");
            return Ok(());
        }
        let (input, mut output) = stream.into_split();
        let mut input = BufReader::new(input);
        let Ok(ask) = timeout(ASK_TIMEOUT, read_ask(&mut input)).await else {
            return write(&mut output, &Line::Error("no question".to_owned())).await;
        };
        match ask? {
            Some(Ask::State) => {
                let state = Line::State(self.tree.tree().await);
                write(&mut output, &state).await
            }
            Some(Ask::Follow) => self.follow(input, output).await,
            None => write(&mut output, &Line::Error("unknown question".to_owned())).await,
        }
    }

    /// Tells of every frame until the client closes.
    async fn follow(
        &self,
        mut input: BufReader<OwnedReadHalf>,
        mut output: OwnedWriteHalf,
    ) -> io::Result<()> {
        let frames = self.observer.follow();
        let mut sink = [0; 64];
        loop {
            tokio::select! {
                line = frames.next() => write(&mut output, &line).await?,
                read = input.read(&mut sink) => if read? == 0 {
                    return Ok(());
                },
            }
        }
    }
}

/// The client's line; `None` if it cannot be read.
async fn read_ask(input: &mut BufReader<OwnedReadHalf>) -> io::Result<Option<Ask>> {
    let mut line = Vec::new();
    let most = u64::try_from(MAX_ASK).unwrap_or(u64::MAX);
    input.take(most).read_until(b'\n', &mut line).await?;
    Ok(Ask::decode(&line))
}

async fn write(output: &mut OwnedWriteHalf, line: &Line) -> io::Result<()> {
    let mut text = line.encode();
    if text.len() >= MAX_LINE {
        text = Line::Error("the answer is too long".to_owned()).encode();
    }
    text.push('\n');
    output.write_all(text.as_bytes()).await
}

/// Clients at the same time.
const MAX_CLIENTS: usize = 16;

/// How long a client may take to say what it wants.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);

/// Pause after a connection could not be accepted.
const ACCEPT_DELAY: Duration = Duration::from_millis(100);

const ROOT: u32 = 0;
