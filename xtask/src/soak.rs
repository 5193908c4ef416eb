//! `soak`: the tests that may go on for any time, for long (docs/measuring.md §5).

use crate::process;

/// Runs them one after the other with the release profile, whose rates are those of users.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    if let Some(unknown) = args.first() {
        return Err(format!("soak takes no {unknown}"));
    }
    for (package, target, tests) in SOAKS {
        let mut test = process::cargo();
        test.args(["test", "--release", "-p", package, "--test", target, "--"]);
        // They print what rates they reached, and what that cost.
        test.args(tests).args(["--test-threads=1", "--show-output"]);
        process::succeed(test.env("TUREEN_SOAK", "1"))?;
    }
    Ok(())
}

/// Packages, their test targets, and the parts of names of the tests.
const SOAKS: [(&str, &str, &[&str]); 2] = [
    (
        "tureen-tests",
        "sim",
        &["requests", "spray", "hostile", "flood"],
    ),
    ("tureen", "media", &["hostile", "flood", "forged"]),
];
