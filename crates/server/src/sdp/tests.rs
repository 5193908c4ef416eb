//! Descriptions of real browsers, and damaged ones.

use tureen_controller::ortc;
use tureen_controller::rtp::{
    CodecParameters, MediaKind, MimeType, RtcpFeedback, RtpCapabilities, RtpCodecCapability,
    RtpParameters, Ssrc,
};

use tureen_controller::{
    DtlsFingerprint, DtlsParameters, DtlsRole, FingerprintAlgorithm, IceCandidate,
    IceCandidateType, IceParameters, Protocol,
};

use super::*;
use crate::media::TransportParameters;

const CHROMIUM_PUBLISH: &str = include_str!("testdata/chromium-publish.sdp");
const CHROMIUM_SCREEN: &str = include_str!("testdata/chromium-publish-screen.sdp");
const CHROMIUM_RECEIVE: &str = include_str!("testdata/chromium-receive.sdp");
const FIREFOX_PUBLISH: &str = include_str!("testdata/firefox-publish.sdp");
const FIREFOX_SCREEN: &str = include_str!("testdata/firefox-publish-screen.sdp");
const FIREFOX_RECEIVE: &str = include_str!("testdata/firefox-receive.sdp");

fn video(subtype: &str) -> RtpCodecCapability {
    RtpCodecCapability::video(MimeType::of(MediaKind::Video, subtype), 90_000)
}

fn opus() -> RtpCodecCapability {
    RtpCodecCapability::audio(MimeType::of(MediaKind::Audio, "opus"), 48_000, 2)
}

fn h264() -> RtpCodecCapability {
    video("H264").with_parameters(CodecParameters::from([
        ("packetization-mode", 1.into()),
        ("profile-level-id", "42e01f".into()),
        ("level-asymmetry-allowed", 1.into()),
    ]))
}

fn router(codecs: Vec<RtpCodecCapability>) -> RtpCapabilities {
    ortc::generate_router_rtp_capabilities(&codecs).unwrap()
}

pub(super) fn local_transport() -> TransportParameters {
    TransportParameters {
        ice: IceParameters {
            username_fragment: "ourufrag".to_owned(),
            password: "ourpasswordourpasswordou".to_owned(),
            ice_lite: true,
        },
        candidates: [Protocol::Udp, Protocol::Tcp]
            .into_iter()
            .map(|protocol| IceCandidate {
                foundation: "f".to_owned(),
                priority: 7,
                ip: "192.0.2.1".to_owned(),
                address: "192.0.2.1".to_owned(),
                candidate_type: IceCandidateType::Host,
                tcp_type: None,
                protocol,
                port: 40_000,
            })
            .collect(),
        dtls: DtlsParameters {
            role: DtlsRole::Auto,
            fingerprints: vec![
                DtlsFingerprint {
                    algorithm: FingerprintAlgorithm::Sha1,
                    value: ["AA"; 20].join(":"),
                },
                DtlsFingerprint {
                    algorithm: FingerprintAlgorithm::Sha256,
                    value: ["BB"; 32].join(":"),
                },
            ],
        },
    }
}

fn lines<'a>(text: &'a str, prefix: &str) -> Vec<&'a str> {
    text.lines()
        .filter(|line| line.starts_with(prefix))
        .collect()
}

#[test]
fn offers_of_browsers_become_producer_parameters() {
    let router = router(vec![opus(), video("VP8")]);
    for text in [CHROMIUM_PUBLISH, FIREFOX_PUBLISH] {
        let offer = Offer::parse(text).unwrap();
        let [audio, video] = offer.sections() else {
            panic!("two sections");
        };
        assert!(audio.sends() && video.sends());
        let (audio, video) = (
            audio.rtp_parameters(&router).unwrap(),
            video.rtp_parameters(&router).unwrap(),
        );
        for parameters in [&audio, &video] {
            ortc::validate_rtp_parameters(&mut parameters.clone()).unwrap();
        }
        assert_eq!(names(&audio), ["opus"]);
        assert_eq!(names(&video), ["VP8", "rtx"]);
        assert_eq!(audio.encodings.len(), 1);
        assert!(audio.encodings[0].rtx.is_none());
        assert!(video.encodings[0].rtx.is_some());
        assert!(audio.rtcp.cname.is_some());
        assert_eq!(audio.rtcp.cname, video.rtcp.cname);
        assert!(
            video.codecs[0]
                .rtcp_feedback
                .contains(&RtcpFeedback::new("nack", "pli"))
        );
        assert!(
            video.codecs[0]
                .rtcp_feedback
                .contains(&RtcpFeedback::new("transport-cc", ""))
        );
    }
}

