//! The events in a file, each as it is written there, read piece by piece: one event a line, a JSON list, an object with
//! a list `events`, or one event.

use std::{
    io::{self, BufRead, Cursor, Read},
    mem,
};

use serde::de::IgnoredAny;

use crate::log::raw;

/// The most bytes of an event that are kept. A server takes far less.
const LARGEST: usize = 1 << 20;

/// The most bytes of an object that reaches over several lines. A list without an object around it has no limit.
const LARGEST_OBJECT: u64 = 16 << 20;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// An event of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Element {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// Its text; none: it is too large to be kept.
    pub text: Option<String>,
}

/// The events of a file.
pub struct Elements {
    input: Box<dyn BufRead>,
    /// The line of the next byte.
    line: u64,
    form: Form,
}

enum Form {
    Unknown,
    Lines,
    List,
    One(Element),
    Ended,
}

impl Elements {
    /// The events that are read from `input`.
    pub fn new(input: impl BufRead + 'static) -> Self {
        Self { input: Box::new(input), line: 1, form: Form::Unknown }
    }

    /// The next event; none: there is no further one.
    ///
    /// # Errors
    /// If the file cannot be read, or a list has no end.
    pub fn next(&mut self) -> io::Result<Option<Element>> {
        if matches!(self.form, Form::Unknown) {
            self.form = self.recognize()?;
        }
        match mem::replace(&mut self.form, Form::Ended) {
            Form::Unknown | Form::Ended => Ok(None),
            Form::One(element) => Ok(Some(element)),
            Form::Lines => self.next_line(),
            Form::List => self.next_of_list(),
        }
    }

    /// Tells the form by the first letters.
    fn recognize(&mut self) -> io::Result<Form> {
        // Some programs write a mark before a text, of which UTF-8 has no need.
        if self.input.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
            self.input.consume(BYTE_ORDER_MARK.len());
        }
        match self.skip(|byte| byte.is_ascii_whitespace())? {
            None => Ok(Form::Ended),
            Some(b'[') => {
                self.input.consume(1);
                Ok(Form::List)
            }
            Some(b'{') => self.object(),
            Some(_) => Ok(Form::Lines),
        }
    }

    /// The form of a file that begins with an object. It is put back, unless it is a list.
    fn object(&mut self) -> io::Result<Form> {
        let mut text = Vec::new();
        self.input.by_ref().take(LARGEST_OBJECT).read_until(b'\n', &mut text)?;
        let is_first_of_lines = serde_json::from_slice::<IgnoredAny>(&text).is_ok() && listed(&text).is_none();
        if !is_first_of_lines && listed(&text).is_none() {
            self.input.by_ref().take(LARGEST_OBJECT).read_to_end(&mut text)?;
        }
        if let Some((before, list)) = listed(&text) {
            self.line += newlines(&text[..before]);
            self.input = Box::new(Cursor::new(list[1..].to_owned()));
            return Ok(Form::List);
        }
        if !is_first_of_lines && serde_json::from_slice::<IgnoredAny>(&text).is_ok() {
            let text = String::from_utf8_lossy(&text).into_owned();
            return Ok(Form::One(Element { line: self.line, text: Some(text) }));
        }
        let rest = mem::replace(&mut self.input, Box::new(io::empty()));
        self.input = Box::new(Cursor::new(text).chain(rest));
        Ok(Form::Lines)
    }

    fn next_line(&mut self) -> io::Result<Option<Element>> {
        if self.skip(|byte| byte.is_ascii_whitespace())?.is_none() {
            return Ok(None);
        }
        let element = self.take(|byte| byte == b'\n')?;
        self.form = Form::Lines;
        Ok(Some(element))
    }

    fn next_of_list(&mut self) -> io::Result<Option<Element>> {
        match self.skip(|byte| byte.is_ascii_whitespace() || byte == b',')? {
            None => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "its list has no end")),
            Some(b']') => return Ok(None),
            Some(_) => {}
        }
        let (mut depth, mut is_text, mut is_escaped) = (0_u32, false, false);
        let element = self.take(|byte| {
            if is_text {
                is_text = is_escaped || byte != b'"';
                is_escaped = !is_escaped && byte == b'\\';
                return false;
            }
            match byte {
                b'"' => is_text = true,
                b'[' | b'{' => depth += 1,
                b']' | b'}' if depth > 0 => depth -= 1,
                b']' | b',' if depth == 0 => return true,
                _ => {}
            }
            false
        })?;
        self.form = Form::List;
        Ok(Some(element))
    }

    /// Passes over bytes. Returns the first other byte, which is read next.
    fn skip(&mut self, is_skipped: impl Fn(u8) -> bool) -> io::Result<Option<u8>> {
        loop {
            let Some(byte) = self.input.fill_buf()?.first().copied() else { return Ok(None) };
            if !is_skipped(byte) {
                return Ok(Some(byte));
            }
            self.line += u64::from(byte == b'\n');
            self.input.consume(1);
        }
    }

    /// Takes the bytes before the one that ends an event, which is read next.
    fn take(&mut self, mut ends: impl FnMut(u8) -> bool) -> io::Result<Element> {
        let (line, mut text, mut is_kept) = (self.line, Vec::new(), true);
        loop {
            let bytes = self.input.fill_buf()?;
            let end = bytes.iter().position(|byte| ends(*byte));
            let part = &bytes[..end.unwrap_or(bytes.len())];
            is_kept &= text.len() + part.len() <= LARGEST;
            if is_kept {
                text.extend_from_slice(part);
            }
            self.line += newlines(part);
            let (taken, is_last) = (part.len(), end.is_some() || bytes.is_empty());
            self.input.consume(taken);
            if is_last {
                let text = is_kept.then(|| String::from_utf8_lossy(text.trim_ascii()).into_owned());
                return Ok(Element { line, text });
            }
        }
    }
}

