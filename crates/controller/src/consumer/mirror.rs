//! This side's picture of a Consumer.

use tureen_channel_fbs::fbs::notification::{Event, Notification};

use super::requests::CloseConsumer;
use super::{ConsumerEvent, ConsumerScore};
use crate::entity::{CloseReason, Kind, Lost, Mirror, lock};

#[derive(Default)]
pub(crate) struct State {
    pub(super) paused: bool,
    pub(super) producer_paused: bool,
    pub(super) score: ConsumerScore,
}

pub(crate) struct ConsumerKind;

impl Kind for ConsumerKind {
    type Event = ConsumerEvent;
    type State = State;
    type Close = CloseConsumer;
    const CLOSES_CHILDREN_FOR: CloseReason = CloseReason::Closed;

    fn closed(reason: CloseReason) -> ConsumerEvent {
        ConsumerEvent::Closed(reason)
    }

    fn close_consumers(mirror: &Mirror<Self>, reason: &CloseReason, lost: &mut Lost) {
        mirror.close_with(reason.clone(), lost);
    }

    fn notified(mirror: &Mirror<Self>, notification: &Notification<'_>) {
        let event = match notification.event() {
            Event::CONSUMER_PRODUCER_CLOSE => {
                mirror.close(CloseReason::ProducerClosed);
                return;
            }
            Event::CONSUMER_PRODUCER_PAUSE => producer_paused(mirror, true),
            Event::CONSUMER_PRODUCER_RESUME => producer_paused(mirror, false),
            Event::CONSUMER_SCORE => match notification.body_as_consumer_score_notification() {
                Some(body) => {
                    let score = ConsumerScore::read(body.score());
                    lock(&mirror.state).score = score.clone();
                    Some(ConsumerEvent::Score(score))
                }
                None => return mirror.ignored(notification),
            },
            _ => return mirror.ignored(notification),
        };
        if let Some(event) = event {
            mirror.push(event);
        }
    }

    fn record_loss(id: &str, lost: &mut Lost) {
        lost.consumers.push(id.into());
    }
}

/// Notes whether the Producer is paused; a worker may say the same twice.
fn producer_paused(mirror: &Mirror<ConsumerKind>, paused: bool) -> Option<ConsumerEvent> {
    let mut state = lock(&mirror.state);
    if state.producer_paused == paused {
        return None;
    }
    state.producer_paused = paused;
    Some(match paused {
        true => ConsumerEvent::ProducerPaused,
        false => ConsumerEvent::ProducerResumed,
    })
}
