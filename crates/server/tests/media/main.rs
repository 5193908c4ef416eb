//! Real processes on loopback: the controller library, the worker that `tureen worker` runs, and
//! clients built on webrtc-ice, webrtc-dtls and webrtc-srtp, which share no code with the worker.
//!
//! Waits are for what must happen, each with [`DEADLINE`] as the bound at which it has failed.

mod call;
mod closing;
mod death;
mod endpoint;
mod feedback;
mod flood;
mod flow;
mod hostile;
mod ice;
mod idle;
mod program;
mod recovery;
mod relay;

use std::future::Future;
use std::time::Duration;

/// Waits for `work`, which is expected to end at once or soon.
async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, work).await {
        Ok(done) => done,
        Err(_) => panic!("did not happen within {DEADLINE:?}: {what}"),
    }
}

/// For machines that are slow and busy; nothing takes this long when all is well.
const DEADLINE: Duration = Duration::from_secs(30);
