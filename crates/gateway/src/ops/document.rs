//! The OpenAPI document: what the operations say of themselves, the schemas of the families, and what every
//! operation has in common.

use std::sync::LazyLock;

use anyhow::Context as _;
use domain::{flight, itinerary, train};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::PREFIX;
use super::answers::KEY_CHARS_MAX;
use super::given::{LIMIT, LIMIT_MAX};
use super::problem::{Told, Violation};

/// What utoipa cannot read off our types: what a person writes is wider than what is kept.
const SCHEMAS: &str = include_str!("schemas.json");
/// The example of an order that the command line prints too.
const EXAMPLE: &str = include_str!("../cli/order-example.json");

const ABOUT: &str = "\
Create, read, list and advance orders of every kind; policies, apps and sessions.

**Roles.** A token belongs to an account. `viewer` reads, personal data masked; `operator` also creates and \
advances orders and reveals; `admin` also changes apps, sessions and policies.

**Lists** come in pages: `next` is the cursor of the page after, and null at the end.

**Twice is once.** Give a POST, PUT or PATCH an `Idempotency-Key`: the first answer is kept for 24 hours and \
given again to the same request; another request under the same key is refused with 422, one that comes while \
the first is still being performed with 409. A request that died is performed again after a minute, and what \
it had done is recognised.

**What goes wrong** is told as `application/problem+json` (RFC 9457). 422: the request is not of its form. \
409: the rules refuse it, in their words. 500: our fault, in the log under the `request_id`.";

/// Types whose schemas are written down by hand.
macro_rules! named {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        pub enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                Ref::from_schema_name(stringify!($name)).into()
            }
        }

        impl ToSchema for $name {}
    )*};
}

named! {
    /// A family.
    Kind;
    /// An app's key.
    AppKey;
    /// A sub-channel, channel or account.
    Scope;
    /// A number.
    Id;
    /// Why.
    Reason;
    /// A session's id.
    SessionId;
    /// After what to go on.
    Cursor;
    /// How many.
    Limit;
    /// A cancellation policy.
    Policy;
    /// Methods.
    Methods;
    /// Sub-channels, channels or accounts.
    Scopes;
    /// Redirect addresses.
    RedirectUris;
    /// Yes, no, or unsaid.
    Flag;
    /// What is to become of a quota.
    QuotaEdit;
}

/// The document.
pub fn text() -> Option<&'static str> {
    static TEXT: LazyLock<Option<String>> = LazyLock::new(|| match build() {
        Ok(document) => Some(document.to_string()),
        Err(error) => {
            let fault = format!("{error:#}");
            tracing::error!(fault, "the OpenAPI document was not made");
            None
        }
    });
    TEXT.as_deref()
}

fn build() -> anyhow::Result<Value> {
    let mut document = serde_json::to_value(super::paths(|verbs| verbs).into_openapi())?;
    document["info"] = json!({
        "title": "Tripwright operations", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT,
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    });
    document["servers"] = json!([{"url": PREFIX}]);
    document["tags"] = tags();
    document["security"] = json!([{"token": []}]);
    let components = &mut document["components"];
    components["securitySchemes"] = json!({"token": {
        "type": "http", "scheme": "bearer",
        "description": "A token of an account: `tripwright account token NAME --label …` prints one. \
                        The sandbox prints one that always works when it starts.",
    }});
    components["parameters"] = json!({"IdempotencyKey": {
        "name": "Idempotency-Key", "in": "header", "required": false,
        "description": "Drawn anew for each thing to be done, such as a UUID; sent again with a retry.",
        "schema": {"type": "string", "pattern": format!("^[!-~]{{1,{KEY_CHARS_MAX}}}$")},
    }});
    let schemas = components["schemas"].as_object_mut().context("schemas")?;
    schemas.extend(serde_json::from_str::<Map<String, Value>>(SCHEMAS)?);
    schemas.extend(lists());
    schemas.extend(codes()?);
    schemas.insert("Problem".into(), schema_of::<Told>()?);
    schemas.insert("Violation".into(), schema_of::<Violation>()?);
    schemas["NewOrder"]["example"] = serde_json::from_str(EXAMPLE)?;
    let paths = document["paths"].as_object_mut().context("paths")?;
    for (path, verbs) in paths {
        for (verb, operation) in verbs.as_object_mut().context("verbs")? {
            complete(path, verb, operation);
        }
    }
    Ok(document)
}

fn schema_of<T: PartialSchema>() -> anyhow::Result<Value> {
    Ok(serde_json::to_value(T::schema())?)
}

fn tags() -> Value {
    json!([
        {"name": "orders", "description": "Orders of every kind: brought in, read, listed, found, revealed"},
        {"name": "transitions", "description": "What the other parties do: by the rules of the wire"},
        {"name": "policies", "description": "Cancellation policies of car rentals"},
        {"name": "apps", "description": "Who may call TOP, what, and how often"},
        {"name": "sessions", "description": "Access tokens of an app"},
    ])
}

