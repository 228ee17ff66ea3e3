//! A SQLite file as a database: what is written together, what fails alone, and what is never acknowledged.

use std::{fs, io::Read as _, path::Path};

use aig_logs::{
    database::{Database as _, Done, Statement, sqlite::SqliteDatabase},
    error::CallError,
    event::EVENTS,
    log::metadata::MetadataKeys,
    record::{Cell, Kind, Record},
    time,
};
use futures_util::{
    FutureExt as _,
    future::{join_all, poll_immediate},
};
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

struct File {
    folder: TempDir,
    database: SqliteDatabase,
}

impl File {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = SqliteDatabase::open(&folder.path().join("a.sqlite"), &MetadataKeys::default()).unwrap();
        Self { folder, database }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("a.sqlite")
    }

    /// Another program with this file.
    fn other(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    async fn write(&self, ids: &[&str]) -> Result<Vec<Done>, CallError> {
        self.database.run(vec![events(ids)]).await
    }

    async fn written(&self) -> Vec<String> {
        let rows = self.database.query("SELECT id FROM events_raw ORDER BY id", Vec::new()).await.unwrap();
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }
}

fn events(ids: &[&str]) -> Statement {
    Statement::Write(ids.iter().map(|id| event(id)).collect())
}

fn event(id: &str) -> Record {
    let cell = |column: &aig_logs::record::Column| match (column.name, column.kind) {
        ("id", _) => Cell::Text(id.into()),
        ("org" | "name" | "source", _) => Cell::Text(column.name.into()),
        (_, Kind::Instant) => Cell::Instant(time::parse("2026-11-28T09:15:22.417Z").unwrap()),
        ("metadata", _) => Cell::Text(r#"{"a":1}"#.into()),
        _ => Cell::Null,
    };
    Record { table: &EVENTS, cells: EVENTS.columns.iter().map(cell).collect() }
}

fn changed(counts: &[u64]) -> Vec<Done> {
    counts.iter().map(|changed| Done { changed: *changed, rows_written: *changed, ..Done::default() }).collect()
}

/// A statement that no table takes.
fn broken() -> Statement {
    Statement::Sql("INSERT INTO events_raw (org) VALUES (?1)".into(), vec![Cell::Text("a".into())])
}

/// The transactions in the log of a file: a frame that ends one holds the size of the file, others hold zero.
fn commits(path: &Path) -> usize {
    const HEAD: usize = 32;
    const FRAME: usize = 24;
    let wal = fs::read(format!("{}-wal", path.display())).unwrap();
    let number = |at: usize| u32::from_be_bytes(wal[at..at + 4].try_into().unwrap());
    let page = number(8) as usize;
    (HEAD..wal.len()).step_by(FRAME + page).filter(|at| number(at + 4) > 0).count()
}

#[tokio::test]
async fn requests_that_wait_share_a_commit_and_keep_their_own_counts() {
    let file = File::new();
    let other = file.other();
    let before = commits(&file.path());
    // Nothing can be written now, and so all of them wait.
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let names: Vec<_> = (0..50).map(|n| format!("{n:02}")).collect();
    let mut all = Box::pin(join_all(names.iter().map(async |name| file.write(&[name, "same"]).await)));
    assert!(poll_immediate(&mut all).await.is_none(), "answered before the commit");
    other.execute_batch("ROLLBACK").unwrap();
    let all = all.await;
    let all: Vec<_> = all.into_iter().map(Result::unwrap).collect();
    assert_eq!(all[0], changed(&[2]));
    assert!(all[1..].iter().all(|done| *done == changed(&[1])), "{all:?}");
    let commits = commits(&file.path()) - before;
    assert!((1..=2).contains(&commits), "{commits} commits of 50 requests");
    assert_eq!(file.written().await.len(), 51);
}

#[tokio::test]
async fn each_statement_of_a_request_has_its_count() {
    let file = File::new();
    assert_eq!(file.write(&["a", "b"]).await, Ok(changed(&[2])));
    let delete = Statement::Sql("DELETE FROM events_raw WHERE id = ?1".into(), vec![Cell::Text("b".into())]);
    let done = file.database.run(vec![events(&["a", "c", "c"]), delete, Statement::Write(Vec::new())]).await;
    assert_eq!(done, Ok(changed(&[1, 1, 0])));
    assert_eq!(file.written().await, ["a", "c"]);
}

/// Many rows are written by one statement, and the rest one by one.
#[tokio::test]
async fn a_batch_of_any_size_is_written_whole_or_not_at_all() {
    for size in [1, 24, 25, 26, 49, 50, 51, 100, 500] {
        let file = File::new();
        let ids: Vec<_> = (0..size).map(|n| format!("{n:03}")).collect();
        let ids: Vec<_> = ids.iter().map(String::as_str).collect();
        for refused in [0, size / 2, size - 1] {
            let mut records: Vec<_> = ids.iter().map(|id| event(id)).collect();
            let name = EVENTS.columns.iter().position(|column| column.name == "name").unwrap();
            records[refused].cells[name] = Cell::Null;
            file.database.run(vec![Statement::Write(records)]).await.unwrap_err();
            assert_eq!(file.written().await, [""; 0], "{size} rows, of which {refused} is refused");
        }
        // One is there already, and one is there twice.
        assert_eq!(file.write(&ids[..1]).await, Ok(changed(&[1])));
        let batch = [&ids[..], &ids[size / 2..=size / 2]].concat();
        assert_eq!(file.write(&batch).await, Ok(changed(&[size as u64 - 1])), "{size} rows");
        assert_eq!(file.written().await, ids);
    }
}

#[tokio::test]
async fn a_request_that_fails_fails_whole_and_alone() {
    let file = File::new();
    let other = file.other();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let requests = [
        vec![events(&["a"])],
        vec![events(&["b"]), broken()],
        vec![events(&["c"])],
        vec![broken(), events(&["d"])],
        vec![events(&["a", "e"])],
    ];
    let mut all = Box::pin(join_all(requests.map(|statements| file.database.run(statements))));
    assert!(poll_immediate(&mut all).await.is_none());
    other.execute_batch("ROLLBACK").unwrap();
    let all = all.await;
    let counts: Vec<_> = all.iter().map(|done| done.as_ref().ok().map(|done| done[0].changed)).collect();
    assert_eq!(counts, [Some(1), None, Some(1), None, Some(1)], "{all:?}");
    assert_eq!(file.written().await, ["a", "c", "e"]);
}

#[tokio::test]
async fn a_file_that_another_program_holds_is_written_once_that_is_over() {
    let file = File::new();
    let other = file.other();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = file.write(&["a"]).await.unwrap_err();
    assert!(refused.is_transient() && refused.to_string().contains("another program"), "{refused}");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(file.written().await, [""; 0]);
    assert_eq!(file.write(&["a"]).await, Ok(changed(&[1])));
}

#[tokio::test]
async fn a_file_that_has_left_its_place_acknowledges_nothing() {
    let file = File::new();
    let elsewhere = file.folder.path().join("elsewhere");
    file.write(&["a"]).await.unwrap();
    fs::rename(file.path(), &elsewhere).unwrap();
    let gone = file.write(&["b"]).await.unwrap_err();
    assert!(gone.to_string().contains("replaced, moved or deleted"), "{gone}");
    assert_eq!(file.database.query("SELECT 1", Vec::new()).await, Err(gone.clone()));
    fs::write(file.path(), "").unwrap();
    assert_eq!(file.write(&["c"]).await, Err(gone), "another file is there");
    fs::rename(&elsewhere, file.path()).unwrap();
    assert_eq!(file.write(&["d"]).await, Ok(changed(&[1])));
}

/// The newest rows are in the log beside the file: without it they are gone at the next start.
#[tokio::test]
async fn a_file_whose_log_was_removed_acknowledges_nothing() {
    let file = File::new();
    file.write(&["a"]).await.unwrap();
    fs::remove_file(file.folder.path().join("a.sqlite-wal")).unwrap();
    let gone = file.write(&["b"]).await.unwrap_err();
    assert!(gone.to_string().contains("replaced, moved or deleted") && gone.to_string().contains("-wal"), "{gone}");
}

#[tokio::test]
async fn what_was_accepted_is_committed_before_the_file_is_closed() {
    let File { folder, database } = File::new();
    let names: Vec<_> = (0..100).map(|n| format!("{n:02}")).collect();
    for name in &names {
        // Nobody waits for the answer.
        assert!(database.run(vec![events(&[name])]).now_or_never().is_none());
    }
    database.close().unwrap();
    let path = folder.path().join("a.sqlite");
    assert!(!Path::new(&format!("{}-wal", path.display())).exists(), "the file is not whole");
    let rows = Connection::open(path).unwrap().query_row("SELECT count(*) FROM events_raw", [], |row| row.get(0));
    assert_eq!(rows, Ok(100));
}

#[tokio::test]
async fn a_new_file_has_large_pages_and_keeps_nothing_of_what_was_erased() {
    let file = File::new();
    file.write(&["erase-me"]).await.unwrap();
    let (folder, path) = (&file.folder, file.path());
    assert!(fs::read(format!("{}-wal", path.display())).unwrap().windows(8).any(|bytes| bytes == b"erase-me"));
    file.database.run(vec![Statement::Sql("DELETE FROM events_raw".into(), Vec::new())]).await.unwrap();
    file.database.close().unwrap();
    let mut bytes = Vec::new();
    fs::File::open(&path).unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(u16::from_be_bytes([bytes[16], bytes[17]]), 16_384);
    assert!(!bytes.windows(8).any(|bytes| bytes == b"erase-me"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "files beside it");
}

#[tokio::test]
async fn questions_are_answered_while_others_write() {
    let file = File::new();
    file.write(&["a"]).await.unwrap();
    file.other().execute_batch("BEGIN IMMEDIATE").unwrap();
    let text = "SELECT id, duration, success, 0.5 AS half, 7 AS seven, ?1 AS given FROM events_raw";
    let questions = (0..20).map(|_| file.database.query(text, vec![Cell::Bool(true)]));
    for answer in join_all(questions).await {
        let row = json!({ "id": "a", "duration": null, "success": null, "half": 0.5, "seven": 7, "given": 1 });
        assert_eq!(json!(answer.unwrap()), json!([row]));
    }
    let written = file.database.query("DELETE FROM events_raw RETURNING id", Vec::new()).await;
    assert!(written.is_err(), "{written:?}");
    assert_eq!(file.written().await, ["a"]);
}

#[test]
fn what_is_no_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    let text = "words ".repeat(1_000);
    fs::write(&path, &text).unwrap();
    assert!(SqliteDatabase::open(&path, &MetadataKeys::default()).is_err());
    assert!(SqliteDatabase::open(&folder.path().join("no/folder"), &MetadataKeys::default()).is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}
