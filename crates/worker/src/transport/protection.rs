//! Whether a transport's media is protected, as a state of its own.

/// How packets of one direction are protected. `S` is the SRTP session of that direction.
pub(crate) enum Protection<S> {
    /// There are no valid keys yet, or not any more: nothing is sent and nothing is accepted.
    Waiting,
    /// Packets are not protected, because the application chose a transport without SRTP.
    Clear,
    /// Packets are protected with these keys (RFC 3711).
    Keyed(S),
}

impl<S> Protection<S> {
    /// Whether packets can pass.
    pub(crate) fn is_ready(&self) -> bool {
        !matches!(self, Self::Waiting)
    }

    /// The SRTP session, where there is one.
    pub(crate) fn session(&self) -> Option<&S> {
        match self {
            Self::Keyed(session) => Some(session),
            Self::Waiting | Self::Clear => None,
        }
    }

    /// The same, to be changed.
    pub(crate) fn session_mut(&mut self) -> Option<&mut S> {
        match self {
            Self::Keyed(session) => Some(session),
            Self::Waiting | Self::Clear => None,
        }
    }
}
