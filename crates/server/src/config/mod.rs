//! The configuration. Every key is a field below, and the field's documentation is written only
//! once: it is also the help of the flag and the comment in `config/tureen.toml`.
//!
//! A key `max-rooms` is the flag `--max-rooms`, the environment variable `TUREEN_MAX_ROOMS` and the
//! key `max-rooms` of the file. A flag wins over the environment, that over the file, that over the
//! default. The file is read as if its keys were flags, so there is one parser and one message for
//! a bad value, and it names the flag, the variable, or the file and the key that have it.

mod file;
mod keys;
mod listing;
mod values;

pub use file::ConfigError;
pub(crate) use file::load;
pub use keys::{
    CodecName, HttpConfig, LogConfig, LogFormat, MediaConfig, RoomConfig, ServeConfig, WorkerLog,
};
pub use listing::default_file;
pub use values::{AnnouncedAddress, HostName, Network, Origin, ValueError};