/// Schemas that follow from constants and the catalogue.
fn lists() -> Map<String, Value> {
    let names = trip_api::SPECS.iter().map(|spec| spec.name);
    let names: Vec<_> = std::iter::once("all").chain(names).collect();
    let list = |item: Value| json!({"type": ["array", "null"], "items": item});
    let limit = json!({"type": ["integer", "null"], "minimum": 0, "maximum": u32::MAX});
    let schemas = json!({
        "Cursor": {
            "type": "string", "description": "What the last page told.",
            "pattern": "^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2,3})?$",
        },
        "Limit": {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT},
        "Methods": list(json!({"type": "string", "enum": names})),
        "Scopes": list(json!({"$ref": "#/components/schemas/Scope"})),
        "RedirectUris": list(json!({
            "type": "string", "maxLength": domain::grant::REDIRECT_CHARS_MAX,
            "pattern": "^https?://[A-Za-z0-9.:\\[\\]-]+([/?][!$%&()*+./0-9:=?@A-Z_a-z~\\[\\]-]*)?$",
            "example": "https://bank.example/callback",
        })),
        "Flag": {"type": ["boolean", "null"]},
        "QuotaEdit": {
            "type": "object", "additionalProperties": false,
            "description": "What is left out stays; null takes the limit away.",
            "properties": {"calls_per_day": limit, "calls_per_second": limit},
        },
    });
    match schemas {
        Value::Object(schemas) => schemas,
        _ => Map::new(),
    }
}

/// The code lists that a booking or a transition names entries of.
fn codes() -> anyhow::Result<Map<String, Value>> {
    fn list<T: Serialize>(all: &[T]) -> anyhow::Result<Value> {
        Ok(json!({"type": "string", "enum": serde_json::to_value(all)?}))
    }
    use flight::code::{CabinClass, Direction, DocumentType, PassengerType, SettleType};
    use itinerary::code::{TicketState, TravelStatus};
    let classes = [
        CabinClass::F,
        CabinClass::C,
        CabinClass::Y,
        CabinClass::S,
        CabinClass::P,
        CabinClass::M,
        CabinClass::W,
    ];
    let lists = [
        ("CabinClass", list(&classes)?),
        ("Direction", list(Direction::ALL)?),
        ("DocumentType", list(DocumentType::ALL)?),
        ("PassengerType", list(PassengerType::ALL)?),
        ("SettleType", list(SettleType::ALL)?),
        ("TicketState", list(TicketState::ALL)?),
        ("TravelStatus", list(TravelStatus::ALL)?),
        ("TrainDocumentType", list(train::code::TrainDocumentType::ALL)?),
        ("TicketType", list(train::code::TicketType::ALL)?),
    ];
    Ok(lists.into_iter().map(|(name, list)| (name.to_owned(), list)).collect())
}

/// Adds what is true of every operation of its kind: the header of keys, and how it can fail.
fn complete(path: &str, verb: &str, operation: &mut Value) {
    let changes = verb != "get";
    let has_body = operation.get("requestBody").is_some();
    if changes {
        let header = json!({"$ref": "#/components/parameters/IdempotencyKey"});
        match operation["parameters"].as_array_mut() {
            Some(parameters) => parameters.push(header),
            None => operation["parameters"] = json!([header]),
        }
    }
    if has_body {
        operation["requestBody"]["required"] = true.into();
    }
    let has_query = operation["parameters"]
        .as_array()
        .is_some_and(|all| all.iter().any(|parameter| parameter["in"] == "query"));
    let is_named = path.contains('{');
    exemplify(path, operation);
    let failures = [
        ("400", has_body || is_named, "It cannot be read at all"),
        ("401", true, "Nobody is known by the token"),
        ("403", changes, "The role does not reach so far"),
        ("404", is_named, "There is no such thing"),
        ("409", changes, "The rules refuse it, or the same request is being performed"),
        ("413", has_body, "The body is too large"),
        ("415", has_body, "The body is not JSON"),
        (
            "422",
            changes || has_query,
            "It is not of its form, or the key was given with another request",
        ),
        ("500", true, "Our fault: in the log under the request's id"),
    ];
    for (status, _, description) in failures.iter().filter(|(_, can_be, _)| *can_be) {
        operation["responses"][*status] = json!({
            "description": description,
            "content": {"application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"},
            }},
        });
    }
}

/// Names an order of the demo world in each operation that is about one, so that it can be tried as it is.
fn exemplify(path: &str, operation: &mut Value) {
    let examples = [
        ("/orders/{kind}/", ["flight", "test", "corp001", "demo-payable"]),
        ("/orders/flight/", ["flight", "test", "corp001", "demo-payable"]),
        ("/orders/rental/", ["rental", "test", "80001", "demo-rental-unpaid"]),
        ("/orders/receipts/", ["receipts", "test", "12342134", "demo-receipts"]),
        ("/orders/train/", ["train", "test", "-", "demo-rail-ticketed"]),
    ];
    let example = examples.iter().find(|(beginning, _)| path.starts_with(beginning));
    let (Some((_, order)), Some(parameters)) = (example, operation["parameters"].as_array_mut())
    else {
        return;
    };
    for (name, value) in ["kind", "app", "scope", "id"].iter().zip(order) {
        let named = parameters.iter_mut().filter(|parameter| parameter["name"] == *name);
        named.for_each(|parameter| parameter["example"] = (*value).into());
    }
}
