//! The load: so many connections, each of which sends its next request when it has its answer.
//!
//! One thread and one `epoll`, a write and a read for each request, requests made beforehand: less
//! than what any server must do, and what it costs is measured beside what the server costs.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use memchr::memmem;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

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
}

/// For how long.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// Before counting begins.
    pub warm: Duration,
    /// While counting.
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
    /// For which share of the time the load had something to do: near 1, it is itself the limit.
    pub busy: f64,
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

struct Connection<'a> {
    /// Which load it is of.
    load: usize,
    stream: TcpStream,
    /// What is under way, and how much of it is sent.
    request: &'a [u8],
    sent: usize,
    began: Instant,
    answer: Vec<u8>,
    filled: usize,
}

/// Which request of a load is next.
struct Requests<'a> {
    load: Load<'a>,
    next: usize,
}

impl<'a> Requests<'a> {
    fn take(&mut self) -> Option<&'a [u8]> {
        if self.next == self.load.requests.len() && self.load.again {
            self.next = 0;
        }
        let request = self.load.requests.get(self.next)?;
        self.next += 1;
        Some(request)
    }
}

/// Sends the loads beside each other; calls `at_edge` when counting begins and when it ends.
pub fn send(
    loads: &[Load<'_>],
    span: Span,
    mut at_edge: impl FnMut(),
) -> anyhow::Result<Vec<Measured>> {
    let mut requests: Vec<_> = loads.iter().map(|load| Requests { load: *load, next: 0 }).collect();
    let mut poll = Poll::new()?;
    let mut connections = connect_all(&poll, &mut requests)?;
    let mut events = Events::with_capacity(1024);
    let mut measured = vec![Measured::default(); loads.len()];
    let begin = Instant::now() + span.warm;
    let end = begin + span.counted;
    let (mut since, mut idle) = (None, Duration::ZERO);
    let (mut now, mut looked) = (Instant::now(), Instant::now());
    let mut busy = connections.len();
    // One load that has come to its end ends all.
    while busy == connections.len() && now < end {
        // The load has a core of its own and never sleeps on it: waking it would be the server's work, and
        // no client is on the server's machine.
        poll.poll(&mut events, Some(Duration::ZERO))?;
        let before = std::mem::replace(&mut looked, Instant::now());
        if events.is_empty() {
            idle += looked.duration_since(before);
            if looked.duration_since(now) > PATIENCE {
                bail!("no answer for {} s", PATIENCE.as_secs());
            }
            continue;
        }
        for event in &events {
            let connection = &mut connections[event.token().0];
            connection.write()?;
            if !event.is_readable() || !connection.read()? {
                continue;
            }
            now = Instant::now();
            if since.is_none() && now >= begin {
                at_edge();
                (since, idle) = (Some(now), Duration::ZERO);
                measured.fill(Measured::default());
            }
            let load = connection.load;
            measured[load].take(connection, loads[load].expect, now);
            match requests[load].take() {
                Some(request) => connection.begin(request, now)?,
                None => busy -= 1,
            }
        }
    }
    at_edge();
    let since = since.context("all requests were sent before counting began")?;
    for measured in &mut measured {
        measured.seconds = now.duration_since(since).as_secs_f64();
        measured.busy = 1.0 - idle.as_secs_f64() / measured.seconds;
        measured.latencies_us.sort_unstable();
    }
    Ok(measured)
}

fn connect_all<'a>(
    poll: &Poll,
    requests: &mut [Requests<'a>],
) -> anyhow::Result<Vec<Connection<'a>>> {
    let mut connections = Vec::new();
    for (load, requests) in requests.iter_mut().enumerate() {
        for _ in 0..requests.load.connections {
            let mut stream = connect(requests.load.address)?;
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut stream, Token(connections.len()), interest)?;
            let request = requests.take().context("fewer requests than connections")?;
            let (began, answer) = (Instant::now(), vec![0; ANSWER_BYTES_MAX]);
            connections.push(Connection {
                load,
                stream,
                request,
                sent: 0,
                began,
                answer,
                filled: 0,
            });
        }
    }
    connections.iter_mut().try_for_each(Connection::write)?;
    Ok(connections)
}

fn connect(address: SocketAddr) -> anyhow::Result<TcpStream> {
    let stream = std::net::TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(TcpStream::from_std(stream))
}

impl<'a> Connection<'a> {
    fn begin(&mut self, request: &'a [u8], now: Instant) -> anyhow::Result<()> {
        (self.request, self.sent, self.began, self.filled) = (request, 0, now, 0);
        self.write()
    }

    /// Sends what is left to be sent of the request.
    fn write(&mut self) -> anyhow::Result<()> {
        while self.sent < self.request.len() {
            match self.stream.write(&self.request[self.sent..]) {
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
    fn take(&mut self, connection: &Connection<'_>, expect: &str, now: Instant) {
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
