//! Numbers that look random and depend on nothing but what they are made from.

/// Spreads the bits of a number; unequal numbers stay unequal (the finalizer of splitmix64).
pub(in crate::simulator) const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// A number for a text (FNV-1a, spread).
pub(in crate::simulator) fn hash(text: &str) -> u64 {
    let fold = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    mix(text.bytes().fold(0xcbf2_9ce4_8422_2325, fold))
}

/// The nearest whole number.
#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and no simulated number comes near the limits")]
pub(in crate::simulator) fn whole(number: f64) -> i64 {
    number.round() as i64
}

/// A whole number, to reckon with.
#[expect(clippy::cast_precision_loss, reason = "milliseconds and tokens lie far below 2^53")]
pub(in crate::simulator) fn real(number: i64) -> f64 {
    number as f64
}
