//! Decoding any table by the compiled schema.

use tureen_channel_fbs::{FrameError, PREFIX_LEN, read_message};

use crate::redact::{KnownSecrets, Secrets, is_secret};
use crate::schema::{Field, FieldKind, Literal, Number, Scalar, Schema};
use crate::value::Value;
use crate::view::{OFFSET_LEN, OutOfBounds, TableView, VectorView};

/// Turns frames into values, whatever table they hold: names come from the compiled schema.
///
/// Fields that are absent are left out; numbers that are left at their default are shown.
#[derive(Debug)]
pub struct Decoder {
    schema: &'static Schema,
    secrets: Secrets,
    known: KnownSecrets,
}

/// Why a frame has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It is not one sound frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// An offset leads out of the frame. Verifying should have found that.
    #[error("frame leads out of its bounds")]
    OutOfBounds,
}

impl Decoder {
    /// A decoder that hides or shows secrets.
    pub fn new(secrets: Secrets) -> Self {
        Self {
            schema: Schema::of_the_channel(),
            secrets,
            known: KnownSecrets::default(),
        }
    }

    /// Verifies one frame, prefix included, and yields its root table:
    /// `{"data": {"Request": {"id": 1, "method": "WORKER_DUMP", "handler_id": ""}}}`.
    ///
    /// One frame costs at most a few dozen MiB of memory. What would go beyond that becomes
    /// [`Value::CutOff`].
    ///
    /// # Errors
    ///
    /// [`DecodeError::Frame`] when the frame is malformed.
    pub fn decode(&mut self, frame: &[u8]) -> Result<Value, DecodeError> {
        read_message(frame)?;
        let root = TableView::at_offset(frame, PREFIX_LEN)?;
        let mut walk = Walk {
            schema: self.schema,
            secrets: self.secrets,
            known: &mut self.known,
            left: BUDGET,
        };
        Ok(walk.table(&root, self.schema.root, 0)?)
    }

    /// Text from a log line or an error, with the secrets of earlier frames taken out.
    pub(crate) fn scrub(&self, text: String) -> String {
        match self.secrets {
            Secrets::Hidden => self.known.scrub(text),
            Secrets::Shown => text,
        }
    }
}

/// The decoding of one frame.
struct Walk<'w> {
    schema: &'static Schema,
    secrets: Secrets,
    known: &'w mut KnownSecrets,
    /// Bytes that values may still take.
    left: usize,
}

