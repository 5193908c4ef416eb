//! Between this crate's types and the channel's tables.
//!
//! Building never fails. Reading yields none for a value that this version does not know, and that
//! becomes [`RequestError::MalformedResponse`](crate::RequestError::MalformedResponse).

mod listen;
mod rtp;

pub(crate) use listen::{listen_infos, read_protocol};
pub(crate) use rtp::{
    encodings, media_kind, read_encodings, read_media_kind, read_rtp_mapping, read_rtp_parameters,
    rtp_mapping, rtp_parameters,
};

use tureen_channel_fbs::flatbuffers::{ForwardsUOffset, Vector, WIPOffset};

use crate::channel::Fbb;

/// An offset to a vector of tables or strings.
pub(crate) type VectorOffset<T> = WIPOffset<Vector<'static, ForwardsUOffset<T>>>;

/// Builds each item, then the vector of them.
pub(crate) fn vector<T, U>(
    fbb: &mut Fbb,
    items: &[T],
    mut build: impl FnMut(&mut Fbb, &T) -> WIPOffset<U>,
) -> VectorOffset<U> {
    let offsets: Vec<_> = items.iter().map(|item| build(fbb, item)).collect();
    fbb.create_vector(&offsets)
}

/// Builds an optional string.
pub(crate) fn optional_str(fbb: &mut Fbb, text: Option<&str>) -> Option<WIPOffset<&'static str>> {
    text.map(|text| fbb.create_string(text))
}

/// Reads a vector of strings.
pub(crate) fn read_strings<T: for<'a> From<&'a str>>(
    strings: Vector<'_, ForwardsUOffset<&str>>,
) -> Vec<T> {
    strings.iter().map(T::from).collect()
}
