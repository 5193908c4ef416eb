//! How worker processes begin and end, well and badly.

use std::time::{Duration, Instant};

use tureen_controller::{
    ExitReason, RequestError, SpawnError, Worker, WorkerBinary, WorkerEvent, WorkerSettings,
};

use crate::fake_worker::{Program, is_there};

pub(crate) async fn starts_answers_and_closes() {
    let program = Program::new("normal");
    let worker = Worker::spawn(program.settings()).await.unwrap();
    assert_eq!(worker.pid(), program.pid());
    assert_eq!(worker.dump().await.unwrap().pid, worker.pid());
    assert_eq!(worker.gone(), None);

    let mut events = worker.events();
    let gone = worker.close().await;
    assert_eq!(gone.reason(), &ExitReason::Closed);
    assert!(!is_there(worker.pid()));
    assert_eq!(worker.close().await, gone, "closing twice is closing once");
    assert_eq!(worker.dump().await, Err(RequestError::WorkerGone(gone)));
    assert!(matches!(
        events.next().await,
        Some(WorkerEvent::Gone { .. })
    ));
    assert_eq!(events.next().await, None);
}

pub(crate) async fn the_last_handle_ends_the_process() {
    let program = Program::new("normal");
    let worker = Worker::spawn(program.settings()).await.unwrap();
    let mut events = worker.events();
    let router = worker.create_router(&[]).await.unwrap();
    let pid = worker.pid();
    drop(worker);
    assert_eq!(
        router.worker().dump().await.unwrap().pid,
        pid,
        "the router keeps it"
    );
    drop(router);
    let Some(WorkerEvent::Gone { gone, lost }) = events.next().await else {
        panic!("the worker goes on");
    };
    assert!(gone.was_closed() && lost.is_empty(), "{gone}, {lost:?}");
    assert!(!is_there(pid));
}

pub(crate) async fn refused_settings_are_told() {
    let program = Program::new("wrong-settings");
    let Err(SpawnError::WrongSettings { stderr }) = Worker::spawn(program.settings()).await else {
        panic!("exit code 42 means refused settings");
    };
    assert_eq!(stderr, ["first line", "no such option"]);
}

pub(crate) async fn an_early_exit_is_told() {
    let program = Program::new("early-exit");
    let Err(SpawnError::Exited(gone)) = Worker::spawn(program.settings()).await else {
        panic!("it exits before it is ready");
    };
    assert_eq!(gone.reason(), &ExitReason::Code(7));
}

pub(crate) async fn a_silent_worker_is_killed() {
    let program = Program::new("silent");
    let settings = WorkerSettings {
        start_timeout: Duration::from_secs(2),
        ..program.settings()
    };
    let outcome = Worker::spawn(settings).await;
    assert!(matches!(outcome, Err(SpawnError::Timeout(_))));
    assert!(!is_there(program.pid()));
}

pub(crate) async fn a_worker_that_does_not_close_is_killed() {
    let program = Program::new("does-not-close");
    let settings = WorkerSettings {
        close_timeout: Duration::from_millis(200),
        ..program.settings()
    };
    let worker = Worker::spawn(settings).await.unwrap();
    let begin = Instant::now();
    assert!(worker.close().await.was_closed());
    assert!(begin.elapsed() >= Duration::from_millis(200));
    assert!(!is_there(worker.pid()));
}

pub(crate) async fn a_death_resolves_what_waits() {
    let program = Program::new("exits-on-dump");
    let worker = Worker::spawn(program.settings()).await.unwrap();
    let router = worker.create_router(&[]).await.unwrap();
    let mut events = worker.events();
    let (first, second) = tokio::join!(worker.dump(), router.dump());
    let Err(RequestError::WorkerGone(gone)) = first else {
        panic!("{first:?}");
    };
    assert_eq!(gone.reason(), &ExitReason::Code(9));
    assert_eq!(gone.stderr(), ["last words"]);
    assert!(matches!(second, Err(RequestError::WorkerGone(_))));
    let Some(WorkerEvent::Gone { lost, .. }) = events.next().await else {
        panic!("a death is an event");
    };
    assert_eq!(lost.routers, [router.id().clone()]);
    assert!(router.is_closed());
    let late = worker.events().next().await;
    assert!(
        matches!(late, Some(WorkerEvent::Gone { .. })),
        "who asks late is told as well"
    );
}

pub(crate) async fn a_signal_is_told() {
    let program = Program::new("aborts-on-dump");
    let worker = Worker::spawn(program.settings()).await.unwrap();
    let Err(RequestError::WorkerGone(gone)) = worker.dump().await else {
        panic!("an aborted worker does not answer");
    };
    assert_eq!(gone.reason(), &ExitReason::Signal(6));
}

pub(crate) async fn a_broken_channel_ends_the_worker() {
    let program = Program::new("babbles-on-dump");
    let worker = Worker::spawn(program.settings()).await.unwrap();
    let Err(RequestError::WorkerGone(gone)) = worker.dump().await else {
        panic!("there is no answer in that stream");
    };
    assert!(matches!(gone.reason(), ExitReason::Channel(_)), "{gone}");
    assert!(!is_there(worker.pid()));
}

pub(crate) async fn a_worker_spawns_no_workers() {
    let program = Program::new("nested");
    let Err(SpawnError::WrongSettings { stderr }) = Worker::spawn(program.settings()).await else {
        panic!("the nested worker reports by exit code 42");
    };
    assert_eq!(stderr, ["refused inside a worker"]);
}

pub(crate) async fn the_current_executable_is_an_explicit_choice() {
    let settings = WorkerSettings {
        binary: WorkerBinary::CurrentExe,
        ..Default::default()
    };
    let Err(SpawnError::WrongSettings { stderr }) = Worker::spawn(settings).await else {
        panic!("this binary refuses a worker's own arguments");
    };
    let arguments = "arguments: --logLevel=error --rtcMinPort=10000 --rtcMaxPort=59999";
    assert_eq!(stderr, [arguments]);
}

pub(crate) async fn a_missing_binary_is_named() {
    let settings = WorkerSettings {
        binary: WorkerBinary::Path("/nowhere/tureen-worker".into()),
        ..Default::default()
    };
    let error = Worker::spawn(settings).await.err().unwrap().to_string();
    assert!(error.starts_with("/nowhere/tureen-worker: "), "{error}");
}

pub(crate) async fn a_worker_of_another_make_tells_what_it_knows() {
    let program = Program::new("normal");
    let worker = Worker::spawn(program.settings()).await.unwrap();
    let metrics = worker.metrics().await.unwrap();
    assert_eq!(metrics.resource_usage.ru_utime, 7);
    assert_eq!(metrics.details, None);
    worker.close().await;
}
