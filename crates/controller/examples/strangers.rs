//! Measures what strangers cost a worker who know where a person is expected, but not the password:
//! TCP connections that send connectivity checks with a wrong one as fast as they can, and connect
//! again when the worker ends them.
//!
//! ```text
//! cargo build --release -p tureen-worker
//! TUREEN_WORKER_BIN=target/release/tureen-worker \
//!     cargo run --release -p tureen-controller --example strangers [connections] [seconds]
//! ```
//!
//! It prints how often they connected, what they sent, and the processor time of the worker: as a
//! share of one core, and for each connection. Strangers and worker compete for the same cores.

use std::error::Error;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tureen_controller::{ListenInfo, Protocol, WebRtcTransportOptions, Worker, WorkerSettings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |default: u64| arguments.next().map_or(Ok(default), |text| text.parse());
    let (connections, seconds) = (argument(400)?, argument(5)?);

    let worker = Worker::spawn(WorkerSettings::default()).await?;
    let loopback = Ipv4Addr::LOCALHOST.into();
    let listen = vec![ListenInfo::tcp(loopback)];
    let server = worker.create_web_rtc_server(listen).await?;
    let router = worker.create_router(&[]).await?;
    let options = WebRtcTransportOptions {
        enable_tcp: true,
        ..WebRtcTransportOptions::with_server(server)
    };
    let transport = router.create_web_rtc_transport(options).await?;
    let candidates = transport.ice_candidates();
    let candidate = candidates.iter().find(|one| one.protocol == Protocol::Tcp);
    let port = candidate.ok_or("no TCP candidate")?.port;
    let checks = checks(&transport.ice_parameters().username_fragment);

    let before = processor_ticks(worker.pid())?;
    let start = Instant::now();
    let tried = Arc::new(Tried::default());
    let strangers: Vec<_> = (0..connections)
        .map(|_| {
            let (tried, checks) = (Arc::clone(&tried), checks.clone());
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            thread::spawn(move || tried.keep_trying(address, &checks))
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    tried.is_over.store(true, Ordering::Relaxed);
    let (took, after) = (start.elapsed(), processor_ticks(worker.pid())?);
    let (connected, bytes) = (&tried.connected, &tried.bytes);
    let (connected, bytes) = (
        connected.load(Ordering::Relaxed),
        bytes.load(Ordering::Relaxed),
    );
    worker.close().await;
    for stranger in strangers {
        stranger.join().map_err(|_| "a stranger panicked")?;
    }

    // The kernel tells processor time in hundredths of a second (proc_pid_stat(5)).
    let busy = (after - before) as f64 / 100.0;
    let rate = |count: u64| count as f64 / took.as_secs_f64();
    println!("connections a second   {:.0}", rate(connected));
    println!("megabytes a second     {:.1}", rate(bytes) / 1e6);
    println!("share of a core        {:.2}", busy / took.as_secs_f64());
    println!(
        "us for a connection    {:.1}",
        busy * 1e6 / connected.max(1) as f64
    );
    Ok(())
}

/// What the strangers have done so far.
#[derive(Default)]
struct Tried {
    is_over: AtomicBool,
    connected: AtomicU64,
    bytes: AtomicU64,
}

impl Tried {
    fn keep_trying(&self, address: SocketAddr, checks: &[u8]) {
        while !self.is_over.load(Ordering::Relaxed) {
            let Ok(mut stream) = TcpStream::connect(address) else {
                continue;
            };
            self.connected.fetch_add(1, Ordering::Relaxed);
            while !self.is_over.load(Ordering::Relaxed) {
                match stream.write(checks) {
                    Ok(len) if len > 0 => self.bytes.fetch_add(len as u64, Ordering::Relaxed),
                    _ => break,
                };
            }
        }
    }
}

/// Framed connectivity checks (RFC 8489 §5, RFC 4571 §2) for this fragment, whose integrity is
/// wrong.
fn checks(fragment: &str) -> Vec<u8> {
    let mut name = format!("{fragment}:stranger").into_bytes();
    let len = |name: &[u8]| u16::try_from(name.len()).expect("a fragment is short");
    let name_len = len(&name);
    name.resize(name.len().next_multiple_of(4), 0);
    let attributes = 4 + len(&name) + 24;
    let mut check = (20 + attributes).to_be_bytes().to_vec();
    check.extend(0x0001_u16.to_be_bytes());
    check.extend(attributes.to_be_bytes());
    check.extend(0x2112_a442_u32.to_be_bytes());
    check.extend([7; 12]);
    check.extend(USERNAME.to_be_bytes());
    check.extend(name_len.to_be_bytes());
    check.extend(name);
    check.extend(MESSAGE_INTEGRITY.to_be_bytes());
    check.extend(20_u16.to_be_bytes());
    check.extend([0x55; 20]);
    check.repeat(64 * 1024 / check.len())
}

/// Processor time of a process so far, user and system (proc_pid_stat(5)).
fn processor_ticks(pid: u32) -> Result<u64, Box<dyn Error>> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no name")?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut next =
        || -> Result<u64, Box<dyn Error>> { Ok(fields.next().ok_or("too few")?.parse()?) };
    Ok(next()? + next()?)
}

const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
