//! Every key of `tureen serve`, with its documentation and its default.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Deserialize;

use super::values::{Within, listen_address};
use super::{AnnouncedAddress, Hidden, HostName, IceServer, Network, Origin};
use crate::auth::ApiKey;

/// Everything that `tureen serve` can be told.
#[derive(Args, Clone, Debug)]
pub struct ServeConfig {
    /// Configuration file in TOML. `tureen config` prints one with every key at its default.
    #[arg(long, env = "TUREEN_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Pages and signaling.
    #[command(flatten)]
    pub http: HttpConfig,
    /// Workers and their ports.
    #[command(flatten)]
    pub media: MediaConfig,
    /// Limits of rooms and people.
    #[command(flatten)]
    pub rooms: RoomConfig,
    /// What is logged.
    #[command(flatten)]
    pub log: LogConfig,
}

/// Pages and signaling.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Pages and signaling")]
pub struct HttpConfig {
    /// Address and port of the pages and of signaling. Browsers open the camera only on localhost or
    /// over HTTPS: for any other address set tls-cert and tls-key.
    #[arg(
        long,
        env = "TUREEN_LISTEN",
        value_name = "IP:PORT",
        default_value = "127.0.0.1:8080",
        value_parser = listen_address
    )]
    pub listen: SocketAddr,
    /// Certificate chain in PEM; makes the server speak HTTPS.
    #[arg(long, env = "TUREEN_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate, in PEM.
    #[arg(long, env = "TUREEN_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Origins of other sites whose pages may connect, such as `https://example.org`: scheme, host
    /// and port, if it has one. Pages of this server always may.
    #[arg(
        long,
        env = "TUREEN_ALLOWED_ORIGINS",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    pub allowed_origins: Vec<Origin>,
    /// Host names that requests may use while the server listens on a loopback address, such as the
    /// public name of a reverse proxy. `localhost` and IP addresses always work. Other names are
    /// refused, because a hostile page could let its own domain resolve to 127.0.0.1.
    #[arg(
        long,
        env = "TUREEN_ALLOWED_HOSTS",
        value_name = "NAME",
        value_delimiter = ','
    )]
    pub allowed_hosts: Vec<HostName>,
    /// Reverse proxies in front of this server, as addresses or networks such as 10.0.0.0/8. For their
    /// requests the client's address is read from X-Forwarded-For, or from Forwarded if the first is
    /// missing. Let the proxy set one of the two and remove the other.
    #[arg(
        long,
        env = "TUREEN_TRUSTED_PROXIES",
        value_name = "NETWORK",
        value_delimiter = ','
    )]
    pub trusted_proxies: Vec<Network>,
    /// API keys, NAME:SECRET, with which applications sign the tokens of their users. Without any, the
    /// server is open to everyone who reaches it; with them, making and entering rooms needs a token:
    /// `tureen token` prints one. A secret should have 32 characters or more. Give them here or in the
    /// environment, for others on this machine can read a command line.
    #[arg(
        long,
        env = "TUREEN_KEYS",
        hide_env_values = true,
        value_name = "NAME:SECRET",
        value_delimiter = ','
    )]
    pub keys: Vec<ApiKey>,
    /// STUN and TURN servers that clients may use to get through, such as
    /// `turn:turn.example.org?transport=udp`. Browsers that reach the ports of media need none.
    #[arg(
        long,
        env = "TUREEN_ICE_SERVERS",
        value_name = "URI",
        value_delimiter = ','
    )]
    pub ice_servers: Vec<IceServer>,
    /// Username for the TURN servers, if it is the same for everyone.
    #[arg(long, env = "TUREEN_TURN_USERNAME", value_name = "NAME")]
    pub turn_username: Option<String>,
    /// Password of turn-username. It is sent to every client.
    #[arg(
        long,
        env = "TUREEN_TURN_CREDENTIAL",
        hide_env_values = true,
        value_name = "PASSWORD"
    )]
    pub turn_credential: Option<Hidden>,
    /// Secret that the TURN servers share with this server, as coturn's static-auth-secret. Each client
    /// then gets credentials of its own, valid for one day.
    #[arg(
        long,
        env = "TUREEN_TURN_SECRET",
        hide_env_values = true,
        value_name = "SECRET"
    )]
    pub turn_secret: Option<Hidden>,
    /// Whether other machines may read /metrics. A request with X-Forwarded-For, X-Real-IP, Forwarded
    /// or Via counts as coming from another machine. A proxy on this machine must set one of them;
    /// otherwise everybody can read the metrics through it.
    #[arg(
        long, env = "TUREEN_METRICS_REMOTE", value_name = "BOOL",
        default_value = "false", num_args = 0..=1, default_missing_value = "true"
    )]
    pub metrics_remote: bool,
    /// Longest WebSocket message from a client, in bytes.
    #[arg(
        long, env = "TUREEN_MAX_FRAME_SIZE", value_name = "BYTES", default_value = "262144",
        value_parser = MaxFrameSize::parser::<usize>()
    )]
    pub max_frame_size: usize,
    /// WebSocket messages that a client may send per second, averaged over ten seconds.
    #[arg(
        long, env = "TUREEN_MAX_MESSAGE_RATE", value_name = "NUMBER", default_value = "30",
        value_parser = MaxMessageRate::parser::<u32>()
    )]
    pub max_message_rate: u32,
    /// Seconds between pings to a client.
    #[arg(
        long, env = "TUREEN_PING_INTERVAL", value_name = "SECONDS", default_value = "5",
        value_parser = PingInterval::parser::<u64>()
    )]
    pub ping_interval: u64,
    /// Seconds without a sign of life after which a connection counts as lost. See resume-timeout.
    #[arg(
        long, env = "TUREEN_PING_TIMEOUT", value_name = "SECONDS", default_value = "15",
        value_parser = PingTimeout::parser::<u64>()
    )]
    pub ping_timeout: u64,
    /// How long people stay in their room after their connection is lost, in seconds, so that they can
    /// come back unnoticed. 0: they leave at once.
    #[arg(
        long, env = "TUREEN_RESUME_TIMEOUT", value_name = "SECONDS", default_value = "30",
        value_parser = ResumeTimeout::parser::<u64>()
    )]
    pub resume_timeout: u64,
}

