//! Metrics of the media workers, in the words of Prometheus: each with the label `worker`, the
//! worker's place from 0 on.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use tureen_controller::{DirectionMetrics, WorkerDetails, WorkerMetrics};

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

/// A figure of one direction.
type WayFigure = fn(&DirectionMetrics) -> u64;

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
        for (name, received, sent, figure) in BOTH_WAYS {
            let family = format!("{name}_received");
            self.encode_counter(&mut encoder, &family, received, |of| figure(&of.received))?;
            let family = format!("{name}_sent");
            self.encode_counter(&mut encoder, &family, sent, |of| figure(&of.sent))?;
        }
        for (name, help, figure) in COUNTERS {
            self.encode_counter(&mut encoder, name, help, figure)?;
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

    fn encode_counter(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        figure: impl Fn(&WorkerDetails) -> u64,
    ) -> fmt::Result {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (worker, details) in self.details() {
            let labels = [worker_label(worker)];
            ConstCounter::new(figure(details)).encode(family.encode_family(&labels)?)?;
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

/// Rows of the table below. The name of a field is the name of its metrics.
macro_rules! both_ways {
    ($($field:ident: $received:literal, $sent:literal;)*) => {
        [$((stringify!($field), $received, $sent, |way| way.$field)),*]
    };
}

/// What is counted in both directions: the beginning of the name, the texts for what was received and
/// for what was sent, and the figure.
const BOTH_WAYS: [(&str, &str, &str, WayFigure); 10] = both_ways! {
    bytes:
        "Bytes of all datagrams received",
        "Bytes of all datagrams sent";
    rtp_packets:
        "RTP packets received, retransmissions apart",
        "RTP packets sent, retransmissions apart";
    rtp_bytes:
        "Bytes of RTP packets received, before protection",
        "Bytes of RTP packets sent, before protection";
    rtx_packets:
        "Retransmissions received",
        "Retransmissions sent";
    rtx_bytes:
        "Bytes of retransmissions received, before protection",
        "Bytes of retransmissions sent, before protection";
    rtp_packets_lost:
        "RTP packets lost on the way from publishers",
        "RTP packets that subscribers report lost";
    nacks:
        "NACK messages of subscribers",
        "NACK messages to publishers";
    nacked_packets:
        "RTP packets that subscribers asked for again",
        "RTP packets that publishers were asked for again";
    plis:
        "Picture loss indications of subscribers",
        "Picture loss indications to publishers";
    firs:
        "Full intra requests of subscribers",
        "Full intra requests to publishers";
};

const COUNTERS: [(&str, &str, Figure); 2] = [
    ("panics", "Panics that were contained", |of| of.panics),
    (
        "notifications_merged",
        "Notifications that were merged because the server did not read",
        |of| of.notifications_merged,
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use prometheus_client::encoding::text::encode;
    use tureen_controller::{ResourceUsage, TurnMetrics};

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

    /// Every figure is another one, in the order of the fields.
    fn direction(first: u64) -> DirectionMetrics {
        DirectionMetrics {
            bytes: first,
            rtp_packets: first + 1,
            rtp_bytes: first + 2,
            rtx_packets: first + 3,
            rtx_bytes: first + 4,
            rtp_packets_lost: first + 5,
            nacks: first + 6,
            nacked_packets: first + 7,
            plis: first + 8,
            firs: first + 9,
        }
    }

    #[test]
    fn what_came_and_what_went_have_names_of_their_own() {
        let details = WorkerDetails {
            resident_bytes: 0,
            web_rtc_servers: 0,
            routers: 0,
            transports: 0,
            producers: 0,
            consumers: 0,
            received: direction(10),
            sent: direction(30),
            dropped: BTreeMap::new(),
            panics: 50,
            notifications_merged: 51,
            turns: TurnMetrics {
                bounds: Vec::new(),
                counts: vec![0],
                sum: Duration::ZERO,
            },
        };
        let worker = WorkerMetrics {
            resource_usage: ResourceUsage::default(),
            details: Some(details),
        };
        let mut text = String::new();
        encode(&mut text, &registry(vec![Some(worker)])).unwrap();
        for (name, value) in [
            ("bytes_received", 10),
            ("bytes_sent", 30),
            ("rtp_packets_sent", 31),
            ("rtp_bytes_received", 12),
            ("rtx_packets_sent", 33),
            ("rtx_bytes_received", 14),
            ("rtp_packets_lost_sent", 35),
            ("nacks_received", 16),
            ("nacked_packets_sent", 37),
            ("plis_received", 18),
            ("firs_sent", 39),
            ("panics", 50),
            ("notifications_merged", 51),
        ] {
            let sample = format!("tureen_worker_{name}_total{{worker=\"0\"}} {value}\n");
            assert!(text.contains(&sample), "{sample}{text}");
        }
    }
}
