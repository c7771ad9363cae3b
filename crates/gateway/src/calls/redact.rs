//! What may be read of a call: led by the method's declaration, so that a new method is treated like the
//! others. Of what nobody declared, names and values, only the length is shown.

use domain::Instant;
use top::explain::PUBLIC_PARAMS;
use top::model::{Field, Form, Object, Privacy, Shape};
use top::{Date, Format, Node, SignMethod, json, xml};

use super::Noted;

/// What stands for a value that is about a person, or lets one in.
const HIDDEN: &str = "***";
/// Most bytes kept of the value of one parameter, and as many of the answer: what a person reads.
const SHOWN_BYTES_MAX: usize = 4 * 1024;
/// Milliseconds of a year, leap or not.
const YEAR_MS: u64 = 366 * 24 * 60 * 60 * 1000;
/// Longest business result, in characters: two codes and a truth value.
const RESULT_CHARS_MAX: usize = 64;
/// Members by which answers of the published methods say how it went.
const RESULTS: [&str; 8] = [
    "success",
    "ht_success",
    "successful",
    "status",
    "result_code",
    "ht_error_code",
    "fail_code",
    "ret_code",
];

/// The name of an answer's form.
pub fn format(format: Format) -> &'static str {
    match format {
        Format::Xml => "xml",
        Format::Json => "json",
        Format::SimplifiedJson => "json, simplified",
    }
}

/// Names and values of the parameters.
pub fn params(noted: &Noted) -> Option<Vec<(String, String)>> {
    let shown = |(name, value)| match field(noted, name) {
        Some(field) => (name.to_owned(), parameter(field, value)),
        None if PUBLIC_PARAMS.contains(&name) => (name.to_owned(), public(noted, name, value)),
        None => (length_of("name", name), length(value)),
    };
    Some(noted.params.as_ref()?.pairs().map(shown).collect())
}

fn field(noted: &Noted, name: &str) -> Option<&'static Field> {
    noted.spec?.request.fields.iter().find(|field| field.name == name)
}

/// One of the method's own parameters.
fn parameter(field: &Field, value: &str) -> String {
    let mut text = Text::default();
    if !field.shape.travels_as_json() {
        text.value(&Node::Text(value.into()), &field.shape, field.privacy, 0);
    } else if field.privacy != Privacy::Open {
        return HIDDEN.to_owned();
    } else if let Ok(node) = json::parse(value) {
        text.value(&node, &field.shape, field.privacy, 0);
    } else {
        return length(value);
    }
    text.end()
}

/// One of the platform's, if it is what it should be: anything may stand in any of them.
fn public(noted: &Noted, name: &str, value: &str) -> String {
    let is_shown = match name {
        "session" => return HIDDEN.to_owned(),
        "app_key" => noted.app.as_ref().is_some_and(|app| app.key.as_str() == value),
        "method" => noted.spec.is_some(),
        "format" => ["xml", "json"].contains(&value),
        "simplify" => ["true", "false"].contains(&value),
        "sign_method" => value.parse::<SignMethod>().is_ok(),
        // Of no use any more to anybody: it is good for this very call within ten minutes.
        "sign" => value.len() <= 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "timestamp" => is_timestamp(value, noted.at),
        "v" => value == "2.0",
        _ => false,
    };
    if is_shown { value.to_owned() } else { length(value) }
}

/// Whether it is a moment of about this year, as text or in milliseconds: other numbers of thirteen digits
/// are those of tickets.
fn is_timestamp(text: &str, now: Instant) -> bool {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let at_ms = text.parse::<i64>().ok().filter(|_| is_number);
    let is_close = |at_ms| now.as_millisecond().abs_diff(at_ms) < YEAR_MS;
    text.parse::<Date>().is_ok() || at_ms.is_some_and(is_close)
}