/// Workers and their ports.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Media")]
pub struct MediaConfig {
    /// Media workers, each on one core; 0 means one per core.
    #[arg(
        long, env = "TUREEN_WORKERS", value_name = "NUMBER", default_value = "0",
        value_parser = Workers::parser::<usize>()
    )]
    pub workers: usize,
    /// Port of the first worker's media, UDP and TCP; the next worker has the next port. Open them
    /// in the firewall.
    #[arg(
        long, env = "TUREEN_RTC_PORT", value_name = "PORT", default_value = "40000",
        value_parser = RtcPort::parser::<u16>()
    )]
    pub rtc_port: u16,
    /// Local IP addresses for media. By default those that `listen` covers. If that is a loopback
    /// address, the machine's network address is added, because Firefox sends no media to 127.0.0.1.
    #[arg(
        long,
        env = "TUREEN_RTC_LISTEN",
        value_name = "IP",
        value_delimiter = ','
    )]
    pub rtc_listen: Vec<IpAddr>,
    /// The address at which browsers reach this machine's media, where it is not its own: behind
    /// NAT, in a container, in most clouds. An IP address, or a host name that browsers resolve.
    #[arg(long, env = "TUREEN_ANNOUNCED_ADDRESS", value_name = "ADDRESS")]
    pub announced_address: Option<AnnouncedAddress>,
    /// Codecs of every room, the preferred one of its kind first.
    #[arg(
        long,
        env = "TUREEN_CODECS",
        value_name = "CODEC",
        value_enum,
        value_delimiter = ',',
        default_value = "opus,vp8,h264,vp9,av1"
    )]
    pub codecs: Vec<CodecName>,
    /// What each participant's connection may send at first, in bit/s. Has no effect until the worker
    /// estimates bandwidth.
    #[arg(
        long, env = "TUREEN_INITIAL_OUTGOING_BITRATE", value_name = "BITRATE",
        default_value = "1000000", value_parser = InitialBitrate::parser::<u32>()
    )]
    pub initial_outgoing_bitrate: u32,
    /// Log level of the workers.
    #[arg(
        long,
        env = "TUREEN_WORKER_LOG",
        value_name = "LEVEL",
        value_enum,
        default_value = "warn"
    )]
    pub worker_log: WorkerLog,
    /// Directory in which every message between the server and its workers is recorded, for
    /// `tureen dump`; made if it is not there. Recordings hold keys and passwords.
    #[arg(long, env = "TUREEN_RECORD_CHANNEL", value_name = "DIRECTORY")]
    pub record_channel: Option<PathBuf>,
    /// Whether `tureen dump` of the same user can attach, by a socket in XDG_RUNTIME_DIR or /tmp.
    #[arg(
        long, env = "TUREEN_DUMP_SOCKET", value_name = "BOOL", action = clap::ArgAction::Set,
        default_value = "true"
    )]
    pub dump_socket: bool,
}

