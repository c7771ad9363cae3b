//! A method's parameters with the values of its page's example, made from the declaration.

use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};
use top::{Field, Object, Shape};

/// An example value.
#[derive(Debug, Clone)]
pub enum Value {
    /// Whatever travels as a text.
    Text(String),
    /// A date, as text.
    Date(String),
    /// An integer.
    Number(i64),
    /// A truth value.
    Boolean(bool),
    /// A list.
    List(Vec<Value>),
    /// An object: its type and its members.
    Object(&'static Object, Vec<(&'static Field, Value)>),
}

/// The members of an object that its page has examples of, and those that are needed.
pub fn members(object: &Object) -> Vec<(&'static Field, Value)> {
    let fields = object.fields.iter();
    fields.filter_map(|field| Some((field, example(field)?))).collect()
}

/// `None` where there is nothing to show: no example, and not needed.
fn example(field: &'static Field) -> Option<Value> {
    let is_nested = matches!(field.shape, Shape::Object(_) | Shape::List(Shape::Object(_)));
    match field.example {
        "" if is_nested => of(&field.shape, ""),
        "" if !field.required => None,
        // What only the reader has.
        "" => Some(Value::Text(format!("YOUR_{}", field.name.to_ascii_uppercase()))),
        text => of(&field.shape, text),
    }
}

fn of(shape: &'static Shape, text: &str) -> Option<Value> {
    Some(match shape {
        Shape::Text(_) | Shape::Json => Value::Text(text.to_owned()),
        Shape::Date => Value::Date(text.to_owned()),
        Shape::Number => Value::Number(text.parse().ok()?),
        Shape::Boolean => Value::Boolean(text.parse().ok()?),
        Shape::Object(object) => Value::Object(object, members(object)),
        Shape::List(element @ Shape::Object(_)) => Value::List(vec![of(element, text)?]),
        // Pages print a list of texts as JSON.
        Shape::List(element) => match serde_json::from_str::<Vec<String>>(text) {
            Ok(texts) => Value::List(texts.iter().filter_map(|text| of(element, text)).collect()),
            Err(_) => Value::List(vec![of(element, text)?]),
        },
    })
}

impl Value {
    /// The value as a form field has it: an object as JSON, a list of texts with commas between.
    pub fn as_param(&self) -> String {
        match self {
            Self::Text(text) | Self::Date(text) => text.clone(),
            Self::List(elements) if !elements.iter().any(Self::is_object) => {
                elements.iter().map(Self::as_param).collect::<Vec<_>>().join(",")
            }
            other => other.as_json(),
        }
    }

    /// The value as JSON in one line, its members in the page's order.
    pub fn as_json(&self) -> String {
        // What has only texts as keys can be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether it travels as JSON.
    pub fn travels_as_json(&self) -> bool {
        match self {
            Self::Object(..) => true,
            Self::List(elements) => elements.iter().any(Self::is_object),
            _ => false,
        }
    }

    const fn is_object(&self) -> bool {
        matches!(self, Self::Object(..))
    }

    /// The value as a literal of JavaScript or Python, which differ in what they call the truth.
    pub fn literal(&self, truth: [&str; 2], indent: usize) -> String {
        let inner = " ".repeat(indent + 4);
        let outer = " ".repeat(indent);
        let nested = |value: &Self| value.literal(truth, indent + 4);
        match self {
            Self::Text(text) | Self::Date(text) => {
                serde_json::Value::from(text.as_str()).to_string()
            }
            Self::Number(number) => number.to_string(),
            Self::Boolean(boolean) => truth[usize::from(*boolean)].to_owned(),
            Self::List(elements) if elements.iter().any(Self::is_object) => {
                let lines = elements.iter().map(|e| format!("{inner}{},\n", nested(e)));
                format!("[\n{}{outer}]", lines.collect::<String>())
            }
            Self::List(elements) => {
                format!("[{}]", elements.iter().map(nested).collect::<Vec<_>>().join(", "))
            }
            Self::Object(_, members) => {
                let line = |(field, value): &(&Field, Self)| {
                    format!("{inner}\"{}\": {},\n", field.name, nested(value))
                };
                format!("{{\n{}{outer}}}", members.iter().map(line).collect::<String>())
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) | Self::Date(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_i64(*number),
            Self::Boolean(boolean) => serializer.serialize_bool(*boolean),
            Self::List(elements) => {
                let mut list = serializer.serialize_seq(Some(elements.len()))?;
                elements.iter().try_for_each(|element| list.serialize_element(element))?;
                list.end()
            }
            Self::Object(_, members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (field, value) in members {
                    map.serialize_entry(field.name, value)?;
                }
                map.end()
            }
        }
    }
}
