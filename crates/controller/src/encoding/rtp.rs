//! RTP parameters on the channel, both ways.

use tureen_channel_fbs::fbs::rtp_parameters as fbs;
use tureen_channel_fbs::flatbuffers::{ForwardsUOffset, Vector, WIPOffset};

use super::{VectorOffset, optional_str, vector};
use crate::channel::Fbb;
use crate::rtp::{
    CodecMapping, CodecParameters, EncodingMapping, MediaKind, MimeType, ParameterValue,
    PayloadType, RtcpFeedback, RtcpParameters, RtpCodecParameters, RtpEncodingParameters,
    RtpHeaderExtensionParameters, RtpHeaderExtensionUri, RtpMapping, RtpParameters, RtxParameters,
    Ssrc,
};

pub(crate) fn media_kind(kind: MediaKind) -> fbs::MediaKind {
    match kind {
        MediaKind::Audio => fbs::MediaKind::AUDIO,
        MediaKind::Video => fbs::MediaKind::VIDEO,
    }
}

pub(crate) fn read_media_kind(kind: fbs::MediaKind) -> Option<MediaKind> {
    match kind {
        fbs::MediaKind::AUDIO => Some(MediaKind::Audio),
        fbs::MediaKind::VIDEO => Some(MediaKind::Video),
        _ => None,
    }
}

/// Header extensions of unknown URI are left out: the channel has no number for them.
pub(crate) fn rtp_parameters(
    fbb: &mut Fbb,
    parameters: &RtpParameters,
) -> WIPOffset<fbs::RtpParameters<'static>> {
    let known: Vec<_> = parameters
        .header_extensions
        .iter()
        .filter_map(|extension| Some((uri_number(&extension.uri)?, extension)))
        .collect();
    let args = fbs::RtpParametersArgs {
        mid: optional_str(fbb, parameters.mid.as_deref()),
        codecs: Some(vector(fbb, &parameters.codecs, codec)),
        header_extensions: Some(vector(fbb, &known, header_extension)),
        encodings: Some(encodings(fbb, &parameters.encodings)),
        rtcp: Some(rtcp(fbb, &parameters.rtcp)),
        msid: optional_str(fbb, parameters.msid.as_deref()),
    };
    fbs::RtpParameters::create(fbb, &args)
}

pub(crate) fn encodings(
    fbb: &mut Fbb,
    encodings: &[RtpEncodingParameters],
) -> VectorOffset<fbs::RtpEncodingParameters<'static>> {
    vector(fbb, encodings, encoding)
}

pub(crate) fn rtp_mapping(
    fbb: &mut Fbb,
    mapping: &RtpMapping,
) -> WIPOffset<fbs::RtpMapping<'static>> {
    let codecs = vector(fbb, &mapping.codecs, |fbb, codec| {
        let args = fbs::CodecMappingArgs {
            payload_type: codec.payload_type.get(),
            mapped_payload_type: codec.mapped_payload_type.get(),
        };
        fbs::CodecMapping::create(fbb, &args)
    });
    let encodings = vector(fbb, &mapping.encodings, |fbb, encoding| {
        let args = fbs::EncodingMappingArgs {
            rid: optional_str(fbb, encoding.rid.as_deref()),
            ssrc: encoding.ssrc.map(|ssrc| ssrc.0),
            mapped_ssrc: encoding.mapped_ssrc.0,
        };
        fbs::EncodingMapping::create(fbb, &args)
    });
    let args = fbs::RtpMappingArgs {
        codecs: Some(codecs),
        encodings: Some(encodings),
    };
    fbs::RtpMapping::create(fbb, &args)
}

fn codec(fbb: &mut Fbb, codec: &RtpCodecParameters) -> WIPOffset<fbs::RtpCodecParameters<'static>> {
    let args = fbs::RtpCodecParametersArgs {
        mime_type: Some(fbb.create_string(codec.mime_type.as_str())),
        payload_type: codec.payload_type.get(),
        clock_rate: codec.clock_rate,
        channels: codec.channels,
        parameters: Some(named_values(fbb, &codec.parameters)),
        rtcp_feedback: Some(vector(fbb, &codec.rtcp_feedback, feedback)),
    };
    fbs::RtpCodecParameters::create(fbb, &args)
}

