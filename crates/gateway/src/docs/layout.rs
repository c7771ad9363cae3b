//! Answers with line breaks, for people: what the wire has in one line is otherwise left exactly as it is.

use top::Format;

const STEP: &str = "  ";

/// An answer in its own form.
pub fn answer(format: Format, text: &str) -> String {
    match format {
        Format::Xml => xml(text),
        Format::Json | Format::SimplifiedJson => json(text),
    }
}

/// JSON with a member on each line.
pub fn json(text: &str) -> String {
    let (mut out, mut depth, mut in_string, mut escaped) = (String::new(), 0_usize, false, false);
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        if in_string {
            out.push(letter);
            in_string = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            continue;
        }
        match letter {
            '{' | '[' => {
                out.push(letter);
                // Nothing in it stays on one line.
                if let Some(end) = rest.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                    continue;
                }
                depth += 1;
                break_line(&mut out, depth);
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                break_line(&mut out, depth);
                out.push(letter);
            }
            ',' => {
                out.push(letter);
                break_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => {
                in_string = letter == '"';
                out.push(letter);
            }
        }
    }
    out
}

/// XML with an element on each line; one that has only text stays on its own.
pub fn xml(text: &str) -> String {
    let (mut out, mut depth) = (String::new(), 0_usize);
    let mut rest = text;
    let mut was_opened = false;
    while let Some(start) = rest.find('<') {
        let (text, tag) = rest.split_at(start);
        let end = tag.find('>').map_or(tag.len(), |end| end + 1);
        let (tag, after) = tag.split_at(end);
        out.push_str(text);
        let closes = tag.starts_with("</");
        if closes {
            depth = depth.saturating_sub(1);
        }
        // After its opening, a closing tag ends the same line.
        let goes_on = closes && was_opened;
        if !goes_on && !out.is_empty() {
            break_line(&mut out, depth);
        }
        out.push_str(tag);
        was_opened =
            !closes && !tag.ends_with("/>") && !tag.starts_with("<?") && !tag.starts_with("<!");
        if was_opened {
            depth += 1;
        }
        rest = after;
    }
    out + rest
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.push_str(&STEP.repeat(depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_broken_only_between_members_and_never_in_a_text() {
        let shown = json(r#"{"a":{"b":"x{,:\"\\","c":[1,2]},"d":{},"e":"\/"}"#);
        let lines = [
            "{",
            r#"  "a": {"#,
            r#"    "b": "x{,:\"\\","#,
            r#"    "c": ["#,
            "      1,",
            "      2",
            "    ]",
            "  },",
            r#"  "d": {},"#,
            r#"  "e": "\/""#,
            "}",
        ];
        assert_eq!(shown, lines.join("\n"));
    }

    #[test]
    fn xml_is_broken_between_elements_and_never_in_their_text() {
        let text = r#"<?xml version="1.0" ?><r><l list="true"><s>a b</s><s></s></l><e/><c>1</c></r><!--n-->"#;
        let lines = [
            r#"<?xml version="1.0" ?>"#,
            "<r>",
            r#"  <l list="true">"#,
            "    <s>a b</s>",
            "    <s></s>",
            "  </l>",
            "  <e/>",
            "  <c>1</c>",
            "</r>",
            "<!--n-->",
        ];
        assert_eq!(xml(text), lines.join("\n"));
    }

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
