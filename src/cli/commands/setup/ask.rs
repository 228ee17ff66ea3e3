//! Questions to the user at the terminal. Unattended, each is an error that names the flag and the setting.

use std::io::{self, IsTerminal};

use dialoguer::{Confirm, Input, Password, Select};

use crate::{cli::failure::Failure, secret::Secret};

/// What is asked, and how else it can be answered.
#[derive(Debug, Clone, Copy)]
pub struct Prompt<'a> {
    /// What is wanted, as a noun.
    pub what: &'a str,
    /// The flag that answers it; empty: none does.
    pub flag: &'a str,
    /// The setting that answers it.
    pub setting: &'a str,
}

impl Prompt<'_> {
    fn unanswered(self) -> Failure {
        let Self { what, flag, setting } = self;
        let hint = if flag.is_empty() { format!("Set {setting}") } else { format!("Say {flag}, or set {setting}") };
        Failure::denied("setting up", format!("the {what} is not known"), hint)
    }
}

/// Whoever answers.
#[derive(Debug, Clone, Copy)]
pub enum Prompter {
    /// Somebody at the terminal.
    Person,
    /// Nobody.
    Unattended,
}

impl Prompter {
    /// Finds out whether somebody is there.
    pub fn new(unattended: bool) -> Result<Self, Failure> {
        if unattended {
            return Ok(Self::Unattended);
        }
        if io::stdin().is_terminal() && io::stderr().is_terminal() {
            return Ok(Self::Person);
        }
        let hint = "Nothing was changed. Say --yes, or run it on a terminal";
        Err(Failure::denied("setting up", "nobody is there to answer questions", hint))
    }

    /// A text; unattended `default`.
    pub fn text(self, question: Prompt<'_>, default: Option<&str>) -> Result<String, Failure> {
        match (self, default) {
            (Self::Unattended, Some(default)) => Ok(default.to_owned()),
            (Self::Unattended, None) => Err(question.unanswered()),
            (Self::Person, default) => {
                let input = Input::<String>::new().with_prompt(capitalized(question.what));
                let input = default.map_or_else(|| input.clone(), |default| input.clone().default(default.to_owned()));
                answered(input.interact_text())
            }
        }
    }

    /// A text that is not shown.
    pub fn secret(self, question: Prompt<'_>) -> Result<Secret, Failure> {
        match self {
            Self::Unattended => Err(question.unanswered()),
            Self::Person => {
                let prompt = format!("{} (hidden)", capitalized(question.what));
                answered(Password::new().with_prompt(prompt).interact()).map(Secret::new)
            }
        }
    }

    /// The index of one of several.
    pub fn choice(self, question: Prompt<'_>, items: &[String]) -> Result<usize, Failure> {
        match self {
            Self::Unattended => Err(question.unanswered()),
            Self::Person => {
                answered(Select::new().with_prompt(capitalized(question.what)).items(items).default(0).interact())
            }
        }
    }

    /// Yes or no; unattended yes.
    pub fn agrees(self, words: &str) -> Result<bool, Failure> {
        match self {
            Self::Unattended => Ok(true),
            Self::Person => answered(Confirm::new().with_prompt(words).default(true).interact()),
        }
    }
}

fn answered<T>(answer: dialoguer::Result<T>) -> Result<T, Failure> {
    answer.map_err(|error| Failure::denied("reading the answer", error, "Run it again: what is done is kept"))
}

fn capitalized(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
