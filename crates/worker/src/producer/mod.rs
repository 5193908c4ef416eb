//! A producer: one source of one peer. It receives, repairs and keeps packets for the consumers
//! that forward them.

mod codecs;
mod keep;
mod stats;
mod stream;

pub(crate) use stream::{Arrival, Feedback, KeyFrameRequest, ProducerStream};

use crate::error::RequestError;
use crate::ids::{ConsumerKey, Mid, PayloadType, Rid, Ssrc, TransportKey};
use crate::messages::Produce;
use crate::params::{MediaKind, RtpCodecParameters, RtpMapping, RtpParameters, RtpType};
use crate::streams::{SentRecord, StoredPacket};
use crate::time::{Instant, NtpTime};
use crate::wire::ext::{PacketId, VideoOrientation};
use crate::wire::extension_ids::PassThrough;
use crate::wire::rtp::RtpPacket;

use codecs::ReceiveCodecs;

/// A producer of a transport. It takes packets and returns what happened to them. The graph knows
/// whom that concerns.
pub(crate) struct Producer {
    pub(crate) id: String,
    pub(crate) transport: TransportKey,
    kind: MediaKind,
    parameters: RtpParameters,
    mapping: RtpMapping,
    codecs: ReceiveCodecs,
    pass_through: PassThrough,
    key_frame_request_delay: std::time::Duration,
    paused: bool,
    /// In the order in which they appeared.
    streams: Vec<ProducerStream>,
    orientation: Option<VideoOrientation>,
    /// The number of the next packet, if packets are numbered for peers behind pipes.
    next_packet_id: Option<PacketId>,
    /// In the order of creation; removal swaps the last into the hole.
    pub(crate) consumers: Vec<ConsumerKey>,
    /// What came since the last fan-out, in order.
    pub(crate) arrivals: Vec<Arrival>,
    /// A scratch buffer for the extensions of the current packet, on their way into the store.
    scratch: Vec<u8>,
    /// When a stream last went on under another SSRC.
    source_changed: Option<Instant>,
    /// Whether its transport knows that something has happened to it.
    pub(crate) is_noted: bool,
}

/// What a packet says of itself besides its header.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PacketNames {
    pub(crate) mid: Option<Mid>,
    pub(crate) rid: Option<Rid>,
    pub(crate) repaired_rid: Option<Rid>,
}

/// What became of a packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// It belongs to the RTX stream.
    pub(crate) is_rtx: bool,
    /// It waits for fan-out, and nothing of the producer waited before.
    pub(crate) is_first_to_forward: bool,
    /// A stream began with it: its score is to be told.
    pub(crate) score_changed: bool,
    /// The camera turned.
    pub(crate) orientation: Option<VideoOrientation>,
    /// The packet's SSRC takes the place of these, of the media or of its retransmissions.
    pub(crate) replaced: [Option<Ssrc>; 2],
}

/// Why a producer does not take a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// It fits none of the producer's encodings.
    NoEncoding,
    /// Its payload type is not one of the producer's.
    PayloadType,
    /// It is a duplicate, or too far from the stream.
    Discarded,
    /// A retransmission without original sequence number.
    Malformed,
}

impl Producer {
    /// # Errors
    ///
    /// `TypeError` for parameters that contradict each other or the mapping; `Error` for streams
    /// that this worker does not carry.
    pub(crate) fn new(transport: TransportKey, produce: &Produce) -> Result<Self, RequestError> {
        let mut parameters = produce.rtp_parameters.clone();
        let codecs = ReceiveCodecs::new(produce.kind, &mut parameters, &produce.rtp_mapping)?;
        Ok(Self {
            id: produce.producer_id.clone(),
            transport,
            kind: produce.kind,
            codecs,
            pass_through: PassThrough::new(&parameters.header_extensions),
            parameters,
            mapping: produce.rtp_mapping.clone(),
            key_frame_request_delay: std::time::Duration::from_millis(u64::from(
                produce.key_frame_request_delay,
            )),
            paused: produce.paused,
            streams: Vec::new(),
            orientation: None,
            next_packet_id: produce.enable_packet_id.then_some(PacketId(0)),
            consumers: Vec::new(),
            arrivals: Vec::new(),
            scratch: Vec::new(),
            source_changed: None,
            is_noted: false,
        })
    }

