//! What stands in the form: the request's tree, with what was typed at its leaves.

use std::collections::BTreeMap;

use top::{Object, Privacy, Shape, Spec};

/// What every input's name begins with, so that no parameter is taken for one of the tool's own.
pub const ROOT: &str = "param";
/// Most elements of one list in the form: a train has no more tickets on one order.
pub const ELEMENTS_MAX: usize = 20;
/// Most inputs for values in one form: some forty tickets of the largest method, and still a page
/// that a browser shows at once.
pub const INPUTS_MAX: usize = 1000;

/// What was typed, by the names of the inputs.
pub type Typed = BTreeMap<String, String>;

/// A value as it stands in the form. Which type it has is said by the [`Shape`] it is walked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Draft {
    /// The text of an input.
    Text(String),
    /// The members of an object, in the order of its fields.
    Members(Vec<Draft>),
    /// The elements of a list.
    Elements(Vec<Draft>),
}

/// The form would have more than [`ELEMENTS_MAX`] elements in a list or [`INPUTS_MAX`] inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMuch;

impl Draft {
    /// The page's examples.
    pub fn example(spec: &'static Spec) -> Self {
        filled(&Shape::Object(&spec.request), "")
    }

    /// What was typed. Lists have the elements that were typed into, in their order.
    ///
    /// # Errors
    /// It is too much.
    pub fn read(spec: &'static Spec, typed: &Typed) -> Result<Self, TooMuch> {
        let draft = read(&Shape::Object(&spec.request), ROOT, typed)?;
        if draft.inputs() > INPUTS_MAX { Err(TooMuch) } else { Ok(draft) }
    }

    /// Adds a blank element to the list at `path`; a path that leads to no list changes nothing.
    ///
    /// # Errors
    /// There would be too much; nothing was added.
    pub fn add(&mut self, spec: &'static Spec, path: &str) -> Result<(), TooMuch> {
        let inputs = self.inputs();
        let Some((Self::Elements(elements), Shape::List(element))) = self.at(spec, path) else {
            return Ok(());
        };
        let blank = blank(element);
        if elements.len() == ELEMENTS_MAX || inputs + blank.inputs() > INPUTS_MAX {
            return Err(TooMuch);
        }
        elements.push(blank);
        Ok(())
    }

    /// Takes the element at `path` out of its list; a path that leads to none changes nothing.
    pub fn remove(&mut self, spec: &'static Spec, path: &str) {
        let Some((list, index)) = path.rsplit_once('.') else { return };
        let (Some((Self::Elements(elements), _)), Ok(index)) =
            (self.at(spec, list), index.parse::<usize>())
        else {
            return;
        };
        if index < elements.len() {
            elements.remove(index);
        }
    }

    /// The value at `path`, and its type.
    fn at(&mut self, spec: &'static Spec, path: &str) -> Option<(&mut Self, Shape)> {
        let steps = path.strip_prefix(ROOT)?.split('.').skip(1);
        let whole = (self, Shape::Object(&spec.request));
        steps.into_iter().try_fold(whole, |(draft, shape), step| match (draft, shape) {
            (Self::Members(members), Shape::Object(object)) => {
                let at = object.fields.iter().position(|field| field.name == step)?;
                Some((members.get_mut(at)?, object.fields[at].shape))
            }
            (Self::Elements(elements), Shape::List(element)) => {
                Some((elements.get_mut(step.parse::<usize>().ok()?)?, *element))
            }
            _ => None,
        })
    }

    /// How many inputs there are.
    pub fn inputs(&self) -> usize {
        match self {
            Self::Text(_) => 1,
            Self::Members(drafts) | Self::Elements(drafts) => drafts.iter().map(Self::inputs).sum(),
        }
    }

    /// The parameters to send: objects as JSON, what is empty left out. `seal` makes of each value
    /// that travels sealed what travels.
    pub fn params(
        &self,
        object: &Object,
        seal: &mut dyn FnMut(&str) -> String,
    ) -> Vec<(&'static str, String)> {
        let Self::Members(members) = self else { return Vec::new() };
        let fields = object.fields.iter().zip(members);
        let params = fields.filter_map(|(field, member)| {
            let text = match (member, &field.shape) {
                (Self::Elements(elements), Shape::List(_)) if !field.shape.travels_as_json() => {
                    joined(elements, field.privacy, seal)
                }
                (Self::Text(text), _) => sent(text, field.privacy, seal),
                (member, shape) => member.json(shape, field.privacy, seal),
            };
            text.map(|text| (field.name, text))
        });
        params.collect()
    }

