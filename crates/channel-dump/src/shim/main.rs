//! `tureen-worker-shim`: records the channel between any controller and any worker.
//!
//! A controller runs it as if it were the worker. The worker must be the very process that the
//! controller started, because its first message holds its process id. So the shim makes a new pair
//! of sockets for each end of the channel. It starts a recorder, which holds the controller's
//! descriptors and one end of each pair. Then it becomes the worker by exec, with the other ends as
//! descriptors 3 and 4.
//!
//! ```text
//! controller ══ 3, 4 ══ recorder ══ 3, 4 ══ worker
//! ```
//!
//! A process in between starts the recorder and ends at once. So the recorder is not a child of the
//! worker, and a worker that waits for its children never sees an unknown one. The recorder ends by
//! itself when both sides have closed.
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

/// The exit code of a shell for a command that it cannot run. No worker exits with it.
const CANNOT_RUN: u8 = 127;
