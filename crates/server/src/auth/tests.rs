//! Tokens of independent implementations, and forged tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use super::*;
use crate::auth::claims::Video;

const KEY: &str = "devkey:a-secret-of-thirty-two-characters";

/// A token of `testdata/tokens.txt`, which says how it was made.
fn token(name: &str) -> &'static str {
    let lines = include_str!("testdata/tokens.txt").lines();
    let mut pairs = lines.filter_map(|line| line.split_once(' '));
    pairs
        .find(|(one, _)| *one == name)
        .map(|(_, token)| token)
        .unwrap()
}

fn check(token: &str) -> Result<Grants, TokenError> {
    verify(token, &["other:x".parse().unwrap(), KEY.parse().unwrap()])
}

/// A token of ours whose times are so many seconds from now.
fn timed(exp: i64, nbf: Option<i64>) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_secs()).unwrap();
    let claims = Claims {
        iss: "devkey".to_owned(),
        exp: Some((now + exp).into()),
        nbf: nbf.map(|nbf| (now + nbf).into()),
        video: Some(Video::default()),
        ..Claims::default()
    };
    sign(&claims, &KEY.parse().unwrap()).unwrap()
}

#[test]
fn tokens_of_the_sdks_are_read() {
    let ada = check(token("livekit-js")).unwrap();
    assert_eq!((ada.key.as_str(), ada.identity.as_str()), ("devkey", "ada"));
    assert_eq!(
        (ada.name.as_str(), ada.metadata.as_str()),
        ("Ada Lovelace", "{\"a\":1}")
    );
    assert_eq!(ada.attributes["team"], "red");
    assert!(ada.may_join("soup") && !ada.may_join("salad"));
    assert_eq!(ada.sources, ["microphone", "screen_share"]);
    assert!(ada.can_publish && !ada.can_subscribe && !ada.can_publish_data);
    assert!(ada.hidden && ada.can_update_own_metadata && !ada.room_admin);

    let bob = check(token("livekit-python")).unwrap();
    assert_eq!(
        (
            bob.identity.as_str(),
            bob.name.as_str(),
            bob.metadata.as_str()
        ),
        ("bob", "Bob", "m")
    );
    assert_eq!(bob.sources, ["camera"]);
    assert!(bob.can_subscribe && bob.can_publish_data && !bob.hidden);

    let server = check(token("livekit-js-server")).unwrap();
    assert!(server.identity.is_empty() && !server.may_join("soup"));
    assert!(server.room_create && server.room_list && server.room_admin);
}

#[test]
fn what_a_token_leaves_out_has_its_default() {
    let plain = check(token("jsonwebtoken")).unwrap();
    assert!(plain.may_join("soup") && plain.can_publish && plain.sources.is_empty());
    assert!(plain.can_subscribe && plain.can_publish_data);
    assert!(!plain.room_create && !plain.room_list && !plain.hidden);
    assert!(!plain.can_update_own_metadata);
    // An unknown claim changes nothing, and one without a room is for every room.
    let eve = check(token("pyjwt")).unwrap();
    assert!(eve.may_join("soup") && eve.may_join("salad"));
}

#[test]
fn what_was_not_signed_with_the_secret_is_refused() {
    for (name, error) in [
        ("pyjwt-wrong-secret", TokenError::Signature),
        ("pyjwt-unknown-key", TokenError::UnknownKey),
        ("hs512", TokenError::Algorithm),
        ("rs256", TokenError::Algorithm),
        ("none", TokenError::Algorithm),
        ("pyjwt-no-exp", TokenError::NoEnd),
        ("pyjwt-expired", TokenError::Expired),
        ("pyjwt-immature", TokenError::NotYetValid),
    ] {
        assert_eq!(check(token(name)).unwrap_err(), error, "{name}");
    }
}

#[test]
fn nothing_of_a_token_can_be_changed_or_left_out() {
    let good = token("livekit-js");
    let mut parts = good.split('.');
    let (header, claims, signature) = (
        parts.next().unwrap(),
        parts.next().unwrap(),
        parts.next().unwrap(),
    );
    let none = token("none").split('.').next().unwrap();
    let rs256 = token("rs256").split('.').next().unwrap();
    let other_claims = token("pyjwt").split('.').nth(1).unwrap();
    for (forged, error) in [
        // Without a signature, and with one that claims to be none.
        (format!("{header}.{claims}."), TokenError::Signature),
        (format!("{none}.{claims}."), TokenError::Algorithm),
        (
            format!("{none}.{claims}.{signature}"),
            TokenError::Algorithm,
        ),
        // Confusion of algorithms: the right signature under another algorithm's name.
        (
            format!("{rs256}.{claims}.{signature}"),
            TokenError::Algorithm,
        ),
        // The signature of other claims, and claims of another token.
        (
            format!("{header}.{other_claims}.{signature}"),
            TokenError::Signature,
        ),
        (format!("{header}.{claims}"), TokenError::Malformed),
        (format!("{good}.x"), TokenError::Malformed),
        (String::new(), TokenError::Malformed),
        ("a.b.c".to_owned(), TokenError::Malformed),
        ("x".repeat(MAX_SIZE + 1), TokenError::TooLong),
    ] {
        assert_eq!(check(&forged).unwrap_err(), error, "{forged}");
    }
    for index in 0..good.len() {
        let mut bytes = good.as_bytes().to_vec();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        // The last letter carries bits that belong to no byte, so some changes have no effect.
        if index + 1 < good.len() {
            assert!(check(&changed).is_err(), "letter {index}");
        }
    }
}

#[test]
fn clocks_may_be_a_minute_apart() {
    assert!(check(&timed(-50, None)).is_ok());
    assert_eq!(check(&timed(-120, None)), Err(TokenError::Expired));
    assert!(check(&timed(600, Some(50))).is_ok());
    assert_eq!(check(&timed(600, Some(120))), Err(TokenError::NotYetValid));
}

#[test]
fn a_server_without_keys_takes_no_token_for_good() {
    assert_eq!(
        verify(token("livekit-js"), &[]),
        Err(TokenError::UnknownKey)
    );
}
