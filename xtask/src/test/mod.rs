//! `cargo xtask test`: every check of the project, in order.
//!
//! One failed step does not hide the next: all selected steps run, and the table at the end says
//! how each ended, how many tests it ran and how long it took.

mod counts;
mod interop;
mod report;
mod rust;

use std::time::Instant;

use crate::install::NO_INSTALL;
use counts::Counts;
use report::{Report, Row};

/// Runs the selected steps.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let selection = match Selection::parse(args)? {
        Request::Run(selection) => selection,
        Request::List => return list(),
    };
    let mut report = Report::default();
    for step in STEPS {
        if !selection.holds(step.name()) {
            continue;
        }
        println!("\n==> {}: {}", step.name(), step.title());
        match step {
            Step::Interop => interop::run(&selection, &mut report),
            Step::Format => report.measure(step.name(), rust::format),
            Step::Clippy => report.measure(step.name(), rust::clippy),
            Step::Doc => report.measure(step.name(), rust::doc),
            Step::Test => report.measure(step.name(), rust::test),
            Step::Fuzz => report.measure(step.name(), rust::fuzz),
            Step::Codegen => report.measure(step.name(), rust::codegen),
        }
    }
    report.conclude()
}

fn list() -> Result<(), String> {
    for step in STEPS {
        println!("{:16} {}", step.name(), step.title());
    }
    for suite in interop::suites()? {
        println!("{}", suite.name);
    }
    Ok(())
}

/// The steps of the run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Format,
    Clippy,
    Doc,
    Test,
    Fuzz,
    Codegen,
    Interop,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Clippy => "clippy",
            Self::Doc => "doc",
            Self::Test => "test",
            Self::Fuzz => "fuzz",
            Self::Codegen => "codegen",
            Self::Interop => interop::STEP,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Format => "the code is formatted",
            Self::Clippy => "no lint has anything to say",
            Self::Doc => "the documentation builds without a warning",
            Self::Test => "all Rust tests",
            Self::Fuzz => "the fuzz targets compile",
            Self::Codegen => "the generated code is what schemas/ yields",
            Self::Interop => "unmodified clients and controllers against the built binaries",
        }
    }
}

/// What the command line asks for.
enum Request {
    Run(Selection),
    List,
}

/// The steps and suites to run; empty means all.
struct Selection {
    only: Vec<String>,
}

impl Selection {
    fn parse(args: &[String]) -> Result<Request, String> {
        let mut only = Vec::new();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--list" => return Ok(Request::List),
                // Looked at where something would be installed.
                NO_INSTALL => {}
                "--only" => {
                    let name = args.next().ok_or("--only needs the name of a step")?;
                    let step = name.split('/').next().unwrap_or_default();
                    let is_suite = name.contains('/');
                    if !STEPS.iter().any(|known| known.name() == step)
                        || (is_suite && step != interop::STEP)
                    {
                        return Err(format!("no step {name}; --list names them"));
                    }
                    only.push(name.clone());
                }
                _ => {
                    return Err(format!(
                        "unknown argument {arg}; known: --only NAME, --list, --no-install"
                    ));
                }
            }
        }
        Ok(Request::Run(Self { only }))
    }

    /// Whether a step, or one of its suites (`interop/ortc`), is to run.
    fn holds(&self, name: &str) -> bool {
        let covers = |outer: &str, inner: &str| {
            inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.only.is_empty()
            || self
                .only
                .iter()
                .any(|asked| covers(asked, name) || (!name.contains('/') && covers(name, asked)))
    }

    /// The suites that were asked for by name.
    fn suites(&self) -> impl Iterator<Item = &str> {
        let names = self.only.iter().map(String::as_str);
        names.filter(|name| name.contains('/'))
    }
}

impl Report {
    /// Runs one step and notes how it went.
    fn measure(&mut self, name: &str, run: impl FnOnce(&mut Counts) -> Result<(), String>) {
        let start = Instant::now();
        let mut counts = Counts::default();
        let outcome = run(&mut counts);
        self.push(Row {
            name: name.to_owned(),
            outcome,
            counts,
            time: start.elapsed(),
        });
    }
}

const STEPS: [Step; 7] = [
    Step::Format,
    Step::Clippy,
    Step::Doc,
    Step::Test,
    Step::Fuzz,
    Step::Codegen,
    Step::Interop,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(args: &[&str]) -> Selection {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        match Selection::parse(&args) {
            Ok(Request::Run(selection)) => selection,
            Ok(Request::List) => panic!("a list"),
            Err(reason) => panic!("{reason}"),
        }
    }

    #[test]
    fn without_arguments_everything_runs() {
        let all = selection(&[]);
        assert!(all.holds("format") && all.holds("interop") && all.holds("interop/ortc"));
    }

    #[test]
    fn a_step_covers_its_suites_and_a_suite_needs_its_step() {
        let step = selection(&["--only", "interop"]);
        assert!(step.holds("interop") && step.holds("interop/ortc") && !step.holds("test"));
        let suite = selection(&["--only", "interop/ortc"]);
        assert!(suite.holds("interop") && suite.holds("interop/ortc"));
        assert!(!suite.holds("interop/ortc-more") && !suite.holds("interop/frames"));
    }

    #[test]
    fn a_wrong_name_is_refused() {
        for wrong in ["nothing", "clippy/more", "", "interopt"] {
            let args = ["--only".to_owned(), wrong.to_owned()];
            assert!(Selection::parse(&args).is_err(), "{wrong}");
        }
    }
}
