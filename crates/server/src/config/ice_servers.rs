//! STUN and TURN servers that clients may use on their way, and the credentials for them.

use std::convert::Infallible;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::values::split_port;
use super::{HostName, HttpConfig, ValueError};

/// The URI of a STUN server (RFC 7064) or a TURN server (RFC 7065), such as `stun:stun.example.org`,
/// `turn:turn.example.org:3478?transport=udp` or `turns:[2001:db8::1]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct IceServer(String);

impl IceServer {
    /// As it is written.
    pub fn uri(&self) -> &str {
        &self.0
    }

    /// Whether it relays, for which it wants credentials.
    pub fn is_turn(&self) -> bool {
        self.0.starts_with("turn")
    }
}

impl FromStr for IceServer {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (scheme, rest) = text.split_once(':').ok_or(ValueError::IceServer)?;
        let (authority, query) = match rest.split_once('?') {
            Some((authority, query)) => (authority, Some(query)),
            None => (rest, None),
        };
        let (host, port) = split_port(authority).ok_or(ValueError::IceServer)?;
        let is_host = match host.strip_prefix('[') {
            Some(rest) => rest
                .strip_suffix(']')
                .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
            None => host.parse::<Ipv4Addr>().is_ok() || host.parse::<HostName>().is_ok(),
        };
        let is_known = match scheme {
            "stun" | "stuns" => query.is_none(),
            "turn" | "turns" => matches!(query, None | Some("transport=udp" | "transport=tcp")),
            _ => false,
        };
        if is_host && is_known && port != Some(0) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ValueError::IceServer)
        }
    }
}

impl TryFrom<String> for IceServer {
    type Error = ValueError;

    fn try_from(text: String) -> Result<Self, ValueError> {
        text.parse()
    }
}

/// A text that no log and no error shows.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Hidden(String);

impl Hidden {
    fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for Hidden {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(…)")
    }
}

/// A server as one client may use it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IceServerAccess {
    pub(crate) uri: String,
    /// Username and credential, of TURN servers only.
    pub(crate) login: Option<(String, String)>,
}

impl HttpConfig {
    /// The servers that one client may use from now on.
    pub(crate) fn ice_servers(&self) -> Vec<IceServerAccess> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let login = self.turn_login(now);
        let servers = self.ice_servers.iter().map(|server| IceServerAccess {
            uri: server.uri().to_owned(),
            login: login.clone().filter(|_| server.is_turn()),
        });
        servers.collect()
    }

    /// With a secret, credentials that are worth something for a day: "the username is the
    /// colon-delimited combination of the expiration timestamp and the user", and the password is
    /// "base64(hmac(secret key, username))" with SHA-1 (draft-uberti-behave-turn-rest-00 §2.2), as
    /// coturn's `use-auth-secret` has it.
    fn turn_login(&self, now: Duration) -> Option<(String, String)> {
        if let Some(secret) = &self.turn_secret {
            let key = hmac::Key::new(
                hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
                secret.reveal().as_bytes(),
            );
            let username = format!("{}:tureen", (now + LIFETIME).as_secs());
            let credential = STANDARD.encode(hmac::sign(&key, username.as_bytes()));
            return Some((username, credential));
        }
        let (username, credential) = (self.turn_username.as_ref()?, self.turn_credential.as_ref()?);
        Some((username.clone(), credential.reveal().to_owned()))
    }
}

/// How long credentials made from a secret are worth something.
const LIFETIME: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn http(flags: &[&str]) -> HttpConfig {
        let arguments = ["tureen", "serve"].iter().chain(flags);
        match Cli::parse_from(arguments).command {
            Command::Serve(config) => config.http,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn servers_are_uris_of_stun_and_turn() {
        for text in [
            "stun:stun.example.org",
            "stuns:192.0.2.1:5349",
            "turn:turn.example.org?transport=udp",
            "turns:[2001:db8::1]:443?transport=tcp",
        ] {
            assert_eq!(text.parse::<IceServer>().unwrap().uri(), text);
        }
        for text in [
            "",
            "stun.example.org",
            "stun:",
            "stun://stun.example.org",
            "stun:stun.example.org?transport=udp",
            "turn:user@turn.example.org",
            "turn:turn.example.org?transport=sctp",
            "turn:turn.example.org:0",
            "turn:turn.example.org:65536",
            "turn:turn.example.org\r\nX: y",
            "https://example.org",
        ] {
            assert_eq!(
                text.parse::<IceServer>(),
                Err(ValueError::IceServer),
                "{text}"
            );
        }
    }

    #[test]
    fn relays_come_with_credentials_and_a_debug_text_without_them() {
        let servers = "--ice-servers=stun:a.example,turn:b.example";
        let http = http(&[servers, "--turn-username=ann", "--turn-credential=hidden"]);
        let [stun, turn] = &http.ice_servers()[..] else {
            panic!("two servers");
        };
        assert_eq!(stun.login, None);
        assert_eq!(turn.login, Some(("ann".to_owned(), "hidden".to_owned())));
        assert!(!format!("{http:?}").contains("hidden"));
    }

    #[test]
    fn a_secret_makes_credentials_that_end() {
        let http = http(&["--turn-secret=north"]);
        // Checked with `printf 86400:tureen | openssl dgst -sha1 -hmac north -binary | base64`.
        let login = http.turn_login(Duration::ZERO).unwrap();
        assert_eq!(login.0, "86400:tureen");
        assert_eq!(login.1, "rv/JhiV75j9SDEJ+WloeVayoEg0=");
    }
}
