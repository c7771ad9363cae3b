//! No log learns who travels from a request or an answer that was printed for debugging.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::fmt::Debug;

use top::node::Side;
use top::{Composite, Form, Method, Node, Object, Reader, Shape};

/// What a name says whose value is somebody's, opens something, or may hold anything at all.
const PERSONAL: &[&str] = &[
    "passenger_name",
    "passenger_mobile",
    "passenger_id",
    "mobile",
    "phone",
    "email",
    "birth",
    "sex",
    "country_code",
    "valid_date",
    "user_id",
    "emp_no",
    "id_no",
    "exts",
    "extra",
    "ticket_no",
    "content",
    "refresh_token",
    "token_result",
];

/// A value of the shape in which every text names the path it stands at.
fn value(shape: &Shape, path: &str) -> Node<'static> {
    match shape {
        Shape::Text(Form::Any | Form::Id) => Node::Text(format!("<{path}>").into()),
        Shape::Text(Form::Json) | Shape::Json => Node::Text(format!("[\"<{path}>\"]").into()),
        Shape::Text(Form::Yuan) => Node::Text("1.00".into()),
        Shape::Number => Node::Number(7.into()),
        Shape::Boolean => Node::Boolean(true),
        Shape::Date => Node::Text("2026-01-01 00:00:00".into()),
        Shape::Object(object) => members(object),
        Shape::List(element) => Node::List(vec![value(element, path)]),
    }
}

fn members(object: &Object) -> Node<'static> {
    let fields = object.fields.iter();
    Node::Object(fields.map(|f| (f.name.into(), value(&f.shape, f.name))).collect())
}

/// The texts that `Debug` prints, of a value that has them all.
fn printed<T: Composite + Debug>() -> Vec<String> {
    let object = const { T::OBJECT };
    let mut reader = Reader::new(Side::Request);
    let whole = T::decode_members(&members(&object), &mut reader).unwrap();
    let text = format!("{whole:?}");
    let parts = text.split('<').skip(1);
    parts.map(|part| part.split('>').next().unwrap().to_owned()).collect()
}

fn check<M: Method + Debug>() -> usize
where
    M::Response: Debug,
{
    let printed = [printed::<M>(), printed::<M::Response>()].concat();
    for name in &printed {
        let personal = name == "code" || PERSONAL.iter().any(|word| name.contains(word));
        assert!(!personal, "{}: Debug prints {name}", M::NAME);
    }
    printed.len()
}

macro_rules! all {
    ($($stem:ident,)*) => {
        #[test]
        fn debug_prints_orders_and_no_people() {
            // Something is printed, so the texts are found where they are.
            let printed = [$(check::<trip_api::$stem::Request>()),*];
            assert!(printed.iter().sum::<usize>() > 60, "{printed:?}");
        }
    };
}
trip_api::catalogue!(all);
