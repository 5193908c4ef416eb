//! The command line and environment that a controller starts the worker with, as plain settings.
//!
//! Parsing is pure; only [`Settings::read_certificate`] touches the file system. Both fail with a
//! [`SettingsError`] that knows its exit code. By that code alone the controller tells wrong
//! settings from a worker that died.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use pem::Pem;

use crate::log::{LogLevel, LogTag, LogTags};
use crate::params::PortRange;

/// What the worker was asked to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The controller's version, as the environment names it; only logged.
    pub version: OsString,
    /// `--logLevel`; default error.
    pub log_level: LogLevel,
    /// The known ones of `--logTag`; default none.
    pub log_tags: LogTags,
    /// The unknown ones, which are ignored with a line on stderr.
    pub ignored_tags: Vec<String>,
    /// `--rtcMinPort` and `--rtcMaxPort`; default 10000–59999. The minimum may be 0.
    pub ports: PortRange,
    /// The DTLS certificate and key, when both are given.
    pub certificate_files: Option<CertificateFiles>,
}

/// Where the DTLS certificate and its key lie, both in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateFiles {
    /// `--dtlsCertificateFile`.
    pub certificate: PathBuf,
    /// `--dtlsPrivateKeyFile`.
    pub private_key: PathBuf,
}

/// A DTLS certificate and its key as PEM text. Only the PEM form is checked, not the content.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CertificatePem {
    /// One or more `CERTIFICATE` blocks.
    pub certificate: String,
    /// A block whose label ends in `PRIVATE KEY`.
    pub private_key: String,
}

impl std::fmt::Debug for CertificatePem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CertificatePem")
    }
}

