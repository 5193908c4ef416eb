//! Recordings and the live tree of a real worker.

use std::fs;
use std::time::Duration;

use tureen_channel_dump::{Event, Filter, Message, RecordingReader, Secrets, Session};
use tureen_controller::{ChannelObserver, LiveTree, Worker, WorkerSettings};

use crate::fake_worker::Program;

pub(crate) async fn a_worker_is_recorded_from_its_first_word_on() {
    let program = Program::new("normal");
    let directory = program.directory().join("record");
    let observer = ChannelObserver::recording_to(&directory);
    let worker = Worker::spawn(settings(&program, &observer)).await.unwrap();
    worker.create_router(&[]).await.unwrap();
    let pid = worker.pid();
    worker.close().await;
    drop(worker);
    observer.recordings_written().await;

    let path = fs::read_dir(&directory)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let file = fs::File::open(path).unwrap();
    let mut reader = RecordingReader::new(file).unwrap();
    assert_eq!(
        (reader.header().pid, reader.header().name.as_str()),
        (pid, "worker")
    );
    let mut session = Session::new(Secrets::Hidden, Filter::default());
    let mut told = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        for entry in session.record(pid, &record) {
            told.push(match entry.event {
                Event::Frame {
                    message: Ok(Message::Response { .. }),
                    request: Some(request),
                    ..
                } => {
                    let latency = entry.at.checked_sub(request.at);
                    assert!(latency.is_some_and(|latency| latency < Duration::from_secs(60)));
                    format!("{} answered", request.method)
                }
                Event::Frame {
                    message: Ok(message),
                    ..
                } => message.name().unwrap_or_default().to_owned(),
                other => format!("{other:?}"),
            });
        }
    }
    assert_eq!(told[0], "WORKER_RUNNING");
    assert_eq!(
        told[1..3],
        ["WORKER_CREATE_ROUTER", "WORKER_CREATE_ROUTER answered"]
    );
    assert!(told.contains(&"WORKER_CLOSE".to_owned()), "{told:?}");
    assert_eq!(told.last().unwrap(), "End");
}

pub(crate) async fn the_live_tree_is_what_the_workers_say() {
    let observer = ChannelObserver::new();
    let program = Program::new("normal");
    let worker = Worker::spawn(settings(&program, &observer)).await.unwrap();
    let router = worker.create_router(&[]).await.unwrap();
    let tree = observer.tree().await;
    let shown = &tree["workers"][0];
    assert_eq!(shown["pid"], worker.pid());
    assert_eq!(shown["dump"]["router_ids"][0], router.id().as_str());
    assert_eq!(shown["routers"][0]["id"], router.id().as_str());
    // This worker has no dumps of routers.
    assert_eq!(shown["routers"][0]["error"], "an answer without a body");
    worker.close().await;
    assert_eq!(
        observer.tree().await["workers"].as_array().unwrap().len(),
        0
    );
}

fn settings(program: &Program, observer: &ChannelObserver) -> WorkerSettings {
    WorkerSettings {
        observer: Some(observer.clone()),
        ..program.settings()
    }
}
