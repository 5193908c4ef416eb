//! Counters of what the shell loses, by reason (docs/security.md rule 11). A lost packet changes a
//! counter and nothing else. A line is logged at most once a minute.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::time::Instant;

/// Counts of what was lost on the way in and out since the worker started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Losses {
    /// Datagrams that did not leave.
    pub(super) send: SendLosses,
    /// What did not come in.
    pub(super) receive: ReceiveLosses,
    /// What happened to TCP connections.
    pub(super) tcp: TcpLosses,
}

/// Datagrams that did not leave, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SendLosses {
    /// The socket had no room (`EAGAIN`, `ENOBUFS`, `ENOMEM`), and the queue of waiting datagrams
    /// was full.
    pub(super) backlog_full: u64,
    /// The datagram had waited for room in the socket for the maximum time.
    pub(super) waited_too_long: u64,
    /// A firewall or the kind of address forbids it (`EPERM`, `EACCES`).
    pub(super) not_permitted: u64,
    /// Longer than the path takes (`EMSGSIZE`).
    pub(super) too_big: u64,
    /// The remote cannot be reached (`ENETUNREACH`, `EHOSTUNREACH`, `ENETDOWN`, `EADDRNOTAVAIL`).
    pub(super) unreachable: u64,
    /// Any other reason.
    pub(super) other: u64,
    /// The core named a closed socket, or closed the socket while datagrams waited for room.
    pub(super) no_socket: u64,
}

/// What was dropped before the core saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ReceiveLosses {
    /// Datagrams or frames above the 1500 bytes that the worker takes.
    pub(super) too_big: u64,
    /// Datagrams that the kernel dropped because a socket's receive buffer was full.
    pub(super) queue_overflow: u64,
    /// Datagrams without a usable source address.
    pub(super) no_source: u64,
    /// Receive calls that failed.
    pub(super) failed: u64,
}

/// What happened to TCP connections and their frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TcpLosses {
    /// Frames that found the connection's send buffer full.
    pub(super) buffer_full: u64,
    /// Frames for a connection that is gone.
    pub(super) no_connection: u64,
    /// Connections that were closed at once, because there were too many and all of them were
    /// validated.
    pub(super) refused: u64,
    /// Connections closed to make room for newer ones, before ICE had validated them.
    pub(super) evicted: u64,
    /// Connections that ICE did not validate in time, or before they had sent too much.
    pub(super) unvalidated: u64,
    /// Accept calls that failed.
    pub(super) accept_failed: u64,
}

impl SendLosses {
    /// Counts `datagrams` lost to `error`.
    pub(super) fn count(&mut self, error: &io::Error, datagrams: usize) {
        let counter = match error.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => &mut self.not_permitted,
            Some(libc::EMSGSIZE) => &mut self.too_big,
            Some(libc::ENETUNREACH | libc::EHOSTUNREACH | libc::ENETDOWN | libc::EADDRNOTAVAIL) => {
                &mut self.unreachable
            }
            _ => &mut self.other,
        };
        *counter = counter.saturating_add(datagrams as u64);
    }
}

impl Losses {
    /// All counters by name.
    pub(super) fn named(&self) -> [(&'static str, u64); 17] {
        let Self { send, receive, tcp } = self;
        [
            ("send.backlog_full", send.backlog_full),
            ("send.waited_too_long", send.waited_too_long),
            ("send.not_permitted", send.not_permitted),
            ("send.too_big", send.too_big),
            ("send.unreachable", send.unreachable),
            ("send.other", send.other),
            ("send.no_socket", send.no_socket),
            ("receive.too_big", receive.too_big),
            ("receive.queue_overflow", receive.queue_overflow),
            ("receive.no_source", receive.no_source),
            ("receive.failed", receive.failed),
            ("tcp.buffer_full", tcp.buffer_full),
            ("tcp.no_connection", tcp.no_connection),
            ("tcp.refused", tcp.refused),
            ("tcp.evicted", tcp.evicted),
            ("tcp.unvalidated", tcp.unvalidated),
            ("tcp.accept_failed", tcp.accept_failed),
        ]
    }
}

impl fmt::Display for Losses {
    /// The counters that are not zero, as `name=count`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = self.named().into_iter().filter(|(_, count)| *count > 0);
        for (index, (name, count)) in counted.enumerate() {
            let gap = if index == 0 { "" } else { " " };
            write!(f, "{gap}{name}={count}")?;
        }
        Ok(())
    }
}

/// Decides when losses deserve a line: they have grown, and the last line is a minute old.
#[derive(Debug, Default)]
pub(super) struct LossReport {
    reported: Losses,
    at: Option<Instant>,
}

impl LossReport {
    /// The weight of the line to write now, if one is due. It asks for no wake-up of its own; the
    /// last losses are reported with the next activity.
    pub(super) fn due(&mut self, now: Instant, losses: &Losses) -> Option<Weight> {
        let waited = self.at.is_none_or(|at| now.since(at) >= REPORT_INTERVAL);
        if !waited || self.reported == *losses {
            return None;
        }
        let counts = losses.named().into_iter().zip(self.reported.named());
        let mut grown = counts.filter(|(now, then)| now != then);
        let is_ordinary = grown.all(|((name, _), _)| ORDINARY.contains(&name));
        self.reported = *losses;
        self.at = Some(now);
        Some(if is_ordinary {
            Weight::Ordinary
        } else {
            Weight::Odd
        })
    }
}

/// What losses mean to an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// They come with every call.
    Ordinary,
    /// Somebody may want to know why.
    Odd,
}

/// Browsers open connections that they do not choose in the end, and close those that they chose.
const ORDINARY: [&str; 2] = ["tcp.unvalidated", "tcp.no_connection"];

/// How often what was lost is told at most.
pub(super) const REPORT_INTERVAL: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_counter() {
        let mut losses = SendLosses::default();
        for (index, errno) in [libc::EPERM, libc::EMSGSIZE, libc::ENETUNREACH, libc::EIO]
            .into_iter()
            .enumerate()
        {
            losses.count(&io::Error::from_raw_os_error(errno), index + 1);
        }
        let losses = Losses {
            send: losses,
            ..Losses::default()
        };
        assert_eq!(
            losses.to_string(),
            "send.not_permitted=1 send.too_big=2 send.unreachable=3 send.other=4"
        );
    }

    #[test]
    fn losses_are_reported_once_a_minute_and_only_when_they_grow() {
        let (mut report, mut losses) = (LossReport::default(), Losses::default());
        let at = Instant::from_millis;
        assert_eq!(report.due(at(0), &losses), None);
        losses.tcp.unvalidated = 1;
        assert_eq!(report.due(at(1), &losses), Some(Weight::Ordinary));
        losses.tcp.unvalidated = 2;
        assert_eq!(report.due(at(60_000), &losses), None);
        assert_eq!(report.due(at(60_001), &losses), Some(Weight::Ordinary));
        assert_eq!(report.due(at(200_000), &losses), None);
        losses.tcp.refused = 1;
        losses.tcp.unvalidated = 3;
        assert_eq!(report.due(at(400_000), &losses), Some(Weight::Odd));
    }
}
