//! The configuration. Every key is a field below, and the field's documentation is written only
//! once: it is also the help of the flag and the comment in `config/tureen.toml`.
//!
//! A key `max-rooms` is the flag `--max-rooms`, the environment variable `TUREEN_MAX_ROOMS` and the
//! key `max-rooms` of the file. A flag wins over the environment, that over the file, that over the
//! default. Flags and environment are parsed by clap, the file by serde; both use the same types, so a
//! bad value is refused for the same reason, and the error names the flag, the variable, or the file
//! with line and key.

mod error;
mod file;
mod ice_servers;
mod keys;
mod listing;
mod load;
mod spelling;
mod values;

pub use error::ConfigError;
pub(crate) use ice_servers::IceServerAccess;
pub use ice_servers::{Hidden, IceServer};
pub use keys::{
    CodecName, HttpConfig, LogConfig, LogFormat, MediaConfig, RoomConfig, ServeConfig, WorkerLog,
};
pub use listing::default_file;
pub(crate) use load::load;
pub(crate) use spelling::unknown_variables;
pub use values::{AnnouncedAddress, HostName, Network, Origin, ValueError};
