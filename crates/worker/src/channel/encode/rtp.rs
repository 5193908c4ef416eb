//! RTP parameters, producers and consumers.

use tureen_channel_fbs::fbs::transport::{
    ConsumeResponse as FbsConsumeResponse, ConsumeResponseArgs,
};
use tureen_channel_fbs::fbs::{consumer, producer, rtp_parameters as fbs, rtp_stream, rtx_stream};
use tureen_channel_fbs::flatbuffers::{UnionWIPOffset, WIPOffset};

use super::{Builder, Offset, Tables};
use crate::messages::{
    ConsumeResponse, ConsumerDump, ConsumerScore, ProducerDump, ProducerScore, RtpStreamDump,
    RtxStreamDump,
};
use crate::params::{
    ConsumerLayers, MediaKind, ParameterValue, RtpCodecParameters, RtpEncodingParameters,
    RtpHeaderExtensionParameters, RtpMapping, RtpParameters, RtpType,
};

pub(super) fn media_kind(kind: MediaKind) -> fbs::MediaKind {
    match kind {
        MediaKind::Audio => fbs::MediaKind::AUDIO,
        MediaKind::Video => fbs::MediaKind::VIDEO,
    }
}

pub(super) fn rtp_type(rtp_type: RtpType) -> fbs::Type {
    match rtp_type {
        RtpType::Simple => fbs::Type::SIMPLE,
        RtpType::Simulcast => fbs::Type::SIMULCAST,
        RtpType::Svc => fbs::Type::SVC,
        RtpType::Pipe => fbs::Type::PIPE,
    }
}

pub(super) fn producer_dump(
    fbb: &mut Builder,
    dump: &ProducerDump,
) -> Offset<producer::DumpResponse<'static>> {
    let args = producer::DumpResponseArgs {
        id: Some(fbb.create_string(&dump.id)),
        kind: media_kind(dump.kind),
        type_: rtp_type(dump.rtp_type),
        rtp_parameters: Some(parameters(fbb, &dump.rtp_parameters)),
        rtp_mapping: Some(mapping(fbb, &dump.rtp_mapping)),
        rtp_streams: Some(streams(fbb, &dump.rtp_streams)),
        trace_event_types: Some(fbb.create_vector::<producer::TraceEventType>(&[])),
        paused: dump.paused,
    };
    producer::DumpResponse::create(fbb, &args)
}

pub(super) fn consumer_dump(
    fbb: &mut Builder,
    dump: &ConsumerDump,
) -> Offset<consumer::DumpResponse<'static>> {
    let base = consumer::BaseConsumerDumpArgs {
        id: Some(fbb.create_string(&dump.id)),
        type_: rtp_type(dump.rtp_type),
        producer_id: Some(fbb.create_string(&dump.producer_id)),
        kind: media_kind(dump.kind),
        rtp_parameters: Some(parameters(fbb, &dump.rtp_parameters)),
        consumable_rtp_encodings: Some(encodings(fbb, &dump.consumable_rtp_encodings)),
        supported_codec_payload_types: Some(fbb.create_vector(&dump.supported_codec_payload_types)),
        trace_event_types: Some(fbb.create_vector::<consumer::TraceEventType>(&[])),
        paused: dump.paused,
        producer_paused: dump.producer_paused,
        priority: dump.priority,
    };
    let base = consumer::BaseConsumerDump::create(fbb, &base);
    // docs/channel.md §7: the dump of a simple consumer shows preferred and target layers as -1,
    // current 0.
    let data = consumer::ConsumerDumpArgs {
        base: Some(base),
        rtp_streams: Some(streams(fbb, &dump.rtp_streams)),
        preferred_spatial_layer: Some(-1),
        target_spatial_layer: Some(-1),
        current_spatial_layer: Some(0),
        preferred_temporal_layer: Some(-1),
        target_temporal_layer: Some(-1),
        current_temporal_layer: Some(0),
    };
    let data = Some(consumer::ConsumerDump::create(fbb, &data));
    consumer::DumpResponse::create(fbb, &consumer::DumpResponseArgs { data })
}

