//! The arguments of `tureen dump`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use tureen_channel_dump::{Filter, Form, Secrets, TextOptions};

use super::DumpCommandError;

/// What `tureen dump` can be told.
#[derive(Args, Clone, Debug, Default)]
pub struct DumpArgs {
    /// A recording to print, or the word `state`: the live tree of workers, routers, transports,
    /// producers and consumers of a running server.
    #[arg(value_name = "FILE|state")]
    pub what: Option<PathBuf>,
    /// Goes on as the recording grows. Without a file: what passes from now on in a running
    /// server.
    #[arg(long, short)]
    pub follow: bool,
    /// Prints one JSON object per line.
    #[arg(long)]
    pub json: bool,
    /// Prints whole bodies; for the state, whole dumps and statistics.
    #[arg(long, short)]
    pub verbose: bool,
    /// Only methods and events of this name, in any case; `*` stands for any letters.
    #[arg(long, short, value_name = "NAME", value_delimiter = ',')]
    pub method: Vec<String>,
    /// Only what is from, for or about the entity whose id begins like this.
    #[arg(long, short, value_name = "ID")]
    pub id: Option<String>,
    /// Nothing before this time since the start, such as 90, 1.5s, 250ms, 2m.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub from: Option<Duration>,
    /// Nothing after this time since the start.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub until: Option<Duration>,
    /// Shows keys, passwords and the beginning of payloads, which are hidden otherwise.
    #[arg(long)]
    pub show_secrets: bool,
    /// The running server to attach to, when there are several.
    #[arg(long, value_name = "PROCESS-ID")]
    pub pid: Option<u32>,
    /// The socket of the running server, when it is not at its usual place.
    #[arg(long, value_name = "PATH", conflicts_with = "pid")]
    pub socket: Option<PathBuf>,
}

/// Where it comes from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source<'a> {
    File(&'a Path),
    /// Frames of a running process.
    Frames,
    /// The live tree of a running process.
    State,
}

impl DumpArgs {
    pub(super) fn source(&self) -> Result<Source<'_>, DumpCommandError> {
        match (&self.what, self.follow) {
            (None, false) => Err(DumpCommandError::Nothing),
            (None, true) => Ok(Source::Frames),
            (Some(what), follow) if what == Path::new("state") => match follow {
                true => Err(DumpCommandError::FollowState),
                false => Ok(Source::State),
            },
            (Some(path), _) => Ok(Source::File(path)),
        }
    }

    /// A running server has several workers, a recording has one.
    pub(super) fn form(&self, is_live: bool) -> Form {
        match self.json {
            true => Form::Json,
            false => Form::Text(TextOptions {
                bodies: self.verbose,
                pids: is_live,
            }),
        }
    }

    pub(super) fn secrets(&self) -> Secrets {
        match self.show_secrets {
            true => Secrets::Shown,
            false => Secrets::Hidden,
        }
    }

    pub(super) fn filter(&self) -> Filter {
        Filter {
            methods: self.method.clone(),
            id: self.id.clone(),
            from: self.from,
            until: self.until,
        }
    }
}

/// A number of seconds, or of the unit that follows it.
fn time(text: &str) -> Result<Duration, String> {
    let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let unit = units
        .into_iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)));
    let (number, seconds) = unit.unwrap_or((text, 1.0));
    let number: f64 = number
        .parse()
        .map_err(|_| "not a number of seconds, nor one with ms, s, m or h".to_owned())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::{Cli, Command};

    #[test]
    fn times() {
        assert_eq!(time("90"), Ok(Duration::from_secs(90)));
        assert_eq!(time("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(time("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(time("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "s", "-1", "1d", "nan", "1e300h"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_asked_for() {
        let file = Path::new("a.channel");
        assert_eq!(parse(&["a.channel"]).source().unwrap(), Source::File(file));
        assert_eq!(parse(&["--follow"]).source().unwrap(), Source::Frames);
        assert_eq!(parse(&["state", "--json"]).source().unwrap(), Source::State);
        let file = Path::new("./state");
        assert_eq!(parse(&["./state"]).source().unwrap(), Source::File(file));
        assert!(parse(&[]).source().is_err());
        assert!(parse(&["state", "-f"]).source().is_err());
    }

    #[test]
    fn secrets_are_shown_on_demand_alone() {
        assert_eq!(parse(&["a.channel", "-v"]).secrets(), Secrets::Hidden);
        let args = parse(&["a.channel", "--show-secrets"]);
        assert_eq!(args.secrets(), Secrets::Shown);
    }

    #[test]
    fn filters() {
        let flags = [
            "x",
            "-m",
            "router_*,worker_dump",
            "-i",
            "ab",
            "--until",
            "2m",
        ];
        assert_eq!(
            parse(&flags).filter(),
            Filter {
                methods: vec!["router_*".to_owned(), "worker_dump".to_owned()],
                id: Some("ab".to_owned()),
                from: None,
                until: Some(Duration::from_secs(120)),
            }
        );
    }

    fn parse(flags: &[&str]) -> DumpArgs {
        let arguments = ["tureen", "dump"].into_iter().chain(flags.iter().copied());
        match Cli::load(arguments.map(OsString::from)).unwrap().command {
            Command::Dump(args) => args,
            other => panic!("{other:?}"),
        }
    }
}
