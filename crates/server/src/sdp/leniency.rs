//! What real clients send, and what becomes of it when a part that we do not use is broken: the rest
//! flows as before.

use tureen_controller::ortc;
use tureen_controller::rtp::{MimeType, RtpCapabilities, RtpCodecCapability, Ssrc};

use super::tests::local_transport;
use super::*;

/// Offers that were refused whole once, each for a part of it.
const REFUSED_ONCE: [(&str, &str, &[&str]); 10] = [
    (
        "aiortc-dc",
        include_str!("testdata/aiortc-dc.sdp"),
        &["0", "1"],
    ),
    (
        "werift-dc",
        include_str!("testdata/werift-dc.sdp"),
        &["0", "1"],
    ),
    (
        "blank-after-unused-rtpmap",
        include_str!("testdata/offer-blank-after-unused-rtpmap.sdp"),
        &["0", "1"],
    ),
    (
        "bundle-different-transports",
        include_str!("testdata/offer-bundle-different-transports.sdp"),
        &["0", "1"],
    ),
    (
        "bundle-only-port0-no-ice",
        include_str!("testdata/offer-bundle-only-port0-no-ice.sdp"),
        &["0", "1"],
    ),
    (
        "bundle-only-port9-no-ice",
        include_str!("testdata/offer-bundle-only-port9-no-ice.sdp"),
        &["0", "1"],
    ),
    (
        "extmap-4096",
        include_str!("testdata/offer-extmap-4096.sdp"),
        &["0", "1"],
    ),
    (
        "one-section-no-group",
        include_str!("testdata/offer-one-section-no-group.sdp"),
        &["0"],
    ),
    (
        "rejected-section-without-mid",
        include_str!("testdata/offer-rejected-section-without-mid.sdp"),
        &["1"],
    ),
    (
        "with-datachannel-section",
        include_str!("testdata/offer-with-datachannel-section.sdp"),
        &["0", "1"],
    ),
];

const CHROMIUM: &str = include_str!("testdata/chromium-publish.sdp");
const FIREFOX: &str = include_str!("testdata/firefox-publish.sdp");
const CHROMIUM_RECEIVE: &str = include_str!("testdata/chromium-receive.sdp");
const FIREFOX_RECEIVE: &str = include_str!("testdata/firefox-receive.sdp");

fn router() -> RtpCapabilities {
    let codec = |name: &str| MimeType::parse(name).unwrap();
    ortc::generate_router_rtp_capabilities(&[
        RtpCodecCapability::audio(codec("audio/opus"), 48_000, 2),
        RtpCodecCapability::video(codec("video/VP8"), 90_000),
    ])
    .unwrap()
}

/// The mids of the sections that we can receive.
fn receivable(offer: &Offer) -> Vec<&str> {
    let router = router();
    offer
        .sections()
        .iter()
        .filter(|section| section.sends() && section.rtp_parameters(&router).is_ok())
        .map(OfferedMedia::mid)
        .collect()
}

fn answer(offer: &Offer) -> String {
    let accepted = Accepted {
        received: receivable(offer).into_iter().collect(),
        ..Accepted::default()
    };
    Answerer::default().answer(offer, &router(), &local_transport(), &accepted)
}

fn lines<'a>(text: &'a str, prefix: &str) -> Vec<&'a str> {
    text.lines()
        .filter(|line| line.starts_with(prefix))
        .collect()
}

#[test]
fn offers_that_were_refused_once_are_answered() {
    for (name, text, expected) in REFUSED_ONCE {
        let offer = Offer::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(receivable(&offer), expected, "{name}");
        let answer = answer(&offer);
        assert_eq!(
            lines(&answer, "m=").len(),
            lines(text, "m=").len(),
            "{name}"
        );
        assert_eq!(lines(&answer, "a=recvonly").len(), expected.len(), "{name}");
    }
}

#[test]
fn a_section_that_we_cannot_use_is_rejected_in_its_own_words() {
    let (_, text, _) = REFUSED_ONCE[0];
    let answer = answer(&Offer::parse(text).unwrap());
    assert_eq!(
        lines(&answer, "m=")[2],
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel"
    );
    assert_eq!(lines(&answer, "a=mid:"), ["a=mid:0", "a=mid:1", "a=mid:2"]);
    assert_eq!(lines(&answer, "a=group:"), ["a=group:BUNDLE 0 1"]);
}

