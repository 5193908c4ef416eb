//! Decoded values, whatever their table.

use std::fmt::Write;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

/// A decoded value. Serialised, it is JSON with the fields of tables in the order of the schema.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A number that can be negative.
    Signed(i64),
    /// A number that cannot.
    Unsigned(u64),
    /// A 32-bit floating point number. One that is not finite is serialised as null.
    Single(f32),
    /// A 64-bit floating point number. One that is not finite is serialised as null.
    Double(f64),
    /// Name of an enum's value.
    Name(&'static str),
    /// Text.
    Text(String),
    /// A key or password that is not shown; serialised as [`REDACTED`].
    Redacted,
    /// A payload: how many bytes, and the first of them when secrets are shown.
    Payload {
        /// Bytes of the whole payload.
        len: usize,
        /// The first bytes.
        begin: Option<Vec<u8>>,
    },
    /// Elements of a vector.
    List(Vec<Self>),
    /// The fields of a table. A member of a union is one field with the member's name.
    Table(Vec<(&'static str, Self)>),
    /// A member of a union that this version does not know.
    UnknownMember(u8),
    /// The rest of a message that is larger than the limit; serialised as `"…"`.
    CutOff,
}

impl Value {
    /// The field of this name, if this is a table that has it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Table(fields) => fields.iter().find(|field| field.0 == name).map(|of| &of.1),
            _ => None,
        }
    }

    /// The text or name that this is.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Name(name) => Some(name),
            _ => None,
        }
    }

    /// Takes the field of this name out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Self> {
        match self {
            Self::Table(fields) => {
                let index = fields.iter().position(|field| field.0 == name)?;
                Some(fields.remove(index).1)
            }
            _ => None,
        }
    }

    /// The name and the value of a union's member.
    pub(crate) fn into_member(self) -> Option<(&'static str, Self)> {
        match self {
            Self::Table(mut fields) if fields.len() == 1 => fields.pop(),
            _ => None,
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Signed(number) => serializer.serialize_i64(*number),
            Self::Unsigned(number) => serializer.serialize_u64(*number),
            Self::Single(number) => serializer.serialize_f32(*number),
            Self::Double(number) => serializer.serialize_f64(*number),
            Self::Name(name) => serializer.serialize_str(name),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Redacted => serializer.serialize_str(REDACTED),
            Self::CutOff => serializer.serialize_str("…"),
            Self::UnknownMember(tag) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("unknown_member", tag)?;
                map.end()
            }
            Self::Payload { len, begin } => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("bytes", len)?;
                if let Some(begin) = begin {
                    map.serialize_entry("hex", &hex(begin))?;
                }
                map.end()
            }
            Self::List(elements) => {
                let mut list = serializer.serialize_seq(Some(elements.len()))?;
                for element in elements {
                    list.serialize_element(element)?;
                }
                list.end()
            }
            Self::Table(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a string takes any text");
    }
    text
}

/// What stands in the place of a key or password.
pub const REDACTED: &str = "[redacted]";
