//! The shell: sockets, pipes, signals, the clock and the loop that drives the core with them. The
//! only user of mio, nix and libc, and of `unsafe`.
//!
//! [`event_loop`] alone knows the core. It reads the clock once per batch, gives the core what
//! [`sockets`] has received, and sends what comes out before it asks for more. Nothing blocks but
//! the poll. What the system does not take is lost, under a name of its own in [`counters`].

mod bind;
mod counters;
mod event_loop;
mod intake;
mod pipe;
mod run;
mod signals;
mod sockets;
mod sys_linux;
mod tcp;
mod token;
mod udp;
mod usage;

pub use run::run;
