//! The [`Link`] between real processes: a relay of UDP datagrams in user space. It needs no
//! emulator in the kernel.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};

use crate::link::{Link, LinkConfig};

/// Relays between whoever sends to its address and one upstream. Each client gets links and an
/// upstream socket of its own, so that the upstream can tell clients apart.
#[derive(Debug)]
pub struct Relay {
    poll: Poll,
    front: UdpSocket,
    upstream: SocketAddr,
    up: LinkConfig,
    down: LinkConfig,
    seed: u64,
    clients: Vec<Client>,
    start: Instant,
}

#[derive(Debug)]
struct Client {
    address: SocketAddr,
    back: UdpSocket,
    up: Link,
    down: Link,
}

impl Relay {
    /// Binds `listen`, to relay to `upstream`. The links of the nth client are seeded by `seed` +
    /// n.
    ///
    /// # Errors
    ///
    /// What the system refuses.
    pub fn bind(
        listen: SocketAddr,
        upstream: SocketAddr,
        up: LinkConfig,
        down: LinkConfig,
        seed: u64,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut front = UdpSocket::bind(listen)?;
        poll.registry()
            .register(&mut front, FRONT, Interest::READABLE)?;
        Ok(Self {
            poll,
            front,
            upstream,
            up,
            down,
            seed,
            clients: Vec::new(),
            start: Instant::now(),
        })
    }

    /// Where clients send to.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.front.local_addr()
    }

    /// Relays as long as `go_on` returns `true`. It is asked after each wake-up, and at least every
    /// tenth of a second.
    ///
    /// # Errors
    ///
    /// What the system says when it can be waited for no more.
    pub fn run(&mut self, mut go_on: impl FnMut() -> bool) -> io::Result<()> {
        let mut events = Events::with_capacity(64);
        while go_on() {
            let now = self.start.elapsed();
            let links = self.clients.iter().flat_map(|c| [&c.up, &c.down]);
            let due = links.filter_map(Link::poll_timeout).min();
            let wait = due.map_or(TICK, |at| at.saturating_sub(now).min(TICK));
            match self.poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            self.receive()?;
            self.send();
        }
        Ok(())
    }

    fn receive(&mut self) -> io::Result<()> {
        let now = self.start.elapsed();
        let mut buffer = [0; 65_536];
        while let Ok((len, from)) = self.front.recv_from(&mut buffer) {
            let number = match self.clients.iter().position(|c| c.address == from) {
                Some(number) => number,
                None => self.add_client(from)?,
            };
            self.clients[number].up.handle_packet(now, &buffer[..len]);
        }
        for client in &mut self.clients {
            while let Ok(len) = client.back.recv(&mut buffer) {
                client.down.handle_packet(now, &buffer[..len]);
            }
        }
        Ok(())
    }

    /// Sends the datagrams that have arrived. If a socket does not take one, it is lost, as on any
    /// link.
    fn send(&mut self) {
        let now = self.start.elapsed();
        for client in &mut self.clients {
            while let Some(packet) = client.up.poll(now) {
                let _ = client.back.send(&packet);
            }
            while let Some(packet) = client.down.poll(now) {
                let _ = self.front.send_to(&packet, client.address);
            }
        }
    }

    fn add_client(&mut self, address: SocketAddr) -> io::Result<usize> {
        let number = self.clients.len();
        let mut back = UdpSocket::bind(SocketAddr::new(self.front.local_addr()?.ip(), 0))?;
        back.connect(self.upstream)?;
        self.poll
            .registry()
            .register(&mut back, Token(number + 1), Interest::READABLE)?;
        let seed = self.seed.wrapping_add(number as u64);
        self.clients.push(Client {
            address,
            back,
            up: Link::new(self.up, seed),
            down: Link::new(self.down, !seed),
        });
        Ok(number)
    }
}

const FRONT: Token = Token(0);
const TICK: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::link::Loss;

    #[test]
    fn datagrams_come_through_late_or_not_at_all() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let echo = UdpSocket::bind(any).unwrap();
        echo.set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let slow = LinkConfig {
            delay: Duration::from_millis(30),
            ..LinkConfig::default()
        };
        let deaf = LinkConfig {
            loss: Loss::Random(1.0),
            ..LinkConfig::default()
        };
        let mut relay = Relay::bind(any, echo.local_addr().unwrap(), slow, deaf, 1).unwrap();
        let address = relay.address().unwrap();
        let running = Arc::new(AtomicBool::new(true));
        let go_on = Arc::clone(&running);
        let thread = std::thread::spawn(move || {
            relay.run(|| go_on.load(Ordering::Relaxed)).unwrap();
            relay.clients[0].down.counters().lost
        });

        let client = UdpSocket::bind(any).unwrap();
        let sent = Instant::now();
        client.send_to(b"hello", address).unwrap();
        let mut buffer = [0; 100];
        let (len, from) = echo.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..len], b"hello");
        assert_ne!(
            from,
            client.local_addr().unwrap(),
            "the relay is in between"
        );
        assert!(sent.elapsed() >= Duration::from_millis(30));
        // The answer goes into the direction that loses everything. The next question shows that
        // the first one arrived.
        echo.send_to(b"answer", from).unwrap();
        client.send_to(b"again", address).unwrap();
        echo.recv_from(&mut buffer).unwrap();
        running.store(false, Ordering::Relaxed);
        assert_eq!(thread.join().unwrap(), 1);
    }
}
