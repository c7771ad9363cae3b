//! The documentation centre: its pages say all there is to say, and what they print runs.

mod answers;
mod java;
mod pages;
mod samples;

use std::net::SocketAddr;
use std::process::Command;

use gateway::demo;
use top::form::encode;

use crate::app::send;
use crate::program::Program;

/// A page as a browser gets it: status and text.
fn fetch(program: &Program, path: &str) -> (u16, String) {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--noproxy", "*", "-w", "\n%{http_code}"]);
    let output = curl.arg(format!("http://{}{path}", program.address())).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{path}: {errors} {}", program.log());
    let text = String::from_utf8(output.stdout).unwrap();
    let (text, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), text.to_owned())
}

/// A page that is there.
fn page(program: &Program, path: &str) -> String {
    let (status, text) = fetch(program, path);
    assert_eq!(status, 200, "{path}: {text}");
    text
}

/// What a reader copies out of some HTML.
fn text(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('<') {
            rest = rest.split_once('>').unwrap().1;
            continue;
        }
        let (entity, after) = rest[1..].split_once(';').unwrap();
        text.push(match entity {
            "#34" | "quot" => '"',
            "#38" | "amp" => '&',
            "#39" => '\'',
            "#60" | "lt" => '<',
            "#62" | "gt" => '>',
            other => panic!("&{other};"),
        });
        rest = after;
    }
    text + rest
}

/// The code that a person's consent gives the demo app.
fn consent(address: SocketAddr) -> String {
    let wish = encode([
        ("response_type", "code"),
        ("client_id", demo::APP_KEY),
        ("redirect_uri", demo::REDIRECT_URI),
        ("decision", "allow"),
        ("nick", "商家测试帐号17"),
    ]);
    let head = "POST /authorize HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let reply = send(address, head, wish.as_bytes());
    let back = reply.header("location").unwrap().split_once("?code=").unwrap().1;
    back.split('&').next().unwrap().to_owned()
}
