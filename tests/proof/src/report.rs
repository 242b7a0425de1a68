//! What is printed: a row for each campaign, and each violation so that it can be done again.

use std::time::Duration;

use crate::campaign::{Ran, Violation};

/// How a campaign ended.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) ran: Result<Ran, String>,
    pub(crate) violations: usize,
    pub(crate) took: Duration,
}

impl Row {
    /// Whether something was found, or nothing could be looked for.
    pub(crate) fn failed(&self) -> bool {
        self.violations > 0 || self.ran.is_err()
    }

    fn amount(&self) -> String {
        match &self.ran {
            Ok(Ran::Done { amount, .. }) => amount.clone(),
            Ok(Ran::Skipped(why)) => format!("skipped: {why}"),
            Err(error) => format!("not run to its end: {error}"),
        }
    }
}

/// All rows.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut table = "| campaign | amount | violations | seconds |\n|---|---|---|---|\n".to_owned();
    for row in rows {
        let (name, amount, violations) = (row.name, row.amount(), row.violations);
        let seconds = row.took.as_secs_f64();
        table.push_str(&format!("| {name} | {amount} | {violations} | {seconds:.1} |\n"));
    }
    table
}

/// One violation.
pub(crate) fn violation(campaign: &str, seed: u64, violation: &Violation) -> String {
    let Violation { at, sent, expected, came } = violation;
    format!(
        "VIOLATION of {campaign}, {at}, --seed {seed}\n  sent:     {sent}\n  \
         expected: {expected}\n  came:     {came}\n"
    )
}
