//! This side's picture of a WebRTC transport.

use tureen_channel_fbs::fbs::notification::{Event, Notification};

use super::parameters::{read_dtls_state, read_ice_state};
use super::{DtlsState, IceState, Own, WebRtcTransportEvent};
use crate::entity::{CloseReason, Kind, Lost, Mirror, lock};
use crate::transport::{CloseTransport, TransportKind, TransportTuple, read_tuple};

#[derive(Default)]
pub(crate) struct State {
    pub(super) ice_state: IceState,
    pub(super) ice_selected_tuple: Option<TransportTuple>,
    pub(super) dtls_state: DtlsState,
}

pub(crate) struct WebRtcTransportKind;

impl Kind for WebRtcTransportKind {
    type Event = WebRtcTransportEvent;
    type State = State;
    type Close = CloseTransport;
    const CLOSES_CHILDREN_FOR: CloseReason = CloseReason::TransportClosed;

    fn closed(reason: CloseReason) -> WebRtcTransportEvent {
        WebRtcTransportEvent::Closed(reason)
    }

    fn notified(mirror: &Mirror<Self>, notification: &Notification<'_>) {
        match event(notification) {
            Some(event) => {
                lock(&mirror.state).apply(&event);
                mirror.push(event);
            }
            None => mirror.ignored(notification),
        }
    }

    fn record_loss(id: &str, lost: &mut Lost) {
        lost.transports.push(id.into());
    }
}

impl TransportKind for WebRtcTransportKind {
    type Own = Own;
}

impl State {
    fn apply(&mut self, event: &WebRtcTransportEvent) {
        match event {
            WebRtcTransportEvent::IceStateChanged(state) => {
                self.ice_state = *state;
                if *state == IceState::Disconnected {
                    self.ice_selected_tuple = None;
                }
            }
            WebRtcTransportEvent::IceSelectedTupleChanged(tuple) => {
                self.ice_selected_tuple = Some(tuple.clone());
            }
            WebRtcTransportEvent::DtlsStateChanged { state, .. } => self.dtls_state = *state,
            WebRtcTransportEvent::Closed(_) => {}
        }
    }
}

fn event(notification: &Notification<'_>) -> Option<WebRtcTransportEvent> {
    match notification.event() {
        Event::WEBRTCTRANSPORT_ICE_STATE_CHANGE => {
            let body = notification.body_as_web_rtc_transport_ice_state_change_notification()?;
            let state = read_ice_state(body.ice_state())?;
            Some(WebRtcTransportEvent::IceStateChanged(state))
        }
        Event::WEBRTCTRANSPORT_ICE_SELECTED_TUPLE_CHANGE => {
            let body =
                notification.body_as_web_rtc_transport_ice_selected_tuple_change_notification()?;
            let tuple = read_tuple(body.tuple())?;
            Some(WebRtcTransportEvent::IceSelectedTupleChanged(tuple))
        }
        Event::WEBRTCTRANSPORT_DTLS_STATE_CHANGE => {
            let body = notification.body_as_web_rtc_transport_dtls_state_change_notification()?;
            Some(WebRtcTransportEvent::DtlsStateChanged {
                state: read_dtls_state(body.dtls_state())?,
                remote_certificate: body.remote_cert().map(str::to_owned),
            })
        }
        _ => None,
    }
}
