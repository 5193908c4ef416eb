//! Signaling dialects: each translates one family of clients to and from what a person does in a
//! room, and decides nothing.

pub(crate) mod page;
pub(crate) mod whip;