impl Walk<'_> {
    fn table(
        &mut self,
        view: &TableView<'_>,
        table: usize,
        depth: usize,
    ) -> Result<Value, OutOfBounds> {
        if depth == MAX_DEPTH {
            return Ok(Value::CutOff);
        }
        let mut fields = Vec::new();
        for field in &self.schema.tables[table].fields {
            if !self.afford(VALUE_COST) {
                fields.push((field.name, Value::CutOff));
                break;
            }
            if let Some(value) = self.field(view, field, depth)? {
                fields.push((field.name, value));
            }
        }
        Ok(Value::Table(fields))
    }

    fn field(
        &mut self,
        view: &TableView<'_>,
        field: &Field,
        depth: usize,
    ) -> Result<Option<Value>, OutOfBounds> {
        let slot = field.slot;
        Ok(match field.kind {
            FieldKind::Number(number, default) => {
                let value = self.number(view, slot, number)?;
                value.or_else(|| default.map(|default| self.literal(default, number)))
            }
            FieldKind::Text => view.text(slot)?.map(|text| self.text(text, field.name)),
            FieldKind::Table(of) => match view.table(slot)? {
                Some(view) => Some(self.table(&view, of, depth + 1)?),
                None => None,
            },
            FieldKind::Union { tag_slot, of } => self.union(view, slot, tag_slot, of, depth)?,
            FieldKind::Numbers(number) => match view.vector(slot, number.scalar.size())? {
                Some(vector) => Some(self.numbers(&vector, number, field.name)?),
                None => None,
            },
            FieldKind::Texts => match view.vector(slot, OFFSET_LEN)? {
                Some(vector) => Some(self.list(&vector, |walk, index| {
                    Ok(walk.text(vector.text(index)?, field.name))
                })?),
                None => None,
            },
            FieldKind::Tables(of) => match view.vector(slot, OFFSET_LEN)? {
                Some(vector) => Some(self.list(&vector, |walk, index| {
                    walk.table(&vector.table(index)?, of, depth + 1)
                })?),
                None => None,
            },
        })
    }

    /// A member of a union: a table with one field, named after the member.
    fn union(
        &mut self,
        view: &TableView<'_>,
        slot: u16,
        tag_slot: u16,
        of: usize,
        depth: usize,
    ) -> Result<Option<Value>, OutOfBounds> {
        let [tag] = view.number::<1>(tag_slot)?.unwrap_or_default();
        if tag == 0 {
            return Ok(None);
        }
        let member = self.schema.enums[of].value(i64::from(tag));
        // Nothing has verified the value of an unknown tag.
        let Some((member, table)) = member.and_then(|of| Some((of, of.table?))) else {
            return Ok(Some(Value::UnknownMember(tag)));
        };
        let Some(view) = view.table(slot)? else {
            return Ok(None);
        };
        let value = self.table(&view, table, depth + 1)?;
        Ok(Some(Value::Table(vec![(member.name, value)])))
    }

    fn list<F>(&mut self, vector: &VectorView<'_>, mut element: F) -> Result<Value, OutOfBounds>
    where
        F: FnMut(&mut Self, usize) -> Result<Value, OutOfBounds>,
    {
        let mut elements = Vec::new();
        for index in 0..vector.len() {
            if !self.afford(VALUE_COST) {
                elements.push(Value::CutOff);
                break;
            }
            elements.push(element(self, index)?);
        }
        Ok(Value::List(elements))
    }

    fn numbers(
        &mut self,
        vector: &VectorView<'_>,
        number: Number,
        name: &str,
    ) -> Result<Value, OutOfBounds> {
        if number.scalar == Scalar::U8 && number.of.is_none() && name == PAYLOAD_FIELD {
            let bytes = vector.bytes()?;
            let begin = &bytes[..bytes.len().min(SHOWN_PAYLOAD)];
            return Ok(Value::Payload {
                len: bytes.len(),
                begin: (self.secrets == Secrets::Shown).then(|| begin.to_vec()),
            });
        }
        self.list(vector, |walk, index| {
            Ok(match number.scalar.size() {
                1 => walk.scalar(vector.number::<1>(index)?, number),
                2 => walk.scalar(vector.number::<2>(index)?, number),
                4 => walk.scalar(vector.number::<4>(index)?, number),
                _ => walk.scalar(vector.number::<8>(index)?, number),
            })
        })
    }

    fn number(
        &self,
        view: &TableView<'_>,
        slot: u16,
        number: Number,
    ) -> Result<Option<Value>, OutOfBounds> {
        Ok(match number.scalar.size() {
            1 => view.number::<1>(slot)?.map(|of| self.scalar(of, number)),
            2 => view.number::<2>(slot)?.map(|of| self.scalar(of, number)),
            4 => view.number::<4>(slot)?.map(|of| self.scalar(of, number)),
            _ => view.number::<8>(slot)?.map(|of| self.scalar(of, number)),
        })
    }

    /// The number in these bytes, which are as many as its type has.
    fn scalar<const N: usize>(&self, bytes: [u8; N], number: Number) -> Value {
        let mut low = [0; 8];
        low[..N].copy_from_slice(&bytes);
        let low_4 = [low[0], low[1], low[2], low[3]];
        match number.scalar {
            Scalar::Bool => Value::Bool(low[0] != 0),
            Scalar::F32 => Value::Single(f32::from_le_bytes(low_4)),
            Scalar::F64 => Value::Double(f64::from_le_bytes(low)),
            Scalar::U8 | Scalar::U16 | Scalar::U32 | Scalar::U64 => {
                let unsigned = u64::from_le_bytes(low);
                let name = i64::try_from(unsigned).ok();
                let name = name.and_then(|value| self.name(value, number));
                name.unwrap_or(Value::Unsigned(unsigned))
            }
            Scalar::I8 => self.signed(i64::from(low[0].cast_signed()), number),
            Scalar::I16 => self.signed(i64::from(i16::from_le_bytes([low[0], low[1]])), number),
            Scalar::I32 => self.signed(i64::from(i32::from_le_bytes(low_4)), number),
            Scalar::I64 => self.signed(i64::from_le_bytes(low), number),
        }
    }

    fn literal(&self, literal: Literal, number: Number) -> Value {
        match (literal, number.scalar) {
            (Literal::Real(value), _) => Value::Double(value),
            (Literal::Integer(value), Scalar::Bool) => Value::Bool(value != 0),
            // The compiled schema holds the default of a u64 as the i64 of the same bits.
            (Literal::Integer(value), Scalar::U8 | Scalar::U16 | Scalar::U32 | Scalar::U64) => {
                let name = self.name(value, number);
                name.unwrap_or_else(|| Value::Unsigned(value.cast_unsigned()))
            }
            (Literal::Integer(value), _) => self.signed(value, number),
        }
    }

    fn signed(&self, value: i64, number: Number) -> Value {
        self.name(value, number).unwrap_or(Value::Signed(value))
    }

    /// The name that an enum gives to a number.
    fn name(&self, value: i64, number: Number) -> Option<Value> {
        let of = &self.schema.enums[number.of?];
        of.value(value).map(|value| Value::Name(value.name))
    }

    fn text(&mut self, text: &str, field: &str) -> Value {
        if self.secrets == Secrets::Hidden && is_secret(field) {
            self.known.remember(text);
            return Value::Redacted;
        }
        match self.afford(text.len()) {
            true => Value::Text(text.to_owned()),
            false => Value::CutOff,
        }
    }

    fn afford(&mut self, cost: usize) -> bool {
        match self.left.checked_sub(cost) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

impl From<OutOfBounds> for DecodeError {
    fn from(_: OutOfBounds) -> Self {
        Self::OutOfBounds
    }
}

/// A vector of bytes with this name is a payload: RTP, RTCP or a data message. Other vectors of
/// bytes are lists of small numbers.
const PAYLOAD_FIELD: &str = "data";

/// Bytes of a payload that are shown on demand.
const SHOWN_PAYLOAD: usize = 64;

/// The deepest message has 7 levels.
const MAX_DEPTH: usize = 16;

/// How many bytes the values of one message may take. Ordinary messages take a hundredth of this.
const BUDGET: usize = 16 * 1024 * 1024;

/// What one value takes besides its text.
const VALUE_COST: usize = 48;

#[cfg(test)]
mod tests;
