//! The streams that a media section names: by `a=ssrc`, or by `a=rid`.

use tureen_controller::rtp::{RtpEncodingParameters, RtxParameters, Ssrc};

use super::text::Attributes;

/// What a section says of the streams that its sender sends in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams {
    /// Those of `a=ssrc`, with their retransmission streams.
    encodings: Vec<RtpEncodingParameters>,
    pub(super) cname: Option<String>,
    /// Those of `a=rid`, the wanted one first.
    rids: Vec<String>,
    /// Whether there is an `a=simulcast`.
    is_simulcast: bool,
}

/// The one of a section's streams that is taken, where they have RIDs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TakenRid {
    pub(super) rid: String,
    /// Whether it is to be said in an `a=simulcast`.
    pub(super) is_simulcast: bool,
}

impl Streams {
    /// Reads RFC 5576, RFC 8851 and RFC 8853; lines that cannot be read are passed over, for a
    /// stream is also known by its MID.
    pub(super) fn parse(attributes: &Attributes<'_>) -> Self {
        let (encodings, cname) = sources(attributes);
        Self {
            encodings,
            cname,
            rids: rids(attributes),
            is_simulcast: simulcast_send(attributes).is_some(),
        }
    }

    /// The one stream that we receive if the section offers several encodings of one source. If only
    /// the MID identifies it, it has neither SSRC nor RID.
    pub(super) fn taken(&self) -> RtpEncodingParameters {
        if let Some(rid) = self.rids.first() {
            // SDP does not say which SSRC belongs to which RID.
            return RtpEncodingParameters {
                rid: Some(rid.clone()),
                ..RtpEncodingParameters::default()
            };
        }
        self.encodings.first().cloned().unwrap_or_default()
    }

    /// What the answer has to say of it. Without that Chromium would send the first of its
    /// streams alone, which mostly is the smallest.
    pub(super) fn taken_rid(&self) -> Option<TakenRid> {
        let rid = self.rids.first()?.clone();
        Some(TakenRid {
            rid,
            is_simulcast: self.is_simulcast,
        })
    }
}

#[cfg(test)]
impl Streams {
    /// How many streams it holds, and how many bytes of names.
    pub(super) fn size(&self) -> (usize, usize) {
        let names = self.rids.iter().chain(&self.cname).map(String::len);
        (self.encodings.len() + self.rids.len(), names.sum())
    }
}

/// The streams of `a=ssrc` (RFC 5576 §4.1): those that `a=ssrc-group:FID` pairs with a
/// retransmission stream, and the others. The CNAME is the same for all of a section.
fn sources(attributes: &Attributes<'_>) -> (Vec<RtpEncodingParameters>, Option<String>) {
    let mut ssrcs: Vec<Ssrc> = Vec::new();
    let mut cname = None;
    for value in attributes.all("ssrc") {
        let (ssrc, attribute) = value.split_once(' ').unwrap_or((value, ""));
        let Ok(ssrc) = ssrc.parse().map(Ssrc) else {
            continue;
        };
        if !ssrcs.contains(&ssrc) && ssrcs.len() < MAX_STREAMS {
            ssrcs.push(ssrc);
        }
        // RTCP has one byte for its length (RFC 3550 §6.5), and a worker refuses a longer one.
        let name = attribute.strip_prefix("cname:");
        if let Some(name) = name.filter(|name| (1..=MAX_CNAME).contains(&name.len())) {
            cname.get_or_insert_with(|| name.to_owned());
        }
    }
    let pairs = attributes.all("ssrc-group").filter_map(pair);
    let pairs: Vec<(Ssrc, Ssrc)> = pairs.take(MAX_STREAMS).collect();
    let encodings = ssrcs
        .iter()
        .filter(|ssrc| !pairs.iter().any(|(_, rtx)| rtx == *ssrc))
        .map(|&ssrc| RtpEncodingParameters {
            ssrc: Some(ssrc),
            rtx: pairs
                .iter()
                .find(|(media, _)| *media == ssrc)
                .map(|&(_, rtx)| RtxParameters { ssrc: rtx }),
            ..RtpEncodingParameters::default()
        })
        .collect();
    (encodings, cname)
}

