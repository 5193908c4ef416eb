//! This side's picture of a Producer.

use tureen_channel_fbs::fbs::notification::{Event, Notification};

use super::requests::CloseProducer;
use super::{ProducerEvent, ProducerScore, VideoOrientation};
use crate::entity::{CloseReason, Kind, Lost, Mirror, lock};
use crate::rtp::Ssrc;

pub(crate) struct State {
    pub(super) paused: bool,
    pub(super) score: Vec<ProducerScore>,
}

pub(crate) struct ProducerKind;

impl Kind for ProducerKind {
    type Event = ProducerEvent;
    type State = State;
    type Close = CloseProducer;
    const CLOSES_CHILDREN_FOR: CloseReason = CloseReason::ProducerClosed;

    fn closed(reason: CloseReason) -> ProducerEvent {
        ProducerEvent::Closed(reason)
    }

    /// Its Consumers are on other transports, so the reason why its transport closes does not
    /// concern them.
    fn closes_children_for(reason: &CloseReason) -> CloseReason {
        match reason {
            CloseReason::RouterClosed | CloseReason::WorkerGone(_) => reason.clone(),
            _ => Self::CLOSES_CHILDREN_FOR,
        }
    }

    /// None lives in it.
    fn close_consumers(_: &Mirror<Self>, _: &CloseReason, _: &mut Lost) {}

    fn notified(mirror: &Mirror<Self>, notification: &Notification<'_>) {
        let Some(event) = event(notification) else {
            return mirror.ignored(notification);
        };
        if let ProducerEvent::Score(score) = &event {
            lock(&mirror.state).score.clone_from(score);
        }
        mirror.push(event);
    }

    fn record_loss(id: &str, lost: &mut Lost) {
        lost.producers.push(id.into());
    }
}

fn event(notification: &Notification<'_>) -> Option<ProducerEvent> {
    match notification.event() {
        Event::PRODUCER_SCORE => {
            let body = notification.body_as_producer_score_notification()?;
            let scores = body.scores().iter().map(|score| ProducerScore {
                encoding_idx: score.encoding_idx(),
                ssrc: Ssrc(score.ssrc()),
                rid: score.rid().map(str::to_owned),
                score: score.score(),
            });
            Some(ProducerEvent::Score(scores.collect()))
        }
        Event::PRODUCER_VIDEO_ORIENTATION_CHANGE => {
            let body = notification.body_as_producer_video_orientation_change_notification()?;
            Some(ProducerEvent::VideoOrientationChanged(VideoOrientation {
                camera: body.camera(),
                flip: body.flip(),
                rotation: body.rotation(),
            }))
        }
        _ => None,
    }
}
