//! The catalogue as OpenAPI 3.1, for generators and whatever else reads it.
//!
//! All methods share one address, and a document can hold an address only once. A fragment, which no client
//! sends, tells them apart: `/router/rest#method=taobao.time.get`. A query would be sent, and linters refuse
//! one in a path.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::State as Extract;
use serde_json::{Map, Value, json};
use top::error;
use top::scalar::ID_CHARS_MAX;
use top::{Field, Form, Label, Object, Privacy, Session, Shape, SignMethod, Spec};

use super::tool::Draft;
use crate::web::{State, Visit};
use crate::{Context, demo};

/// Where schemas stand.
const SCHEMAS: &str = "#/components/schemas/";

/// On which side of a call a value stands: a list in a JSON answer is wrapped in an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Request,
    Answer,
}

/// The document, as a file.
pub async fn serve(Extract(cx): State, visit: Visit) -> Json<Value> {
    Json(document(&origin(&cx, &visit)))
}

/// Where a client reaches the gateway: where the browser did.
pub fn origin(cx: &Context, visit: &Visit) -> String {
    visit.origin(SocketAddr::new(cx.settings.host, cx.settings.port))
}

/// The document, for a gateway at `origin`, such as `http://127.0.0.1:8080`.
fn document(origin: &str) -> Value {
    let mut schemas = Map::new();
    schemas.insert("ErrorResponse".into(), error_response());
    let mut paths = Map::new();
    for spec in trip_api::SPECS {
        paths.insert(format!("/router/rest#method={}", spec.name), operation(spec, &mut schemas));
    }
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Tripwright",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": bilingual(Label {
                zh: "所有接口使用同一地址 /router/rest，由 method 参数区分；路径中的 # 部分只用于区分文档条目，客户端不会发送。\
                     对象参数以 JSON 文本放在表单字段中。每次调用都须签名(sign)。",
                en: "All methods share the address /router/rest and are told apart by the parameter method. What follows # \
                     in a path tells the entries of this document apart; no client sends it. Objects travel as JSON text \
                     in a field of the form. Every call is signed (sign).",
            }),
        },
        "servers": [{"url": origin}],
        // The sign is made of all parameters: no scheme that a document can name does that.
        "security": [],
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

/// The method's name with underscores: what its schemas are called by.
pub fn stem(spec: &Spec) -> String {
    spec.name.replace('.', "_")
}

/// Both languages of a text.
pub fn bilingual(label: Label) -> String {
    format!("{}\n\n{}", label.zh, label.en)
}

fn operation(spec: &'static Spec, schemas: &mut Map<String, Value>) -> Value {
    let stem = stem(spec);
    define(&stem, &spec.response, Side::Answer, schemas);
    let response = &mut schemas[&format!("{stem}.{}", spec.response.name)];
    response["properties"]["request_id"] = json!({"type": "string", "examples": ["16f2c5kfw2o3x"]});
    let answer = json!({
        "oneOf": [
            {
                "type": "object",
                "required": [spec.root()],
                "properties": {spec.root(): reference(&stem, spec.response.name)},
            },
            {"$ref": format!("{SCHEMAS}ErrorResponse")},
        ],
    });
    json!({"post": {
        "operationId": stem,
        "summary": format!("{} / {}", spec.title.zh, spec.title.en),
        "externalDocs": {"url": format!("/docs/{}", spec.name)},
        "x-top-method": spec.name,
        "x-top-session": if spec.session == Session::Required { "required" } else { "not_required" },
        "x-idempotent": spec.idempotent,
        "requestBody": {
            "required": true,
            "content": {"application/x-www-form-urlencoded": form(spec, &stem, schemas)},
        },
        "responses": {
            "200": {
                "description": bilingual(Label {
                    zh: "业务结果，或平台错误 error_response；HTTP 状态总是 200。",
                    en: "The result, or an error_response of the platform; the HTTP status is always 200.",
                }),
                "content": {"text/javascript": {"schema": answer}},
            },
        },
    }})
}

/// The form that a call is: the platform's parameters, and the method's own.
fn form(spec: &'static Spec, stem: &str, schemas: &mut Map<String, Value>) -> Value {
    let mut properties = public(spec);
    let needed = ["method", "app_key", "timestamp", "v", "sign"];
    let mut required: Vec<_> = needed.into_iter().collect();
    if spec.session == Session::Required {
        required.push("session");
    }
    let mut encoding = Map::new();
    for field in spec.request.fields {
        properties.insert(field.name.into(), member(stem, field, Side::Request, schemas));
        required.extend(field.required.then_some(field.name));
        if field.shape.travels_as_json() {
            encoding.insert(field.name.into(), json!({"contentType": "application/json"}));
        } else if field.shape.is_list() {
            encoding.insert(field.name.into(), json!({"style": "form", "explode": false}));
        }
    }
    let name = format!("{stem}.Call");
    let schema = json!({"type": "object", "required": required, "properties": properties});
    schemas.insert(name.clone(), schema);
    json!({
        "schema": {"$ref": format!("{SCHEMAS}{name}")},
        "encoding": encoding,
        "example": example(spec),
    })
}

