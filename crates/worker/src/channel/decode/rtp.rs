//! Bodies about RTP: producing and consuming.

use tureen_channel_fbs::fbs::rtp_parameters as fbs;
use tureen_channel_fbs::fbs::transport::{ConsumeRequest, ProduceRequest};

use super::{Decoded, layers, media_kind, unknown};
use crate::error::RequestError;
use crate::ids::Ssrc;
use crate::messages::{Consume, Produce};
use crate::params::{
    Codec, CodecMapping, EncodingMapping, HeaderExtensionUri, ParameterValue, RtcpFeedback,
    RtcpParameters, RtpCodecParameters, RtpEncodingParameters, RtpHeaderExtensionParameters,
    RtpMapping, RtpParameters, RtpType,
};

pub(super) fn produce(body: &ProduceRequest<'_>) -> Decoded<Produce> {
    Ok(Produce {
        producer_id: body.producer_id().to_owned(),
        kind: media_kind(body.kind())?,
        rtp_parameters: parameters(&body.rtp_parameters())?,
        rtp_mapping: mapping(&body.rtp_mapping()),
        paused: body.paused(),
        key_frame_request_delay: body.key_frame_request_delay(),
        enable_packet_id: body.enable_mediasoup_packet_id_header_extension(),
    })
}

pub(super) fn consume(body: &ConsumeRequest<'_>) -> Decoded<Consume> {
    Ok(Consume {
        consumer_id: body.consumer_id().to_owned(),
        producer_id: body.producer_id().to_owned(),
        kind: media_kind(body.kind())?,
        rtp_parameters: parameters(&body.rtp_parameters())?,
        rtp_type: match body.type_() {
            fbs::Type::SIMPLE => RtpType::Simple,
            fbs::Type::SIMULCAST => RtpType::Simulcast,
            fbs::Type::SVC => RtpType::Svc,
            fbs::Type::PIPE => RtpType::Pipe,
            other => return Err(unknown("type", other.0)),
        },
        consumable_rtp_encodings: body
            .consumable_rtp_encodings()
            .iter()
            .map(|encoding| self::encoding(&encoding))
            .collect(),
        paused: body.paused(),
        preferred_layers: body.preferred_layers().map(|preferred| layers(&preferred)),
        ignore_dtx: body.ignore_dtx(),
    })
}

fn parameters(parameters: &fbs::RtpParameters<'_>) -> Decoded<RtpParameters> {
    let rtcp = parameters.rtcp();
    // RFC 3550 §6.5: the text "can be no longer than 255 octets".
    if rtcp.cname().is_some_and(|cname| cname.len() > 255) {
        return Err(RequestError::invalid(
            "rtpParameters.rtcp.cname",
            "must not be longer than 255 bytes",
        ));
    }
    Ok(RtpParameters {
        mid: parameters.mid().map(str::to_owned),
        codecs: parameters
            .codecs()
            .iter()
            .map(|c| codec(&c))
            .collect::<Decoded<_>>()?,
        header_extensions: parameters
            .header_extensions()
            .iter()
            .map(|extension| header_extension(&extension))
            .collect::<Decoded<_>>()?,
        encodings: parameters
            .encodings()
            .iter()
            .map(|e| encoding(&e))
            .collect(),
        rtcp: RtcpParameters {
            cname: rtcp.cname().map(str::to_owned),
            reduced_size: rtcp.reduced_size(),
        },
        msid: parameters.msid().map(str::to_owned),
    })
}

fn codec(codec: &fbs::RtpCodecParameters<'_>) -> Decoded<RtpCodecParameters> {
    if codec.payload_type() > 127 {
        return Err(RequestError::invalid(
            "rtpParameters.codecs.payloadType",
            "must be 0 to 127",
        ));
    }
    let mime_type = Codec::spelled(codec.mime_type()).ok_or_else(|| {
        let problem = format!("unknown MIME type {}", codec.mime_type());
        RequestError::invalid("rtpParameters.codecs.mimeType", problem)
    })?;
    Ok(RtpCodecParameters {
        mime_type: mime_type.to_owned(),
        payload_type: codec.payload_type(),
        clock_rate: codec.clock_rate(),
        // Controllers write 0 for video, and 1 need not be said.
        channels: codec.channels().filter(|channels| *channels > 1),
        parameters: codec
            .parameters()
            .into_iter()
            .flatten()
            .map(|p| parameter(&p))
            .collect::<Decoded<_>>()?,
        rtcp_feedback: codec
            .rtcp_feedback()
            .into_iter()
            .flatten()
            .map(|feedback| RtcpFeedback {
                kind: feedback.type_().to_owned(),
                parameter: feedback
                    .parameter()
                    .filter(|parameter| !parameter.is_empty())
                    .map(str::to_owned),
            })
            .collect(),
    })
}

