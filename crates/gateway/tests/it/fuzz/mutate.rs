//! Inputs that are nearly right: seeded changes to a corpus, the same for the same seed.

/// Longest input made: ten times the longest published example.
const INPUT_BYTES_MAX: usize = 16 * 1024;
/// Most changes to one input: more leaves nothing of it.
const CHANGES_MAX: u64 = 6;

/// Numbers that look random (xorshift64*), the same for the same seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        // Zero would stay zero.
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    /// A range of some bytes, short ones more often.
    fn range(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(bytes.len() + 1);
        let most = (bytes.len() - start).min(1 << self.below(10));
        start..start + self.below(most + 1)
    }
}

/// One of the corpus, changed a few times.
pub fn mutated(corpus: &[Vec<u8>], words: &[&str], random: &mut Random) -> Vec<u8> {
    let mut input = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.next() % CHANGES_MAX {
        change(&mut input, corpus, words, random);
        input.truncate(INPUT_BYTES_MAX);
    }
    input
}

fn change(input: &mut Vec<u8>, corpus: &[Vec<u8>], words: &[&str], random: &mut Random) {
    let range = random.range(input);
    match random.below(8) {
        0 => drop(input.drain(range)),
        1 if !range.is_empty() => input[range.start] ^= 1 << random.below(8),
        2 => {
            let byte =
                [0, b'\t', b'\r', b'\n', b' ', b'"', 0x7f, 0x80, 0xc0, 0xff][random.below(10)];
            drop(input.splice(range, [byte]));
        }
        3 => {
            // Again and again: what is slow or deep shows itself by repetition.
            let again = input[range.clone()].repeat(1 + random.below(64));
            drop(input.splice(range, again));
        }
        4 => {
            let other = &corpus[random.below(corpus.len())];
            let piece = other[random.range(other)].to_vec();
            drop(input.splice(range, piece));
        }
        5 => {
            let word = words[random.below(words.len())].repeat(1 + random.below(40));
            drop(input.splice(range, word.into_bytes()));
        }
        _ => {
            let word = words[random.below(words.len())].bytes();
            drop(input.splice(range.start..range.start, word));
        }
    }
}