#[test]
fn the_numbers_are_those_of_the_offer() {
    let offer = Offer::parse(FIREFOX_PUBLISH).unwrap();
    let parameters = offer.sections()[1]
        .rtp_parameters(&router(vec![video("VP8")]))
        .unwrap();
    assert_eq!(parameters.mid.as_deref(), Some("1"));
    assert_eq!(parameters.codecs[0].payload_type.get(), 120);
    assert_eq!(parameters.codecs[1].payload_type.get(), 124);
    assert_eq!(parameters.encodings[0].ssrc, Some(Ssrc(1_262_098_718)));
    assert_eq!(
        parameters.encodings[0].rtx.unwrap().ssrc,
        Ssrc(1_693_947_141)
    );
    let extensions: Vec<_> = parameters
        .header_extensions
        .iter()
        .map(|extension| {
            (
                extension.id,
                extension.uri.as_str().rsplit(':').next().unwrap(),
            )
        })
        .collect();
    // 6/recvonly is the playout delay, which Firefox does not send.
    assert_eq!(extensions[0], (3, "mid"));
    assert!(extensions.contains(&(5, "toffset")));
    assert!(!extensions.iter().any(|(id, _)| *id == 6));
}

#[test]
fn the_codec_is_the_first_of_the_room_that_is_offered() {
    let chromium = Offer::parse(CHROMIUM_PUBLISH).unwrap();
    let firefox = Offer::parse(FIREFOX_PUBLISH).unwrap();
    let chosen = |offer: &Offer, codecs| {
        let parameters = offer.sections()[1].rtp_parameters(&router(codecs)).unwrap();
        names(&parameters)[0].clone()
    };
    assert_eq!(chosen(&chromium, vec![video("VP9"), video("VP8")]), "VP9");
    assert_eq!(chosen(&chromium, vec![video("AV1"), video("VP8")]), "AV1");
    // This Firefox was built without H.264.
    assert_eq!(chosen(&firefox, vec![h264(), video("VP8")]), "VP8");
    let none = firefox.sections()[1].rtp_parameters(&router(vec![h264()]));
    assert!(matches!(none, Err(SdpError::NoCodec(_))));
}

#[test]
fn an_h264_profile_is_matched_with_its_packetization_mode() {
    let offer = Offer::parse(CHROMIUM_PUBLISH).unwrap();
    let parameters = offer.sections()[1].rtp_parameters(&router(vec![h264()]));
    let parameters = parameters.unwrap();
    let codec = &parameters.codecs[0].parameters;
    assert_eq!(codec.get("packetization-mode"), Some(&1.into()));
    assert_eq!(codec.get("profile-level-id"), Some(&"42e01f".into()));
}

#[test]
fn the_answer_takes_what_is_accepted_and_nothing_else() {
    let router = router(vec![opus(), video("VP8")]);
    for text in [CHROMIUM_SCREEN, FIREFOX_SCREEN] {
        let offer = Offer::parse(text).unwrap();
        let answer = offer.answer(&router, &local_transport(), &receiving(&["0", "1"]), 3);
        assert_eq!(lines(&answer, "a=mid:"), ["a=mid:0", "a=mid:1", "a=mid:2"]);
        assert_eq!(lines(&answer, "a=recvonly").len(), 2);
        assert_eq!(lines(&answer, "a=inactive").len(), 1);
        assert_eq!(lines(&answer, "a=group:BUNDLE"), ["a=group:BUNDLE 0 1 2"]);
        assert_eq!(lines(&answer, "a=ice-lite").len(), 1);
        assert_eq!(lines(&answer, "a=setup:"), ["a=setup:passive"; 3]);
        assert_eq!(
            lines(&answer, "a=fingerprint:"),
            vec![format!("a=fingerprint:sha-256 {}", ["BB"; 32].join(":")); 3]
        );
        // RFC 8858 §3: RTCP has no port of its own.
        assert_eq!(
            lines(&answer, "a=rtcp-mux"),
            ["a=rtcp-mux", "a=rtcp-mux-only"].repeat(3)
        );
        assert_eq!(lines(&answer, "a=ssrc").len(), 0);
        assert_eq!(lines(&answer, "o="), ["o=tureen 1 3 IN IP4 0.0.0.0"]);
        assert_eq!(
            lines(&answer, "a=candidate:")[..2],
            [
                "a=candidate:f 1 udp 7 192.0.2.1 40000 typ host",
                "a=candidate:f 1 tcp 7 192.0.2.1 40000 typ host tcptype passive"
            ]
        );
        assert!(answer.lines().all(|line| line.contains('=')));
        assert!(answer.ends_with("\r\n"));
    }
}

