//! Text in runs: what stands for itself is copied as it is, what does not is replaced.

use crate::word;

/// The first byte that is no control character.
const FIRST_PRINTABLE: u8 = 0x20;
/// The first byte of U+FFFE and U+FFFF, which XML cannot carry and JSON is not given either, and of a few
/// thousand others.
const NONCHARACTER: u8 = 0xef;
/// How many bytes they have.
const NONCHARACTER_BYTES: usize = 3;

/// Which bytes do not stand for themselves, or begin what may not: control characters, the noncharacters' first, and
/// those of a format.
pub(crate) struct Special<const N: usize> {
    of_format: [u8; N],
    /// All of them, for texts that are shorter than a word.
    table: [bool; 256],
}

impl<const N: usize> Special<N> {
    /// Those of every format, and these, which are ASCII.
    pub(crate) const fn new(of_format: [u8; N]) -> Self {
        let mut table = [false; 256];
        let mut at = 0;
        while at < FIRST_PRINTABLE as usize {
            table[at] = true;
            at += 1;
        }
        at = 0;
        while at < N {
            assert!(of_format[at].is_ascii());
            table[of_format[at] as usize] = true;
            at += 1;
        }
        table[NONCHARACTER as usize] = true;
        Self { of_format, table }
    }

    /// Where the first of them stands.
    fn first_in(&self, text: &[u8]) -> Option<usize> {
        word::position(text, |word| self.found_in(word), |byte| self.table[usize::from(byte)])
    }

    fn found_in(&self, word: u64) -> u64 {
        let others = word::below(word, FIRST_PRINTABLE) | word::equal(word, NONCHARACTER);
        self.of_format.iter().fold(others, |found, byte| found | word::equal(word, *byte))
    }
}

/// Appends a text; `instead` says what stands for a special byte. The two noncharacters are dropped.
pub(crate) fn push<const N: usize>(
    out: &mut String,
    text: &str,
    special: &Special<N>,
    instead: impl Fn(u8) -> &'static str,
) {
    let mut rest = text;
    while let Some(at) = special.first_in(rest.as_bytes()) {
        let (plain, from) = rest.split_at(at);
        out.push_str(plain);
        rest = match from.as_bytes() {
            [NONCHARACTER, 0xbf, 0xbe | 0xbf, ..] => &from[NONCHARACTER_BYTES..],
            [NONCHARACTER, ..] => {
                out.push_str(&from[..NONCHARACTER_BYTES]);
                &from[NONCHARACTER_BYTES..]
            }
            [byte, ..] => {
                out.push_str(instead(*byte));
                &from[1..]
            }
            [] => "",
        };
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::word::WORD_BYTES;

    const SPECIAL: Special<2> = Special::new(*b"&/");

    /// As it is meant, one character after the other.
    fn slowly(text: &str) -> String {
        let instead = |character| match character {
            '&' => "<and>".to_owned(),
            '/' => "<slash>".to_owned(),
            '\u{fffe}' | '\u{ffff}' => String::new(),
            character if character < ' ' => "<control>".to_owned(),
            character => character.to_string(),
        };
        text.chars().map(instead).collect()
    }

    #[test]
    fn a_character_is_escaped_wherever_it_stands() {
        let characters = "&/\u{0}\u{1f} !\u{7f}\u{80}\u{a0}票\u{f000}\u{fffd}\u{fffe}\u{ffff}😀";
        for one in characters.chars() {
            for other in characters.chars() {
                for before in 0..=2 * WORD_BYTES {
                    for between in 0..=2 * WORD_BYTES {
                        let plain = |length| "x".repeat(length);
                        let text = [plain(before), one.into(), plain(between), other.into()];
                        for text in [text.concat(), text.concat() + &plain(before)] {
                            let mut out = String::new();
                            push(&mut out, &text, &SPECIAL, |byte| match byte {
                                b'&' => "<and>",
                                b'/' => "<slash>",
                                _ => "<control>",
                            });
                            assert_eq!(out, slowly(&text), "{text:?}");
                        }
                    }
                }
            }
        }
    }
}