#[test]
fn the_transport_is_that_of_the_tagged_section() {
    let ufrag = |text: &str| {
        let offer = Offer::parse(text).unwrap();
        offer.transport().unwrap().ice_ufrag.clone()
    };
    let different = include_str!("testdata/offer-bundle-different-transports.sdp");
    assert_eq!(ufrag(different), "abcd");
    assert_eq!(
        ufrag(&different.replace("BUNDLE 0 1", "BUNDLE 1 0")),
        "efgh"
    );
    // The tagged section is rejected, so the next is.
    let audio_rejected = different.replace("m=audio 9", "m=audio 0");
    assert_eq!(ufrag(&audio_rejected), "efgh");
    let no_group = include_str!("testdata/offer-one-section-no-group.sdp");
    assert_eq!(ufrag(no_group), "abcd");
    assert!(lines(&answer(&Offer::parse(no_group).unwrap()), "a=group:").is_empty());
}

#[test]
fn a_section_outside_of_the_group_is_rejected_by_itself() {
    for (from, to) in [
        ("a=group:BUNDLE 0 1", "a=group:BUNDLE 0"),
        ("a=group:BUNDLE 0 1", "a=x:y"),
        ("a=mid:1", "a=mid:0"),
    ] {
        let offer = CHROMIUM.replace(from, to);
        let offer = Offer::parse(&offer).unwrap();
        assert_eq!(receivable(&offer), ["0"], "{to}");
        assert!(offer.sections()[1].problem().is_some());
        assert_eq!(
            lines(&answer(&offer), "m=")[1],
            "m=video 0 UDP/TLS/RTP/SAVPF 96"
        );
    }
}

#[test]
fn a_stream_is_known_by_its_mid_or_rid_as_well() {
    let without_ssrc: String = CHROMIUM
        .lines()
        .filter(|line| !line.starts_with("a=ssrc"))
        .map(|line| format!("{line}\r\n"))
        .collect();
    let offer = Offer::parse(&without_ssrc).unwrap();
    assert_eq!(receivable(&offer), ["0", "1"]);
    let video = offer.sections()[1].rtp_parameters(&router()).unwrap();
    assert_eq!(video.encodings[0].ssrc, None);

    let nameless = without_ssrc.replace("urn:ietf:params:rtp-hdrext:sdes:mid", "urn:x");
    let offer = Offer::parse(&nameless).unwrap();
    let error = offer.sections()[0].rtp_parameters(&router()).unwrap_err();
    assert!(matches!(error, SdpError::Nameless(_)), "{error}");

    let simulcast =
        format!("{without_ssrc}a=rid:q send\r\na=rid:f send\r\na=simulcast:send q;f\r\n");
    let offer = Offer::parse(&simulcast).unwrap();
    let video = offer.sections()[1].rtp_parameters(&router()).unwrap();
    assert_eq!(video.encodings[0].rid.as_deref(), Some("f"));
    let answer = answer(&offer);
    assert_eq!(lines(&answer, "a=rid:"), ["a=rid:f recv"]);
    assert_eq!(lines(&answer, "a=simulcast:"), ["a=simulcast:recv f"]);
}

#[test]
fn a_codec_of_a_static_payload_type_needs_no_rtpmap() {
    let pcmu = RtpCodecCapability::audio(MimeType::parse("audio/PCMU").unwrap(), 8_000, 1);
    let router = ortc::generate_router_rtp_capabilities(&[pcmu]).unwrap();
    let text = CHROMIUM.replace("a=rtpmap:0 PCMU/8000\r\n", "");
    assert_ne!(text, CHROMIUM);
    let offer = Offer::parse(&text).unwrap();
    assert!(offer.sections()[0].rtp_parameters(&router).is_ok());
}

/// Lines that say nothing of what we use: of other codecs, other extensions, and of the session.
fn is_unused(line: &str, opus: &str, vp8: &str, rtx: &str) -> bool {
    let of_codec = ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"]
        .iter()
        .find_map(|prefix| line.strip_prefix(prefix));
    if let Some(rest) = of_codec {
        let payload_type = rest.split(' ').next().unwrap_or_default();
        return ![opus, vp8, rtx].contains(&payload_type);
    }
    [
        "a=extmap:",
        "a=msid",
        "a=rtcp:",
        "a=rtcp-xr",
        "a=ice-options",
        "a=candidate",
    ]
    .iter()
    .any(|prefix| line.starts_with(prefix) && !line.ends_with("sdes:mid"))
}

