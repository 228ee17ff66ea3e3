//! The only outlet for text from outside: messages of errors, ids and names, on their way to a person, a log, the state
//! or a table. It lets no secret of this run through, whole or in part. Nor does it let a character through that would
//! act on a terminal, or begin a new line.

use std::{
    fmt::Write,
    iter,
    sync::{Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The fewest characters in a row that count as part of a secret. Fewer are less than three quarters of the shortest
/// key allowed. A smaller number would mask plain words, such as `simulate`, with which the simulator's token begins.
/// So a secret that is shorter than this is not masked.
const PART: usize = 12;

/// The first secrets of a run are in its settings, and are always masked. Later secrets are tokens, which are valid for
/// an hour: only the newest of them are masked.
const LASTING: usize = 8;
const MOST: usize = LASTING + 8;

/// The most characters of a text that are quoted.
const LONGEST: usize = 1_000;

/// The most bytes of such a text that are searched: an answer of another server may have many millions.
const LOOKED_AT: usize = 64 << 10;

/// The replacement of a secret.
const MASK: &str = "[secret]";

/// The secrets of this run, and the forms of their parts. The forms are computed when the first text is masked: a run
/// that gets no text from outside does not pay for them.
#[derive(Default)]
struct Secrets(Vec<(String, Vec<u128>)>);

static SECRETS: Mutex<Secrets> = Mutex::new(Secrets(Vec::new()));

/// Keeps a secret out of every text from now on. Of a key in PEM, or of a file with a key, only the key's letters are
/// secret.
pub fn hide(secret: &str) {
    // Of an address the host is none: other addresses may have the same.
    let address = ["https://", "http://"].into_iter().find_map(|scheme| secret.strip_prefix(scheme));
    let path = address.and_then(|address| Some(&address[address.find('/')?..]));
    let secret = path.unwrap_or(secret);
    SECRETS.lock().unwrap_or_else(PoisonError::into_inner).hide(secret);
}

/// A foreign text to be quoted: masked, visible, in one line, and not too long. A clean text stays as it is.
#[must_use]
pub fn clean(text: &str) -> String {
    let text = line(&text[..text.floor_char_boundary(LOOKED_AT)]);
    // The text is cut only now, because half a secret is harder to find.
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => text[..end].to_owned() + "…",
        None => text,
    }
}

/// A whole text in one line, masked and visible.
#[must_use]
pub fn line(text: &str) -> String {
    visible(&masked(text), false)
}

/// A whole text, masked and visible, with its line breaks.
#[must_use]
pub fn lines(text: &str) -> String {
    visible(&masked(text), true)
}

/// A whole text, masked and otherwise unchanged: for a text that is kept, and shown later.
#[must_use]
pub fn masked(text: &str) -> String {
    SECRETS.lock().unwrap_or_else(PoisonError::into_inner).mask(text)
}

impl Secrets {
    fn hide(&mut self, secret: &str) {
        let pem = secret.split_once("-----BEGIN ").and_then(|(_, rest)| rest.split_once("-----"));
        let secret = pem.map_or_else(|| secret.to_owned(), |(_, key)| letters_of_pem(key));
        if secret.len() < PART || self.0.iter().any(|(known, _)| *known == secret) {
            return;
        }
        self.0.push((secret, Vec::new()));
        if self.0.len() > MOST {
            self.0.remove(LASTING);
        }
    }

    /// Replaces every run of letters that is part of a secret by [`MASK`].
    fn mask(&mut self, text: &str) -> String {
        let (places, letters): (Vec<_>, Vec<_>) = compared(text).unzip();
        let mut shown = String::with_capacity(text.len());
        let mut told = 0;
        for (part, place) in parts(&letters).zip(places.windows(PART)) {
            if !self.has(part) {
                continue;
            }
            // A quote at either end may belong to JSON, and tells nothing.
            let is_quote = |n: usize| usize::from(part.to_be_bytes()[size_of::<u128>() - PART + n] == 0);
            let (first, last) = (is_quote(0), is_quote(PART - 1));
            let start = before_escape(&text[..text.floor_char_boundary(place[0] + first)]);
            if start > told || told == 0 {
                shown.push_str(&text[told..start]);
                shown.push_str(MASK);
            }
            told = text.ceil_char_boundary(place[PART - 1] + 1 - last).max(told);
        }
        shown.push_str(&text[told..]);
        shown
    }

    fn has(&mut self, part: u128) -> bool {
        self.0.iter_mut().any(|(secret, known)| {
            if known.is_empty() {
                known.extend(forms(secret).iter().flat_map(|form| parts(form)));
                known.sort_unstable();
            }
            known.binary_search(&part).is_ok()
        })
    }
}

/// Shows each character that would act instead of being seen, in the way JSON writes it. So a JSON text keeps its
/// meaning.
fn visible(text: &str, breaks: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' if breaks => shown.push(letter),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            letter if acts(letter) => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    // Writing to a string never fails.
                    let _ = write!(shown, "\\u{unit:04x}");
                }
            }
            letter => shown.push(letter),
        }
    }
    shown
}

