//! Real processes on loopback: the controller library, the worker that `tureen worker` runs, and
//! clients built on webrtc-ice, webrtc-dtls and webrtc-srtp, which share no code with the worker.
//!
//! Every wait is for something that must happen. If it takes longer than [`DEADLINE`], the test
//! fails.

mod call;
mod closing;
mod death;
mod endpoint;
mod feedback;
mod flood;
mod flow;
mod forged;
mod hostile;
mod ice;
mod idle;
mod metrics;
mod program;
mod recovery;
mod relay;
mod signaling;

use std::future::Future;
use std::time::Duration;

/// Waits for `work`, which is expected to end at once or soon.
async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, work).await {
        Ok(done) => done,
        Err(_) => panic!("did not happen within {DEADLINE:?}: {what}"),
    }
}

/// This is for slow and busy machines. Nothing takes so long when all is well.
const DEADLINE: Duration = Duration::from_secs(30);
