//! Where `tracing` events become the channel's log lines (docs/channel.md §4).
//!
//! The level of an event gives the first letter of the line. The last part of its target is the
//! tag: `tracing::warn!(target: "tureen::ice", …)` becomes a `W` line that needs the tag `ice`.
//! Debug and warning lines need their tag enabled, error lines only the level; levels below debug
//! never reach the channel. Lines wait in a bounded buffer until the core takes them into its
//! ordered queue.

use std::collections::VecDeque;
use std::fmt::{self, Write};
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span;
use tracing::subscriber::{Interest, Subscriber};
use tracing::{Event, Level, Metadata};

/// A handle to one worker's log: its filter and its waiting lines. Clones share both.
#[derive(Clone, Debug)]
pub struct Log(Arc<Shared>);

/// One line for the controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Selects what the controller does with it.
    pub kind: LineKind,
    /// `module | message field=value`, without the letter.
    pub text: String,
}

impl fmt::Display for LogLine {
    /// The line as it travels: the letter, then the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char(self.kind.letter())?;
        f.write_str(&self.text)
    }
}

/// What a line is, by its first letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// `D`.
    Debug,
    /// `W`.
    Warn,
    /// `E`.
    Error,
    /// `X`: printed as it is.
    Dump,
}

impl LineKind {
    /// The letter that stands for it.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Debug => 'D',
            Self::Warn => 'W',
            Self::Error => 'E',
            Self::Dump => 'X',
        }
    }
}

/// How much is logged; each level includes those after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// Warnings and errors.
    Warn,
    /// Errors alone.
    #[default]
    Error,
    /// Nothing.
    None,
}

/// Text that names no level or no tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown name")]
pub struct UnknownName;

impl FromStr for LogLevel {
    type Err = UnknownName;

    /// In any case of letters.
    fn from_str(name: &str) -> Result<Self, UnknownName> {
        [
            ("debug", Self::Debug),
            ("warn", Self::Warn),
            ("error", Self::Error),
            ("none", Self::None),
        ]
        .into_iter()
        .find_map(|(known, level)| known.eq_ignore_ascii_case(name).then_some(level))
        .ok_or(UnknownName)
    }
}

/// What a debug or warning line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the names are the channel's own and say all there is"
)]
pub enum LogTag {
    Info,
    Ice,
    Dtls,
    Rtp,
    Srtp,
    Rtcp,
    Rtx,
    Bwe,
    Score,
    Simulcast,
    Svc,
    Sctp,
    Message,
}

impl FromStr for LogTag {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        TAG_NAMES
            .into_iter()
            .find_map(|(known, tag)| (known == name).then_some(tag))
            .ok_or(UnknownName)
    }
}

/// A set of tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct LogTags(u16);

impl LogTags {
    /// No tag.
    pub const NONE: Self = Self(0);

    /// This set and `tag`.
    #[must_use]
    pub const fn with(self, tag: LogTag) -> Self {
        Self(self.0 | tag.bit())
    }

    const fn contains(self, tag: LogTag) -> bool {
        self.0 & tag.bit() != 0
    }
}

