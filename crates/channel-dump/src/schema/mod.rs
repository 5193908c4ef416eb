//! The channel's schema at run time: names, slots, types and defaults of every table.

mod read;

use std::sync::OnceLock;

use tureen_channel_fbs::COMPILED_SCHEMA;

/// Every table and enum of the channel.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) tables: Vec<Table>,
    pub(crate) enums: Vec<Enum>,
    /// Index of the table that a frame begins with.
    pub(crate) root: usize,
}

#[derive(Debug)]
pub(crate) struct Table {
    /// With its namespace: `FBS.Transport.Tuple`.
    pub(crate) name: &'static str,
    /// In the order of their slots; the tags of unions are not among them.
    pub(crate) fields: Vec<Field>,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) slot: u16,
    pub(crate) kind: FieldKind,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum FieldKind {
    /// A number, and its default when it is left out; `None` means that it is then absent.
    Number(Number, Option<Literal>),
    Text,
    /// Index of its table.
    Table(usize),
    /// Index of its enum, whose members name tables.
    Union {
        tag_slot: u16,
        of: usize,
    },
    Numbers(Number),
    Texts,
    /// Index of their table.
    Tables(usize),
}

/// A number and the enum that it belongs to, by index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number {
    pub(crate) scalar: Scalar,
    pub(crate) of: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Bool,
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
}

/// The default of a number, as the compiled schema stores it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Literal {
    Integer(i64),
    Real(f64),
}

#[derive(Debug)]
pub(crate) struct Enum {
    /// Values of an enum, members of a union.
    pub(crate) values: Vec<EnumValue>,
}

#[derive(Debug)]
pub(crate) struct EnumValue {
    pub(crate) name: &'static str,
    pub(crate) number: i64,
    /// For a member of a union, the index of its table.
    pub(crate) table: Option<usize>,
}

impl Schema {
    /// The schema that this build was made with.
    pub(crate) fn of_the_channel() -> &'static Self {
        static SCHEMA: OnceLock<Schema> = OnceLock::new();
        SCHEMA.get_or_init(|| {
            read::schema(COMPILED_SCHEMA).expect("the committed schema is one that the tests read")
        })
    }
}

impl Enum {
    pub(crate) fn value(&self, number: i64) -> Option<&EnumValue> {
        self.values.iter().find(|value| value.number == number)
    }
}

impl Scalar {
    /// Bytes in a frame.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_the_contract_is_there() {
        // Of mediasoup's contract, and of our metrics.
        let schema = Schema::of_the_channel();
        assert_eq!(schema.tables.len(), 176 + 4);
        // 22 enums and 10 unions.
        assert_eq!(schema.enums.len(), 32);
        assert_eq!(schema.tables[schema.root].name, "FBS.Message.Message");
        let fields = schema.tables.iter().map(|table| table.fields.len());
        assert_eq!(fields.sum::<usize>(), 575 + 28);
    }

    #[test]
    fn fields_are_in_the_order_of_their_slots() {
        for table in &Schema::of_the_channel().tables {
            let slots = table.fields.iter().map(|field| field.slot);
            assert!(slots.is_sorted(), "{}", table.name);
        }
    }

    #[test]
    fn bytes_that_are_no_schema_are_refused() {
        for len in 0..200 {
            assert!(read::schema(&COMPILED_SCHEMA[..len]).is_none());
        }
    }
}
