//! Names, chat, ids and secrets.

use super::*;

#[test]
fn a_person_is_found_by_one_who_has_the_same_name() {
    let mut scene = Scene::new(meeting(true));
    let (ann, bob) = (scene.join("Ann"), scene.join("Bob"));
    let again = scene
        .try_join("Ann", Permissions::GUEST, &options())
        .unwrap();
    let me = again.participants.last().unwrap().profile.id;
    assert_eq!(again.find("Ann", me), Some(ann));
    assert_eq!(again.find(&ann.to_string(), me), Some(ann));
    assert_eq!(again.find(&me.to_string(), me), None);
    // For a third one there are two of the name.
    assert_eq!(again.find("Ann", bob), None);
}

#[test]
fn names_are_printable_and_visible() {
    let limits = limits();
    for name in [
        "",
        "  ",
        "a\nb",
        "\u{202e}evil",
        "12345678901",
        "\u{200b}",
        "\u{3164}\u{2800}",
        "\u{feff} \u{2060}",
        "\u{e0041}",
    ] {
        assert_eq!(
            limits.name(name),
            Err(RoomError::BadName { max: 10 }),
            "{name:?}"
        );
    }
    for name in ["Zoë 🥣", "👩\u{200d}🚀", "می\u{200c}خواهم"] {
        assert_eq!(limits.name(&format!(" {name} ")), Ok(name.to_owned()));
    }
}

#[test]
fn chat_takes_ordinary_text() {
    let limits = limits();
    for (written, shown) in [
        ("a\tb", "a\tb"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("\u{200f}שלום\u{200e}", "\u{200f}שלום\u{200e}"),
        ("\u{2068}x\u{2069}", "\u{2068}x\u{2069}"),
    ] {
        assert_eq!(limits.chat(written), Ok(shown.to_owned()));
    }
    assert_eq!(limits.chat(" \n "), Err(RoomError::EmptyChat));
    assert_eq!(
        limits.chat(&"x".repeat(21)),
        Err(RoomError::LongChat { max: 20 })
    );
    assert_eq!(limits.chat("a\0b"), Err(RoomError::ControlInChat));
}

#[test]
fn ids_are_read_as_they_are_written() {
    assert!(RoomId::parse("a/b").is_err());
    assert!(RoomId::parse(&RoomId::random().to_string()).is_ok());
    let person = PersonId::random();
    assert_eq!(PersonId::parse(&person.to_string()), Some(person));
    assert_eq!(PersonId::parse("p1"), None);
    let ring = RingId::random();
    assert_eq!(RingId::parse(&ring.to_string()), Some(ring));
    for text in ["", "a\nb", &"x".repeat(257)] {
        assert_eq!(text.parse::<Identity>(), Err(RoomError::BadIdentity));
    }
}

#[test]
fn a_secret_is_all_of_it() {
    let secret = Secret::random();
    let text = secret.reveal().to_owned();
    assert!(secret.is(&text));
    assert!(!secret.is(&text[1..]) && !secret.is("") && !secret.is(&format!("{text}0")));
    assert_eq!(format!("{secret:?}"), "Secret(…)");
}
