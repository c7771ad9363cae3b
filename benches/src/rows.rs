//! The rows of the table, each a ratio of things measured in turn.

use std::io::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::calls::{Calls, Form};
use crate::measure::{Manner, ONCE, Plan, Round, Spread, USUAL, ask, first_answer, ratios};
use crate::process::{Server, free_address, run};
use crate::report::{Line, Target};
use crate::world::{Sizes, World};

/// Orders that are read in turn: far more than a processor's caches hold.
pub const READ_ORDERS: usize = 10_000;
/// Orders whose receipts are reported again and again.
const RECEIPTS_ORDERS: usize = 2_000;
/// What the cancel's answer has, in bytes.
const CANCEL_ANSWER_BYTES: usize = 253;
/// How much is appended between two syncs when the disk's own rate is measured.
const APPENDED: [u8; 300] = [b'x'; 300];

/// Rows that were asked for, and those that were measured.
pub struct Rows<'p> {
    pub plan: &'p Plan,
    /// All, when none is named.
    pub only: Vec<String>,
    pub lines: Vec<Line>,
}

impl Rows<'_> {
    /// Measures what was asked for.
    ///
    /// # Errors
    /// Something could not be measured.
    pub fn measure(&mut self) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.plan.home)?;
        if self.wants(&["1", "2", "3", "3b", "4", "8"]) {
            self.reads()?;
        }
        if self.wants(&["5", "6", "7", "9", "10"]) {
            self.writes()?;
        }
        if self.wants(&["16", "17"]) {
            self.starts()?;
        }
        if self.wants(&["11", "12"]) {
            self.on_postgres()?;
        }
        if self.wants(&["13", "14", "15"]) {
            self.beside_peers()?;
        }
        if self.wants(&["18"]) {
            self.growth()?;
        }
        Ok(())
    }

    pub fn wants(&self, rows: &[&str]) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| rows.contains(&only.as_str()))
    }

    pub fn add(
        &mut self,
        row: &'static str,
        what: impl Into<String>,
        figure: Spread,
        target: Target,
        detail: String,
    ) {
        if self.wants(&[row]) {
            let what = what.into();
            let line = Line { row, what, figure, target, detail };
            line.print();
            self.lines.push(line);
        }
    }

    /// Holds the rates of one thing against another's.
    pub fn add_ratio(
        &mut self,
        row: &'static str,
        what: impl Into<String>,
        [ours, theirs]: &[Vec<Round>; 2],
        least: f64,
    ) {
        let (figure, detail) = (ratios(ours, theirs), absolute(ours, theirs));
        self.add(row, what, figure, Target::AtLeast(least), detail);
    }

    /// Measures calls against the limit, which answers with the same bytes.
    fn against_echo(&self, server: &Server, calls: &Calls) -> anyhow::Result<[Vec<Round>; 2]> {
        let answer = ask(server.address, calls)?;
        let head = memchr::memmem::find(&answer, b"\r\n\r\n").context("no answer")?;
        let echo = echo(self.plan, &answer[head + 4..])?;
        let limit = calls.to_anybody();
        let mut ours = || self.plan.round(server, calls, USUAL);
        let mut theirs = || self.plan.round(&echo, &limit, USUAL);
        self.plan.in_turn([&mut ours, &mut theirs])
    }

    fn reads(&mut self) -> anyhow::Result<()> {
        let sizes = Sizes {
            changed: READ_ORDERS,
            rentals: READ_ORDERS,
            receipts: RECEIPTS_ORDERS,
            ..Sizes::default()
        };
        let world = World::make(&self.plan.program, &self.plan.home.join("reads"), None, sizes)?;
        let server = world.started(&[])?;
        let all = || 0..READ_ORDERS;
        let hot = Calls::detail(&world, Form::Json, 0..1);
        let xml = Calls::detail(&world, Form::Xml, 0..1);
        let rows = [
            ("1", "bad signature, to bare hyper", Calls::badly_signed(&world, all()), 0.80),
            ("3", "change.detail of one order, to bare hyper", hot, 0.70),
            ("4", "cancelcheck, to bare hyper", Calls::quote(&world, all()), 0.60),
        ];
        for (row, what, calls, least) in rows {
            if self.wants(&[row]) {
                let rounds = self.against_echo(&server, &calls)?;
                self.add_ratio(row, what, &rounds, least);
            }
        }
        if self.wants(&["3b"]) {
            let json = Calls::detail(&world, Form::Json, 0..1);
            let mut ours = || self.plan.round(&server, &xml, USUAL);
            let mut theirs = || self.plan.round(&server, &json, USUAL);
            let rounds = self.plan.in_turn([&mut ours, &mut theirs])?;
            self.add_ratio("3b", "the same in XML, to JSON", &rounds, 0.85);
        }
        drop(server);
        self.stored_reads(&world)
    }

    /// What is read, opened and written anew for every call, and what is not written at all.
    fn stored_reads(&mut self, world: &World) -> anyhow::Result<()> {
        if !self.wants(&["2", "8"]) {
            return Ok(());
        }
        let server = world.started(&["--document-cache-mb", "0"])?;
        let details = Calls::detail(world, Form::Json, 0..READ_ORDERS);
        let rounds = self.against_echo(&server, &details)?;
        self.add_ratio("2", "change.detail from the database, to bare hyper", &rounds, 0.60);
        if !self.wants(&["8"]) {
            return Ok(());
        }
        let postbacks = Calls::postback(world, 0..RECEIPTS_ORDERS);
        // The first time they are written; from then on they are repeated.
        self.plan.round(&server, &postbacks, USUAL)?;
        let story = || world.run(&["order", "show", "receipts/bench/12342134/receipts-0"]);
        let before = story()?;
        let mut ours = || self.plan.round(&server, &postbacks, USUAL);
        let mut theirs = || self.plan.round(&server, &details, USUAL);
        let rounds = self.plan.in_turn([&mut ours, &mut theirs])?;
        anyhow::ensure!(story()? == before, "repeating a postback was written");
        self.add_ratio("8", "postback again, which writes nothing, to row 2", &rounds, 0.9);
        Ok(())
    }

    /// How long until it answers, and how much memory it takes.
    fn starts(&mut self) -> anyhow::Result<()> {
        let sizes = Sizes { payable: 200_000, changed: READ_ORDERS, ..Sizes::default() };
        let home = &self.plan.home;
        let template = World::make(&self.plan.program, &home.join("starts"), None, sizes)?;
        let world = template.copy_to(&home.join("fresh"))?;
        let details = Calls::detail(&world, Form::Json, 0..READ_ORDERS);
        let mut orderly = Vec::new();
        let (mut killed, mut idle, mut loaded) = (Vec::new(), Vec::new(), Vec::new());
        let cancels_a_round = 200_000 / self.plan.rounds;
        for round in 0..self.plan.rounds {
            let began = Instant::now();
            let mut server = world.serve(&[])?;
            orderly.push(first_answer(&mut server, &details, began)?.0.as_secs_f64() * 1e3);
            std::thread::sleep(Duration::from_secs(1));
            idle.push(server.memory_mb()?);
            let cancels = round * cancels_a_round..(round + 1) * cancels_a_round;
            let cancels = Calls::cancel(&world, cancels);
            let writing = Manner { connections: 32, again: false };
            let reading = Manner { connections: 32, again: true };
            self.plan.beside(&server, &[(&cancels, writing), (&details, reading)])?;
            loaded.push(server.memory_mb()?);
            server.kill()?;
            let began = Instant::now();
            let mut server = world.serve(&[])?;
            killed.push(first_answer(&mut server, &details, began)?.0.as_secs_f64() * 1e3);
            server.stop()?;
        }
        let says = |what: &str| what.to_owned();
        let orders = format!("{} orders", sizes.payable + sizes.changed);
        let (at, kill) = (Target::AtMost(100.0), Target::AtMost(1000.0));
        self.add("16", "first signed answer after a start, ms", Spread::of(orderly), at, orders);
        let what = "first signed answer after a kill at the end of a load, ms";
        self.add("16", what, Spread::of(killed), kill, String::new());
        let (few, many) = (Target::AtMost(25.0), Target::AtMost(120.0));
        self.add("17", "memory, idle, MB", Spread::of(idle), few, says("share of the process"));
        let what = "memory after 32 readers and 32 writers, MB";
        self.add("17", what, Spread::of(loaded), many, says("cache of documents full"));
        Ok(())
    }

    /// Readers beside writers.
    fn mixed(&mut self, template: &World, cancels: &Calls) -> anyhow::Result<()> {
        let details = Calls::detail(template, Form::Json, 0..READ_ORDERS);
        let reading = Manner { connections: 8, again: true };
        let home = &self.plan.home;
        let fresh = || template.copy_to(&home.join("fresh"))?.started(&[]);
        let mut alone = || self.plan.round(&fresh()?, &details, reading);
        let mut beside = || {
            let both = self.plan.beside(&fresh()?, &[(&details, reading), (cancels, ONCE)])?;
            both.into_iter().next().context("two loads were sent")
        };
        let rounds = self.plan.in_turn([&mut beside, &mut alone])?;
        let late = |round: &Round| round.measured.quantile_ms(0.99);
        let pairs = rounds[0].iter().zip(&rounds[1]);
        let figure = Spread::of(pairs.map(|(beside, alone)| late(beside) / late(alone)));
        let detail = absolute(&rounds[0], &rounds[1]);
        let what = "slowest hundredth of 8 readers beside 64 writers, to alone";
        self.add("10", what, figure, Target::AtMost(4.0), detail);
        Ok(())
    }

    fn writes(&mut self) -> anyhow::Result<()> {
        let orders = self.plan.writes();
        let trains = if self.wants(&["9"]) { orders / 2 } else { 0 };
        let sizes = Sizes { payable: orders, changed: READ_ORDERS, trains, ..Sizes::default() };
        let home = &self.plan.home;
        let template = World::make(&self.plan.program, &home.join("writes"), None, sizes)?;
        let cancels = Calls::cancel(&template, 0..orders);
        if self.wants(&["10"]) {
            self.mixed(&template, &cancels)?;
        }
        let echo = echo(self.plan, &[b'x'; CANCEL_ANSWER_BYTES])?;
        let limit = cancels.to_anybody();
        let fresh = |calls: &Calls, manner: Manner| {
            let server = template.copy_to(&home.join("fresh"))?.started(&[])?;
            self.plan.round(&server, calls, manner)
        };
        let mut measured = Vec::new();
        for connections in [64, 8, 1] {
            let row = if connections == 64 { ["5", "7"] } else { ["6", "6"] };
            if !self.wants(&row) {
                continue;
            }
            let mut ours = || {
                let before = syncs_per_second(self.plan)?;
                let round = fresh(&cancels, Manner { connections, ..ONCE })?;
                let syncs = f64::midpoint(before, syncs_per_second(self.plan)?);
                Ok(Round { syncs, ..round })
            };
            let mut theirs = || self.plan.round(&echo, &limit, Manner { connections, ..USUAL });
            let rounds = self.plan.in_turn([&mut ours, &mut theirs])?;
            measured.push((connections, rounds));
        }
        let refunds = match self.wants(&["9"]) {
            true => {
                let refunds = Calls::refund(&template, 0..trains)?;
                let mut ours = || fresh(&refunds, ONCE);
                let mut theirs = || fresh(&cancels, ONCE);
                Some(self.plan.in_turn([&mut ours, &mut theirs])?)
            }
            false => None,
        };
        for (connections, rounds) in measured {
            self.add_cancels(connections, &rounds);
        }
        if let Some(rounds) = refunds {
            self.add_ratio("9", "refund callback of one passenger, SM4, to row 5", &rounds, 0.6);
        }
        Ok(())
    }

    fn add_cancels(&mut self, connections: usize, rounds: &[Vec<Round>; 2]) {
        let to_syncs = |figure: fn(&Round) -> f64| Spread::of(rounds[0].iter().map(figure));
        let detail = absolute(&rounds[0], &rounds[1]);
        let by_syncs = to_syncs(|round| round.measured.rate() / round.syncs);
        let syncs = to_syncs(|round| round.syncs).median;
        let written = to_syncs(|round| round.written_bytes / 1e3).median;
        let mut beside = format!("{detail}; {syncs:.0} syncs/s one by one");
        if written.is_finite() {
            beside += &format!("; {written:.1} kB to the disk for each");
        }
        match connections {
            64 => {
                let what = "cancel, durable, to bare hyper";
                let figure = ratios(&rounds[0], &rounds[1]);
                self.add("5", what, figure, Target::AtLeast(0.30), beside.clone());
                let what = "the same, to syncs one by one";
                self.add("5", what, by_syncs, Target::AtLeast(6.0), String::new());
                let late = to_syncs(|round| round.measured.quantile_ms(0.99) * round.syncs / 1e3);
                let what = "its slowest hundredth, in syncs";
                self.add("7", what, late, Target::AtMost(20.0), String::new());
                let spread = rounds[0].iter().map(|round| {
                    round.measured.quantile_ms(0.99) / round.measured.quantile_ms(0.5)
                });
                let what = "its slowest hundredth, to its median";
                self.add("7", what, Spread::of(spread), Target::AtMost(3.0), String::new());
            }
            8 => {
                let what = "cancel by 8 clients, to syncs one by one";
                self.add("6", what, by_syncs, Target::AtLeast(3.0), beside);
            }
            _ => {
                let what = "cancel by one client, to syncs one by one";
                self.add("6", what, by_syncs, Target::AtLeast(0.5), beside);
            }
        }
    }
}

