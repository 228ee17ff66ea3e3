//! Whether a filter on the day spares the other days, by dry runs, which cost nothing: what a view would read in all is compared
//! with what it would read of a day on which there was no log.

use indicatif::HumanBytes;

use crate::{
    cli::{commands::sql::check::Mismatch, failure::Failure, warehouse::Warehouse},
    host::Host,
    sink::sql::{Script, bigquery},
};

/// A view of the last days, whatever the filter.
const FIXED: &str = "aig_cost_anomalies";

/// Bytes that BigQuery bills of a table at least. Of a smaller one nothing can be spared.
/// cloud.google.com/bigquery/pricing
const LEAST: u64 = 10 << 20;

/// What the dry runs showed.
#[derive(Debug, Default)]
pub struct Pruning {
    /// Views of which a filter reads all days.
    pub findings: Vec<Mismatch>,
    /// Views large enough to tell whose filter spares the other days.
    spared: usize,
}

impl Pruning {
    /// What to say if nothing is wrong.
    pub fn told(&self) -> String {
        match self.spared {
            0 => "The tables are too small to show that a filter on day spares the other days".to_owned(),
            views => format!("A filter on day spares the other days in {views} views, as dry runs show"),
        }
    }

    fn add(&mut self, view: &str, whole: u64, of_no_day: u64) {
        if whole <= LEAST {
            return;
        }
        if of_no_day <= whole / 2 {
            self.spared += 1;
            return;
        }
        let [of_no_day, whole] = [of_no_day, whole].map(HumanBytes);
        let problem = format!("reads {of_no_day} of {whole} for a day without logs: each query bills all days");
        self.findings.push(Mismatch::new(view, problem));
    }
}

/// Asks for each view with a day.
pub async fn look<H: Host>(warehouse: &Warehouse<'_, H>, with_events: bool) -> Result<Pruning, Failure> {
    let mut pruning = Pruning::default();
    for (view, columns) in bigquery(with_events).filter_map(Script::bigquery_view) {
        if !columns.contains(&"day") || view == FIXED {
            continue;
        }
        let bytes = async |filter: &str| {
            let read = warehouse.would_read(&format!("SELECT * FROM `{view}`{filter}")).await;
            read.map_err(|error| Failure::call(format!("asking what {view} would read"), error))
        };
        pruning.add(view, bytes("").await?, bytes(" WHERE day = DATE '1970-01-01'").await?);
    }
    Ok(pruning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_that_reads_all_days_is_a_finding_and_a_small_one_shows_nothing() {
        let mut pruning = Pruning::default();
        pruning.add("small", LEAST, LEAST);
        assert!(pruning.findings.is_empty() && pruning.told().contains("too small"));
        pruning.add("good", 4 << 30, 0);
        // What was just written is not in a partition yet.
        pruning.add("fresh", 4 << 30, 1 << 30);
        assert!(pruning.findings.is_empty() && pruning.told().contains("in 2 views"));
        pruning.add("bad", 4 << 30, 4 << 30);
        assert_eq!(pruning.findings.iter().map(|found| found.what.as_str()).collect::<Vec<_>>(), ["bad"]);
        assert!(pruning.findings[0].problem.starts_with("reads 4.00 GiB of 4.00 GiB"), "{:?}", pruning.findings);
    }
}