/// `FID <media> <retransmissions>`
fn pair(group: &str) -> Option<(Ssrc, Ssrc)> {
    let mut ssrcs = group.strip_prefix("FID ")?.split_ascii_whitespace();
    let mut next = || ssrcs.next()?.parse().ok().map(Ssrc);
    Some((next()?, next()?))
}

/// The RIDs that are sent, the wanted one first.
fn rids(attributes: &Attributes<'_>) -> Vec<String> {
    let mut sent: Vec<Rid<'_>> = attributes
        .all("rid")
        .filter_map(Rid::parse)
        .take(MAX_STREAMS)
        .collect();
    if let Some(listed) = simulcast_send(attributes) {
        let place = |rid: &Rid<'_>| listed.iter().position(|name| *name == rid.name);
        sent.retain(|rid| place(rid).is_some());
        sent.sort_by_key(|rid| place(rid));
    }
    if let Some(best) = best(&sent) {
        let best = sent.remove(best);
        sent.insert(0, best);
    }
    sent.into_iter().map(|rid| rid.name.to_owned()).collect()
}

/// The streams of `a=simulcast:send …` in their order: alternatives by their first, and without
/// the mark of those that begin paused (RFC 8853 §5.1).
fn simulcast_send<'a>(attributes: &Attributes<'a>) -> Option<Vec<&'a str>> {
    let mut words = attributes.get("simulcast")?.split_ascii_whitespace();
    while let (Some(direction), Some(list)) = (words.next(), words.next()) {
        if direction == "send" {
            let streams = list.split(';').map(|stream| {
                let first = stream.split(',').next().unwrap_or(stream);
                first.strip_prefix('~').unwrap_or(first)
            });
            return Some(streams.take(MAX_STREAMS).collect());
        }
    }
    None
}

/// `a=rid:<name> send [<restrictions>]`
#[derive(Clone, Copy, Debug)]
struct Rid<'a> {
    name: &'a str,
    /// Width times height, or the bit rate: how large it may be (RFC 8851 §5).
    size: Option<u64>,
}

impl<'a> Rid<'a> {
    fn parse(value: &'a str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let name = words.next()?;
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if name.len() > MAX_RID || !name.bytes().all(is_id) || words.next()? != "send" {
            return None;
        }
        let restriction = |wanted: &str| {
            let mut pairs = value.split([' ', ';']);
            pairs.find_map(|pair| pair.strip_prefix(wanted)?.parse::<u64>().ok())
        };
        let pixels = restriction("max-width=")
            .zip(restriction("max-height="))
            .map(|(width, height)| width.saturating_mul(height));
        Some(Self {
            name,
            size: pixels
                .or_else(|| restriction("max-fs="))
                .or_else(|| restriction("max-br=")),
        })
    }
}

