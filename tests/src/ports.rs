//! A [`Binder`] without sockets: a table of ports.

use std::net::SocketAddr;

use tureen_worker::internal::binder::{BindError, BindOptions, Binder, Bound};
use tureen_worker::internal::output::SocketKey;

/// Every port is free until it is bound, except those that a test has taken away.
#[derive(Debug, Default)]
pub struct Ports {
    open: Vec<(SocketKey, SocketAddr)>,
    taken: Vec<SocketAddr>,
    next_key: u32,
}

impl Ports {
    /// Another process has the port.
    pub fn take_away(&mut self, address: SocketAddr) {
        self.taken.push(address);
    }

    /// The socket that is bound to `address`.
    #[must_use]
    pub fn at(&self, address: SocketAddr) -> Option<SocketKey> {
        let mut open = self.open.iter();
        open.find(|(_, local)| *local == address)
            .map(|(key, _)| *key)
    }

    /// How many sockets are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.len()
    }

    fn bind(&mut self, mut local: SocketAddr) -> Result<Bound, BindError> {
        let is_used = |address: &SocketAddr| {
            self.taken.contains(address) || self.open.iter().any(|(_, other)| other == address)
        };
        if local.port() == 0 {
            let free =
                (EPHEMERAL..=u16::MAX).find(|port| !is_used(&SocketAddr::new(local.ip(), *port)));
            local.set_port(free.ok_or(BindError::InUse(local))?);
        } else if is_used(&local) {
            return Err(BindError::InUse(local));
        }
        let socket = SocketKey(self.next_key);
        self.next_key += 1;
        self.open.push((socket, local));
        Ok(Bound { socket, local })
    }
}

impl Binder for Ports {
    fn bind_udp(&mut self, local: SocketAddr, _: &BindOptions) -> Result<Bound, BindError> {
        self.bind(local)
    }

    fn bind_tcp(&mut self, local: SocketAddr, _: &BindOptions) -> Result<Bound, BindError> {
        self.bind(local)
    }

    fn close(&mut self, socket: SocketKey) {
        self.open.retain(|(key, _)| *key != socket);
    }
}

/// The first port for a request that asks for any port.
const EPHEMERAL: u16 = 32_768;
