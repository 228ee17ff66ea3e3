//! The text format of Prometheus, version 0.0.4: <https://prometheus.io/docs/instrumenting/exposition_formats>

use std::fmt::Write as _;

/// The content type of the format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How a number moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Only up, from 0 when the program begins.
    Counter,
    /// Up and down.
    Gauge,
}

/// A number, and what it is of, as a label and its value.
pub type Sample = (Option<(&'static str, String)>, f64);

/// A metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    samples: Vec<Sample>,
}

/// A metric that only grows. Its name ends in `_total`.
pub fn counter(name: &'static str, help: &'static str, samples: Vec<Sample>) -> Family {
    Family { name, kind: Kind::Counter, help, samples }
}

/// A metric that says how things are.
pub fn gauge(name: &'static str, help: &'static str, samples: Vec<Sample>) -> Family {
    Family { name, kind: Kind::Gauge, help, samples }
}

/// The one number of a metric; none: it is not known.
pub fn single(value: Option<f64>) -> Vec<Sample> {
    value.map(|value| (None, value)).into_iter().collect()
}

/// The metrics of which a number is known, as text.
pub fn told(families: &[Family]) -> String {
    let mut text = String::new();
    for Family { name, kind, help, samples } in families.iter().filter(|family| !family.samples.is_empty()) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        // A text takes every write.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (label, value) in samples {
            let _ = match label {
                Some((label, of)) => writeln!(text, "{name}{{{label}=\"{}\"}} {value}", escaped(of)),
                None => writeln!(text, "{name} {value}"),
            };
        }
    }
    text
}

/// A label's value between quotation marks.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let of = |gateway: &str, value| (Some(("gateway", gateway.to_owned())), value);
        let families = [
            counter("a_total", "As many.", single(Some(1_234_567.0))),
            gauge("b", "Not known.", single(None)),
            gauge("c_usd", "By gateway.", vec![of("main", 0.25), of("a\"b\\c\nd", 1.0)]),
        ];
        let expected = "# HELP a_total As many.\n# TYPE a_total counter\na_total 1234567\n# HELP c_usd By gateway.\n\
                        # TYPE c_usd gauge\nc_usd{gateway=\"main\"} 0.25\nc_usd{gateway=\"a\\\"b\\\\c\\nd\"} 1\n";
        assert_eq!(told(&families), expected);
    }
}