fn feedback(fbb: &mut Fbb, feedback: &RtcpFeedback) -> WIPOffset<fbs::RtcpFeedback<'static>> {
    let args = fbs::RtcpFeedbackArgs {
        type_: Some(fbb.create_string(&feedback.feedback_type)),
        parameter: Some(fbb.create_string(&feedback.parameter)),
    };
    fbs::RtcpFeedback::create(fbb, &args)
}

fn header_extension(
    fbb: &mut Fbb,
    (uri, extension): &(fbs::RtpHeaderExtensionUri, &RtpHeaderExtensionParameters),
) -> WIPOffset<fbs::RtpHeaderExtensionParameters<'static>> {
    let args = fbs::RtpHeaderExtensionParametersArgs {
        uri: *uri,
        id: extension.id,
        encrypt: extension.encrypt,
        parameters: Some(named_values(fbb, &extension.parameters)),
    };
    fbs::RtpHeaderExtensionParameters::create(fbb, &args)
}

fn encoding(
    fbb: &mut Fbb,
    encoding: &RtpEncodingParameters,
) -> WIPOffset<fbs::RtpEncodingParameters<'static>> {
    let rtx = encoding.rtx.map(|rtx| {
        let args = fbs::RtxArgs { ssrc: rtx.ssrc.0 };
        fbs::Rtx::create(fbb, &args)
    });
    let args = fbs::RtpEncodingParametersArgs {
        ssrc: encoding.ssrc.map(|ssrc| ssrc.0),
        rid: optional_str(fbb, encoding.rid.as_deref()),
        codec_payload_type: encoding.codec_payload_type.map(PayloadType::get),
        rtx,
        dtx: encoding.dtx.unwrap_or(false),
        scalability_mode: optional_str(fbb, encoding.scalability_mode.as_deref()),
        max_bitrate: encoding.max_bitrate,
    };
    fbs::RtpEncodingParameters::create(fbb, &args)
}

fn rtcp(fbb: &mut Fbb, rtcp: &RtcpParameters) -> WIPOffset<fbs::RtcpParameters<'static>> {
    let args = fbs::RtcpParametersArgs {
        cname: optional_str(fbb, rtcp.cname.as_deref()),
        reduced_size: rtcp.reduced_size,
    };
    fbs::RtcpParameters::create(fbb, &args)
}

fn named_values(
    fbb: &mut Fbb,
    parameters: &CodecParameters,
) -> VectorOffset<fbs::Parameter<'static>> {
    let parameters: Vec<_> = parameters.iter().collect();
    vector(fbb, &parameters, |fbb, (name, value)| {
        let (value_type, value) = match value {
            ParameterValue::Boolean(value) => {
                let value = u8::from(*value);
                let table = fbs::Boolean::create(fbb, &fbs::BooleanArgs { value });
                (fbs::Value::Boolean, table.as_union_value())
            }
            ParameterValue::Integer(value) => {
                let args = fbs::Integer32Args { value: *value };
                let table = fbs::Integer32::create(fbb, &args);
                (fbs::Value::Integer32, table.as_union_value())
            }
            ParameterValue::Double(value) => {
                let table = fbs::Double::create(fbb, &fbs::DoubleArgs { value: *value });
                (fbs::Value::Double, table.as_union_value())
            }
            ParameterValue::String(value) => {
                let value = Some(fbb.create_string(value));
                let table = fbs::String::create(fbb, &fbs::StringArgs { value });
                (fbs::Value::String, table.as_union_value())
            }
        };
        let args = fbs::ParameterArgs {
            name: Some(fbb.create_string(name)),
            value_type,
            value: Some(value),
        };
        fbs::Parameter::create(fbb, &args)
    })
}

pub(crate) fn read_rtp_parameters(parameters: fbs::RtpParameters<'_>) -> Option<RtpParameters> {
    let codecs = parameters.codecs().iter().map(read_codec);
    let extensions = parameters
        .header_extensions()
        .iter()
        .map(read_header_extension);
    let rtcp = parameters.rtcp();
    Some(RtpParameters {
        mid: parameters.mid().map(str::to_owned),
        codecs: codecs.collect::<Option<_>>()?,
        header_extensions: extensions.collect::<Option<_>>()?,
        encodings: read_encodings(parameters.encodings())?,
        rtcp: RtcpParameters {
            cname: rtcp.cname().map(str::to_owned),
            reduced_size: rtcp.reduced_size(),
        },
        msid: parameters.msid().map(str::to_owned),
    })
}

