//! What is written is read back as it was: values generated from each `Spec`, for every method of
//! the catalogue, in every format. A new method is covered by being declared.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::borrow::Cow;

use proptest::prelude::*;
use proptest::strategy::Union;
use proptest::test_runner::{Config, TestRunner};
use top::answer::{self, Answer};
use top::form::{read_request, request_params};
use top::node::Side;
use top::{Composite, Form, Format, Method, Node, Object, Params, Reader, Shape};

const CASES: u32 = 64;

/// Any value of the shape; text has no characters that a format drops.
fn value(shape: &'static Shape, side: Side) -> BoxedStrategy<Node<'static>> {
    let text = match side {
        // An empty or blank parameter is no parameter, and blank ends are the caller's to keep.
        Side::Request => "[a-z<&>\"'/\\\\+%=票😀][ a-z,<&>\"'/\\\\+%=票😀\n]{0,8}",
        Side::Response => "[ a-z,<&>\"'/\\\\+%=票😀\r\n\t]{0,8}",
    };
    match shape {
        Shape::Text(Form::Any) | Shape::Json => {
            text.prop_map(|text: String| Node::Text(Cow::Owned(text))).boxed()
        }
        Shape::Text(Form::Id) => {
            "[a-z票😀+%&=]{1,64}".prop_map(|text: String| Node::Text(Cow::Owned(text))).boxed()
        }
        Shape::Text(Form::Json) => {
            "[\\[]\"[a-z票😀/]{0,8}\"[\\]]".prop_map(|text: String| Node::Text(text.into())).boxed()
        }
        Shape::Text(Form::Yuan) => {
            "[0-9]{1,9}\\.[0-9]{2}".prop_map(|text: String| Node::Text(text.into())).boxed()
        }
        Shape::Number => any::<i64>().prop_map(|number| Node::Number(number.into())).boxed(),
        Shape::Boolean => any::<bool>().prop_map(Node::Boolean).boxed(),
        Shape::Date => (1..=9999, 1..=12, 1..=28, 0..=23, 0..=59, 0..=59)
            .prop_map(|(y, mo, d, h, mi, s)| {
                Node::Text(Cow::Owned(format!("{y:04}-{mo:02}-{d:02} {h:02}:{mi:02}:{s:02}")))
            })
            .boxed(),
        Shape::Object(object) => members(object, side),
        Shape::List(element) => {
            let least = usize::from(side == Side::Request);
            prop::collection::vec(value(element, side), least..4).prop_map(Node::List).boxed()
        }
    }
}

fn members(object: &'static Object, side: Side) -> BoxedStrategy<Node<'static>> {
    let mut members: BoxedStrategy<Vec<(Cow<'static, str>, Node<'static>)>> =
        Just(Vec::new()).boxed();
    for field in object.fields {
        let name = Cow::Borrowed(field.name);
        // A wrapper whose members are required must be there though it is called optional.
        let optional = !field.required && !field.shape.travels_as_json();
        let given = value(&field.shape, side).prop_map(Some).boxed();
        let maybe = if optional || side == Side::Response && !field.required {
            Union::new([given, Just(None).boxed()]).boxed()
        } else {
            given
        };
        members = (members, maybe)
            .prop_map(move |(mut members, value)| {
                members.extend(value.map(|value| (name.clone(), value)));
                members
            })
            .boxed();
    }
    members.prop_map(Node::Object).boxed()
}

fn decode<T: Composite>(node: &Node<'_>, side: Side) -> T {
    let mut reader = Reader::new(side);
    T::decode_members(node, &mut reader)
        .unwrap_or_else(|| panic!("{node:?}: {:?}", reader.into_violations()))
}

fn request_survives<M: Method + PartialEq + std::fmt::Debug>() {
    let strategy = members(object::<M>(), Side::Request);
    let mut runner = TestRunner::new(Config { cases: CASES, ..Config::default() });
    runner
        .run(&strategy, |node| {
            let request: M = decode(&node, Side::Request);
            let written = request_params(&request);
            let form =
                top::form::encode(written.iter().map(|(name, value)| (*name, value.as_str())));
            let mut pairs = Vec::new();
            top::form::decode_into(form.as_bytes(), &mut pairs).unwrap();
            let read: M = read_request(&Params::from_pairs(pairs)).unwrap();
            prop_assert_eq!(read, request);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{}: {error}", M::NAME));
}

fn response_survives<M: Method>()
where
    M::Response: PartialEq + std::fmt::Debug + Clone,
{
    let strategy = members(object::<M::Response>(), Side::Response);
    let mut runner = TestRunner::new(Config { cases: CASES, ..Config::default() });
    runner
        .run(&strategy, |node| {
            let response: M::Response = decode(&node, Side::Response);
            for format in [Format::Xml, Format::Json, Format::SimplifiedJson] {
                let body = answer::success(format, M::NAME, &response, "zzp0c5fj10y3", "node");
                prop_assert!(!body.ends_with('\n'));
                let read = answer::read::<M::Response>(format, &body);
                let expected = Answer::Success {
                    response: response.clone(),
                    request_id: Some("zzp0c5fj10y3".into()),
                };
                prop_assert_eq!(read, Ok(expected), "{}", body);
            }
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{}: {error}", M::NAME));
}

fn object<T: Composite>() -> &'static Object {
    &const { T::OBJECT }
}

macro_rules! round_trips {
    ($($stem:ident,)*) => {
        #[test]
        fn every_request_survives_the_form() {
            $(request_survives::<trip_api::$stem::Request>();)*
        }

        #[test]
        fn every_response_survives_every_format() {
            $(response_survives::<trip_api::$stem::Request>();)*
        }
    };
}
trip_api::catalogue!(round_trips);