/// The platform's own parameters.
fn public(spec: &Spec) -> Map<String, Value> {
    let text = |zh, en, example: &str| json!({"type": "string", "description": bilingual(Label { zh, en }), "examples": [example]});
    let methods = SignMethod::ALL.map(|method| method.to_string());
    let fixed = json!({
        "method": {"const": spec.name, "description": bilingual(Label { zh: "接口名称", en: "The method's name." })},
        "app_key": text("应用的 App Key", "The app's key.", demo::APP_KEY),
        "session": text("授权令牌(access token)", "The access token.", demo::SESSION),
        "timestamp": text("北京时间，与服务器相差不超过十分钟", "UTC+8, within ten minutes of the server's clock.", "2026-03-01 09:00:00"),
        "v": {"const": "2.0", "description": bilingual(Label { zh: "协议版本", en: "Version of the protocol." })},
        "format": {"enum": ["json", "xml"], "default": "xml", "description": bilingual(Label { zh: "返回格式；本文档描述 json", en: "Format of the answer; this document describes json." })},
        "sign_method": {"enum": methods, "default": "md5", "description": bilingual(Label { zh: "签名方法", en: "How the call is signed." })},
        "sign": text("签名", "The signature.", "0A1B2C3D4E5F60718293A4B5C6D7E8F9"),
    });
    match fixed {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// A call with the page's examples.
fn example(spec: &'static Spec) -> Value {
    let mut example = json!({
        "method": spec.name, "app_key": demo::APP_KEY, "timestamp": "2026-03-01 09:00:00", "v": "2.0",
        "format": "json", "sign_method": "md5", "sign": "0A1B2C3D4E5F60718293A4B5C6D7E8F9",
    });
    if spec.session == Session::Required {
        example["session"] = demo::SESSION.into();
    }
    let params = Draft::example(spec).params(&spec.request, &mut str::to_owned);
    for (name, text) in params {
        let field = spec.request.fields.iter().find(|field| field.name == name);
        let is_json = field.is_some_and(|field| field.shape.travels_as_json());
        let parsed = if is_json { serde_json::from_str(&text).ok() } else { None };
        example[name] = parsed.unwrap_or_else(|| text.into());
    }
    // What a page gives no example of.
    for field in spec.request.fields.iter().filter(|field| field.required) {
        if example.get(field.name).is_none() {
            example[field.name] = "…".into();
        }
    }
    example
}

/// Puts an object's schema among the others, and those of all it holds.
fn define(stem: &str, object: &Object, side: Side, schemas: &mut Map<String, Value>) {
    let properties: Map<_, _> = object
        .fields
        .iter()
        .map(|field| (field.name.to_owned(), member(stem, field, side, schemas)))
        .collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if side == Side::Request {
        let required: Vec<_> =
            object.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
        schema["required"] = required.into();
    }
    schemas.insert(format!("{stem}.{}", object.name), schema);
}

fn member(stem: &str, field: &Field, side: Side, schemas: &mut Map<String, Value>) -> Value {
    let mut schema = value(stem, &field.shape, side, schemas);
    schema["description"] = bilingual(field.label).into();
    let example = match field.shape {
        Shape::Number => field.example.parse::<i64>().ok().map(Value::from),
        Shape::Boolean => field.example.parse::<bool>().ok().map(Value::from),
        Shape::Text(_) | Shape::Date | Shape::Json if field.example.is_empty() => None,
        Shape::Text(_) | Shape::Date | Shape::Json => Some(field.example.into()),
        Shape::Object(_) | Shape::List(_) => None,
    };
    if let Some(example) = example {
        schema["examples"] = json!([example]);
    }
    match field.privacy {
        Privacy::Open => {}
        Privacy::Personal => schema["x-privacy"] = "personal".into(),
        Privacy::Sealed => schema["x-privacy"] = "sealed".into(),
    }
    schema
}

fn value(stem: &str, shape: &Shape, side: Side, schemas: &mut Map<String, Value>) -> Value {
    match shape {
        Shape::Text(Form::Any) => json!({"type": "string"}),
        // Of answers nothing is promised that a page does not say.
        Shape::Text(_) if side == Side::Answer => json!({"type": "string"}),
        Shape::Text(Form::Id) => {
            json!({"type": "string", "minLength": 1, "maxLength": ID_CHARS_MAX})
        }
        Shape::Text(Form::Yuan) => json!({"type": "string", "pattern": r"^\d+(\.\d{1,2})?$"}),
        Shape::Text(Form::Json) | Shape::Json => {
            json!({"type": "string", "contentMediaType": "application/json"})
        }
        Shape::Number => json!({"type": "integer", "format": "int64"}),
        Shape::Boolean => json!({"type": "boolean"}),
        Shape::Date => {
            json!({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$"})
        }
        Shape::Object(object) => {
            define(stem, object, side, schemas);
            reference(stem, object.name)
        }
        Shape::List(element) => {
            let items = value(stem, element, side, schemas);
            let list = json!({"type": "array", "items": items});
            match side {
                Side::Request => list,
                Side::Answer => {
                    json!({"type": "object", "properties": {element.item_name(): list}})
                }
            }
        }
    }
}

fn reference(stem: &str, name: &str) -> Value {
    json!({"$ref": format!("{SCHEMAS}{stem}.{name}")})
}

fn error_response() -> Value {
    let example = json!({
        "code": error::INVALID_PARAMETER.code, "msg": error::INVALID_PARAMETER.msg,
        "sub_code": error::INVALID_PARAMETER.sub_code, "sub_msg": error::INVALID_PARAMETER.sub_msg,
        "request_id": "16f2c5kfw2o3x",
    });
    let text = json!({"type": "string"});
    json!({
        "type": "object",
        "required": ["error_response"],
        "properties": {"error_response": {
            "type": "object",
            "required": ["code", "msg", "request_id"],
            "properties": {
                "code": {"type": "integer"}, "msg": text, "sub_code": text, "sub_msg": text,
                "request_id": text,
            },
        }},
        "examples": [{"error_response": example}],
    })
}
