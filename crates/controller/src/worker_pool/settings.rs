//! How a pool is made, and when it replaces a dead worker.

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use super::{Slot, WorkerPoolError};
use crate::listen_info::{ListenInfo, PortRange};
use crate::worker::WorkerSettings;

/// How a [`WorkerPool`](super::WorkerPool) is made.
#[derive(Clone, Debug, Default)]
pub struct WorkerPoolSettings {
    /// Number of workers. Default one per core.
    pub workers: Option<NonZeroUsize>,
    /// How each is started. `rtc_ports` is divided among them.
    pub worker: WorkerSettings,
    /// Where the WebRtcServer of the first worker listens; that of the next one listens one port
    /// higher, and so on. Default none, which means no WebRtcServers.
    pub web_rtc_server: Vec<ListenInfo>,
    /// When a dead worker is replaced.
    pub restart: RestartPolicy,
}

/// When a dead worker is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    /// Delay after the first death; it doubles from one death to the next. Default 0.5 s.
    pub min_delay: Duration,
    /// Longest delay. Default 30 s.
    pub max_delay: Duration,
    /// When a worker has lived this long, its death counts as the first one again. Default 60 s.
    pub stable_after: Duration,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            min_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(30),
            stable_after: Duration::from_secs(60),
        }
    }
}

impl WorkerPoolSettings {
    /// What each worker gets.
    pub(super) fn slots(&self) -> Result<Vec<Slot>, WorkerPoolError> {
        let one_per_core = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let workers = self.workers.unwrap_or_else(one_per_core).get();
        let slot = |index| {
            let mut settings = self.worker.clone();
            settings.rtc_ports = share(self.worker.rtc_ports, index, workers)?;
            let listen_infos = self
                .web_rtc_server
                .iter()
                .map(|info| shifted(info, index, workers));
            Ok(Slot {
                index,
                settings,
                listen_infos: listen_infos.collect::<Result<_, _>>()?,
            })
        };
        (0..workers).map(slot).collect()
    }
}

/// The `index`th of `workers` equal parts of a port range.
fn share(ports: PortRange, index: usize, workers: usize) -> Result<PortRange, WorkerPoolError> {
    let not_enough = || WorkerPoolError::NotEnoughPorts {
        workers,
        first: ports.min,
    };
    let total = usize::from(ports.max.checked_sub(ports.min).ok_or_else(not_enough)?) + 1;
    let each = total / workers;
    let first = usize::from(ports.min) + index * each;
    let last = (first + each).checked_sub(1).filter(|last| *last >= first);
    match (u16::try_from(first), last.map(u16::try_from)) {
        (Ok(min), Some(Ok(max))) => Ok(PortRange { min, max }),
        _ => Err(not_enough()),
    }
}

/// The same address with the port of the `index`th worker. Port 0 means any port and stays 0.
fn shifted(info: &ListenInfo, index: usize, workers: usize) -> Result<ListenInfo, WorkerPoolError> {
    if info.port == 0 {
        return Ok(info.clone());
    }
    let offset = u16::try_from(index).ok();
    let port = offset.and_then(|offset| info.port.checked_add(offset));
    match port {
        Some(port) => Ok(info.clone().with_port(port)),
        None => Err(WorkerPoolError::NotEnoughPorts {
            workers,
            first: info.port,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(workers: usize, min: u16, max: u16, port: u16) -> WorkerPoolSettings {
        let ip = "127.0.0.1".parse().unwrap();
        let mut settings = WorkerPoolSettings {
            workers: NonZeroUsize::new(workers),
            web_rtc_server: vec![ListenInfo::udp(ip).with_port(port), ListenInfo::tcp(ip)],
            ..Default::default()
        };
        settings.worker.rtc_ports = PortRange { min, max };
        settings
    }

    #[test]
    fn each_worker_has_ports_of_its_own() {
        let slots = settings(3, 10_000, 10_009, 44_444).slots().unwrap();
        let ports = |slot: &Slot| (slot.settings.rtc_ports.min, slot.settings.rtc_ports.max);
        assert_eq!(ports(&slots[0]), (10_000, 10_002));
        assert_eq!(ports(&slots[2]), (10_006, 10_008));
        assert_eq!(slots[2].listen_infos[0].port, 44_446);
        assert_eq!(slots[2].listen_infos[1].port, 0);
    }

    #[test]
    fn too_few_ports_are_refused() {
        assert!(settings(3, 10_000, 10_001, 44_444).slots().is_err());
        assert!(settings(3, 10_001, 10_000, 44_444).slots().is_err());
        assert!(settings(3, 10_000, 10_009, 65_534).slots().is_err());
        assert!(settings(1, 65_535, 65_535, 65_535).slots().is_ok());
    }
}
