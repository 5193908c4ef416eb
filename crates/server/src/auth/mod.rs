//! API keys, and the tokens that applications sign with them: who may do what.
//!
//! A server without keys is open to everyone. With keys, an application that knows a key and its
//! secret signs a short-lived token for each of its users, and the user's client shows it at the
//! door. The tokens are JWTs signed by HS256, with the claims of LiveKit's access tokens, because
//! SDKs in many languages already make those.
//!
//! `key` has the pairs of the configuration, and `claims` the text of a token. `token` checks and
//! signs it, [`Grants`] are its permissions in plain types, and `command` is `tureen token`.

mod claims;
mod command;
mod grants;
mod key;
mod token;

pub use command::{TokenArgs, TokenCommandError, TokenSource, token};
pub(crate) use grants::Grants;
pub use key::{ApiKey, ApiKeyError};
pub(crate) use token::{TokenError, verify};