    pub(crate) fn kind(&self) -> MediaKind {
        self.kind
    }

    pub(crate) fn rtp_type(&self) -> RtpType {
        RtpType::Simple
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused
    }

    pub(crate) fn streams(&self) -> &[ProducerStream] {
        &self.streams
    }

    pub(crate) fn streams_mut(&mut self) -> &mut [ProducerStream] {
        &mut self.streams
    }

    /// The streams, to be looked after, and who forwards them.
    pub(crate) fn streams_and_consumers(&mut self) -> (&mut [ProducerStream], &[ConsumerKey]) {
        (&mut self.streams, &self.consumers)
    }

    /// Stops forwarding; packets are still accounted for.
    pub(crate) fn pause(&mut self) {
        self.paused = true;
        self.arrivals.clear();
        for stream in &mut self.streams {
            stream.pause();
        }
    }

    /// Forwards again.
    pub(crate) fn resume(&mut self, now: Instant) {
        self.paused = false;
        for stream in &mut self.streams {
            stream.receive.resume(now);
        }
    }

    /// Takes an authenticated packet of this producer. `at` is when the kernel received it.
    pub(crate) fn handle_rtp(
        &mut self,
        now: Instant,
        at: Instant,
        packet: &RtpPacket<'_>,
        names: PacketNames,
    ) -> Result<Taken, NotTaken> {
        let known = self
            .find_stream(packet.ssrc())
            .map(|index| (index, [None; 2]));
        let known = known.or_else(|| self.learn_rtx(now, packet, names));
        let (index, replaced, is_new) = match known {
            Some((index, replaced)) => (index, replaced, false),
            None => match self.start_stream(packet, names) {
                Err(NotTaken::NoEncoding) => {
                    let (index, replaced) = self.change_source(now, packet, names)?;
                    (index, replaced, false)
                }
                started => (started?, [None; 2], true),
            },
        };
        let is_rtx = self.streams[index].is_rtx(packet.ssrc());
        let arrival = if is_rtx {
            self.take_rtx(now, at, index, packet)?
        } else {
            self.take_media(now, at, index, packet, is_new)?
        };
        let mut orientation = None;
        if let Some(arrival) = arrival {
            self.arrivals.push(arrival);
            // A late or repaired packet shows how the camera was held earlier.
            if self.streams[index].store.highest() == Some(arrival.seq) {
                orientation = self.changed_orientation(packet);
            }
        }
        Ok(Taken {
            is_rtx,
            is_first_to_forward: arrival.is_some() && self.arrivals.len() == 1,
            score_changed: is_new || arrival.is_some_and(|arrival| arrival.reactivated),
            orientation,
            replaced,
        })
    }

    /// Takes a sender report of one of the producer's SSRCs.
    pub(crate) fn handle_sender_report(
        &mut self,
        now: Instant,
        local: NtpTime,
        ssrc: Ssrc,
        ntp: NtpTime,
        timestamp: u32,
    ) {
        for stream in &mut self.streams {
            if stream.is_rtx(ssrc) {
                stream.receive.handle_rtx_sender_report(now, ntp);
            } else if stream.receive.params().ssrc == ssrc {
                stream
                    .receive
                    .handle_sender_report(now, local, ntp, timestamp);
            }
        }
    }

    /// A consumer needs a key frame of the encoding with this mapped SSRC. Audio has none.
    pub(crate) fn need_key_frame(&mut self, now: Instant, mapped_ssrc: Ssrc) {
        if self.paused || self.kind == MediaKind::Audio {
            return;
        }
        for stream in &mut self.streams {
            if stream.mapped_ssrc == mapped_ssrc {
                stream.need_key_frame(now);
            }
        }
    }