pub(super) fn consume_response(
    fbb: &mut Builder,
    response: &ConsumeResponse,
) -> Offset<FbsConsumeResponse<'static>> {
    let args = ConsumeResponseArgs {
        paused: response.paused,
        producer_paused: response.producer_paused,
        score: Some(consumer_score(fbb, &response.score)),
        preferred_layers: response
            .preferred_layers
            .map(|layers| consumer_layers(fbb, layers)),
    };
    FbsConsumeResponse::create(fbb, &args)
}

pub(super) fn consumer_layers(
    fbb: &mut Builder,
    layers: ConsumerLayers,
) -> Offset<consumer::ConsumerLayers<'static>> {
    let args = consumer::ConsumerLayersArgs {
        spatial_layer: layers.spatial,
        temporal_layer: layers.temporal,
    };
    consumer::ConsumerLayers::create(fbb, &args)
}

pub(super) fn consumer_score(
    fbb: &mut Builder,
    score: &ConsumerScore,
) -> Offset<consumer::ConsumerScore<'static>> {
    let args = consumer::ConsumerScoreArgs {
        score: score.score,
        producer_score: score.producer_score,
        producer_scores: Some(fbb.create_vector(&score.producer_scores)),
    };
    consumer::ConsumerScore::create(fbb, &args)
}

pub(super) fn producer_score(
    fbb: &mut Builder,
    scores: &[ProducerScore],
) -> Offset<producer::ScoreNotification<'static>> {
    let scores: Vec<_> = scores
        .iter()
        .map(|score| {
            let args = producer::ScoreArgs {
                encoding_idx: score.encoding_index,
                ssrc: score.ssrc.0,
                rid: score.rid.as_ref().map(|rid| fbb.create_string(rid)),
                score: score.score,
            };
            producer::Score::create(fbb, &args)
        })
        .collect();
    let scores = Some(fbb.create_vector(&scores));
    producer::ScoreNotification::create(fbb, &producer::ScoreNotificationArgs { scores })
}

fn streams(fbb: &mut Builder, streams: &[RtpStreamDump]) -> Tables<rtp_stream::Dump<'static>> {
    let streams: Vec<_> = streams.iter().map(|dump| stream(fbb, dump)).collect();
    fbb.create_vector(&streams)
}

fn stream(fbb: &mut Builder, dump: &RtpStreamDump) -> Offset<rtp_stream::Dump<'static>> {
    let params = rtp_stream::ParamsArgs {
        encoding_idx: dump.encoding_index,
        ssrc: dump.ssrc.0,
        payload_type: dump.payload_type,
        mime_type: Some(fbb.create_string(&dump.mime_type)),
        clock_rate: dump.clock_rate,
        // The npm package reads the length of this string without a check that it exists.
        rid: Some(fbb.create_string(dump.rid.as_deref().unwrap_or_default())),
        cname: Some(fbb.create_string(&dump.cname)),
        rtx_ssrc: dump.rtx.as_ref().map(|rtx| rtx.ssrc.0),
        rtx_payload_type: dump.rtx.as_ref().map(|rtx| rtx.payload_type),
        use_nack: dump.use_nack,
        use_pli: dump.use_pli,
        use_fir: dump.use_fir,
        use_in_band_fec: dump.use_in_band_fec,
        use_dtx: dump.use_dtx,
        spatial_layers: dump.spatial_layers,
        temporal_layers: dump.temporal_layers,
    };
    let params = rtp_stream::Params::create(fbb, &params);
    let rtx_stream = dump.rtx.as_ref().map(|rtx| rtx_dump(fbb, rtx, dump));
    let args = rtp_stream::DumpArgs {
        params: Some(params),
        score: dump.score,
        rtx_stream,
    };
    rtp_stream::Dump::create(fbb, &args)
}

