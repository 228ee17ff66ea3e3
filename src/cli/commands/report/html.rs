//! A report as a page in one file: no script, nothing from elsewhere, and no value that is taken for markup.

use askama::Template;

use super::{
    costs::{Cost, Costs, Line, Measure},
    words,
};
use crate::cli::failure::Failure;

/// The lines of all sections together: some 100 KB.
const LINES: usize = 140;

/// The least lines of a section, however many there are.
const LEAST: usize = 8;

/// The most letters of a name.
const LONGEST: usize = 40;

/// The measures of a line, beside its cost.
const MEASURES: [Measure; 4] = [Measure::Calls, Measure::Errors, Measure::TokensIn, Measure::TokensOut];

/// The page.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{ title }}</title>
<style>
{{ style|safe -}}
</style>
</head>
<body>
<h1>{{ title }}</h1>
<ul>
{%- for fact in facts %}
<li>{{ fact }}</li>
{%- endfor %}
</ul>
{%- if sections.is_empty() %}
<p>There are no logs.</p>
{%- else %}
<dl>
{%- for number in whole %}
<div><dt>{{ number.title }}</dt><dd>{{ number.now }}<small>{{ number.before }}</small></dd></div>
{%- endfor %}
</dl>
{%- if !before.is_empty() %}
<p>Below each number stands that of {{ before }}, and the change.</p>
{%- endif %}
<h2>Cost by day</h2>
<figure>
<svg viewBox="0 0 {{ bars.len() * 10 }} 100" preserveAspectRatio="none" role="img" aria-label="Cost of each day">
{%- for bar in bars %}
<rect x="{{ bar.left }}" y="{{ bar.top }}" width="8" height="{{ bar.height }}"><title>{{ bar.title }}</title></rect>
{%- endfor %}
</svg>
<figcaption><span>{{ first }}</span><span>Most: {{ most }}</span><span>{{ last }}</span></figcaption>
</figure>
{%- for section in sections %}
<h2>{{ section.title }}</h2>
<div class="wide"><table>
<thead><tr>
{%- for field in section.fields %}<th class="name" scope="col">{{ field }}</th>{% endfor %}
{%- for number in section.numbers %}<th scope="col">{{ number }}</th>{% endfor -%}
</tr></thead>
<tbody>
{%- for row in section.rows %}
<tr>
{%- for name in row.names %}<th class="name" scope="row">{{ name }}
{%- if loop.last && row.width > 0.0 %}<svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true"><rect width="{{ row.width }}" height="1"></rect></svg>{% endif -%}
</th>{% endfor %}
{%- for number in row.numbers %}<td>{{ number.now }}{% if !number.before.is_empty() %}<small>{{ number.before }}</small>{% endif %}</td>{% endfor -%}
</tr>
{%- endfor %}
</tbody>
</table></div>
{%- endfor %}
{%- endif %}
</body>
</html>"#
)]
struct Page<'a> {
    style: &'a str,
    title: String,
    facts: Vec<String>,
    whole: Vec<Number>,
    /// The month before, if it has logs.
    before: String,
    /// The days of the chart.
    bars: Vec<Bar>,
    first: String,
    most: String,
    last: String,
    sections: Vec<Division>,
}

/// A number, and what it was in the month before.
struct Number {
    title: &'static str,
    now: String,
    before: String,
}

/// The bar of a day, in a chart that is 100 high.
struct Bar {
    left: usize,
    top: f64,
    height: f64,
    title: String,
}

/// A table of the page.
struct Division {
    title: String,
    fields: Vec<String>,
    numbers: Vec<String>,
    rows: Vec<Row>,
}

/// A line of such a table. Its bar is so wide, in percent of the widest.
struct Row {
    names: Vec<String>,
    width: f64,
    numbers: Vec<Number>,
}

