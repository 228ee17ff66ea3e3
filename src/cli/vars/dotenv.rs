//! `.dev.vars` as `wrangler` reads it: the grammar of Node's dotenv 16, nothing of which is an error. Text that is no
//! setting is passed over, the last value of a name counts, and a `$` is a letter like any other.

use std::collections::BTreeMap;

/// What may stand around a value.
const QUOTES: [char; 3] = ['\'', '"', '`'];

/// The settings of a text, by name. It never fails, and takes time in proportion to the length of the text.
#[must_use]
pub fn parse(text: &str) -> BTreeMap<String, String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut settings = BTreeMap::new();
    let mut rest = text.as_str();
    loop {
        // Spaces and empty lines before a name.
        rest = rest.trim_start_matches(is_space);
        let Some(first) = rest.chars().next() else { return settings };
        let after = if let Some((name, after)) = name(rest) {
            let (value, after) = value(after);
            settings.insert(name.to_owned(), unquoted(value.trim_matches(is_space)));
            after
        } else {
            &rest[first.len_utf8()..]
        };
        // A setting begins on a line of its own.
        rest = match after.find(ends_line) {
            Some(end) => &after[end..],
            None => return settings,
        };
    }
}

/// White space as JavaScript has it.
fn is_space(letter: char) -> bool {
    letter == '\u{feff}' || letter.is_whitespace() && letter != '\u{85}'
}

/// A line's end as JavaScript has it. There are no carriage returns left.
fn ends_line(letter: char) -> bool {
    matches!(letter, '\n' | '\u{2028}' | '\u{2029}')
}

/// The name at the beginning of a text, and what comes after its `=` or `: `.
fn name(text: &str) -> Option<(&str, &str)> {
    let exported = text.strip_prefix("export").filter(|rest| rest.starts_with(is_space));
    let exported = exported.and_then(|rest| assigned(rest.trim_start_matches(is_space)));
    exported.or_else(|| assigned(text))
}

fn assigned(text: &str) -> Option<(&str, &str)> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-');
    let after = text.trim_start_matches(is_name);
    let name = &text[..text.len() - after.len()];
    let value = match after.strip_prefix(':') {
        // One space belongs to the colon.
        Some(value) => value.strip_prefix(is_space),
        None => after.trim_start_matches(is_space).strip_prefix('='),
    };
    Some((name, value?)).filter(|_| !name.is_empty())
}

/// The value at the beginning of a text, with its quotes, and what comes after it.
fn value(text: &str) -> (&str, &str) {
    let quoted = text.trim_start_matches(is_space);
    quoted.strip_prefix(QUOTES).and_then(|_| closed(quoted)).unwrap_or_else(|| {
        let (value, after) = text.split_at(text.find(['#', '\n']).unwrap_or(text.len()));
        (value, after)
    })
}

/// A quoted value, and the text after it. The closing quotation mark is the first one without a backslash before it. If
/// other text than a comment follows this mark, it is the last earlier mark after which nothing but a comment follows.
fn closed(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next()?;
    let mut ends = Vec::new();
    for (end, _) in text.match_indices(quote).skip(1) {
        ends.push(end + 1);
        if !text[1..end].ends_with('\\') {
            break;
        }
    }
    ends.into_iter().rev().find_map(|end| {
        let after = &text[end..];
        let next = after.trim_start_matches(is_space);
        let spaces = &after[..after.len() - next.len()];
        let is_end = next.is_empty() || next.starts_with('#') || spaces.contains(ends_line);
        is_end.then(|| (&text[..end], after))
    })
}

/// A value without the quotes around it. Between double ones `\n` and `\r` stand for the letters.
fn unquoted(value: &str) -> String {
    let plain = without_quotes(value);
    if value.starts_with('"') { plain.replace("\\n", "\n").replace("\\r", "\r") } else { plain }
}

/// Removes the quotes around each part that begins and ends at the bounds of a line. There is more than one such part
/// only if the value has a line separator of Unicode.
fn without_quotes(value: &str) -> String {
    let ends = |end: usize| value[end..].chars().next().is_none_or(ends_line);
    let closing = QUOTES.map(|quote| value.rmatch_indices(quote).map(|(at, _)| at).find(|at| ends(at + 1)));
    let (mut plain, mut at, mut begins) = (String::new(), 0, true);
    while let Some(letter) = value[at..].chars().next() {
        let quote = QUOTES.iter().position(|quote| begins && letter == *quote);
        let end = quote.and_then(|quote| closing[quote]).filter(|end| *end > at);
        if let Some(end) = end {
            plain.push_str(&value[at + 1..end]);
            (at, begins) = (end + 1, false);
        } else {
            plain.push(letter);
            (at, begins) = (at + letter.len_utf8(), ends_line(letter));
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, path::Path};

    use super::parse;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let expected = expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        assert_eq!(parse(text), expected.collect::<BTreeMap<_, _>>(), "{text:?}");
    }

    #[test]
    fn every_fixture_is_read_as_node_reads_it() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/dotenv");
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let texts: Vec<_> = files.filter(|path| path.extension().is_some_and(|ending| ending == "vars")).collect();
        assert!(texts.len() >= 3);
        for path in texts {
            let expected = fs::read(path.with_extension("json")).unwrap();
            let expected: BTreeMap<String, String> = serde_json::from_slice(&expected).unwrap();
            assert_eq!(parse(&fs::read_to_string(&path).unwrap()), expected, "{}", path.display());
        }
    }

    #[test]
    fn a_dollar_is_a_letter_and_the_last_of_two_counts() {
        check("A=ab$cd\nA=${HOME}$x\n", &[("A", "${HOME}$x")]);
        check("A=1\nA=\n", &[("A", "")]);
    }

    #[test]
    fn a_quotation_mark_that_is_not_closed_is_part_of_the_value() {
        check("A='b\nB=c", &[("A", "'b"), ("B", "c")]);
        check(r#"A="b\" # c"#, &[("A", r"b\")]);
        check("A='b' c", &[("A", "'b' c")]);
    }

    #[test]
    fn a_long_text_takes_no_more_time_than_its_length() {
        for part in ["A='\\'", "export ", "A=\n", "A=\"\\\" x\n", "\u{2028}'x", "A\n\n", "A: `\n", "'", " "] {
            assert!(parse(&part.repeat(20_000)).len() <= 2);
        }
    }
}
