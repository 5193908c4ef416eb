//! What a transport reports to the graph.

use crate::messages::Event;
use crate::output::Path;
use crate::params::{DtlsState, IceState, Tuple};
use crate::srtp::{SrtpReceive, SrtpSend};

use super::destination::Destination;

/// What changed, in the order in which the controller is told (docs/channel.md §7).
pub(crate) enum TransportEvent {
    /// What comes on this path belongs to the transport.
    TupleAdded(Path),
    /// It does so no more.
    TupleRemoved(Path),
    /// Packets take this path from now on. The tuple is the path as the controller sees it.
    Selected(Path, Option<Tuple>),
    /// There is no way to the remote any more.
    PathLost,
    /// An address of the remote was learned from its packets.
    Learned {
        /// Where packets go from now on.
        destination: Destination,
        /// What the controller is told.
        event: Event,
    },
    /// The ICE state changed.
    IceState(IceState),
    /// Requests with this local username fragment no longer belong to the transport.
    UsernameFragmentRetired(String),
    /// The DTLS state changed, not to connected.
    DtlsState(DtlsState),
    /// DTLS is connected: here are the keys.
    Connected {
        send: Box<SrtpSend>,
        receive: Box<SrtpReceive>,
        remote_certificate: String,
    },
    /// DTLS is over: the keys are void.
    Disconnected,
}
