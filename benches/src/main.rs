//! `bench`: starts what is compared, loads it in turn, and prints what came of it.

mod beside;
mod calls;
mod count;
mod echo;
mod growth;
mod load;
mod measure;
mod peers;
mod plot;
mod postgres;
mod process;
mod report;
mod rows;
mod soak;
mod turn;
mod world;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::load::Span;
use crate::measure::{Plan, TRIES_MAX};

/// What `dev/release` builds.
const PROGRAM: &str = "target/tuned/release/tripwright";
/// Rows that have in them what calls do most: each method and format, on either engine, by many and by one.
const TRAINING: [&str; 11] = ["1", "2", "3", "3b", "4", "5", "6", "8", "9", "11", "12"];

#[derive(Parser)]
#[command(name = "bench", about = "One harness for every claim about speed")]
struct Cli {
    /// The cores of whatever serves, as `taskset` has them
    #[arg(long, global = true, default_value = process::SERVER_CORE)]
    cores: String,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Measure rows of the table
    Rows(Asked),
    /// Read without pause and write in bursts, with an eye on memory and on the log
    Soak {
        /// The program to measure
        #[arg(long, default_value = PROGRAM)]
        program: PathBuf,
        #[arg(long, default_value_t = 30)]
        minutes: u64,
    },
    /// Compare a database of very many small orders with one of few
    Growth {
        #[command(flatten)]
        asked: Asked,
        #[arg(long, default_value_t = 10_000_000)]
        orders: usize,
    },
    /// Hold a build of the program against another, in many short rounds
    Turn {
        /// The other: a copy of it, built in the same way from an earlier commit
        other: PathBuf,
        /// What both are called for
        work: turn::Work,
        #[arg(long, default_value = PROGRAM)]
        program: PathBuf,
        #[arg(long, default_value_t = 64)]
        connections: usize,
        #[arg(long, default_value_t = 16)]
        rounds: usize,
        #[arg(long, default_value_t = 0.4)]
        seconds: f64,
    },
    /// Call a program in every way that its speed is measured, for a compiler that learns from it
    Train {
        /// The program to train
        program: PathBuf,
    },
    /// Do work of one kind so many times, for an instruction counter; without a kind, name them
    Count { case: Option<String>, times: Option<usize> },
    /// The limit that others are measured against: hyper, which returns what stands in a file
    Echo { address: SocketAddr, file: PathBuf },
}

#[derive(Args)]
struct Asked {
    /// The program to measure
    #[arg(long, default_value = PROGRAM)]
    program: PathBuf,
    /// Only these rows
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// How often each thing is measured, in turn with what it is compared to
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// For how long each time
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Write the table into this page too
    #[arg(long)]
    page: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let Cli { cores, action } = Cli::parse();
    process::serve_on(cores);
    match action {
        Action::Echo { address, file } => echo::serve(address, &file),
        Action::Count { case: None, .. } => {
            println!("{}", count::CASES.join("\n"));
            Ok(())
        }
        Action::Count { case: Some(case), times } => count::count(&case, times.unwrap_or(1)),
        Action::Soak { program, minutes } => soak::soak(&plan(&program, 1, 1.0)?, minutes),
        Action::Turn { other, work, program, connections, rounds, seconds } => {
            let plan = plan(&program, rounds, seconds)?;
            turn::turn(&plan, &other.canonicalize()?, work, connections)
        }
        Action::Train { program } => train(&program),
        Action::Rows(asked) => compare(asked, |rows| rows.measure()),
        Action::Growth { asked, orders } => compare(asked, |rows| rows.long_growth(orders)),
    }
}

/// What it measures is of no interest: a program that takes notes of itself is slow.
fn train(program: &Path) -> anyhow::Result<()> {
    let plan = Plan { tries: 1, ..plan(program, 1, 1.0)? };
    let only = TRAINING.map(str::to_owned).to_vec();
    rows::Rows { plan: &plan, only, lines: Vec::new() }.measure()?;
    anyhow::ensure!(!process::is_any_killed(), "a server had to be killed: it took no notes");
    Ok(())
}

fn compare(
    Asked { program, only, rounds, seconds, page }: Asked,
    measure: impl FnOnce(&mut rows::Rows<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let plan = plan(&program, rounds, seconds)?;
    // Before half an hour in which another may take its place.
    let measured = report::named(&plan.program)?;
    let mut rows = rows::Rows { plan: &plan, only, lines: Vec::new() };
    measure(&mut rows)?;
    if let Some(page) = page {
        report::write(&page, &measured, &rows.lines)?;
    }
    let missed = rows.lines.iter().filter(|line| !line.is_met()).count();
    anyhow::ensure!(missed == 0, "{missed} of {} targets missed", rows.lines.len());
    Ok(())
}

fn plan(program: &Path, rounds: usize, seconds: f64) -> anyhow::Result<Plan> {
    Ok(Plan {
        rounds,
        tries: TRIES_MAX,
        span: Span { warm: Duration::from_millis(300), counted: Duration::from_secs_f64(seconds) },
        program: program.canonicalize()?,
        bench: std::env::current_exe()?,
        home: std::path::absolute("target/bench")?,
    })
}
