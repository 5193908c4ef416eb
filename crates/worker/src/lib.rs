//! Tureen's media worker: a deterministic, sans-IO SFU core and a thin mio shell around it.
//!
//! The core's layers, from the bottom: base (this list's first block), bytes (`wire`, `codecs`),
//! parts (`srtp`, `dtls`, `ice`, `bwe`, `streams`), entities, transport, graph, edge. A module uses
//! the ones above it in that order, never those below; `tests/tidy` enforces it.
//!
//! The crate's interface is the binary, and [`run`] for a program that is a worker as well.

mod arena;
mod binder;
mod bwe;
mod channel;
mod codecs;
mod consumer;
mod dtls;
mod error;
mod fuzz;
mod ice;
mod ids;
mod io;
mod log;
mod messages;
mod output;
mod params;
mod producer;
mod rng;
mod router;
mod settings;
mod srtp;
mod streams;
mod time;
mod timers;
mod transport;
mod webrtc_server;
mod wire;
mod worker;

pub use io::run;

/// The door for fuzz targets, oracles, simulations, benchmarks and examples, and for nobody else:
/// what stands here may change at any time.
#[doc(hidden)]
pub mod internal {
    pub use crate::worker::{CoreSettings, Counters, Drain, Drops, Reason, Worker};

    pub mod binder {
        pub use crate::binder::{BindError, BindOptions, Binder, Bound};
    }

    pub mod channel {
        pub use crate::channel::decode;
    }

    pub mod dtls {
        pub use crate::dtls::{
            Certificate, CertificateError, DimplContext, DimplSession, DtlsCounters, DtlsEngines,
            DtlsFailure, DtlsKeys, DtlsOutput, DtlsSession, DtlsTransport, EngineSession,
            SIMULATED_CERTIFICATE, SessionDrops, SessionError, SessionEvent, SessionRole,
            fingerprint, simulated_keys,
        };
    }

    pub mod error {
        pub use crate::error::RequestError;
    }

    pub mod fuzz {
        pub use crate::fuzz::{
            av1, demux, dependency_descriptor, h264, opus, rfc4571, rtcp, rtp, rtp_ext, stun, vp8,
            vp9,
        };
    }

    pub mod ids {
        pub use crate::ids::{Mid, PayloadType, Rid, Ssrc, Token, TransportKey};
    }

    pub mod log {
        pub use crate::log::{
            LineKind, Log, LogLevel, LogLine, LogSubscriber, LogTag, LogTags, UnknownName,
        };
    }

    pub mod messages {
        pub use crate::messages::{
            BaseStreamStats, Consume, ConsumeResponse, ConsumerDump, ConsumerScore,
            CreateDirectTransport, CreatePlainTransport, CreateWebRtcTransport, Direction, Event,
            IncomingBody, IncomingNotification, Listen, Message, Notification, Outgoing,
            PlainConnect, PlainConnected, PlainTransportDump, PlainTransportStats, ProcessUsage,
            Produce, ProducerDump, ProducerScore, RecvStreamStats, Request, RequestBody,
            ResourceUsage, Response, ResponseBody, RouterDump, RtpListenerDump, RtpStreamDump,
            RtxStreamDump, SendStreamStats, StreamStats, TransportDump, TransportOptions,
            TransportStats, TurnTimes, WebRtcServerDump, WebRtcTransportDump, WebRtcTransportStats,
            WorkerDump, WorkerMetrics,
        };
    }

    pub mod output {
        pub use crate::output::{
            Batch, MAX_DATAGRAM, Mark, Output, Path, Protocol, SocketKey, Train,
        };
    }

    pub mod params {
        pub use crate::params::{
            CodecMapping, ConsumerLayers, DtlsParameters, DtlsRole, DtlsState, EncodingMapping,
            Fingerprint, FingerprintAlgorithm, HeaderExtensionUri, IceCandidate, IceParameters,
            IceState, ListenInfo, MediaKind, ParameterValue, PortRange, RtcpFeedback,
            RtcpParameters, RtpCodecParameters, RtpEncodingParameters,
            RtpHeaderExtensionParameters, RtpMapping, RtpParameters, RtpType, SocketFlags,
            SrtpCryptoSuite, SrtpParameters, Tuple,
        };
    }

    pub mod rng {
        pub use crate::rng::Rng;
    }

    pub mod srtp {
        pub use crate::srtp::{
            KeyLengthError, MAX_PROTECTION_OVERHEAD, MasterKey, SrtpError, SrtpKeys, SrtpReceive,
            SrtpSend, StreamIndex,
        };
    }

    pub mod time {
        pub use crate::time::{ClockAnchor, Instant, NtpTime};
    }

    pub mod wire {
        pub mod demux {
            pub use crate::wire::demux::DatagramKind;
        }

        pub mod ext {
            pub use crate::wire::ext::{AbsCaptureTime, PacketId};
        }

        pub mod rtcp {
            pub use crate::wire::rtcp::{
                Bye, CompoundWriter, DlrrItem, DlrrItems, Fir, FirEntries, FirEntry, LostPackets,
                Nack, PacketStatus, PacketStatuses, Pli, ReceiverReport, Remb, ReportBlock,
                ReportBlocks, RtcpError, RtcpPacket, RtcpPackets, Sdes, SdesChunk, SdesChunks,
                SenderInfo, SenderReport, Ssrcs, TransportFeedback, TransportFeedbackHeader, Xr,
                XrBlock, XrBlocks,
            };
        }

        pub mod rtp {
            pub use crate::wire::rtp::{RtpError, RtpHeader, RtpPacket};
        }

        pub mod rtp_ext {
            pub use crate::wire::rtp_ext::{Extension, ExtensionProfile, Extensions};
        }

        pub mod stun {
            pub use crate::wire::stun::{
                Attribute, AttributeType, Attributes, BindingRequest, Class, ErrorCode, IceRole,
                IntegrityKey, Method, StunError, StunMessage, StunWriter, TransactionId,
            };
        }
    }
}