    /// The value as JSON; `None` when nothing of it was filled in.
    fn json(
        &self,
        shape: &Shape,
        privacy: Privacy,
        seal: &mut dyn FnMut(&str) -> String,
    ) -> Option<String> {
        let (parts, open, close) = match (self, shape) {
            (Self::Text(text), shape) => {
                return sent(text, privacy, seal).map(|text| scalar(text, shape));
            }
            (Self::Members(members), Shape::Object(object)) => {
                let fields = object.fields.iter().zip(members);
                let parts = fields.filter_map(|(field, member)| {
                    let json = member.json(&field.shape, field.privacy, seal)?;
                    Some(format!("\"{}\":{json}", field.name))
                });
                (parts.collect::<Vec<_>>(), '{', '}')
            }
            (Self::Elements(elements), Shape::List(element)) => {
                let parts = elements.iter().filter_map(|draft| draft.json(element, privacy, seal));
                (parts.collect(), '[', ']')
            }
            _ => return None,
        };
        let json = format!("{open}{}{close}", parts.join(","));
        (!parts.is_empty()).then_some(json)
    }
}

/// What an input's text is sent as; nothing when it was left empty.
fn sent(text: &str, privacy: Privacy, seal: &mut dyn FnMut(&str) -> String) -> Option<String> {
    match privacy {
        _ if text.is_empty() => None,
        Privacy::Sealed => Some(seal(text)),
        Privacy::Open | Privacy::Personal => Some(text.to_owned()),
    }
}

/// A scalar as JSON. What is no number is sent as a text for the server to refuse.
fn scalar(text: String, shape: &Shape) -> String {
    let is_bare = match shape {
        Shape::Number => text.parse::<i64>().is_ok_and(|number| number.to_string() == text),
        Shape::Boolean => matches!(text.as_str(), "true" | "false"),
        Shape::Text(_) | Shape::Date | Shape::Json | Shape::Object(_) | Shape::List(_) => false,
    };
    if is_bare { text } else { serde_json::Value::String(text).to_string() }
}

/// A list of scalars that is a parameter of its own, as the SDKs send it: joined by commas. Only as JSON
/// can an element itself have one.
fn joined(
    elements: &[Draft],
    privacy: Privacy,
    seal: &mut dyn FnMut(&str) -> String,
) -> Option<String> {
    let texts = elements.iter().filter_map(|element| match element {
        Draft::Text(text) => sent(text, privacy, seal),
        Draft::Members(_) | Draft::Elements(_) => None,
    });
    let texts: Vec<_> = texts.collect();
    if texts.iter().any(|text| text.contains(',') || text.starts_with('[')) {
        return serde_json::to_string(&texts).ok();
    }
    (!texts.is_empty()).then(|| texts.join(","))
}

/// A value of the page's examples.
fn filled(shape: &Shape, example: &str) -> Draft {
    match shape {
        Shape::Object(object) => {
            let members = object.fields.iter().map(|field| filled(&field.shape, field.example));
            Draft::Members(members.collect())
        }
        Shape::List(element @ (Shape::Object(_) | Shape::List(_))) => {
            Draft::Elements(vec![filled(element, "")])
        }
        Shape::List(_) => {
            // Some pages print a list of texts as JSON, others its only element.
            let texts = serde_json::from_str::<Vec<String>>(example);
            let texts = texts.unwrap_or_else(|_| vec![example.to_owned()]);
            Draft::Elements(texts.into_iter().take(ELEMENTS_MAX).map(Draft::Text).collect())
        }
        Shape::Text(_) | Shape::Number | Shape::Boolean | Shape::Date | Shape::Json => {
            Draft::Text(example.to_owned())
        }
    }
}

/// A value to be filled in: lists begin with one element, so that there is something to see.
fn blank(shape: &Shape) -> Draft {
    match shape {
        Shape::Object(object) => {
            Draft::Members(object.fields.iter().map(|field| blank(&field.shape)).collect())
        }
        Shape::List(element) => Draft::Elements(vec![blank(element)]),
        Shape::Text(_) | Shape::Number | Shape::Boolean | Shape::Date | Shape::Json => {
            Draft::Text(String::new())
        }
    }
}