/// Why the worker cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// The environment lacks `MEDIASOUP_VERSION`, so it was not a controller that started this.
    #[error("{VERSION_VARIABLE} is not in the environment: a controller must start this program")]
    NoVersion,
    /// The option is none of ours.
    #[error("unknown option {0:?}")]
    UnknownOption(String),
    /// `--name` without `=value`.
    #[error("{0}: option requires a value, as in {0}=VALUE")]
    MissingValue(&'static str),
    /// An option has a value that it cannot have.
    #[error("{option}: {problem}: {value:?}")]
    InvalidValue {
        /// The option with its dashes.
        option: &'static str,
        /// What is wrong with it.
        problem: &'static str,
        /// What was given.
        value: String,
    },
    /// `rtcMaxPort` is below `rtcMinPort`, after both are cut to 16 bits.
    #[error("rtcMaxPort ({}) cannot be less than rtcMinPort ({})", .0.max, .0.min)]
    EmptyPortRange(PortRange),
    /// Only one of the two DTLS files was given.
    #[error("{given} is given without {missing}")]
    HalfCertificate {
        /// The option that is there.
        given: &'static str,
        /// The option that is not.
        missing: &'static str,
    },
    /// A DTLS file cannot be used.
    #[error("{option}: cannot use {}: {reason}", path.display())]
    CertificateFile {
        /// The option that names it.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The two DTLS files are PEM, but no certificate and the key that belongs to it.
    #[error("{CERTIFICATE_FILE}, {PRIVATE_KEY_FILE}: {reason}")]
    Certificate {
        /// What is wrong with them.
        reason: String,
    },
}

impl SettingsError {
    /// The exit code of the process: 41 without a version, else 42, which a controller reports as
    /// wrong settings.
    #[must_use]
    pub(crate) const fn exit_code(&self) -> i32 {
        match self {
            Self::NoVersion => 41,
            _ => 42,
        }
    }
}

impl Settings {
    /// Reads arguments of the form `--name=value`, without the program's name, and the
    /// environment's variables through `environment`. A repeated option replaces its earlier value;
    /// log tags add up.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] names the option.
    pub(crate) fn parse(
        arguments: impl IntoIterator<Item = OsString>,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, SettingsError> {
        let mut settings = Self {
            version: environment(VERSION_VARIABLE).ok_or(SettingsError::NoVersion)?,
            log_level: LogLevel::Error,
            log_tags: LogTags::NONE,
            ignored_tags: Vec::new(),
            ports: DEFAULT_PORTS,
            certificate_files: None,
        };
        let (mut certificate, mut private_key) = (None, None);
        for argument in arguments {
            let (option, value) = split(&argument)?;
            match option {
                LOG_LEVEL => settings.log_level = parse_level(value)?,
                LOG_TAG | LOG_TAGS => settings.add_tag(value),
                MIN_PORT => settings.ports.min = parse_port(MIN_PORT, value)?,
                MAX_PORT => settings.ports.max = parse_port(MAX_PORT, value)?,
                CERTIFICATE_FILE => certificate = Some(PathBuf::from(value)),
                PRIVATE_KEY_FILE => private_key = Some(PathBuf::from(value)),
                // Field trials tune a library that this worker does not contain.
                _ => {}
            }
        }
        if settings.ports.max < settings.ports.min {
            return Err(SettingsError::EmptyPortRange(settings.ports));
        }
        settings.certificate_files = both(certificate, private_key)?;
        Ok(settings)
    }

    /// Reads the DTLS files, if there are any.
    ///
    /// # Errors
    ///
    /// [`SettingsError::CertificateFile`] if one is missing, not a regular file, unreadable, too
    /// large or not PEM.
    pub(crate) fn read_certificate(&self) -> Result<Option<CertificatePem>, SettingsError> {
        let Some(files) = &self.certificate_files else {
            return Ok(None);
        };
        Ok(Some(CertificatePem {
            certificate: read_pem(CERTIFICATE_FILE, &files.certificate, |label| {
                label == "CERTIFICATE"
            })?,
            private_key: read_pem(PRIVATE_KEY_FILE, &files.private_key, |label| {
                label == "PRIVATE KEY" || label.ends_with(" PRIVATE KEY")
            })?,
        }))
    }

    fn add_tag(&mut self, tag: &str) {
        match tag.parse::<LogTag>() {
            Ok(known) => self.log_tags = self.log_tags.with(known),
            Err(_) => self.ignored_tags.push(tag.to_owned()),
        }
    }
}

/// Splits `--name=value` into the known option's own name and the value.
fn split(argument: &OsString) -> Result<(&'static str, &str), SettingsError> {
    let unknown = || SettingsError::UnknownOption(argument.to_string_lossy().into_owned());
    let text = argument.to_str().ok_or_else(unknown)?;
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let option = OPTIONS.iter().copied().find(|option| *option == name);
    let option = option.ok_or_else(unknown)?;
    Ok((option, value.ok_or(SettingsError::MissingValue(option))?))
}

fn parse_level(value: &str) -> Result<LogLevel, SettingsError> {
    value.parse().map_err(|_| SettingsError::InvalidValue {
        option: LOG_LEVEL,
        problem: "not one of debug, warn, error, none",
        value: value.to_owned(),
    })
}

/// Ports are read as C integers and cut to 16 bits; the controllers' own tests rely on 65536
/// becoming 0.
fn parse_port(option: &'static str, value: &str) -> Result<u16, SettingsError> {
    let number: i32 = value.parse().map_err(|_| SettingsError::InvalidValue {
        option,
        problem: "not a number",
        value: value.to_owned(),
    })?;
    let [low, high, ..] = number.to_le_bytes();
    Ok(u16::from_le_bytes([low, high]))
}

fn both(
    certificate: Option<PathBuf>,
    private_key: Option<PathBuf>,
) -> Result<Option<CertificateFiles>, SettingsError> {
    match (certificate, private_key) {
        (Some(certificate), Some(private_key)) => Ok(Some(CertificateFiles {
            certificate,
            private_key,
        })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(SettingsError::HalfCertificate {
            given: CERTIFICATE_FILE,
            missing: PRIVATE_KEY_FILE,
        }),
        (None, Some(_)) => Err(SettingsError::HalfCertificate {
            given: PRIVATE_KEY_FILE,
            missing: CERTIFICATE_FILE,
        }),
    }
}

fn read_pem(
    option: &'static str,
    path: &Path,
    wanted: impl Fn(&str) -> bool,
) -> Result<String, SettingsError> {
    let refuse = |reason: String| SettingsError::CertificateFile {
        option,
        path: path.to_owned(),
        reason,
    };
    let metadata = fs::metadata(path).map_err(|error| refuse(error.to_string()))?;
    // Asked before opening: a FIFO would block the open for ever.
    if !metadata.is_file() {
        return Err(refuse("not a regular file".to_owned()));
    }
    if metadata.len() > MAX_PEM_SIZE {
        return Err(refuse(format!("larger than {MAX_PEM_SIZE} bytes")));
    }
    let text = fs::read_to_string(path).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => refuse("not PEM text".to_owned()),
        _ => refuse(error.to_string()),
    })?;
    let blocks = pem::parse_many(&text)
        .map_err(|error| refuse(format!("holds no PEM block that can be read: {error}")))?;
    let is_it = |block: &Pem| wanted(block.tag()) && !block.contents().is_empty();
    if blocks.iter().any(is_it) {
        Ok(text)
    } else {
        Err(refuse("holds no PEM block of the right kind".to_owned()))
    }
}

const VERSION_VARIABLE: &str = "MEDIASOUP_VERSION";

const LOG_LEVEL: &str = "--logLevel";
const LOG_TAG: &str = "--logTag";
const LOG_TAGS: &str = "--logTags";
const MIN_PORT: &str = "--rtcMinPort";
const MAX_PORT: &str = "--rtcMaxPort";
const CERTIFICATE_FILE: &str = "--dtlsCertificateFile";
const PRIVATE_KEY_FILE: &str = "--dtlsPrivateKeyFile";
const FIELD_TRIALS: &str = "--libwebrtcFieldTrials";

const OPTIONS: [&str; 8] = [
    LOG_LEVEL,
    LOG_TAG,
    LOG_TAGS,
    MIN_PORT,
    MAX_PORT,
    CERTIFICATE_FILE,
    PRIVATE_KEY_FILE,
    FIELD_TRIALS,
];

const DEFAULT_PORTS: PortRange = PortRange {
    min: 10_000,
    max: 59_999,
};

/// The maximum size of a PEM file, in bytes. A chain of certificates has a few KiB.
const MAX_PEM_SIZE: u64 = 1 << 20;

#[cfg(test)]
mod tests;
