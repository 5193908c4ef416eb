//! A router: the transports among which producers and consumers meet. It holds keys only; packets
//! cross it in [`forward`].

mod forward;

pub(crate) use forward::{Ends, FanOut};

use crate::ids::TransportKey;

/// A router of the worker.
pub(crate) struct Router {
    pub(crate) id: String,
    /// In the order of creation; removal swaps the last into the hole.
    pub(crate) transports: Vec<TransportKey>,
}
