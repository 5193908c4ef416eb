//! Measures what a worker costs before it has anything to do: the time from spawning until it says
//! that it runs, and its resident memory then.
//!
//! ```text
//! cargo build --release -p tureen-worker
//! TUREEN_WORKER_BIN=target/release/tureen-worker \
//!     cargo run -p tureen-controller --example worker_start [workers]
//! ```
//!
//! It starts 20 workers one after the other, or as many as you say, and prints the median, the
//! least and the most.

use std::error::Error;
use std::fmt::Display;
use std::time::Instant;

use tureen_controller::{Worker, WorkerSettings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let count = match std::env::args().nth(1) {
        Some(count) => count.parse()?,
        None => 20,
    };
    let (mut micros, mut resident) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let start = Instant::now();
        let worker = Worker::spawn(WorkerSettings::default()).await?;
        micros.push(start.elapsed().as_micros());
        resident.push(resident_kib(worker.pid())?);
        worker.close().await;
    }
    print("from spawning to running, µs", micros);
    print("resident once running, KiB", resident);
    Ok(())
}

/// `VmRSS` of a process (proc_pid_status(5)).
fn resident_kib(pid: u32) -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(number.ok_or("no VmRSS")?.parse()?)
}

fn print<T: Ord + Copy + Display>(what: &str, mut values: Vec<T>) {
    values.sort_unstable();
    if let (Some(least), Some(most)) = (values.first(), values.last()) {
        let median = values[values.len() / 2];
        println!("{what}: {median} (from {least} to {most})");
    }
}
