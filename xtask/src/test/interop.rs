//! The suites under `tests/interop`, run by node's test runner.
//!
//! A suite is a directory there with files named `*.test.mjs`. Its tests find the built binaries
//! in `TUREEN_BIN` and `TUREEN_WORKER_BIN`, the built examples in the directory `TUREEN_EXAMPLES`,
//! the browsers in `CHROMIUM` and `FIREFOX`, and Python with the packages of
//! `whip/requirements.txt` in `PYTHON`. Suites run one after another, and so do the files
//! of a suite: real media on two cores wants no company.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Selection;
use super::counts::Counts;
use super::report::Report;
use crate::install::{self, CHROMIUM, FFMPEG, FIREFOX, GSTREAMER, PYTHON, WHIP_CLIENT};
use crate::process;

/// Sets up and runs the selected suites; a row for the set-up and one for each suite.
pub(super) fn run(selection: &Selection, report: &mut Report) {
    let mut suites = Vec::new();
    let mut ready = false;
    report.measure("interop (set-up)", |_| {
        suites = suites_of(selection)?;
        prepare()?;
        ready = true;
        Ok(())
    });
    if !ready {
        return;
    }
    for suite in suites {
        println!("\n==> {}", suite.name);
        report.measure(&suite.name, |counts| suite.run(counts));
    }
}

/// A directory of tests.
pub(super) struct Suite {
    /// `interop/` and the directory's name.
    pub(super) name: String,
    files: Vec<PathBuf>,
}

impl Suite {
    fn run(&self, counts: &mut Counts) -> Result<(), String> {
        let binaries = process::debug_directory()?;
        let mut node = Command::new("node");
        node.args(["--test", "--test-reporter=spec", "--test-concurrency=1"]);
        // Node 18 does not know the option; there the tests' own bounds must do.
        let knows_timeout = process::output(Path::new("node"), &[TEST_TIMEOUT, "--version"]);
        node.args(knows_timeout.map(|_| TEST_TIMEOUT));
        node.args(&self.files);
        node.current_dir(directory());
        node.env("TUREEN_BIN", binaries.join("tureen"));
        node.env("TUREEN_WORKER_BIN", binaries.join("tureen-worker"));
        node.env("TUREEN_EXAMPLES", binaries.join("examples"));
        node.env("PYTHON", python_environment()?.join("bin/python"));
        for (name, browser) in [("CHROMIUM", CHROMIUM), ("FIREFOX", FIREFOX)] {
            let path = browser.path();
            node.env(name, path.ok_or_else(|| format!("{name}: not found"))?);
        }
        let ended = process::succeed_reading(&mut node, |line| counts.read_node(line));
        if ended.is_err() && counts.failed > 0 {
            return Err(format!("{} tests failed", counts.failed));
        }
        ended?;
        match counts.is_empty() {
            true => Err("no test ran".to_owned()),
            false => Ok(()),
        }
    }
}

/// All suites, by name.
pub(super) fn suites() -> Result<Vec<Suite>, String> {
    let mut suites = Vec::new();
    for entry in entries(&directory())? {
        let mut files = Vec::new();
        let name = file_name(&entry);
        if entry.is_dir() && name != "node_modules" {
            find_tests(&entry, &mut files)?;
        } else if name.ends_with(TEST_SUFFIX) {
            return Err(format!("{}: belongs in a suite", entry.display()));
        }
        if !files.is_empty() {
            let name = format!("{STEP}/{name}");
            suites.push(Suite { name, files });
        }
    }
    Ok(suites)
}

fn suites_of(selection: &Selection) -> Result<Vec<Suite>, String> {
    let mut suites = suites()?;
    for asked in selection.suites() {
        if !suites.iter().any(|suite| suite.name == asked) {
            return Err(format!("no suite {asked}; --list names them"));
        }
    }
    suites.retain(|suite| selection.holds(&suite.name));
    if suites.is_empty() {
        return Err(format!("no file *{TEST_SUFFIX} in tests/interop"));
    }
    Ok(suites)
}

/// Browsers, npm packages and binaries.
fn prepare() -> Result<(), String> {
    install::ensure_node()?;
    install::ensure(&[CHROMIUM, FIREFOX, PYTHON, WHIP_CLIENT, FFMPEG, GSTREAMER])?;
    install_packages()?;
    install_python_packages()?;
    // With the examples, dev-dependencies count: the features are then those of the test step,
    // and nothing is compiled twice.
    let mut build = process::cargo();
    process::succeed(build.args(["build", "--workspace", "--bins", "--examples"]))
}

/// Installs what the lock file says, unless that is what is there.
fn install_packages() -> Result<(), String> {
    let lock_file = directory().join("package-lock.json");
    let installed = directory().join("node_modules/.installed-lock.json");
    let lock = fs::read(&lock_file).map_err(|error| format!("{}: {error}", lock_file.display()))?;
    if fs::read(&installed).is_ok_and(|bytes| bytes == lock) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    // Some packages ask for a later Node than they need, and npm warns of each.
    npm.arg("--loglevel=error").current_dir(directory());
    process::succeed(&mut npm)?;
    fs::write(&installed, lock).map_err(|error| format!("{}: {error}", installed.display()))
}

/// Makes the environment of Python that the suites run in, unless it is there as wanted.
fn install_python_packages() -> Result<(), String> {
    let wanted = directory().join("whip/requirements.txt");
    let environment = python_environment()?;
    let installed = environment.join("installed.txt");
    let list = fs::read(&wanted).map_err(|error| format!("{}: {error}", wanted.display()))?;
    if fs::read(&installed).is_ok_and(|bytes| bytes == list) {
        return Ok(());
    }
    let python = PYTHON.path().ok_or("python3: not found")?;
    let mut venv = Command::new(python);
    let made = process::succeed(venv.args(["-m", "venv", "--clear"]).arg(&environment));
    made.map_err(|error| format!("{error}\nOn Debian, as root: apt-get install python3-venv"))?;
    let mut pip = Command::new(environment.join("bin/pip"));
    pip.args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
    ]);
    // Nothing is built: what there is no wheel of for this machine is not to be run here.
    pip.args(["--only-binary", ":all:", "--requirement"]);
    process::succeed(pip.arg(&wanted))?;
    fs::write(&installed, list).map_err(|error| format!("{}: {error}", installed.display()))
}

fn python_environment() -> Result<PathBuf, String> {
    let binaries = process::debug_directory()?;
    let target = binaries.parent().ok_or("no target directory")?;
    Ok(target.join("interop-python"))
}

fn find_tests(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    for entry in entries(directory)? {
        if entry.is_dir() {
            find_tests(&entry, files)?;
        } else if file_name(&entry).ends_with(TEST_SUFFIX) {
            files.push(entry);
        }
    }
    Ok(())
}

/// What a directory holds, by name.
fn entries(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error| format!("{}: {error}", directory.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn directory() -> PathBuf {
    process::root().join("tests/interop")
}

/// The name of the step.
pub(super) const STEP: &str = "interop";

const TEST_SUFFIX: &str = ".test.mjs";

/// A hung browser must not hang the run. In milliseconds, per test file and per test.
const TEST_TIMEOUT: &str = "--test-timeout=600000";
