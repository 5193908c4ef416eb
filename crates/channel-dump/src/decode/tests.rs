//! Every table of the schema, filled and decoded. The frames are built by slot, without the
//! generated code; that its verifier accepts them says that slots and types are right.

use std::collections::BTreeSet;

use tureen_channel_fbs::flatbuffers::{FlatBufferBuilder, UnionWIPOffset, WIPOffset};

use super::*;

#[test]
fn every_table_is_decoded() {
    let schema = Schema::of_the_channel();
    let mut seen = BTreeSet::new();
    for round in 0..ROUNDS {
        let mut filler = Filler::new(round);
        let (root, expected) = filler.table(schema.root, 0);
        filler.fbb.finish_size_prefixed(root, None);
        let decoded = Decoder::new(Secrets::Shown).decode(filler.fbb.finished_data());
        assert_eq!(decoded.as_ref(), Ok(&expected), "round {round}");
        seen.extend(filler.seen);
    }
    let unseen = schema.tables.iter().map(|table| table.name);
    let unseen: Vec<_> = unseen.filter(|name| !seen.contains(name)).collect();
    assert_eq!(unseen, UNREACHABLE);
}

#[test]
fn what_is_left_out_is_absent_or_has_its_default() {
    let schema = Schema::of_the_channel();
    for (index, table) in schema.tables.iter().enumerate() {
        let mut fbb = FlatBufferBuilder::new();
        let start = fbb.start_table();
        let empty = fbb.end_table(start);
        fbb.finish_size_prefixed(empty, None);
        let frame = fbb.finished_data();
        let root = TableView::at_offset(frame, PREFIX_LEN).expect("a sound table");
        let mut known = KnownSecrets::default();
        let mut walk = Walk {
            schema,
            secrets: Secrets::Shown,
            known: &mut known,
            left: BUDGET,
        };
        let value = walk.table(&root, index, 0).expect("a sound table");
        for field in &table.fields {
            let has_default = matches!(field.kind, FieldKind::Number(_, Some(_)));
            let found = value.get(field.name).is_some();
            assert_eq!(found, has_default, "{} {}", table.name, field.name);
        }
    }
}

#[test]
fn one_message_has_a_bound() {
    let schema = Schema::of_the_channel();
    let mut cut_off = 0;
    for round in 0..200 {
        let mut filler = Filler::new(round);
        let (root, expected) = filler.table(schema.root, 0);
        filler.fbb.finish_size_prefixed(root, None);
        let frame = filler.fbb.finished_data();
        let root = TableView::at_offset(frame, PREFIX_LEN).expect("a sound table");
        let mut known = KnownSecrets::default();
        let mut walk = Walk {
            schema,
            secrets: Secrets::Shown,
            known: &mut known,
            left: 20 * VALUE_COST,
        };
        let value = walk.table(&root, schema.root, 0).expect("a sound table");
        let is_cut_off = format!("{value:?}").contains("CutOff");
        assert_eq!(is_cut_off, value != expected);
        cut_off += usize::from(is_cut_off);
    }
    assert!(cut_off > 20, "{cut_off}");
}

/// Fills tables with values that are all different.
struct Filler {
    fbb: FlatBufferBuilder<'static>,
    /// Marsaglia's xorshift: which members and values are taken.
    random: u64,
    counter: u8,
    seen: BTreeSet<&'static str>,
}

/// A field that was built before its table, as it has to be.
enum Built {
    Offset(WIPOffset<UnionWIPOffset>),
    Bytes([u8; 8], usize),
    Tagged(u8, WIPOffset<UnionWIPOffset>),
}

type Filled = (Built, Value);

