//! The parameters of a codec or header extension.

use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Value of a codec-specific or header-extension parameter.
///
/// Integral JSON numbers of 32 bits become [`Integer`](Self::Integer), all others
/// [`Double`](Self::Double), so that two values are equal when their JSON numbers are.
#[derive(Clone, Debug, PartialEq)]
pub enum ParameterValue {
    /// `true` or `false`. The worker reports them; the ORTC functions refuse them.
    Boolean(bool),
    /// An integral number between −2³¹ and 2³¹ − 1.
    Integer(i32),
    /// Any other number.
    Double(f64),
    /// A text.
    String(String),
}

impl ParameterValue {
    /// The text, when this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Whether this is a number.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Integer(_) | Self::Double(_))
    }
}

impl From<i32> for ParameterValue {
    fn from(value: i32) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for ParameterValue {
    fn from(value: f64) -> Self {
        let in_range = value >= f64::from(i32::MIN) && value <= f64::from(i32::MAX);
        if in_range && value.fract() == 0.0 {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the value is integral and within the range of i32"
            )]
            return Self::Integer(value as i32);
        }
        Self::Double(value)
    }
}

impl From<bool> for ParameterValue {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<&str> for ParameterValue {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl Serialize for ParameterValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_i32(*value),
            Self::Double(value) => serializer.serialize_f64(*value),
            Self::String(value) => serializer.serialize_str(value),
        }
    }
}

impl<'de> Deserialize<'de> for ParameterValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ParameterValueVisitor)
    }
}

struct ParameterValueVisitor;

impl Visitor<'_> for ParameterValueVisitor {
    type Value = ParameterValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a number or a boolean")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<ParameterValue, E> {
        Ok(ParameterValue::Boolean(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<ParameterValue, E> {
        // JSON numbers are doubles wherever JavaScript speaks.
        let wide = value as f64;
        Ok(i32::try_from(value).map_or(ParameterValue::Double(wide), ParameterValue::Integer))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<ParameterValue, E> {
        let wide = value as f64;
        Ok(i32::try_from(value).map_or(ParameterValue::Double(wide), ParameterValue::Integer))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<ParameterValue, E> {
        Ok(ParameterValue::from(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<ParameterValue, E> {
        Ok(ParameterValue::from(value))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<ParameterValue, E> {
        Ok(ParameterValue::String(value))
    }
}

/// Named parameters in the order they were given, each name once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CodecParameters(Vec<(String, ParameterValue)>);

impl CodecParameters {
    /// No parameters.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&ParameterValue> {
        let (_, value) = self.0.iter().find(|(key, _)| key == name)?;
        Some(value)
    }

    /// The value of `name`, unless it is absent, empty or zero, which all mean the default.
    pub(crate) fn given(&self, name: &str) -> Option<&ParameterValue> {
        self.get(name).filter(|value| match value {
            ParameterValue::Integer(number) => *number != 0,
            ParameterValue::String(text) => !text.is_empty(),
            ParameterValue::Boolean(_) | ParameterValue::Double(_) => true,
        })
    }

    /// Sets `name`, in its old place when it was there.
    pub fn set(&mut self, name: &str, value: impl Into<ParameterValue>) {
        let value = value.into();
        match self.0.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Removes `name` and returns what it was.
    pub fn remove(&mut self, name: &str) -> Option<ParameterValue> {
        let index = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.remove(index).1)
    }

    /// Sets every parameter of `other`.
    pub fn extend(&mut self, other: &Self) {
        for (name, value) in other.iter() {
            self.set(name, value.clone());
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ParameterValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl<const N: usize> From<[(&str, ParameterValue); N]> for CodecParameters {
    fn from(pairs: [(&str, ParameterValue); N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl<'a> FromIterator<(&'a str, ParameterValue)> for CodecParameters {
    fn from_iter<I: IntoIterator<Item = (&'a str, ParameterValue)>>(pairs: I) -> Self {
        let mut parameters = Self::new();
        for (name, value) in pairs {
            parameters.set(name, value);
        }
        parameters
    }
}

impl Serialize for CodecParameters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for CodecParameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapVisitor;

        impl<'de> Visitor<'de> for MapVisitor {
            type Value = CodecParameters;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of parameters")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<CodecParameters, A::Error> {
                let mut parameters = CodecParameters::new();
                while let Some((name, value)) = map.next_entry::<String, ParameterValue>()? {
                    parameters.set(&name, value);
                }
                Ok(parameters)
            }
        }

        deserializer.deserialize_map(MapVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_keep_order_and_number_kinds() {
        let json = r#"{"b":1,"a":"x","c":1.5,"d":true,"e":2.0,"f":5000000000}"#;
        let parameters: CodecParameters = serde_json::from_str(json).unwrap();
        assert_eq!(parameters.get("e"), Some(&ParameterValue::Integer(2)));
        assert_eq!(parameters.get("f"), Some(&ParameterValue::Double(5e9)));
        let names: Vec<_> = parameters.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["b", "a", "c", "d", "e", "f"]);
        assert!(serde_json::from_str::<CodecParameters>(r#"{"a":null}"#).is_err());
        assert!(serde_json::from_str::<CodecParameters>(r#"{"a":[]}"#).is_err());
    }
}
