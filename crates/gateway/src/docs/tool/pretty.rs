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
    // A closing tag stays behind its text, and behind its opening tag when there is none.
    let (mut depth, mut has_opened, mut rest) = (0_usize, false, text);
    while let Some((leaf, tagged)) = rest.find('<').map(|at| rest.split_at(at)) {
        let (tag, after) = tagged.split_at(tagged.find('>').map_or(tagged.len(), |at| at + 1));
        let closes = tag.starts_with("</");
        depth = depth.saturating_sub(usize::from(closes));
        out.push_str(leaf);
        let stays = out.is_empty() || (closes && has_opened);
        if !stays {
            line(&mut out, depth);
        }
        out.push_str(tag);
        has_opened = !closes && !tag.starts_with("<?") && !tag.starts_with("<!");
        depth += usize::from(has_opened);
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_order_and_its_texts() {
        let text = r#"{"b":{"x":[1,{"y":"a,{\"]\\"}],"e":[],"o":{}},"a":"\/"}"#;
        let lines = [
            "{",
            "  \"b\": {",
            "    \"x\": [",
            "      1,",
            "      {",
            r#"        "y": "a,{\"]\\""#,
            "      }",
            "    ],",
            "    \"e\": [],",
            "    \"o\": {}",
            "  },",
            r#"  "a": "\/""#,
            "}",
        ];
        assert_eq!(json(text), lines.join("\n"));
    }

    #[test]
    fn xml_has_a_line_for_each_element() {
        let text =
            "<?xml version=\"1.0\"?><r><a>1 > 0 &lt;</a><b></b><c><d> x\n</d></c></r><!--top-->";
        let lines = [
            "<?xml version=\"1.0\"?>",
            "<r>",
            "  <a>1 > 0 &lt;</a>",
            "  <b></b>",
            "  <c>",
            "    <d> x\n</d>",
            "  </c>",
            "</r>",
            "<!--top-->",
        ];
        assert_eq!(xml(text), lines.join("\n"));
    }
}
