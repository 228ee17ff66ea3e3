//! `aig-logs query --fail-if`: a question as a check, for cron and CI.

use super::{
    ask::{few, folder},
    command, words,
};

/// Output, words and exit code of a template over few rows: two models, which cost 1.5 and 0.75.
fn query(condition: &str) -> (String, String, i32) {
    let folder = folder(&few());
    let named = ["query", "cost-by-model", "start=2026-11-01T00:00:00Z", "end=2026-11-03T00:00:00Z"];
    let output = command(folder.path()).args(named).args(["--json", "--fail-if", condition]).output().unwrap();
    let words = words(&output);
    (String::from_utf8(output.stdout).unwrap(), words, output.status.code().unwrap())
}

#[test]
fn a_question_whose_answer_is_alarming_ends_with_2() {
    let check = |condition: &str, expected: i32, told: &str| {
        let (answer, words, code) = query(condition);
        assert_eq!(code, expected, "{condition}: {words}");
        // The answer comes first, whatever it is.
        assert!(answer.contains("large") && words.contains(told), "{condition}: {answer} {words}");
    };
    check("cost > 1", 2, "cost > 1 holds for 1 of 2 rows");
    check("cost > 0.5", 2, "cost > 0.5 holds for 2 of 2 rows");
    check("cost > 2", 0, "");
    check("rows > 0", 2, "rows > 0 holds: there are 2");
    check("rows < 2", 0, "");
    check("failures > 10", 2, "the answer has no failures");
    let (answer, words, code) = query("cost");
    assert!(answer.is_empty() && code == 2 && words.contains("--fail-if"), "{words}");
}
