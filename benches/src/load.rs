//! The load: so many connections, each of which sends its next request when it has its answer.
//!
//! One thread and one `epoll`, a write and a read for each request, requests made beforehand: less
//! than what any server must do, and what it costs is measured beside what the server costs.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use memchr::memmem;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::process;

/// How long nothing may come back before the server counts as stuck.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer that is read: none here has a tenth of it.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What to send, and how.
#[derive(Clone, Copy)]
pub struct Load<'a> {
    /// The server.
    pub address: SocketAddr,
    /// How many connections.
    pub connections: usize,
    /// Whole requests, in their order.
    pub requests: &'a [Vec<u8>],
    /// Whether to begin anew when all were sent; else the load ends there.
    pub again: bool,
    /// What stands in every right answer.
    pub expect: &'a str,
    /// How long before counting begins.
    pub warm: Duration,
    /// How long to count.
    pub counted: Duration,
}

/// What came of it, while counting.
#[derive(Debug, Default, Clone)]
pub struct Measured {
    /// Right answers.
    pub answers: u64,
    /// Wrong ones, and the first of them.
    pub wrong: u64,
    pub first_wrong: Option<String>,
    pub seconds: f64,
    /// How long each answer took, in µs, ascending.
    pub latencies_us: Vec<u32>,
    /// CPU time of the load itself, as a share of one core.
    pub own_cpu: f64,
}

impl Measured {
    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.answers as f64 / self.seconds
    }

    /// The time within which this share of answers came, in ms.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let last = self.latencies_us.len().saturating_sub(1);
        let at = (last as f64 * share).round() as usize;
        self.latencies_us.get(at).map_or(f64::NAN, |us| f64::from(*us) / 1000.0)
    }
}

struct Connection {
    stream: TcpStream,
    /// Which request is under way, and how much of it is sent.
    request: usize,
    sent: usize,
    began: Instant,
    answer: Vec<u8>,
    filled: usize,
}

/// Sends the load; calls `at_edge` when counting begins and when it ends.
pub fn send(load: Load<'_>, mut at_edge: impl FnMut()) -> anyhow::Result<Measured> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut next = (0..load.requests.len()).collect::<VecDeque<_>>();
    let mut take = move || {
        let request = next.pop_front();
        next.extend(request.filter(|_| load.again));
        request
    };
    let mut connections = Vec::new();
    for token in 0..load.connections {
        let mut stream = connect(load.address)?;
        poll.registry().register(
            &mut stream,
            Token(token),
            Interest::READABLE | Interest::WRITABLE,
        )?;
        let Some(request) = take() else { break };
        let (began, answer) = (Instant::now(), vec![0; ANSWER_BYTES_MAX]);
        connections.push(Connection { stream, request, sent: 0, began, answer, filled: 0 });
    }
    let mut busy = connections.len();
    for connection in &mut connections {
        connection.write(load.requests)?;
    }
    let mut measured = Measured::default();
    let begin = Instant::now() + load.warm;
    let end = begin + load.counted;
    let (mut counting_since, mut cpu_ns) = (None, 0);
    let mut now = Instant::now();
    while busy > 0 && now < end {
        poll.poll(&mut events, Some(PATIENCE))?;
        if events.is_empty() {
            bail!("no answer for {} s", PATIENCE.as_secs());
        }
        for event in &events {
            let connection = &mut connections[event.token().0];
            if connection.sent < load.requests[connection.request].len() {
                connection.write(load.requests)?;
            }
            if !event.is_readable() || !connection.read()? {
                continue;
            }
            now = Instant::now();
            if counting_since.is_none() && now >= begin {
                at_edge();
                (counting_since, cpu_ns) = (Some(now), process::own_cpu_ns()?);
                measured = Measured::default();
            }
            measured.take(connection, load.expect, now);
            connection.filled = 0;
            match take() {
                Some(request) => {
                    (connection.request, connection.sent, connection.began) = (request, 0, now);
                    connection.write(load.requests)?;
                }
                None => busy -= 1,
            }
        }
    }
    at_edge();
    let since = counting_since.context("all requests were sent before counting began")?;
    measured.seconds = now.duration_since(since).as_secs_f64();
    measured.own_cpu = (process::own_cpu_ns()? - cpu_ns) as f64 / 1e9 / measured.seconds;
    measured.latencies_us.sort_unstable();
    Ok(measured)
}

fn connect(address: SocketAddr) -> anyhow::Result<TcpStream> {
    let stream = std::net::TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(TcpStream::from_std(stream))
}

impl Connection {
    fn write(&mut self, requests: &[Vec<u8>]) -> anyhow::Result<()> {
        let request = &requests[self.request];
        while self.sent < request.len() {
            match self.stream.write(&request[self.sent..]) {
                Ok(written) => self.sent += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("the server does not read"),
            }
        }
        Ok(())
    }

    /// Reads what is there; says whether that is all of an answer. Nothing comes after it that was not
    /// asked for, so it need not be read until nothing is left.
    fn read(&mut self) -> anyhow::Result<bool> {
        loop {
            if self.filled == self.answer.len() {
                bail!("an answer of more than {ANSWER_BYTES_MAX} bytes");
            }
            match self.stream.read(&mut self.answer[self.filled..]) {
                Ok(0) => bail!("the server closed a connection"),
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error).context("the connection broke"),
            }
            if is_whole(&self.answer[..self.filled])? {
                return Ok(true);
            }
        }
    }
}

/// Whether the bytes are a whole answer: its head, and as many bytes as that says.
fn is_whole(bytes: &[u8]) -> anyhow::Result<bool> {
    const END: &[u8] = b"\r\n\r\n";
    let Some(head) = memmem::find(bytes, END) else { return Ok(false) };
    // As hyper writes it, and as others do.
    let length = ["content-length: ", "Content-Length: "]
        .iter()
        .find_map(|name| Some(memmem::find(&bytes[..head], name.as_bytes())? + name.len()));
    let length = length.context("an answer without a length")?;
    let digits = bytes[length..head].iter().take_while(|byte| byte.is_ascii_digit());
    let length = digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
    Ok(bytes.len() >= head + END.len() + length)
}

impl Measured {
    fn take(&mut self, connection: &Connection, expect: &str, now: Instant) {
        let answer = &connection.answer[..connection.filled];
        let took = now.duration_since(connection.began).as_micros();
        if memmem::find(answer, expect.as_bytes()).is_some() {
            self.answers += 1;
            self.latencies_us.push(u32::try_from(took).unwrap_or(u32::MAX));
        } else {
            self.wrong += 1;
            self.first_wrong.get_or_insert_with(|| String::from_utf8_lossy(answer).into_owned());
        }
    }
}