fn read(shape: &Shape, path: &str, typed: &Typed) -> Result<Draft, TooMuch> {
    Ok(match shape {
        Shape::Object(object) => {
            let members = object.fields.iter().map(|field| {
                let path = format!("{path}.{}", field.name);
                read(&field.shape, &path, typed)
            });
            Draft::Members(members.collect::<Result<_, _>>()?)
        }
        Shape::List(element) => {
            let indices = indices(path, typed)?;
            let elements =
                indices.iter().map(|index| read(element, &format!("{path}.{index}"), typed));
            Draft::Elements(elements.collect::<Result<_, _>>()?)
        }
        Shape::Text(_) | Shape::Number | Shape::Boolean | Shape::Date | Shape::Json => {
            Draft::Text(typed.get(path).cloned().unwrap_or_default())
        }
    })
}

/// The elements of a list that were typed into, each once.
fn indices(path: &str, typed: &Typed) -> Result<Vec<usize>, TooMuch> {
    let start = format!("{path}.");
    let inside = typed.range(start.clone()..).map(|(name, _)| name.strip_prefix(&start));
    let steps = inside.take_while(Option::is_some).flatten();
    let steps = steps.filter_map(|rest| rest.split('.').next()?.parse::<usize>().ok());
    let indices: std::collections::BTreeSet<_> = steps.collect();
    if indices.len() > ELEMENTS_MAX { Err(TooMuch) } else { Ok(indices.into_iter().collect()) }
}

#[cfg(test)]
mod tests {
    use top::{Field, Form, label};

    use super::*;

    const fn field(name: &'static str, shape: Shape, example: &'static str) -> Field {
        let label = label(name, name);
        Field { name, shape, required: false, label, example, privacy: Privacy::Open }
    }

    const INNER: Object = Object {
        name: "Inner",
        item: "inner",
        fields: &[
            field("count", Shape::Number, "7"),
            field("flag", Shape::Boolean, "true"),
            field("at", Shape::Date, "2021-08-01 09:00:00"),
        ],
    };
    const OUTER: Object = Object {
        name: "Outer",
        item: "outer",
        fields: &[
            field("words", Shape::List(&Shape::Text(Form::Any)), "[\"a\",\"b\"]"),
            field("numbers", Shape::List(&Shape::Number), "1"),
            field("inner", Shape::Object(&INNER), "inner"),
            field("inners", Shape::List(&Shape::Object(&INNER)), ""),
            field("extra", Shape::Json, "{\"a\":1}"),
        ],
    };

    fn params(draft: &Draft) -> Vec<(&'static str, String)> {
        draft.params(&OUTER, &mut str::to_owned)
    }

    fn members(draft: &mut Draft) -> &mut Vec<Draft> {
        let Draft::Members(members) = draft else { panic!("{draft:?}") };
        members
    }

    fn texts(texts: &[&str]) -> Draft {
        Draft::Elements(texts.iter().map(|text| Draft::Text((*text).to_owned())).collect())
    }

    #[test]
    fn every_type_is_sent_as_the_sdks_send_it() {
        let mut draft = filled(&Shape::Object(&OUTER), "");
        let inner = r#"{"count":7,"flag":true,"at":"2021-08-01 09:00:00"}"#;
        let expected = [
            ("words", "a,b".to_owned()),
            ("numbers", "1".to_owned()),
            ("inner", inner.to_owned()),
            ("inners", format!("[{inner}]")),
            ("extra", r#"{"a":1}"#.to_owned()),
        ];
        assert_eq!(params(&draft), expected);
        // A comma within an element would be taken for one between two.
        members(&mut draft)[0] = texts(&["a,b", "", "c"]);
        assert_eq!(params(&draft)[0].1, r#"["a,b","c"]"#);
        members(&mut draft)[0] = texts(&["[a"]);
        assert_eq!(params(&draft)[0].1, r#"["[a"]"#);
    }

    #[test]
    fn what_is_no_number_is_left_to_the_server_to_refuse() {
        let mut draft = filled(&Shape::Object(&OUTER), "");
        for (typed, sent) in [
            ("-7", "-7"),
            ("07", "\"07\""),
            ("1e3", "\"1e3\""),
            ("9223372036854775808", "\"9223372036854775808\""),
            ("}", "\"}\""),
        ] {
            members(&mut members(&mut draft)[2])[0] = Draft::Text(typed.to_owned());
            assert!(params(&draft)[2].1.starts_with(&format!("{{\"count\":{sent},")), "{typed}");
        }
    }

    #[test]
    fn what_is_blank_is_not_sent() {
        assert_eq!(params(&blank(&Shape::Object(&OUTER))), []);
    }
}
