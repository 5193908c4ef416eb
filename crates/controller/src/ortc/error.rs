//! Why a negotiation fails.

use thiserror::Error;

use crate::rtp::{MimeType, PayloadType};

/// Why a negotiation failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OrtcError {
    /// A field holds a value of the right JSON type that is not allowed there.
    #[error("{field}: {reason}")]
    InvalidField {
        /// Path of the field, for example `codecs[1].parameters.apt`.
        field: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two codecs of a router have the same payload type.
    #[error("preferredPayloadType {0} is used twice")]
    DuplicatePreferredPayloadType(PayloadType),
    /// A retransmission codec repairs a payload type that no codec of the parameters has.
    #[error("no media codec for the retransmission payload type {0}")]
    MissingMediaCodecForRtx(PayloadType),
    /// An RTP mapping was made from other parameters.
    #[error("the RTP mapping does not cover {field}")]
    ForeignMapping {
        /// Path of the codec or encoding without an entry.
        field: String,
    },
    /// A router was asked for a media codec that is not supported.
    #[error("media codec not supported: {0}")]
    UnsupportedMediaCodec(MimeType),
    /// A Producer uses a codec that its router does not have.
    #[error("codec not supported by the router: {mime_type} with payload type {payload_type}")]
    UnsupportedCodec {
        /// Media type of the codec.
        mime_type: MimeType,
        /// Its payload type.
        payload_type: PayloadType,
    },
    /// A Producer uses retransmission where the router has none.
    #[error("the router has no retransmission codec for its payload type {0}")]
    NoRtxCodec(PayloadType),
    /// An endpoint can receive none of a source's codecs.
    #[error("no compatible media codecs")]
    NoCompatibleCodecs,
    /// A router has more codecs than there are dynamic payload types.
    #[error("no dynamic payload type is left")]
    PayloadTypesExhausted,
}

impl OrtcError {
    /// Whether the input is sound but asks for something that the other side cannot do (mediasoup's
    /// `UnsupportedError`).
    pub fn is_unsupported(&self) -> bool {
        matches!(
            self,
            Self::UnsupportedMediaCodec(_)
                | Self::UnsupportedCodec { .. }
                | Self::NoRtxCodec(_)
                | Self::NoCompatibleCodecs
        )
    }

    pub(super) fn invalid(field: impl Into<String>, reason: &'static str) -> Self {
        Self::InvalidField {
            field: field.into(),
            reason,
        }
    }
}