/// Control characters, and characters that turn, join, hide or break the text around them: Unicode's format controls
/// and separators.
fn acts(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The end of a text without the backslashes at its end, or without the escape that it ends in. The rest of an escape
/// would change the meaning of the mask in JSON.
fn before_escape(text: &str) -> usize {
    let digits = text.bytes().rev().take_while(u8::is_ascii_hexdigit).count();
    let escape = text[..text.len() - digits].strip_suffix("\\u").filter(|_| digits < 4);
    escape.unwrap_or(text).trim_end_matches('\\').len()
}

/// The text before the end of a key, without its line breaks, in any spelling.
fn letters_of_pem(key: &str) -> String {
    let key = key.split("-----END").next().unwrap_or(key).replace("\\n", "").replace("\\r", "");
    key.chars().filter(|letter| !letter.is_whitespace() && *letter != '\\').collect()
}

/// The letters of a text as they are compared, and the place of each: in lower case, in one of base64's two alphabets,
/// and without JSON's backslashes. A quote that is not escaped becomes another letter: in JSON it encloses a text.
fn compared(text: &str) -> impl Iterator<Item = (usize, u8)> {
    let is_escaped = |place: usize| place > 0 && text.as_bytes()[place - 1] == b'\\';
    let letters = text.bytes().enumerate().filter(|(_, letter)| *letter != b'\\');
    letters.map(move |(place, letter)| match letter {
        b'"' if !is_escaped(place) => (place, 0),
        b'-' => (place, b'+'),
        b'_' => (place, b'/'),
        letter => (place, letter.to_ascii_lowercase()),
    })
}

/// Every [`PART`] letters in a row, as a number.
fn parts(letters: &[u8]) -> impl Iterator<Item = u128> {
    letters.windows(PART).map(|part| part.iter().fold(0, |number, letter| number << 8 | u128::from(*letter)))
}

/// The forms in which a secret may be sent back: as it is, percent-encoded, or within a longer text in base64, where it
/// begins at the first, second or third byte of a group.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    let form = |text: &str| compared(text).map(|(_, letter)| letter).collect();
    let in_base64 = [(0, 0), (1, 2), (2, 3)].map(|(before, mixed)| {
        let bytes: Vec<u8> = iter::repeat_n(0, before).chain(secret.bytes()).collect();
        let text = STANDARD_NO_PAD.encode(&bytes);
        // The letters at both ends also depend on the text around.
        form(&text[mixed..bytes.len() * 8 / 6])
    });
    let in_json = secret.replace('"', "\\\"");
    let plain = [secret.to_owned(), in_json, utf8_percent_encode(secret, ESCAPED).to_string()];
    let plain = plain.map(|text| form(&text));
    plain.into_iter().chain(in_base64).collect()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const TOKEN: &str = "v1.0-Kf9_x2Lq8/ZrT+5wYbN7cD3mHsGpEaJu";
    const OTHER: &str = "ya29.c0ASRK0Ga-qW4eR6tY8uI0oP2aS4dF6gH";
    const KEY: &str = "a \"key\" for hashes, søk 🦀 til slutt";

    fn secrets() -> Secrets {
        let mut secrets = Secrets::default();
        for secret in [TOKEN, OTHER, KEY] {
            secrets.hide(secret);
        }
        secrets
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(secrets().mask(text), expected, "{text}");
        assert_eq!(secrets().mask(expected), expected, "what is masked stays as it is");
    }

    #[test]
    fn a_secret_is_masked_whole_or_cut() {
        check(TOKEN, "[secret]");
        check(&format!("no such token: Bearer {TOKEN}."), "no such token: Bearer [secret].");
        check(&format!("{TOKEN}{OTHER} {TOKEN}, {OTHER}"), "[secret] [secret], [secret]");
        for cut in 1..TOKEN.len() - PART {
            check(&format!("<{}>", &TOKEN[cut..]), "<[secret]>");
            check(&format!("<{}>", &TOKEN[..TOKEN.len() - cut]), "<[secret]>");
        }
        check(&format!("ø{}🦀", &TOKEN[3..20]), "ø[secret]🦀");
        check(&TOKEN.to_lowercase(), "[secret]");
        check("a short part says nothing: Kf9_x2Lq8/Z", "a short part says nothing: Kf9_x2Lq8/Z");
        check("", "");
    }

    #[test]
    fn a_secret_is_masked_in_the_forms_in_which_it_is_sent_back() {
        let sent: String = form_urlencoded::byte_serialize(TOKEN.as_bytes()).collect();
        check(&format!("q={sent}&"), "q=[secret]&");
        check("v1.0-Kf9_x2Lq8%2fZrT%2b5wYbN7cD3mHsGpEaJu", "[secret]");
        check(&TOKEN.replace('/', "\\/"), "[secret]");
        // The last digit of an escape may look like the beginning of a part.
        check("\\u000b5wYbN7cD3mH", "[secret]");
        check(&serde_json::json!({ "key": KEY }).to_string(), r#"{"key":"[secret]"}"#);
        for before in ["", "t", "to", "tok"] {
            for text in [
                STANDARD_NO_PAD.encode(format!("{before}{TOKEN}: no")),
                URL_SAFE_NO_PAD.encode(format!("{before}{TOKEN}")),
            ] {
                let masked = secrets().mask(&text);
                let left = masked.replace(MASK, "");
                assert!(masked.contains(MASK) && left.len() < 14, "{text} becomes {masked}");
            }
        }
    }

    #[test]
    fn of_a_key_in_pem_only_its_letters_are_secret() {
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw\nggSjAgEAAoIBAQC7VJTUt9Us8cKj";
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        let file =
            serde_json::json!({ "type": "service_account", "private_key": pem, "project_id": "a-project-of-ours" });
        let mut secrets = Secrets::default();
        secrets.hide(&file.to_string());
        let masked = secrets.mask(&file.to_string());
        assert!(!masked.contains("MIIE") && !masked.contains("Us8cKj"), "{masked}");
        assert!(masked.contains("service_account") && masked.contains("a-project-of-ours"), "{masked}");
        let masked = secrets.mask(&pem);
        assert!(masked.starts_with("-----BEGIN PRIVATE KEY-----") && !masked.contains("Us8cKj"), "{masked}");
    }

    #[test]
    fn tokens_of_a_year_are_not_kept_and_settings_stay_known() {
        let mut secrets = secrets();
        let token = |hour: usize| format!("ya29.token-of-the-hour-{hour:05}");
        for hour in 0..8_760 {
            secrets.hide(&token(hour));
            secrets.hide(&token(hour));
        }
        assert_eq!(secrets.0.len(), MOST);
        for secret in [TOKEN, OTHER, KEY, &token(8_759), &token(8_758)] {
            assert_eq!(secrets.mask(secret), MASK);
        }
    }

    #[test]
    fn a_short_secret_takes_no_words_away() {
        let mut secrets = Secrets::default();
        secrets.hide("the answer");
        secrets.hide("");
        assert_eq!(secrets.mask("the answer cannot be read"), "the answer cannot be read");
    }

    #[test]
    fn letters_that_act_are_shown() {
        let check = |text: &str, expected: &str| {
            assert_eq!(line(text), expected);
            assert_eq!(line(expected), expected);
            let read: String = serde_json::from_str(&format!("\"{expected}\"")).unwrap();
            assert_eq!(read, text);
        };
        check("a\nb\r\tc", "a\\nb\\r\\tc");
        check("\u{1b}[2J\u{7}\u{9b}", "\\u001b[2J\\u0007\\u009b");
        check("\u{202e}gnp\u{2028}\u{feff}\u{e0041}", "\\u202egnp\\u2028\\ufeff\\udb40\\udc41");
        check("søk 🦀 日本 é", "søk 🦀 日本 é");
        assert_eq!(lines("a\nb\u{1b}\rc"), "a\nb\\u001b\\rc");
    }

    #[test]
    fn a_text_is_cut_after_it_is_masked() {
        let long = "ø".repeat(LONGEST + 1);
        assert_eq!(clean(&long), "ø".repeat(LONGEST) + "…");
        assert_eq!(clean(&clean(&long)), clean(&long));
        hide("a-secret-at-the-very-end-of-a-text");
        let text = "x".repeat(LONGEST - 13) + "a-secret-at-the-very-end-of-a-text";
        assert_eq!(clean(&text), "x".repeat(LONGEST - 13) + MASK);
    }

    /// Pieces of secrets, of letters in many lengths, and of anything.
    fn text() -> impl Strategy<Value = String> {
        let piece = |text: &'static str| {
            (0..text.len(), 0..text.len()).prop_map(move |(a, b)| {
                let (from, to) = (text.floor_char_boundary(a.min(b)), text.floor_char_boundary(a.max(b)));
                text[from..to].to_owned()
            })
        };
        vec(prop_oneof![piece(TOKEN), piece(KEY), ".{0,8}", "[\\\\\"n/+_-]{0,4}"], 0..8)
            .prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_part_of_a_secret_is_left_of_any_text(text in text()) {
            let masked = secrets().mask(&text);
            for secret in [TOKEN, OTHER, KEY] {
                let letters: Vec<_> = secret.chars().collect();
                // The two quotes in one of the secrets do not count.
                for part in letters.windows(PART + 2) {
                    prop_assert!(!masked.contains(&part.iter().collect::<String>()), "{text:?} becomes {masked:?}");
                }
            }
            prop_assert_eq!(secrets().mask(&masked), masked);
        }

        #[test]
        fn json_stays_json(text in text()) {
            let told = serde_json::json!({ "error": text, "rows": 1 }).to_string();
            let told = visible(&secrets().mask(&told), false);
            prop_assert!(serde_json::from_str::<serde_json::Value>(&told).is_ok(), "{}", told);
        }
    }
}
