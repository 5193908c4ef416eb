//! Reading how many tests ran from what the two test runners print.

use std::fmt;

/// The tests of one suite.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) passed: u32,
    pub(super) failed: u32,
    pub(super) skipped: u32,
    /// Names of the failed tests, where the runner gives one line to each.
    pub(super) failures: Vec<String>,
}

impl Counts {
    /// Reads a line of `cargo test`.
    pub(super) fn read_cargo(&mut self, line: &str) {
        if let Some(result) = line.strip_prefix("test result: ") {
            for part in result.split([';', '.']) {
                match part.trim().split_once(' ') {
                    Some((number, "passed")) => self.passed += number.parse().unwrap_or(0),
                    Some((number, "failed")) => self.failed += number.parse().unwrap_or(0),
                    Some((number, "ignored")) => self.skipped += number.parse().unwrap_or(0),
                    _ => {}
                }
            }
        } else if let Some(failed) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.strip_suffix(" ... FAILED"))
        {
            self.failures.push(failed.to_owned());
        }
    }

    /// Reads a line of node's test runner in its `spec` form.
    pub(super) fn read_node(&mut self, line: &str) {
        let Some(summary) = line.strip_prefix("\u{2139} ") else {
            return;
        };
        match summary.split_once(' ') {
            Some(("pass", number)) => self.passed += number.parse().unwrap_or(0),
            Some(("fail" | "cancelled", number)) => self.failed += number.parse().unwrap_or(0),
            Some(("skipped" | "todo", number)) => self.skipped += number.parse().unwrap_or(0),
            _ => {}
        }
    }

    /// Whether any test ran at all.
    pub(super) fn is_empty(&self) -> bool {
        self.passed + self.failed == 0
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        match self.skipped {
            0 => Ok(()),
            skipped => write!(f, ", {skipped} skipped"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_lines_add_up() {
        let mut counts = Counts::default();
        for line in [
            "running 3 tests",
            "test arena::tests::a_stale_key_finds_nothing ... ok",
            "test wire::tests::wraps ... FAILED",
            "test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: ok. 20 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.25s",
        ] {
            counts.read_cargo(line);
        }
        assert_eq!(counts.to_string(), "21 passed, 1 failed, 1 skipped");
        assert_eq!(counts.failures, ["wire::tests::wraps"]);
    }

    #[test]
    fn node_lines_add_up() {
        let mut counts = Counts::default();
        assert!(counts.is_empty());
        for line in [
            "\u{2714} the same results (12.5ms)",
            "\u{2139} tests 4",
            "\u{2139} suites 0",
            "\u{2139} pass 2",
            "\u{2139} fail 1",
            "\u{2139} cancelled 1",
            "\u{2139} skipped 0",
            "\u{2139} duration_ms 80.1",
        ] {
            counts.read_node(line);
        }
        assert_eq!(counts.to_string(), "2 passed, 2 failed");
    }
}
