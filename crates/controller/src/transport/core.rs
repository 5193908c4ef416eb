//! A transport as far as its kind does not matter.

use super::requests::{CloseTransport, SetMaxIncomingBitrate};
use super::{Naming, TransportKind};
use crate::channel::{Request, RequestError};
use crate::entity::{Children, Owned};
use crate::ids::TransportId;
use crate::router::Router;

/// What the handle of a transport of kind `K` shares with its clones.
pub(crate) struct Core<K: TransportKind> {
    pub(crate) id: TransportId,
    pub(crate) router: Router,
    pub(crate) owned: Owned<K>,
    /// What only this kind has.
    pub(crate) own: K::Own,
    naming: Naming,
}

impl<K: TransportKind> Core<K> {
    /// Creates a transport in the worker by `request`, which names `id`. It closes with the router
    /// and with what `parents` belong to; `own` takes from the answer what this kind keeps.
    pub(crate) async fn create<R: Request>(
        router: &Router,
        id: &TransportId,
        mut parents: Vec<Children>,
        request: &R,
        own: impl FnOnce(R::Response) -> K::Own,
    ) -> Result<Self, RequestError> {
        parents.push(router.children().clone());
        let owned = Owned::new(
            id.as_str(),
            router.worker().channel(),
            K::State::default(),
            parents,
            CloseTransport {
                router_id: router.id().clone(),
                id: id.clone(),
            },
        )?;
        let response = owned.create(request, |_, response| response).await?;
        Ok(Self {
            id: id.clone(),
            router: router.clone(),
            owned,
            own: own(response),
            naming: Naming::default(),
        })
    }

    /// Asks the endpoint not to send more than this, in bit/s; 0 for no limit.
    pub(crate) async fn set_max_incoming_bitrate(&self, bitrate: u64) -> Result<(), RequestError> {
        let id = &self.id;
        let request = SetMaxIncomingBitrate { id, bitrate };
        self.owned.request(&request).await
    }
}

/// A transport as its Producers and Consumers see it: they keep it open, whatever its kind.
pub(crate) trait Home: Send + Sync {
    /// Its id.
    fn id(&self) -> &TransportId;

    /// The router it lives in.
    fn router(&self) -> &Router;

    /// What closes with it.
    fn children(&self) -> &Children;

    /// The names that are one for all of it.
    fn naming(&self) -> &Naming;
}

impl<K: TransportKind> Home for Core<K> {
    fn id(&self) -> &TransportId {
        &self.id
    }

    fn router(&self) -> &Router {
        &self.router
    }

    fn children(&self) -> &Children {
        &self.owned.mirror.children
    }

    fn naming(&self) -> &Naming {
        &self.naming
    }
}
