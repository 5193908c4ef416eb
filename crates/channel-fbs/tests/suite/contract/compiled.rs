//! Facts of the compiled schema: a FlatBuffer of the compiler's own schema for schemas. It is
//! read by slot here, without generated code, so that nothing is checked by itself.

use super::Facts;

pub(super) fn facts(bytes: &[u8]) -> Facts {
    let schema = Schema::new(bytes);
    let mut facts = Facts::new();
    for of in &schema.enums {
        schema.add_enum(of, &mut facts);
    }
    for of in &schema.objects {
        schema.add_table(of, &mut facts);
    }
    facts
}

/// Name of the root table.
pub(super) fn root(bytes: &[u8]) -> String {
    Schema::new(bytes)
        .root
        .table(4)
        .expect("a root table")
        .text(0)
}

struct Schema<'a> {
    root: Table<'a>,
    objects: Vec<Table<'a>>,
    enums: Vec<Table<'a>>,
}

impl<'a> Schema<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        assert_eq!(&bytes[4..8], b"BFBS", "file identifier");
        let root = Table::at_offset(bytes, 0);
        let (objects, enums) = (root.tables(0), root.tables(1));
        Self {
            root,
            objects,
            enums,
        }
    }

    fn add_enum(&self, of: &Table<'_>, facts: &mut Facts) {
        let name = of.text(0);
        let is_union = of.number::<1>(2, 0) == 1;
        if is_union {
            facts.insert(format!("union {name}"), String::new());
        } else {
            let underlying = of.table(3).expect("an underlying type").number::<1>(0, 0);
            facts.insert(format!("enum {name}"), scalar(underlying).to_owned());
        }
        for value in of.tables(1) {
            let (member, number) = (value.text(0), value.number::<8>(1, 0));
            let member_type = value.table(3).filter(|of| of.number::<1>(0, 0) == OBJECT);
            match (is_union, member_type) {
                (false, _) => facts.insert(format!("enum {name} {member}"), number.to_string()),
                (true, Some(of)) => facts.insert(
                    format!("union {name} {member}"),
                    format!("tag {number}, {}", self.object_name(&of)),
                ),
                (true, None) => {
                    assert_eq!((member.as_str(), number), ("NONE", 0), "of union {name}");
                    None
                }
            };
        }
    }

    fn add_table(&self, of: &Table<'_>, facts: &mut Facts) {
        let name = of.text(0);
        assert_eq!(of.number::<1>(2, 0), 0, "{name} is a struct");
        facts.insert(format!("table {name}"), String::new());
        let fields = of.tables(1);
        let base_type = |field: &Table<'_>| field.table(1).expect("a type").number::<1>(0, 0);
        for field in &fields {
            let field_name = field.text(0);
            let slot = field.number::<2>(2, 0);
            assert_eq!(field.number::<2>(3, 0), 4 + 2 * slot, "{name} {field_name}");
            assert_eq!(field.number::<1>(6, 0), 0, "{name} {field_name} deprecated");
            if base_type(field) == TAG {
                // The tag of a union is a fact of the union field that follows it.
                continue;
            }
            let mut fact = format!("slot {slot}, {}", self.type_name(field));
            if base_type(field) == UNION {
                let tag_name = format!("{field_name}_type");
                let tag = fields.iter().find(|field| field.text(0) == tag_name);
                let tag = tag.expect("a union field has a tag field");
                assert_eq!(base_type(tag), TAG, "{name} {tag_name}");
                assert_eq!(self.type_name(tag), self.type_name(field));
                fact += &format!(", tag slot {}", tag.number::<2>(2, 0));
            }
            if field.number::<1>(7, 0) == 1 {
                fact += ", required";
            }
            if let Some(default) = default(field, base_type(field)) {
                fact += &format!(", default {default}");
            }
            facts.insert(format!("table {name} {field_name}"), fact);
        }
        let tags = fields.iter().filter(|field| base_type(field) == TAG);
        let unions = fields.iter().filter(|field| base_type(field) == UNION);
        assert_eq!(tags.count(), unions.count(), "tags of {name}");
    }

    fn type_name(&self, field: &Table<'_>) -> String {
        let of = field.table(1).expect("a type");
        match of.number::<1>(0, 0) {
            VECTOR => format!("[{}]", self.plain_type_name(&of, of.number::<1>(1, 0))),
            base => self.plain_type_name(&of, base),
        }
    }

    fn plain_type_name(&self, of: &Table<'_>, base: i64) -> String {
        let index = of.number::<4>(2, -1);
        match (base, usize::try_from(index)) {
            (OBJECT, _) => self.object_name(of),
            (_, Ok(index)) => self.enums[index].text(0),
            (STRING, Err(_)) => "string".to_owned(),
            (_, Err(_)) => scalar(base).to_owned(),
        }
    }

    fn object_name(&self, of: &Table<'_>) -> String {
        let index = usize::try_from(of.number::<4>(2, -1)).expect("an object has an index");
        self.objects[index].text(0)
    }
}

