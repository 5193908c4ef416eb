//! How a worker is started.

use std::path::PathBuf;
use std::time::Duration;

use super::WorkerBinary;
use crate::listen_info::PortRange;
use crate::observe::ChannelObserver;

/// How a worker is started.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// Which binary is run. Default: searched for.
    pub binary: WorkerBinary,
    /// How much it logs. Default errors only.
    pub log_level: LogLevel,
    /// What it logs at debug and warning level. Default nothing.
    pub log_tags: Vec<LogTag>,
    /// Ports for sockets that name none. Default 10000 to 59999.
    pub rtc_ports: PortRange,
    /// Certificate and private key for DTLS, both PEM files. By default the worker makes new ones.
    pub dtls_files: Option<DtlsFiles>,
    /// How long it may take until it is ready. Default 10 s.
    pub start_timeout: Duration,
    /// How long it may take to close before it is killed. Default 5 s.
    pub close_timeout: Duration,
    /// How long it may take to answer a request. Default 20 s.
    pub request_timeout: Duration,
    /// Who sees what is said on the channel. Default nobody.
    pub observer: Option<ChannelObserver>,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            binary: WorkerBinary::Search,
            log_level: LogLevel::Error,
            log_tags: Vec::new(),
            rtc_ports: PortRange {
                min: 10_000,
                max: 59_999,
            },
            dtls_files: None,
            start_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(20),
            observer: None,
        }
    }
}

impl WorkerSettings {
    /// The worker's command line.
    pub(super) fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            format!("--logLevel={}", self.log_level.as_str()),
            format!("--rtcMinPort={}", self.rtc_ports.min),
            format!("--rtcMaxPort={}", self.rtc_ports.max),
        ];
        let tags = self.log_tags.iter();
        arguments.extend(tags.map(|tag| format!("--logTag={}", tag.as_str())));
        if let Some(files) = &self.dtls_files {
            let DtlsFiles {
                certificate,
                private_key,
            } = files;
            arguments.push(format!("--dtlsCertificateFile={}", certificate.display()));
            arguments.push(format!("--dtlsPrivateKeyFile={}", private_key.display()));
        }
        arguments
    }
}

/// PEM files for DTLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DtlsFiles {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its private key.
    pub private_key: PathBuf,
}

/// How much a worker logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogLevel {
    /// Debug lines, warnings and errors.
    Debug,
    /// Warnings and errors.
    Warn,
    /// Errors.
    #[default]
    Error,
    /// Nothing.
    None,
}

impl LogLevel {
    /// Its name on the worker's command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::None => "none",
        }
    }
}

macro_rules! log_tags {
    ($($(#[doc = $doc:literal])+ $tag:ident = $name:literal,)+) => {
        /// Part of a worker that logs at debug and warning level.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum LogTag {$(
            $(#[doc = $doc])+
            $tag,
        )+}

        impl LogTag {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$tag),+];

            /// Its name on the worker's command line.
            pub fn as_str(self) -> &'static str {
                match self {$(
                    Self::$tag => $name,
                )+}
            }
        }
    };
}

log_tags! {
    /// What goes on in general.
    Info = "info",
    /// ICE.
    Ice = "ice",
    /// DTLS.
    Dtls = "dtls",
    /// RTP.
    Rtp = "rtp",
    /// SRTP.
    Srtp = "srtp",
    /// RTCP.
    Rtcp = "rtcp",
    /// Retransmission.
    Rtx = "rtx",
    /// Bandwidth estimation.
    Bwe = "bwe",
    /// Quality scores.
    Score = "score",
    /// Simulcast.
    Simulcast = "simulcast",
    /// Layered coding.
    Svc = "svc",
    /// SCTP.
    Sctp = "sctp",
    /// Messages of data channels.
    Message = "message",
}
