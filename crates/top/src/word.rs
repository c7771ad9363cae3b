//! Eight bytes of a text looked at together, the first of them in the lowest place of a word.
//!
//! What is found is the highest bit of each byte that is meant; above the first there may be some that are not, so
//! that only the [`first`] counts.

/// As many bytes as are looked at together.
pub(crate) const WORD_BYTES: usize = 8;

const ONES: u64 = u64::from_ne_bytes([1; WORD_BYTES]);
const TOPS: u64 = u64::from_ne_bytes([0x80; WORD_BYTES]);

/// The word of eight bytes.
pub(crate) fn of(bytes: [u8; WORD_BYTES]) -> u64 {
    u64::from_le_bytes(bytes)
}

/// The bytes that are this one.
pub(crate) fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * u64::from(byte)), 1)
}

/// The bytes that are less than this one, which is 128 at most.
pub(crate) fn below(word: u64, byte: u8) -> u64 {
    word.wrapping_sub(ONES * u64::from(byte)) & !word & TOPS
}

/// Where the first stands of those that were found; eight where there is none.
pub(crate) fn first(found: u64) -> usize {
    found.trailing_zeros() as usize / 8
}

/// Where the first byte stands that is meant: `found` finds those of a word, and `is_meant` looks at one by itself, in
/// a text that is shorter than a word.
pub(crate) fn position(
    text: &[u8],
    found: impl Fn(u64) -> u64,
    is_meant: impl Fn(u8) -> bool,
) -> Option<usize> {
    let Some(last) = text.last_chunk() else {
        return text.iter().position(|byte| is_meant(*byte));
    };
    // The last word may begin with what was looked at already, in which there is none.
    let words = text.as_chunks().0.iter().zip((0..).step_by(WORD_BYTES));
    words.chain([(last, text.len() - WORD_BYTES)]).find_map(|(eight, at)| {
        let found = found(of(*eight));
        (found != 0).then(|| at + first(found))
    })
}
