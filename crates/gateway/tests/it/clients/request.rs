//! A client's request taken apart by none of the gateway's own code, so that it can be compared,
//! signed again, and spoiled in one place.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::app::{Reply, parse};

/// A request as it goes over the wire.
#[derive(Clone)]
pub struct Request {
    pub head: String,
    pub body: Vec<u8>,
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Query,
    Form,
    Part,
    File,
}

/// One parameter of a request, decoded.
#[derive(Debug, Clone)]
pub struct Said {
    pub place: Place,
    pub name: String,
    pub value: String,
}

impl Request {
    pub fn parse(raw: &[u8]) -> Self {
        let end = raw.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(raw[..end].to_vec()).unwrap();
        Self { head, body: raw[end + 4..].to_vec() }
    }

    pub fn raw(&self) -> Vec<u8> {
        [self.head.as_bytes(), b"\r\n\r\n", &self.body].concat()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The boundary of a multipart body.
    pub fn boundary(&self) -> Option<&str> {
        let (_, rest) = self.header("content-type")?.split_once("boundary=")?;
        Some(rest.split(';').next().unwrap().trim_matches('"'))
    }

    /// Whether the body is no parameters but itself part of what is signed.
    pub fn is_signed_whole(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.starts_with("application/json"))
    }

    /// Every parameter, in the order of the wire.
    pub fn said(&self) -> Vec<Said> {
        let target = self.head.split(' ').nth(1).unwrap();
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let mut said = pairs(query, Place::Query);
        if self.is_signed_whole() {
            return said;
        }
        let Some(boundary) = self.boundary() else {
            let body = std::str::from_utf8(&self.body).unwrap();
            said.extend(pairs(body, Place::Form));
            return said;
        };
        let body = String::from_utf8_lossy(&self.body);
        let delimiter = format!("--{boundary}");
        for part in body.split(&delimiter).skip(1).filter(|part| !part.starts_with("--")) {
            let (head, content) = part.split_once("\r\n\r\n").unwrap();
            let name = head.split_once("name=\"").unwrap().1.split_once('"').unwrap().0;
            let place = if head.contains("filename=") { Place::File } else { Place::Part };
            let value = content.strip_suffix("\r\n").unwrap().to_owned();
            said.push(Said { place, name: name.to_owned(), value });
        }
        said
    }

    pub fn value(&self, name: &str) -> String {
        self.find(name).unwrap_or_else(|| panic!("no {name}: {}", self.head)).value
    }

    pub fn find(&self, name: &str) -> Option<Said> {
        self.said().into_iter().find(|said| said.name == name)
    }

    /// The same with another value of the same length for a parameter, however that is encoded.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let old = self.value(name);
        let mut changed = self.clone();
        for (old, value) in [
            (old.clone(), value.to_owned()),
            (encode(&old, "+"), encode(value, "+")),
            (encode(&old, "%20"), encode(value, "%20")),
            (encode(&old, "+").to_lowercase(), encode(value, "+").to_lowercase()),
        ] {
            changed.head = changed.head.replace(&old, &value);
            changed.body = replace(&changed.body, old.as_bytes(), value.as_bytes());
        }
        assert_eq!(changed.value(name), value);
        changed
    }

    /// Sends it as it is and reads the answer, which ends the connection or has a length.
    pub fn send(&self, address: SocketAddr) -> Reply {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(&self.raw()).unwrap();
        // Many of them keep their connection; we do not.
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut raw = Vec::new();
        stream.read_to_end(&mut raw).unwrap();
        parse(&raw)
    }
}

/// Every occurrence of some bytes, replaced.
pub fn replace(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(old.len()).position(|window| window == old) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(new);
        rest = &rest[at + old.len()..];
    }
    out.extend_from_slice(rest);
    out
}

fn pairs(text: &str, place: Place) -> Vec<Said> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Said { place, name: decode(name), value: decode(value) }
        })
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).unwrap()
}

fn encode(text: &str, blank: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b' ' => encoded.push_str(blank),
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' => {
                encoded.push(byte.into())
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