impl LogTag {
    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl Log {
    /// An empty log that lets through what `level` and `tags` say.
    #[must_use]
    pub fn new(level: LogLevel, tags: LogTags) -> Self {
        Self(Arc::new(Shared {
            filter: AtomicU32::new(Filter { level, tags }.pack()),
            lines: Mutex::new(Lines::default()),
        }))
    }

    /// The subscriber that turns `tracing` events into lines of this log. Install it for the
    /// process, or for a part of a test by `tracing::subscriber::with_default`.
    #[must_use]
    pub fn subscriber(&self) -> LogSubscriber {
        LogSubscriber(self.clone())
    }

    /// Changes what is let through from now on.
    pub fn set_filter(&self, level: LogLevel, tags: LogTags) {
        let filter = Filter { level, tags };
        self.0.filter.store(filter.pack(), Ordering::Relaxed);
        // Each call site caches whether anyone listens. That makes silent ones cheap.
        tracing::callsite::rebuild_interest_cache();
    }

    /// Changes what is given, and keeps the rest.
    pub fn update_filter(&self, level: Option<LogLevel>, tags: Option<LogTags>) {
        let old = Filter::unpack(self.0.filter.load(Ordering::Relaxed));
        self.set_filter(level.unwrap_or(old.level), tags.unwrap_or(old.tags));
    }

    /// Adds a line, whatever the filter says. When [`MAX_LINES`] wait already, the line is dropped
    /// and counted. A long line is cut to [`MAX_LINE_LEN`] bytes.
    pub fn push(&self, kind: LineKind, mut text: String) {
        if text.len() > MAX_LINE_LEN {
            text.truncate(text.floor_char_boundary(MAX_LINE_LEN));
            text.shrink_to_fit();
        }
        let mut lines = self.lines();
        if lines.waiting.len() < MAX_LINES {
            lines.waiting.push_back(LogLine { kind, text });
        } else {
            lines.dropped = lines.dropped.saturating_add(1);
        }
    }

    /// Takes the oldest line.
    #[must_use]
    pub fn pop(&self) -> Option<LogLine> {
        self.lines().waiting.pop_front()
    }

    /// How many lines were dropped since this was last asked.
    #[must_use]
    pub fn take_dropped(&self) -> u64 {
        std::mem::take(&mut self.lines().dropped)
    }

    fn filter(&self) -> Filter {
        Filter::unpack(self.0.filter.load(Ordering::Relaxed))
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        // A queue of whole lines is sound wherever a panic struck.
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Shared {
    filter: AtomicU32,
    lines: Mutex<Lines>,
}

#[derive(Debug, Default)]
struct Lines {
    waiting: VecDeque<LogLine>,
    dropped: u64,
}

/// The level and the tags. They are in one atomic word, so that nobody sees half of a change.
#[derive(Clone, Copy)]
struct Filter {
    level: LogLevel,
    tags: LogTags,
}

impl Filter {
    fn pack(self) -> u32 {
        (u32::from(self.tags.0) << 8) | self.level as u32
    }

    fn unpack(word: u32) -> Self {
        let [level, low, high, _] = word.to_le_bytes();
        Self {
            level: match level {
                0 => LogLevel::Debug,
                1 => LogLevel::Warn,
                2 => LogLevel::Error,
                _ => LogLevel::None,
            },
            tags: LogTags(u16::from_le_bytes([low, high])),
        }
    }

    /// The most talkative `tracing` level that may pass.
    const fn max_level(self) -> LevelFilter {
        match self.level {
            LogLevel::None => LevelFilter::OFF,
            LogLevel::Error => LevelFilter::ERROR,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Debug => LevelFilter::DEBUG,
        }
    }

    fn passes(self, metadata: &Metadata<'_>) -> bool {
        if *metadata.level() > self.max_level() {
            return false;
        }
        let target = metadata.target();
        if *metadata.level() == Level::ERROR {
            return target.starts_with("tureen");
        }
        target
            .strip_prefix("tureen::")
            .and_then(|tag| tag.parse().ok())
            .is_some_and(|tag| self.tags.contains(tag))
    }
}

/// The `tracing` subscriber of one [`Log`]. It handles events only and ignores spans.
#[derive(Debug)]
pub struct LogSubscriber(Log);

impl Subscriber for LogSubscriber {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && self.0.filter().passes(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.0.filter().max_level())
    }

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let kind = match *metadata.level() {
            Level::ERROR => LineKind::Error,
            Level::WARN => LineKind::Warn,
            _ => LineKind::Debug,
        };
        let module = metadata.module_path().unwrap_or("");
        let module = module.strip_prefix("tureen_worker::").unwrap_or(module);
        let mut line = LineText::default();
        event.record(&mut line);
        let LineText { message, fields } = line;
        self.0.push(kind, format!("{module} | {message}{fields}"));
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// An event's message and its other fields in their order.
#[derive(Default)]
struct LineText {
    message: String,
    fields: String,
}

impl Visit for LineText {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message.push_str(value);
        } else {
            // Quoted and escaped: a peer's text must not look like fields of ours.
            self.record_debug(field, &value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string fails only if one of our `Debug` implementations fails. Then the text
        // ends there.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

/// How many lines wait for the core at most.
pub(crate) const MAX_LINES: usize = 1024;

/// The maximum length of a line, in bytes. A name in a request may have megabytes, and a line may
/// repeat it.
pub(crate) const MAX_LINE_LEN: usize = 2048;

const TAG_NAMES: [(&str, LogTag); 13] = [
    ("info", LogTag::Info),
    ("ice", LogTag::Ice),
    ("dtls", LogTag::Dtls),
    ("rtp", LogTag::Rtp),
    ("srtp", LogTag::Srtp),
    ("rtcp", LogTag::Rtcp),
    ("rtx", LogTag::Rtx),
    ("bwe", LogTag::Bwe),
    ("score", LogTag::Score),
    ("simulcast", LogTag::Simulcast),
    ("svc", LogTag::Svc),
    ("sctp", LogTag::Sctp),
    ("message", LogTag::Message),
];

#[cfg(test)]
mod tests {
    use tracing::subscriber::with_default;
    use tracing::{debug, error, info, trace, warn};

    use super::*;

    fn taken(log: &Log) -> Vec<String> {
        std::iter::from_fn(|| log.pop())
            .map(|line| line.to_string())
            .collect()
    }

    fn speak() {
        trace!(target: "tureen::ice", "t");
        debug!(target: "tureen::ice", "d-ice");
        info!(target: "tureen::ice", "i-ice");
        debug!(target: "tureen::rtp", "d-rtp");
        warn!(target: "tureen::ice", "w-ice");
        warn!(target: "tureen::rtp", "w-rtp");
        warn!(target: "tureen::nonsense", "w-nonsense");
        warn!("w-untagged");
        error!("e");
        error!(target: "other::crate", "not ours");
    }

    fn said(level: LogLevel, tags: LogTags) -> String {
        let log = Log::new(level, tags);
        with_default(log.subscriber(), speak);
        let lines = taken(&log);
        let words = lines.iter().map(|line| {
            let (head, word) = line.split_once(" | ").unwrap();
            assert_eq!(&head[1..], "log::tests");
            format!("{}:{word}", &head[..1])
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn levels_gate_and_only_errors_pass_without_their_tag() {
        let ice = LogTags::NONE.with(LogTag::Ice);
        assert_eq!(said(LogLevel::Debug, ice), "D:d-ice D:i-ice W:w-ice E:e");
        assert_eq!(said(LogLevel::Debug, LogTags::NONE), "E:e");
        assert_eq!(said(LogLevel::Warn, ice), "W:w-ice E:e");
        assert_eq!(
            said(LogLevel::Warn, ice.with(LogTag::Rtp)),
            "W:w-ice W:w-rtp E:e"
        );
        assert_eq!(said(LogLevel::Error, ice), "E:e");
        assert_eq!(said(LogLevel::None, ice), "");
    }

    #[test]
    fn every_tag_has_its_own_bit_and_name() {
        let mut seen = LogTags::NONE;
        for (name, tag) in TAG_NAMES {
            assert!(!seen.contains(tag), "{name}");
            assert_eq!(name.parse(), Ok(tag));
            seen = seen.with(tag);
        }
        assert_eq!("ICE".parse::<LogTag>(), Err(UnknownName));
        assert_eq!("DeBuG".parse(), Ok(LogLevel::Debug));
        assert_eq!("".parse::<LogLevel>(), Err(UnknownName));
    }

    #[test]
    fn the_filter_changes_at_run_time() {
        let log = Log::new(LogLevel::Error, LogTags::NONE);
        let ask = || debug!(target: "tureen::dtls", "hello");
        with_default(log.subscriber(), || {
            ask();
            log.set_filter(LogLevel::Debug, LogTags::NONE.with(LogTag::Dtls));
            ask();
            log.set_filter(LogLevel::None, LogTags::NONE.with(LogTag::Dtls));
            ask();
        });
        assert_eq!(taken(&log), ["Dlog::tests | hello"]);
    }

    #[test]
    fn fields_follow_the_message_and_text_from_peers_is_quoted() {
        let log = Log::new(LogLevel::Error, LogTags::NONE);
        with_default(log.subscriber(), || {
            error!(target: "tureen::ice", ssrc = 5, name = "a\nb", ?log, "it {}", "broke");
            error!(code = %"x");
        });
        let lines = taken(&log);
        let start = r#"Elog::tests | it broke ssrc=5 name="a\nb" log=Log("#;
        assert!(lines[0].starts_with(start), "{}", lines[0]);
        assert_eq!(lines[1], "Elog::tests |  code=x");
    }

    #[test]
    fn two_logs_do_not_hear_each_other() {
        let loud = Log::new(LogLevel::Debug, LogTags::NONE.with(LogTag::Rtx));
        let quiet = Log::new(LogLevel::None, LogTags::NONE);
        let ask = |text| debug!(target: "tureen::rtx", "{text}");
        with_default(quiet.subscriber(), || {
            ask("one");
            with_default(loud.subscriber(), || ask("two"));
        });
        assert_eq!(taken(&loud), ["Dlog::tests | two"]);
        assert!(taken(&quiet).is_empty());
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let log = Log::new(LogLevel::Error, LogTags::NONE);
        log.push(LineKind::Error, "ä".repeat(5000));
        log.push(LineKind::Error, format!("x{}", "ä".repeat(5000)));
        let lengths = [log.pop(), log.pop()].map(|line| line.unwrap().text.len());
        assert_eq!(lengths, [MAX_LINE_LEN, MAX_LINE_LEN - 1]);
    }

    #[test]
    fn a_log_that_nobody_reads_stays_bounded() {
        let log = Log::new(LogLevel::Error, LogTags::NONE);
        with_default(log.subscriber(), || {
            for n in 0..MAX_LINES + 7 {
                error!(n, "again");
            }
        });
        assert_eq!(log.take_dropped(), 7);
        assert_eq!(log.take_dropped(), 0);
        let lines = taken(&log);
        assert_eq!(lines.len(), MAX_LINES);
        assert_eq!(lines[0], "Elog::tests | again n=0", "the oldest are kept");
    }
}
