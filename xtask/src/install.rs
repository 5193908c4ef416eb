//! What the checks need beside Rust: installed where that is possible, named where it is not.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;

use crate::process;

/// A program, and the Debian package that carries it.
#[derive(Clone, Copy)]
pub(crate) struct Tool {
    /// Names that the program goes by; the first one found is used.
    programs: &'static [&'static str],
    package: &'static str,
    /// A variable that names the program's path instead, where one is customary.
    variable: Option<&'static str>,
}

impl Tool {
    /// Where the program lies.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        let set = self.variable.and_then(std::env::var_os).map(PathBuf::from);
        let mut found = self.programs.iter().filter_map(|name| process::find(name));
        set.or_else(|| found.next())
    }
}

/// Makes sure that the tools are there. Missing ones are installed by apt-get when we may do that;
/// otherwise the error says what to install.
pub(crate) fn ensure(tools: &[Tool]) -> Result<(), String> {
    let packages = missing(tools);
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    if !is_root() || process::find("apt-get").is_none() {
        return Err(format!(
            "missing: {list}\nOn Debian: apt-get install {list}"
        ));
    }
    println!("installing {list}");
    apt_get(&["update", "--quiet"])?;
    let mut install = vec!["install", "--yes", "--quiet", "--no-install-recommends"];
    install.extend(&packages);
    apt_get(&install)?;
    match missing(tools)[..] {
        [] => Ok(()),
        ref still => Err(format!("installed, but not found: {}", still.join(" "))),
    }
}

/// Node with its test runner. Debian 12 carries an older one, so it is not installed here.
pub(crate) fn ensure_node() -> Result<(), String> {
    let version = process::find("node").and_then(|node| process::output(&node, &["--version"]));
    match version.as_deref().and_then(major) {
        Some(major) if major >= NODE_MAJOR => {}
        _ => {
            return Err(format!(
                "the interop suites need Node {NODE_MAJOR} or later with npm; found: {}\n\
                 Install it from nodejs.org or by a version manager.",
                version.as_deref().unwrap_or("none")
            ));
        }
    }
    match process::find("npm") {
        Some(_) => Ok(()),
        None => Err("missing: npm, which comes with Node".to_owned()),
    }
}

fn missing(tools: &[Tool]) -> Vec<&'static str> {
    let absent = tools.iter().filter(|tool| tool.path().is_none());
    absent.map(|tool| tool.package).collect()
}

fn apt_get(args: &[&str]) -> Result<(), String> {
    let mut apt = Command::new("apt-get");
    apt.args(args).env("DEBIAN_FRONTEND", "noninteractive");
    process::succeed(&mut apt)
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// The 20 of `v20.1.2`.
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// The FlatBuffers compiler is built with it.
pub(crate) const CMAKE: Tool = Tool {
    programs: &["cmake"],
    package: "cmake",
    variable: None,
};

/// The FlatBuffers compiler is written in C++.
pub(crate) const CXX: Tool = Tool {
    programs: &["c++", "g++", "clang++"],
    package: "g++",
    variable: Some("CXX"),
};

/// The browser of most interop suites.
pub(crate) const CHROMIUM: Tool = Tool {
    programs: &["chromium", "chromium-browser", "google-chrome"],
    package: "chromium",
    variable: Some("CHROMIUM"),
};

/// The other browser.
pub(crate) const FIREFOX: Tool = Tool {
    programs: &["firefox-esr", "firefox"],
    package: "firefox-esr",
    variable: Some("FIREFOX"),
};

const NODE_MAJOR: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_of_node() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("20.20.2"), None);
        assert_eq!(major(""), None);
    }

    #[test]
    fn a_missing_tool_is_named_by_its_package() {
        let absent = Tool {
            programs: &["tureen-no-such-program"],
            package: "no-such-package",
            variable: None,
        };
        let shell = Tool {
            programs: &["tureen-no-such-program", "sh"],
            ..absent
        };
        assert_eq!(missing(&[shell, absent]), ["no-such-package"]);
    }
}
