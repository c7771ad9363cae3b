//! What a method is: a constant tree of names, types, flags, labels and examples.
//!
//! [`Spec`] has no Rust types left in it, so documents, samples, validation, redaction, forms and
//! test generators all take `&Spec` and serve every method there will ever be.

use crate::node::{Node, Reader};

/// A text in the two languages the product speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// Simplified Chinese, as the published page prints it where there is a page.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

/// Builds a [`Label`] in constant context.
pub const fn label(zh: &'static str, en: &'static str) -> Label {
    Label { zh, en }
}

/// Whether a call must carry an access token in `session`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// The page's sample calls `execute(req, sessionKey)`.
    Required,
    /// The page's sample calls `execute(req)`; the app key alone says who the caller is.
    NotRequired,
}

/// One published method.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// The method name as it goes over the wire, such as `taobao.time.get`.
    pub name: &'static str,
    /// The page's title.
    pub title: Label,
    /// Whether the method needs an access token.
    pub session: Session,
    /// See [`Method::IDEMPOTENT`].
    pub idempotent: bool,
    /// The business parameters, each one form field.
    pub request: Object,
    /// The members of the response root, without `request_id`.
    pub response: Object,
}

impl Spec {
    /// The name of the response root: a leading `taobao.` goes, dots become underscores.
    pub fn root(&self) -> String {
        let mut root = String::with_capacity(self.name.len() + 9);
        crate::answer::push_root(&mut root, self.name);
        root
    }
}

/// A wire object type: its published name and its members in the page's order.
#[derive(Debug, Clone, Copy)]
pub struct Object {
    /// The type name as published, such as `OrderFlightInfo`.
    pub name: &'static str,
    /// The name its list elements carry: the type name in snake case.
    pub item: &'static str,
    /// Members in the order of the page.
    pub fields: &'static [Field],
}

/// One member of an object.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The wire name.
    pub name: &'static str,
    /// The wire type.
    pub shape: Shape,
    /// 必须 (`true`) or 可选. Meaningful for requests; pages do not say it of responses.
    pub required: bool,
    /// The page's description and its translation.
    pub label: Label,
    /// The page's example, empty where it prints none.
    pub example: &'static str,
    /// Who may read its value.
    pub privacy: Privacy,
}

/// Who may read a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    /// Anybody who may see the call.
    Open,
    /// It is about a person, or lets one in: nobody reads it in a log or a story of calls.
    Personal,
    /// The same, and it travels sealed with SM4 under the app's key.
    Sealed,
}

/// What a `String` must look like. Pages do not say; where the service cares, this does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Anything.
    Any,
    /// An identifier, see [`Id`](crate::Id).
    Id,
    /// JSON text, see [`JsonText`](crate::JsonText).
    Json,
    /// An amount in yuan, see [`Yuan`](crate::Yuan).
    Yuan,
}

/// A wire type.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// `String`.
    Text(Form),
    /// `Number`: a 64-bit integer.
    Number,
    /// `Boolean`.
    Boolean,
    /// `Date`: `yyyy-MM-dd HH:mm:ss` at +08:00.
    Date,
    /// `Json`: a string that holds JSON.
    Json,
    /// A nested object.
    Object(&'static Object),
    /// A list.
    List(&'static Shape),
}

impl Shape {
    /// The type as a page prints it: `String`, `OrderFlightInfo []`.
    pub fn type_name(&self) -> String {
        match self {
            Self::Text(_) => "String".into(),
            Self::Number => "Number".into(),
            Self::Boolean => "Boolean".into(),
            Self::Date => "Date".into(),
            Self::Json => "Json".into(),
            Self::Object(object) => object.name.into(),
            Self::List(element) => format!("{} []", element.type_name()),
        }
    }

    /// The name a list gives each element of this type.
    pub const fn item_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Json => "json",
            Self::Object(object) => object.item,
            // No published method has a list of lists, and the wire has no name for one.
            Self::List(_) => "list",
        }
    }

    /// Whether the type is a list.
    pub const fn is_list(&self) -> bool {
        matches!(self, Self::List(_))
    }

    /// Whether a top-level parameter of this type travels as JSON text in its form field.
    pub const fn travels_as_json(&self) -> bool {
        match self {
            Self::Object(_) => true,
            Self::List(element) => matches!(element, Self::Object(_) | Self::List(_)),
            Self::Text(_) | Self::Number | Self::Boolean | Self::Date | Self::Json => false,
        }
    }
}

/// A Rust type that has a wire form.
pub trait Wire: Sized {
    /// Its wire type.
    const SHAPE: Shape;
    /// `false` only for `Option`.
    const REQUIRED: bool = true;
    /// Who may read a value.
    const PRIVACY: Privacy = Privacy::Open;

    /// Reads a value that is there. `None` means a violation was recorded in `reader`.
    fn decode(node: &Node<'_>, reader: &mut Reader) -> Option<Self>;

    /// The value when the member is not there. `None` means a violation was recorded.
    fn absent(reader: &mut Reader) -> Option<Self> {
        reader.missing();
        None
    }

    /// Whether a member of this value is left out of its object (the wire knows no null).
    fn is_absent(&self) -> bool {
        false
    }

    /// Writes the value.
    fn encode<E: Encoder>(&self, out: &mut E);
}

/// A [`Wire`] type with named members; `#[derive(Wire)]` writes the implementation.
pub trait Composite: Wire {
    /// Its members.
    const OBJECT: Object;

    /// Reads all members, recording every violation before giving up.
    fn decode_members(node: &Node<'_>, reader: &mut Reader) -> Option<Self>;

    /// Writes all members that are there, in the page's order.
    fn encode_members<E: Encoder>(&self, out: &mut E);
}

/// A published method; implemented by its request type.
pub trait Method: Composite {
    /// What the method answers, the members of the response root.
    type Response: Composite;
    /// The name on the wire.
    const NAME: &'static str;
    /// The page's title.
    const TITLE: Label;
    /// Whether an access token is needed.
    const SESSION: Session;
    /// Whether a call that is made twice does what it does once, so that a client may repeat one whose
    /// answer was lost. No page says so; what is not declared is not.
    const IDEMPOTENT: bool = false;
    /// The declaration as data.
    const SPEC: Spec = Spec {
        name: Self::NAME,
        title: Self::TITLE,
        session: Self::SESSION,
        idempotent: Self::IDEMPOTENT,
        request: Self::OBJECT,
        response: <Self::Response as Composite>::OBJECT,
    };
}

/// Writes one format without building a tree: at these speeds a tree is a tenth of the request.
pub trait Encoder: Sized {
    /// A string; characters the format cannot carry are dropped.
    fn text(&mut self, value: &str);
    /// An integer.
    fn number(&mut self, value: i64);
    /// A truth value.
    fn boolean(&mut self, value: bool);
    /// An object whose members `members` writes.
    fn object(&mut self, members: impl FnOnce(&mut Self));
    /// A list in the format's own wrapping.
    fn list<T: Wire>(&mut self, elements: &[T]);
    /// A member of the object being written; nothing at all when the value is absent.
    fn member<T: Wire>(&mut self, name: &'static str, value: &T);
}