/// The answer, whatever its form was, and how it went by the method's own account.
pub fn answer(noted: &Noted) -> (Option<String>, Option<String>) {
    let (Some(body), Some(spec), None) = (&noted.answer, noted.spec, &noted.rejection) else {
        // What was complained of is said by itself.
        return (None, None);
    };
    let node = match noted.format {
        Format::Xml => xml::parse(body).ok().map(|(_, node)| node),
        Format::Json => json::parse(body).ok().and_then(|whole| match whole {
            Node::Object(mut members) if members.len() == 1 => members.pop().map(|(_, node)| node),
            _ => None,
        }),
        Format::SimplifiedJson => json::parse(body).ok(),
    };
    let Some(node) = node else { return (Some(length(body)), None) };
    let node = without_request_id(node);
    let mut text = Text::default();
    text.object(&node, &spec.response, 0);
    let mut results = Vec::new();
    collect(&node, &spec.response, &mut results);
    let result: String = results.join(", ").chars().take(RESULT_CHARS_MAX).collect();
    (Some(text.end()), Some(result).filter(|result| !result.is_empty()))
}

/// Every answer has it, and no method declares it.
fn without_request_id(node: Node<'_>) -> Node<'_> {
    match node {
        Node::Object(mut members) => {
            members.retain(|(name, _)| name != "request_id");
            Node::Object(members)
        }
        other => other,
    }
}

/// What an answer says of how it went.
fn collect(node: &Node<'_>, object: &Object, results: &mut Vec<String>) {
    for field in object.fields.iter().filter(|field| field.privacy == Privacy::Open) {
        let Some(node) = node.member(field.name) else { continue };
        match (field.shape, node) {
            (Shape::Object(object), _) => collect(node, object, results),
            (_, Node::Boolean(it)) if RESULTS.contains(&field.name) => {
                results.push(format!("{} {it}", field.name));
            }
            (_, Node::Number(it)) if RESULTS.contains(&field.name) => {
                results.push(format!("{} {it}", field.name));
            }
            (_, Node::Text(it)) if RESULTS.contains(&field.name) => {
                results.push(format!("{} {it}", field.name));
            }
            _ => {}
        }
    }
}

/// As much of a text as a person reads.
pub fn cut(text: &str) -> String {
    let mut cut = Text::default();
    cut.push(text);
    cut.end()
}

/// Whether digits stand in it like those of an identity card (eighteen, the seventh to the fourteenth a day
/// of birth, the last maybe an X) or of a mobile telephone in China (eleven, from 13 to 19). A number of an
/// order may look so by chance; then only its length is shown.
fn is_about_a_person(text: &str) -> bool {
    // As it stands, and as one who leaves out what only parts a number would read it.
    let parts = |c: &char| !matches!(c, ' ' | '-' | '(' | ')');
    let joined: String = text.chars().filter(parts).collect();
    let is_part = |c: char| c.is_ascii_digit() || c.eq_ignore_ascii_case(&'x');
    let mut runs = text.split(|c| !is_part(c)).chain(joined.split(|c| !is_part(c)));
    runs.any(|run| is_card_or_phone(run.trim_start_matches(['x', 'X'])))
}

fn is_card_or_phone(run: &str) -> bool {
    let digits = run.bytes().take_while(u8::is_ascii_digit).count();
    let number = |from, to| run.get(from..to).and_then(|part| part.parse::<u32>().ok());
    let is_day = || {
        let day = number(12, 14).is_some_and(|day| (1..=31).contains(&day));
        let month = number(10, 12).is_some_and(|month| (1..=12).contains(&month));
        day && month && number(6, 10).is_some_and(|year| (1900..2100).contains(&year))
    };
    let is_phone = |from: usize| number(from, from + 2).is_some_and(|it| (13..=19).contains(&it));
    match (run.len(), digits) {
        (18, 17 | 18) => is_day(),
        (11, 11) => is_phone(0),
        // China's own code before it.
        (13, 13) => run.starts_with("86") && is_phone(2),
        (15, 15) => run.starts_with("0086") && is_phone(4),
        _ => false,
    }
}

fn length(value: &str) -> String {
    if value.is_empty() { String::new() } else { format!("‹{} bytes›", value.len()) }
}

fn length_of(what: &str, value: &str) -> String {
    format!("‹{what} of {} bytes›", value.len())
}

/// Text that looks like JSON, laid out for a person, and ends when there is enough of it.
#[derive(Default)]
struct Text {
    out: String,
    is_full: bool,
}

impl Text {
    fn push(&mut self, text: &str) {
        if self.is_full {
            return;
        }
        if self.out.len() + text.len() <= SHOWN_BYTES_MAX {
            self.out.push_str(text);
            return;
        }
        let mut end = SHOWN_BYTES_MAX - self.out.len();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.out.push_str(&text[..end]);
        self.out.push('…');
        self.is_full = true;
    }

    fn end(self) -> String {
        self.out
    }

    fn line(&mut self, depth: usize) {
        self.push("\n");
        (0..depth).for_each(|_| self.push("  "));
    }

    /// A value of this type, or how long it is if it is of another.
    fn value(&mut self, node: &Node<'_>, shape: &Shape, privacy: Privacy, depth: usize) {
        match (shape, node) {
            (_, Node::Null) => self.push("null"),
            _ if privacy != Privacy::Open => self.push(HIDDEN),
            (Shape::Text(Form::Json) | Shape::Json, Node::Text(text)) => self.push(&length(text)),
            // A number that says who somebody is, in a place where it does not belong.
            (_, Node::Text(text)) if is_about_a_person(text) => self.push(&length(text)),
            (Shape::Text(Form::Id), Node::Text(text)) if !text.is_ascii() => {
                self.push(&length(text));
            }
            (Shape::Text(_), Node::Text(text)) => self.text(text, depth),
            (Shape::Number, Node::Number(number))
                if number.is_i64() && !is_about_a_person(&number.to_string()) =>
            {
                self.push(&number.to_string());
            }
            (Shape::Number, Node::Text(text)) if text.parse::<i64>().is_ok() => {
                self.text(text, depth);
            }
            (Shape::Boolean, Node::Boolean(value)) => self.push(&value.to_string()),
            (Shape::Boolean, Node::Text(text)) if text.parse::<bool>().is_ok() => {
                self.text(text, depth);
            }
            (Shape::Date, Node::Text(text)) if text.parse::<Date>().is_ok() => {
                self.text(text, depth);
            }
            (Shape::Object(object), Node::Object(_)) => self.object(node, object, depth),
            (Shape::List(element), Node::List(nodes)) => self.list(nodes.iter(), element, depth),
            (Shape::List(element), Node::Object(_)) => self.wrapped(node, element, depth),
            // As XML has them when there is nothing in them.
            (Shape::List(_), Node::Text(text)) if text.is_empty() => self.push("[]"),
            (Shape::Object(_), Node::Text(text)) if text.is_empty() => self.push("{}"),
            (_, Node::Text(text)) => self.push(&length(text)),
            (_, Node::Number(_)) => self.push("‹number›"),
            (_, Node::Boolean(_)) => self.push("‹boolean›"),
            (_, Node::List(_)) => self.push("‹list›"),
            (_, Node::Object(_)) => self.push("‹object›"),
        }
    }

    /// A parameter by itself is plain text; within another it has quotes.
    fn text(&mut self, text: &str, depth: usize) {
        if depth == 0 {
            self.push(text);
        } else {
            self.push(&serde_json::Value::from(text).to_string());
        }
    }

    fn object(&mut self, node: &Node<'_>, object: &Object, depth: usize) {
        let Node::Object(members) = node else { return };
        self.push("{");
        for (at, (name, node)) in members.iter().enumerate() {
            if at > 0 {
                self.push(",");
            }
            self.line(depth + 1);
            match object.fields.iter().find(|field| field.name == name) {
                Some(field) => {
                    self.push(&format!("\"{}\": ", field.name));
                    self.value(node, &field.shape, field.privacy, depth + 1);
                }
                None => {
                    self.push(&length_of("name", name));
                    self.push(": ");
                    // Of no type, so that whatever it is, it is not shown.
                    self.unknown(node);
                }
            }
        }
        if !members.is_empty() {
            self.line(depth);
        }
        self.push("}");
    }

    fn unknown(&mut self, node: &Node<'_>) {
        match node {
            Node::Text(text) => self.push(&length_of("text", text)),
            Node::Null => self.push("null"),
            Node::Number(_) => self.push("‹number›"),
            Node::Boolean(_) => self.push("‹boolean›"),
            Node::List(_) => self.push("‹list›"),
            Node::Object(_) => self.push("‹object›"),
        }
    }

    fn list<'n>(
        &mut self,
        nodes: impl Iterator<Item = &'n Node<'n>>,
        element: &Shape,
        depth: usize,
    ) {
        self.push("[");
        let mut is_empty = true;
        for node in nodes {
            if !std::mem::take(&mut is_empty) {
                self.push(",");
            }
            self.line(depth + 1);
            self.value(node, element, Privacy::Open, depth + 1);
        }
        if !is_empty {
            self.line(depth);
        }
        self.push("]");
    }

    /// A list as answers have it: in an object, under the name of its elements, once in JSON and for each
    /// in XML.
    fn wrapped(&mut self, node: &Node<'_>, element: &Shape, depth: usize) {
        let Node::Object(members) = node else { return };
        if members.iter().any(|(name, _)| name != element.item_name()) {
            self.push("‹object›");
            return;
        }
        let nodes = members.iter().flat_map(|(_, node)| match node {
            Node::List(nodes) => nodes.as_slice(),
            other => std::slice::from_ref(other),
        });
        self.list(nodes, element, depth);
    }
}

