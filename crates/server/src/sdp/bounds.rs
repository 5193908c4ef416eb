//! Tests that a description of the largest size cannot make us build much more than it contains.

use tureen_controller::rtp::ParameterValue;

use super::bundle::Description;
use super::capabilities;
use super::codec::Codec;
use super::media::Media;
use super::text::Text;

const HEAD: &str = "v=0\r\ns=-\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n\
    a=fingerprint:sha-256 00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00\r\n\
    a=group:BUNDLE 0\r\n";
const AUDIO: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\n";

/// So many texts and numbers are in a codec, and so many bytes in its texts.
fn of_codec(codec: &Codec) -> (usize, usize) {
    let feedback = codec.rtcp_feedback.iter();
    let feedback = feedback.map(|one| one.feedback_type.len() + one.parameter.len());
    let parameters = codec.parameters.iter().map(|(name, value)| {
        let value = match value {
            ParameterValue::String(text) => text.len(),
            _ => size_of::<ParameterValue>(),
        };
        name.len() + value
    });
    let count = 1 + feedback.len() + codec.parameters.iter().count();
    let bytes = codec.mime_type.subtype().len() + feedback.sum::<usize>();
    (count, bytes + parameters.sum::<usize>())
}

fn of_media(media: &Media) -> (usize, usize) {
    let codecs = media.codecs.iter().map(of_codec);
    let (count, bytes) = codecs.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    let uris = media.extensions.iter().map(|one| one.uri.as_str().len());
    let (streams, names) = media.streams.size();
    (
        count + uris.len() + streams,
        bytes + uris.sum::<usize>() + names,
    )
}

/// What is built of a description, and of the capabilities that each consumer gets a copy of.
fn built(text: &str) -> (usize, usize) {
    let description = Description::parse(text).unwrap();
    let media: Vec<_> = description
        .sections
        .iter()
        .filter_map(|section| section.media.as_ref().ok())
        .collect();
    let fingerprints = &description.transport.as_ref().unwrap().fingerprints;
    let sizes = media.iter().map(|media| of_media(media));
    let (count, bytes) = sizes.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    let capabilities = capabilities::of(media.iter().copied());
    assert!(capabilities.codecs.len() <= 128);
    assert!(capabilities.header_extensions.len() <= 64);
    (
        count + description.sections.len() + fingerprints.len(),
        bytes,
    )
}

/// A section with so many bytes of these lines.
fn filled(line: impl Fn(usize) -> String, bytes: usize) -> String {
    let mut out = String::new();
    for index in 0.. {
        let line = line(index);
        if out.len() + line.len() > bytes {
            break;
        }
        out += &line;
    }
    out
}

#[test]
fn no_list_of_a_description_multiplies_another() {
    let payload_types = " 111".repeat(10_000);
    let many = format!("m=audio 9 UDP/TLS/RTP/SAVPF{payload_types}\r\na=mid:0\r\n");
    let codecs = filled(
        |index| format!("a=rtpmap:{} x/8000\r\n", index % 128),
        2_000,
    );
    let all: String = (0..128).map(|number| format!(" {number}")).collect();
    let all = format!("m=audio 9 UDP/TLS/RTP/SAVPF{all}\r\na=mid:0\r\n{codecs}");
    let uris = |index| {
        format!(
            "a=extmap:{} urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
            index % 255 + 1
        )
    };
    let cases = [
        (
            "payload types",
            format!("{HEAD}{many}a=rtpmap:111 opus/48000/2\r\n"),
        ),
        (
            "payload types and feedback of all",
            format!(
                "{HEAD}{all}{}",
                filled(|index| format!("a=rtcp-fb:* x{index}\r\n"), 10_000)
            ),
        ),
        (
            "one long feedback of all",
            format!("{HEAD}{all}a=rtcp-fb:* {}\r\n", "x".repeat(10_000)),
        ),
        (
            "parameters",
            format!(
                "{HEAD}{AUDIO}a=fmtp:111 {}\r\n",
                filled(|index| format!("p{index}=1;"), 50_000)
            ),
        ),
        (
            "header extensions",
            format!("{HEAD}{AUDIO}{}", filled(uris, 50_000)),
        ),
        (
            "unknown header extensions",
            format!(
                "{HEAD}{AUDIO}{}",
                filled(
                    |index| format!("a=extmap:{} urn:{index}\r\n", index % 255 + 1),
                    50_000
                )
            ),
        ),
        (
            "sources",
            format!(
                "{HEAD}{AUDIO}{}",
                filled(
                    |index| format!(
                        "a=ssrc-group:FID {index} {}\r\na=ssrc:{index} cname:x\r\n",
                        index + 1
                    ),
                    50_000
                )
            ),
        ),
        (
            "streams",
            format!(
                "{HEAD}{AUDIO}{}a=simulcast:send {}\r\n",
                filled(|index| format!("a=rid:{index} send\r\n"), 50_000),
                "1;".repeat(10_000)
            ),
        ),
        (
            "fingerprints",
            format!(
                "{HEAD}{AUDIO}{}",
                filled(
                    |_| format!("a=fingerprint:sha-1 {}\r\n", ["22"; 20].join(":")),
                    50_000
                )
            ),
        ),
        (
            "candidates",
            format!(
                "{HEAD}{AUDIO}{}",
                filled(
                    |index| format!("a=candidate:{index} 1 udp 1 192.0.2.1 5 typ host\r\n"),
                    50_000
                )
            ),
        ),
    ];
    for (name, text) in cases {
        let (count, bytes) = built(&text);
        // A codec has 16 kinds of feedback at most.
        assert!(count <= 128 * 17 + 64, "{name}: {count}");
        assert!(bytes <= 2 * text.len(), "{name}: {bytes} of {}", text.len());
    }
}

#[test]
fn every_line_of_many_sections_costs_as_much_as_one_codec() {
    let payload_types: String = (0..128).map(|number| format!(" {number}")).collect();
    let codecs: String = (0..128)
        .map(|number| format!("a=rtpmap:{number} x/8000\r\n"))
        .collect();
    let feedback: String = (0..20)
        .map(|one| format!("a=rtcp-fb:* x{one}\r\n"))
        .collect();
    let sections: String = (0..50)
        .map(|mid| {
            format!(
                "m=audio 9 UDP/TLS/RTP/SAVPF{payload_types}\r\na=mid:{mid}\r\n{codecs}{feedback}"
            )
        })
        .collect();
    let text = format!("{HEAD}{sections}");
    let (count, bytes) = built(&text);
    assert!(count <= 17 * text.lines().count(), "{count}");
    assert!(bytes <= 2 * text.len(), "{bytes} of {}", text.len());
}

#[test]
fn a_group_has_as_many_members_as_there_are_sections() {
    let sections: String = (0..3)
        .map(|mid| AUDIO.replace("mid:0", &format!("mid:{mid}")))
        .collect();
    let group = "2 x 0 ".repeat(20_000);
    let text = format!("v=0\r\na=group:BUNDLE {group}\r\na=group:BUNDLE 1\r\n{sections}");
    let sections = super::bundle::sections(&Text::parse(&text).unwrap());
    let groups: Vec<Vec<&str>> = vec![group.split_ascii_whitespace().collect(), vec!["1"]];
    assert_eq!(super::bundle::members(&sections, &groups), [2, 0]);
}