fn absolute(ours: &[Round], theirs: &[Round]) -> String {
    let middle =
        |rounds: &[Round], figure: fn(&Round) -> f64| Spread::of(rounds.iter().map(figure)).median;
    let rate = |rounds: &[Round]| middle(rounds, |round| round.measured.rate());
    let cpu = |rounds: &[Round]| middle(rounds, |round| round.cpu_us);
    let (half, late) =
        (|r: &Round| r.measured.quantile_ms(0.5), |r: &Round| r.measured.quantile_ms(0.99));
    let busy = middle(theirs, |round| round.measured.busy);
    format!(
        "{:.0}/s to {:.0}/s; {:.1} µs to {:.1} µs of CPU; p50 {:.2} ms, p99 {:.2} ms; load {:.0} % busy",
        rate(ours),
        rate(theirs),
        cpu(ours),
        cpu(theirs),
        middle(ours, half),
        middle(ours, late),
        busy * 100.0,
    )
}

/// How often the disk under the worlds makes a few bytes durable, one after the other.
fn syncs_per_second(plan: &Plan) -> anyhow::Result<f64> {
    // What others left to be written is not waited for by these.
    run(&mut Command::new("sync"))?;
    let path = plan.home.join("appended");
    let mut file = std::fs::File::create(&path)?;
    let began = Instant::now();
    let mut count = 0;
    while began.elapsed() < Duration::from_millis(500) {
        file.write_all(&APPENDED)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

/// Starts the limit, which answers with these bytes.
fn echo(plan: &Plan, body: &[u8]) -> anyhow::Result<Server> {
    let address = free_address()?;
    let file = plan.home.join(format!("echo-{}", address.port()));
    std::fs::write(&file, body)?;
    let mut command = Command::new(&plan.bench);
    command.arg("echo").arg(address.to_string()).arg(&file);
    let mut server = Server::start(&command, address)?;
    let anything = Calls::anything();
    first_answer(&mut server, &anything, Instant::now())?;
    Ok(server)
}