#[test]
fn a_section_without_a_common_codec_is_rejected() {
    let offer = Offer::parse(CHROMIUM_PUBLISH).unwrap();
    let answer = offer.answer(
        &router(vec![opus()]),
        &local_transport(),
        &receiving(&["0"]),
        1,
    );
    assert_eq!(lines(&answer, "m=")[1], "m=video 0 UDP/TLS/RTP/SAVPF 96");
    assert_eq!(lines(&answer, "a=group:BUNDLE"), ["a=group:BUNDLE 0"]);
}

#[test]
fn an_ice_restart_shows_in_the_ufrag() {
    let before = Offer::parse(CHROMIUM_PUBLISH).unwrap();
    let ufrag = &before.transport().unwrap().ice_ufrag;
    let after = CHROMIUM_PUBLISH.replace(ufrag.as_str(), "newone");
    let after = Offer::parse(&after).unwrap();
    assert_eq!(after.transport().unwrap().ice_ufrag, "newone");
    assert_eq!(
        after.transport().unwrap().fingerprints,
        before.transport().unwrap().fingerprints
    );
    assert_eq!(
        before.transport().unwrap().dtls_parameters().role,
        DtlsRole::Client
    );
}

#[test]
fn capabilities_of_browsers_are_read() {
    let router = router(vec![opus(), video("VP8")]);
    for text in [CHROMIUM_RECEIVE, FIREFOX_RECEIVE] {
        let mut capabilities = receive_capabilities(text).unwrap();
        ortc::validate_rtp_capabilities(&mut capabilities).unwrap();
        for kind in [MediaKind::Audio, MediaKind::Video] {
            let consumable = consumable(&router, kind);
            assert!(
                ortc::can_consume(&consumable, &capabilities).unwrap(),
                "{kind}"
            );
        }
    }
}

#[test]
fn the_receiving_connection_is_offered_one_section_per_consumer() {
    let mut session = Offerer::default();
    assert!(session.offer(&local_transport()).is_none());
    add(&mut session, MediaKind::Audio, 1000);
    add(&mut session, MediaKind::Video, 2000);
    let offer = offered(&mut session);
    assert_eq!(lines(&offer, "a=setup:"), ["a=setup:actpass"; 2]);
    assert_eq!(lines(&offer, "a=sendonly").len(), 2);
    assert_eq!(lines(&offer, "a=msid:"), ["a=msid:stream track"; 2]);
    assert_eq!(
        lines(&offer, "a=ssrc-group:"),
        ["a=ssrc-group:FID 2000 2001"]
    );
    assert_eq!(lines(&offer, "a=ssrc:").len(), 3);

    let answer = answered(&mut session, &answer_to(&offer, &[])).unwrap();
    assert_eq!(answer.accepted, ["0", "1"]);
    assert!(answer.refused.is_empty());
    assert!(
        !session.is_offer_due(),
        "nothing has changed since the last offer"
    );
    session.start_over();
    let offer = offered(&mut session);
    let refusing = answered(&mut session, &answer_to(&offer, &["1"])).unwrap();
    assert_eq!(
        (refusing.accepted, refusing.refused),
        (vec!["0".into()], vec!["1".into()])
    );
}

