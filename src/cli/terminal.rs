//! What fits a terminal: tables and sentences are folded to its width. Elsewhere nothing is folded or cut, because programs
//! read it.

use std::io::{self, IsTerminal};

use comfy_table::{ContentArrangement, Table, presets};
use rustix::termios::tcgetwinsize;

/// The columns of a terminal that does not say how many it has.
pub const USUAL: u16 = 80;

/// The columns of the terminal that the output goes to. None: it goes elsewhere.
pub fn columns() -> Option<u16> {
    let output = io::stdout();
    if !output.is_terminal() {
        return None;
    }
    let told = tcgetwinsize(&output).map(|size| size.ws_col).ok();
    Some(told.filter(|columns| *columns > 0).unwrap_or(USUAL))
}

/// A table without lines, whose cells are folded where it is wider than the terminal.
pub fn table() -> Table {
    within(presets::NOTHING, columns())
}

/// The same with another style, in so many columns.
pub fn within(style: comfy_table::TableStyle, columns: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(style).force_no_tty();
    if let Some(columns) = columns {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns);
    }
    table
}

/// A text of lines, folded to the terminal between words. What follows of a line begins below its words, behind the
/// label that stands before them.
pub fn folded(text: &str) -> String {
    fold(text, columns().map(usize::from))
}

fn fold(text: &str, columns: Option<usize>) -> String {
    let Some(columns) = columns else { return text.to_owned() };
    let lines: Vec<_> = text.lines().map(|line| fold_line(line, columns)).collect();
    lines.join("\n")
}

fn fold_line(line: &str, columns: usize) -> String {
    if line.chars().count() <= columns {
        return line.to_owned();
    }
    let indentation = indentation(line, columns);
    let start = line.char_indices().nth(indentation).map_or(0, |(at, _)| at);
    let (label, words) = line.split_at(start);
    let (mut folded, mut used) = (label.to_owned(), indentation);
    for (place, word) in words.split(' ').enumerate() {
        let long = word.chars().count();
        if place > 0 && used + 1 + long > columns {
            folded = folded.trim_end().to_owned() + "\n" + &" ".repeat(indentation.max(2));
            used = indentation.max(2);
        } else if place > 0 {
            folded.push(' ');
            used += 1;
        }
        folded.push_str(word);
        used += long;
    }
    folded
}

/// Where the words of a line begin: behind the last gap of two blanks or more in its first half.
fn indentation(line: &str, columns: usize) -> usize {
    let letters: Vec<char> = line.chars().take(columns / 2).collect();
    let ends = letters.windows(3).rposition(|three| three[0] == ' ' && three[1] == ' ' && three[2] != ' ');
    ends.map_or(0, |place| place + 2)
}

/// A text of at most so many letters.
pub fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_folded_between_words_below_their_label() {
        let check = |line: &str, expected: &[&str]| assert_eq!(fold(line, Some(24)), expected.join("\n"));
        check("short", &["short"]);
        check("  label   up to the present", &["  label   up to the", "          present"]);
        check("main: all is well and complete", &["main: all is well and", "  complete"]);
        check("      one two three four five", &["      one two three four", "      five"]);
        check("a dead:main:2026-11-02T12:00 b", &["a", "  dead:main:2026-11-02T12:00", "  b"]);
        assert_eq!(fold("a b c", None), "a b c");
    }

    #[test]
    fn a_table_is_as_wide_as_the_terminal_and_whole_elsewhere() {
        let told = |columns| {
            let mut table = within(presets::NOTHING, columns);
            table.add_row(["key", &"word ".repeat(40)]);
            table.trim_fmt()
        };
        assert!(told(Some(80)).lines().all(|line| line.chars().count() <= 80), "{}", told(Some(80)));
        assert_eq!(told(None).lines().count(), 1);
    }

    #[test]
    fn a_long_text_is_shortened() {
        assert_eq!([shortened("abc", 3), shortened("abcd", 3)], ["abc", "ab…"]);
    }
}
