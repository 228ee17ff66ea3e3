//! The names of settings: what the environment has under them, and which one a name almost is.

use std::env;

use crate::config::SETTINGS;

/// In a name of so many letters, two letters may be wrong. A shorter name is too close to other words.
const LONG: usize = 10;

/// A setting of the environment, unless it is not set or empty.
pub fn environment(name: &str) -> Option<String> {
    env::var(name).ok().filter(|text| !text.trim().is_empty())
}

/// The setting that a name almost is, unless it is one itself.
pub fn resembled(name: &str) -> Option<&'static str> {
    if SETTINGS.iter().any(|setting| setting.name == name) {
        return None;
    }
    let name = name.to_uppercase();
    let near = |known: &&str| distance(&name, known) <= if known.len() < LONG { 1 } else { 2 };
    SETTINGS.iter().map(|setting| setting.name).find(near)
}

/// Letters to add, take away, replace or swap with the next until two words are the same.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<_>, Vec<_>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > 2 {
        return usize::MAX;
    }
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for i in 1..=one.len() {
        let mut row = vec![i];
        for j in 1..=other.len() {
            let same = usize::from(one[i - 1] != other[j - 1]);
            let mut least = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + same);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::resembled;

    #[test]
    fn only_what_is_almost_a_setting_resembles_one() {
        let check = |name, expected| assert_eq!(resembled(name), expected, "{name}");
        check("DROP_METADTA", Some("DROP_METADATA"));
        check("SETTLE_SECOND", Some("SETTLE_SECONDS"));
        check("LOG_LEVLE", Some("LOG_LEVEL"));
        check("Hash_Key", Some("HASH_KEY"));
        check("CF_API_TOKN", Some("CF_API_TOKEN"));
        for other in ["DROP_METADATA", "PATH", "SSH_KEY", "CACHE_KEY", "CF_API_KEY", "LOG_FILE", "LOG_LEVELING", ""] {
            check(other, None);
        }
    }
}
