//! Answers with line breaks, for people. Only what this program wrote itself is ever given to it.

use top::Format;

use crate::pipeline::Answer;

/// An answer, one member a line.
pub fn answer(answer: &Answer) -> String {
    match answer.format {
        Format::Xml => xml(&answer.body),
        Format::Json | Format::SimplifiedJson => json(&answer.body),
    }
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
}

/// JSON text with its members in their order and every scalar spelled as it was.
pub fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let (mut depth, mut in_text, mut is_escaped) = (0_usize, false, false);
    for character in text.chars() {
        if in_text {
            in_text = is_escaped || character != '"';
            is_escaped = !is_escaped && character == '\\';
            out.push(character);
            continue;
        }
        match character {
            '{' | '[' => {
                depth += 1;
                out.push(character);
                line(&mut out, depth);
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                let is_empty = out.trim_end().ends_with(['{', '[']);
                if is_empty {
                    out.truncate(out.trim_end().len());
                } else {
                    line(&mut out, depth);
                }
                out.push(character);
            }
            ',' => {
                out.push(character);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => {
                in_text = character == '"';
                out.push(character);
            }
        }
    }
    out
}

/// XML with a line for each element; what is in a leaf stays as it is.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let (mut depth, mut follows_text) = (0_usize, true);
    for piece in text.split_inclusive('>') {
        let tag_at = piece.find('<').unwrap_or(piece.len());
        let (leaf, tag) = piece.split_at(tag_at);
        let closes = tag.starts_with("</");
        if closes {
            depth = depth.saturating_sub(1);
        }
        out.push_str(leaf);
        // A closing tag stays behind its text; an empty element's behind its opening one.
        if !(follows_text || closes && !leaf.is_empty()) {
            line(&mut out, depth);
        }
        out.push_str(tag);
        let opens =
            !closes && !tag.starts_with("<?") && !tag.starts_with("<!") && !tag.ends_with("/>");
        depth += usize::from(opens && !tag.is_empty());
        follows_text = false;
    }
    out
}
