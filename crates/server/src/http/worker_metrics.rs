//! Metrics of the media workers, in the words of Prometheus: each with the label `worker`, the
//! worker's place from 0 on.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use tureen_controller::{WorkerDetails, WorkerMetrics};

/// A registry that tells of these workers, by place; none is one that gave no answer.
pub(super) fn registry(workers: Vec<Option<WorkerMetrics>>) -> Registry {
    let mut registry = Registry::with_prefix("tureen_worker");
    registry.register_collector(Box::new(Workers(workers)));
    registry
}

#[derive(Debug)]
struct Workers(Vec<Option<WorkerMetrics>>);

/// A figure of a worker.
type Figure = fn(&WorkerDetails) -> u64;

impl Collector for Workers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.encode_process(&mut encoder)?;
        for (name, help, figure) in GAUGES {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (worker, details) in self.details() {
                let value = i64::try_from(figure(details)).unwrap_or(i64::MAX);
                gauge(&mut family, worker, value)?;
            }
        }
        for (name, help, figure) in COUNTERS {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (worker, details) in self.details() {
                let labels = [worker_label(worker)];
                ConstCounter::new(figure(details)).encode(family.encode_family(&labels)?)?;
            }
        }
        self.encode_drops(&mut encoder)?;
        self.encode_turns(&mut encoder)
    }
}

impl Workers {
    /// Those that tell more than every worker does.
    fn details(&self) -> impl Iterator<Item = (usize, &WorkerDetails)> {
        let answers = self.0.iter().enumerate();
        answers.filter_map(|(worker, answer)| Some((worker, answer.as_ref()?.details.as_ref()?)))
    }

    fn encode_process(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Whether the media worker runs and answers";
        let mut family = encoder.encode_descriptor("up", help, None, MetricType::Gauge)?;
        for (worker, answer) in self.0.iter().enumerate() {
            gauge(&mut family, worker, i64::from(answer.is_some()))?;
        }

        let help = "Processor time that the media worker has used";
        let unit = Some(&Unit::Seconds);
        let mut family = encoder.encode_descriptor("cpu", help, unit, MetricType::Counter)?;
        for (worker, answer) in self.0.iter().enumerate() {
            let Some(usage) = answer.as_ref().map(|answer| answer.resource_usage) else {
                continue;
            };
            for (mode, millis) in [("user", usage.ru_utime), ("system", usage.ru_stime)] {
                let labels = [worker_label(worker), ("mode", mode.to_owned())];
                let seconds = std::time::Duration::from_millis(millis).as_secs_f64();
                ConstCounter::new(seconds).encode(family.encode_family(&labels)?)?;
            }
        }

        let help = "Memory of the media worker that is resident";
        let unit = Some(&Unit::Bytes);
        let kind = MetricType::Gauge;
        let mut family = encoder.encode_descriptor("resident_memory", help, unit, kind)?;
        for (worker, details) in self.details() {
            let bytes = i64::try_from(details.resident_bytes).unwrap_or(i64::MAX);
            gauge(&mut family, worker, bytes)?;
        }
        Ok(())
    }