impl Filler {
    fn new(round: u64) -> Self {
        Self {
            fbb: FlatBufferBuilder::new(),
            random: (round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            counter: 0,
            seen: BTreeSet::new(),
        }
    }

    fn table(&mut self, table: usize, depth: usize) -> (WIPOffset<UnionWIPOffset>, Value) {
        let table = &Schema::of_the_channel().tables[table];
        self.seen.insert(table.name);
        let built: Vec<(&Field, Filled)> = table
            .fields
            .iter()
            .map(|field| (field, self.field(field, depth + 1)))
            .collect();
        let start = self.fbb.start_table();
        let mut fields = Vec::new();
        for (field, (built, value)) in built {
            let entry = |slot: u16| 4 + 2 * slot;
            match built {
                Built::Offset(at) => self.fbb.push_slot_always(entry(field.slot), at),
                Built::Bytes(bytes, 1) => self.fbb.push_slot_always(entry(field.slot), bytes[0]),
                Built::Bytes(bytes, 2) => {
                    let number = u16::from_le_bytes([bytes[0], bytes[1]]);
                    self.fbb.push_slot_always(entry(field.slot), number);
                }
                Built::Bytes(bytes, 4) => {
                    let number = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                    self.fbb.push_slot_always(entry(field.slot), number);
                }
                Built::Bytes(bytes, _) => {
                    let number = u64::from_le_bytes(bytes);
                    self.fbb.push_slot_always(entry(field.slot), number);
                }
                Built::Tagged(tag, at) => {
                    let FieldKind::Union { tag_slot, .. } = field.kind else {
                        panic!("{} has no tag", field.name);
                    };
                    self.fbb.push_slot_always(entry(tag_slot), tag);
                    self.fbb.push_slot_always(entry(field.slot), at);
                }
            }
            fields.push((field.name, value));
        }
        let end = self.fbb.end_table(start);
        (WIPOffset::new(end.value()), Value::Table(fields))
    }

    fn field(&mut self, field: &Field, depth: usize) -> Filled {
        match field.kind {
            FieldKind::Number(number, _) => {
                let (bytes, value) = self.number(number);
                (Built::Bytes(bytes, number.scalar.size()), value)
            }
            FieldKind::Text => {
                let (at, value) = self.text();
                (Built::Offset(at), value)
            }
            FieldKind::Table(of) => {
                let (at, value) = self.table(of, depth);
                (Built::Offset(at), value)
            }
            FieldKind::Union { of, .. } => {
                let members = &Schema::of_the_channel().enums[of].values;
                // Statistics hold statistics; the first member of their union ends that.
                let nth = if depth > 6 {
                    0
                } else {
                    self.below(members.len() - 1)
                };
                let member = &members[1 + nth];
                let table = member.table.expect("a member has a table");
                let (at, value) = self.table(table, depth);
                let tag = u8::try_from(member.number).expect("a tag is a byte");
                let value = Value::Table(vec![(member.name, value)]);
                (Built::Tagged(tag, at), value)
            }
            FieldKind::Numbers(number) => self.numbers(number, field.name),
            FieldKind::Texts => {
                let (texts, values): (Vec<_>, Vec<_>) = (0..3).map(|_| self.text()).unzip();
                let at = self.fbb.create_vector(&texts);
                (
                    Built::Offset(WIPOffset::new(at.value())),
                    Value::List(values),
                )
            }
            FieldKind::Tables(of) => {
                let (tables, values): (Vec<_>, Vec<_>) =
                    (0..2).map(|_| self.table(of, depth)).unzip();
                let at = self.fbb.create_vector(&tables);
                (
                    Built::Offset(WIPOffset::new(at.value())),
                    Value::List(values),
                )
            }
        }
    }

    fn numbers(&mut self, number: Number, name: &str) -> Filled {
        let (bytes, values): (Vec<_>, Vec<_>) = (0..3).map(|_| self.number(number)).unzip();
        let at = match number.scalar.size() {
            1 => {
                let bytes: Vec<u8> = bytes.iter().map(|bytes| bytes[0]).collect();
                self.fbb.create_vector(&bytes).value()
            }
            2 => {
                let numbers = bytes.iter().map(|of| u16::from_le_bytes([of[0], of[1]]));
                let numbers: Vec<u16> = numbers.collect();
                self.fbb.create_vector(&numbers).value()
            }
            4 => {
                let numbers = bytes
                    .iter()
                    .map(|of| u32::from_le_bytes([of[0], of[1], of[2], of[3]]));
                let numbers: Vec<u32> = numbers.collect();
                self.fbb.create_vector(&numbers).value()
            }
            8 => {
                let numbers = bytes.iter().map(|of| u64::from_le_bytes(*of));
                let numbers: Vec<u64> = numbers.collect();
                self.fbb.create_vector(&numbers).value()
            }
            size => panic!("no vector of the channel has numbers of {size} bytes"),
        };
        let value = match name {
            "data" => Value::Payload {
                len: 3,
                begin: Some(bytes.iter().map(|bytes| bytes[0]).collect()),
            },
            _ => Value::List(values),
        };
        (Built::Offset(WIPOffset::new(at)), value)
    }

    /// Bytes of a number, all different and the sign bit set, and what they mean.
    fn number(&mut self, number: Number) -> ([u8; 8], Value) {
        if let Some(of) = number.of {
            // One beyond the last value is a number without a name.
            let values = &Schema::of_the_channel().enums[of].values;
            let nth = self.below(values.len() + 1);
            let (bytes, value) = match values.get(nth) {
                Some(value) => (value.number.to_le_bytes(), Value::Name(value.name)),
                None => (200_u64.to_le_bytes(), Value::Unsigned(200)),
            };
            return (bytes, value);
        }
        self.counter = self.counter % 100 + 1;
        let low = self.counter;
        let bytes = [low, 0x82, 0x83, 0xc1, 0x85, 0x86, 0x87, 0xc8];
        let [a, b, c, d, ..] = bytes;
        let value = match number.scalar {
            Scalar::Bool => {
                let truth = low % 2;
                return ([truth; 8], Value::Bool(truth == 1));
            }
            Scalar::I8 => Value::Signed(i64::from(i8::from_le_bytes([a]))),
            Scalar::U8 => Value::Unsigned(u64::from(a)),
            Scalar::I16 => Value::Signed(i64::from(i16::from_le_bytes([a, b]))),
            Scalar::U16 => Value::Unsigned(u64::from(u16::from_le_bytes([a, b]))),
            Scalar::I32 => Value::Signed(i64::from(i32::from_le_bytes([a, b, c, d]))),
            Scalar::U32 => Value::Unsigned(u64::from(u32::from_le_bytes([a, b, c, d]))),
            Scalar::I64 => Value::Signed(i64::from_le_bytes(bytes)),
            Scalar::U64 => Value::Unsigned(u64::from_le_bytes(bytes)),
            Scalar::F32 => Value::Single(f32::from_le_bytes([a, b, c, d])),
            Scalar::F64 => Value::Double(f64::from_le_bytes(bytes)),
        };
        (bytes, value)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let bound = u64::try_from(bound).expect("a small bound");
        usize::try_from(self.random % bound).expect("below a usize")
    }

    fn text(&mut self) -> (WIPOffset<UnionWIPOffset>, Value) {
        self.counter = self.counter % 100 + 1;
        let text = format!("text {}", self.counter);
        let at = self.fbb.create_string(&text);
        (WIPOffset::new(at.value()), Value::Text(text))
    }
}

/// Frames that are built; 39 kinds of request have to come up.
const ROUNDS: u64 = 2000;

/// Tables that no message leads to.
const UNREACHABLE: [&str; 1] = ["FBS.Common.StringUint8"];
