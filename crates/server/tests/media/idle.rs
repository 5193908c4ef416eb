//! What an idle client costs the worker.

use tokio::time::Instant;
use tureen_controller::DtlsState;
use tureen_peer::SrtpProfile;

use crate::call::Call;
use crate::endpoint::Endpoint;
use crate::program::voluntary_switches;
use crate::relay::Relay;

#[tokio::test]
async fn an_idle_connection_wakes_the_worker_for_its_checks_alone() {
    let call = Call::start().await;
    let relay = Relay::to(call.address().await).await;
    let transport = call.transport().await;
    let peer = crate::endpoint::new_peer(&SrtpProfile::ALL).await;
    let remote = relay.remote_parameters(&transport);
    let endpoint = Endpoint::connect_over(transport, peer, remote).await;
    // The connection is up, so the controller has heard of it or soon will.
    let mut events = endpoint.transport.events();
    let connected = async {
        while endpoint.transport.dtls_state() != DtlsState::Connected {
            events.next().await.unwrap();
        }
    };
    crate::within("a connection", connected).await;

    // Two checks of the client apart; each is a wake-up, as is what the worker has to say itself.
    let answered = relay.path().received();
    let (start, before) = (Instant::now(), voluntary_switches(call.worker.pid()));
    relay.path().until_received(answered + 2).await;
    let woken = voluntary_switches(call.worker.pid()) - before;
    let seconds = start.elapsed().as_secs() + 1;
    let checks = u64::try_from(relay.path().received() - answered).unwrap();
    assert!(
        woken <= 2 * checks + 2 * seconds,
        "{woken} wake-ups in {seconds} s with {checks} checks"
    );
    call.end().await;
}
