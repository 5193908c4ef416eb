//! The shell: sockets, pipes, signals, the clock and the loop that drives the core with them. The
//! only user of mio, nix and libc, and of `unsafe`.

mod bind;
mod counters;
mod intake;
mod pipe;
mod signals;
mod sockets;
mod sys_linux;
mod tcp;
mod token;
mod udp;
mod usage;

