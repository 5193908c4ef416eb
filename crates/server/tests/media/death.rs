//! Workers that die, and controllers that do.

use std::io::{BufRead, BufReader};
use std::num::NonZeroUsize;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::net::UdpSocket;
use tokio::time::Instant;
use tureen_controller::{
    CloseReason, ConsumerEvent, ExitReason, ListenInfo, RequestError, RestartPolicy, WorkerPool,
    WorkerPoolEvent, WorkerPoolSettings,
};

use crate::call::{Call, LOOPBACK};
use crate::program::{children, descriptors, is_there, worker_settings};
use crate::within;

#[tokio::test]
async fn a_worker_killed_under_load_is_reported_and_replaced() {
    let pool = WorkerPool::start(WorkerPoolSettings {
        workers: NonZeroUsize::new(1),
        worker: worker_settings(),
        web_rtc_server: vec![ListenInfo::udp(LOOPBACK)],
        restart: RestartPolicy::default(),
    })
    .await
    .unwrap();
    let mut events = pool.events();
    let call = on_pool(&pool).await;
    let pid = call.worker.pid();
    let address = call.address().await;
    let publisher = call.publisher().await;
    let subscriber = call.subscriber(&publisher).await;
    subscriber.until_frames(3).await;
    let mut consumer = subscriber.video.events();

    let killed = Instant::now();
    kill(raw(pid), Signal::SIGKILL).unwrap();
    let died = within("the report", events.next()).await.unwrap();
    let WorkerPoolEvent::Died { index, gone, lost } = died else {
        panic!("{died:?}");
    };
    assert_eq!(index, 0);
    assert_eq!(gone.reason(), &ExitReason::Signal(9));
    assert_eq!(gone.pid(), pid);
    assert_eq!(lost.web_rtc_servers, [call.server.id().clone()]);
    assert_eq!(lost.routers, [call.router.id().clone()]);
    let counts = (
        lost.transports.len(),
        lost.producers.len(),
        lost.consumers.len(),
    );
    assert_eq!(counts, (2, 2, 2));
    // Nothing waits for ever. Requests fail, and each entity has had its last event.
    let failed = subscriber.video.get_stats().await;
    assert!(matches!(failed, Err(RequestError::WorkerGone(_))));
    let last = async {
        loop {
            match consumer.next().await {
                Some(ConsumerEvent::Score(_)) => {}
                other => return other,
            }
        }
    };
    let last = within("the consumer's last event", last).await;
    let expected = ConsumerEvent::Closed(CloseReason::WorkerGone(gone.clone()));
    assert_eq!(last, Some(expected));
    assert!(!is_there(pid), "it was waited for");
    UdpSocket::bind(address).await.unwrap();

    let restarted = within("a restart", events.next()).await.unwrap();
    let WorkerPoolEvent::Restarted { index: 0, pid } = restarted else {
        panic!("{restarted:?}");
    };
    assert!(killed.elapsed() >= RestartPolicy::default().min_delay);
    let call = on_pool(&pool).await;
    assert_eq!(call.worker.pid(), pid);
    let again = call.publisher().await;
    let watching = call.subscriber(&again).await;
    watching.until_frames(1).await;
    let outage = killed.elapsed();
    assert!(outage < Duration::from_secs(3), "{outage:?}");

    pool.close().await;
    assert!(!is_there(pid));
}

async fn on_pool(pool: &WorkerPool) -> Call {
    let pooled = pool.least_loaded().unwrap();
    Call::on(pooled.worker, pooled.web_rtc_server.unwrap()).await
}

/// `tureen serve`, killed at the end.
struct Server(Child);

impl Server {
    fn start(workers: usize) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_tureen"))
            .args(["serve", "--listen=127.0.0.1:0", "--rtc-listen=127.0.0.1"])
            .arg(format!("--workers={workers}"))
            .arg(format!("--rtc-port={}", free_ports(workers)))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self(child);
        let mut line = String::new();
        let stdout = server.0.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        assert!(line.contains("is ready"), "{line:?}");
        server
    }
}

/// The first of `count` ports that are free one after the other, for UDP and TCP.
fn free_ports(count: usize) -> u16 {
    let is_free = |port: u16| {
        std::net::UdpSocket::bind((LOOPBACK, port)).is_ok()
            && std::net::TcpListener::bind((LOOPBACK, port)).is_ok()
    };
    // Below the ports that the system gives out by itself.
    let mut first = (20_000..30_000).step_by(count);
    first
        .find(|first| (*first..).take(count).all(is_free))
        .unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn workers_end_when_their_controller_is_killed() {
    let mut server = Server::start(2);
    let workers = children(server.0.id());
    assert_eq!(workers.len(), 2);
    server.0.kill().unwrap();
    server.0.wait().unwrap();
    eventually("their end", || {
        let alive = workers.iter().any(|pid| is_alive(*pid));
        (!alive).then_some(())
    });
}

#[test]
fn deaths_leave_no_descriptor_and_no_process_behind() {
    let server = Server::start(1);
    let pid = server.0.id();
    let [mut worker] = children(pid)[..] else {
        panic!("one worker");
    };
    let open = descriptors(pid);
    for _ in 0..2 {
        kill(raw(worker), Signal::SIGKILL).unwrap();
        // The next one is there, and as much is open as before.
        let successor = eventually("a successor", || match children(pid)[..] {
            [successor] if successor != worker && descriptors(pid) == open => Some(successor),
            _ => None,
        });
        assert!(!is_there(worker), "it was waited for");
        worker = successor;
    }
}

/// Calls `look` until it finds something. There is no other way to wait for another process.
#[expect(
    clippy::disallowed_methods,
    reason = "the state of another process raises no event here"
)]
fn eventually<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let start = std::time::Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < crate::DEADLINE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process runs; one that has ended and that nobody has waited for does not.
fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

fn raw(pid: u32) -> Pid {
    Pid::from_raw(i32::try_from(pid).unwrap())
}
