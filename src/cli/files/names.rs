//! How a state names where its rows go: its target.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    cli::{failure::Failure, files::open::unusable},
    config::{BigQuery, D1, Destination},
};

/// The target of a state beside which rows lie in one file. It has no path: the file may be moved.
pub const BESIDE: &str = "sqlite, this file";

/// The target of these destinations, in whatever order they are given: the name of one, or the names of several as a JSON
/// list, because a path may hold any text. `state` is the path of the state.
pub fn target(
    destinations: &[Destination],
    state: &Path,
    table: Option<&BigQuery>,
    database: Option<&D1>,
) -> Result<String, Failure> {
    let mut names = Vec::new();
    for destination in destinations {
        let beside = is_beside(destination, state)?;
        names.push(if beside { BESIDE.to_owned() } else { name(destination, table, database)? });
    }
    names.sort();
    Ok(if names.len() == 1 { names.remove(0) } else { serde_json::Value::from(names).to_string() })
}

/// The names in a target.
pub fn parts(target: &str) -> Vec<String> {
    let several = target.starts_with('[').then(|| serde_json::from_str(target).ok()).flatten();
    several.unwrap_or_else(|| vec![target.to_owned()])
}

/// Whether rows go into the file of the state.
pub fn is_beside(destination: &Destination, state: &Path) -> Result<bool, Failure> {
    destination.sqlite_file().map_or(Ok(false), |rows| Ok(absolute(rows)? == absolute(state)?))
}

/// One file must not be two sinks, because each row would be there twice, nor lines the file of the state.
pub fn refuse_one_file_twice(destinations: &[Destination], state: &Path) -> Result<(), Failure> {
    let whole = |path: &Path| fs::canonicalize(path).or_else(|_| absolute(path));
    let state = whole(state)?;
    let mut files = Vec::new();
    for destination in destinations {
        let Some(path) = destination.file() else { continue };
        let file = whole(path)?;
        if destination.sqlite_file().is_none() && file == state {
            let problem = format!("{} is the file of the state too", path.display());
            return Err(Failure::denied("opening the sinks", problem, "Give the lines a file of their own"));
        }
        if files.contains(&file) {
            let problem = format!("{} is the file of two sinks", path.display());
            return Err(Failure::denied("opening the sinks", problem, "Give each --sink a file of its own"));
        }
        files.push(file);
    }
    Ok(())
}

/// The path of a file that may not be there yet.
pub fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")));
    let folder = folder.map_err(|error| unusable(path, &error))?;
    Ok(folder.join(path.file_name().unwrap_or_default()))
}

/// A destination as the state remembers it.
fn name(destination: &Destination, table: Option<&BigQuery>, database: Option<&D1>) -> Result<String, Failure> {
    Ok(match destination {
        Destination::BigQuery => table.map_or_else(
            || "bigquery".into(),
            |table| {
                let BigQuery { project, dataset, table, .. } = table;
                format!("bigquery:{project}.{dataset}.{table}")
            },
        ),
        Destination::D1 => database.map_or_else(|| "d1".into(), |D1 { database, .. }| format!("d1:{database}")),
        Destination::Sqlite(path) => format!("sqlite:{}", absolute(path)?.display()),
        Destination::Ndjson(Some(path)) => format!("ndjson:{}", absolute(path)?.display()),
        Destination::Ndjson(None) => "ndjson".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_names_make_one_target_in_whatever_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let state = path("a and [b].sqlite");
        let [rows, lines] = [Destination::Sqlite(state.clone()), Destination::Ndjson(Some(path("x, y and \"z\"")))];
        let one = target(std::slice::from_ref(&rows), &state, None, None).unwrap();
        assert_eq!((one.as_str(), parts(&one)), (BESIDE, vec![BESIDE.to_owned()]));
        let both = target(&[rows.clone(), lines.clone()], &state, None, None).unwrap();
        assert_eq!(both, target(&[lines.clone(), rows], &state, None, None).unwrap());
        let of_lines = target(&[lines], &state, None, None).unwrap();
        assert_eq!(parts(&both), [of_lines.clone(), BESIDE.to_owned()]);
        assert_eq!(parts(&of_lines), [of_lines]);
    }

    #[test]
    fn one_file_is_no_two_sinks_however_it_is_spelled() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        std::fs::write(&file, "").unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let check = |other: PathBuf, is_refused: bool| {
            let sinks = [Destination::Ndjson(Some(file.clone())), Destination::Sqlite(other)];
            assert_eq!(refuse_one_file_twice(&sinks, Path::new("state")).is_err(), is_refused, "{sinks:?}");
        };
        check(file.clone(), true);
        check(link, true);
        check(folder.path().join(".").join("a"), true);
        check(folder.path().join("b"), false);
        let lines = [Destination::Ndjson(Some(file.clone()))];
        assert!(refuse_one_file_twice(&lines, &file).is_err(), "the file of the state");
    }
}
