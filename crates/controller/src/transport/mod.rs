//! What transports of all kinds share: their place in a router, Producers and Consumers, names,
//! limits, statistics, closing. A kind adds its own options, parameters, requests and events; its
//! handle is an `Arc` of a [`Core`] with the methods of [`transport_handle`].

mod core;
mod dump;
mod naming;
mod requests;
mod stats;
mod tuple;

pub(crate) use self::core::{Core, Home};
pub(crate) use dump::read_transport_dump;
pub use dump::{RtpListenerDump, TransportDump};
pub(crate) use naming::Naming;
pub(crate) use requests::{CloseTransport, base_options};
pub use stats::TransportStats;
pub(crate) use stats::read_transport_stats;
pub use tuple::TransportTuple;
pub(crate) use tuple::{read_optional_tuple, read_tuple};

use crate::entity::Kind;

/// What tells one kind of transport from another.
pub(crate) trait TransportKind: Kind<State: Default, Close = CloseTransport> {
    /// What the handle of this kind keeps beside what it shares with the others.
    type Own: Send + Sync;
}

/// The methods that the handle of every kind of transport has. The handle has a field `core`.
macro_rules! transport_handle {
    ($handle:ident, $event:ty) => {
        $crate::entity::entity_handle!(
            $handle,
            core.owned,
            $event,
            "Closes it with its Producers and Consumers."
        );

        impl $handle {
            /// Its id.
            pub fn id(&self) -> &$crate::ids::TransportId {
                &self.core.id
            }

            /// The router it lives in.
            pub fn router(&self) -> &$crate::router::Router {
                &self.core.router
            }

            /// Asks the endpoint not to send more than this, in bit/s; 0 for no limit.
            pub async fn set_max_incoming_bitrate(
                &self,
                bitrate: u64,
            ) -> Result<(), $crate::channel::RequestError> {
                self.core.set_max_incoming_bitrate(bitrate).await
            }

            /// Takes in a source that the endpoint sends.
            pub async fn produce(
                &self,
                options: $crate::producer::ProducerOptions,
            ) -> Result<$crate::producer::Producer, $crate::producer::ProduceError> {
                $crate::producer::Producer::create(self.core.clone(), options).await
            }

            /// Sends a source of the router to the endpoint.
            ///
            /// Several may be asked for at a time, and are best: the requests leave at once, in the
            /// order in which the futures are first polled, and the worker answers in that order.
            /// So many Consumers cost one round trip.
            pub async fn consume(
                &self,
                options: $crate::consumer::ConsumerOptions,
            ) -> Result<$crate::consumer::Consumer, $crate::consumer::ConsumeError> {
                $crate::consumer::Consumer::create(self.core.clone(), options).await
            }
        }
    };
}
pub(crate) use transport_handle;