fn parameter(parameter: &fbs::Parameter<'_>) -> Decoded<(String, ParameterValue)> {
    let value = if let Some(value) = parameter.value_as_boolean() {
        ParameterValue::Boolean(value.value() != 0)
    } else if let Some(value) = parameter.value_as_integer_32() {
        ParameterValue::Integer(value.value())
    } else if let Some(value) = parameter.value_as_double() {
        ParameterValue::Double(value.value())
    } else if let Some(value) = parameter.value_as_string() {
        ParameterValue::String(value.value().to_owned())
    } else if let Some(value) = parameter.value_as_integer_32_array() {
        ParameterValue::IntegerArray(value.value().into_iter().flatten().collect())
    } else {
        return Err(unknown(parameter.name(), parameter.value_type().0));
    };
    Ok((parameter.name().to_owned(), value))
}

fn header_extension(
    extension: &fbs::RtpHeaderExtensionParameters<'_>,
) -> Decoded<RtpHeaderExtensionParameters> {
    let uri = extension.uri();
    if extension.id() == 0 {
        return Err(RequestError::invalid(
            "rtpParameters.headerExtensions.id",
            "must not be 0",
        ));
    }
    Ok(RtpHeaderExtensionParameters {
        uri: HeaderExtensionUri::ALL
            .get(usize::from(uri.0))
            .copied()
            .ok_or_else(|| unknown("rtpParameters.headerExtensions.uri", uri.0))?,
        id: extension.id(),
        encrypt: extension.encrypt(),
        parameters: extension
            .parameters()
            .into_iter()
            .flatten()
            .map(|p| parameter(&p))
            .collect::<Decoded<_>>()?,
    })
}

fn encoding(encoding: &fbs::RtpEncodingParameters<'_>) -> RtpEncodingParameters {
    RtpEncodingParameters {
        ssrc: encoding.ssrc().map(Ssrc),
        rid: encoding.rid().map(str::to_owned),
        codec_payload_type: encoding.codec_payload_type(),
        rtx_ssrc: encoding.rtx().map(|rtx| Ssrc(rtx.ssrc())),
        dtx: encoding.dtx(),
        scalability_mode: encoding.scalability_mode().map(str::to_owned),
        max_bitrate: encoding.max_bitrate(),
    }
}

fn mapping(mapping: &fbs::RtpMapping<'_>) -> RtpMapping {
    RtpMapping {
        codecs: mapping
            .codecs()
            .iter()
            .map(|codec| CodecMapping {
                payload_type: codec.payload_type(),
                mapped_payload_type: codec.mapped_payload_type(),
            })
            .collect(),
        encodings: mapping
            .encodings()
            .iter()
            .map(|encoding| EncodingMapping {
                rid: encoding.rid().map(str::to_owned),
                ssrc: encoding.ssrc().map(Ssrc),
                mapped_ssrc: Ssrc(encoding.mapped_ssrc()),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use tureen_channel_fbs::flatbuffers::{FlatBufferBuilder, root};

    use super::*;

    /// What decoding makes of a codec without parameters and with the feedback `nack`.
    fn decoded(mime_type: &str, channels: u8) -> Decoded<RtpCodecParameters> {
        let mut fbb = FlatBufferBuilder::new();
        let feedback = fbs::RtcpFeedbackArgs {
            type_: Some(fbb.create_string("nack")),
            parameter: Some(fbb.create_string("")),
        };
        let feedback = fbs::RtcpFeedback::create(&mut fbb, &feedback);
        let args = fbs::RtpCodecParametersArgs {
            mime_type: Some(fbb.create_string(mime_type)),
            payload_type: 96,
            clock_rate: 90_000,
            channels: Some(channels),
            parameters: None,
            rtcp_feedback: Some(fbb.create_vector(&[feedback])),
        };
        let table = fbs::RtpCodecParameters::create(&mut fbb, &args);
        fbb.finish_minimal(table);
        codec(&root::<fbs::RtpCodecParameters<'_>>(fbb.finished_data()).expect("just written"))
    }

    #[test]
    fn a_codec_is_spelled_as_registered_and_says_only_what_is_not_the_default() {
        let h264 = decoded("video/h264", 0).expect("it is known");
        assert_eq!(h264.mime_type, "video/H264");
        assert_eq!(h264.channels, None);
        assert_eq!(h264.rtcp_feedback[0].parameter, None);
        assert!(h264.has_feedback("nack", ""));
        assert_eq!(decoded("audio/PCMU", 1).expect("known").channels, None);
        assert_eq!(decoded("audio/opus", 2).expect("known").channels, Some(2));
        let unknown = decoded("video/H265", 0).expect_err("it is not forwarded");
        assert_eq!(unknown.class(), "TypeError");
    }
}
