//! What came of it: a line for each row, and the table of `docs/performance.md`.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::measure::Spread;
use crate::process::run;

/// Between these two lines the page is the harness's.
const BEGIN: &str = "<!-- measured: begin -->";
const END: &str = "<!-- measured: end -->";

/// One measured row.
pub struct Line {
    /// Its number, as the targets have it.
    pub row: &'static str,
    pub what: String,
    /// The figure that is held against the target.
    pub figure: Spread,
    pub target: Target,
    /// Absolute figures, which say something of this machine in this hour only.
    pub detail: String,
}

/// What a figure must reach.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Target {
    /// Whether the middle of a figure reaches it.
    pub fn is_met(self, figure: Spread) -> bool {
        match self {
            Self::AtLeast(least) => figure.median >= least,
            Self::AtMost(most) => figure.median <= most,
        }
    }
}

impl Line {
    /// Whether it reaches its target.
    pub fn is_met(&self) -> bool {
        self.target.is_met(self.figure)
    }

    fn cells(&self) -> [String; 6] {
        let target = match self.target {
            Target::AtLeast(least) => format!("≥ {least}"),
            Target::AtMost(most) => format!("≤ {most}"),
        };
        let verdict = match self.is_met() {
            true => "met",
            false => "**missed**",
        };
        [
            self.row.to_owned(),
            self.what.clone(),
            ranged(self.figure),
            target,
            verdict.to_owned(),
            self.detail.clone(),
        ]
    }

    /// Says it at once: a whole run takes a while.
    pub fn print(&self) {
        println!("{}", self.cells().join(" | "));
    }
}

/// A figure with its range.
pub fn ranged(Spread { median, low, high }: Spread) -> String {
    format!("{} [{}–{}]", short(median), short(low), short(high))
}

/// Three digits that count.
fn short(figure: f64) -> String {
    match figure.abs() {
        size if size >= 100.0 => format!("{figure:.0}"),
        size if size >= 10.0 => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

/// Puts the table into the page.
pub fn write(page: &Path, measured: &str, lines: &[Line]) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(page)?;
    let (before, rest) = text.split_once(BEGIN).context("the page has no place for the table")?;
    let (_, after) = rest.split_once(END).context("the place for the table does not end")?;
    let mut table = String::new();
    writeln!(table, "{}\n", circumstances(measured)?)?;
    writeln!(table, "| row | what | measured | target | | absolute |")?;
    writeln!(table, "|---|---|---|---|---|---|")?;
    for line in lines {
        writeln!(table, "| {} |", line.cells().join(" | "))?;
    }
    std::fs::write(page, format!("{before}{BEGIN}\n{table}{END}{after}"))?;
    Ok(())
}

/// What a program calls itself: its version and, of one that `dev/release` has built in a checkout, the commit.
pub fn named(program: &Path) -> anyhow::Result<String> {
    said(program, &["--version"])
}

/// On what, with what, and when.
fn circumstances(measured: &str) -> anyhow::Result<String> {
    let date = said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])?;
    let (kernel, compiler) = (said("uname", &["-sr"])?, said("rustc", &["--version"])?);
    let cpu = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name\t: "));
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let model = model.unwrap_or("an unnamed processor");
    Ok(format!("{date}, {measured}: {cores} cores of {model}, {kernel}, {compiler}."))
}

/// The first line of what a program prints.
fn said(program: impl AsRef<OsStr>, args: &[&str]) -> anyhow::Result<String> {
    let printed = run(Command::new(program).args(args))?;
    Ok(printed.lines().next().unwrap_or_default().to_owned())
}