#[test]
fn an_unused_line_that_is_broken_spoils_nothing() {
    let mut broken = 0;
    for (text, opus, vp8, rtx) in [
        (CHROMIUM, "111", "96", "97"),
        (FIREFOX, "109", "120", "124"),
    ] {
        let all: Vec<&str> = text.lines().collect();
        for (index, line) in all.iter().enumerate() {
            if !is_unused(line, opus, vp8, rtx) {
                continue;
            }
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            for bad in [
                format!("{line} "),
                format!("{name}:"),
                name.to_owned(),
                format!("{name}:x{value}"),
                format!("{name}:99999 {value}"),
                format!("{name}: {value}"),
                format!("{line}\t\u{1b}\u{fffd}/;=,"),
            ] {
                let mut lines = all.clone();
                lines[index] = &bad;
                let offer = lines.join("\r\n") + "\r\n";
                let offer = Offer::parse(&offer).unwrap_or_else(|error| panic!("{bad}: {error}"));
                assert_eq!(receivable(&offer), ["0", "1"], "{bad:?}");
                broken += 1;
            }
        }
    }
    assert!(broken > 500, "{broken}");
}

/// Whether a client with these capabilities receives what Chromium sends: audio, and video.
fn receives(text: &str) -> [bool; 2] {
    let capabilities = receive_capabilities(text).unwrap();
    let router = router();
    let offer = Offer::parse(CHROMIUM).unwrap();
    [0, 1].map(|index| {
        let section = &offer.sections()[index];
        let mut sent = section.rtp_parameters(&router).unwrap();
        let mapping = ortc::get_producer_rtp_parameters_mapping(&mut sent, &router, Ssrc(5000));
        let kind = section.kind().unwrap();
        let sent =
            ortc::get_consumable_rtp_parameters(kind, &sent, &router, &mapping.unwrap()).unwrap();
        // As the controller does before it consumes.
        let mut capabilities = capabilities.clone();
        ortc::validate_rtp_capabilities(&mut capabilities).is_ok()
            && ortc::can_consume(&sent, &capabilities).unwrap()
    })
}

#[test]
fn an_unused_line_that_is_broken_spoils_no_capability() {
    let mut broken = 0;
    for (text, opus, vp8, rtx) in [
        (CHROMIUM_RECEIVE, "111", "96", "97"),
        (FIREFOX_RECEIVE, "109", "120", "124"),
    ] {
        assert_eq!(receives(text), [true, true]);
        let all: Vec<&str> = text.lines().collect();
        for (index, line) in all.iter().enumerate() {
            if !is_unused(line, opus, vp8, rtx) {
                continue;
            }
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let number = value.split(' ').next().unwrap_or_default();
            for bad in [
                format!("{line} "),
                format!("{name}:"),
                format!("{name}:x{value}"),
                format!("{name}: {value}"),
                format!("{line}\t\u{1b}\u{fffd}/;=,"),
                format!("a=fmtp:{number} apt=x"),
                format!("a=fmtp:{number} apt="),
                format!("a=fmtp:{number} x=1;apt=99999999999"),
                format!("a=rtcp-fb:{number} \u{fffd}"),
            ] {
                let mut lines = all.clone();
                lines[index] = &bad;
                let text = lines.join("\r\n") + "\r\n";
                assert_eq!(receives(&text), [true, true], "{bad:?}");
                broken += 1;
            }
        }
    }
    assert!(broken > 500, "{broken}");
}

#[test]
fn an_unused_section_that_is_broken_spoils_nothing() {
    let (_, text, _) = REFUSED_ONCE[9];
    let start = text.find("m=application").unwrap();
    let (media, data) = text.split_at(start);
    let lines: Vec<&str> = data.lines().collect();
    for index in 0..lines.len() {
        for bad in [
            "",
            "a=",
            "a=mid:",
            "a=mid:0",
            "a=setup:x",
            "a=ice-pwd:x",
            "a=fingerprint:x y",
        ] {
            let mut lines = lines.clone();
            if index > 0 {
                lines[index] = bad;
            } else {
                lines[0] = "m=application";
                lines.push(bad);
            }
            let offer = format!("{media}{}\r\n", lines.join("\r\n"));
            let offer = Offer::parse(&offer).unwrap_or_else(|error| panic!("{bad}: {error}"));
            assert_eq!(receivable(&offer), ["0", "1"], "{bad}");
            answer(&offer);
        }
    }
}
