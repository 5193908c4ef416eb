//! Watching the channels of workers: recordings, and a socket to which `tureen dump` attaches.

mod followers;
mod observer;
mod socket;
mod tree;

pub use observer::ChannelObserver;
pub(crate) use observer::Tap;
pub use socket::{LiveSocket, LiveTree};

#[cfg(test)]
mod tests;
