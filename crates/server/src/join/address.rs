//! The addresses of rooms that `tureen join` takes.

use std::fmt;
use std::str::FromStr;

use axum::http::Uri;
use thiserror::Error;

use crate::rooms::RoomId;

/// The address of a room, as it stands in a browser.
#[derive(Clone, PartialEq, Eq)]
pub struct RoomUrl {
    is_tls: bool,
    /// As in the address: IPv6 in brackets.
    host: String,
    port: u16,
    room: String,
    token: Option<String>,
}

/// Why an address cannot be joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RoomUrlError {
    /// It does not begin as a web address does.
    #[error("it must begin with http:// or https:// and name a host")]
    NotWeb,
    /// It is not the address of a room.
    #[error("it must end in /room/NAME, NAME being 1 to 64 letters, digits, - and _")]
    NotARoom,
    /// It asks for media over TCP.
    #[error("the bot cannot send media over TCP: leave forceTcp=true out")]
    ForceTcp,
    /// It holds the passphrase of an encrypted room.
    #[error("the bot cannot encrypt end to end: choose a room without a passphrase")]
    Passphrase,
}

impl RoomUrl {
    /// Whether signaling goes over TLS.
    pub(super) fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Name or address of the server, IPv6 without brackets.
    pub(super) fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port of the pages and of signaling.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The room's id.
    pub(super) fn room(&self) -> &str {
        &self.room
    }

    /// What `?token=` or `#token=` shows to a server with keys.
    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The address of signaling.
    pub(super) fn websocket(&self) -> String {
        let scheme = if self.is_tls { "wss" } else { "ws" };
        format!("{scheme}://{}:{}/ws", self.host, self.port)
    }
}

/// Without the token, which is worth as much as a password while it lasts.
impl fmt::Debug for RoomUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoomUrl({}, room {})", self.websocket(), self.room)
    }
}

impl FromStr for RoomUrl {
    type Err = RoomUrlError;

    fn from_str(text: &str) -> Result<Self, RoomUrlError> {
        let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
        let uri: Uri = text.parse().map_err(|_| RoomUrlError::NotWeb)?;
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(RoomUrlError::NotWeb),
        };
        let host = uri.host().filter(|host| !host.is_empty());
        let room = uri
            .path()
            .strip_prefix("/room/")
            .and_then(|room| RoomId::parse(room).ok())
            .ok_or(RoomUrlError::NotARoom)?;
        let query = || uri.query().unwrap_or_default().split('&');
        if query().any(|pair| pair == "forceTcp=true") {
            return Err(RoomUrlError::ForceTcp);
        }
        if fragment.split('&').any(|pair| pair.starts_with("key=")) {
            return Err(RoomUrlError::Passphrase);
        }
        Ok(Self {
            is_tls,
            host: host.ok_or(RoomUrlError::NotWeb)?.to_owned(),
            port: uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            room: room.to_string(),
            token: query()
                .chain(fragment.split('&'))
                .find_map(|pair| pair.strip_prefix("token="))
                .map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_people_open_are_read() {
        for (text, websocket, host, room) in [
            (
                "http://127.0.0.1:8080/room/soup",
                "ws://127.0.0.1:8080/ws",
                "127.0.0.1",
                "soup",
            ),
            (
                "https://calls.example.org/room/a-b_c?produce=false#x",
                "wss://calls.example.org:443/ws",
                "calls.example.org",
                "a-b_c",
            ),
            ("http://[::1]/room/1", "ws://[::1]:80/ws", "::1", "1"),
        ] {
            let url: RoomUrl = text.parse().unwrap();
            assert_eq!(
                (url.websocket().as_str(), url.host(), url.room()),
                (websocket, host, room)
            );
        }
    }

    #[test]
    fn a_token_is_taken_from_the_address_and_not_shown() {
        for (text, token) in [
            ("http://h/room/soup?token=a.b-c.d_e", Some("a.b-c.d_e")),
            ("http://h/room/soup?consume=true#token=a.b.c", Some("a.b.c")),
            ("http://h/room/soup?tokens=a", None),
        ] {
            let url: RoomUrl = text.parse().unwrap();
            assert_eq!(url.token(), token, "{text}");
            assert!(!format!("{url:?}").contains("a.b"));
        }
    }

    #[test]
    fn what_cannot_be_joined_is_told_apart() {
        for (text, error) in [
            ("", RoomUrlError::NotWeb),
            ("soup", RoomUrlError::NotWeb),
            ("127.0.0.1:8080/room/soup", RoomUrlError::NotWeb),
            ("ftp://127.0.0.1/room/soup", RoomUrlError::NotWeb),
            ("http:///room/soup", RoomUrlError::NotWeb),
            ("http://127.0.0.1:8080/", RoomUrlError::NotARoom),
            ("http://127.0.0.1:8080/room/", RoomUrlError::NotARoom),
            ("http://127.0.0.1:8080/room/a/b", RoomUrlError::NotARoom),
            ("http://127.0.0.1:8080/room/a%20b", RoomUrlError::NotARoom),
            (
                "http://h/room/soup?consume=true&forceTcp=true",
                RoomUrlError::ForceTcp,
            ),
            ("http://h/room/soup#key=secret", RoomUrlError::Passphrase),
        ] {
            assert_eq!(text.parse::<RoomUrl>(), Err(error), "{text}");
        }
    }
}
