//! The table at the end of a run.

use std::time::Duration;

use super::counts::Counts;

/// How one step or suite ended.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) outcome: Result<(), String>,
    pub(super) counts: Counts,
    pub(super) time: Duration,
}

/// How the steps ended, in the order they ran.
#[derive(Default)]
pub(super) struct Report {
    rows: Vec<Row>,
}

impl Report {
    pub(super) fn push(&mut self, row: Row) {
        println!("{}", line(&row));
        self.rows.push(row);
    }

    /// Prints the table. An error when a step failed, or when none ran.
    pub(super) fn conclude(self) -> Result<(), String> {
        println!("\n==> summary");
        for row in &self.rows {
            println!("{}", line(row));
            for failure in &row.counts.failures {
                println!("          {failure}");
            }
            if let Err(reason) = &row.outcome {
                println!("          {reason}");
            }
        }
        let total: Duration = self.rows.iter().map(|row| row.time).sum();
        let failed = self.rows.iter().filter(|row| row.outcome.is_err()).count();
        let verdict = format!(
            "{} passed, {failed} failed, in {}",
            self.rows.len() - failed,
            minutes(total)
        );
        if failed > 0 || self.rows.is_empty() {
            return Err(format!("cargo xtask test: {verdict}"));
        }
        println!("cargo xtask test: {verdict}");
        Ok(())
    }
}

fn line(row: &Row) -> String {
    let word = match row.outcome {
        Ok(()) => "passed",
        Err(_) => "FAILED",
    };
    let head = format!("  {word}  {:24} {:>8}", row.name, minutes(row.time));
    if row.counts.is_empty() {
        head
    } else {
        format!("{head}   {}", row.counts)
    }
}

fn minutes(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02} min", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(outcome: Result<(), String>) -> Row {
        Row {
            name: "test".to_owned(),
            outcome,
            counts: Counts::default(),
            time: Duration::from_secs(61),
        }
    }

    #[test]
    fn a_failed_step_fails_the_run() {
        let mut report = Report::default();
        report.push(row(Ok(())));
        report.push(row(Err("reason".to_owned())));
        let reason = report.conclude().unwrap_err();
        assert_eq!(reason, "cargo xtask test: 1 passed, 1 failed, in 2:02 min");
    }

    #[test]
    fn a_run_of_nothing_is_no_success() {
        assert!(Report::default().conclude().is_err());
    }
}
