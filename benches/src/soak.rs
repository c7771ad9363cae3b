//! The long run: reads without pause and bursts of cancels, with an eye on memory and on the log; then the
//! same beside a reader that never ends.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::calls::{Calls, Form};
use crate::load::Span;
use crate::measure::{Manner, Plan, first_answer};
use crate::plot::{Curve, Plot};
use crate::process::Server;
use crate::world::{Sizes, World};

/// A burst of cancels, then reads alone, each so long.
const STEP: Duration = Duration::from_secs(10);
const BURST: usize = 4_000;
const READ_ORDERS: usize = 10_000;
/// Bursts beside the endless reader, and after it has gone.
const READER_BURSTS: usize = 20;
/// How much more memory than at half-time the end may have: the caches are full by then.
const GROWTH_MAX: f64 = 1.1;
/// What the log may take when nobody holds on to it, in MB: its cap, and a commit on top.
const LOG_MAX_MB: f64 = 24.0;
const PLOT: &str = "docs/plots/soak.svg";
const READER: &str = "import sqlite3, sys\n\
    db = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
    db.execute('BEGIN')\n\
    db.execute('SELECT count(*) FROM fact').fetchone()\n\
    print('r', end='', flush=True)\n\
    sys.stdin.read()\n";

/// What was seen after a step.
struct Seen {
    minutes: f64,
    memory_mb: f64,
    log_mb: f64,
}

struct Soak<'p> {
    plan: &'p Plan,
    world: World,
    server: Server,
    bursts: usize,
    began: Instant,
}

/// Runs for so many minutes.
///
/// # Errors
/// Memory grew, or the log did while nobody held on to it; or it could not be measured.
pub fn soak(plan: &Plan, minutes: u64) -> anyhow::Result<()> {
    std::fs::create_dir_all(&plan.home)?;
    // A burst may be over at once; the while without it is not.
    let steps = usize::try_from(minutes * 60 / STEP.as_secs())?;
    let payable = (steps + 2 * READER_BURSTS) * BURST;
    let sizes = Sizes { payable, changed: READ_ORDERS, ..Sizes::default() };
    let world = World::make(&plan.program, &plan.home.join("soak"), None, sizes)?;
    let mut server = world.serve(&[])?;
    first_answer(&mut server, &Calls::detail(&world, Form::Json, 0..1), Instant::now())?;
    let mut soak = Soak { plan, world, server, bursts: 0, began: Instant::now() };
    let mut seen = Vec::new();
    while soak.began.elapsed() < Duration::from_secs(minutes * 60) {
        soak.burst()?;
        soak.read()?;
        seen.push(soak.look()?);
    }
    let [half, end] = [seen.get(seen.len() / 2), seen.last()].map(|seen| seen.context("no step"));
    let (half, end) = (half?.memory_mb, end?.memory_mb);
    let log_mb = seen.iter().map(|seen| seen.log_mb).fold(0.0, f64::max);
    println!(
        "soak of {minutes} min: {half:.1} MB at half-time, {end:.1} MB at the end; \
         the log had {log_mb:.1} MB at most"
    );
    plot(&seen)?;
    soak.beside_a_reader()?;
    ensure!(end <= half * GROWTH_MAX, "memory grew");
    ensure!(log_mb <= LOG_MAX_MB, "the log grew");
    Ok(())
}

impl Soak<'_> {
    /// Cancels beside reads; calls a second.
    fn burst(&mut self) -> anyhow::Result<f64> {
        let writing = Manner { connections: 32, again: false };
        let reading = Manner { connections: 32, again: true };
        let span = Span { warm: Duration::from_millis(5), counted: STEP };
        let plan = Plan { span, ..self.plan.clone() };
        let cancels = self.bursts * BURST..(self.bursts + 1) * BURST;
        let cancels = Calls::cancel(&self.world, cancels);
        self.bursts += 1;
        let details = self.details();
        let loads = [(&cancels, writing), (&details, reading)];
        let rounds = plan.beside(&self.server, &loads)?;
        Ok(rounds.first().context("two loads")?.measured.rate())
    }

    fn read(&self) -> anyhow::Result<()> {
        let span = Span { warm: Duration::from_millis(5), counted: STEP };
        let plan = Plan { span, ..self.plan.clone() };
        let reading = Manner { connections: 64, again: true };
        plan.round(&self.server, &self.details(), reading).map(|_| ())
    }

    /// Signed anew for each step: a signature is good for ten minutes.
    fn details(&self) -> Calls {
        Calls::detail(&self.world, Form::Json, 0..READ_ORDERS)
    }

    fn look(&self) -> anyhow::Result<Seen> {
        let minutes = self.began.elapsed().as_secs_f64() / 60.0;
        Ok(Seen { minutes, memory_mb: self.server.memory_mb()?, log_mb: self.log_mb()? })
    }

    fn log_mb(&self) -> anyhow::Result<f64> {
        let log = self.world.folder.join("data/tripwright.db-wal");
        Ok(std::fs::metadata(log)?.len() as f64 / 1e6)
    }

    /// What a reader does to the log that begins and never ends, and what is left when it has gone.
    fn beside_a_reader(&mut self) -> anyhow::Result<()> {
        let mut reader = endless_reader(&self.world.folder.join("data/tripwright.db"))?;
        let mut beside = 0.0;
        for _ in 0..READER_BURSTS {
            beside += self.burst()? / READER_BURSTS as f64;
        }
        let held_mb = self.log_mb()?;
        drop(reader.stdin.take());
        reader.wait()?;
        let mut after = 0.0;
        for _ in 0..READER_BURSTS {
            after += self.burst()? / READER_BURSTS as f64;
        }
        let left_mb = self.log_mb()?;
        println!(
            "beside a reader that never ends: {beside:.0} cancels/s and a log of {held_mb:.0} MB after \
             {} of them; after it has gone, {after:.0}/s and {left_mb:.1} MB",
            READER_BURSTS * BURST
        );
        ensure!(left_mb <= LOG_MAX_MB, "the log keeps its size after the reader has gone");
        Ok(())
    }
}

/// A process that reads once and stays in its transaction until its input is closed.
fn endless_reader(database: &Path) -> anyhow::Result<Child> {
    let mut command = Command::new("python3");
    command.args(["-c", READER]).arg(database);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut byte = [0];
    let mut printed = child.stdout.take().context("piped")?;
    std::io::Read::read_exact(&mut printed, &mut byte).context("it did not read")?;
    Ok(child)
}

fn plot(seen: &[Seen]) -> anyhow::Result<()> {
    let curve = |name, figure: fn(&Seen) -> f64| Curve {
        name,
        points: seen.iter().map(|seen| (seen.minutes, figure(seen))).collect(),
    };
    let plot = Plot {
        title: "Memory and log while it is read without pause and written in bursts, MB",
        across: "minutes",
        curves: vec![
            curve("memory", |seen| seen.memory_mb),
            curve("write-ahead log", |seen| seen.log_mb),
        ],
    };
    plot.write(Path::new(PLOT))
}
