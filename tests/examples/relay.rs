//! A bad network between real processes: relays UDP through the link emulator of the simulations.
//!
//! ```text
//! cargo run -p tureen-tests --example relay -- 127.0.0.1:5000 127.0.0.1:4000 loss=0.03 delay=40
//! ```

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use tureen_tests::link::{LinkConfig, Loss};
use tureen_tests::relay::Relay;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(listen), Some(upstream)) = (arguments.next(), arguments.next()) else {
        return Err(USAGE.into());
    };
    let (listen, upstream): (SocketAddr, SocketAddr) = (listen.parse()?, upstream.parse()?);
    let mut config = LinkConfig {
        queue: 64 * 1024,
        reorder_by: Duration::from_millis(10),
        ..LinkConfig::default()
    };
    let mut seed = 1;
    for argument in arguments {
        let (name, value) = argument.split_once('=').ok_or(USAGE)?;
        match name {
            "loss" => config.loss = Loss::Random(value.parse()?),
            "delay" => config.delay = Duration::from_millis(value.parse()?),
            "jitter" => config.jitter = Duration::from_millis(value.parse()?),
            "reorder" => config.reorder = value.parse()?,
            "rate" => config.rate = Some(value.parse()?),
            "queue" => config.queue = value.parse()?,
            "seed" => seed = value.parse()?,
            _ => return Err(USAGE.into()),
        }
    }
    let mut relay = Relay::bind(listen, upstream, config, config, seed)?;
    println!("{} <-> {upstream}: {config:?}", relay.address()?);
    relay.run(|| true)?;
    Ok(())
}

const USAGE: &str = "relay LISTEN UPSTREAM [loss=0-1] [delay=ms] [jitter=ms] [reorder=0-1] \
                     [rate=bit/s] [queue=bytes] [seed=n]";
