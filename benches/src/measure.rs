//! One round, and rounds in turn.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::calls::Calls;
use crate::load::{Load, Measured, Span, send};
use crate::process::{Server, machine_cpu_ns, own_cpu_ns, written_bytes};

/// Share of the machine that others may take during a round that counts.
const FOREIGN_MAX: f64 = 0.12;
/// How often a round is tried because others took more.
pub const TRIES_MAX: usize = 5;
/// Writes a second that a round has orders for: more than any round has come to.
const WRITES_PER_SECOND: f64 = 60_000.0;
/// How long a server may take to give its first right answer.
const START_MAX: Duration = Duration::from_secs(60);

/// How the harness was asked to measure.
#[derive(Debug, Clone)]
pub struct Plan {
    pub rounds: usize,
    /// How often a round is tried, where that costs nothing but time.
    pub tries: usize,
    pub span: Span,
    /// The program that is measured, and this one.
    pub program: PathBuf,
    pub bench: PathBuf,
    /// Where worlds are made.
    pub home: PathBuf,
}

/// What one round gave.
#[derive(Debug, Clone)]
pub struct Round {
    pub measured: Measured,
    /// CPU time that the server took for an answer, in µs.
    pub cpu_us: f64,
    /// Share of the machine that neither the server nor the load took.
    pub foreign: f64,
    /// How often the disk synced in a second just before and just after, where that was looked at.
    pub syncs: f64,
    /// What was written to the disk for an answer, in bytes, where the system says it.
    pub written_bytes: f64,
}

/// Middle and range of a figure over the rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

impl Spread {
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<_> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let nth = |at: usize| figures.get(at).copied().unwrap_or(f64::NAN);
        let last = figures.len().saturating_sub(1);
        // Of an even number, the lower one of the two in the middle: no figure is made up.
        Self { median: nth(last / 2), low: nth(0), high: nth(last) }
    }
}

/// How a load is sent: over how many connections, and whether its calls may come again.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    pub connections: usize,
    pub again: bool,
}

/// As most rows are measured.
pub const USUAL: Manner = Manner { connections: 64, again: true };
/// Each call once.
pub const ONCE: Manner = Manner { again: false, ..USUAL };

impl Plan {
    /// How many orders a round needs that changes each once.
    pub fn writes(&self) -> usize {
        ((self.span.warm + self.span.counted).as_secs_f64() * WRITES_PER_SECOND) as usize
    }

    /// Measures one round; a wrong answer is an error.
    pub fn round(&self, server: &Server, calls: &Calls, manner: Manner) -> anyhow::Result<Round> {
        let rounds = self.beside(server, &[(calls, manner)])?;
        rounds.into_iter().next().context("one thing was measured")
    }

    /// Measures one round of several loads beside each other; the server's work is that of all.
    pub fn beside(
        &self,
        server: &Server,
        calls: &[(&Calls, Manner)],
    ) -> anyhow::Result<Vec<Round>> {
        let mut loads = Vec::new();
        for (calls, Manner { connections, again }) in calls {
            let (address, requests, expect) = (server.address, &calls.requests, calls.expect);
            let (connections, again) = (*connections, *again);
            loads.push(Load { address, connections, requests, again, expect });
        }
        let mut edges = Vec::new();
        let measured = send(&loads, self.span, || {
            let read = || {
                anyhow::Ok((
                    server.cpu_ns()?,
                    machine_cpu_ns()?,
                    own_cpu_ns()?,
                    written_bytes(&self.home).map_or(f64::NAN, |bytes| bytes as f64),
                ))
            };
            edges.push(read());
        })?;
        if let Some(load) = measured.iter().find(|load| load.wrong > 0) {
            let first = load.first_wrong.as_deref().unwrap_or_default();
            bail!("{} wrong answers, the first: {first}", load.wrong);
        }
        let mut edges = edges.into_iter();
        let edge = "counting began and ended";
        let (before, after) = (edges.next().context(edge)??, edges.next().context(edge)??);
        let served = (after.0 - before.0) as f64;
        let ours = served + (after.2 - before.2) as f64;
        let all = (after.1 - before.1) as f64;
        let cores = std::thread::available_parallelism().map_or(1, usize::from).max(2) as f64;
        let seconds = measured.first().map_or(f64::NAN, |load| load.seconds);
        let foreign = (all - ours).max(0.0) / 1e9 / seconds / cores;
        let answers: u64 = measured.iter().map(|load| load.answers).sum();
        let cpu_us = served / 1e3 / answers as f64;
        let written_bytes = (after.3 - before.3) / answers as f64;
        Ok(measured
            .into_iter()
            .map(|measured| Round { measured, cpu_us, foreign, syncs: f64::NAN, written_bytes })
            .collect())
    }

    /// Measures one round that others leave alone; the quietest, if none does.
    pub fn quiet(&self, mut round: impl FnMut() -> anyhow::Result<Round>) -> anyhow::Result<Round> {
        let mut quietest: Option<Round> = None;
        for _ in 0..self.tries {
            let round = round()?;
            if quietest.as_ref().is_none_or(|known| round.foreign < known.foreign) {
                quietest = Some(round);
            }
            if quietest.as_ref().is_some_and(|round| round.foreign <= FOREIGN_MAX) {
                break;
            }
        }
        let quietest = quietest.context("no round")?;
        if quietest.foreign > FOREIGN_MAX {
            eprintln!(
                "others took {:.0} % of the machine during a round",
                quietest.foreign * 100.0
            );
        }
        Ok(quietest)
    }

    /// Measures several things in turn, as many rounds as were asked for: the rounds of each.
    pub fn in_turn<const N: usize>(
        &self,
        mut things: [&mut dyn FnMut() -> anyhow::Result<Round>; N],
    ) -> anyhow::Result<[Vec<Round>; N]> {
        let mut rounds = [const { Vec::new() }; N];
        for _ in 0..self.rounds {
            for (thing, rounds) in things.iter_mut().zip(&mut rounds) {
                rounds.push(self.quiet(&mut **thing)?);
            }
        }
        Ok(rounds)
    }
}

/// The quotient of each round's rates.
pub fn ratios(of: &[Round], to: &[Round]) -> Spread {
    Spread::of(of.iter().zip(to).map(|(of, to)| of.measured.rate() / to.measured.rate()))
}

/// Waits for the first right answer to a call; returns how long it took, and the answer.
pub fn first_answer(
    server: &mut Server,
    calls: &Calls,
    since: Instant,
) -> anyhow::Result<(Duration, Vec<u8>)> {
    loop {
        if let Ok(answer) = ask(server.address, calls) {
            let text = String::from_utf8_lossy(&answer);
            if text.contains(calls.expect) {
                return Ok((since.elapsed(), answer));
            }
            bail!("the first answer is wrong: {text}");
        }
        if let Some(why) = server.ended() {
            bail!("the server did not start: {why}");
        }
        if since.elapsed() > START_MAX {
            bail!("no answer for {} s", START_MAX.as_secs());
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}

/// The whole answer to the first of the calls.
pub fn ask(address: SocketAddr, calls: &Calls) -> anyhow::Result<Vec<u8>> {
    let request = calls.requests.first().context("no call")?;
    let mut stream = std::net::TcpStream::connect(address)?;
    // Sent as the last of its connection, so that the answer ends when it ends.
    let last = String::from_utf8_lossy(request).replacen("\r\n", "\r\nConnection: close\r\n", 1);
    stream.write_all(last.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}
