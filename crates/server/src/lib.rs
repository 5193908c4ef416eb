//! `tureen serve`: rooms in the browser. Their media goes through Tureen's workers.
//!
//! From the outside in: `serve` puts a server together; each of the `dialects` translates what one
//! family of clients says over `http`, which speaks HTTP and WebSocket and knows no dialect; a
//! `participant` does in a room what a person wants; `rooms` know nothing of networks; `media` holds
//! the routers, transports, producers and consumers of the people in rooms, through
//! `tureen_controller`, in RTP, ICE and DTLS parameters; `sdp` translates between these and the
//! offers and answers of clients. `auth` says who may do what, where the server has keys. `join` is
//! the other end: a bot that enters a room as a client.

mod auth;
mod cli;
mod config;
mod dialects;
mod dump;
mod ends;
mod http;
mod join;
mod media;
mod participant;
mod rooms;
mod sdp;
mod serve;

pub use auth::{ApiKey, ApiKeyError, TokenArgs, TokenCommandError, TokenSource, token};
pub use cli::{Cli, Command};
pub use config::{
    AnnouncedAddress, CodecName, ConfigError, Hidden, HostName, HttpConfig, IceServer, LogConfig,
    LogFormat, MediaConfig, Network, Origin, RoomConfig, ServeConfig, ValueError, WorkerLog,
    default_file,
};
pub use dump::{DumpArgs, DumpCommandError, dump};
pub use join::{DescriptionError, JoinConfig, JoinError, RoomUrl, RoomUrlError, join};
pub use serve::{LogFilterError, Reload, ServeError, TlsError, serve};
