//! Writing messages as frames.

use std::fmt;

use flatbuffers::{FlatBufferBuilder, UnionWIPOffset, WIPOffset};

use super::{FrameError, MAX_PAYLOAD, PREFIX_LEN};
use crate::fbs::message::{self, Message, MessageArgs};
use crate::fbs::notification::{self, Event, Notification, NotificationArgs};
use crate::fbs::request::{self, Method, Request, RequestArgs};
use crate::fbs::response::{self, Response, ResponseArgs};
use crate::fbs::{log, log::LogArgs};

/// A body: the tag of a union (`request::Body`, `response::Body`, `notification::Body`) and the
/// table that belongs to it, as [`WIPOffset::as_union_value`] yields it.
pub type Payload<Tag> = (Tag, WIPOffset<UnionWIPOffset>);

/// Writes frames, one after the other, into memory that it keeps.
///
/// A message without a body is one call. For a body, call [`begin`](Self::begin), build the
/// body's table with what it yields, and hand the table to the call that finishes the frame:
///
/// ```
/// use tureen_channel_fbs::{FrameBuilder, fbs::{response, transport}};
///
/// let mut frames = FrameBuilder::new();
/// let args = transport::ProduceResponseArgs { type_: Default::default() };
/// let body = transport::ProduceResponse::create(frames.begin(), &args);
/// let body = (response::Body::Transport_ProduceResponse, body.as_union_value());
/// let frame = frames.response(7, Some(body))?;
/// assert_eq!(frame.len() % 4, 0);
/// # Ok::<(), tureen_channel_fbs::FrameError>(())
/// ```
///
/// A call that finishes a frame yields it prefix included, and fails with
/// [`FrameError::Oversized`] beyond [`MAX_PAYLOAD`]. In either case the next call begins anew.
#[derive(Default)]
pub struct FrameBuilder {
    fbb: FlatBufferBuilder<'static>,
    /// Size of the last frame, prefix included.
    last_len: usize,
}

/// Class of a failed request, as the npm package tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// `Error`: well-formed, but it could not be done.
    Error,
    /// `TypeError`: a value is missing, malformed or out of range.
    TypeError,
    /// `NotFoundError`: an id names nothing.
    NotFoundError,
}

impl FrameBuilder {
    /// A builder without memory yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets what was being built and begins the next frame. Build its body with what this
    /// yields, and do not call it again before the frame is finished.
    pub fn begin(&mut self) -> &mut FlatBufferBuilder<'static> {
        if self.last_len > RETAINED {
            self.fbb = FlatBufferBuilder::new();
        } else {
            self.fbb.reset();
        }
        self.last_len = 0;
        &mut self.fbb
    }

    /// Finishes a request.
    ///
    /// # Errors
    ///
    /// [`FrameError::Oversized`].
    pub fn request(
        &mut self,
        id: u32,
        method: Method,
        handler_id: &str,
        body: Option<Payload<request::Body>>,
    ) -> Result<&[u8], FrameError> {
        let (body_type, body) = self.split(body);
        let args = RequestArgs {
            id,
            method,
            handler_id: Some(self.fbb.create_string(handler_id)),
            body_type,
            body,
        };
        let request = Request::create(&mut self.fbb, &args);
        self.finish(message::Body::Request, request.as_union_value())
    }

    /// Finishes the response to a request that succeeded.
    ///
    /// # Errors
    ///
    /// [`FrameError::Oversized`].
    pub fn response(
        &mut self,
        id: u32,
        body: Option<Payload<response::Body>>,
    ) -> Result<&[u8], FrameError> {
        let (body_type, body) = self.split(body);
        let args = ResponseArgs {
            id,
            accepted: true,
            body_type,
            body,
            error: None,
            reason: None,
        };
        let response = Response::create(&mut self.fbb, &args);
        self.finish(message::Body::Response, response.as_union_value())
    }

    /// Writes the response to a request that failed. The `reason` is for people.
    ///
    /// # Errors
    ///
    /// [`FrameError::Oversized`].
    pub fn failure(
        &mut self,
        id: u32,
        class: ErrorClass,
        reason: &str,
    ) -> Result<&[u8], FrameError> {
        let fbb = self.begin();
        let args = ResponseArgs {
            id,
            accepted: false,
            body_type: response::Body::NONE,
            body: None,
            error: Some(fbb.create_string(class.as_str())),
            reason: Some(fbb.create_string(reason)),
        };
        let response = Response::create(fbb, &args);
        self.finish(message::Body::Response, response.as_union_value())
    }

    /// Finishes a notification.
    ///
    /// # Errors
    ///
    /// [`FrameError::Oversized`].
    pub fn notification(
        &mut self,
        handler_id: &str,
        event: Event,
        body: Option<Payload<notification::Body>>,
    ) -> Result<&[u8], FrameError> {
        let (body_type, body) = self.split(body);
        let args = NotificationArgs {
            handler_id: Some(self.fbb.create_string(handler_id)),
            event,
            body_type,
            body,
        };
        let notification = Notification::create(&mut self.fbb, &args);
        self.finish(message::Body::Notification, notification.as_union_value())
    }

    /// Writes a line of the log. Its first character is the level: `D` debug, `W` warn, `E`
    /// error, `X` dump.
    ///
    /// # Errors
    ///
    /// [`FrameError::Oversized`].
    pub fn log(&mut self, line: &str) -> Result<&[u8], FrameError> {
        let fbb = self.begin();
        let args = LogArgs {
            data: Some(fbb.create_string(line)),
        };
        let log = log::Log::create(fbb, &args);
        self.finish(message::Body::Log, log.as_union_value())
    }

    /// Splits a body into what the generated arguments want. Without a body, nothing was begun
    /// that is worth keeping.
    fn split<Tag: Default>(
        &mut self,
        body: Option<Payload<Tag>>,
    ) -> (Tag, Option<WIPOffset<UnionWIPOffset>>) {
        match body {
            Some((tag, table)) => (tag, Some(table)),
            None => {
                self.begin();
                (Tag::default(), None)
            }
        }
    }

    fn finish(
        &mut self,
        data_type: message::Body,
        data: WIPOffset<UnionWIPOffset>,
    ) -> Result<&[u8], FrameError> {
        let args = MessageArgs {
            data_type,
            data: Some(data),
        };
        let root = Message::create(&mut self.fbb, &args);
        self.fbb.finish_size_prefixed(root, None);
        let frame = self.fbb.finished_data();
        self.last_len = frame.len();
        match frame.len() - PREFIX_LEN {
            len if len > MAX_PAYLOAD => Err(FrameError::Oversized { len }),
            _ => Ok(frame),
        }
    }
}

impl fmt::Debug for FrameBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameBuilder")
            .field("last_len", &self.last_len)
            .finish_non_exhaustive()
    }
}

impl ErrorClass {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "Error",
            Self::TypeError => "TypeError",
            Self::NotFoundError => "NotFoundError",
        }
    }

    /// The class that a name on the wire means. Every name but two is a plain error.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name {
            "TypeError" => Self::TypeError,
            "NotFoundError" => Self::NotFoundError,
            _ => Self::Error,
        }
    }
}

/// After a frame larger than this, the memory is given back.
const RETAINED: usize = 256 * 1024;