    /// A subscriber has lost the picture of the encoding with this mapped SSRC.
    pub(crate) fn picture_lost(&mut self, now: Instant, mapped_ssrc: Ssrc) {
        if self.paused || self.kind == MediaKind::Audio {
            return;
        }
        for stream in &mut self.streams {
            if stream.mapped_ssrc == mapped_ssrc {
                stream.picture_lost(now);
            }
        }
    }

    /// The stream that consumers know as `mapped_ssrc`.
    pub(crate) fn stream_of(&self, mapped_ssrc: Ssrc) -> Option<&ProducerStream> {
        self.streams
            .iter()
            .find(|stream| stream.mapped_ssrc == mapped_ssrc)
    }

    /// The packet of a consumer's record, if it is still kept.
    pub(crate) fn stored(&self, record: &SentRecord) -> Option<StoredPacket<'_>> {
        let store = &self.streams.get(usize::from(record.stream))?.store;
        store.get(record.source_seq(store.highest()?))
    }

    /// When one of the streams wants to be looked at.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.streams
            .iter()
            .filter_map(ProducerStream::deadline)
            .min()
    }

    fn find_stream(&self, ssrc: Ssrc) -> Option<usize> {
        self.streams
            .iter()
            .position(|stream| stream.receive.params().ssrc == ssrc || stream.is_rtx(ssrc))
    }

    /// The stream that a packet with a new SSRC retransmits, if it does so, and the SSRC whose place
    /// it takes. Its payload type must say so, and the RID must name the stream, unless there is
    /// only one encoding (RFC 8852 §3.2). What is left of a replaced source's retransmissions is
    /// refused: its numbers would fill gaps of the new source with old packets.
    fn learn_rtx(
        &mut self,
        now: Instant,
        packet: &RtpPacket<'_>,
        names: PacketNames,
    ) -> Option<(usize, [Option<Ssrc>; 2])> {
        let payload_type = packet.payload_type();
        let may_replace =
            !self.is_change_too_soon(now) && (names.mid.is_some() || names.repaired_rid.is_some());
        let index = self.streams.iter().position(|stream| {
            let encoding = &self.parameters.encodings[stream.encoding];
            let is_named = match &encoding.rid {
                Some(rid) => {
                    names.repaired_rid.is_some() && names.repaired_rid == Rid::new(rid.as_bytes())
                }
                None => self.parameters.encodings.len() == 1,
            };
            is_named
                && stream.codec.rtx_payload_type == Some(payload_type)
                && stream.replaced_rtx != Some(packet.ssrc())
                && (stream.receive.params().rtx.is_none() || may_replace)
        })?;
        let stream = &mut self.streams[index];
        let old = stream.receive.params().rtx.map(|(ssrc, _)| ssrc);
        stream.receive.learn_rtx(packet.ssrc(), payload_type);
        if old.is_some() {
            stream.replaced_rtx = old;
            self.source_changed = Some(now);
        }
        Some((index, [None, old]))
    }

    fn is_change_too_soon(&self, now: Instant) -> bool {
        self.source_changed
            .is_some_and(|last| now.since(last) < SOURCE_CHANGE_INTERVAL)
    }

    /// Lets a stream go on under a new SSRC: its encoder started anew, or its old SSRC was another's
    /// too. RFC 9143 §9.2: when a packet carries a MID, its SSRC is mapped to that section, whatever
    /// it was mapped to before. What is replaced is returned. Once a second at most, so that a peer
    /// with two sources does not take turns with every packet.
    fn change_source(
        &mut self,
        now: Instant,
        packet: &RtpPacket<'_>,
        names: PacketNames,
    ) -> Result<(usize, [Option<Ssrc>; 2]), NotTaken> {
        let is_media = self.codecs.media(packet.payload_type()).is_some();
        if names.mid.is_none()
            || packet.payload().is_empty()
            || !is_media
            || self.is_change_too_soon(now)
        {
            return Err(NotTaken::NoEncoding);
        }
        let encodings = &self.parameters.encodings;
        let is_named = |stream: &ProducerStream| match &encodings[stream.encoding].rid {
            Some(rid) => names.rid.is_some() && names.rid == Rid::new(rid.as_bytes()),
            None => encodings.len() == 1,
        };
        let index = self.streams.iter().position(is_named);
        let index = index.ok_or(NotTaken::NoEncoding)?;
        self.source_changed = Some(now);
        let stream = &mut self.streams[index];
        let old = stream.receive.params();
        let replaced = [Some(old.ssrc), old.rtx.map(|(ssrc, _)| ssrc)];
        stream.replaced_rtx = replaced[1].or(stream.replaced_rtx);
        stream.receive.change_source(packet.ssrc());
        tracing::debug!(target: "tureen::rtp", producer = %self.id, ssrc = %packet.ssrc(), "stream goes on under another SSRC");
        Ok((index, replaced))
    }

    /// Starts the stream of the encoding that a packet with a new SSRC belongs to.
    fn start_stream(
        &mut self,
        packet: &RtpPacket<'_>,
        names: PacketNames,
    ) -> Result<usize, NotTaken> {
        let ssrc = packet.ssrc();
        let encoding = self.parameters.encodings.iter().position(|encoding| {
            let rid = encoding
                .rid
                .as_ref()
                .and_then(|rid| Rid::new(rid.as_bytes()));
            match (encoding.ssrc, rid) {
                (Some(expected), _) => expected == ssrc,
                (None, Some(rid)) => names.rid == Some(rid),
                // If there is only one encoding and it has no names, it takes every packet that the
                // MID led here.
                (None, None) => self.parameters.encodings.len() == 1,
            }
        });
        let encoding = encoding.ok_or(NotTaken::NoEncoding)?;
        if self
            .streams
            .iter()
            .any(|stream| stream.encoding == encoding)
        {
            return Err(NotTaken::NoEncoding);
        }
        let codec = self.codecs.media(packet.payload_type());
        let codec = codec.ok_or(NotTaken::PayloadType)?;
        // A stream may begin with packets that replace its codec's, such as comfort noise; they
        // have the codec's clock.
        let main = self.parameters.encodings[encoding].codec_payload_type;
        let main = main.and_then(|payload_type| self.codecs.media(PayloadType(payload_type)));
        let codec = main
            .filter(|_| codec.codec.is_complementary())
            .unwrap_or(codec);
        tracing::debug!(target: "tureen::rtp", producer = %self.id, %ssrc, encoding, "stream begins");
        self.streams.push(ProducerStream::new(
            encoding,
            ssrc,
            &self.parameters,
            &self.mapping,
            codec,
            self.key_frame_request_delay,
        ));
        Ok(self.streams.len() - 1)
    }

    fn changed_orientation(&mut self, packet: &RtpPacket<'_>) -> Option<VideoOrientation> {
        let id = self.pass_through.video_orientation()?;
        let orientation = VideoOrientation::parse(packet.extension(id)?)?;
        let changed = self.orientation.replace(orientation) != Some(orientation);
        changed.then_some(orientation)
    }

    /// The media codecs, under the payload types that they have for consumers.
    pub(crate) fn media_codecs(&self) -> impl Iterator<Item = (PayloadType, &RtpCodecParameters)> {
        self.codecs.all().iter().map(|codec| {
            let parameters = &self.parameters.codecs[codec.index];
            (codec.mapped_payload_type, parameters)
        })
    }

    fn mapped_payload_type(&self, payload_type: PayloadType) -> Option<PayloadType> {
        self.codecs
            .media(payload_type)
            .map(|codec| codec.mapped_payload_type)
    }
}

/// How often a stream may go on under another SSRC.
const SOURCE_CHANGE_INTERVAL: std::time::Duration = std::time::Duration::from_secs(1);
