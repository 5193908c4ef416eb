//! The plain parameters that requests carry and dumps echo: RTP, listening, DTLS and ICE. They are
//! plain data; the entities that take them decide what they mean.

mod codec;
mod listen;
mod rtp;
mod srtp;
mod webrtc;

pub(crate) use codec::Codec;
pub use codec::MediaKind;
pub use listen::{ListenInfo, PortRange, SocketFlags};
pub use rtp::{
    CodecMapping, ConsumerLayers, EncodingMapping, HeaderExtensionUri, ParameterValue,
    RtcpFeedback, RtcpParameters, RtpCodecParameters, RtpEncodingParameters,
    RtpHeaderExtensionParameters, RtpMapping, RtpParameters, RtpType,
};
pub(crate) use rtp::{check_codecs, codec_of, is_media, rtx_of};
pub use srtp::{SrtpCryptoSuite, SrtpParameters};
pub use webrtc::{
    DtlsParameters, DtlsRole, DtlsState, Fingerprint, FingerprintAlgorithm, IceCandidate,
    IceParameters, IceState, Tuple,
};
