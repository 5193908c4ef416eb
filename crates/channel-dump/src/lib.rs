//! What passes on the channel between a controller and its worker: recorded, decoded, paired and
//! printed.
//!
//! - [`Recorder`] writes the channel of one worker to a file, on a thread of its own;
//!   [`RecordingWriter`] and [`RecordingReader`] are the format;
//! - [`Decoder`] turns any frame into a [`Value`], and [`Message`] takes its head apart. Both go by
//!   the compiled schema, so there is no code for any single table;
//! - [`Session`] matches responses with their requests and applies a [`Filter`];
//! - [`TextPrinter`] and [`write_json`] are the two forms of output;
//! - [`Dump`] is all of that for a file, or for a running process, to which [`LiveClient`]
//!   attaches by the socket that it has in [`SocketDirectory`].
//!
//! Keys and passwords are hidden from the moment of decoding on, unless [`Secrets::Shown`] is
//! asked for.

mod decode;
mod dump;
mod filter;
mod live;
mod message;
mod print;
mod recording;
mod redact;
mod schema;
mod session;
mod time;
mod value;
mod view;

pub use decode::{DecodeError, Decoder};
pub use dump::{Dump, DumpError, Form};
pub use filter::{Filter, is_known_name};
pub use live::{
    Ask, Follower, Line, LiveClient, LiveError, LiveFrame, MAX_ASK, MAX_LINE, SocketDirectory,
};
pub use message::{Body, Message, Outcome};
pub use print::{TextOptions, TextPrinter, write_json, write_json_header, write_tree};
pub use recording::{
    Content, Direction, Growth, Header, Record, Recorder, RecordingError, RecordingReader,
    RecordingWriter,
};
pub use redact::{Secrets, is_secret, redact};
pub use session::{Entry, Event, Matched, Session};
pub use value::{REDACTED, Value};
