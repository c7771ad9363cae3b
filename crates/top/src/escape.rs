//! Text in runs: what stands for itself is copied as it is, what does not is replaced.

/// The first byte of U+FFFE and U+FFFF, which XML cannot carry and JSON is not given either, and of a few
/// thousand others.
const NONCHARACTER: u8 = 0xef;
/// How many bytes they have.
const NONCHARACTER_BYTES: usize = 3;

/// Which bytes do not stand for themselves, or begin what may not.
pub(crate) type Special = [bool; 256];

/// Control characters, the two noncharacters, and these.
pub(crate) const fn special(these: &[u8]) -> Special {
    let mut special = [false; 256];
    let mut at = 0;
    while at < 0x20 {
        special[at] = true;
        at += 1;
    }
    at = 0;
    while at < these.len() {
        special[these[at] as usize] = true;
        at += 1;
    }
    special[NONCHARACTER as usize] = true;
    special
}

/// Appends a text; `instead` says what stands for a special byte. The two noncharacters are dropped.
pub(crate) fn push(
    out: &mut String,
    text: &str,
    special: &Special,
    instead: impl Fn(u8) -> &'static str,
) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| special[usize::from(byte)]) {
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
