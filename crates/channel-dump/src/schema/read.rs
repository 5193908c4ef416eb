//! Reads a compiled schema. Slots and numbers are those of the FlatBuffers compiler's
//! `reflection.fbs`.

use super::{Enum, EnumValue, Field, FieldKind, Literal, Number, Scalar, Schema, Table};
use crate::view::{OFFSET_LEN, TableView};

/// The schema in `bytes`; none if they are not a compiled schema.
pub(super) fn schema(bytes: &'static [u8]) -> Option<Schema> {
    if bytes.get(4..8)? != b"BFBS" {
        return None;
    }
    let root = TableView::at_offset(bytes, 0).ok()?;
    let objects = tables(&root, 0)?;
    let root_name = text(&root.table(4).ok()??, 0)?;
    let tables: Option<Vec<Table>> = objects.iter().map(table).collect();
    let tables = tables?;
    Some(Schema {
        root: tables.iter().position(|table| table.name == root_name)?,
        tables,
        enums: self::tables(&root, 1)?
            .iter()
            .map(enumeration)
            .collect::<Option<_>>()?,
    })
}

fn enumeration(of: &View) -> Option<Enum> {
    let values = tables(of, 1)?.into_iter().map(|value| {
        let member = value.table(3).ok()?;
        Some(EnumValue {
            name: text(&value, 0)?,
            number: integer::<8>(&value, 1)?,
            table: match member {
                Some(of) if base(&of, 0)? == OBJECT => Some(index(&of)?),
                _ => None,
            },
        })
    });
    Some(Enum {
        values: values.collect::<Option<_>>()?,
    })
}

fn table(of: &View) -> Option<Table> {
    // A struct has no vtable, and the channel has no structs.
    if integer::<1>(of, 2)? != 0 {
        return None;
    }
    let mut fields = Vec::new();
    for field in tables(of, 1)? {
        let type_of = field.table(1).ok()??;
        let base = base(&type_of, 0)?;
        if base == TAG {
            continue;
        }
        let slot = u16::from_le_bytes(field.number(2).ok()?.unwrap_or_default());
        fields.push(Field {
            name: text(&field, 0)?,
            slot,
            kind: kind(&field, &type_of, base, slot)?,
        });
    }
    fields.sort_by_key(|field| field.slot);
    Some(Table {
        name: text(of, 0)?,
        fields,
    })
}

fn kind(field: &View, type_of: &View, base_type: u8, slot: u16) -> Option<FieldKind> {
    Some(match base_type {
        STRING => FieldKind::Text,
        OBJECT => FieldKind::Table(index(type_of)?),
        UNION => FieldKind::Union {
            // "A union field is preceded by its tag": the compiler adds it one slot before.
            tag_slot: slot.checked_sub(1)?,
            of: index(type_of)?,
        },
        VECTOR => match base(type_of, 1)? {
            STRING => FieldKind::Texts,
            OBJECT => FieldKind::Tables(index(type_of)?),
            element => FieldKind::Numbers(number(type_of, element)?),
        },
        _ => {
            let number = number(type_of, base_type)?;
            FieldKind::Number(number, default(field, number.scalar)?)
        }
    })
}

fn number(type_of: &View, base_type: u8) -> Option<Number> {
    Some(Number {
        scalar: scalar(base_type)?,
        of: index(type_of),
    })
}

/// The outer `None` is a schema that cannot be read, the inner one a field that may be absent.
fn default(field: &View, scalar: Scalar) -> Option<Option<Literal>> {
    let is_optional = field.number::<1>(11).ok()?.unwrap_or_default() == [1];
    if is_optional {
        return Some(None);
    }
    Some(Some(match scalar {
        Scalar::F32 | Scalar::F64 => Literal::Real(f64::from_le_bytes(
            field.number(5).ok()?.unwrap_or_default(),
        )),
        _ => Literal::Integer(integer::<8>(field, 4)?),
    }))
}

fn scalar(base: u8) -> Option<Scalar> {
    Some(match base {
        2 => Scalar::Bool,
        3 => Scalar::I8,
        4 => Scalar::U8,
        5 => Scalar::I16,
        6 => Scalar::U16,
        7 => Scalar::I32,
        8 => Scalar::U32,
        9 => Scalar::I64,
        10 => Scalar::U64,
        11 => Scalar::F32,
        12 => Scalar::F64,
        _ => return None,
    })
}

/// Index of the table or enum that a type refers to.
fn index(type_of: &View) -> Option<usize> {
    let index = i32::from_le_bytes(type_of.number(2).ok()??);
    usize::try_from(index).ok()
}

fn base(type_of: &View, slot: u16) -> Option<u8> {
    Some(u8::from_le_bytes(
        type_of.number(slot).ok()?.unwrap_or_default(),
    ))
}

fn integer<const N: usize>(view: &View, slot: u16) -> Option<i64> {
    let mut wide = [0; 8];
    let bytes = view.number::<N>(slot).ok()?.unwrap_or([0; N]);
    wide.get_mut(..N)?.copy_from_slice(&bytes);
    Some(i64::from_le_bytes(wide))
}

fn text(view: &View, slot: u16) -> Option<&'static str> {
    view.text(slot).ok()?
}

fn tables(view: &View, slot: u16) -> Option<Vec<View>> {
    let Some(vector) = view.vector(slot, OFFSET_LEN).ok()? else {
        return Some(Vec::new());
    };
    (0..vector.len())
        .map(|index| vector.table(index).ok())
        .collect()
}

type View = TableView<'static>;

// Base types of `reflection.fbs`.
const TAG: u8 = 1;
const STRING: u8 = 13;
const VECTOR: u8 = 14;
const OBJECT: u8 = 15;
const UNION: u8 = 16;
