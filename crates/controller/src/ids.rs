//! Ids of entities, a type for each kind.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! entity_id {
    ($(#[doc = $doc:literal] $name:ident),+ $(,)?) => {$(
        #[doc = $doc]
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A random UUID.
            pub fn random() -> Self {
                Self(Uuid::new_v4().to_string())
            }

            /// The text of the id.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

entity_id! {
    /// Names a worker within this process. The worker itself does not know its name.
    WorkerId,
    /// Names a WebRtcServer within its worker.
    WebRtcServerId,
    /// Names a Router within its worker.
    RouterId,
    /// Names a transport within its worker.
    TransportId,
    /// Names a Producer within its worker; the application may choose it.
    ProducerId,
    /// Names a Consumer within its worker.
    ConsumerId,
}
