//! A server that answers what it was told to, over real sockets, and keeps what it was sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;

/// One answer.
#[derive(Clone)]
pub enum Answer {
    Bytes(Vec<u8>),
    /// The connection ends instead.
    Close,
    /// Nothing comes, and the connection stays.
    Stall,
}

impl Answer {
    pub fn json(body: &str) -> Self {
        Self::whole("200 OK", "", body.as_bytes())
    }

    pub fn status(status: u16, body: &str) -> Self {
        Self::whole(&format!("{status} So"), "", body.as_bytes())
    }

    pub fn redirect(url: &str) -> Self {
        Self::whole("307 Elsewhere", &format!("Location: {url}\r\n"), b"")
    }

    pub fn gzip(body: &[u8]) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).unwrap();
        Self::whole("200 OK", "Content-Encoding: gzip\r\n", &encoder.finish().unwrap())
    }

    fn whole(status: &str, headers: &str, body: &[u8]) -> Self {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n");
        Self::Bytes([head.as_bytes(), body].concat())
    }
}

/// One request.
#[derive(Clone)]
pub struct Sent {
    /// Its first line.
    pub line: String,
    headers: Vec<String>,
    pub body: String,
    /// On which connection it came, from 0.
    pub connection: usize,
}

impl Sent {
    /// A header's value; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        let lines = self.headers.iter().filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().map_or("", |(_, value)| value.trim())
    }
}

pub struct Server {
    pub url: String,
    requests: Arc<Mutex<Vec<Sent>>>,
}

impl Server {
    /// Answers so many requests, in this order, whatever connections they come on.
    pub fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/router/rest", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(answers.into_iter()));
        let kept = Arc::clone(&requests);
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let (answers, kept) = (Arc::clone(&answers), Arc::clone(&kept));
                thread::spawn(move || {
                    let stream = stream.unwrap();
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    while let Some(sent) = read(&mut reader, connection) {
                        kept.lock().unwrap().push(sent);
                        let next = answers.lock().unwrap().next();
                        if !give(&stream, next.expect("one request too many")) {
                            return;
                        }
                    }
                });
            }
        });
        Self { url, requests }
    }

    /// What came so far.
    pub fn requests(&self) -> Vec<Sent> {
        self.requests.lock().unwrap().clone()
    }
}

/// Gives an answer; returns whether the connection goes on.
fn give(mut stream: &TcpStream, answer: Answer) -> bool {
    match answer {
        // A client that has read enough hangs up.
        Answer::Bytes(bytes) => stream.write_all(&bytes).is_ok(),
        Answer::Close => false,
        Answer::Stall => {
            let _ = stream.read(&mut [0]);
            false
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>, connection: usize) -> Option<Sent> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let line = lines.remove(0);
    let mut sent = Sent { line, headers: lines, body: String::new(), connection };
    let mut body = vec![0; sent.header("content-length").parse().unwrap()];
    reader.read_exact(&mut body).ok()?;
    sent.body = String::from_utf8(body).unwrap();
    Some(sent)
}
