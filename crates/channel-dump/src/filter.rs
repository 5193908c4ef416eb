//! Choosing messages by name, id and time.

use std::time::Duration;

use crate::message::Message;
use crate::schema::Schema;
use crate::value::Value;

/// Which messages are wanted. The default wants all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Names of methods and events, in any case; `*` stands for any letters. None wants all.
    pub methods: Vec<String>,
    /// The beginning of an id. It may be the id of the message's entity or an id in the body.
    pub id: Option<String>,
    /// Nothing before this time since the start.
    pub from: Option<Duration>,
    /// Nothing after this time since the start.
    pub until: Option<Duration>,
}

impl Filter {
    /// Whether a message is wanted by its names and ids. A response does not say its method, so it
    /// is wanted when its request was.
    pub fn wants(&self, message: &Message) -> bool {
        self.wants_name(message) && self.wants_id(message)
    }

    /// Whether the time is one that is wanted.
    pub fn is_within(&self, at: Duration) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at <= until)
    }

    /// Whether neither methods nor ids are asked for.
    pub fn is_unnamed(&self) -> bool {
        self.methods.is_empty() && self.id.is_none()
    }

    fn wants_name(&self, message: &Message) -> bool {
        let name = message.name().unwrap_or_default();
        self.methods.is_empty()
            || self
                .methods
                .iter()
                .any(|pattern| matches(pattern.as_bytes(), name.as_bytes()))
    }

    fn wants_id(&self, message: &Message) -> bool {
        let Some(id) = &self.id else {
            return true;
        };
        let of_handler = message.handler_id();
        of_handler.is_some_and(|handler| !handler.is_empty() && handler.starts_with(id.as_str()))
            || message.body().is_some_and(|body| names(&body.value, id))
    }
}

/// Whether a method, an event or another word of the channel fits the pattern of a filter, so that a
/// misspelt one is told from one that did not occur.
pub fn is_known_name(pattern: &str) -> bool {
    let enums = &Schema::of_the_channel().enums;
    let mut values = enums.iter().flat_map(|one| &one.values);
    values.any(|value| value.table.is_none() && matches(pattern.as_bytes(), value.name.as_bytes()))
}

/// Whether a table names this id in a field that holds ids.
fn names(value: &Value, id: &str) -> bool {
    match value {
        Value::Table(fields) => fields.iter().any(|(name, value)| match value {
            Value::Text(text) => (*name == "id" || name.ends_with("_id")) && text.starts_with(id),
            Value::List(elements) if name.ends_with("_ids") => elements
                .iter()
                .any(|element| element.as_str().is_some_and(|text| text.starts_with(id))),
            inner => names(inner, id),
        }),
        Value::List(elements) => elements.iter().any(|element| names(element, id)),
        _ => false,
    }
}

/// Whether a name fits a pattern in which `*` stands for any letters.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    // If the rest after the last star does not fit, we go on one letter further.
    let mut again: Option<(usize, usize)> = None;
    let (mut at_pattern, mut at_name) = (0, 0);
    while at_name < name.len() {
        match pattern.get(at_pattern) {
            Some(b'*') => {
                again = Some((at_pattern + 1, at_name + 1));
                at_pattern += 1;
            }
            Some(letter) if letter.eq_ignore_ascii_case(&name[at_name]) => {
                at_pattern += 1;
                at_name += 1;
            }
            _ => match &mut again {
                Some((after_star, next)) => {
                    at_pattern = *after_star;
                    at_name = *next;
                    *next += 1;
                }
                None => return false,
            },
        }
    }
    pattern[at_pattern..].iter().all(|letter| *letter == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("ROUTER_DUMP", "ROUTER_DUMP", true),
            ("router_dump", "ROUTER_DUMP", true),
            ("router", "ROUTER_DUMP", false),
            ("router*", "ROUTER_DUMP", true),
            ("*dump", "ROUTER_DUMP", true),
            ("*dump", "ROUTER_DUMPS", false),
            ("*_ice*change", "WEBRTCTRANSPORT_ICE_STATE_CHANGE", true),
            ("*_ice*chance", "WEBRTCTRANSPORT_ICE_STATE_CHANGE", false),
            ("**", "", true),
            ("", "", true),
            ("", "A", false),
        ] {
            let fits = matches(pattern.as_bytes(), name.as_bytes());
            assert_eq!(fits, expected, "{pattern} {name}");
        }
    }

    #[test]
    fn ids_are_looked_for_in_the_body() {
        let body =
            |field, value| Value::Table(vec![("options", Value::Table(vec![(field, value)]))]);
        let text = || Value::Text("abcd-1".to_owned());
        assert!(names(&body("producer_id", text()), "abc"));
        assert!(names(
            &body("consumer_ids", Value::List(vec![text()])),
            "abcd-1"
        ));
        assert!(!names(&body("producer_id", text()), "bcd"));
        assert!(!names(&body("mid", text()), "abc"));
    }

    #[test]
    fn time_has_both_ends() {
        let second = Duration::from_secs(1);
        let filter = Filter {
            from: Some(second),
            until: Some(2 * second),
            ..Filter::default()
        };
        let within = [0, 1, 2, 3].map(|at| filter.is_within(at * second));
        assert_eq!(within, [false, true, true, false]);
    }
}
