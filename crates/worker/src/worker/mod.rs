//! Stand-in: echoes datagrams.

use std::collections::VecDeque;
use std::time::Duration;

use crate::binder::{BindOptions, Binder};
use crate::error::RequestError;
use crate::log::Log;
use crate::messages::{Event, Message, Notification, Outgoing, RequestBody, Response};
use crate::output::{Batch, Output, Path, SocketKey};
use crate::params::PortRange;
use crate::settings::CertificatePem;
use crate::time::{ClockAnchor, Instant};

pub(crate) struct CoreSettings {
    pub(crate) seed: [u8; 32],
    pub(crate) pid: u32,
    pub(crate) clock: ClockAnchor,
    pub(crate) ports: PortRange,
    pub(crate) certificate: Option<CertificatePem>,
    pub(crate) log: Log,
}

pub(crate) enum Drain {
    Drained,
    More,
}

pub(crate) struct Worker {
    settings: CoreSettings,
    outgoing: VecDeque<Outgoing>,
    echoes: VecDeque<(Path, Vec<u8>)>,
    bound: Vec<(SocketKey, Path)>,
    timer: Option<(Instant, u32)>,
    is_closed: bool,
}

fn answer(id: u32, text: &str) -> Outgoing {
    let result = Err(RequestError::Failed(text.to_owned()));
    Outgoing::Response(Box::new(Response { id, result }))
}

impl Worker {
    pub(crate) fn new(settings: CoreSettings, _: Instant) -> Self {
        let _ = (
            &settings.seed,
            &settings.clock,
            &settings.ports,
            &settings.certificate,
        );
        let running = Outgoing::Notification(Notification {
            handler_id: settings.pid.to_string(),
            event: Event::WorkerRunning,
        });
        Self {
            settings,
            outgoing: [running].into(),
            echoes: VecDeque::new(),
            bound: Vec::new(),
            timer: None,
            is_closed: false,
        }
    }

    pub(crate) fn handle_datagrams(&mut self, _: Instant, batch: &mut Batch) {
        for index in 0..batch.len() {
            let Some((path, _, bytes)) = batch.get_mut(index) else {
                return;
            };
            if !self.bound.iter().any(|(_, known)| *known == path) {
                self.bound.push((path.socket, path));
            }
            self.echoes.push_back((path, bytes.to_vec()));
        }
    }

    pub(crate) fn handle_message(
        &mut self,
        now: Instant,
        message: Message,
        binder: &mut dyn Binder,
    ) {
        let request = match message {
            Message::Request(request) => request,
            Message::Close => return self.close(now, binder),
            Message::Refused(_) => return,
        };
        let id = request.id;
        match request.body {
            RequestBody::WorkerDump => {
                let local = "127.0.0.1:0".parse().unwrap();
                let udp = binder.bind_udp(local, &BindOptions::default()).unwrap();
                let tcp = binder.bind_tcp(local, &BindOptions::default()).unwrap();
                let text = format!("{} {}", udp.local.port(), tcp.local.port());
                self.outgoing.push_back(answer(id, &text));
            }
            RequestBody::WorkerGetResourceUsage(_) => {
                self.timer = Some((now + Duration::from_millis(30), id));
            }
            RequestBody::RouterDump => {
                for _ in 0..2000 {
                    self.outgoing.push_back(answer(id, &"x".repeat(1000)));
                }
            }
            _ => self.outgoing.push_back(answer(id, "other")),
        }
    }

    pub(crate) fn handle_path_closed(&mut self, _: Instant, path: Path) {
        self.outgoing
            .push_back(Outgoing::Log(format!("X closed {path:?}")));
    }

    pub(crate) fn handle_timeout(&mut self, _: Instant) {
        if let Some((_, id)) = self.timer.take() {
            self.outgoing.push_back(answer(id, "later"));
        }
    }

    pub(crate) fn drain(&mut self, _: Instant, output: &mut Output) -> Drain {
        while let Some((path, bytes)) = self.echoes.front() {
            let Some(slot) = output.slot() else {
                return Drain::More;
            };
            slot[..bytes.len()].copy_from_slice(bytes);
            output.commit(*path, bytes.len());
            self.echoes.pop_front();
        }
        Drain::Drained
    }

    pub(crate) fn poll_message(&mut self) -> Option<Outgoing> {
        let line = self
            .settings
            .log
            .pop()
            .map(|line| Outgoing::Log(line.to_string()));
        line.or_else(|| self.outgoing.pop_front())
    }

    pub(crate) fn wants_messages(&self) -> bool {
        self.outgoing.len() < 100
    }

    pub(crate) fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        Some((self.timer?.0, "timer"))
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed
    }

    pub(crate) fn close(&mut self, _: Instant, binder: &mut dyn Binder) {
        for (socket, path) in self.bound.drain(..) {
            self.echoes.push_back((path, b"goodbye".to_vec()));
            binder.close(socket);
        }
        self.is_closed = true;
    }
}