fn rtx_dump(
    fbb: &mut Builder,
    rtx: &RtxStreamDump,
    of: &RtpStreamDump,
) -> Offset<rtx_stream::RtxDump<'static>> {
    let params = rtx_stream::ParamsArgs {
        ssrc: rtx.ssrc.0,
        payload_type: rtx.payload_type,
        mime_type: Some(fbb.create_string(&rtx.mime_type)),
        clock_rate: rtx.clock_rate,
        rrid: Some(fbb.create_string(of.rid.as_deref().unwrap_or_default())),
        cname: Some(fbb.create_string(&of.cname)),
    };
    let params = Some(rtx_stream::Params::create(fbb, &params));
    rtx_stream::RtxDump::create(fbb, &rtx_stream::RtxDumpArgs { params })
}

fn parameters(
    fbb: &mut Builder,
    parameters: &RtpParameters,
) -> Offset<fbs::RtpParameters<'static>> {
    let codecs: Vec<_> = parameters.codecs.iter().map(|c| codec(fbb, c)).collect();
    let extensions: Vec<_> = parameters
        .header_extensions
        .iter()
        .map(|e| header_extension(fbb, e))
        .collect();
    let rtcp = fbs::RtcpParametersArgs {
        cname: parameters
            .rtcp
            .cname
            .as_ref()
            .map(|cname| fbb.create_string(cname)),
        reduced_size: parameters.rtcp.reduced_size,
    };
    let args = fbs::RtpParametersArgs {
        mid: parameters.mid.as_ref().map(|mid| fbb.create_string(mid)),
        codecs: Some(fbb.create_vector(&codecs)),
        header_extensions: Some(fbb.create_vector(&extensions)),
        encodings: Some(encodings(fbb, &parameters.encodings)),
        rtcp: Some(fbs::RtcpParameters::create(fbb, &rtcp)),
        msid: parameters.msid.as_ref().map(|msid| fbb.create_string(msid)),
    };
    fbs::RtpParameters::create(fbb, &args)
}

fn codec(
    fbb: &mut Builder,
    codec: &RtpCodecParameters,
) -> Offset<fbs::RtpCodecParameters<'static>> {
    let feedback: Vec<_> = codec
        .rtcp_feedback
        .iter()
        .map(|feedback| {
            let args = fbs::RtcpFeedbackArgs {
                type_: Some(fbb.create_string(&feedback.kind)),
                parameter: feedback
                    .parameter
                    .as_ref()
                    .map(|value| fbb.create_string(value)),
            };
            fbs::RtcpFeedback::create(fbb, &args)
        })
        .collect();
    let args = fbs::RtpCodecParametersArgs {
        mime_type: Some(fbb.create_string(&codec.mime_type)),
        payload_type: codec.payload_type,
        clock_rate: codec.clock_rate,
        channels: codec.channels,
        parameters: Some(format_parameters(fbb, &codec.parameters)),
        rtcp_feedback: Some(fbb.create_vector(&feedback)),
    };
    fbs::RtpCodecParameters::create(fbb, &args)
}

fn format_parameters(
    fbb: &mut Builder,
    parameters: &[(String, ParameterValue)],
) -> Tables<fbs::Parameter<'static>> {
    let parameters: Vec<_> = parameters
        .iter()
        .map(|(name, value)| {
            let (value_type, value) = parameter_value(fbb, value);
            let name = Some(fbb.create_string(name));
            fbs::Parameter::create(
                fbb,
                &fbs::ParameterArgs {
                    name,
                    value_type,
                    value: Some(value),
                },
            )
        })
        .collect();
    fbb.create_vector(&parameters)
}

