//! `tureen token`: prints a token, for trials and scripts.

use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use thiserror::Error;

use super::claims::{Claims, Video};
use super::{ApiKey, token::sign};

/// What `tureen token` can be told.
#[derive(Args, Clone, Debug)]
pub struct TokenArgs {
    /// Keys as `serve` has them, NAME:SECRET with commas between. The environment is the better
    /// place: others on this machine can read a command line.
    #[arg(
        long,
        env = "TUREEN_KEYS",
        hide_env_values = true,
        value_name = "NAME:SECRET",
        value_delimiter = ','
    )]
    pub keys: Vec<ApiKey>,
    /// Name of the key to sign with; not needed if there is only one.
    #[arg(long, value_name = "NAME")]
    pub key: Option<String>,
    /// Who it is for: the stable name by which programs know the participant.
    #[arg(long)]
    pub identity: Option<String>,
    /// The name that others see. Without it the participant chooses one.
    #[arg(long)]
    pub name: Option<String>,
    /// The room to enter. Without it, the token is for every room.
    #[arg(long)]
    pub room: Option<String>,
    /// Seconds until it is worth nothing any more.
    #[arg(
        long, value_name = "SECONDS", default_value = "21600",
        value_parser = clap::value_parser!(u64).range(1..=10 * 365 * 86_400)
    )]
    pub ttl: u64,
    /// May make rooms.
    #[arg(long)]
    pub create: bool,
    /// May see the list of rooms and people.
    #[arg(long)]
    pub list: bool,
    /// May mute and remove others.
    #[arg(long)]
    pub admin: bool,
    /// The room into which an administrator may move people.
    #[arg(long, value_name = "ROOM")]
    pub destination: Option<String>,
    /// May publish nothing.
    #[arg(long)]
    pub no_publish: bool,
    /// May receive nothing.
    #[arg(long)]
    pub no_subscribe: bool,
    /// May send no data and no chat.
    #[arg(long)]
    pub no_data: bool,
    /// May publish these sources only.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SOURCE")]
    pub sources: Vec<TokenSource>,
    /// Is not shown to others.
    #[arg(long)]
    pub hidden: bool,
    /// Records the room, which others are told.
    #[arg(long)]
    pub recorder: bool,
    /// May change its own name, metadata and attributes.
    #[arg(long)]
    pub update_metadata: bool,
    /// A text of the application's own.
    #[arg(long)]
    pub metadata: Option<String>,
    /// A pair of the application's own; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub attribute: Vec<(String, String)>,
}

/// What a track shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TokenSource {
    /// A camera
    Camera,
    /// A microphone
    Microphone,
    /// A screen or a window
    Screen,
    /// The sound that goes with a screen
    ScreenAudio,
}

/// Why no token was printed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TokenCommandError {
    /// There is nothing to sign with.
    #[error("keys: there are none; give --keys NAME:SECRET, or set TUREEN_KEYS")]
    NoKeys,
    /// Several could sign.
    #[error("key: there are several keys; name one of {0}")]
    WhichKey(String),
    /// None of the keys has the name.
    #[error("key: there is no key {0:?}")]
    UnknownKey(String),
    /// The library refused.
    #[error(transparent)]
    Sign(#[from] jsonwebtoken::errors::Error),
}

/// Prints a token on standard output.
///
/// # Errors
///
/// [`TokenCommandError`] says which key is missing.
pub fn token(args: &TokenArgs) -> Result<(), TokenCommandError> {
    println!("{}", args.text()?);
    Ok(())
}

impl TokenArgs {
    /// The token that is asked for, valid from now on.
    pub(crate) fn text(&self) -> Result<String, TokenCommandError> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let key = self.key()?;
        Ok(sign(&self.claims(key, now), key)?)
    }

    fn claims(&self, key: &ApiKey, now: u64) -> Claims {
        let yes = |flag: bool| flag.then_some(true);
        let no = |flag: bool| flag.then_some(false);
        let sources = self.sources.iter().map(|one| one.claim().to_owned());
        let attributes = self.attribute.iter().cloned();
        Claims {
            iss: key.name().to_owned(),
            sub: self.identity.clone(),
            jti: None,
            exp: Some((now + self.ttl).into()),
            nbf: Some(now.into()),
            name: self.name.clone(),
            metadata: self.metadata.clone(),
            attributes: (!self.attribute.is_empty()).then(|| attributes.collect()),
            kind: None,
            video: Some(Video {
                room: self.room.clone(),
                // A token without an identity is for a program that manages rooms from outside.
                room_join: yes(self.identity.is_some()),
                room_create: yes(self.create),
                room_list: yes(self.list),
                room_admin: yes(self.admin),
                destination_room: self.destination.clone(),
                can_publish: no(self.no_publish),
                can_subscribe: no(self.no_subscribe),
                can_publish_data: no(self.no_data),
                can_publish_sources: (!self.sources.is_empty()).then(|| sources.collect()),
                hidden: yes(self.hidden),
                recorder: yes(self.recorder),
                can_update_own_metadata: yes(self.update_metadata),
                ..Video::default()
            }),
        }
    }

    fn key(&self) -> Result<&ApiKey, TokenCommandError> {
        match (&self.key, self.keys.as_slice()) {
            (_, []) => Err(TokenCommandError::NoKeys),
            (None, [only]) => Ok(only),
            (None, several) => {
                let names: Vec<_> = several.iter().map(ApiKey::name).collect();
                Err(TokenCommandError::WhichKey(names.join(", ")))
            }
            (Some(name), keys) => keys
                .iter()
                .find(|key| key.name() == name)
                .ok_or_else(|| TokenCommandError::UnknownKey(name.clone())),
        }
    }
}

impl TokenSource {
    /// LiveKit's word for it.
    fn claim(self) -> &'static str {
        match self {
            Self::Camera => "camera",
            Self::Microphone => "microphone",
            Self::Screen => "screen_share",
            Self::ScreenAudio => "screen_share_audio",
        }
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::auth::verify;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: TokenArgs,
    }

    const KEYS: &str = "--keys=a:a-secret-of-thirty-two-characters,b:another-secret-that-is-longer";

    fn made(flags: &[&str]) -> Result<String, TokenCommandError> {
        let line = Line::parse_from(["token", KEYS].iter().chain(flags));
        line.args.text()
    }

    #[test]
    fn a_token_says_what_was_asked_for() {
        let token = made(&[
            "--key=b",
            "--identity=ada",
            "--name=Ada",
            "--room=soup",
            "--sources=camera,screen",
            "--no-data",
            "--attribute=team=red",
            "--hidden",
            "--destination=salad",
        ])
        .unwrap();
        let keys = ["b:another-secret-that-is-longer".parse().unwrap()];
        let grants = verify(&token, &keys).unwrap();
        assert_eq!(
            (grants.identity.as_str(), grants.name.as_str()),
            ("ada", "Ada")
        );
        assert!(grants.may_join("soup") && !grants.may_join("salad"));
        assert_eq!(grants.sources, ["camera", "screen_share"]);
        assert!(!grants.can_publish_data && grants.hidden && !grants.room_create);
        assert_eq!(grants.attributes["team"], "red");
        assert_eq!(grants.destination_room.as_deref(), Some("salad"));
    }

    #[test]
    fn which_key_signs_is_never_guessed() {
        let text = |flags: &[&str]| made(flags).unwrap_err().to_string();
        assert!(text(&[]).contains("a, b"));
        assert!(text(&["--key=c"]).contains("\"c\""));
    }
}
