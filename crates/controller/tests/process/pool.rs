//! A pool of real workers, one of which dies.

use std::num::NonZeroUsize;
use std::time::Duration;

use tureen_controller::{
    ExitReason, ListenInfo, RestartPolicy, SpawnError, WebRtcTransportOptions, WorkerPool,
    WorkerPoolError, WorkerPoolEvent, WorkerPoolSettings,
};

use crate::fake_worker::{Program, is_there};

fn settings(program: &Program, workers: usize) -> WorkerPoolSettings {
    WorkerPoolSettings {
        workers: NonZeroUsize::new(workers),
        worker: program.settings(),
        web_rtc_server: vec![ListenInfo::udp("127.0.0.1".parse().unwrap()).with_port(44_444)],
        restart: RestartPolicy {
            min_delay: Duration::from_millis(10),
            ..Default::default()
        },
    }
}

pub(crate) async fn a_dead_worker_is_reported_and_replaced() {
    let program = Program::new("exits-on-dump");
    let pool = WorkerPool::start(settings(&program, 2)).await.unwrap();
    let mut events = pool.events();
    let first = pool.least_loaded().unwrap();
    let router = first.worker.create_router(&[]).await.unwrap();
    let second = pool.least_loaded().unwrap();
    assert_ne!(first.index, second.index, "the other one has fewer routers");

    assert!(first.worker.dump().await.is_err(), "it dies of this");
    let Some(WorkerPoolEvent::Died { index, gone, lost }) = events.next().await else {
        panic!("a death is reported");
    };
    assert_eq!((index, gone.reason()), (first.index, &ExitReason::Code(9)));
    assert_eq!(lost.routers, [router.id().clone()]);
    assert_eq!(lost.web_rtc_servers.len(), 1);
    let Some(WorkerPoolEvent::Restarted { index, pid }) = events.next().await else {
        panic!("another worker takes its place");
    };
    assert_eq!(index, first.index);
    let workers = pool.workers();
    assert_eq!(workers.len(), 2);
    assert_eq!(workers[index].worker.pid(), pid);
    assert_ne!(pid, first.worker.pid());
    assert!(workers[index].worker.create_router(&[]).await.is_ok());
    pool.close().await;
    assert!(pool.workers().is_empty());
}

pub(crate) async fn load_is_more_than_the_number_of_routers() {
    let program = Program::new("normal");
    let pool = WorkerPool::start(settings(&program, 2)).await.unwrap();
    let [first, second] = &pool.workers()[..] else {
        panic!("two workers");
    };
    let busy = first.worker.create_router(&[]).await.unwrap();
    let mut transports = Vec::new();
    for _ in 0..3 {
        let server = first.web_rtc_server.clone().unwrap();
        let options = WebRtcTransportOptions::with_server(server);
        transports.push(busy.create_web_rtc_transport(options).await.unwrap());
    }
    let idle = [
        second.worker.create_router(&[]).await.unwrap(),
        second.worker.create_router(&[]).await.unwrap(),
    ];
    assert_eq!(first.worker.load(), second.worker.load() + 2);
    assert_eq!(pool.least_loaded().unwrap().index, second.index);
    transports.clear();
    assert_eq!(pool.least_loaded().unwrap().index, first.index);
    drop(idle);
    pool.close().await;
}

pub(crate) async fn closing_leaves_no_process() {
    let program = Program::new("normal");
    let pool = WorkerPool::start(settings(&program, 2)).await.unwrap();
    let pids: Vec<_> = pool
        .workers()
        .iter()
        .map(|entry| entry.worker.pid())
        .collect();
    let mut events = pool.events();
    pool.close().await;
    assert!(pids.iter().all(|pid| !is_there(*pid)));
    assert_eq!(events.try_next(), None, "nobody died");

    let pool = WorkerPool::start(settings(&program, 1)).await.unwrap();
    let worker = pool.workers().remove(0).worker;
    let mut events = worker.events();
    drop((pool, worker));
    assert!(
        events.next().await.is_some(),
        "without a handle the workers close"
    );
}

pub(crate) async fn a_failed_start_leaves_no_process() {
    let program = Program::new("wrong-settings");
    let error = WorkerPool::start(settings(&program, 2))
        .await
        .err()
        .unwrap();
    let WorkerPoolError::Spawn { index, source } = error else {
        panic!("{error}");
    };
    assert_eq!(index, 0);
    assert!(matches!(source, SpawnError::WrongSettings { .. }));
    assert!(!is_there(program.pid()));
}
