//! The form as a page shows it: its tree, one part after the other.

use top::{Field, Form, Object, Privacy, Shape, Spec};

use super::draft::{Draft, ROOT};

/// A part of the form. A template has no recursion, so groups are opened and closed.
pub enum Part<'a> {
    /// An object's fields begin.
    Object(&'static Field),
    /// A list begins.
    List {
        /// Its name, and the place on the page where its elements are added.
        path: String,
        field: &'static Field,
    },
    /// An element of several fields begins.
    Element {
        path: String,
        field: &'static Field,
        /// Counted from one, as people do.
        number: usize,
    },
    /// An input.
    Input(Input<'a>),
    /// An object ends.
    EndObject,
    /// A list ends.
    EndList { path: String, field: &'static Field },
    /// An element ends.
    EndElement,
}

/// A place for one value.
pub struct Input<'a> {
    pub path: String,
    pub field: &'static Field,
    pub shape: Shape,
    pub value: &'a str,
    /// Which element of a list it is, counted from one.
    pub number: Option<usize>,
}

impl Input<'_> {
    /// What the input is called by assistive technology and by the platform.
    pub fn name(&self) -> String {
        match self.number {
            Some(number) => format!("{}[{}]", self.field.name, number - 1),
            None => self.field.name.to_owned(),
        }
    }

    pub fn is_sealed(&self) -> bool {
        self.field.privacy == Privacy::Sealed
    }

    pub fn is_personal(&self) -> bool {
        self.field.privacy == Privacy::Personal
    }

    pub fn is_boolean(&self) -> bool {
        matches!(self.shape, Shape::Boolean)
    }

    pub fn is_json(&self) -> bool {
        matches!(self.shape, Shape::Json | Shape::Text(Form::Json))
    }

    /// What the value looks like, where its type says.
    pub fn hint(&self) -> &'static str {
        match self.shape {
            Shape::Date => "yyyy-MM-dd HH:mm:ss",
            Shape::Number => "0",
            Shape::Text(Form::Yuan) => "0.00",
            Shape::Text(_) | Shape::Boolean | Shape::Json | Shape::Object(_) | Shape::List(_) => "",
        }
    }

    /// Which keys a telephone shows for it.
    pub fn keys(&self) -> &'static str {
        match self.shape {
            Shape::Number => "numeric",
            Shape::Text(Form::Yuan) => "decimal",
            _ => "text",
        }
    }
}

/// The whole form.
pub fn parts<'a>(spec: &'static Spec, draft: &'a Draft) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    members(&spec.request, draft, ROOT, &mut parts);
    parts
}

/// The names of all inputs: where a complaint can point to.
pub fn has_input(parts: &[Part<'_>], path: &str) -> bool {
    parts.iter().any(|part| match part {
        Part::Input(input) => input.path == path,
        Part::List { path: list, .. } => list == path,
        _ => false,
    })
}

fn members<'a>(object: &Object, draft: &'a Draft, path: &str, parts: &mut Vec<Part<'a>>) {
    let Draft::Members(drafts) = draft else { return };
    for (field, draft) in object.fields.iter().zip(drafts) {
        value(field, &field.shape, draft, format!("{path}.{}", field.name), parts);
    }
}

fn value<'a>(
    field: &'static Field,
    shape: &Shape,
    draft: &'a Draft,
    path: String,
    parts: &mut Vec<Part<'a>>,
) {
    match (draft, shape) {
        (Draft::Text(value), shape) => {
            parts.push(Part::Input(Input { path, field, shape: *shape, value, number: None }));
        }
        (Draft::Members(_), Shape::Object(object)) => {
            parts.push(Part::Object(field));
            members(object, draft, &path, parts);
            parts.push(Part::EndObject);
        }
        (Draft::Elements(drafts), Shape::List(shape)) => {
            parts.push(Part::List { path: path.clone(), field });
            for (index, draft) in drafts.iter().enumerate() {
                element(field, shape, draft, (&path, index), parts);
            }
            parts.push(Part::EndList { path, field });
        }
        _ => {}
    }
}

fn element<'a>(
    field: &'static Field,
    shape: &Shape,
    draft: &'a Draft,
    (list, index): (&str, usize),
    parts: &mut Vec<Part<'a>>,
) {
    let (path, number) = (format!("{list}.{index}"), index + 1);
    if let Draft::Text(value) = draft {
        let number = Some(number);
        parts.push(Part::Input(Input { path, field, shape: *shape, value, number }));
        return;
    }
    parts.push(Part::Element { path: path.clone(), field, number });
    match shape {
        Shape::Object(object) => members(object, draft, &path, parts),
        shape => value(field, shape, draft, path, parts),
    }
    parts.push(Part::EndElement);
}