/// The list `events` of an object, and how many bytes stand before it.
fn listed(object: &[u8]) -> Option<(usize, &str)> {
    let text = str::from_utf8(object).ok()?;
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let list = *raw::by_name(text)?.get("events")?;
    let list = list.starts_with('[').then_some(list)?;
    Some((text.find(list)?, list))
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events of a text, which is read in pieces of some bytes, with their lines.
    fn read(text: &str, piece: usize) -> io::Result<Vec<(u64, Option<String>)>> {
        let input = io::BufReader::with_capacity(piece, Cursor::new(text.to_owned().into_bytes()));
        let (mut elements, mut read) = (Elements::new(input), Vec::new());
        while let Some(Element { line, text }) = elements.next()? {
            read.push((line, text));
        }
        Ok(read)
    }

    #[test]
    fn every_form_of_a_file_gives_its_events_with_their_lines() {
        let check = |text: &str, expected: &[(u64, &str)]| {
            for piece in [1, 3, 8_192] {
                let read = read(text, piece).unwrap();
                let read: Vec<_> = read.iter().map(|(line, text)| (*line, text.as_deref().unwrap())).collect();
                assert_eq!(read, expected, "{text}");
            }
        };
        check("", &[]);
        check(" \n\n", &[]);
        check(
            "{\"a\":1}\n\n  {\"a\":2}\r\nwords\n{\"a\":",
            &[(1, "{\"a\":1}"), (3, "{\"a\":2}"), (4, "words"), (5, "{\"a\":")],
        );
        check("{\"a\":\n{\"a\":2}\n", &[(1, "{\"a\":"), (2, "{\"a\":2}")]);
        check("{\"a\":1}", &[(1, "{\"a\":1}")]);
        check("\n{\n \"a\": [1]\n}\n", &[(2, "{\n \"a\": [1]\n}\n")]);
        check("[]", &[]);
        check(
            "[\n{\"a\":\"]},\\\"\\\\\"},\n {\"b\":[1,\n{}]}, 7 ,\"x,y\"]",
            &[(2, "{\"a\":\"]},\\\"\\\\\"}"), (3, "{\"b\":[1,\n{}]}"), (4, "7"), (4, "\"x,y\"")],
        );
        check("{\"events\": [{\"a\":1},{\"a\":2}]}", &[(1, "{\"a\":1}"), (1, "{\"a\":2}")]);
        check("{\"sent\": 1,\n\"events\":\n[{\"a\":1},\n{\"a\":2}]\n}", &[(3, "{\"a\":1}"), (4, "{\"a\":2}")]);
        check("{\"events\": 7}", &[(1, "{\"events\": 7}")]);
    }

    #[test]
    fn a_list_without_an_end_is_told_after_its_events() {
        let mut elements = Elements::new(Cursor::new("[{\"a\":1},"));
        assert_eq!(elements.next().unwrap().unwrap().text.unwrap(), "{\"a\":1}");
        assert!(elements.next().is_err());
    }

    #[test]
    fn what_is_too_large_is_passed_over() {
        let large = "x".repeat(LARGEST + 1);
        for text in [format!("{{}}\n\"{large}\"\n{{}}"), format!("[{{}},\n\"{large}\",\n{{}}]")] {
            let read = read(&text, 8_192).unwrap();
            assert_eq!(read, [(1, Some("{}".into())), (2, None), (3, Some("{}".into()))]);
        }
    }
}
