//! How a proof is told: for people, for programs, and by the exit code.

use chrono::TimeDelta;
use comfy_table::CellAlignment;
use indicatif::HumanCount;
use serde_json::{Value, json};

use crate::{
    cli::{
        failure::{Exit, Failure},
        progress::Screen,
        show, terminal,
    },
    error::Error,
    foreign::clean,
    pass::audit::prove::{Cut, Proof, Proven},
    plan::slots::Verdict,
    time::{self, Timestamp},
};

/// Tells all of it, and says what follows.
pub fn tell_proof(proof: &Proof, json: bool, rows_on_output: bool, screen: &Screen) -> Result<Exit, Failure> {
    let text = if json {
        format!("{:#}", proof.units.iter().map(to_json).collect::<Value>())
    } else if proof.units.is_empty() && proof.cuts.iter().any(|(_, cut)| *cut == Cut::NotBegun) {
        "Not begun: there is nothing to prove before `aig-logs run` or `aig-logs forward` has copied logs".to_owned()
    } else if proof.units.is_empty() {
        "Nothing to prove: no hour or day of this time range was checked".to_owned()
    } else {
        format!("{}\n{}", table(&proof.units), terminal::folded(&sums(&proof.units)))
    };
    for (gateway, cut) in &proof.cuts {
        screen.say(&format!("{}: {}", clean(gateway), note(cut)));
    }
    screen.tell(&text, rows_on_output)?;
    if proof.stopped {
        screen.say("Stopped before the end: hours and days that are not listed were not checked");
    }
    for error in &proof.errors {
        screen.say(&format!("aig-logs: verify failed: {}", error.chain()));
    }
    if proof.units.iter().any(|unit| word(unit) == "delivered") {
        screen.say(UNASKED);
    }
    let hints = hints(&proof.units);
    for hint in &hints {
        screen.say(hint);
    }
    Ok(match proof.worst().map(Error::is_transient) {
        Some(false) => Exit::Person,
        _ if !hints.is_empty() => Exit::Person,
        Some(true) => Exit::Later,
        // Somebody must let forward begin.
        None if proof.cuts.iter().any(|(_, cut)| *cut == Cut::NotBegun) => Exit::Person,
        // Nobody has copied anything of what was asked for.
        None if proof.units.is_empty() && proof.cuts.iter().any(|(_, cut)| !matches!(cut, Cut::Empty(_))) => {
            Exit::Person
        }
        None if proof.stopped => Exit::Later,
        None => Exit::Done,
    })
}

fn word(unit: &Proven) -> &'static str {
    match unit.verdict {
        Verdict::Proven if unit.missing > 0 => "repaired",
        // Nobody has looked whether the rows are still there.
        Verdict::Proven if unit.in_table.is_none() => "delivered",
        Verdict::Proven => "proven",
        Verdict::Over => "over",
        Verdict::Unprovable => "unprovable",
        Verdict::Short => "short",
    }
}

/// The words, the best first.
const WORDS: [&str; 6] = ["proven", "delivered", "repaired", "over", "unprovable", "short"];

/// How to ask a table that the poller may not read.
const UNASKED: &str = "Delivered: the poller's key can write to the table, but not read it. `aig-logs verify --reader \
    gcloud` asks the table as you; `aig-logs verify --help` names other credentials. Or ask the table yourself: SELECT TIMESTAMP_TRUNC(created_at, HOUR) AS hour, COUNT(DISTINCT id) AS logs FROM the table WHERE created_at \
    BETWEEN … AND … GROUP BY hour ORDER BY hour";

const FORGOTTEN: &str = "Unprovable: some logs are not among the kept ids. Ids expire after DEDUP_TTL_DAYS, and \
    another program keeps no ids. `aig-logs backfill --from … --to …` copies the time range again; readers see each \
    log once";

const SHORT: &str = "Short: logs are missing. `aig-logs verify --repair` with the same --from and --to writes them. \
    The forward pass finds late logs of the last 24 h 10 min by itself, but no row that the table has lost";

/// What a person must look at.
fn act(unit: &Proven) -> Option<&'static str> {
    match unit.verdict {
        Verdict::Unprovable if unit.missing > 0 => Some(FORGOTTEN),
        Verdict::Short => Some(SHORT),
        Verdict::Proven | Verdict::Over | Verdict::Unprovable => None,
    }
}

fn hints(units: &[Proven]) -> Vec<&'static str> {
    [FORGOTTEN, SHORT].into_iter().filter(|hint| units.iter().any(|unit| act(unit) == Some(hint))).collect()
}

fn note(cut: &Cut) -> String {
    match cut {
        Cut::NotBegun => "no forward pass has read this gateway yet: none of its logs is delivered".to_owned(),
        Cut::After(until) => format!("checked up to {}: the forward pass has copied no further", time::text(*until)),
        Cut::Empty(from) => format!("the source has nothing before {}", from.format("%F")),
        Cut::Before(from) => format!("checked from {} on: the backfill has copied no further", time::text(*from)),
    }
}

/// A full hour, a day, or a part of one.
fn name(from: Timestamp, until: Timestamp) -> String {
    let clock = |instant: Timestamp| {
        let whole = instant.timestamp() % 60 == 0 && instant.timestamp_subsec_nanos() == 0;
        instant.format(if whole { "%H:%M" } else { "%H:%M:%S%.3f" }).to_string()
    };
    let midnight = |instant: Timestamp| instant.timestamp() % 86_400 == 0 && instant.timestamp_subsec_nanos() == 0;
    if midnight(from) && until - from == TimeDelta::days(1) {
        return from.format("%F").to_string();
    }
    let end = if midnight(until) { "24:00".to_owned() } else { clock(until) };
    format!("{} {} to {end}", from.format("%F"), clock(from))
}

