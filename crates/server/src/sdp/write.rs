//! Writes the descriptions that we send.

use std::borrow::Cow;
use std::fmt::Write as _;

use tureen_controller::rtp::{MediaKind, RtpParameters, Ssrc};
use tureen_controller::{FingerprintAlgorithm, IceCandidate, Protocol};

use super::media::{Direction, MediaLine};
use super::streams::TakenRid;
use crate::media::TransportParameters;

/// A media section of ours.
pub(super) struct SectionOut<'a> {
    /// Empty where the other side gives none.
    pub(super) mid: &'a str,
    pub(super) content: Content<'a>,
}

pub(super) enum Content<'a> {
    /// Codecs and extensions of a stream that flows, or that did.
    Stream {
        kind: MediaKind,
        /// The profile of the `m=` line.
        protocol: &'a str,
        direction: Direction,
        rtp: Cow<'a, RtpParameters>,
        /// Of the stream that we receive.
        taken_rid: Option<TakenRid>,
    },
    /// Port 0, and the words of the section that is rejected.
    Rejected(&'a MediaLine),
}

/// A whole description. `setup` is `passive` in answers and `actpass` in offers: "the offerer MUST
/// assign the SDP "setup" attribute with a value of "actpass"" (RFC 8842 §5.2).
pub(super) fn description(
    session: SessionLine,
    setup: &str,
    transport: &TransportParameters,
    sections: &[SectionOut<'_>],
) -> String {
    let mut out = String::with_capacity(512 + 1024 * sections.len());
    let SessionLine { id, version, .. } = session;
    let _ = write!(
        out,
        "v=0\r\no=tureen {id} {version} IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n"
    );
    let in_use = || {
        let in_use = |section: &&SectionOut<'_>| !matches!(section.content, Content::Rejected(_));
        sections.iter().filter(in_use)
    };
    // "an empty identification-tag list" would be no group (RFC 9143 §7.3).
    if session.is_bundled && in_use().next().is_some() {
        out.push_str("a=group:BUNDLE");
        for section in in_use() {
            let _ = write!(out, " {}", section.mid);
        }
        out.push_str("\r\n");
    }
    out.push_str("a=extmap-allow-mixed\r\na=msid-semantic: WMS *\r\n");
    for SectionOut { mid, content } in sections {
        match content {
            Content::Rejected(line) => {
                rejected(line, &mut out);
                // Nothing flows there, but aiortc refuses an answer with a section without them.
                self::transport(transport, setup, &mut out);
                self::mid(mid, &mut out);
                out.push_str("a=inactive\r\n");
            }
            Content::Stream {
                kind,
                protocol,
                direction,
                rtp,
                taken_rid,
            } => {
                head(*kind, protocol, rtp, &mut out);
                self::transport(transport, setup, &mut out);
                self::mid(mid, &mut out);
                let _ = write!(out, "a={}\r\n", direction.as_str());
                stream(rtp, *direction, &mut out);
                if let Some(taken) = taken_rid {
                    self::taken_rid(taken, &mut out);
                }
                candidates(&transport.candidates, &mut out);
            }
        }
    }
    out
}

/// Session id and version of the `o=` line; the version grows with every description.
#[derive(Clone, Copy, Debug)]
pub(super) struct SessionLine {
    pub(super) id: u64,
    pub(super) version: u64,
    /// Whether the other side understands `a=group:BUNDLE`.
    pub(super) is_bundled: bool,
}

fn rejected(line: &MediaLine, out: &mut String) {
    let MediaLine {
        media,
        protocol,
        format,
    } = line;
    let _ = write!(
        out,
        "m={media} 0 {protocol} {format}\r\nc=IN IP4 0.0.0.0\r\n"
    );
}

fn mid(mid: &str, out: &mut String) {
    if !mid.is_empty() {
        let _ = write!(out, "a=mid:{mid}\r\n");
    }
}

/// The one stream that we take of several (RFC 8851 §3, RFC 8853 §5.3).
fn taken_rid(taken: &TakenRid, out: &mut String) {
    let TakenRid { rid, is_simulcast } = taken;
    let _ = write!(out, "a=rid:{rid} recv\r\n");
    if *is_simulcast {
        let _ = write!(out, "a=simulcast:recv {rid}\r\n");
    }
}

fn head(kind: MediaKind, protocol: &str, rtp: &RtpParameters, out: &mut String) {
    let _ = write!(out, "m={kind} 9 {protocol}");
    for codec in &rtp.codecs {
        let _ = write!(out, " {}", codec.payload_type);
    }
    out.push_str("\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n");
}

fn transport(transport: &TransportParameters, setup: &str, out: &mut String) {
    let ice = &transport.ice;
    let _ = write!(
        out,
        "a=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=ice-options:renomination\r\n",
        ice.username_fragment, ice.password
    );
    // One is enough, and SHA-256 is what every peer can check.
    let fingerprints = &transport.dtls.fingerprints;
    let chosen = fingerprints
        .iter()
        .find(|fingerprint| fingerprint.algorithm == FingerprintAlgorithm::Sha256)
        .or_else(|| fingerprints.first());
    if let Some(fingerprint) = chosen {
        let _ = write!(
            out,
            "a=fingerprint:{} {}\r\n",
            super::transport::algorithm_name(fingerprint.algorithm),
            fingerprint.value
        );
    }
    let _ = write!(out, "a=setup:{setup}\r\n");
}

fn stream(rtp: &RtpParameters, direction: Direction, out: &mut String) {
    if direction.sends() {
        let _ = write!(out, "a=msid:{}\r\n", rtp.msid.as_deref().unwrap_or("-"));
    }
    out.push_str("a=rtcp-mux\r\na=rtcp-mux-only\r\na=rtcp-rsize\r\n");
    for codec in &rtp.codecs {
        super::codec::write(codec, out);
    }
    for extension in &rtp.header_extensions {
        let _ = write!(out, "a=extmap:{} {}\r\n", extension.id, extension.uri);
    }
    if !direction.sends() {
        return;
    }
    let cname = rtp.rtcp.cname.as_deref().unwrap_or("tureen");
    for encoding in &rtp.encodings {
        let Some(ssrc) = encoding.ssrc else { continue };
        let rtx = encoding.rtx.map(|rtx| rtx.ssrc);
        if let Some(rtx) = rtx {
            let _ = write!(out, "a=ssrc-group:FID {ssrc} {rtx}\r\n");
        }
        for ssrc in [Some(ssrc), rtx].into_iter().flatten() {
            source(ssrc, cname, out);
        }
    }
}

fn source(ssrc: Ssrc, cname: &str, out: &mut String) {
    let _ = write!(out, "a=ssrc:{ssrc} cname:{cname}\r\n");
}

pub(super) fn candidates(candidates: &[IceCandidate], out: &mut String) {
    for candidate in candidates {
        let (protocol, tcp_type) = match candidate.protocol {
            Protocol::Udp => ("udp", ""),
            Protocol::Tcp => ("tcp", " tcptype passive"),
        };
        let IceCandidate {
            foundation,
            priority,
            address,
            port,
            ..
        } = candidate;
        let _ = write!(
            out,
            "a=candidate:{foundation} 1 {protocol} {priority} {address} {port} typ host{tcp_type}\r\n"
        );
    }
    out.push_str("a=end-of-candidates\r\n");
}
