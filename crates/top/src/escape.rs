//! Text in runs: what stands for itself is copied as it is, what does not is replaced.

use std::ops::Range;

/// The first byte of U+FFFE and U+FFFF, which XML cannot carry and JSON is not given either, and of a few
/// thousand others.
const NONCHARACTER: u8 = 0xef;
/// How many bytes they have.
const NONCHARACTER_BYTES: usize = 3;

/// How many bytes are looked at at once.
const RUN: usize = 16;

/// Which bytes do not stand for themselves, or begin what may not.
pub(crate) struct Special<const N: usize> {
    /// Beside control characters and the two noncharacters.
    these: [u8; N],
    all: [bool; 256],
}

impl<const N: usize> Special<N> {
    /// Control characters, the two noncharacters, and these.
    pub const fn new(these: [u8; N]) -> Self {
        let mut all = [false; 256];
        let mut at = 0;
        while at < 0x20 {
            all[at] = true;
            at += 1;
        }
        at = 0;
        while at < N {
            all[these[at] as usize] = true;
            at += 1;
        }
        all[NONCHARACTER as usize] = true;
        Self { these, all }
    }

    /// Where the first of them is in a range.
    fn first_in(&self, bytes: &[u8], range: Range<usize>) -> Option<usize> {
        let at = bytes.get(range.clone())?.iter().position(|byte| self.all[usize::from(*byte)])?;
        Some(range.start + at)
    }

    /// Whether any is in a run: one question for all of its bytes at once, and not one after the other.
    fn is_in(&self, run: &[u8; RUN]) -> bool {
        let is_special = |byte: u8| {
            let found = u8::from(byte < 0x20) | u8::from(byte == NONCHARACTER);
            self.these.iter().fold(found, |found, this| found | u8::from(byte == *this))
        };
        run.iter().fold(0, |any, byte| any | is_special(*byte)) != 0
    }
}

/// Appends a text; `instead` says what stands for a special byte. The two noncharacters are dropped.
pub(crate) fn push<const N: usize>(
    out: &mut String,
    text: &str,
    special: &Special<N>,
    instead: impl Fn(u8) -> &'static str,
) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (number, bytes_of_run) in bytes.chunks(RUN).enumerate() {
        let mut run = [b' '; RUN];
        run[..bytes_of_run.len()].copy_from_slice(bytes_of_run);
        if !special.is_in(&run) {
            continue;
        }
        let (mut next, end) = (copied.max(number * RUN), number * RUN + bytes_of_run.len());
        while let Some(at) = special.first_in(bytes, next..end) {
            let (stands_for_it, length) = match &bytes[at..] {
                [NONCHARACTER, 0xbf, 0xbe | 0xbf, ..] => (Some(""), NONCHARACTER_BYTES),
                [NONCHARACTER, ..] => (None, NONCHARACTER_BYTES),
                _ => (Some(instead(bytes[at])), 1),
            };
            next = at + length;
            if let Some(stands_for_it) = stands_for_it {
                out.push_str(&text[copied..at]);
                out.push_str(stands_for_it);
                copied = next;
            }
        }
    }
    out.push_str(&text[copied..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_stand_for_itself_is_found_wherever_in_a_text_it_stands() {
        const SPECIAL: Special<1> = Special::new(*b"/");
        let [special, written] =
            ["/票\u{fffe}，\u{1}\u{ffff}\u{f000}//", "[/]票，[\u{1}]\u{f000}[/][/]"];
        for before in 0..3 * RUN {
            for after in [0, 1, RUN - 1, RUN, 2 * RUN + 1] {
                let [before, after] = [before, after].map(|count| "a".repeat(count));
                let mut out = String::from("said: ");
                push(&mut out, &format!("{before}{special}{after}"), &SPECIAL, |byte| match byte {
                    b'/' => "[/]",
                    _ => "[\u{1}]",
                });
                assert_eq!(out, format!("said: {before}{written}{after}"));
            }
        }
    }
}