#[test]
fn an_answer_may_reject_every_section() {
    let mut session = Offerer::default();
    add(&mut session, MediaKind::Audio, 1000);
    let offer = offered(&mut session);
    let rejecting = answer_to(&offer, &[]).replace("m=audio 9", "m=audio 0");
    let answer = answered(&mut session, &rejecting).unwrap();
    assert_eq!(answer.transport, None);
    assert_eq!(answer.refused, ["0"]);
    session.remove("0");
    add(&mut session, MediaKind::Video, 2000);
    let offer = offered(&mut session);
    let answer = answered(&mut session, &answer_to(&offer, &[])).unwrap();
    assert!(answer.transport.is_some());
    assert_eq!(answer.accepted, ["1"]);
}

#[test]
fn a_section_is_used_again_once_the_browser_knows_that_it_ended() {
    let mut session = Offerer::default();
    add(&mut session, MediaKind::Video, 1000);
    let offer = offered(&mut session);
    // It ends while the offer is on its way.
    session.remove("0");
    answered(&mut session, &answer_to(&offer, &[])).unwrap();
    assert_eq!(
        next_mid(&session, MediaKind::Video),
        "1",
        "the browser still plays section 0"
    );

    let offer = offered(&mut session);
    assert_eq!(lines(&offer, "a=inactive").len(), 1);
    assert_eq!(next_mid(&session, MediaKind::Video), "1");
    answered(&mut session, &answer_to(&offer, &["0"])).unwrap();
    assert_eq!(
        next_mid(&session, MediaKind::Audio),
        "1",
        "another kind needs its own"
    );
    assert_eq!(next_mid(&session, MediaKind::Video), "0");
    add(&mut session, MediaKind::Video, 3000);
    let offer = offered(&mut session);
    assert_eq!(lines(&offer, "m=").len(), 1);
    assert_eq!(lines(&offer, "o="), ["o=tureen 2 3 IN IP4 0.0.0.0"]);
}

#[test]
fn a_section_used_again_after_the_offer_was_sent_is_not_refused_by_its_answer() {
    let mut session = Offerer::default();
    add(&mut session, MediaKind::Audio, 1000);
    add(&mut session, MediaKind::Video, 2000);
    let offer = offered(&mut session);
    answered(&mut session, &answer_to(&offer, &[])).unwrap();
    for mid in ["0", "1"] {
        session.remove(mid);
    }
    let offer = offered(&mut session);
    answered(&mut session, &answer_to(&offer, &["0", "1"])).unwrap();

    add(&mut session, MediaKind::Video, 3000);
    let offer = offered(&mut session);
    // While this offer, with an inactive section 0, is on its way.
    add(&mut session, MediaKind::Audio, 4000);
    let answer = answered(&mut session, &answer_to(&offer, &["0"])).unwrap();
    assert_eq!(answer.accepted, ["1"]);
    assert!(answer.refused.is_empty());

    let offer = offered(&mut session);
    let answer = answered(&mut session, &answer_to(&offer, &[])).unwrap();
    assert_eq!(answer.accepted, ["0", "1"]);
}

#[test]
fn an_answer_must_fit_the_offer() {
    let mut session = Offerer::default();
    add(&mut session, MediaKind::Audio, 1000);
    let offer = offered(&mut session);
    let good = answer_to(&offer, &[]);
    let refused = |session: &mut Offerer, text: &str| {
        let error = answered(session, text).unwrap_err();
        offered(session);
        error
    };
    assert_eq!(
        refused(&mut session, CHROMIUM_PUBLISH),
        SdpError::SectionCount {
            offered: 1,
            answered: 2
        }
    );
    let wrong_mid = good
        .replace("a=mid:0", "a=mid:7")
        .replace("BUNDLE 0", "BUNDLE 7");
    assert!(matches!(
        refused(&mut session, &wrong_mid),
        SdpError::WrongMid(_)
    ));
    // A third bad one in a row would be the last.
    answered(&mut session, &good).unwrap();
    session.note_use(true);
    session.start_over();
    offered(&mut session);
    let passive = good.replace("setup:active", "setup:passive");
    assert_eq!(
        refused(&mut session, &passive),
        SdpError::Setup("passive".to_owned())
    );
}

