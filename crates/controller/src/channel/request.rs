//! What a type must say of itself to be sent as a request.

use tureen_channel_fbs::Payload;
use tureen_channel_fbs::fbs::request::{self, Method};
use tureen_channel_fbs::fbs::response::Response;
use tureen_channel_fbs::flatbuffers::FlatBufferBuilder;

/// What request bodies are built with.
pub(crate) type Fbb = FlatBufferBuilder<'static>;

/// A request to a worker: where it goes, its body, and how its response is read.
pub(crate) trait Request {
    /// What the worker is asked to do.
    const METHOD: Method;
    /// What it answers.
    type Response: Send + 'static;

    /// Id of the entity in the worker that takes the request; empty for the worker itself.
    fn handler_id(&self) -> &str;

    /// Builds the body, if the method has one.
    fn encode(&self, fbb: &mut Fbb) -> Option<Payload<request::Body>>;

    /// Reads the response to an accepted request; none when something is missing in it.
    fn decode(response: &Response<'_>) -> Option<Self::Response>;
}

/// A request that needs only a method and an entity. Its answer is the acceptance, or a value that
/// a function reads from the response.
///
/// ```text
/// plain_request! {
///     /// Pauses a Producer.
///     PauseProducer(ProducerId) = PRODUCER_PAUSE;
///     /// Asks what a worker holds of a Producer.
///     DumpProducer(ProducerId) = PRODUCER_DUMP -> ProducerDump, read_dump;
/// }
/// ```
macro_rules! plain_request {
    (@response) => { () };
    (@response $response:ty) => { $response };
    (@read $from:ident) => {{
        let _ = $from;
        Some(())
    }};
    (@read $from:ident $read:ident) => { $read($from) };
    ($(
        #[doc = $doc:literal]
        $name:ident($id:ty) = $method:ident $(-> $response:ty, $read:ident)?;
    )+) => {$(
        #[doc = $doc]
        pub(crate) struct $name<'a>(pub(crate) &'a $id);

        impl $crate::channel::Request for $name<'_> {
            const METHOD: tureen_channel_fbs::fbs::request::Method =
                tureen_channel_fbs::fbs::request::Method::$method;
            type Response = $crate::channel::plain_request!(@response $($response)?);

            fn handler_id(&self) -> &str {
                self.0.as_str()
            }

            fn encode(
                &self,
                _: &mut $crate::channel::Fbb,
            ) -> Option<tureen_channel_fbs::Payload<tureen_channel_fbs::fbs::request::Body>> {
                None
            }

            fn decode(
                response: &tureen_channel_fbs::fbs::response::Response<'_>,
            ) -> Option<Self::Response> {
                $crate::channel::plain_request!(@read response $($read)?)
            }
        }
    )+};
}
pub(crate) use plain_request;
