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

    /// Reads the response to an accepted request; none when it lacks what it must hold.
    fn decode(response: &Response<'_>) -> Option<Self::Response>;
}

/// A request that needs no more than a method and an entity, and is answered by acceptance.
macro_rules! plain_request {
    ($(#[doc = $doc:literal] $name:ident($id:ty) = $method:ident;)+) => {$(
        #[doc = $doc]
        pub(crate) struct $name<'a>(pub(crate) &'a $id);

        impl $crate::channel::Request for $name<'_> {
            const METHOD: tureen_channel_fbs::fbs::request::Method =
                tureen_channel_fbs::fbs::request::Method::$method;
            type Response = ();

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
                _: &tureen_channel_fbs::fbs::response::Response<'_>,
            ) -> Option<Self::Response> {
                Some(())
            }
        }
    )+};
}
pub(crate) use plain_request;