/// A column of numbers: its name, and its number of a unit, where there is one.
type Column = (&'static str, fn(&Proven) -> Option<u64>);

/// Those that are always there, and those that are where there is something to tell.
const NUMBERS: [Column; 6] = [
    ("source", |unit| Some(unit.source)),
    ("delivered", |unit| Some(unit.delivered)),
    ("in the table", |unit| unit.in_table),
    ("rejected", |unit| Some(unit.rejected)),
    ("discarded", |unit| Some(unit.discarded)),
    ("missing", |unit| Some(unit.missing)),
];

fn columns(units: &[Proven]) -> Vec<Column> {
    let is_shown = |(name, number): &Column| {
        let mut numbers = units.iter().filter_map(number);
        match *name {
            "in the table" => numbers.next().is_some(),
            "rejected" | "discarded" => numbers.any(|number| number > 0),
            _ => true,
        }
    };
    NUMBERS.into_iter().filter(is_shown).collect()
}

fn table(units: &[Proven]) -> String {
    let columns = columns(units);
    let mut table = terminal::table();
    let names = columns.iter().map(|(name, _)| *name);
    table.set_header(["gateway", "when (UTC)"].into_iter().chain(names).chain(["verdict"]));
    for unit in units {
        let numbers = columns
            .iter()
            .map(|(_, number)| number(unit).map_or_else(|| "–".to_owned(), |number| HumanCount(number).to_string()));
        let place = [clean(&unit.gateway), name(unit.from, unit.until)];
        table.add_row(place.into_iter().chain(numbers).chain([word(unit).to_owned()]));
    }
    for column in 2..columns.len() + 2 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

fn sums(units: &[Proven]) -> String {
    let sum = |number: fn(&Proven) -> Option<u64>| units.iter().filter_map(number).sum::<u64>();
    let words = WORDS.into_iter().filter_map(|verdict| {
        let number = units.iter().filter(|unit| word(unit) == verdict).count();
        (number > 0).then(|| format!("{number} {verdict}"))
    });
    let words: Vec<_> = words.collect();
    let numbers = columns(units).into_iter().map(|(name, number)| {
        let name = if name == "source" { "at the source" } else { name };
        format!("{} {name}", HumanCount(sum(number)))
    });
    let rejected = match sum(|unit| Some(unit.rejected)) {
        0 => String::new(),
        rows => format!("\n{}: see `aig-logs dead-letters list`", show::counted(rows, "dead letter")),
    };
    format!("{}: {}{rejected}", numbers.collect::<Vec<_>>().join(", "), words.join(", "))
}

fn to_json(unit: &Proven) -> Value {
    json!({
        "gateway": unit.gateway,
        "from": time::text(unit.from),
        "until": time::text(unit.until),
        "source": unit.source,
        "delivered": unit.delivered,
        "in_table": unit.in_table,
        "missing": unit.missing,
        "rejected": unit.rejected,
        "discarded": unit.discarded,
        "verdict": word(unit),
        "hint": act(unit),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proven(until: &str, [source, delivered, missing]: [u64; 3], verdict: Verdict) -> Proven {
        let until = time::parse(until).unwrap();
        let from = until - TimeDelta::hours(1);
        let (gateway, in_table) = ("main".into(), Some(delivered));
        Proven {
            gateway,
            from,
            until,
            source,
            delivered,
            in_table,
            missing,
            rejected: 1,
            discarded: 0,
            read: 0,
            verdict,
        }
    }

    #[test]
    fn units_are_a_table_with_sums() {
        let units = [
            proven("2026-10-06T10:00:00Z", [1_234, 1_234, 0], Verdict::Proven),
            proven("2026-10-07T00:00:00Z", [7, 5, 2], Verdict::Short),
            proven("2026-10-07T00:30:12.5Z", [2, 0, 2], Verdict::Unprovable),
        ];
        let expected = "
 gateway  when (UTC)                           source  delivered  in the table  rejected  missing  verdict
 main     2026-10-06 09:00 to 10:00             1,234      1,234         1,234         1        0  proven
 main     2026-10-06 23:00 to 24:00                 7          5             5         1        2  short
 main     2026-10-06 23:30:12.500 to 00:30:12.500   2          0             0         1        2  unprovable
1,243 at the source, 1,239 delivered, 1,239 in the table, 3 rejected, 4 missing: 1 proven, 1 unprovable, 1 short
3 dead letters: see `aig-logs dead-letters list`";
        let told = format!("\n{}\n{}", table(&units), sums(&units));
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&told), words(expected), "{told}");
        assert_eq!(hints(&units).len(), 2);
        assert!(hints(&units)[1].contains("--repair"));
    }

    #[test]
    fn a_whole_day_is_named_by_its_date() {
        let at = |text| time::parse(text).unwrap();
        assert_eq!(name(at("2026-10-06"), at("2026-10-07")), "2026-10-06");
        assert_eq!(name(at("2026-10-06T01:00:00Z"), at("2026-10-07")), "2026-10-06 01:00 to 24:00");
    }
}
