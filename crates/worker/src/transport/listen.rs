//! Opening the sockets of a transport or a server, all of them or none.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use crate::binder::{BindError, BindOptions, Binder, Bound};
use crate::error::RequestError;
use crate::output::{Path, Protocol, SocketKey};
use crate::params::{ListenInfo, PortRange, Tuple};
use crate::rng::Rng;

/// An open socket and how it is shown to the outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListenSocket {
    /// Its name between core and shell.
    pub socket: SocketKey,
    /// Where it is bound.
    pub local: SocketAddr,
    /// What was asked for.
    pub info: ListenInfo,
}

/// The tuple of `path` as the channel shows it; the socket must be one of `sockets`.
#[must_use]
pub(super) fn shown_tuple(sockets: &[ListenSocket], path: Path) -> Option<Tuple> {
    let socket = sockets.iter().find(|socket| socket.socket == path.socket)?;
    Some(Tuple::new(path, &socket.info, socket.local))
}

/// Opens a socket for each of `infos`, in order. If one fails, those before it are closed again.
/// `ports_in_use` are the ports that the worker has already open for a protocol on an address. The
/// system would give them out again if ports may be shared.
///
/// # Errors
///
/// `TypeError` for malformed infos (none at all, an invalid IP, a maximum below its minimum),
/// `Error` for a socket that cannot be bound.
pub(crate) fn open(
    infos: &[ListenInfo],
    worker_ports: PortRange,
    ports_in_use: impl Fn(Protocol, IpAddr) -> BTreeSet<u16>,
    rng: &mut Rng,
    binder: &mut dyn Binder,
) -> Result<Vec<ListenSocket>, RequestError> {
    if infos.is_empty() {
        return Err(RequestError::invalid("listenInfos", "must not be empty"));
    }
    let plans = infos
        .iter()
        .map(|info| Plan::new(info, worker_ports))
        .collect::<Result<Vec<_>, _>>()?;
    let mut sockets = Vec::with_capacity(plans.len());
    for plan in &plans {
        let mut taken = BTreeSet::new();
        if plan.shares_a_range() {
            taken = ports_in_use(plan.info.protocol, plan.ip);
            taken.extend(sockets.iter().filter_map(|socket: &ListenSocket| {
                let is_alike =
                    socket.info.protocol == plan.info.protocol && socket.local.ip() == plan.ip;
                is_alike.then(|| socket.local.port())
            }));
        }
        match plan.open(&taken, rng, binder) {
            Ok(socket) => sockets.push(socket),
            Err(error) => {
                close(&sockets, binder);
                return Err(error);
            }
        }
    }
    Ok(sockets)
}

/// Closes all of `sockets`.
pub(super) fn close(sockets: &[ListenSocket], binder: &mut dyn Binder) {
    for socket in sockets {
        binder.close(socket.socket);
    }
}

/// A listen info that has been checked.
struct Plan<'a> {
    info: &'a ListenInfo,
    ip: IpAddr,
    ports: PortRange,
}

impl<'a> Plan<'a> {
    fn new(info: &'a ListenInfo, worker_ports: PortRange) -> Result<Self, RequestError> {
        let ip = info.ip.parse().map_err(|_| {
            RequestError::invalid("listenInfo.ip", format!("invalid IP {:?}", info.ip))
        })?;
        let range = info.port_range;
        if range.max < range.min {
            return Err(RequestError::invalid(
                "listenInfo.portRange",
                "max is lower than min",
            ));
        }
        // docs/channel.md §7: port_range (both non-zero) > port (non-zero) > the worker's own
        // range.
        let ports = if range.min != 0 && range.max != 0 {
            range
        } else if info.port != 0 {
            PortRange {
                min: info.port,
                max: info.port,
            }
        } else {
            worker_ports
        };
        Ok(Self { info, ip, ports })
    }

    /// Whether the system could give out a port of the range that is already in use.
    fn shares_a_range(&self) -> bool {
        self.info.flags.udp_reuse_port && self.ports.min < self.ports.max
    }

    fn open(
        &self,
        taken: &BTreeSet<u16>,
        rng: &mut Rng,
        binder: &mut dyn Binder,
    ) -> Result<ListenSocket, RequestError> {
        let options = BindOptions {
            ipv6_only: self.info.flags.ipv6_only,
            udp_reuse_port: self.info.flags.udp_reuse_port,
            send_buffer_size: self.info.send_buffer_size,
            recv_buffer_size: self.info.recv_buffer_size,
        };
        let bound = self.probe(rng, |local| match self.info.protocol {
            _ if taken.contains(&local.port()) => Err(BindError::InUse(local)),
            Protocol::Udp => binder.bind_udp(local, &options),
            Protocol::Tcp => binder.bind_tcp(local, &options),
        })?;
        Ok(ListenSocket {
            socket: bound.socket,
            local: bound.local,
            info: self.info.clone(),
        })
    }

