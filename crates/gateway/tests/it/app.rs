//! A gateway of one's own: real listeners, a real database, a clock that stands still until it is
//! set.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use domain::Instant;
use domain::access::{App as Application, Session};
use domain::flight::{Order, OrderKey};
use domain::{Pii, Step};
use gateway::family::Family;
use gateway::server::{self, Limits, Running};
use gateway::{Clock, Context, Settings, demo, flight, import};
use serde_json::{Value, json};
use store::{Cause, Decision, SealingKey, Store};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use top::sign::Secret;
use top::{Params, SignMethod};

/// The demo world's first day.
pub const NOW: &str = "2026-03-01T01:00:00Z";
/// The same on the platform's clock.
pub const NOW_TEXT: &str = "2026-03-01 09:00:00";
/// The wrapper of both flight methods.
pub const WRAPPER: &str = "param_btrip_flight_order_operate_common_rq";
/// The method most tests call.
pub const CANCEL: &str = "alitrip.btrip.flight.distribution.order.cancel";

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    settings: Settings,
}

/// Settings as the program reads them from flags.
pub fn settings(folder: &std::path::Path, flags: &[&str]) -> Settings {
    let folder = folder.to_str().unwrap();
    let fixed = ["tripwright", "--data", folder, "--port", "0"];
    Flags::parse_from(fixed.iter().chain(flags)).settings
}

/// A running gateway with the demo world.
pub struct App {
    pub folder: TempDir,
    pub runtime: Runtime,
    running: Option<Running>,
}

impl App {
    pub fn start() -> Self {
        Self::with(&[])
    }

    pub fn with(flags: &[&str]) -> Self {
        Self::limited(flags, Limits::default())
    }