/// The page of a report.
pub fn page(costs: &Costs) -> Result<String, Failure> {
    let is_empty = costs.whole.now.calls() == 0;
    let day = |line: Option<&Line>| line.map(|line| words::names(line, &["day".into()]).concat()).unwrap_or_default();
    let dearest = costs.days.iter().max_by(|one, other| one.now.sum.total_cmp(&other.now.sum));
    let page = Page {
        style: include_str!("style.css"),
        title: words::title(costs),
        facts: words::facts(costs),
        whole: whole(&costs.whole),
        before: costs.whole.before.map(|_| costs.periods[1].name()).unwrap_or_default(),
        bars: bars(&costs.days),
        first: day(costs.days.first()),
        most: dearest
            .map(|line| format!("{} USD on {}", words::cost(line.now.cost()), day(Some(line))))
            .unwrap_or_default(),
        last: day(costs.days.last()),
        sections: if is_empty { Vec::new() } else { sections(costs) },
    };
    page.render().map_err(|error| Failure::denied("making the page", error, "Ask for another --format"))
}

/// Every number of all calls.
fn whole(line: &Line) -> Vec<Number> {
    let counts = Measure::ALL.map(|measure| count(line, measure, words::count));
    [cost(line)].into_iter().chain(counts).collect()
}

fn cost(line: &Line) -> Number {
    let before = line.before.map(|numbers| words::cost(numbers.cost()));
    let before = before.map(|before| with_change(before, &words::change_of_cost(line))).unwrap_or_default();
    Number { title: "cost (USD)", now: words::cost(line.now.cost()), before }
}

fn count(line: &Line, measure: Measure, told: fn(Option<u64>) -> String) -> Number {
    let before = line.before.map(|numbers| told(numbers.count(measure)));
    let before = before.map(|before| with_change(before, &words::change_of_count(line, measure))).unwrap_or_default();
    Number { title: measure.title(), now: told(line.now.count(measure)), before }
}

/// A number of the month before, with the change if it is known.
fn with_change(before: String, change: &str) -> String {
    if change == words::UNKNOWN { before } else { format!("{before}, {change}") }
}

/// The bars of days: the dearest is as high as the chart.
fn bars(days: &[Line]) -> Vec<Bar> {
    let largest = days.iter().map(|line| line.now.sum).fold(0.0, f64::max);
    let bar = |(place, line): (usize, &Line)| {
        let height = percent(line.now.sum, largest);
        let title = format!("{}: {} USD", words::names(line, &["day".into()]).concat(), words::cost(line.now.cost()));
        Bar { left: place * 10 + 1, top: 100.0 - height, height, title }
    };
    days.iter().enumerate().map(bar).collect()
}

/// A share in percent, with a decimal.
fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole * 1_000.0).round() / 10.0 } else { 0.0 }
}

fn sections(costs: &Costs) -> Vec<Division> {
    let most = (LINES / costs.sections.len()).max(LEAST);
    let divisions = costs.sections.iter().map(|section| {
        let lines = section.folded(most, &costs.whole);
        division(&section.fields, &lines)
    });
    divisions.chain([division(&["day".into()], &costs.days)]).collect()
}

fn division(fields: &[String], lines: &[Line]) -> Division {
    let largest = lines.iter().map(|line| line.now.sum).fold(0.0, f64::max);
    let cut = |name: &String| words::shortened(name, LONGEST);
    let row = |line: &Line| {
        let counts = MEASURES.map(|measure| count(line, measure, words::short));
        let width = if line.now.cost() == Cost::Unknown { 0.0 } else { percent(line.now.sum, largest) };
        let names = words::names(line, fields).iter().map(cut).collect();
        Row { names, width, numbers: [cost(line)].into_iter().chain(counts).collect() }
    };
    let fields: Vec<_> = fields.iter().map(cut).collect();
    let numbers = ["cost (USD)"].into_iter().chain(MEASURES.map(Measure::title)).map(str::to_owned).collect();
    Division { title: format!("By {}", fields.join(" and ")), numbers, rows: lines.iter().map(row).collect(), fields }
}