#[test]
fn a_bad_answer_keeps_no_later_offer_waiting() {
    let mut session = Offerer::default();
    add(&mut session, MediaKind::Audio, 1000);
    let first = session.offer(&local_transport()).unwrap();
    let good = answer_to(&first.sdp, &[]);
    assert!(session.answer(first.number, "v=0\r\n").is_err());
    let again = session.offer(&local_transport()).unwrap();
    assert_eq!(
        session.answer(first.number, &good).unwrap_err(),
        SdpError::StaleAnswer
    );
    assert!(session.offer(&local_transport()).is_none(), "one at a time");
    let answer = session.answer(again.number, &good).unwrap();
    assert_eq!(answer.accepted, ["0"]);
    assert_eq!(
        session.answer(again.number, &good).unwrap_err(),
        SdpError::StaleAnswer
    );
}

#[test]
fn after_three_bad_answers_nothing_more_is_offered() {
    let mut session = Offerer::default();
    add(&mut session, MediaKind::Audio, 1000);
    let good = answer_to(&offered(&mut session), &[]);
    // A good one between starts the count again.
    answered(&mut session, &good).unwrap();
    session.note_use(true);
    for tries in [1, 2] {
        for bad in 0..tries {
            session.start_over();
            offered(&mut session);
            assert!(answered(&mut session, "v=0\r\n").is_err(), "{tries} {bad}");
        }
        assert!(!session.has_given_up());
        offered(&mut session);
        answered(&mut session, &good).unwrap();
        session.note_use(true);
    }
    for _ in 0..3 {
        session.start_over();
        offered(&mut session);
        assert!(answered(&mut session, "v=0\r\n").is_err());
    }
    assert!(session.has_given_up());
    add(&mut session, MediaKind::Video, 2000);
    assert!(session.offer(&local_transport()).is_none());
}

#[test]
fn an_answer_that_cannot_be_used_is_no_answer() {
    let mut session = Offerer::default();
    add(&mut session, MediaKind::Audio, 1000);
    for _ in 0..3 {
        let offer = offered(&mut session);
        answered(&mut session, &answer_to(&offer, &[])).unwrap();
        session.note_use(false);
    }
    assert!(session.has_given_up());
}

#[test]
fn a_rejected_section_of_an_answer_needs_no_mid() {
    let mut session = Offerer::default();
    add(&mut session, MediaKind::Audio, 1000);
    offered(&mut session);
    let answer = "v=0\r\ns=-\r\nm=audio 0 UDP/TLS/RTP/SAVPF 0\r\n";
    assert_eq!(answered(&mut session, answer).unwrap().refused, ["0"]);
}

#[test]
fn what_cannot_be_a_call_is_refused_by_name() {
    let cases = [
        (
            "a=fingerprint:sha-256",
            "a=x:",
            "media section 0 has no a=fingerprint",
        ),
        (
            "a=fingerprint:sha-256 ",
            "a=fingerprint:sha-256 x",
            "media section 0 has an unreadable a=fingerprint",
        ),
        (
            "a=fingerprint:sha-256 ",
            "a=fingerprint:sha-512 ",
            "media section 0 has an unreadable a=fingerprint",
        ),
        (
            "a=ice-pwd:",
            "a=ice-pwd:x\r\na=y:",
            "media section 0 has an unreadable a=ice-pwd",
        ),
        (
            "a=setup:actpass",
            "a=setup:passive",
            "a=setup:passive is not possible",
        ),
        ("UDP/TLS/RTP/SAVPF", "UDP", "uses \"UDP\""),
        ("m=", "m=x", "media section 0 is neither audio nor video"),
    ];
    for (from, to, expected) in cases {
        assert!(CHROMIUM_PUBLISH.contains(from), "{from}");
        let error = Offer::parse(&CHROMIUM_PUBLISH.replace(from, to)).unwrap_err();
        assert!(error.to_string().contains(expected), "{from}: {error}");
    }
}

