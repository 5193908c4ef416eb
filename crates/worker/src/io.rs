//! The shell: sockets, pipes, signals, the clock and the loop that drives the core with them. The
//! only user of mio, nix and libc, and of `unsafe`.
//!
//! [`event_loop`] alone knows the core. It reads the clock once per batch, gives the core what
//! [`sockets`] has received, and sends what comes out before it asks for more. Only the poll
//! blocks. If the system does not take a packet, the packet waits for a moment where that helps.
//! Else it is lost and [`counters`] counts it by reason.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the shell is where the clock and the sockets are"
)]

mod bind;
mod counters;
mod event_loop;
mod intake;
mod pipe;
mod run;
mod signals;
mod sockets;
mod stderr;
mod sys_linux;
mod tcp;
mod token;
mod turns;
mod udp;
mod usage;

pub use run::run;