fn default(field: &Table<'_>, base: i64) -> Option<String> {
    let is_real = REALS.contains(&base);
    match (BOOL..=DOUBLE).contains(&base) {
        false => None,
        true if field.number::<1>(11, 0) == 1 => Some("null".to_owned()),
        true if is_real => Some(field.real(5).to_string()),
        true => Some(field.number::<8>(4, 0).to_string()),
    }
}

fn scalar(base: i64) -> &'static str {
    match base {
        BOOL => "bool",
        3 => "int8",
        4 => "uint8",
        5 => "int16",
        6 => "uint16",
        7 => "int32",
        8 => "uint32",
        9 => "int64",
        10 => "uint64",
        11 => "float32",
        DOUBLE => "float64",
        other => panic!("base type {other}"),
    }
}

/// A table of a trusted buffer. Slots are those of the compiler's `reflection.fbs`.
#[derive(Clone, Copy)]
struct Table<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Table<'a> {
    /// The table that the offset at `position` leads to.
    fn at_offset(bytes: &'a [u8], position: usize) -> Self {
        Self {
            bytes,
            position: position + unsigned::<4>(bytes, position),
        }
    }

    /// Where the value of a slot lies, `None` for a default.
    fn slot(&self, slot: usize) -> Option<usize> {
        let back = i32::from_le_bytes(array(self.bytes, self.position));
        let vtable = i64::try_from(self.position).expect("a small file") - i64::from(back);
        let vtable = usize::try_from(vtable).expect("a vtable in the file");
        let entry = 4 + 2 * slot;
        if entry >= unsigned::<2>(self.bytes, vtable) {
            return None;
        }
        match unsigned::<2>(self.bytes, vtable + entry) {
            0 => None,
            offset => Some(self.position + offset),
        }
    }

    /// A number of `N` bytes; those of 4 and 8 bytes are signed in this schema.
    fn number<const N: usize>(&self, slot: usize, default: i64) -> i64 {
        let Some(position) = self.slot(slot) else {
            return default;
        };
        match N {
            4 => i64::from(i32::from_le_bytes(array(self.bytes, position))),
            8 => i64::from_le_bytes(array(self.bytes, position)),
            _ => i64::try_from(unsigned::<N>(self.bytes, position)).expect("a small number"),
        }
    }

    fn real(&self, slot: usize) -> f64 {
        self.slot(slot)
            .map_or(0.0, |at| f64::from_le_bytes(array(self.bytes, at)))
    }

    fn text(&self, slot: usize) -> String {
        let position = self.slot(slot).expect("a text");
        let start = position + unsigned::<4>(self.bytes, position);
        let text = &self.bytes[start + 4..][..unsigned::<4>(self.bytes, start)];
        String::from_utf8(text.to_vec()).expect("names are UTF-8")
    }

    fn table(&self, slot: usize) -> Option<Self> {
        self.slot(slot).map(|at| Self::at_offset(self.bytes, at))
    }

    fn tables(&self, slot: usize) -> Vec<Self> {
        let Some(position) = self.slot(slot) else {
            return Vec::new();
        };
        let start = position + unsigned::<4>(self.bytes, position);
        (0..unsigned::<4>(self.bytes, start))
            .map(|index| Self::at_offset(self.bytes, start + 4 + 4 * index))
            .collect()
    }
}

fn array<const N: usize>(bytes: &[u8], position: usize) -> [u8; N] {
    *bytes[position..].first_chunk().expect("a whole file")
}

fn unsigned<const N: usize>(bytes: &[u8], position: usize) -> usize {
    let digits = array::<N>(bytes, position);
    digits
        .iter()
        .rev()
        .fold(0, |number, digit| (number << 8) | usize::from(*digit))
}

// Base types of `reflection.fbs`.
const TAG: i64 = 1;
const BOOL: i64 = 2;
const REALS: [i64; 2] = [11, DOUBLE];
const DOUBLE: i64 = 12;
const STRING: i64 = 13;
const VECTOR: i64 = 14;
const OBJECT: i64 = 15;
const UNION: i64 = 16;
