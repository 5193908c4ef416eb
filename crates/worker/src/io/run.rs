//! From a command line to an exit code.

use std::ffi::OsString;
use std::io;
use std::os::fd::RawFd;
use std::time::Instant as StdInstant;

use super::event_loop::{Ending, EventLoop, Shell};
use super::stderr::{complain, complain_of_panics};
use super::sys_linux::{Clocks, inherit_descriptor};
use super::usage::raise_descriptor_limit;
use crate::dtls::{Certificate, SessionError};
use crate::log::Log;
use crate::settings::{Settings, SettingsError};
use crate::time::ClockAnchor;
use crate::worker::{CoreSettings, Worker};

/// Runs a media worker in this process until it ends, and returns the exit code for the process: 0
/// after an orderly end, 41 or 42 if the environment or the arguments are wrong
/// (`SettingsError::exit_code`), 1 if the system refuses something, 70 if the core gave up.
///
/// `arguments` begin with the program's name, as [`std::env::args_os`] does. The controller has
/// left two pipes open: requests come in on descriptor 3, and everything for the controller goes
/// out on 4. Call this once, before the process starts other threads, because it takes over
/// signals, descriptors, the panic hook and the global `tracing` subscriber.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> i32 {
    complain_of_panics();
    match serve(arguments.into_iter().skip(1)) {
        Ok(Ending::ControllerGone(why)) => {
            complain(format_args!("{why}: exiting"));
            0
        }
        Ok(Ending::Closed | Ending::Signalled) => 0,
        Ok(Ending::Failed) => {
            complain(format_args!("giving up after a panic"));
            FAILED
        }
        Err(failure) => {
            complain(format_args!("{failure}"));
            failure.exit_code()
        }
    }
}

/// Why a worker cannot run.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("descriptor {fd} of the channel: {error}")]
    Descriptor { fd: RawFd, error: io::Error },
    #[error("no random numbers")]
    Randomness,
    #[error("DTLS: {0}")]
    Dtls(#[from] SessionError),
    #[error(transparent)]
    System(#[from] io::Error),
}

impl Failure {
    fn exit_code(&self) -> i32 {
        match self {
            Self::Settings(error) => error.exit_code(),
            Self::Descriptor { .. } | Self::Randomness | Self::Dtls(_) | Self::System(_) => 1,
        }
    }
}

fn serve(arguments: impl Iterator<Item = OsString>) -> Result<Ending, Failure> {
    let settings = Settings::parse(arguments, |name| std::env::var_os(name))?;
    for tag in &settings.ignored_tags {
        complain(format_args!("ignoring unknown log tag {tag:?}"));
    }
    let certificate = match settings.read_certificate()? {
        Some(pem) => Certificate::from_pem(pem.certificate.as_bytes(), pem.private_key.as_bytes()),
        None => Certificate::generate(),
    };
    let certificate = certificate.map_err(|error| {
        let reason = error.to_string();
        SettingsError::Certificate { reason }
    })?;
    let log = Log::new(settings.log_level, settings.log_tags);
    if tracing::subscriber::set_global_default(log.subscriber()).is_err() {
        complain(format_args!("another subscriber takes the log lines"));
    }
    // Without it there is merely room for fewer sockets.
    raise_descriptor_limit().ok();
    let inherit = |fd| inherit_descriptor(fd).map_err(|error| Failure::Descriptor { fd, error });
    let shell = Shell::new(inherit(FROM_CONTROLLER)?, inherit(TO_CONTROLLER)?)?;
    tracing::debug!(target: "tureen::info", version = ?settings.version, "starting");

    let mut seed = [0; 32];
    aws_lc_rs::rand::fill(&mut seed).map_err(|_| Failure::Randomness)?;
    let clocks = Clocks::read();
    let core = CoreSettings {
        seed,
        pid: std::process::id(),
        clock: ClockAnchor {
            at: clocks.monotonic,
            std: StdInstant::now(),
            unix: clocks.unix,
        },
        ports: settings.ports,
        certificate,
        log,
    };
    // Signals are set by now: the core's first message says that the worker is running.
    let worker = Worker::new(core)?;
    Ok(EventLoop::new(shell, worker)?.run()?)
}

/// The exit code of a worker that gave up (`EX_SOFTWARE`).
const FAILED: i32 = 70;
const FROM_CONTROLLER: RawFd = 3;
const TO_CONTROLLER: RawFd = 4;
