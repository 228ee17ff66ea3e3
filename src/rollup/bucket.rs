//! Buckets of durations: each holds the values within 1 % of its own value.
//!
//! A bucket begins at e^(n/50) and ends where the next begins. Its value lies between both, so that no duration in it
//! differs by more than 1 %: (e^0.02 - 1) / (e^0.02 + 1) = 0.99997 %. Durations below zero have buckets of their own.

use std::collections::BTreeMap;

/// e^(1/50): how much longer the durations of a bucket are than those of the bucket before.
const STEP: f64 = 1.020_201_340_026_755_8;

/// The bucket of the duration 0.
const ZERO: i64 = -500_000;

/// The bucket of the duration -1. No bucket of a double is further from that of 1 than 40,000.
const BELOW: i64 = -1_000_000;

/// How much a value from a bucket may differ from the duration, as a share of it.
pub const ERROR: f64 = 0.01;

/// The largest duration, in SQL. A text is larger.
const MOST: &str = "1.7976931348623157e308";

/// The bucket of a duration, in SQL. Null, if there is none. A text, which somebody's own SQL may have written, is zero.
#[must_use]
pub fn sql(duration: &str) -> String {
    format!(
        "CASE WHEN {duration} > 0 AND {duration} <= {MOST} THEN CAST(floor(50 * ln({duration})) AS INTEGER) \
         WHEN {duration} < 0 THEN {BELOW} - CAST(floor(50 * ln(-{duration})) AS INTEGER) \
         WHEN {duration} IS NOT NULL THEN {ZERO} END"
    )
}

/// The members of several JSON objects of buckets, one list, in SQL. Null, if there are none.
#[must_use]
pub fn members(buckets: &str) -> String {
    format!("group_concat(NULLIF(substr({buckets}, 2, length({buckets}) - 2), ''))")
}

/// How many durations are in each bucket. `list` has the members of several JSON objects, `"230":4,"231":1,"230":2`.
#[must_use]
pub fn merged(list: &str) -> BTreeMap<i64, u64> {
    let mut buckets = BTreeMap::new();
    for member in list.split(',') {
        let Some((bucket, durations)) = member.split_once(':') else { continue };
        if let (Ok(bucket), Ok(durations)) = (bucket.trim_matches('"').parse(), durations.parse::<u64>()) {
            *buckets.entry(bucket).or_default() += durations;
        }
    }
    buckets
}

/// The value of the nearest rank among durations in buckets, ms. None, if there are no durations.
#[must_use]
pub fn percentile(buckets: &BTreeMap<i64, u64>, percent: u8) -> Option<f64> {
    let durations: u64 = buckets.values().sum();
    let rank = (durations * u64::from(percent)).div_ceil(100);
    let mut upto = 0;
    let found = buckets.iter().find(|(_, durations)| {
        upto += **durations;
        upto >= rank
    });
    found.map(|(bucket, _)| value(*bucket))
}

/// The value of a bucket, ms. Only sums and products, so that every host computes the same bits.
fn value(bucket: i64) -> f64 {
    match bucket {
        ZERO => 0.0,
        below if below < ZERO => -between(BELOW - below),
        above => between(above),
    }
}

/// Between the beginning of a bucket and that of the next, as far from both by their shares.
fn between(bucket: i64) -> f64 {
    let (mut power, mut square, mut left) = (1.0, STEP, bucket.unsigned_abs());
    while left > 0 {
        if left % 2 == 1 {
            power *= square;
        }
        square *= square;
        left /= 2;
    }
    let begins = if bucket < 0 { 1.0 / power } else { power };
    begins * (2.0 * STEP / (1.0 + STEP))
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{ERROR, sql, value};
    use crate::database::sqlite::add_functions;

    #[test]
    fn the_value_of_a_bucket_is_within_a_hundredth_of_each_duration_in_it() {
        let file = Connection::open_in_memory().unwrap();
        add_functions(&file).unwrap();
        let mut statement = file.prepare(&format!("SELECT {}", sql("?1"))).unwrap();
        let mut bucket = |duration: f64| statement.query_row([duration], |row| row.get::<_, i64>(0)).unwrap();
        let durations = (-300..300).flat_map(|power| [1.0, 1.009, 2.5, 9.99].map(|first| first * 10_f64.powi(power)));
        let mut before = bucket(0.0);
        assert_eq!(value(before).to_bits(), 0);
        for duration in durations {
            let (above, below) = (bucket(duration), bucket(-duration));
            assert!((value(above) - duration).abs() <= ERROR * duration, "{duration} {}", value(above));
            assert!((value(below) + duration).abs() <= ERROR * duration, "-{duration} {}", value(below));
            assert!(above >= before && below < bucket(0.0), "{duration}");
            before = above;
        }
    }
}
