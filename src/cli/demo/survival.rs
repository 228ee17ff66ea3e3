//! What `aig-logs demo --faults SEED` ends with: what the storm did, and the proof that nothing is lost.

use std::{collections::BTreeMap, fmt, path::Path};

use serde_json::{Value, json};

use crate::{
    cli::{
        args::{Demo, PastOptions},
        demo::proof::{DemoProof, Ending, two_columns},
        show,
    },
    pass::Report,
};

/// What came of the passes.
#[derive(Debug, Default)]
pub struct StormPasses {
    made: usize,
    failed: usize,
    killed: usize,
}

impl StormPasses {
    /// Counts a pass by its report; none where it was killed.
    pub fn count(&mut self, report: Option<&Report>) {
        self.made += 1;
        self.killed += usize::from(report.is_none());
        self.failed += usize::from(report.is_some_and(|report| report.worst().is_some()));
    }
}

impl fmt::Display for StormPasses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { made, failed, killed } = self;
        write!(f, "Passes: {made} made, {failed} failed, {killed} killed in mid-flight")
    }
}

/// What is left after a storm.
#[derive(Debug)]
pub struct Survival {
    /// The seed of the storm, not of the traffic.
    pub seed: u64,
    /// The source compared with the table.
    pub proof: DemoProof,
    /// Late entries that verification has found missing, and brought in.
    pub brought_in: u64,
    /// Rows in the raw table beyond one for each id.
    pub raw_duplicates: u64,
    /// Rows that the table never takes, kept with their reasons.
    pub dead_letters: u64,
    /// How often each kind of fault has struck.
    pub faults: BTreeMap<&'static str, u64>,
    /// What came of the passes.
    pub passes: StormPasses,
}

impl Survival {
    /// What the demo ends with.
    pub fn ending(&self, arguments: &Demo) -> Ending {
        let (words, json) = (self.in_words(arguments), self.to_json(&arguments.file));
        Ending { words, json, holds: self.proof.holds() }
    }

    fn in_words(&self, arguments: &Demo) -> String {
        let Self { proof, passes, .. } = self;
        let counts = two_columns(&[
            ("Entries at the source", proof.source as u64),
            ("Rows for readers", proof.rows as u64),
            ("Missing", proof.missing as u64),
            ("Duplicated for readers", proof.duplicated as u64),
            ("Late, and brought in by counts", self.brought_in),
            ("Raw duplicates", self.raw_duplicates),
            ("Dead letters", self.dead_letters),
        ]);
        let kinds: Vec<_> = self.faults.iter().map(|(kind, times)| (kind.replace('_', " "), *times)).collect();
        let kinds: Vec<_> = kinds.iter().map(|(kind, times)| (kind.as_str(), *times)).collect();
        let survived: u64 = self.faults.values().sum();
        let file = arguments.file.display();
        format!(
            "\n{counts}\n\nA dead letter is a row that the simulated BigQuery never takes, kept with its\n\
             reason. Entries that were deleted at the source after they were copied stay in\nthe table.\n\n{}\n\nSurvived {}, by kind:\n\n{}\n\n{passes}.\n\nThe table is in {file}: aig_logs_raw with every copy,\naig_logs as readers see it, and the views over it.\n\
             Repeat it with: {}",
            proof.traffic(),
            show::counted(survived, "fault"),
            two_columns(&kinds),
            self.command(&arguments.history),
        )
    }

    /// What to type for the same storm over the same world.
    fn command(&self, history: &PastOptions) -> String {
        let PastOptions { entries, days, seed } = history;
        format!("{} demo --faults {} --entries {entries} --days {days} --seed {seed}", show::program(), self.seed)
    }

    fn to_json(&self, file: &Path) -> Value {
        let mut json = self.proof.to_json();
        json["raw_duplicates"] = self.raw_duplicates.into();
        json["brought_in"] = self.brought_in.into();
        json["dead_letters"] = self.dead_letters.into();
        json["faults"] = json!(self.faults);
        json["passes"] =
            json!({ "made": self.passes.made, "failed": self.passes.failed, "killed": self.passes.killed });
        json["seed"] = self.seed.into();
        json["file"] = file.display().to_string().into();
        json
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::PathBuf};

    use chrono::TimeDelta;
    use rusqlite::Connection;

    use super::{super::landed, *};
    use crate::time;

    #[test]
    fn a_storm_is_told_in_words_with_the_way_to_repeat_it() {
        let table = Connection::open_in_memory().unwrap();
        let row = json!({ "id": "a", "created_at": "2026-11-02T12:00:00.000Z" });
        landed::keep(&table, [&row, &row].into_iter()).unwrap();
        let until = time::parse("2026-11-03").unwrap();
        let proof =
            DemoProof::after_a_storm([row.clone()].into_iter(), &table, &BTreeSet::new(), until, TimeDelta::zero());
        let mut passes = StormPasses::default();
        passes.count(None);
        let survival = Survival {
            seed: 3,
            proof: proof.unwrap_or_else(|_| panic!("the table can be read")),
            brought_in: 1,
            raw_duplicates: 1,
            dead_letters: 0,
            faults: BTreeMap::from([("server_error", 5), ("late_entry", 2)]),
            passes,
        };
        let history = PastOptions { entries: 600, days: 3.0, seed: 1 };
        let ending = survival.ending(&Demo {
            file: PathBuf::from("demo.sqlite"),
            faults: Some(3),
            once: false,
            no_open: false,
            history,
        });
        let Ending { words, json, holds } = ending;
        for line in
            ["Duplicated for readers", "Raw duplicates", "brought in by counts", "server error", "Survived 7 faults"]
        {
            assert!(words.contains(line), "{line} is not in: {words}");
        }
        assert!(words.contains("Passes: 1 made, 0 failed, 1 killed in mid-flight."), "{words}");
        assert!(words.trim_end().ends_with("demo --faults 3 --entries 600 --days 3 --seed 1"), "{words}");
        assert!(holds && json["brought_in"] == 1 && json["passes"]["killed"] == 1, "{json}");
    }
}
