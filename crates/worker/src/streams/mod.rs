//! RTP streams.

mod key_frames;
mod nack;
mod packet_store;
mod rate;
pub mod rtx;
mod seq;

pub use key_frames::KeyFrameRequests;
pub use nack::{NackList, NackOutcome};
pub use packet_store::{Insertion, PacketStore, StoreLimits, StoredPacket};
pub use rate::RateMeter;
pub use seq::{
    ExtendedSeq, ExtendedTimestamp, SeqUnwrapper, TimestampUnwrapper, seq_is_newer,
    timestamp_is_newer,
};
