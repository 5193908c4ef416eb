//! `a=rtpmap`, `a=fmtp` and `a=rtcp-fb` to codec parameters and back.

use std::fmt::Write as _;

use tureen_controller::rtp::{
    CodecParameters, MediaKind, MimeType, ParameterValue, PayloadType, RtcpFeedback,
    RtpCodecParameters,
};

use super::media::payload_type;
use super::text::Attributes;

/// A codec of a media section; those of static payload types need no `a=rtpmap`.
pub(super) type Codec = RtpCodecParameters;

/// The codecs in the order of the `m=` line, which is the order of preference. One that cannot be
/// read is one that we do not speak.
pub(super) fn parse(
    kind: MediaKind,
    payload_types: &[PayloadType],
    attributes: &Attributes<'_>,
) -> Vec<Codec> {
    let codec_of = |&payload_type: &PayloadType| {
        let mapped = value_for(attributes, "rtpmap", payload_type).next();
        let encoding = mapped.or_else(|| static_encoding(payload_type))?;
        codec(kind, payload_type, encoding, attributes)
    };
    payload_types
        .iter()
        .filter_map(codec_of)
        .filter(is_sound)
        .collect()
}

/// What a payload type means that needs no `a=rtpmap` (RFC 3551 §6), of the codecs that a room may
/// speak.
fn static_encoding(payload_type: PayloadType) -> Option<&'static str> {
    match payload_type.get() {
        0 => Some("PCMU/8000"),
        8 => Some("PCMA/8000"),
        _ => None,
    }
}

/// The payload type that a retransmission codec repairs (RFC 4588 §8.1).
pub(super) fn repaired_payload_type(codec: &Codec) -> Option<PayloadType> {
    match codec.parameters.get("apt") {
        Some(&ParameterValue::Integer(value)) => u8::try_from(value).ok()?.try_into().ok(),
        _ => None,
    }
}

/// An `apt` that is no payload type would spoil all capabilities that hold it.
fn is_sound(codec: &Codec) -> bool {
    codec.parameters.get("apt").is_none() || repaired_payload_type(codec).is_some()
}

/// Writes the three kinds of lines of one codec.
pub(super) fn write(codec: &Codec, out: &mut String) {
    let pt = codec.payload_type;
    let _ = write!(
        out,
        "a=rtpmap:{pt} {}/{}",
        codec.mime_type.subtype(),
        codec.clock_rate
    );
    if let Some(channels) = codec.channels.filter(|channels| *channels > 1) {
        let _ = write!(out, "/{channels}");
    }
    out.push_str("\r\n");
    if !codec.parameters.is_empty() {
        let _ = write!(out, "a=fmtp:{pt} ");
        for (index, (name, value)) in codec.parameters.iter().enumerate() {
            let separator = if index == 0 { "" } else { ";" };
            let _ = match value {
                ParameterValue::Boolean(value) => {
                    write!(out, "{separator}{name}={}", u8::from(*value))
                }
                ParameterValue::Integer(value) => write!(out, "{separator}{name}={value}"),
                ParameterValue::Double(value) => write!(out, "{separator}{name}={value}"),
                ParameterValue::String(value) => write!(out, "{separator}{name}={value}"),
            };
        }
        out.push_str("\r\n");
    }
    for feedback in &codec.rtcp_feedback {
        let _ = write!(out, "a=rtcp-fb:{pt} {}", feedback.feedback_type);
        if !feedback.parameter.is_empty() {
            let _ = write!(out, " {}", feedback.parameter);
        }
        out.push_str("\r\n");
    }
}

/// `<encoding name>/<clock rate>[/<encoding parameters>]` (RFC 8866 §6.6).
fn codec(
    kind: MediaKind,
    payload_type: PayloadType,
    encoding: &str,
    attributes: &Attributes<'_>,
) -> Option<Codec> {
    let mut parts = encoding.trim().split('/');
    let name = parts.next().filter(|name| is_token(name))?;
    let clock_rate = parts.next()?.parse().ok().filter(|rate| *rate > 0)?;
    let channels = match (kind, parts.next()) {
        (MediaKind::Audio, Some(channels)) => Some(channels.parse().ok()?),
        (MediaKind::Audio, None) => Some(1),
        (MediaKind::Video, _) => None,
    };
    let parameters = value_for(attributes, "fmtp", payload_type).next();
    let parameters = parameters.map_or_else(|| Some(CodecParameters::new()), format_parameters)?;
    Some(Codec {
        mime_type: MimeType::of(kind, name),
        payload_type,
        clock_rate,
        channels,
        parameters,
        rtcp_feedback: feedback(attributes, payload_type),
    })
}

/// `name=value` pairs; what has another form (`111/111` of RED, `0-15` of telephone events)
/// belongs to codecs that a room does not speak. None if they are longer than those of any codec
/// that it speaks.
fn format_parameters(text: &str) -> Option<CodecParameters> {
    if text.len() > MAX_PARAMETERS {
        return None;
    }
    let mut parameters = CodecParameters::new();
    for pair in text.split(';') {
        let Some((name, value)) = pair.trim().split_once('=') else {
            continue;
        };
        if !is_printable(name) || !is_printable(value) {
            continue;
        }
        // `420010` is a profile and a level in hexadecimal, not a number.
        let is_text = name.eq_ignore_ascii_case("profile-level-id");
        match value.parse::<i32>() {
            Ok(number) if !is_text && number.to_string() == value => parameters.set(name, number),
            _ => parameters.set(name, value),
        }
    }
    Some(parameters)
}

/// `a=rtcp-fb` of this payload type and of `*` (RFC 4585 §4.2), each once. Every codec gets a copy
/// of those of `*`, so there is a limit.
fn feedback(attributes: &Attributes<'_>, payload_type: PayloadType) -> Vec<RtcpFeedback> {
    let mut list = Vec::new();
    for value in attributes.all("rtcp-fb") {
        let Some((target, value)) = value.split_once(' ') else {
            continue;
        };
        let applies = target == "*" || super::media::payload_type(target) == Some(payload_type);
        let value = value.trim();
        let (name, parameter) = value.split_once(' ').unwrap_or((value, ""));
        if applies && is_token(name) && (parameter.is_empty() || is_token(parameter)) {
            let feedback = RtcpFeedback::new(name, parameter);
            if list.len() < MAX_FEEDBACK && !list.contains(&feedback) {
                list.push(feedback);
            }
        }
    }
    list
}

fn value_for<'a>(
    attributes: &'a Attributes<'a>,
    name: &'static str,
    wanted: PayloadType,
) -> impl Iterator<Item = &'a str> {
    attributes.all(name).filter_map(move |value| {
        let (number, rest) = value.split_once(' ')?;
        (payload_type(number) == Some(wanted)).then_some(rest)
    })
}

/// What may be repeated in an answer.
fn is_printable(text: &str) -> bool {
    !text.bytes().any(|byte| byte.is_ascii_control())
}

/// The characters of a token (RFC 8866 §9), and a few more.
fn is_token(text: &str) -> bool {
    (1..=MAX_TOKEN).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Browsers send six kinds for a codec.
const MAX_FEEDBACK: usize = 16;
/// The parameter sets of H.264 and H.265 are the longest, a few hundred bytes.
const MAX_PARAMETERS: usize = 2048;
const MAX_TOKEN: usize = 64;
