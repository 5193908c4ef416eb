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
    install(&packages)?;
    match missing(tools)[..] {
        [] => Ok(()),
        ref still => Err(format!("installed, but not found: {}", still.join(" "))),
    }
}

/// Makes sure of Node with its test runner, and of npm, in the same way.
pub(crate) fn ensure_node() -> Result<(), String> {
    let packages = Node::find().missing()?;
    if packages.is_empty() {
        return Ok(());
    }
    install(&packages)?;
    match Node::find().missing()?[..] {
        [] => Ok(()),
        ref still => Err(format!("installed, but not found: {}", still.join(" "))),
    }
}

/// What is there of Node.
#[derive(Clone, Debug)]
struct Node {
    /// As `node --version` prints it.
    version: Option<String>,
    has_npm: bool,
}

impl Node {
    fn find() -> Self {
        Self {
            version: NODE
                .path()
                .and_then(|node| process::output(&node, &["--version"])),
            has_npm: NPM.path().is_some(),
        }
    }

    /// The packages that are to be installed. One that is too old was put there by somebody, who
    /// is not to find it replaced.
    fn missing(&self) -> Result<Vec<&'static str>, String> {
        let mut packages = Vec::new();
        match &self.version {
            Some(version) if major(version) >= Some(NODE_MAJOR) => {}
            Some(version) => {
                return Err(format!(
                    "the interop suites need Node {NODE_MAJOR} or later with npm; found: {version}\n\
                     Install it from nodejs.org or by a version manager."
                ));
            }
            None => packages.push(NODE.package),
        }
        if !self.has_npm {
            packages.push(NPM.package);
        }
        Ok(packages)
    }
}

fn missing(tools: &[Tool]) -> Vec<&'static str> {
    let absent = tools.iter().filter(|tool| tool.path().is_none());
    absent.map(|tool| tool.package).collect()
}

/// Installs packages, or says that somebody must.
fn install(packages: &[&str]) -> Result<(), String> {
    may_install(
        packages,
        is_allowed(),
        is_root(),
        process::find("apt-get").is_some(),
    )?;
    println!(
        "as root, through apt-get, this installs what is missing: {} ({NO_INSTALL} refuses)",
        packages.join(" ")
    );
    apt_get(&["update", "--quiet"])?;
    let mut install = vec!["install", "--yes", "--quiet", "--no-install-recommends"];
    install.extend(packages);
    apt_get(&install)
}

fn may_install(
    packages: &[&str],
    is_allowed: bool,
    is_root: bool,
    has_apt: bool,
) -> Result<(), String> {
    if is_allowed && is_root && has_apt {
        return Ok(());
    }
    let list = packages.join(" ");
    Err(format!(
        "missing: {list}\nOn Debian, as root: apt-get install {list}"
    ))
}

fn apt_get(args: &[&str]) -> Result<(), String> {
    let mut apt = Command::new("apt-get");
    apt.args(args).env("DEBIAN_FRONTEND", "noninteractive");
    process::succeed(&mut apt)
}

/// The command line may forbid it.
fn is_allowed() -> bool {
    !std::env::args().any(|argument| argument == NO_INSTALL)
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// The 20 of `v20.1.2`.
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// The argument that leaves the machine as it is.
pub(crate) const NO_INSTALL: &str = "--no-install";

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

/// Debian's WHIP client, which publishes by GStreamer.
pub(crate) const WHIP_CLIENT: Tool = Tool {
    programs: &["whip-client"],
    package: "simple-whip-client",
    variable: None,
};

/// Publishes plain RTP, plays it, and counts the frames of files.
pub(crate) const FFMPEG: Tool = Tool {
    programs: &["ffmpeg"],
    package: "ffmpeg",
    variable: None,
};

/// Publishes plain RTP and records it.
pub(crate) const GSTREAMER: Tool = Tool {
    programs: &["gst-launch-1.0"],
    package: "gstreamer1.0-tools",
    variable: None,
};

/// Runs aiortc, in an environment of its own.
pub(crate) const PYTHON: Tool = Tool {
    programs: &["python3"],
    package: "python3-venv",
    variable: None,
};

/// Runs the interop suites.
const NODE: Tool = Tool {
    programs: &["node"],
    package: "nodejs",
    variable: None,
};

/// Installs what the suites' lock file says. Some distributions of Node bring it along.
const NPM: Tool = Tool {
    programs: &["npm"],
    package: "npm",
    variable: None,
};

/// Of Debian 12, and the first whose test runner has reporters.
const NODE_MAJOR: u32 = 18;

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
    fn what_is_missing_of_node_is_installed_and_an_old_one_is_left_alone() {
        let node = |version: Option<&str>, has_npm| Node {
            version: version.map(str::to_owned),
            has_npm,
        };
        assert_eq!(node(None, false).missing().unwrap(), ["nodejs", "npm"]);
        assert_eq!(node(None, true).missing().unwrap(), ["nodejs"]);
        assert_eq!(node(Some("v18.20.4"), false).missing().unwrap(), ["npm"]);
        assert!(node(Some("v18.20.4"), true).missing().unwrap().is_empty());
        assert!(node(Some("v22.1.0"), true).missing().unwrap().is_empty());
        for old in ["v16.20.2", "v12.22.12", "nonsense"] {
            let reason = node(Some(old), false).missing().unwrap_err();
            assert!(
                reason.contains("Node 18") && reason.contains(old),
                "{reason}"
            );
        }
    }

    #[test]
    fn without_leave_root_or_apt_it_is_said_what_to_install() {
        let packages = ["nodejs", "npm"];
        assert_eq!(may_install(&packages, true, true, true), Ok(()));
        for (is_allowed, is_root, has_apt) in [
            (true, false, true),
            (true, true, false),
            (true, false, false),
            (false, true, true),
        ] {
            let reason = may_install(&packages, is_allowed, is_root, has_apt).unwrap_err();
            assert!(reason.contains("apt-get install nodejs npm"), "{reason}");
        }
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
