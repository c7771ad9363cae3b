//! Unmodified SDK clients against the running program: each sees every answer as it would from the
//! real platform.
//!
//! The clients come from their own registries, at fixed versions, into the build folder.

mod matrix;
pub mod request;
mod sent;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use serde_json::{Value, json};

pub use self::matrix::ACCEPT;
use self::matrix::Answer;
pub use self::sent::requests;

/// npm's clients, as npm is asked for them.
const NODE_PACKAGES: [&str; 2] = ["node-taobao-topclient@0.1.7", "topsdk@1.0.13"];
/// PyPI's clients, as pip is asked for them, what the first and the last of them send with, and a reader of
/// metrics.
const PYTHON_PACKAGES: [&str; 6] = [
    "taobaopy==6.0.1",
    "taobao-sdk-python3==1.0.9",
    "py-taobao-open==1.0.3",
    "pytaobao==1.0.4",
    "requests==2.34.2",
    "prometheus_client==0.26.0",
];

/// PyPI's tester of HTTP interfaces, apart from the clients: it brings much along.
const SCHEMATHESIS: [&str; 1] = ["schemathesis==4.32.5"];

/// A client, and how it hands over an answer.
pub struct Client {
    pub name: &'static str,
    command: fn() -> Command,
    hands_over: fn(&Answer) -> Value,
}

pub const CLIENTS: [Client; 6] = [
    Client {
        name: "node-taobao-topclient",
        command: || node("node_taobao_topclient.js"),
        hands_over: node_hands_over,
    },
    Client { name: "topsdk", command: || node("topsdk.js"), hands_over: node_hands_over },
    Client {
        name: "taobaopy",
        command: || python("taobaopy_client.py"),
        hands_over: taobaopy_hands_over,
    },
    Client {
        name: "taobao-sdk-python3",
        command: || python("taobao_sdk_python3.py"),
        hands_over: official_python_hands_over,
    },
    Client {
        name: "py-taobao-open",
        command: || python("py_taobao_open.py"),
        hands_over: official_python_hands_over,
    },
    Client {
        name: "pytaobao",
        command: || python("pytaobao_client.py"),
        hands_over: pytaobao_hands_over,
    },
];

/// Both of npm's give a success without its root, and compose a message of their own.
fn node_hands_over(answer: &Answer) -> Value {
    let error = match answer {
        Answer::Success { members, .. } => return json!({ "ok": members }),
        Answer::Error(error) => error,
    };
    let mut message = format!("{}, code {}", error["msg"].as_str().unwrap(), error["code"]);
    if let (Some(code), Some(msg)) = (error["sub_code"].as_str(), error["sub_msg"].as_str()) {
        message.push_str(&format!("; {code}: {msg}"));
    }
    let mut error = error.clone();
    error["message"] = message.into();
    json!({ "error": error })
}

/// What was not sent is an empty text.
fn taobaopy_hands_over(answer: &Answer) -> Value {
    let Answer::Error(error) = answer else { return answer.whole() };
    let text = |name: &str| error.get(name).cloned().unwrap_or_else(|| json!(""));
    json!({"error": {
        "code": error["code"], "msg": error["msg"], "sub_code": text("sub_code"),
        "sub_msg": text("sub_msg"), "request_id": error["request_id"],
    }})
}

/// An error's request id is lost; two headers that real servers send are looked for instead.
fn official_python_hands_over(answer: &Answer) -> Value {
    let Answer::Error(error) = answer else { return answer.whole() };
    json!({"error": {
        "code": error["code"], "msg": error["msg"], "sub_code": error["sub_code"],
        "sub_msg": error["sub_msg"], "application_host": "", "service_host": "",
    }})
}

/// Raises the sub_code alone, and returns an error that has none as if it were an answer.
fn pytaobao_hands_over(answer: &Answer) -> Value {
    match answer {
        Answer::Error(error) if error.get("sub_code").is_some() => {
            json!({"error": {"status_code": error["sub_code"], "reason": ""}})
        }
        _ => answer.whole(),
    }
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients").join(name)
}

fn node(name: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(script(name)).env("NODE_PATH", node_modules()).env("NODE_NO_WARNINGS", "1");
    command
}

fn python(name: &str) -> Command {
    let mut command = Command::new(python_home().join("bin/python"));
    command.arg(script(name));
    command
}

/// Where npm's clients are installed.
pub fn node_modules() -> PathBuf {
    installed("node", &NODE_PACKAGES, install_node).join("node_modules")
}

/// Where other packages of npm are installed.
pub fn node_packages(name: &str, packages: &[&str]) -> PathBuf {
    installed(name, packages, install_node).join("node_modules")
}

/// The Python environment with PyPI's clients.
pub fn python_home() -> PathBuf {
    installed("python", &PYTHON_PACKAGES, install_python)
}

/// The Python environment with schemathesis.
pub fn schemathesis() -> PathBuf {
    installed("schemathesis", &SCHEMATHESIS, install_python)
}

/// A folder that holds these packages; they stay there between runs, until others are asked for.
fn installed(name: &str, packages: &[&str], install: fn(&Path, &[&str])) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let guard = ONE_AT_A_TIME.lock();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sdk-clients").join(name);
    let (ready, wanted) = (folder.join("ready"), packages.join("\n"));
    if std::fs::read_to_string(&ready).ok().as_deref() != Some(&wanted) {
        std::fs::create_dir_all(&folder).unwrap();
        install(&folder, packages);
        std::fs::write(ready, wanted).unwrap();
    }
    drop(guard);
    folder
}

fn install_node(folder: &Path, packages: &[&str]) {
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(folder);
    run(npm.args(packages));
}

fn install_python(folder: &Path, packages: &[&str]) {
    run(Command::new("python3").args(["-m", "venv"]).arg(folder));
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]);
    run(pip.args(packages));
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| {
        panic!("{command:?}: {error}; the README's test command installs what is missing")
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
}

impl Client {
    /// The version that was installed.
    fn version(&self) -> &'static str {
        let all = NODE_PACKAGES.iter().chain(&PYTHON_PACKAGES);
        let package = all.copied().find_map(|package| package.strip_prefix(self.name));
        package.unwrap().trim_start_matches(['@', '='])
    }

    /// Makes the calls, one after the other, and returns what the client made of each answer.
    fn call_all(&self, calls: &[Value]) -> Vec<Value> {
        let mut command = (self.command)();
        // The clients send the machine's local time; the platform's clock is China's.
        command.env("TZ", "Asia/Shanghai").env("NO_PROXY", "127.0.0.1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let input = serde_json::to_vec(calls).unwrap();
        child.stdin.take().unwrap().write_all(&input).unwrap();
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        let results: Option<Vec<Value>> = serde_json::from_slice(&output.stdout).ok();
        results.unwrap_or_else(|| panic!("{}: {errors}", self.name))
    }
}
