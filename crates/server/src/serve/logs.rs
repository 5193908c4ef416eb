//! What is logged, and where. The filter is checked, and a reload can replace it.
//!
//! A thread of its own writes the lines. If nobody reads them, they wait for a while and are then
//! lost and counted, but the server goes on (docs/security.md rule 17).

use std::env;
use std::ffi::OsStr;
use std::io::{self, IsTerminal};
use std::sync::OnceLock;

use thiserror::Error;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

use crate::config::{LogConfig, LogFormat};

/// Why a filter of the log was refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LogFilterError {
    /// It cannot be read.
    #[error("log: {0}")]
    Syntax(#[from] tracing_subscriber::filter::ParseError),
    /// A word that is neither a level nor a module. It would switch all logging off.
    #[error(
        "log: {word:?} is neither a level nor a module. Levels: {levels}. Modules: {modules}, alone \
         or with a level, such as tureen_worker=debug",
        levels = LEVELS.join(", "),
        modules = MODULES.join(", ")
    )]
    Unknown {
        /// As written.
        word: String,
    },
}

/// Reads a filter in the syntax of tracing and checks that every word is known.
pub(super) fn filter(text: &str) -> Result<EnvFilter, LogFilterError> {
    for directive in text.split(',').map(str::trim) {
        // Such as `tureen_server[span{field=value}]=debug`.
        let (target, level) = match directive.rsplit_once('=') {
            Some((target, level)) if !level.contains(['}', ']']) => (target, Some(level)),
            _ => (directive, None),
        };
        let target = target.split('[').next().unwrap_or_default();
        let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
        let is_module = |word: &str| {
            let root = word.split("::").next().unwrap_or_default();
            word.is_empty() || MODULES.iter().any(|module| module.starts_with(root))
        };
        let unknown = |word: &str| {
            Err(LogFilterError::Unknown {
                word: word.to_owned(),
            })
        };
        match level {
            Some(level) if !is_level(level) => return unknown(level),
            Some(_) if !is_module(target) => return unknown(target),
            None if !is_level(target) && !is_module(target) => return unknown(target),
            Some(_) | None => {}
        }
    }
    Ok(EnvFilter::try_new(text)?)
}

/// Starts logging on stderr. What is returned writes the last lines when it is dropped.
pub(super) fn start(config: &LogConfig) -> Result<WorkerGuard, LogFilterError> {
    let (filter, handle) = reload::Layer::new(filter(&config.log)?);
    let (writer, rest) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(MOST_WAITING)
        .finish(io::stderr());
    let lost = writer.error_counter();
    let lines = fmt::layer()
        .with_ansi(has_colours(
            io::stderr().is_terminal(),
            env::var_os("NO_COLOR").as_deref(),
        ))
        // Otherwise it would write to stderr that stderr cannot be written to, and panic.
        .log_internal_errors(false)
        .with_writer(writer);
    let logs = tracing_subscriber::registry().with(filter);
    // A second server in the same process uses the log of the first.
    let started = match config.log_format {
        LogFormat::Text => logs.with(lines).try_init(),
        LogFormat::Json => logs.with(lines.json()).try_init(),
    };
    if started.is_ok() {
        let _ = FILTER.set(handle);
        let _ = LOST.set(lost);
    }
    Ok(rest)
}

/// How many lines are lost so far because nobody read them.
pub(super) fn lost() -> u64 {
    let lost = LOST.get().map_or(0, ErrorCounter::dropped_lines);
    u64::try_from(lost).unwrap_or(u64::MAX)
}

/// Logs by another filter from now on.
pub(super) fn change(filter: EnvFilter) {
    if let Some(handle) = FILTER.get() {
        // The subscriber of the process lives as long as the process.
        let _ = handle.reload(filter);
    }
}

/// Colours are for people at terminals. If NO_COLOR is set and not empty, they want none.
fn has_colours(is_terminal: bool, no_color: Option<&OsStr>) -> bool {
    is_terminal && no_color.is_none_or(OsStr::is_empty)
}

/// Of the process, as its subscriber is.
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();
static LOST: OnceLock<ErrorCounter> = OnceLock::new();

/// Lines that may wait to be written.
const MOST_WAITING: usize = 4096;

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// The crates of the program that log.
const MODULES: [&str; 14] = [
    "tureen_server",
    "tureen_controller",
    "tureen_worker",
    "tureen_channel_dump",
    "tureen_peer",
    "axum",
    "axum_server",
    "h2",
    "hyper",
    "hyper_util",
    "rustls",
    "tokio_tungstenite",
    "tower",
    "tungstenite",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_whose_person_wants_them() {
        assert!(has_colours(true, None));
        assert!(has_colours(true, Some(OsStr::new(""))));
        assert!(!has_colours(true, Some(OsStr::new("1"))));
        assert!(!has_colours(false, None));
    }

    #[test]
    fn known_filters_are_taken() {
        for text in [
            "info",
            "WARN",
            "off",
            "info,tureen=debug",
            "tureen_server::http=trace",
            "hyper=warn, info",
            "tureen_server",
            "tureen_server[room{id=1}]=debug",
        ] {
            assert!(filter(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_word_that_would_switch_logging_off_is_refused() {
        for (text, word) in [
            ("verbose", "verbose"),
            ("info,verbose", "verbose"),
            ("tureen=loud", "loud"),
            ("turen=debug", "turen"),
            ("tureen_sever=debug", "tureen_sever"),
        ] {
            match filter(text) {
                Err(error @ LogFilterError::Unknown { .. }) => {
                    let said = error.to_string();
                    assert!(
                        said.contains(word) && said.contains("debug, trace"),
                        "{said}"
                    );
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
