//! A router in a worker process, one client that publishes the demo and others that watch it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use serde_json::{Value, json};
use tureen_controller::rtp::{MediaKind, MimeType, RtpCodecCapability};
use tureen_controller::{
    Consumer, ConsumerOptions, ListenInfo, Producer, ProducerOptions, Router, WebRtcServer,
    WebRtcTransport, WebRtcTransportOptions, Worker,
};
use tureen_peer::SrtpProfile;
use tureen_peer::demo::{
    DemoConfig, DemoMedia, DemoPublisher, DemoSource, ExtensionIds, RtxStream, StreamConfig,
};
use tureen_peer::rtp::{PayloadType, Ssrc};

use crate::endpoint::{Endpoint, TRANSPORT_CC};
use crate::program::worker_settings;

/// A worker with one WebRtcServer and one router of VP8 and Opus.
pub(crate) struct Call {
    pub(crate) worker: Worker,
    pub(crate) server: WebRtcServer,
    pub(crate) router: Router,
}

impl Call {
    pub(crate) async fn start() -> Self {
        let worker = Worker::spawn(worker_settings()).await.unwrap();
        let listen = vec![ListenInfo::udp(LOOPBACK)];
        let server = worker.create_web_rtc_server(listen).await.unwrap();
        Self::on(worker, server).await
    }

    pub(crate) async fn on(worker: Worker, server: WebRtcServer) -> Self {
        let codecs = [
            RtpCodecCapability::video(MimeType::of(MediaKind::Video, "VP8"), 90_000),
            RtpCodecCapability::audio(MimeType::of(MediaKind::Audio, "opus"), 48_000, 2),
        ];
        let router = worker.create_router(&codecs).await.unwrap();
        Self {
            worker,
            server,
            router,
        }
    }

    /// The address that the WebRtcServer listens on.
    pub(crate) async fn address(&self) -> SocketAddr {
        let dump = self.server.dump().await.unwrap();
        let socket = &dump.udp_sockets[0];
        SocketAddr::new(socket.ip.parse().unwrap(), socket.port)
    }

    pub(crate) async fn transport(&self) -> WebRtcTransport {
        let options = WebRtcTransportOptions::with_server(self.server.clone());
        self.router.create_web_rtc_transport(options).await.unwrap()
    }

    /// A client that publishes the demo.
    pub(crate) async fn publisher(&self) -> Publisher {
        let endpoint = Endpoint::connect(self.transport().await, &SrtpProfile::ALL).await;
        Publisher::start(endpoint, &Publishing::default()).await
    }

    /// A client that receives what `publisher` sends.
    pub(crate) async fn subscriber(&self, publisher: &Publisher) -> Subscriber {
        let endpoint = Endpoint::connect(self.transport().await, &SrtpProfile::ALL).await;
        Subscriber::start(endpoint, publisher).await
    }

    /// Ends the worker's process in order.
    pub(crate) async fn end(self) {
        let gone = self.worker.close().await;
        assert!(gone.was_closed() && gone.stderr().is_empty(), "{gone:?}");
    }
}

/// How a client publishes.
pub(crate) struct Publishing {
    pub(crate) congestion_control: CongestionControl,
}

impl Default for Publishing {
    fn default() -> Self {
        Self {
            congestion_control: CongestionControl::TransportWide,
        }
    }
}

/// What a publisher wants to be told of its path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CongestionControl {
    /// The arrival of each packet.
    TransportWide,
    /// An estimate of the bitrate.
    Remb,
}

/// A client that sends the demo, and what the router has of it.
pub(crate) struct Publisher {
    pub(crate) endpoint: Endpoint,
    pub(crate) video: Producer,
    pub(crate) audio: Producer,
    pub(crate) demo: Arc<DemoPublisher>,
}

impl Publisher {
    pub(crate) async fn start(endpoint: Endpoint, how: &Publishing) -> Self {
        let transport = &endpoint.transport;
        let parameters = serde_json::from_value(video_parameters(how)).unwrap();
        let options = ProducerOptions::new(MediaKind::Video, parameters);
        let video = transport.produce(options).await.unwrap();
        let parameters = serde_json::from_value(audio_parameters(how)).unwrap();
        let options = ProducerOptions::new(MediaKind::Audio, parameters);
        let audio = transport.produce(options).await.unwrap();

        let source = DemoSource::new(Arc::new(media()), demo_config(how));
        let demo = Arc::new(DemoPublisher::start(source, endpoint.sender.clone()));
        endpoint.play(Arc::clone(&demo)).await;
        Self {
            endpoint,
            video,
            audio,
            demo,
        }
    }
}

/// A client that receives picture and tone.
pub(crate) struct Subscriber {
    pub(crate) endpoint: Endpoint,
    pub(crate) video: Consumer,
    pub(crate) audio: Consumer,
    pub(crate) video_ssrc: Ssrc,
    pub(crate) audio_ssrc: Ssrc,
}

