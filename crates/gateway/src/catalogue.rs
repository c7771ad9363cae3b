//! The catalogue as data for other programs.

use serde_json::{Value, json};
use top::{Label, Object, Privacy, Session, Shape};

/// Every method: names, titles, session, request and response trees.
pub fn as_json() -> Value {
    let methods: Vec<_> = trip_api::SPECS
        .iter()
        .map(|spec| {
            json!({
                "method": spec.name,
                "title": label(spec.title),
                "session": match spec.session {
                    Session::Required => "required",
                    Session::NotRequired => "not_required",
                },
                "root": spec.root(),
                "request": members(&spec.request, true),
                "response": members(&spec.response, false),
            })
        })
        .collect();
    json!({ "methods": methods })
}

/// The members of an object; pages say only of requests which are required.
fn members(object: &Object, in_request: bool) -> Value {
    let fields = object.fields.iter().map(|field| {
        let mut member = json!({
            "name": field.name,
            "type": field.shape.type_name(),
            "example": field.example,
            "label": label(field.label),
            "privacy": match field.privacy {
                Privacy::Open => "open",
                Privacy::Personal => "personal",
                Privacy::Sealed => "sealed",
            },
        });
        if in_request {
            member["required"] = field.required.into();
        }
        if let Shape::Object(object) | Shape::List(&Shape::Object(object)) = field.shape {
            member["members"] = members(object, in_request);
        }
        member
    });
    fields.collect()
}

fn label(label: Label) -> Value {
    json!({ "zh": label.zh, "en": label.en })
}
