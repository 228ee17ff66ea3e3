//! Options that the command would ignore. They are refused, and they are not in its help.

use clap::{Command, CommandFactory};

use super::{Arguments, Options};

/// Commands that would ignore some of the options of every command.
struct Idle {
    commands: &'static [&'static str],
    /// These options, without hyphens.
    options: &'static [&'static str],
    /// Why, for who gives one.
    words: &'static str,
}

const IDLE: [Idle; 12] = [
    Idle {
        commands: &["demo", "simulate", "looker"],
        options: &["sink", "state", "dry-run", "pages"],
        words: "demo, simulate and looker do not use --sink, --state, --dry-run or --pages",
    },
    Idle {
        commands: &["alerts"],
        options: &["sink", "dry-run", "pages"],
        words: "alerts does not use --sink, --dry-run or --pages: it reads the state",
    },
    Idle {
        commands: &["dead-letters"],
        options: &["dry-run", "pages"],
        words: "dead-letters does not use --dry-run or --pages; `aig-logs dead-letters show` prints the rows",
    },
    Idle {
        commands: &["verify", "explain"],
        options: &["dry-run", "pages"],
        words: "verify and explain do not use --dry-run or --pages: they write nothing, except verify with --repair",
    },
    Idle {
        commands: &["setup"],
        options: &["sink", "state", "vars", "json", "dry-run", "pages"],
        words: "setup does not use the options of every command: it works in this folder, with its own options",
    },
    Idle {
        commands: &["serve", "erase"],
        options: &["sink", "state", "dry-run", "pages"],
        words: "serve and erase do not use --sink, --state, --dry-run or --pages: everything is in the file of --db",
    },
    Idle {
        commands: &["send"],
        options: &["sink", "state", "dry-run", "pages"],
        words: "send does not use --sink, --state, --dry-run or --pages: events go to the address of --to",
    },
    Idle {
        commands: &["ask", "query", "report"],
        options: &["state", "dry-run", "pages"],
        words: "ask, query and report do not use --state, --dry-run or --pages: they read the file of --db, or --sink d1",
    },
    Idle {
        commands: &["keys", "prices"],
        options: &["sink", "state", "vars", "dry-run", "pages"],
        words: "keys and prices do not use --sink, --state, --vars, --dry-run or --pages: they are in the file of --db",
    },
    Idle {
        commands: &["doctor", "sql", "estimate"],
        options: &["state", "dry-run", "pages"],
        words: "doctor, sql and estimate do not use --state, --dry-run or --pages",
    },
    Idle {
        commands: &["settings"],
        options: &["sink", "state", "dry-run"],
        words: "settings does not use --sink, --state or --dry-run: it shows settings",
    },
    Idle {
        commands: &["help", "man", "completions"],
        options: &["sink", "state", "vars", "json", "dry-run", "pages"],
        words: "help, man and completions do not use the options of every command: they print a text",
    },
];

/// The whole command line, for who reads it and for its help.
pub fn tree() -> Command {
    let tree = Arguments::command();
    let options: Vec<_> = tree.get_arguments().filter(|option| option.is_global_set()).cloned().collect();
    let hidden = |idle: &Idle| {
        let hidden = options.iter().filter(|option| option.get_long().is_some_and(|name| idle.options.contains(&name)));
        hidden.map(|option| option.clone().hide(true)).collect::<Vec<_>>()
    };
    IDLE.iter().fold(tree, |tree, idle| {
        let hide = |tree: Command, name| tree.mut_subcommand(name, |command| command.args(hidden(idle)));
        idle.commands.iter().fold(tree, hide)
    })
}

/// Why the command of this name would ignore a given option.
pub fn idle_option(command: &str, options: &Options) -> Option<&'static str> {
    let Options { sinks, state, dry_run, pages, vars, json } = options;
    let given = [
        ("sink", !sinks.is_empty()),
        ("state", state.is_some()),
        ("vars", vars.is_some()),
        ("json", *json),
        ("dry-run", *dry_run),
        ("pages", pages.is_some()),
    ];
    let idle = IDLE.iter().find(|idle| idle.commands.contains(&command))?;
    given.iter().any(|(name, given)| *given && idle.options.contains(name)).then_some(idle.words)
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::{IDLE, tree};

    /// Lines of a screen.
    const SCREEN: usize = 30;

    #[test]
    fn help_is_80_columns_wide_and_that_of_a_command_fits_a_screen() {
        let mut tree = tree();
        tree.build();
        check(&mut tree, usize::MAX);
    }

    fn check(command: &mut Command, lines: usize) {
        let name = command.get_name().to_owned();
        let (short, long) = (command.render_help().to_string(), command.render_long_help().to_string());
        assert!(short.lines().count() <= lines, "{name} -h:\n{short}");
        for line in short.lines().chain(long.lines()) {
            assert!(line.chars().count() <= 80, "{name}: {line}");
        }
        command.get_subcommands_mut().for_each(|inner| check(inner, SCREEN));
    }

    #[test]
    fn what_a_command_refuses_is_not_in_its_help() {
        let mut tree = tree();
        tree.build();
        for command in tree.get_subcommands() {
            let idle = IDLE.iter().find(|idle| idle.commands.contains(&command.get_name()));
            for option in ["sink", "state", "vars", "json", "dry-run", "pages"] {
                let refused = idle.is_some_and(|idle| idle.options.contains(&option));
                let inner = command.get_subcommands().next();
                for command in [Some(command), inner].into_iter().flatten() {
                    let found = command.get_arguments().find(|found| found.get_long() == Some(option)).unwrap();
                    assert_eq!(found.is_hide_set(), refused, "{} --{option}", command.get_name());
                }
            }
        }
    }

    #[test]
    fn each_option_that_is_refused_is_one_of_every_command() {
        let tree = tree();
        let known: Vec<_> = tree.get_arguments().filter_map(clap::Arg::get_long).collect();
        let refused = IDLE.iter().flat_map(|idle| idle.options);
        assert!(refused.clone().all(|option| known.contains(option)));
        assert_eq!(
            IDLE.iter().filter(|idle| idle.commands.iter().any(|name| tree.find_subcommand(name).is_none())).count(),
            0
        );
    }
}