fn parameter_value(
    fbb: &mut Builder,
    value: &ParameterValue,
) -> (fbs::Value, WIPOffset<UnionWIPOffset>) {
    match value {
        ParameterValue::Boolean(value) => {
            let args = fbs::BooleanArgs {
                value: u8::from(*value),
            };
            (
                fbs::Value::Boolean,
                fbs::Boolean::create(fbb, &args).as_union_value(),
            )
        }
        ParameterValue::Integer(value) => {
            let args = fbs::Integer32Args { value: *value };
            (
                fbs::Value::Integer32,
                fbs::Integer32::create(fbb, &args).as_union_value(),
            )
        }
        ParameterValue::Double(value) => {
            let args = fbs::DoubleArgs { value: *value };
            (
                fbs::Value::Double,
                fbs::Double::create(fbb, &args).as_union_value(),
            )
        }
        ParameterValue::String(value) => {
            let value = Some(fbb.create_string(value));
            let table = fbs::String::create(fbb, &fbs::StringArgs { value });
            (fbs::Value::String, table.as_union_value())
        }
        ParameterValue::IntegerArray(values) => {
            let value = Some(fbb.create_vector(values));
            let table = fbs::Integer32Array::create(fbb, &fbs::Integer32ArrayArgs { value });
            (fbs::Value::Integer32Array, table.as_union_value())
        }
    }
}

fn header_extension(
    fbb: &mut Builder,
    extension: &RtpHeaderExtensionParameters,
) -> Offset<fbs::RtpHeaderExtensionParameters<'static>> {
    let args = fbs::RtpHeaderExtensionParametersArgs {
        uri: fbs::RtpHeaderExtensionUri(extension.uri as u8),
        id: extension.id,
        encrypt: extension.encrypt,
        parameters: Some(format_parameters(fbb, &extension.parameters)),
    };
    fbs::RtpHeaderExtensionParameters::create(fbb, &args)
}

fn encodings(
    fbb: &mut Builder,
    encodings: &[RtpEncodingParameters],
) -> Tables<fbs::RtpEncodingParameters<'static>> {
    let encodings: Vec<_> = encodings.iter().map(|e| encoding(fbb, e)).collect();
    fbb.create_vector(&encodings)
}

fn encoding(
    fbb: &mut Builder,
    encoding: &RtpEncodingParameters,
) -> Offset<fbs::RtpEncodingParameters<'static>> {
    // docs/channel.md §7: an absent scalability mode is shown as S1T1.
    let scalability_mode = encoding.scalability_mode.as_deref().unwrap_or("S1T1");
    let args = fbs::RtpEncodingParametersArgs {
        ssrc: encoding.ssrc.map(|ssrc| ssrc.0),
        rid: encoding.rid.as_ref().map(|rid| fbb.create_string(rid)),
        codec_payload_type: encoding.codec_payload_type,
        rtx: encoding
            .rtx_ssrc
            .map(|ssrc| fbs::Rtx::create(fbb, &fbs::RtxArgs { ssrc: ssrc.0 })),
        dtx: encoding.dtx,
        scalability_mode: Some(fbb.create_string(scalability_mode)),
        max_bitrate: encoding.max_bitrate,
    };
    fbs::RtpEncodingParameters::create(fbb, &args)
}

fn mapping(fbb: &mut Builder, mapping: &RtpMapping) -> Offset<fbs::RtpMapping<'static>> {
    let codecs: Vec<_> = mapping
        .codecs
        .iter()
        .map(|codec| {
            let args = fbs::CodecMappingArgs {
                payload_type: codec.payload_type,
                mapped_payload_type: codec.mapped_payload_type,
            };
            fbs::CodecMapping::create(fbb, &args)
        })
        .collect();
    let encodings: Vec<_> = mapping
        .encodings
        .iter()
        .map(|encoding| {
            let args = fbs::EncodingMappingArgs {
                rid: encoding.rid.as_ref().map(|rid| fbb.create_string(rid)),
                ssrc: encoding.ssrc.map(|ssrc| ssrc.0),
                mapped_ssrc: encoding.mapped_ssrc.0,
            };
            fbs::EncodingMapping::create(fbb, &args)
        })
        .collect();
    let args = fbs::RtpMappingArgs {
        codecs: Some(fbb.create_vector(&codecs)),
        encodings: Some(fbb.create_vector(&encodings)),
    };
    fbs::RtpMapping::create(fbb, &args)
}
