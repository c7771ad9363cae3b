//! Rows 11 and 12: on PostgreSQL, against what `pgbench` gets out of the same server.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;

use crate::calls::{Calls, Form};
use crate::measure::{ONCE, Round, Spread, USUAL};
use crate::process::{LOAD_CORE, run, server_cores};
use crate::report::{self, Target};
use crate::rows::{READ_ORDERS, Rows};
use crate::world::{Sizes, World};

/// Cancels a second that a round has orders for.
const CANCELS_PER_SECOND: f64 = 30_000.0;
/// How many clients `pgbench` is tried with; the best of them counts.
const WRITERS: [u32; 3] = [8, 32, 64];
const READERS: u32 = 8;
/// As for the figures that the targets were set by.
const SETTINGS: [&str; 3] = ["shared_buffers=512MB", "max_wal_size=4GB", "synchronous_commit=on"];
/// A hundred thousand rows for each unit of `pgbench`.
const SCALE: &str = "20";
/// Reads one document of as many bytes as the published example of change.detail has.
const DOCUMENTS: &str = "CREATE TABLE document AS SELECT id, repeat('x', 1821) AS body \
                         FROM generate_series(1, 10000) AS id; \
                         ALTER TABLE document ADD PRIMARY KEY (id)";
const READ: &str = "\\set id random(1, 10000)\nSELECT body FROM document WHERE id = :id;\n";

/// A server of our own, on the servers' core; gone when dropped.
struct Postgres {
    lifeline: Child,
    folder: PathBuf,
    programs: PathBuf,
}

impl Postgres {
    fn start() -> anyhow::Result<Self> {
        // The path of a socket has a hundred characters at most.
        let folder = std::env::temp_dir().join(format!("bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dev/postgres");
        let mut command = Command::new("taskset");
        command.args(["-c", server_cores(), "bash"]).arg(script).arg(&folder);
        command.args(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
        let mut lifeline = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(lifeline.stdout.take().context("piped")?).read_line(&mut line)?;
        let programs = line.trim().strip_prefix("ready ").context("PostgreSQL did not start")?;
        Ok(Self { lifeline, folder, programs: programs.into() })
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new("taskset");
        command.args(["-c", LOAD_CORE]).arg(self.programs.join(program));
        command.env("PGHOST", &self.folder).env("PGUSER", "tripwright");
        command
    }

    fn sql(&self, database: &str, sql: &str) -> anyhow::Result<()> {
        let flags = ["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--command", sql];
        run(self.client("psql").arg(database).args(flags))?;
        Ok(())
    }

    fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?user=tripwright&host={}", self.folder.display())
    }

    /// A copy of a database, as it is on the disk.
    fn copy(&self, from: &str, to: &str) -> anyhow::Result<()> {
        self.sql("postgres", &format!("DROP DATABASE IF EXISTS {to}"))?;
        self.sql("postgres", &format!("CREATE DATABASE {to} TEMPLATE {from}"))?;
        self.sql("postgres", "CHECKPOINT")
    }

    /// Transactions a second.
    fn pgbench(&self, args: &[&str], clients: u32, seconds: f64) -> anyhow::Result<f64> {
        let (clients, seconds) = (clients.to_string(), seconds.ceil().to_string());
        let mut command = self.client("pgbench");
        command.args(["--no-vacuum", "--protocol", "prepared", "--client", &clients]);
        let printed = run(command.args(["--time", &seconds]).args(args).arg("pgbench"))?;
        let rate = printed.lines().find_map(|line| line.strip_prefix("tps = "));
        let rate = rate.and_then(|rate| rate.split(' ').next()).context("no rate")?;
        Ok(rate.parse()?)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.lifeline.stdin.take());
        let _ = self.lifeline.wait();
    }
}

