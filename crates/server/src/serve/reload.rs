//! SIGHUP: reads the certificate, the key and everything else again that can change while people
//! are in calls. Nothing open ends, and a wrong configuration changes nothing.

use axum_server::tls_rustls::RustlsConfig;

use super::{logs, tls};
use crate::app::App;
use crate::config::{ConfigError, HttpConfig, ServeConfig};

/// Reads the configuration again, from the same place as the running one.
pub type Reload = Box<dyn Fn() -> Result<ServeConfig, ConfigError> + Send + Sync>;

/// Takes over what has changed, and logs what that is.
pub(super) fn reload(app: &App, tls: Option<&RustlsConfig>, again: &Reload) {
    let new = match again() {
        Ok(new) => new,
        Err(error) => {
            tracing::error!("reload: nothing is changed: {error}");
            return;
        }
    };
    let (old, new_http) = (&app.config.http, new.http);
    let is_fixed_changed = (old.listen, old.ping_interval, old.ping_timeout)
        != (
            new_http.listen,
            new_http.ping_interval,
            new_http.ping_timeout,
        );
    let http = reloadable(old, new_http);
    match (tls, tls::server_config(&http)) {
        (Some(tls), Ok(Some(certificate))) => {
            tls.reload_from_config(certificate);
            tracing::info!("reload: new connections get the certificate as it is now");
        }
        (_, Err(error)) => tracing::error!("reload: the old certificate stays: {error}"),
        (None, Ok(Some(_))) | (_, Ok(None)) => {}
    }
    match logs::change(&new.log.log) {
        Ok(()) => {}
        Err(error) => tracing::error!("reload: the old log filter stays: {error}"),
    }
    let keys: Vec<_> = http.keys.iter().map(|key| key.name()).collect();
    tracing::info!(
        log = new.log.log,
        keys = keys.join(" "),
        allowed_origins = http.allowed_origins.len(),
        allowed_hosts = http.allowed_hosts.len(),
        trusted_proxies = http.trusted_proxies.len(),
        "reload: the configuration is read again"
    );
    if is_fixed_changed || new.media != app.config.media || new.rooms != app.config.rooms {
        tracing::warn!(
            "reload: listen, ping times, media and rooms stay as they are until a restart"
        );
    }
    app.set_http(http);
}

/// The new configuration of pages and signaling; keys that cannot change keep their values.
fn reloadable(old: &HttpConfig, new: HttpConfig) -> HttpConfig {
    HttpConfig {
        listen: old.listen,
        ping_interval: old.ping_interval,
        ping_timeout: old.ping_timeout,
        ..new
    }
}