pub(crate) fn read_encodings(
    encodings: Vector<'_, ForwardsUOffset<fbs::RtpEncodingParameters<'_>>>,
) -> Option<Vec<RtpEncodingParameters>> {
    encodings.iter().map(read_encoding).collect()
}

pub(crate) fn read_rtp_mapping(mapping: fbs::RtpMapping<'_>) -> Option<RtpMapping> {
    let codecs = mapping.codecs().iter().map(|codec| {
        Some(CodecMapping {
            payload_type: codec.payload_type().try_into().ok()?,
            mapped_payload_type: codec.mapped_payload_type().try_into().ok()?,
        })
    });
    let encodings = mapping.encodings().iter().map(|encoding| EncodingMapping {
        ssrc: encoding.ssrc().map(Ssrc),
        rid: encoding.rid().map(str::to_owned),
        mapped_ssrc: Ssrc(encoding.mapped_ssrc()),
    });
    Some(RtpMapping {
        codecs: codecs.collect::<Option<_>>()?,
        encodings: encodings.collect(),
    })
}

fn read_codec(codec: fbs::RtpCodecParameters<'_>) -> Option<RtpCodecParameters> {
    let feedback = codec.rtcp_feedback().into_iter().flatten();
    Some(RtpCodecParameters {
        mime_type: MimeType::parse(codec.mime_type()).ok()?,
        payload_type: codec.payload_type().try_into().ok()?,
        clock_rate: codec.clock_rate(),
        channels: codec.channels(),
        parameters: read_named_values(codec.parameters()),
        rtcp_feedback: feedback
            .map(|feedback| {
                RtcpFeedback::new(feedback.type_(), feedback.parameter().unwrap_or_default())
            })
            .collect(),
    })
}

fn read_header_extension(
    extension: fbs::RtpHeaderExtensionParameters<'_>,
) -> Option<RtpHeaderExtensionParameters> {
    Some(RtpHeaderExtensionParameters {
        uri: read_uri(extension.uri())?,
        id: extension.id(),
        encrypt: extension.encrypt(),
        parameters: read_named_values(extension.parameters()),
    })
}

fn read_encoding(encoding: fbs::RtpEncodingParameters<'_>) -> Option<RtpEncodingParameters> {
    let payload_type = encoding.codec_payload_type();
    Some(RtpEncodingParameters {
        ssrc: encoding.ssrc().map(Ssrc),
        rid: encoding.rid().map(str::to_owned),
        codec_payload_type: payload_type.map(PayloadType::try_from).transpose().ok()?,
        rtx: encoding.rtx().map(|rtx| RtxParameters {
            ssrc: Ssrc(rtx.ssrc()),
        }),
        dtx: Some(encoding.dtx()),
        scalability_mode: encoding.scalability_mode().map(str::to_owned),
        max_bitrate: encoding.max_bitrate(),
    })
}

/// Lists of integers and values of a later version are left out, because nothing here uses them.
fn read_named_values(
    parameters: Option<Vector<'_, ForwardsUOffset<fbs::Parameter<'_>>>>,
) -> CodecParameters {
    parameters
        .into_iter()
        .flatten()
        .filter_map(|parameter| {
            let value = match parameter.value_type() {
                fbs::Value::Boolean => {
                    ParameterValue::Boolean(parameter.value_as_boolean()?.value() != 0)
                }
                fbs::Value::Integer32 => {
                    ParameterValue::Integer(parameter.value_as_integer_32()?.value())
                }
                fbs::Value::Double => ParameterValue::Double(parameter.value_as_double()?.value()),
                fbs::Value::String => ParameterValue::from(parameter.value_as_string()?.value()),
                _ => return None,
            };
            Some((parameter.name(), value))
        })
        .collect()
}

fn uri_number(uri: &RtpHeaderExtensionUri) -> Option<fbs::RtpHeaderExtensionUri> {
    let (_, number) = URIS.iter().find(|(known, _)| known == uri)?;
    Some(*number)
}