#[cfg(test)]
mod tests {
    use top::model::Wire;

    use super::*;

    const REFUND: &Object = &trip_api::SPECS[3].request;

    fn shown(node: &str) -> String {
        let Shape::Object(object) = REFUND.fields[0].shape else { panic!("{REFUND:?}") };
        let mut text = Text::default();
        text.object(&json::parse(node).unwrap(), object, 0);
        text.end()
    }

    #[test]
    fn what_is_declared_open_is_shown_and_nothing_else() {
        assert_eq!(REFUND.fields[0].name, "refund_call_back_param");
        let given = r#"{"order_id":"o-1","ticket_no":"E123","order_status":31,"欧阳":"x","n":null,
            "refund_total":{"a":1},"refund_train_details":[{"train_no":"G1","refund_ticket_details":
            [{"coach_no":"05","passenger_info":{"passenger_name":"欧阳","sex":null}},"x"]}],
            "supplier_order_id":"13987654321","refund_rate":"call +86 139-8765 999999198706057012"}"#;
        let expected = r#"{
  "order_id": "o-1",
  "ticket_no": ***,
  "order_status": ‹number›,
  ‹name of 6 bytes›: ‹text of 1 bytes›,
  ‹name of 1 bytes›: null,
  "refund_total": ‹object›,
  "refund_train_details": [
    {
      "train_no": "G1",
      "refund_ticket_details": [
        {
          "coach_no": "05",
          "passenger_info": {
            "passenger_name": ***,
            "sex": null
          }
        },
        ‹1 bytes›
      ]
    }
  ],
  "supplier_order_id": ‹11 bytes›,
  "refund_rate": ‹36 bytes›
}"#;
        assert_eq!(shown(given), expected);
    }

    #[test]
    fn a_list_of_what_is_personal_is_personal() {
        assert_eq!(<Vec<top::Masked<String>> as Wire>::PRIVACY, Privacy::Personal);
    }

    #[test]
    fn there_is_an_end_to_what_is_shown() {
        let long = format!(r#"{{"order_status":"{}"}}"#, "票".repeat(SHOWN_BYTES_MAX));
        let text = shown(&long);
        assert!(text.len() <= SHOWN_BYTES_MAX + '…'.len_utf8(), "{}", text.len());
        assert!(
            text.starts_with("{\n  \"order_status\": \"票票") && text.ends_with("票…"),
            "{text}"
        );
    }

    #[test]
    fn numbers_of_cards_and_telephones_are_known_wherever_they_stand() {
        for text in [
            "999999198706057012",
            "99999919870605701X",
            "电话13987654321。",
            "1-19912345678",
            "+8613987654321",
            "0086 139 8765 4321",
            "139-8765-4321",
            "tx13987654321",
        ] {
            assert!(is_about_a_person(text), "{text}");
        }
        for text in
            ["", "123456789012345", "999999198713057012", "12987654321", "139876543210", "x"]
        {
            assert!(!is_about_a_person(text), "{text}");
        }
    }
}