    fn encode_drops(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Datagrams, packets and connections that the media worker dropped or refused";
        let mut family = encoder.encode_descriptor("dropped", help, None, MetricType::Counter)?;
        for (worker, details) in self.details() {
            for (reason, count) in &details.dropped {
                let labels = [worker_label(worker), ("reason", reason.clone())];
                ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    fn encode_turns(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Turns of the media worker's event loop, by how long they took";
        let unit = Some(&Unit::Seconds);
        let kind = MetricType::Histogram;
        let mut family = encoder.encode_descriptor("loop_turn", help, unit, kind)?;
        for (worker, details) in self.details() {
            let turns = &details.turns;
            let bounds = turns.bounds.iter().map(std::time::Duration::as_secs_f64);
            let buckets: Vec<_> = bounds
                .chain([f64::MAX])
                .zip(turns.counts.iter().copied())
                .collect();
            let labels = [worker_label(worker)];
            family
                .encode_family(&labels)?
                .encode_histogram::<NoLabelSet>(
                    turns.sum.as_secs_f64(),
                    turns.counts.iter().sum(),
                    &buckets,
                    None,
                )?;
        }
        Ok(())
    }
}

fn gauge(family: &mut MetricEncoder<'_>, worker: usize, value: i64) -> fmt::Result {
    let labels = [worker_label(worker)];
    ConstGauge::new(value).encode(family.encode_family(&labels)?)
}

fn worker_label(worker: usize) -> (&'static str, String) {
    ("worker", worker.to_string())
}

const GAUGES: [(&str, &str, Figure); 5] = [
    ("web_rtc_servers", "WebRtcServers", |of| {
        of.web_rtc_servers.into()
    }),
    ("routers", "Routers, one for each call", |of| {
        of.routers.into()
    }),
    ("transports", "Transports", |of| of.transports.into()),
    ("producers", "Producers", |of| of.producers.into()),
    ("consumers", "Consumers", |of| of.consumers.into()),
];

const COUNTERS: [(&str, &str, Figure); 22] = [
    ("bytes_received", "Bytes of all datagrams received", |of| {
        of.received.bytes
    }),
    ("bytes_sent", "Bytes of all datagrams sent", |of| {
        of.sent.bytes
    }),
    (
        "rtp_packets_received",
        "RTP packets received, retransmissions apart",
        |of| of.received.rtp_packets,
    ),
    (
        "rtp_packets_sent",
        "RTP packets sent, retransmissions apart",
        |of| of.sent.rtp_packets,
    ),
    (
        "rtp_bytes_received",
        "Bytes of RTP packets received, before protection",
        |of| of.received.rtp_bytes,
    ),
    (
        "rtp_bytes_sent",
        "Bytes of RTP packets sent, before protection",
        |of| of.sent.rtp_bytes,
    ),
    ("rtx_packets_received", "Retransmissions received", |of| {
        of.received.rtx_packets
    }),
    ("rtx_packets_sent", "Retransmissions sent", |of| {
        of.sent.rtx_packets
    }),
    (
        "rtx_bytes_received",
        "Bytes of retransmissions received, before protection",
        |of| of.received.rtx_bytes,
    ),
    (
        "rtx_bytes_sent",
        "Bytes of retransmissions sent, before protection",
        |of| of.sent.rtx_bytes,
    ),
    (
        "rtp_packets_lost_received",
        "RTP packets lost on the way from publishers",
        |of| of.received.rtp_packets_lost,
    ),
    (
        "rtp_packets_lost_sent",
        "RTP packets that subscribers report lost",
        |of| of.sent.rtp_packets_lost,
    ),
    ("nacks_received", "NACK messages of subscribers", |of| {
        of.received.nacks
    }),
    ("nacks_sent", "NACK messages to publishers", |of| {
        of.sent.nacks
    }),
    (
        "nacked_packets_received",
        "RTP packets that subscribers asked for again",
        |of| of.received.nacked_packets,
    ),
    (
        "nacked_packets_sent",
        "RTP packets that publishers were asked for again",
        |of| of.sent.nacked_packets,
    ),
    (
        "plis_received",
        "Picture loss indications of subscribers",
        |of| of.received.plis,
    ),
    (
        "plis_sent",
        "Picture loss indications to publishers",
        |of| of.sent.plis,
    ),
    (
        "firs_received",
        "Full intra requests of subscribers",
        |of| of.received.firs,
    ),
    ("firs_sent", "Full intra requests to publishers", |of| {
        of.sent.firs
    }),
    ("panics", "Panics that were contained", |of| of.panics),
    (
        "notifications_merged",
        "Notifications that were merged because the server did not read",
        |of| of.notifications_merged,
    ),
];

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use tureen_controller::ResourceUsage;

    use super::*;

    #[test]
    fn a_worker_that_is_silent_and_one_of_another_make_are_shown_as_such() {
        let foreign = WorkerMetrics {
            resource_usage: ResourceUsage {
                ru_utime: 1500,
                ..ResourceUsage::default()
            },
            details: None,
        };
        let mut text = String::new();
        encode(&mut text, &registry(vec![None, Some(foreign)])).unwrap();
        let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            samples,
            [
                r#"tureen_worker_up{worker="0"} 0"#,
                r#"tureen_worker_up{worker="1"} 1"#,
                r#"tureen_worker_cpu_seconds_total{worker="1",mode="user"} 1.5"#,
                r#"tureen_worker_cpu_seconds_total{worker="1",mode="system"} 0.0"#,
            ]
        );
    }
}
