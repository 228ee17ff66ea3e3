//! What a process says, as it says it.

use std::{
    io::{PipeReader, Read as _},
    iter,
    sync::{Arc, Condvar, Mutex},
    thread::{self, JoinHandle},
    time::Duration,
};

/// The runtime is ready after 1 to 3 s on an idle machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// What has been said so far, read by a thread of its own so that the pipe never fills.
pub struct Output {
    heard: Arc<(Mutex<Heard>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Heard {
    text: String,
    ended: bool,
}

impl Output {
    pub fn of(mut pipe: PipeReader) -> Self {
        let heard: Arc<(Mutex<Heard>, Condvar)> = Arc::default();
        let shared = Arc::clone(&heard);
        let reader = thread::spawn(move || {
            let mut bytes = Vec::new();
            let mut chunk = [0; 4_096];
            loop {
                let read = pipe.read(&mut chunk).unwrap_or(0);
                bytes.extend_from_slice(&chunk[..read]);
                let mut heard = shared.0.lock().unwrap();
                heard.text = plain(&String::from_utf8_lossy(&bytes));
                heard.ended = read == 0;
                shared.1.notify_all();
                if heard.ended {
                    break;
                }
            }
        });
        Self { heard, reader: Some(reader) }
    }

    /// What is found in the text from a place on, as soon as it is there.
    pub fn wait<T>(&self, from: usize, find: impl Fn(&str) -> Option<T>) -> T {
        let mut found = None;
        let (heard, more) = &*self.heard;
        let waiting = |heard: &mut Heard| {
            found = find(&heard.text[from..]);
            found.is_none() && !heard.ended
        };
        let (heard, _) = more.wait_timeout_while(heard.lock().unwrap(), PATIENCE, waiting).unwrap();
        let text = heard.text.clone();
        drop(heard);
        found.unwrap_or_else(|| panic!("the runtime does not say what was waited for:\n{text}"))
    }

    pub fn text(&self) -> String {
        self.heard.0.lock().unwrap().text.clone()
    }

    pub fn len(&self) -> usize {
        self.heard.0.lock().unwrap().text.len()
    }

    /// Waits until nobody is left who could say anything.
    pub fn finish(&mut self) {
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

/// A text without its colours, which `wrangler` gives to errors whatever it is told.
fn plain(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default();
    let rest = parts.map(|part| part.split_once('m').map_or("", |(_, text)| text));
    iter::once(first).chain(rest).collect()
}
