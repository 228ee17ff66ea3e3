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

/// The two halves of a range, or `None` where it holds a single row.
#[must_use]
pub fn halves(range: &Range<usize>) -> Option<[Range<usize>; 2]> {
    let middle = range.start + range.len() / 2;
    (range.len() > 1).then_some([range.start..middle, middle..range.end])
}

#[cfg(test)]
mod tests {
    use super::{Limits, cut, halves};

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

    #[test]
    fn a_range_is_halved_down_to_one_row() {
        assert_eq!(halves(&(4..9)), Some([4..6, 6..9]));
        assert_eq!(halves(&(4..6)), Some([4..5, 5..6]));
        assert_eq!(halves(&(4..5)), None);
    }
}
