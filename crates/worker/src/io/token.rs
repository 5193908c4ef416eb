//! What a poll token stands for.

use mio::Token;

use super::tcp::ConnectionId;
use crate::output::SocketKey;

/// Who has become ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The pipe from the controller.
    ChannelIn,
    /// The pipe to the controller.
    ChannelOut,
    /// The queue of signals.
    Signals,
    /// A UDP socket.
    Udp(SocketKey),
    /// A TCP listener.
    Listener(SocketKey),
    /// An accepted TCP connection.
    Connection(ConnectionId),
}

impl Source {
    /// The token to register with.
    pub(super) const fn token(self) -> Token {
        let (kind, key) = match self {
            Self::ChannelIn => (0, 0),
            Self::ChannelOut => (1, 0),
            Self::Signals => (2, 0),
            Self::Udp(key) => (3, key.0),
            Self::Listener(key) => (4, key.0),
            Self::Connection(id) => (5, id.0),
        };
        Token(kind << 32 | key as usize)
    }

    /// What `token` stands for; `None` if nothing was ever registered with it.
    pub(super) fn from_token(token: Token) -> Option<Self> {
        let key = u32::try_from(token.0 & 0xffff_ffff).ok()?;
        Some(match token.0 >> 32 {
            0 => Self::ChannelIn,
            1 => Self::ChannelOut,
            2 => Self::Signals,
            3 => Self::Udp(SocketKey(key)),
            4 => Self::Listener(SocketKey(key)),
            5 => Self::Connection(ConnectionId(key)),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_lead_back_to_their_source() {
        for source in [
            Source::ChannelIn,
            Source::ChannelOut,
            Source::Signals,
            Source::Udp(SocketKey(u32::MAX)),
            Source::Listener(SocketKey(0)),
            Source::Connection(ConnectionId(9)),
        ] {
            assert_eq!(Source::from_token(source.token()), Some(source));
        }
        assert_eq!(Source::from_token(Token(6 << 32)), None);
    }
}