    /// Tries every port of the range once, beginning with a random one.
    fn probe(
        &self,
        rng: &mut Rng,
        mut bind: impl FnMut(SocketAddr) -> Result<Bound, BindError>,
    ) -> Result<Bound, RequestError> {
        let PortRange { min, max } = self.ports;
        let count = u32::from(max) - u32::from(min) + 1;
        let start = rng.below(count);
        for step in 0..count {
            let offset = (start + step) % count;
            let port = u16::try_from(u32::from(min) + offset).unwrap_or(max);
            match bind(SocketAddr::new(self.ip, port)) {
                Ok(bound) => return Ok(bound),
                Err(BindError::InUse(_)) if count > 1 => {}
                Err(error) => return Err(RequestError::Failed(error.to_string())),
            }
        }
        Err(RequestError::Failed(format!(
            "no free port on {} from {min} to {max}",
            self.ip
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::SocketFlags;

    /// Ports below 1000 are taken, 9.9.9.9 is not ours.
    #[derive(Default)]
    struct Table {
        open: Vec<(SocketKey, SocketAddr)>,
    }

    impl Binder for Table {
        fn bind_udp(
            &mut self,
            local: SocketAddr,
            options: &BindOptions,
        ) -> Result<Bound, BindError> {
            let is_open = self.open.iter().any(|(_, other)| *other == local);
            if local.port() < 1000 || is_open && !options.udp_reuse_port {
                return Err(BindError::InUse(local));
            }
            if local.ip() == IpAddr::from([9, 9, 9, 9]) {
                return Err(BindError::NotAvailable(local));
            }
            let socket = SocketKey(u32::from(local.port()));
            self.open.push((socket, local));
            Ok(Bound { socket, local })
        }

        fn bind_tcp(
            &mut self,
            local: SocketAddr,
            options: &BindOptions,
        ) -> Result<Bound, BindError> {
            self.bind_udp(local, options)
        }

        fn close(&mut self, socket: SocketKey) {
            self.open.retain(|(other, _)| *other != socket);
        }
    }

    fn info(ip: &str, port: u16, min: u16, max: u16) -> ListenInfo {
        ListenInfo {
            protocol: Protocol::Udp,
            ip: ip.into(),
            announced_address: None,
            expose_internal_ip: false,
            port,
            port_range: PortRange { min, max },
            flags: SocketFlags::default(),
            send_buffer_size: 0,
            recv_buffer_size: 0,
        }
    }

    fn try_open(infos: &[ListenInfo], table: &mut Table) -> Result<Vec<u16>, RequestError> {
        let ports = PortRange {
            min: 2000,
            max: 2003,
        };
        let in_use: BTreeSet<_> = table.open.iter().map(|(_, local)| local.port()).collect();
        open(
            infos,
            ports,
            |_, _| in_use.clone(),
            &mut Rng::new([0; 32]),
            table,
        )
        .map(|sockets| sockets.iter().map(|socket| socket.local.port()).collect())
    }

    #[test]
    fn the_range_of_the_info_beats_its_port_beats_the_range_of_the_worker() {
        let mut table = Table::default();
        assert_eq!(
            try_open(&[info("127.0.0.1", 5000, 999, 1000)], &mut table),
            Ok(vec![1000])
        );
        assert_eq!(
            try_open(&[info("127.0.0.1", 5000, 0, 0)], &mut table),
            Ok(vec![5000])
        );
        let mut ports = try_open(&vec![info("127.0.0.1", 0, 0, 0); 4], &mut table).unwrap();
        ports.sort_unstable();
        assert_eq!(ports, [2000, 2001, 2002, 2003]);
        let error = try_open(&[info("127.0.0.1", 0, 0, 0)], &mut table).unwrap_err();
        assert_eq!(error.class(), "Error");
    }

    #[test]
    fn a_range_gives_out_each_port_once_also_when_ports_may_be_shared() {
        let mut table = Table::default();
        let mut shared = info("127.0.0.1", 0, 0, 0);
        shared.flags.udp_reuse_port = true;
        let mut ports = try_open(&[shared.clone(), shared.clone()], &mut table).unwrap();
        ports.extend(try_open(&[shared.clone(), shared.clone()], &mut table).unwrap());
        ports.sort_unstable();
        assert_eq!(ports, [2000, 2001, 2002, 2003]);
        assert!(try_open(&[shared.clone()], &mut table).is_err());
        shared.port = 2000;
        assert_eq!(try_open(&[shared], &mut table), Ok(vec![2000]));
    }

    #[test]
    fn a_failure_closes_what_was_opened_before_it() {
        let mut table = Table::default();
        let infos = [info("127.0.0.1", 5000, 0, 0), info("9.9.9.9", 5001, 0, 0)];
        assert_eq!(try_open(&infos, &mut table).unwrap_err().class(), "Error");
        assert!(table.open.is_empty());
    }

    #[test]
    fn malformed_infos_are_type_errors() {
        let mut table = Table::default();
        for infos in [
            vec![],
            vec![info("localhost", 0, 0, 0)],
            vec![info("127.0.0.1", 0, 3000, 2000)],
        ] {
            assert_eq!(
                try_open(&infos, &mut table).unwrap_err().class(),
                "TypeError"
            );
        }
        assert!(table.open.is_empty());
    }
}
