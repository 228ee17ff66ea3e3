//! `aig-logs report --format html`: a page that stands alone, and takes no value for markup.

use std::fs;

use html5gum::{Token, Tokenizer};

use super::{
    calls::{Call, folder},
    few, run,
};

/// Elements without an end.
const EMPTY: [&str; 1] = ["meta"];

/// Elements that a page may have.
const USED: [&str; 29] = [
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "h1",
    "h2",
    "p",
    "ul",
    "li",
    "dl",
    "div",
    "dt",
    "dd",
    "small",
    "figure",
    "figcaption",
    "span",
    "svg",
    "rect",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "br",
    "strong",
];

/// What a reader of a page sees.
#[derive(Default)]
struct Page {
    /// The rows of its tables: of each cell the text, without what is small.
    rows: Vec<Vec<String>>,
    /// All text.
    text: String,
    /// Names and values of all attributes.
    attributes: Vec<(String, String)>,
    style: String,
}

/// Reads a page, which must be without mistakes.
fn read(html: &str) -> Page {
    let (mut page, mut open) = (Page::default(), Vec::<String>::new());
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    for token in Tokenizer::new(html) {
        match token.unwrap() {
            Token::StartTag(tag) => {
                let name = text(&tag.name);
                assert!(USED.contains(&name.as_str()), "{name}");
                let attributes = tag.attributes.iter().map(|(name, value)| (text(name), text(value)));
                page.attributes.extend(attributes);
                match name.as_str() {
                    "tr" => page.rows.push(Vec::new()),
                    "th" | "td" => page.rows.last_mut().unwrap().push(String::new()),
                    _ => {}
                }
                if !tag.self_closing && !EMPTY.contains(&name.as_str()) {
                    open.push(name);
                }
            }
            Token::EndTag(tag) => assert_eq!(open.pop(), Some(text(&tag.name))),
            Token::String(string) => {
                let is_in = |name: &str| open.iter().any(|open| open == name);
                if is_in("style") {
                    page.style += &text(&string);
                } else {
                    page.text += &text(&string);
                }
                if let Some(cell) =
                    page.rows.last_mut().and_then(|row| row.last_mut()).filter(|_| is_in("tr") && !is_in("small"))
                {
                    *cell += text(&string).trim();
                }
            }
            Token::Doctype(_) => {}
            Token::Comment(comment) => panic!("a comment: {comment:?}"),
            Token::Error(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(open, Vec::<String>::new());
    page
}

fn page(calls: &[Call], arguments: &[&str]) -> (Page, String) {
    let html = run(folder(calls).path(), &[arguments, &["--format", "html"]].concat());
    let page = read(&html);
    let is_foreign =
        |(name, value): &&(String, String)| ["src", "href", "action"].contains(&name.as_str()) || value.contains("://");
    assert_eq!(page.attributes.iter().find(is_foreign), None);
    assert!(!page.style.contains("url(") && !page.style.contains("@import"), "{}", page.style);
    (page, html)
}

#[test]
fn the_page_has_the_numbers_of_the_tables() {
    let (page, _) = page(&few(), &["--by", "team"]);
    let tables = run(folder(&few()).path(), &["--by", "team"]);
    let mut expected = Vec::new();
    for section in tables.split("\n\n").skip(3) {
        let cells = |line: &str| -> Vec<_> {
            let cells = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty());
            cells.map(str::to_owned).collect()
        };
        let names = cells(section.lines().next().unwrap()).iter().position(|cell| cell == "calls").unwrap();
        // Calls, errors, both tokens and the cost, which comes first in the page.
        for line in section.lines().map(cells) {
            expected.push([&line[..names], &line[names + 4..names + 5], &line[names..names + 4]].concat());
        }
    }
    assert_eq!(expected.len(), (1 + 4) + (1 + 3) + (1 + 5) + (1 + 29));
    assert_eq!(page.rows, expected);
    for told in [
        "AI Gateway in 2020-02",
        "Compared with 2020-01.",
        "≥ 1,235.25",
        "3.00, ~ ×412",
        "Most: 1,234.50 USD on 2020-02-29",
    ] {
        assert!(page.text.contains(told), "{told} is not in: {}", page.text);
    }
}

#[test]
fn no_value_is_markup() {
    let names = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "a & b &amp; 'c'",
        "</style></title>",
        "https://example.com/x.png",
        "é漢\u{202e}x",
    ];
    let calls: Vec<_> = names.iter().map(|name| Call::new("2020-02-02", name, name, 0.5)).collect();
    let key = "<b>\"'";
    let (page, _) = page(&calls, &["--by", &format!("team,{key}"), "--org", "acme"]);
    for name in names {
        // What turns the text around is shown as its escape.
        let name = name.replace('\u{202e}', "\\u202e");
        assert_eq!(page.rows.iter().filter(|row| row[..2] == [name.clone(), name.clone()]).count(), 1, "{name}");
    }
    assert!(page.text.contains("By <b>\"'") && page.text.contains("(no <b>\"')"), "{}", page.text);
}

#[test]
fn a_page_of_many_models_and_teams_can_be_mailed() {
    let name = |kind: &str, n: usize| format!("{kind} of a name that is rather long: é漢 {n}");
    let pairs = || (0..50).flat_map(|model| (0..50).map(move |team| (model, team)));
    let call = |month: &'static str| {
        move |(model, team): (usize, usize)| Call::new(month, &name("model", model), &name("team", team), 123_456.78)
    };
    let calls: Vec<_> = pairs().map(call("2020-02-02")).chain(pairs().map(call("2020-01-02"))).collect();
    let (page, html) = page(&calls, &["--by", "team"]);
    assert!(html.len() < 100_000, "{}", html.len());
    // One line of each section has the others, and those that are as large keep their order.
    let others: Vec<_> = page.rows.iter().filter(|row| row[0] == "(other)").collect();
    assert_eq!(others.len(), 3);
    assert!(others[2][1] == "(other)" && others[2][3] == "2,455", "{others:?}");
}

#[test]
fn a_page_without_logs_says_so() {
    let (page, _) = page(&[], &["--by", "team"]);
    assert!(page.text.contains("There are no logs.") && page.rows.is_empty(), "{}", page.text);
    let folder = folder(&few());
    run(folder.path(), &["--output", "month.html"]);
    assert!(fs::read_to_string(folder.path().join("month.html")).unwrap().starts_with("<!DOCTYPE html>"));
}