#[test]
fn every_profile_that_may_mean_dtls_srtp_is_accepted_and_repeated() {
    for profile in [
        "RTP/AVP",
        "RTP/AVPF",
        "RTP/SAVP",
        "RTP/SAVPF",
        "TCP/DTLS/RTP/SAVP",
        "TCP/DTLS/RTP/SAVPF",
        "UDP/TLS/RTP/SAVP",
        "UDP/TLS/RTP/SAVPF",
    ] {
        let text = CHROMIUM_PUBLISH.replace("UDP/TLS/RTP/SAVPF", profile);
        let offer = Offer::parse(&text).unwrap_or_else(|error| panic!("{profile}: {error}"));
        let router = router(vec![opus(), video("VP8")]);
        let answer = offer.answer(&router, &local_transport(), &receiving(&["0", "1"]), 1);
        assert_eq!(
            lines(&answer, "m="),
            [
                format!("m=audio 9 {profile} 111"),
                format!("m=video 9 {profile} 96 97")
            ]
        );
        // It says nothing of protection: the fingerprint does.
        let bare = text.replace("a=fingerprint:", "a=x:");
        let error = Offer::parse(&bare).unwrap_err();
        assert!(error.to_string().contains("no a=fingerprint"), "{error}");
    }
}

#[test]
fn no_cut_or_flipped_offer_panics() {
    for text in [CHROMIUM_SCREEN, FIREFOX_SCREEN, CHROMIUM_RECEIVE] {
        for end in (0..text.len()).step_by(61) {
            let _ = Offer::parse(&text[..end]);
        }
        let mut bytes = text.as_bytes().to_vec();
        for index in (0..bytes.len()).step_by(67) {
            let old = bytes[index];
            for new in [b' ', b'9', b'=', b':', b'\n'] {
                bytes[index] = new;
                if let Ok(offer) = Offer::parse(&String::from_utf8_lossy(&bytes)) {
                    let router = router(vec![opus()]);
                    let _ = offer.answer(&router, &local_transport(), &receiving(&["0"]), 1);
                }
            }
            bytes[index] = old;
        }
    }
}

/// The next offer, which must be due.
fn offered(session: &mut Offerer) -> String {
    session.offer(&local_transport()).unwrap().sdp
}

/// Answers the last offer.
fn answered(session: &mut Offerer, text: &str) -> Result<offerer::Answer, SdpError> {
    session.answer(session.number(), text)
}

/// These sections are received, none is sent.
fn receiving<'a>(mids: &[&'a str]) -> Accepted<'a> {
    Accepted {
        received: mids.iter().copied().collect(),
        ..Accepted::default()
    }
}

fn names(parameters: &RtpParameters) -> Vec<String> {
    parameters
        .codecs
        .iter()
        .map(|codec| codec.mime_type.subtype().to_owned())
        .collect()
}

/// What Chromium sends, as consumers see it.
fn consumable(router: &RtpCapabilities, kind: MediaKind) -> RtpParameters {
    let offer = Offer::parse(CHROMIUM_PUBLISH).unwrap();
    let section = offer
        .sections()
        .iter()
        .find(|section| section.kind() == Some(kind))
        .unwrap();
    let mut parameters = section.rtp_parameters(router).unwrap();
    let mapping =
        ortc::get_producer_rtp_parameters_mapping(&mut parameters, router, Ssrc(5000)).unwrap();
    ortc::get_consumable_rtp_parameters(kind, &parameters, router, &mapping).unwrap()
}

fn next_mid(session: &Offerer, kind: MediaKind) -> String {
    session.next_mids(&[kind]).remove(0)
}

fn add(session: &mut Offerer, kind: MediaKind, ssrc: u32) {
    let router = router(vec![opus(), video("VP8")]);
    let mut rtp = consumable(&router, kind);
    rtp.mid = Some(next_mid(session, kind));
    rtp.msid = Some("stream track".to_owned());
    rtp.encodings[0].ssrc = Some(Ssrc(ssrc));
    rtp.encodings[0].rtx =
        (kind == MediaKind::Video).then_some(tureen_controller::rtp::RtxParameters {
            ssrc: Ssrc(ssrc + 1),
        });
    session.add(kind, rtp);
}

/// The answer a browser would give, which refuses the sections of these mids.
fn answer_to(offer: &str, refused: &[&str]) -> String {
    let mut answer = offer
        .replace("a=setup:actpass", "a=setup:active")
        .replace("a=sendonly", "a=recvonly")
        .replace("a=ice-lite\r\n", "");
    for mid in refused {
        let from = format!("a=mid:{mid}\r\na=recvonly");
        answer = answer.replace(&from, &format!("a=mid:{mid}\r\na=inactive"));
    }
    answer
}
