//! `tureen-worker-shim`: records the channel between any controller and any worker.
//!
//! A controller runs it as if it were the worker. The worker has to be the very process that the
//! controller started: it tells its process id as its first word. So the process makes a new pair
//! of sockets for each end of the channel, starts a recorder that holds the controller's
//! descriptors and one end of each new pair, and becomes the worker by exec, with the other ends
//! as its descriptors 3 and 4.
//!
//! ```text
//! controller ══ 3, 4 ══ recorder ══ 3, 4 ══ worker
//! ```
//!
//! The recorder is started by a process in between, which ends at once: so it is nobody's child
//! when the worker runs, and a worker that waits for its children, or is told of their end, is
//! not disturbed by one that it does not know. It ends by itself when both sides have closed.
//!
//! The environment says what to do: `TUREEN_SHIM_WORKER` is the path of the worker,
//! `TUREEN_SHIM_DIR` the directory for recordings. All arguments are the worker's.

mod inherited;
mod link;
mod relay;
mod stages;
mod tap;

use std::process::ExitCode;

fn main() -> ExitCode {
    match stages::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tureen-worker-shim: {error}");
            ExitCode::from(CANNOT_RUN)
        }
    }
}

/// What a shell exits with for a command that it cannot run. No worker exits with it.
const CANNOT_RUN: u8 = 127;
