//! SIGHUP: reads the certificate, the key and everything else again that can change while people
//! are in calls. Nothing open ends, and a wrong configuration changes nothing.

use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use thiserror::Error;
use tracing_subscriber::EnvFilter;

use super::{ServeError, check, logs, tls, warn_of_short_keys};
use crate::config::{ConfigError, HttpConfig, MediaConfig, RoomConfig, ServeConfig};
use crate::http::App;

/// Reads the configuration again, from the same place as the running one.
pub type Reload = Box<dyn Fn() -> Result<ServeConfig, ConfigError> + Send + Sync>;

/// Why nothing is reloaded.
#[derive(Debug, Error)]
enum ReloadError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// An empty file, or one that is half written, has no keys either.
    #[error(
        "keys: there are none any more, which would open the server to everyone; if that is meant, \
         restart it"
    )]
    NoKeys,
}

/// A configuration that was found good, with what was read for it.
struct Checked {
    config: ServeConfig,
    certificate: Option<Arc<ServerConfig>>,
    filter: EnvFilter,
}

/// Takes over what has changed, and logs what that is.
pub(super) fn reload(app: &App, tls: Option<&RustlsConfig>, again: &Reload) {
    let Checked {
        config: new,
        certificate,
        filter,
    } = match checked(app, again) {
        Ok(checked) => checked,
        Err(error) => {
            tracing::error!("reload: nothing is changed: {error}");
            return;
        }
    };
    let mut fixed = fixed(&app.config, &new);
    match (tls, certificate) {
        (Some(tls), Some(certificate)) => {
            tls.reload_from_config(certificate);
            tracing::info!("reload: new connections get the certificate as it is now");
        }
        (None, None) => {}
        (Some(_), None) | (None, Some(_)) => fixed.extend(["tls-cert", "tls-key"]),
    }
    logs::change(filter);
    let http = reloadable(&app.config.http, new.http);
    let keys: Vec<_> = http.keys.iter().map(|key| key.name()).collect();
    tracing::info!(
        log = new.log.log,
        keys = keys.join(" "),
        allowed_origins = http.allowed_origins.len(),
        allowed_hosts = http.allowed_hosts.len(),
        trusted_proxies = http.trusted_proxies.len(),
        "reload: the configuration is read again"
    );
    warn_of_short_keys(&http.keys);
    app.set_http(http);
    if !fixed.is_empty() {
        let keys = fixed.join(", ");
        tracing::warn!("reload: these stay as they are until a restart: {keys}");
    }
}

/// Reads everything and changes nothing.
fn checked(app: &App, again: &Reload) -> Result<Checked, ReloadError> {
    let config = again()?;
    check(&config)?;
    if config.http.keys.is_empty() && !app.http().keys.is_empty() {
        return Err(ReloadError::NoKeys);
    }
    let certificate = tls::server_config(&config.http).map_err(ServeError::from)?;
    let filter = logs::filter(&config.log.log).map_err(ServeError::from)?;
    Ok(Checked {
        config,
        certificate,
        filter,
    })
}

/// The new configuration of pages and signaling; keys that cannot change keep their values.
fn reloadable(old: &HttpConfig, new: HttpConfig) -> HttpConfig {
    HttpConfig {
        listen: old.listen,
        ping_interval: old.ping_interval,
        ping_timeout: old.ping_timeout,
        resume_timeout: old.resume_timeout,
        ..new
    }
}

/// The keys that have another value now and cannot change while the server runs.
fn fixed(old: &ServeConfig, new: &ServeConfig) -> Vec<&'static str> {
    let (was, is) = (&old.http, &new.http);
    let mut changed = vec![
        ("listen", was.listen != is.listen),
        ("ping-interval", was.ping_interval != is.ping_interval),
        ("ping-timeout", was.ping_timeout != is.ping_timeout),
        ("resume-timeout", was.resume_timeout != is.resume_timeout),
        ("log-format", old.log.log_format != new.log.log_format),
    ];
    changed.extend(fixed_media(&old.media, &new.media));
    changed.extend(fixed_rooms(&old.rooms, &new.rooms));
    let changed = changed.into_iter().filter(|(_, is_changed)| *is_changed);
    changed.map(|(key, _)| key).collect()
}

fn fixed_media(old: &MediaConfig, new: &MediaConfig) -> [(&'static str, bool); 9] {
    [
        ("workers", old.workers != new.workers),
        ("rtc-port", old.rtc_port != new.rtc_port),
        ("rtc-listen", old.rtc_listen != new.rtc_listen),
        (
            "announced-address",
            old.announced_address != new.announced_address,
        ),
        ("codecs", old.codecs != new.codecs),
        (
            "initial-outgoing-bitrate",
            old.initial_outgoing_bitrate != new.initial_outgoing_bitrate,
        ),
        ("worker-log", old.worker_log != new.worker_log),
        ("record-channel", old.record_channel != new.record_channel),
        ("dump-socket", old.dump_socket != new.dump_socket),
    ]
}

fn fixed_rooms(old: &RoomConfig, new: &RoomConfig) -> [(&'static str, bool); 11] {
    [
        ("max-rooms", old.max_rooms != new.max_rooms),
        ("max-people", old.max_people != new.max_people),
        (
            "max-rooms-per-network",
            old.max_rooms_per_network != new.max_rooms_per_network,
        ),
        (
            "max-people-per-network",
            old.max_people_per_network != new.max_people_per_network,
        ),
        ("max-whip-rate", old.max_whip_rate != new.max_whip_rate),
        (
            "max-connecting-per-network",
            old.max_connecting_per_network != new.max_connecting_per_network,
        ),
        (
            "max-room-people",
            old.max_room_people != new.max_room_people,
        ),
        ("max-tracks", old.max_tracks != new.max_tracks),
        (
            "max-name-length",
            old.max_name_length != new.max_name_length,
        ),
        (
            "max-chat-length",
            old.max_chat_length != new.max_chat_length,
        ),
        (
            "empty-room-timeout",
            old.empty_room_timeout != new.empty_room_timeout,
        ),
    ]
}
