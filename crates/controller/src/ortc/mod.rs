//! ORTC negotiation: which codecs, header extensions and streams two sides have in common.
//!
//! Pure functions with the results of mediasoup 3.27.1's `ortc` module, checked against it on
//! the same inputs (`tests/interop/ortc`). Nothing here draws a random number: SSRCs come in as
//! arguments.
//!
//! The way of a source through a router:
//!
//! 1. [`generate_router_rtp_capabilities`] makes the router's capabilities from its media codecs;
//! 2. [`get_producer_rtp_parameters_mapping`] says how the worker renumbers what a Producer
//!    sends, and [`get_consumable_rtp_parameters`] what the source looks like afterwards;
//! 3. [`can_consume`] and [`get_consumer_rtp_parameters`] cut that down to what one endpoint can
//!    receive; [`get_pipe_consumer_rtp_parameters`] keeps all of it for another router, and
//!    [`get_endpoint_rtp_parameters`] says what one endpoint may be sent before there is a source.

mod codec_match;
mod consumer;
mod error;
mod h264;
mod numbering;
mod producer;
mod router;
mod supported;
mod validate;

pub use consumer::{
    ConsumerNegotiation, ConsumerSsrcs, can_consume, get_consumer_rtp_parameters,
    get_pipe_consumer_rtp_parameters,
};
pub use error::OrtcError;
pub use numbering::get_endpoint_rtp_parameters;
pub(crate) use numbering::{in_numbers_of, with_ids_of};
pub use producer::{get_consumable_rtp_parameters, get_producer_rtp_parameters_mapping};
pub use router::generate_router_rtp_capabilities;
pub use supported::supported_rtp_capabilities;
pub use validate::{
    validate_rtp_capabilities, validate_rtp_codec_capability, validate_rtp_parameters,
};