    pub fn limited(flags: &[&str], limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let settings = settings(folder.path(), flags);
        let running = runtime.block_on(async {
            let key = SealingKey::generate();
            let store = Store::open_sqlite(&settings.data.file(), &key).unwrap();
            let clock = Clock::set_to(at(NOW));
            demo::load(&store, clock.now()).await.unwrap();
            let context = Arc::new(Context::new(settings, clock, store));
            server::start(context, limits).await.unwrap()
        });
        Self { folder, runtime, running: Some(running) }
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    pub fn context(&self) -> &Context {
        &self.running().context
    }

    pub fn address(&self) -> SocketAddr {
        self.running().gateway
    }

    pub fn set_clock(&self, text: &str) {
        self.context().clock.set(at(text));
    }

    /// A call of the demo app with its session, signed, answered as JSON.
    pub fn call(&self, method: &str, params: &[(&str, &str)]) -> Reply {
        self.call_as(Form::Json, method, params)
    }

    pub fn call_as(&self, form: Form, method: &str, params: &[(&str, &str)]) -> Reply {
        let mut all = public(method);
        all.extend(form.params().iter().map(|(name, value)| (*name, (*value).to_owned())));
        all.extend(params.iter().map(|(name, value)| (*name, (*value).to_owned())));
        self.send_signed(&all, demo::SECRET)
    }

    /// Signs the parameters with md5 as they are and posts them as a form.
    pub fn send_signed(&self, params: &[(&str, String)], secret: &str) -> Reply {
        let borrowed: Vec<_> = params.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let sign = sign_md5(&borrowed, secret);
        let signed = borrowed.into_iter().chain([("sign", sign.as_str())]);
        self.post_form(&top::form::encode(signed))
    }

    pub fn post_form(&self, form: &str) -> Reply {
        let head = "Content-Type: application/x-www-form-urlencoded;charset=UTF-8\r\n";
        self.send(&format!("POST /router/rest HTTP/1.1\r\n{head}"), form.as_bytes())
    }

    /// Sends a request whose head lacks only its host, length and end.
    pub fn send(&self, head: &str, body: &[u8]) -> Reply {
        send(self.address(), head, body)
    }

    /// Cancels an order of the demo app.
    pub fn cancel(&self, sub_channel: &str, dis_order_id: &str) -> Reply {
        self.cancel_as(Form::Json, sub_channel, dis_order_id)
    }

    pub fn cancel_as(&self, form: Form, sub_channel: &str, dis_order_id: &str) -> Reply {
        let rq = json!({"sub_channel": sub_channel, "dis_order_id": dis_order_id}).to_string();
        self.call_as(form, CANCEL, &[(WRAPPER, &rq)])
    }

    /// Makes an app known, and gives it a session called `<key>-session`.
    pub fn add_app(&self, key: &str, edit: impl FnOnce(&mut Application)) {
        let secret = Pii::new(format!("{key}-secret"));
        let mut app = Application {
            sub_channels: ["corp001".parse().unwrap(), "corp002".parse().unwrap()].into(),
            ..Application::new(key.parse().unwrap(), secret)
        };
        edit(&mut app);
        let session = Session {
            app: app.key.clone(),
            token: Pii::new(format!("{key}-session")),
            created_at: at(NOW),
            expires_at: at("2026-03-02T01:00:00Z"),
            revoked_at: None,
            grant: None,
        };
        self.runtime.block_on(async {
            let cx = self.context();
            cx.store.change_app(&app.key, |_| Ok::<_, store::Error>(app.clone())).await.unwrap();
            cx.store.put_session(&session).await.unwrap();
            cx.access.refresh(&cx.store).await.unwrap();
        });
    }

    /// Brings in an order: the demo world's `demo-payable`, edited.
    pub fn import(&self, edit: impl FnOnce(&mut Value)) {
        let mut order = payable("imported");
        edit(&mut order);
        let order = serde_json::from_value(order).unwrap();
        let cause = cause();
        self.runtime.block_on(import::store(&self.context().store, order, &cause)).unwrap();
    }

    /// Performs a transition as another party would.
    pub fn advance(&self, key: &OrderKey, command: Value) {
        let (store, now) = (&self.context().store, self.context().clock.now());
        let decide = |order: Option<Order>| {
            let performed = Family::perform(order.unwrap(), command.clone(), now).unwrap();
            let what = performed.what;
            let Step::Taken(document) = performed.step else { panic!("nothing moved") };
            let look_ups = document.look_ups();
            (Decision::Put { document, what, facts: None, look_ups }, ())
        };
        self.runtime.block_on(store.change(&flight::key(key), &cause(), decide)).unwrap();
    }

    pub fn order(&self, key: &OrderKey) -> Order {
        let store = &self.context().store;
        self.runtime.block_on(store.get(&flight::key(key))).unwrap().unwrap()
    }

    /// What the journal says happened to an order, newest first.
    pub fn story(&self, key: &OrderKey) -> Vec<String> {
        let store = &self.context().store;
        let entries = self.runtime.block_on(store.journal(&flight::key(key))).unwrap();
        entries.into_iter().map(|entry| format!("{} by {}", entry.what, entry.actor)).collect()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}

pub fn cause() -> Cause {
    Cause { at: at(NOW), actor: "test bench".into(), request_id: "bench".into() }
}

pub fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

pub fn key(app: &str, sub_channel: &str, dis_order_id: &str) -> OrderKey {
    OrderKey {
        app: app.parse().unwrap(),
        sub_channel: sub_channel.parse().unwrap(),
        dis_order_id: dis_order_id.parse().unwrap(),
    }
}

/// A payable order of the demo app, as an import.
pub fn payable(dis_order_id: &str) -> Value {
    json!({
        "kind": "flight",
        "booking": {
            "key": {"app": "test", "sub_channel": "corp001", "dis_order_id": dis_order_id},
            "segments": [{
                "flight_no": "CZ3101",
                "from": {"airport_code": "CAN"},
                "to": {"airport_code": "PKX"},
                "departs": "2026-06-01T08:00:00",
                "arrives": "2026-06-01T11:10:00",
                "cabin": "Y",
                "cabin_class": "Y",
                "fare": {"ticket_fen": 150_000, "build_fen": 5_000, "oil_fen": 3_000},
            }],
            "travellers": [{
                "user_id": "1", "name": "欧阳不在册", "passenger_type": "adult",
                "document": {"document_type": "id_card", "number": "999999199001010016"},
            }],
            "settle_type": "corporate_cash",
        },
        "history": [{"at": NOW, "do": {"command": "confirm"}}],
    })
}

/// The same, payable for as long as anybody tests: for programs that have the machine's clock.
pub fn long_payable(dis_order_id: &str) -> Value {
    let mut order = payable(dis_order_id);
    let segment = &mut order["booking"]["segments"][0];
    segment["departs"] = "2099-06-01T08:00:00".into();
    segment["arrives"] = "2099-06-01T11:10:00".into();
    order["history"] = json!([{"do": {"command": "confirm", "until": "2099-01-01T00:00:00Z"}}]);
    order
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Xml,
    Json,
    Simplified,
}

impl Form {
    pub fn params(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Xml => &[],
            Self::Json => &[("format", "json")],
            Self::Simplified => &[("format", "json"), ("simplify", "true")],
        }
    }
}

/// The public parameters of a call by the demo app.
pub fn public(method: &str) -> Vec<(&'static str, String)> {
    vec![
        ("method", method.to_owned()),
        ("app_key", demo::APP_KEY.to_owned()),
        ("session", demo::SESSION.to_owned()),
        ("timestamp", NOW_TEXT.to_owned()),
        ("v", "2.0".to_owned()),
        ("sign_method", "md5".to_owned()),
    ]
}

pub fn sign_md5(params: &[(&str, &str)], secret: &str) -> String {
    let pairs = params.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Secret::new(secret).sign(SignMethod::Md5, Params::from_pairs(pairs).iter(), b"")
}

/// What came back over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub bytes: Vec<u8>,
}

impl Reply {
    pub fn body(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The whole answer with its request id, once checked, written as `RID`.
    pub fn text(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.head);
        let body = self.body();
        let (before, rest) = [r#""request_id":""#, "<request_id>"]
            .iter()
            .find_map(|mark| body.find(mark).map(|at| body.split_at(at + mark.len())))
            .unwrap_or_else(|| panic!("no request id in {body}"));
        let end = rest.find(['"', '<']).unwrap();
        let (id, after) = rest.split_at(end);
        let plain = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
        assert!((11..=13).contains(&id.len()) && id.bytes().all(plain), "{id}");
        format!("{before}RID{after}")
    }

    /// The answer as a JSON tree.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("{}", self.body()))
    }
}

/// Sends one request on a connection of its own and reads the answer to its end.
pub fn send(address: SocketAddr, head: &str, body: &[u8]) -> Reply {
    try_send(address, head, body).unwrap()
}

/// [`send`] to a server that may be gone, or go.
pub fn try_send(address: SocketAddr, head: &str, body: &[u8]) -> std::io::Result<Reply> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let length = body.len();
    let head = format!("{head}Host: t\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw)?;
    if raw.is_empty() {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(parse(&raw))
}

/// Takes an answer with a stated length apart.
pub fn parse(raw: &[u8]) -> Reply {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(raw)));
    let head = String::from_utf8(raw[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let reply = Reply { status, head, bytes: raw[end + 4..].to_vec() };
    let stated: usize = reply.header("content-length").unwrap().parse().unwrap();
    assert_eq!(reply.bytes.len(), stated);
    reply
}
