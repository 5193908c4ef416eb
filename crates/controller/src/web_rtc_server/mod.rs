//! WebRtcServers: ports of a worker that WebRtcTransports share, whatever their router. The ICE
//! user name fragment tells the transports apart. A transport closes with the server that it
//! listens on.

mod requests;

use std::sync::Arc;

use serde::Serialize;
use tureen_channel_fbs::fbs::notification::Notification;

use crate::channel::RequestError;
use crate::entity::{Children, CloseReason, Kind, Lost, Mirror, Owned, entity_handle};
use crate::ids::{TransportId, WebRtcServerId};
use crate::listen_info::ListenInfo;
use crate::worker::Worker;
use requests::{CloseWebRtcServer, CreateWebRtcServer, DumpWebRtcServer};

/// Ports of a worker that many WebRtcTransports share.
///
/// Closing it closes the transports that listen on it.
#[derive(Clone)]
pub struct WebRtcServer {
    inner: Arc<Inner>,
}

struct Inner {
    id: WebRtcServerId,
    owned: Owned<WebRtcServerKind>,
    worker: Worker,
}

impl Worker {
    /// Opens ports that WebRtcTransports of this worker can share.
    ///
    /// # Errors
    ///
    /// [`RequestError::Other`] when a port cannot be bound.
    pub async fn create_web_rtc_server(
        &self,
        listen_infos: Vec<ListenInfo>,
    ) -> Result<WebRtcServer, RequestError> {
        let id = WebRtcServerId::random();
        let owned = Owned::new(
            id.as_str(),
            self.channel(),
            (),
            vec![self.children().clone()],
            CloseWebRtcServer(id.clone()),
        )?;
        let request = CreateWebRtcServer {
            id: &id,
            listen_infos: &listen_infos,
        };
        owned.create(&request, |_, ()| ()).await?;
        let worker = self.clone();
        Ok(WebRtcServer {
            inner: Arc::new(Inner { id, owned, worker }),
        })
    }
}

impl WebRtcServer {
    /// Its id.
    pub fn id(&self) -> &WebRtcServerId {
        &self.inner.id
    }

    /// The worker it lives in.
    pub fn worker(&self) -> &Worker {
        &self.inner.worker
    }

    /// What the worker holds of it.
    pub async fn dump(&self) -> Result<WebRtcServerDump, RequestError> {
        self.inner.owned.request(&DumpWebRtcServer(self.id())).await
    }

    /// What closes with it.
    pub(crate) fn children(&self) -> &Children {
        &self.inner.owned.mirror.children
    }
}

entity_handle!(
    WebRtcServer,
    inner.owned,
    WebRtcServerEvent,
    "Closes it and the transports that listen on it."
);

/// What happens to a [`WebRtcServer`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebRtcServerEvent {
    /// It closed; the last event.
    Closed(CloseReason),
}

/// A [`WebRtcServer`] as the worker holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WebRtcServerDump {
    /// Its id.
    pub id: WebRtcServerId,
    /// Bound UDP sockets.
    pub udp_sockets: Vec<IpPort>,
    /// Listening TCP sockets.
    pub tcp_servers: Vec<IpPort>,
    /// Transports that listen on it.
    pub web_rtc_transport_ids: Vec<TransportId>,
    /// Local ICE user name fragments, by which it tells transports apart.
    pub local_ice_username_fragments: Vec<LocalIceUsernameFragment>,
}

/// An address of a socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IpPort {
    /// IP address.
    pub ip: String,
    /// Port.
    pub port: u16,
}

/// A local ICE user name fragment and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalIceUsernameFragment {
    /// The fragment.
    pub local_ice_username_fragment: String,
    /// Its transport.
    pub web_rtc_transport_id: TransportId,
}

pub(crate) struct WebRtcServerKind;

impl Kind for WebRtcServerKind {
    type Event = WebRtcServerEvent;
    type State = ();
    type Close = CloseWebRtcServer;
    const CLOSES_CHILDREN_FOR: CloseReason = CloseReason::WebRtcServerClosed;

    fn closed(reason: CloseReason) -> WebRtcServerEvent {
        WebRtcServerEvent::Closed(reason)
    }

    fn notified(mirror: &Mirror<Self>, notification: &Notification<'_>) {
        mirror.ignored(notification);
    }

    fn record_loss(id: &str, lost: &mut Lost) {
        lost.web_rtc_servers.push(id.into());
    }
}