impl Subscriber {
    pub(crate) async fn start(endpoint: Endpoint, publisher: &Publisher) -> Self {
        let video = consume(&endpoint.transport, &publisher.video).await;
        let audio = consume(&endpoint.transport, &publisher.audio).await;
        endpoint.receive(&[&video, &audio]).await;
        // The client was not ready for the first packets, so for it these are lost.
        video.resume().await.unwrap();
        audio.resume().await.unwrap();
        Self {
            video_ssrc: ssrc(&video),
            audio_ssrc: ssrc(&audio),
            endpoint,
            video,
            audio,
        }
    }

    /// Waits for so many whole frames since the client is there.
    pub(crate) async fn until_frames(&self, count: usize) {
        self.endpoint
            .until(&format!("{count} frames"), |inbox| {
                inbox.frames.len() >= count
            })
            .await;
    }

    /// Waits for so many more frames and as many more packets of audio.
    pub(crate) async fn until_more(&self, count: usize) {
        let audio = |inbox: &crate::endpoint::Inbox| inbox.packets(self.audio_ssrc).count();
        let (frames, packets) = {
            let inbox = self.endpoint.inbox();
            (inbox.frames.len() + count, audio(&inbox) + count)
        };
        self.endpoint
            .until(&format!("{count} more frames"), |inbox| {
                inbox.frames.len() >= frames && audio(inbox) >= packets
            })
            .await;
    }
}

/// The demo's picture and tone.
pub(crate) fn media() -> DemoMedia {
    DemoMedia::embedded().unwrap()
}

async fn consume(transport: &WebRtcTransport, producer: &Producer) -> Consumer {
    let capabilities = transport.router().rtp_capabilities().clone();
    let mut options = ConsumerOptions::new(producer.id().clone(), capabilities);
    options.paused = true;
    transport.consume(options).await.unwrap()
}

fn ssrc(consumer: &Consumer) -> Ssrc {
    Ssrc(consumer.rtp_parameters().encodings[0].ssrc.unwrap().0)
}

fn demo_config(how: &Publishing) -> DemoConfig {
    let stream = |ssrc, payload_type, mid: &str| StreamConfig {
        ssrc,
        payload_type: PayloadType(payload_type),
        mid: mid.to_owned(),
        rtx: None,
    };
    let video = StreamConfig {
        rtx: Some(RtxStream {
            ssrc: VIDEO_RTX,
            payload_type: PayloadType(97),
        }),
        ..stream(VIDEO, 96, "0")
    };
    let is_transport_wide = how.congestion_control == CongestionControl::TransportWide;
    DemoConfig {
        video: Some(video),
        audio: Some(stream(AUDIO, 111, "1")),
        extensions: ExtensionIds {
            mid: Some(1),
            abs_send_time: (!is_transport_wide).then_some(2),
            transport_cc: is_transport_wide.then_some(3),
            audio_level: None,
        },
        cname: "demo".to_owned(),
        max_payload: 1100,
        start_ntp: DemoPublisher::ntp_now(),
    }
}

fn video_parameters(how: &Publishing) -> Value {
    let mut feedback = vec![
        json!({ "type": "nack" }),
        json!({ "type": "nack", "parameter": "pli" }),
        json!({ "type": "ccm", "parameter": "fir" }),
    ];
    feedback.push(congestion_feedback(how));
    json!({
        "mid": "0",
        "codecs": [
            { "mimeType": "video/VP8", "payloadType": 96, "clockRate": 90000, "rtcpFeedback": feedback },
            { "mimeType": "video/rtx", "payloadType": 97, "clockRate": 90000,
              "parameters": { "apt": 96 } },
        ],
        "headerExtensions": header_extensions(how),
        "encodings": [{ "ssrc": VIDEO.0, "rtx": { "ssrc": VIDEO_RTX.0 } }],
        "rtcp": { "cname": "demo" },
    })
}

fn audio_parameters(how: &Publishing) -> Value {
    json!({
        "mid": "1",
        "codecs": [{
            "mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2,
            "rtcpFeedback": [congestion_feedback(how)],
        }],
        "headerExtensions": header_extensions(how),
        "encodings": [{ "ssrc": AUDIO.0 }],
        "rtcp": { "cname": "demo" },
    })
}

fn congestion_feedback(how: &Publishing) -> Value {
    match how.congestion_control {
        CongestionControl::TransportWide => json!({ "type": "transport-cc" }),
        CongestionControl::Remb => json!({ "type": "goog-remb" }),
    }
}

fn header_extensions(how: &Publishing) -> Value {
    let congestion = match how.congestion_control {
        CongestionControl::TransportWide => json!({ "uri": TRANSPORT_CC, "id": 3 }),
        CongestionControl::Remb => json!({ "uri": ABS_SEND_TIME, "id": 2 }),
    };
    json!([{ "uri": "urn:ietf:params:rtp-hdrext:sdes:mid", "id": 1 }, congestion])
}

pub(crate) const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// SSRCs of the publisher's streams.
pub(crate) const VIDEO: Ssrc = Ssrc(1000);
const VIDEO_RTX: Ssrc = Ssrc(1001);
pub(crate) const AUDIO: Ssrc = Ssrc(2000);
const ABS_SEND_TIME: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
