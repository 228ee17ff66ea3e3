//! The text format of Prometheus, read as strictly as Prometheus reads it.

use std::collections::BTreeMap;

/// Numbers by name and labels.
#[derive(Debug)]
pub struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// Reads a text. Each metric has its help and its type before its numbers, and each number comes once.
    pub fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'), "{text}");
        let (mut numbers, mut family) = (BTreeMap::new(), "");
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                family = help.split_once(' ').expect(line).0;
                let kind = if family.ends_with("_total") { "counter" } else { "gauge" };
                assert_eq!(lines.next(), Some(format!("# TYPE {family} {kind}").as_str()));
                continue;
            }
            let (name, number) = line.rsplit_once(' ').expect(line);
            assert_eq!(name.split('{').next(), Some(family), "{text}");
            assert_eq!(numbers.insert(name.to_owned(), number.parse().expect(line)), None, "{line}");
        }
        Self(numbers)
    }

    /// A number; none: there is none of this name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }

    /// A number that must be there.
    #[track_caller]
    pub fn number(&self, name: &str) -> f64 {
        self.get(name).unwrap_or_else(|| panic!("{name} is not in {self:?}"))
    }
}
