//! The file: TOML with the keys of the flags. Its values stand in for flags that neither the command
//! line nor the environment gives, and every error names file, line and key.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use serde::{Deserialize, Deserializer};
use toml::de::DeTable;

use super::error::ConfigError;
use super::keys::{
    EmptyRoomTimeout, InitialBitrate, MaxChatLength, MaxFrameSize, MaxMessageRate, MaxNameLength,
    MaxPeople, MaxRoomPeople, MaxRooms, MaxTracks, PingInterval, PingTimeout, ResumeTimeout,
    RtcPort, Workers,
};
use super::spelling::{keys, nearest};
use super::values::listen_address;
use super::{
    AnnouncedAddress, CodecName, Hidden, HostName, IceServer, LogFormat, Network, Origin,
    ServeConfig, WorkerLog,
};
use crate::auth::ApiKey;

/// Every key that the file may have.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct FileKeys {
    #[serde(deserialize_with = "listen")]
    listen: Option<SocketAddr>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    allowed_origins: Option<Vec<Origin>>,
    allowed_hosts: Option<Vec<HostName>>,
    trusted_proxies: Option<Vec<Network>>,
    keys: Option<Vec<ApiKey>>,
    ice_servers: Option<Vec<IceServer>>,
    turn_username: Option<String>,
    turn_credential: Option<Hidden>,
    turn_secret: Option<Hidden>,
    metrics_remote: Option<bool>,
    max_frame_size: Option<MaxFrameSize>,
    max_message_rate: Option<MaxMessageRate>,
    ping_interval: Option<PingInterval>,
    ping_timeout: Option<PingTimeout>,
    resume_timeout: Option<ResumeTimeout>,
    workers: Option<Workers>,
    rtc_port: Option<RtcPort>,
    rtc_listen: Option<Vec<IpAddr>>,
    announced_address: Option<AnnouncedAddress>,
    codecs: Option<Vec<CodecName>>,
    initial_outgoing_bitrate: Option<InitialBitrate>,
    worker_log: Option<WorkerLog>,
    record_channel: Option<PathBuf>,
    dump_socket: Option<bool>,
    max_rooms: Option<MaxRooms>,
    max_people: Option<MaxPeople>,
    max_rooms_per_network: Option<MaxRooms>,
    max_people_per_network: Option<MaxPeople>,
    max_whip_rate: Option<MaxMessageRate>,
    max_connecting_per_network: Option<MaxPeople>,
    max_room_people: Option<MaxRoomPeople>,
    max_tracks: Option<MaxTracks>,
    max_name_length: Option<MaxNameLength>,
    max_chat_length: Option<MaxChatLength>,
    empty_room_timeout: Option<EmptyRoomTimeout>,
    log: Option<String>,
    log_format: Option<LogFormat>,
}

/// Reads the file and puts its values into the configuration, where nothing else is given.
pub(super) fn merge(
    command: &Command,
    path: &Path,
    given: &ArgMatches,
    config: &mut ServeConfig,
) -> Result<(), ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    let file = read(command, &text).map_err(|Fault { line, reason }| ConfigError::Value {
        path: path.to_owned(),
        line,
        reason,
    })?;
    let is_given = |id: &str| {
        matches!(
            given.value_source(id),
            Some(ValueSource::CommandLine | ValueSource::EnvVariable)
        )
    };
    file.merge(config, is_given);
    Ok(())
}

/// What is wrong, and in which line, counted from 1.
struct Fault {
    line: usize,
    reason: String,
}

fn read(command: &Command, text: &str) -> Result<FileKeys, Fault> {
    let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
    let syntax = |error: &toml::de::Error| Fault {
        line: line(error.span().map_or(0, |span| span.start)),
        reason: error.message().replace('\n', " "),
    };
    let table = DeTable::parse(text).map_err(|error| syntax(&error))?;
    let known = keys(command);
    for key in table.get_ref().keys() {
        let (name, at) = (key.get_ref().as_ref(), key.span().start);
        if !known.iter().any(|one| one == name) {
            let hint = nearest(name, &known);
            let hint = hint.map_or_else(String::new, |one| format!("; did you mean {one}?"));
            return Err(Fault {
                line: line(at),
                reason: format!("there is no key {name:?}{hint}"),
            });
        }
    }
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        // The error stands in the first value that ends behind it.
        let behind = table
            .get_ref()
            .iter()
            .filter(|(_, value)| at <= value.span().end);
        let key = behind
            .min_by_key(|(_, value)| value.span().end)
            .map_or("", |(key, _)| key.get_ref().as_ref());
        let Fault { line, reason } = syntax(&error);
        // What stands there may be a secret.
        let reason = match key {
            "keys" => "a list of \"NAME:SECRET\" is expected".to_owned(),
            "turn-credential" | "turn-secret" => "a text is expected".to_owned(),
            _ => reason,
        };
        Fault {
            line,
            reason: format!("{key}: {reason}"),
        }
    })
}

impl FileKeys {
    fn merge(self, config: &mut ServeConfig, is_given: impl Fn(&str) -> bool) {
        let ServeConfig {
            http,
            media,
            rooms,
            log,
            ..
        } = config;
        macro_rules! take {
            ($($group:ident: $($key:ident),+;)+) => {$($(
                if let Some(value) = self.$key && !is_given(stringify!($key)) {
                    $group.$key = value.into();
                }
            )+)+};
        }
        take! {
            http: listen, tls_cert, tls_key, allowed_origins, allowed_hosts, trusted_proxies, keys,
                ice_servers, turn_username, turn_credential, turn_secret, metrics_remote, max_frame_size,
                max_message_rate, ping_interval, ping_timeout, resume_timeout;
            media: workers, rtc_port, rtc_listen, announced_address, codecs,
                initial_outgoing_bitrate, worker_log, record_channel, dump_socket;
            rooms: max_rooms, max_people, max_rooms_per_network, max_people_per_network,
                max_whip_rate, max_connecting_per_network, max_room_people, max_tracks, max_name_length,
                max_chat_length, empty_room_timeout;
            log: log, log_format;
        }
    }
}

fn listen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    listen_address(&text)
        .map(Some)
        .map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_flag_is_a_key_of_the_file() {
        for key in keys(&Cli::command()) {
            // No key has a table for a value: an unknown one is told apart by the text.
            let error = toml::from_str::<FileKeys>(&format!("{key} = {{}}")).unwrap_err();
            assert!(!error.message().contains("unknown field"), "{key}: {error}");
        }
    }

    #[test]
    fn a_secret_is_not_shown_with_the_error() {
        for text in ["keys = [\"a:b\", \"hidden word\"]", "keys = \"hidden\""] {
            let fault = read(&Cli::command(), &format!("\n{text}\n")).unwrap_err();
            assert_eq!(fault.line, 2);
            assert!(!fault.reason.contains("hidden"), "{}", fault.reason);
        }
    }
}
