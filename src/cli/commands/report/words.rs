//! Numbers and names of a report, as a person reads them.

use indicatif::HumanCount;
use serde_json::Value;

use super::costs::{Cost, Costs, Line, Measure, Name, Proof};
use crate::{cli::show, foreign};

/// What stands where nothing is known.
pub const UNKNOWN: &str = "–";

/// The name of a value. It acts on no terminal and on no page.
pub fn name(name: &Name, field: &str) -> String {
    match name {
        Name::Other => "(other)".into(),
        Name::Value(Value::Null) => format!("(no {})", foreign::line(field)),
        Name::Value(Value::String(text)) => foreign::line(text),
        Name::Value(value) => foreign::line(&value.to_string()),
    }
}

/// The names of a line in one.
pub fn names(line: &Line, fields: &[String]) -> Vec<String> {
    line.names.iter().zip(fields).map(|(value, field)| name(value, field)).collect()
}

/// A cost in dollars and cents.
pub fn cost(cost: Cost) -> String {
    match cost {
        Cost::Exact(sum) => usd(sum),
        // A little more than nothing is no bound that says something.
        Cost::AtLeast(sum) if sum < 0.005 => "> 0.00".into(),
        Cost::AtLeast(sum) => format!("≥ {}", usd(sum)),
        Cost::Unknown => UNKNOWN.into(),
    }
}

/// Dollars and cents. Less than half a cent is not nothing.
fn usd(sum: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    let cents = (sum * 100.0).round().max(0.0) as u64;
    if cents == 0 && sum > 0.0 {
        return "< 0.01".into();
    }
    format!("{}.{:02}", HumanCount(cents / 100), cents % 100)
}

/// A number of calls or tokens.
pub fn count(count: Option<u64>) -> String {
    count.map_or_else(|| UNKNOWN.into(), |count| HumanCount(count).to_string())
}

/// The same with three digits, where there is little room: 12.3M.
pub fn short(count: Option<u64>) -> String {
    let Some(count) = count else { return UNKNOWN.into() };
    if count < 100_000 {
        return HumanCount(count).to_string();
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are left of it")]
    let mut size = count as f64 / 1_000.0;
    let mut letters = ["k", "M", "G", "T", "P", "E"].into_iter();
    let mut letter = letters.next();
    while size >= 999.5 {
        size /= 1_000.0;
        letter = letters.next();
    }
    let digits = if size < 9.995 { 2 } else { usize::from(size < 99.95) };
    format!("{size:.digits$}{}", letter.unwrap_or_default())
}

/// How a cost has changed. Of sums that lack something it is near the truth at best.
pub fn change_of_cost(line: &Line) -> String {
    let Some(before) = line.before else { return UNKNOWN.into() };
    match (line.now.cost(), before.cost()) {
        (Cost::Unknown, _) | (_, Cost::Unknown) => UNKNOWN.into(),
        (Cost::Exact(now), Cost::Exact(before)) => change(now, before),
        (Cost::Exact(now) | Cost::AtLeast(now), Cost::Exact(before) | Cost::AtLeast(before)) => {
            format!("~ {}", change(now, before))
        }
    }
}

/// How a measure has changed.
#[expect(clippy::cast_precision_loss, reason = "a share of it is shown")]
pub fn change_of_count(line: &Line, measure: Measure) -> String {
    let old = line.before.and_then(|before| before.count(measure));
    let both = line.now.count(measure).zip(old);
    both.map_or_else(|| UNKNOWN.into(), |(now, before)| change(now as f64, before as f64))
}

fn change(now: f64, before: f64) -> String {
    #[expect(clippy::float_cmp, reason = "equal numbers have not changed")]
    if now == before {
        return "0 %".into();
    }
    if before == 0.0 {
        return "new".into();
    }
    let percent = (now / before - 1.0) * 100.0;
    match percent {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
        percent if percent > 999.5 => format!("×{}", short(Some((now / before).round() as u64))),
        percent if percent.abs() < 9.95 => format!("{}{:.1} %", sign(percent), percent.abs()),
        percent => format!("{}{:.0} %", sign(percent), percent.abs()),
    }
}

fn sign(number: f64) -> &'static str {
    if number < 0.0 { "−" } else { "+" }
}