/// Limits of rooms and people.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Rooms")]
pub struct RoomConfig {
    /// Rooms that may exist at once.
    #[arg(
        long, env = "TUREEN_MAX_ROOMS", value_name = "NUMBER", default_value = "1000",
        value_parser = MaxRooms::parser::<usize>()
    )]
    pub max_rooms: usize,
    /// People who may be online at once.
    #[arg(
        long, env = "TUREEN_MAX_PEOPLE", value_name = "NUMBER", default_value = "5000",
        value_parser = MaxPeople::parser::<usize>()
    )]
    pub max_people: usize,
    /// How many rooms made by people of one network may exist at once. A network is an IPv4 address or
    /// an IPv6 /64. People behind a proxy on this machine that is not in trusted-proxies have no
    /// network, so this limit does not count for them.
    #[arg(
        long, env = "TUREEN_MAX_ROOMS_PER_NETWORK", value_name = "NUMBER", default_value = "100",
        value_parser = MaxRooms::parser::<usize>()
    )]
    pub max_rooms_per_network: usize,
    /// People who may be online at once from one network.
    #[arg(
        long, env = "TUREEN_MAX_PEOPLE_PER_NETWORK", value_name = "NUMBER", default_value = "500",
        value_parser = MaxPeople::parser::<usize>()
    )]
    pub max_people_per_network: usize,
    /// WHIP and WHEP sessions that may be asked for per second from one network, averaged over ten seconds.
    #[arg(
        long, env = "TUREEN_MAX_WHIP_RATE", value_name = "NUMBER", default_value = "10",
        value_parser = MaxMessageRate::parser::<u32>()
    )]
    pub max_whip_rate: u32,
    /// WHIP and WHEP sessions of one network that have not connected yet; the oldest gives way.
    #[arg(
        long, env = "TUREEN_MAX_CONNECTING_PER_NETWORK", value_name = "NUMBER",
        default_value = "32", value_parser = MaxPeople::parser::<usize>()
    )]
    pub max_connecting_per_network: usize,
    /// People who may be in one room.
    #[arg(
        long, env = "TUREEN_MAX_ROOM_PEOPLE", value_name = "NUMBER", default_value = "100",
        value_parser = MaxRoomPeople::parser::<usize>()
    )]
    pub max_room_people: usize,
    /// Tracks that one participant may publish.
    #[arg(
        long, env = "TUREEN_MAX_TRACKS", value_name = "NUMBER", default_value = "8",
        value_parser = MaxTracks::parser::<usize>()
    )]
    pub max_tracks: usize,
    /// Longest name of a person or a room, in characters.
    #[arg(
        long, env = "TUREEN_MAX_NAME_LENGTH", value_name = "CHARACTERS", default_value = "64",
        value_parser = MaxNameLength::parser::<usize>()
    )]
    pub max_name_length: usize,
    /// Longest chat message, in characters.
    #[arg(
        long, env = "TUREEN_MAX_CHAT_LENGTH", value_name = "CHARACTERS", default_value = "2000",
        value_parser = MaxChatLength::parser::<usize>()
    )]
    pub max_chat_length: usize,
    /// Seconds for which a room without people is kept.
    #[arg(
        long, env = "TUREEN_EMPTY_ROOM_TIMEOUT", value_name = "SECONDS", default_value = "60",
        value_parser = EmptyRoomTimeout::parser::<u64>()
    )]
    pub empty_room_timeout: u64,
}

/// What is logged.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Logs")]
pub struct LogConfig {
    /// Filter in the syntax of tracing: a level, or levels by module such as info,tureen=debug.
    #[arg(
        long,
        env = "TUREEN_LOG",
        value_name = "FILTER",
        default_value = "info"
    )]
    pub log: String,
    /// Form of the lines on stderr.
    #[arg(
        long,
        env = "TUREEN_LOG_FORMAT",
        value_name = "FORMAT",
        value_enum,
        default_value = "text"
    )]
    pub log_format: LogFormat,
}

/// A codec of rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CodecName {
    /// Opus at 48 kHz, stereo
    Opus,
    /// G.711 μ-law
    Pcmu,
    /// G.711 A-law
    Pcma,
    /// VP8
    Vp8,
    /// VP9, profile 0
    Vp9,
    /// H.264, constrained baseline, packetization mode 1
    H264,
    /// AV1, main profile
    Av1,
}

/// Log level of the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkerLog {
    /// Everything
    Debug,
    /// Warnings and errors
    Warn,
    /// What failed
    Error,
    /// Nothing
    None,
}

/// Form of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object per line
    Json,
}

// Ranges, for the command line and the file alike.
pub(super) type MaxFrameSize = Within<1024, 16777216>;
pub(super) type MaxMessageRate = Within<1, 10_000>;
pub(super) type PingInterval = Within<1, 3600>;
pub(super) type PingTimeout = Within<2, 7200>;
pub(super) type ResumeTimeout = Within<0, 3600>;
pub(super) type Workers = Within<0, 256>;
pub(super) type RtcPort = Within<1, 65535>;
pub(super) type InitialBitrate = Within<30_000, 1_000_000_000>;
pub(super) type MaxRooms = Within<1, 1_000_000>;
pub(super) type MaxPeople = Within<1, 1_000_000>;
pub(super) type MaxRoomPeople = Within<1, 100_000>;
pub(super) type MaxTracks = Within<1, 64>;
pub(super) type MaxNameLength = Within<1, 1000>;
pub(super) type MaxChatLength = Within<1, 100_000>;
pub(super) type EmptyRoomTimeout = Within<0, 86_400>;