// What the database takes of the machine cannot be told from what others take, so no round is measured again
// for it.
impl Rows<'_> {
    /// Cancels and reads through the gateway, both on one core with the server, to `pgbench`.
    pub fn on_postgres(&mut self) -> anyhow::Result<()> {
        let postgres = Postgres::start()?;
        for database in ["made", "fresh", "pgbench"] {
            postgres.sql("postgres", &format!("CREATE DATABASE {database}"))?;
        }
        run(postgres.client("pgbench").args([
            "--initialize",
            "--quiet",
            "--scale",
            SCALE,
            "pgbench",
        ]))?;
        postgres.sql("pgbench", DOCUMENTS)?;
        let span = self.plan.span;
        let orders = (span.warm + span.counted).as_secs_f64() * CANCELS_PER_SECOND;
        let sizes = Sizes { payable: orders as usize, changed: READ_ORDERS, ..Sizes::default() };
        let folder = self.plan.home.join("on-postgres");
        let made = World::make(&self.plan.program, &folder, Some(postgres.url("made")), sizes)?;
        if self.wants(&["11"]) {
            self.cancels_on(&postgres, &made, sizes.payable)?;
        }
        if self.wants(&["12"]) {
            self.reads_on(&postgres, &made)?;
        }
        Ok(())
    }

    fn cancels_on(
        &mut self,
        postgres: &Postgres,
        made: &World,
        orders: usize,
    ) -> anyhow::Result<()> {
        let cancels = Calls::cancel(made, 0..orders);
        let seconds = self.plan.span.counted.as_secs_f64();
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..self.plan.rounds {
            postgres.copy("made", "fresh")?;
            let fresh = World { database: Some(postgres.url("fresh")), ..made.clone() };
            ours.push(self.plan.round(&fresh.started(&[])?, &cancels, ONCE)?);
            let args = ["--skip-some-updates"];
            let tried = WRITERS.map(|clients| postgres.pgbench(&args, clients, seconds));
            let best = tried.into_iter().try_fold(0.0, |best: f64, rate| rate.map(|r| best.max(r)));
            theirs.push(best?);
        }
        let what = "cancel on PostgreSQL, to the best of `pgbench -N`";
        self.add_to_pgbench("11", what, (&ours, &theirs), 3.0, "");
        Ok(())
    }

    fn reads_on(&mut self, postgres: &Postgres, made: &World) -> anyhow::Result<()> {
        let details = Calls::detail(made, Form::Json, 0..READ_ORDERS);
        let server = made.started(&[])?;
        let forgetful = made.started(&["--document-cache-mb", "0"])?;
        let script = self.plan.home.join("read.sql");
        std::fs::write(&script, READ)?;
        let script = script.display().to_string();
        let seconds = self.plan.span.counted.as_secs_f64();
        let (mut ours, mut anew, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..self.plan.rounds {
            ours.push(self.plan.round(&server, &details, USUAL)?);
            anew.push(self.plan.round(&forgetful, &details, USUAL)?);
            theirs.push(postgres.pgbench(&["--file", &script], READERS, seconds)?);
        }
        let what = "change.detail on PostgreSQL, to `pgbench` selecting 1.8 kB";
        let anew = report::ranged(to_pgbench(&anew, &theirs));
        let beside = format!("; each opened anew {anew}");
        self.add_to_pgbench("12", what, (&ours, &theirs), 0.6, &beside);
        Ok(())
    }

    fn add_to_pgbench(
        &mut self,
        row: &'static str,
        what: &str,
        (ours, theirs): (&[Round], &[f64]),
        least: f64,
        beside: &str,
    ) {
        let rate = |round: &Round| round.measured.rate();
        let figure = to_pgbench(ours, theirs);
        let middle = |figure: fn(&Round) -> f64| Spread::of(ours.iter().map(figure)).median;
        let detail = format!(
            "{:.0}/s to {:.0}/s; p50 {:.2} ms, p99 {:.2} ms{beside}",
            middle(rate),
            Spread::of(theirs.iter().copied()).median,
            middle(|round| round.measured.quantile_ms(0.5)),
            middle(|round| round.measured.quantile_ms(0.99)),
        );
        self.add(row, what, figure, Target::AtLeast(least), detail);
    }
}

/// The quotient of each round's rates.
fn to_pgbench(ours: &[Round], theirs: &[f64]) -> Spread {
    Spread::of(ours.iter().zip(theirs).map(|(ours, best)| ours.measured.rate() / best))
}
