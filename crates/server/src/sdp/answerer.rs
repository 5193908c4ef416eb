//! Our side of a connection whose offers come from the client.

use tureen_controller::rtp::RtpCapabilities;

use super::{Accepted, Offer};
use crate::media::TransportParameters;

/// Our side of a connection on which the client offers.
#[derive(Debug, Default)]
pub(crate) struct Answerer {
    /// Of the last answered offer; none before the first.
    ice_ufrag: Option<String>,
    /// Of the last answer.
    version: u64,
}

impl Answerer {
    /// Whether this offer asks for new ICE credentials of ours: "An ICE restart is signaled by a
    /// change of ufrag and password" (RFC 8839 §4.4.1.1.1).
    pub(crate) fn is_ice_restart(&self, offer: &Offer) -> bool {
        let now = offer.transport().map(|transport| &transport.ice_ufrag);
        self.ice_ufrag
            .as_ref()
            .zip(now)
            .is_some_and(|(before, now)| before != now)
    }

    /// Writes the answer. Call it after everything that it promises is done.
    pub(crate) fn answer(
        &mut self,
        offer: &Offer,
        router: &RtpCapabilities,
        transport: &TransportParameters,
        accepted: &Accepted<'_>,
    ) -> String {
        if let Some(transport) = offer.transport() {
            self.ice_ufrag = Some(transport.ice_ufrag.clone());
        }
        // "it MUST be ... increased by one" with every description that differs (RFC 3264 §8).
        self.version += 1;
        offer.answer(router, transport, accepted, self.version)
    }
}