/// The index of the largest stream: first by the size restrictions (none means full size), then by
/// well-known names, then the first, because the order "suggests a proposed order of preference"
/// (RFC 8853 §5.2).
fn best(rids: &[Rid<'_>]) -> Option<usize> {
    let size = |index: &usize| rids[*index].size.unwrap_or(u64::MAX);
    let most = (0..rids.len()).map(|index| size(&index)).max()?;
    let largest = || (0..rids.len()).filter(|index| size(index) == most);
    let by_name = || {
        let ladder = LADDERS
            .iter()
            .find(|ladder| largest().all(|index| ladder.contains(&rids[index].name)))?;
        let height = |index: &usize| ladder.iter().position(|step| *step == rids[*index].name);
        largest().max_by_key(height)
    };
    by_name().or_else(|| largest().next())
}

/// Names of simulcast streams from the smallest to the largest: of LiveKit, Janus, mediasoup and
/// Licode clients, all of which list the smallest first. OBS counts from 0 for the largest, which
/// it lists first.
const LADDERS: [&[&str]; 6] = [
    &["q", "h", "f"],
    &["l", "m", "h"],
    &["lo", "mid", "hi"],
    &["low", "mid", "medium", "high"],
    &["r0", "r1", "r2", "r3"],
    &["1", "2", "3"],
];
const MAX_STREAMS: usize = 16;
const MAX_CNAME: usize = 255;
/// As many bytes as the worker reads from packets.
const MAX_RID: usize = 16;

#[cfg(test)]
mod tests {
    use super::super::text::Text;
    use super::*;

    fn taken(lines: &[&str]) -> Streams {
        let text = format!("v=0\r\nm=video 9 P 0\r\n{}", lines.concat());
        Streams::parse(&Text::parse(&text).unwrap().media[0].attributes)
    }

    fn rid(lines: &[&str]) -> Option<String> {
        taken(lines).taken().rid
    }

    #[test]
    fn the_largest_stream_is_taken() {
        let livekit = "a=rid:q send\na=rid:h send\na=rid:f send\na=simulcast:send q;h;f\n";
        let janus = "a=rid:h send\na=rid:m send\na=rid:l send\na=simulcast:send h;m;l\n";
        let obs = "a=rid:0 send\na=rid:1 send\na=rid:2 send\na=simulcast:send 0;1;2\n";
        let licode = "a=rid:1 send\na=rid:2 send\na=simulcast:send 1;2\n";
        for (text, expected) in [(livekit, "f"), (janus, "h"), (obs, "0"), (licode, "2")] {
            assert_eq!(rid(&[text]).as_deref(), Some(expected));
            let said = taken(&[text]).taken_rid().unwrap();
            assert!(said.is_simulcast && said.rid == expected);
        }
        let restricted = "a=rid:a send max-width=320;max-height=180\n\
            a=rid:b send pt=96;max-width=1280;max-height=720\na=simulcast:send a;b\n";
        assert_eq!(rid(&[restricted]).as_deref(), Some("b"));
        // A stream without restrictions has the full size.
        let full = "a=rid:a send\na=rid:b send max-width=640;max-height=360\n\
            a=rid:c send max-width=320;max-height=180\na=simulcast:send c;b;a\n";
        assert_eq!(rid(&[full]).as_deref(), Some("a"));
        let two_full = "a=rid:q send max-br=100\na=rid:h send\na=rid:f send\n\
            a=simulcast:send q;h;f\n";
        assert_eq!(rid(&[two_full]).as_deref(), Some("f"));
    }

    #[test]
    fn simulcast_is_read_in_all_its_forms() {
        let rids = "a=rid:a send\na=rid:b send\na=rid:c recv\n";
        assert_eq!(rid(&[rids, "a=simulcast:send ~b,x;a\n"]).unwrap(), "b");
        assert_eq!(rid(&[rids, "a=simulcast:recv c send a;b\n"]).unwrap(), "a");
        let one = taken(&["a=rid:a send\n"]);
        assert_eq!(one.taken().rid.as_deref(), Some("a"));
        assert!(!one.taken_rid().unwrap().is_simulcast);
        // Streams that no `a=rid` describes are no streams.
        assert_eq!(rid(&["a=simulcast:send x;y\n"]), None);
    }

    #[test]
    fn sources_that_cannot_be_read_are_passed_over() {
        let streams = taken(&[
            "a=ssrc-group:FID 7\na=ssrc-group:FID 5 6\na=ssrc-group:SIM 5 8\n",
            "a=ssrc:x cname:no\na=ssrc:5 cname:yes\na=ssrc:6 cname:yes\na=ssrc:8\n",
        ]);
        let taken = streams.taken();
        assert_eq!(taken.ssrc, Some(Ssrc(5)));
        assert_eq!(taken.rtx.unwrap().ssrc, Ssrc(6));
        assert_eq!(streams.cname.as_deref(), Some("yes"));
        assert!(streams.taken_rid().is_none());
    }

    #[test]
    fn a_cname_that_no_rtcp_can_carry_is_none() {
        let long = format!("a=ssrc:5 cname:{}\n", "x".repeat(256));
        assert_eq!(taken(&[&long]).cname, None);
        assert_eq!(taken(&[&long.replace("xx", "y")]).cname.unwrap().len(), 128);
        assert_eq!(taken(&["a=ssrc:5 cname:\n"]).cname, None);
    }
}