fn read_uri(number: fbs::RtpHeaderExtensionUri) -> Option<RtpHeaderExtensionUri> {
    let (uri, _) = URIS.iter().find(|(_, known)| *known == number)?;
    Some(uri.clone())
}

const URIS: [(RtpHeaderExtensionUri, fbs::RtpHeaderExtensionUri); 12] = [
    (RtpHeaderExtensionUri::Mid, fbs::RtpHeaderExtensionUri::Mid),
    (
        RtpHeaderExtensionUri::RtpStreamId,
        fbs::RtpHeaderExtensionUri::RtpStreamId,
    ),
    (
        RtpHeaderExtensionUri::RepairedRtpStreamId,
        fbs::RtpHeaderExtensionUri::RepairRtpStreamId,
    ),
    (
        RtpHeaderExtensionUri::AbsSendTime,
        fbs::RtpHeaderExtensionUri::AbsSendTime,
    ),
    (
        RtpHeaderExtensionUri::TransportWideCc,
        fbs::RtpHeaderExtensionUri::TransportWideCcDraft01,
    ),
    (
        RtpHeaderExtensionUri::SsrcAudioLevel,
        fbs::RtpHeaderExtensionUri::SsrcAudioLevel,
    ),
    (
        RtpHeaderExtensionUri::DependencyDescriptor,
        fbs::RtpHeaderExtensionUri::DependencyDescriptor,
    ),
    (
        RtpHeaderExtensionUri::VideoOrientation,
        fbs::RtpHeaderExtensionUri::VideoOrientation,
    ),
    (
        RtpHeaderExtensionUri::TransmissionOffset,
        fbs::RtpHeaderExtensionUri::TimeOffset,
    ),
    (
        RtpHeaderExtensionUri::AbsCaptureTime,
        fbs::RtpHeaderExtensionUri::AbsCaptureTime,
    ),
    (
        RtpHeaderExtensionUri::PlayoutDelay,
        fbs::RtpHeaderExtensionUri::PlayoutDelay,
    ),
    (
        RtpHeaderExtensionUri::PacketId,
        fbs::RtpHeaderExtensionUri::MediasoupPacketId,
    ),
];

#[cfg(test)]
mod tests {
    use tureen_channel_fbs::flatbuffers;

    use super::*;

    #[test]
    fn rtp_parameters_survive_the_channel() {
        let json = r#"{
            "mid": "0",
            "codecs": [
                {"mimeType": "video/VP8", "payloadType": 96, "clockRate": 90000,
                 "parameters": {"a": 1, "b": 1.5, "c": "x", "d": true},
                 "rtcpFeedback": [{"type": "nack", "parameter": "pli"}, {"type": "nack"}]},
                {"mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2}
            ],
            "headerExtensions": [
                {"uri": "urn:3gpp:video-orientation", "id": 4},
                {"uri": "urn:mediasoup:params:rtp-hdrext:packet-id", "id": 9, "encrypt": true}
            ],
            "encodings": [
                {"ssrc": 1, "rtx": {"ssrc": 2}, "dtx": true, "maxBitrate": 9000000000,
                 "codecPayloadType": 96},
                {"rid": "h", "scalabilityMode": "L1T3", "dtx": false}
            ],
            "rtcp": {"cname": "c", "reducedSize": true},
            "msid": "s t"
        }"#;
        let parameters: RtpParameters = serde_json::from_str(json).unwrap();
        let mut fbb = Fbb::new();
        let offset = rtp_parameters(&mut fbb, &parameters);
        fbb.finish_minimal(offset);
        let read = flatbuffers::root::<fbs::RtpParameters<'_>>(fbb.finished_data()).unwrap();
        assert_eq!(read_rtp_parameters(read), Some(parameters));
    }

    #[test]
    fn every_known_extension_has_a_number() {
        assert_eq!(URIS.len(), fbs::RtpHeaderExtensionUri::ENUM_VALUES.len());
        for number in fbs::RtpHeaderExtensionUri::ENUM_VALUES {
            let uri = read_uri(*number).unwrap();
            assert_eq!(uri_number(&uri), Some(*number));
        }
    }
}
