//! `aig-logs help`, `man` and `completions`: what the command line itself can tell.

use std::{fs, path::Path};

use clap::Command;

use crate::cli::{
    args::{
        idle::tree,
        topics::{TOPICS, list},
    },
    failure::{Exit, Failure},
    show,
};

/// The word after `help` that lists the topics.
const TOPICS_WORD: &str = "topics";

/// Prints a topic, or the help of the command that these words name; without words that of all.
pub fn help(words: &[String]) -> Result<Exit, Failure> {
    if let [word] = words {
        let topic = TOPICS.iter().find(|topic| topic.name == word).map(|topic| (topic.text)());
        if let Some(text) = topic.or_else(|| (word == TOPICS_WORD).then(list)) {
            return show::print(&text).map(|()| Exit::Done);
        }
    }
    let mut command = tree();
    command.build();
    words.iter().try_fold(&mut command, inner)?.print_long_help().map_err(|error| Failure::output(&error))?;
    Ok(Exit::Done)
}

fn inner<'a>(command: &'a mut Command, word: &String) -> Result<&'a mut Command, Failure> {
    let unknown = || {
        let hint = "`aig-logs help` lists the commands, and `aig-logs help topics` the topics";
        Failure::denied("printing the help", format!("{word} is no command and no topic"), hint)
    };
    command.find_subcommand_mut(word).ok_or_else(unknown)
}

/// Prints the manual page, or writes those of all commands into a folder.
pub fn man(folder: Option<&Path>) -> Result<Exit, Failure> {
    let Some(folder) = folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(tree()).render(&mut page).map_err(|error| Failure::output(&error))?;
        return show::deliver(String::from_utf8_lossy(&page).trim_end()).map(|()| Exit::Done);
    };
    let written = fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(tree(), folder));
    written.map_err(|error| {
        Failure::denied(format!("writing into {}", folder.display()), error, "Name another folder with --dir")
    })?;
    Ok(Exit::Done)
}

/// Prints completions for a shell.
pub fn completions(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut tree(), "aig-logs", &mut script);
    show::deliver(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Exit::Done)
}
