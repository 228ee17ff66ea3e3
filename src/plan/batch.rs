//! Cutting rows into requests that a sink takes.

use std::ops::Range;

/// The most that one write may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows.
    pub rows: usize,
    /// Bytes of all rows as the sink encodes them.
    pub bytes: usize,
}

/// Cuts rows of the given sizes, in bytes, into as few ranges as `limits` allow, in order. A row above the limit stands
/// alone.
#[must_use]
pub fn cut(sizes: &[usize], limits: Limits) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, size) in sizes.iter().enumerate() {
        let full = index - start == limits.rows || bytes + size > limits.bytes;
        if full && index > start {
            ranges.push(start..index);
            (start, bytes) = (index, 0);
        }
        bytes += size;
    }
    if start < sizes.len() {
        ranges.push(start..sizes.len());
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::{Limits, cut};

    #[test]
    fn rows_are_cut_by_number_and_by_bytes() {
        let limits = Limits { rows: 3, bytes: 10 };
        let check = |sizes: &[usize], ends: &[usize]| {
            let ranges = cut(sizes, limits);
            assert_eq!(ranges.iter().map(|range| range.end).collect::<Vec<_>>(), ends, "{sizes:?}");
            assert!(ranges.iter().map(|range| range.start).eq([0].iter().chain(ends).copied().take(ends.len())));
        };
        check(&[], &[]);
        check(&[1, 1, 1], &[3]);
        check(&[1, 1, 1, 1], &[3, 4]);
        check(&[5, 5, 1], &[2, 3]);
        check(&[11, 11], &[1, 2]);
        check(&[1, 11, 1], &[1, 2, 3]);
    }
}
