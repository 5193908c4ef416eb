//! The arguments of `tureen join`.

use clap::Args;

use super::RoomUrl;

/// What `tureen join` is told.
#[derive(Clone, Debug, Args)]
pub struct JoinConfig {
    /// The room's address, as a person opens it: http://HOST:PORT/room/NAME. A room that is not
    /// there is opened.
    #[arg(value_name = "URL")]
    pub url: RoomUrl,
    /// Publishes a test picture and a tone, so that one person can try a call alone. Without it
    /// the bot receives what others publish and prints what arrives.
    #[arg(long)]
    pub publish_demo: bool,
    /// The name that others see.
    #[arg(long, default_value = "Bot")]
    pub name: String,
    /// Leaves after so many seconds. Without it the bot stays until Ctrl-C.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub duration: Option<u64>,
    /// Accepts any certificate of an https server, such as one that it has signed itself.
    #[arg(long)]
    pub insecure: bool,
}