/// What the report is about.
pub fn title(costs: &Costs) -> String {
    let of_org = costs.org.as_ref().map_or_else(String::new, |org| format!(", org {}", shortened(org, 30)));
    format!("AI Gateway in {}{of_org}", costs.periods[0].name())
}

/// What is to know about the numbers, each a sentence of less than 80 letters.
pub fn facts(costs: &Costs) -> Vec<String> {
    let [now, before] = &costs.periods;
    let minute = |at: crate::time::Timestamp| at.format("%Y-%m-%d %H:%M").to_string();
    let mut facts = vec![if now.is_whole {
        format!("The whole month, {} to {} UTC.", minute(now.start), minute(now.end))
    } else {
        format!("The month runs still: through {} UTC.", minute(now.end))
    }];
    facts.push(match costs.whole.before {
        None => format!("Nothing to compare with: {} has no logs.", before.name()),
        Some(_) if before.is_whole => format!("Compared with {}.", before.name()),
        Some(_) => format!("Compared with {} to {} UTC.", minute(before.start), minute(before.end)),
    });
    match costs.proofs {
        None => facts.push(format!("{} cannot prove it complete: `aig-logs status` tells.", costs.place)),
        Some([proof, old]) => {
            facts.push(proven(&now.name(), proof));
            if costs.whole.before.is_some() && old.proven < old.hours {
                facts.push(proven(&before.name(), old));
            }
        }
    }
    let unpriced = costs.whole.now.count(Measure::Unpriced).unwrap_or_default();
    if unpriced > 0 {
        let calls = show::counted(unpriced, "call");
        facts.push(format!("{calls} without a price: ≥ is a sum without them."));
    }
    facts
}

fn proven(month: &str, proof: Proof) -> String {
    let Proof { hours, proven, short, counting } = proof;
    if proven == hours {
        return format!("{month} is proven complete: each of its {hours} hours.");
    }
    if proven + short + counting == 0 {
        return format!("{month} is not proven complete: no hour is counted at the source.");
    }
    let unknown = hours - proven - short - counting;
    let others = [(short, "lack logs"), (counting, "are being counted"), (unknown, "are unknown")];
    let others = others.iter().filter(|(hours, _)| *hours > 0).map(|(hours, what)| format!(", {hours} {what}"));
    format!("{month} is not proven complete: {proven} of {hours} hours are{}.", others.collect::<String>())
}

/// The first letters of a text.
pub fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::{Cost, change, cost, short};

    #[test]
    fn costs_have_cents_and_what_is_not_known_is_no_zero() {
        let check = |value, expected| assert_eq!(cost(value), expected);
        check(Cost::Exact(0.0), "0.00");
        check(Cost::Exact(0.004), "< 0.01");
        check(Cost::Exact(0.995), "1.00");
        check(Cost::AtLeast(1_234_567.891), "≥ 1,234,567.89");
        check(Cost::AtLeast(0.004), "> 0.00");
        check(Cost::Unknown, "–");
    }

    #[test]
    fn numbers_are_short_where_there_is_little_room() {
        let check = |number, expected| assert_eq!(short(Some(number)), expected);
        check(0, "0");
        check(99_999, "99,999");
        check(100_000, "100k");
        check(999_499, "999k");
        check(999_500, "1.00M");
        check(12_345_678, "12.3M");
        check(u64::MAX, "18.4E");
        assert_eq!(short(None), "–");
    }

    #[test]
    fn a_change_is_a_share_of_what_was_there_before() {
        let check = |now, before, expected| assert_eq!(change(now, before), expected);
        check(118.0, 100.0, "+18 %");
        check(101.0, 100.0, "+1.0 %");
        check(95.0, 100.0, "−5.0 %");
        check(0.0, 100.0, "−100 %");
        check(3.0, 0.0, "new");
        check(0.0, 0.0, "0 %");
        check(11.0, 1.0, "×11");
        check(1e9, 1.0, "×1.00G");
    }
}
