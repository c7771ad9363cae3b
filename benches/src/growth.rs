//! Row 18: the same calls on ten thousand orders, on a hundred thousand, and on a million; and, as a long run of
//! its own, on as many small ones as there is room for.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::calls::{Calls, Form};
use crate::load::Span;
use crate::measure::{ONCE, Plan, Round, Spread, USUAL, first_answer};
use crate::plot::{Curve, Plot};
use crate::process::Server;
use crate::report::Target;
use crate::rows::Rows;
use crate::world::{Sizes, World};

/// Orders in each database, half of them with a change.
const ORDERS: [usize; 3] = [10_000, 100_000, 1_000_000];
/// Reads made for a comparison of sizes, of which each round takes a part.
const READS: usize = 400_000;
/// Rounds of writes: the smallest database has few orders to write to, and each is written once.
const WRITE_ROUNDS: usize = 3;
/// So that no page of the database is read twice in a row.
const STRIDE: usize = 7919;
const PLOT: &str = "docs/plots/growth.svg";

/// A database of some size, served.
struct Sized {
    server: Server,
    reads: Calls,
    writes: Calls,
    kb_per_order: f64,
    start_ms: f64,
}

impl Rows<'_> {
    pub fn growth(&mut self) -> anyhow::Result<()> {
        let half = |orders| Sizes { payable: orders / 2, changed: orders / 2, ..Sizes::default() };
        let [few, some, many] = ORDERS.map(|orders| self.world(orders, half(orders)));
        // Nothing is signed before all are made: a signature is good for ten minutes.
        let (few, some, many) = (of_size(&few?)?, of_size(&some?)?, of_size(&many?)?);
        let sized = [few, some, many];
        let turn = |plan: &Plan, calls: fn(&Sized) -> &Calls, part: usize, manner| {
            let mut turns = [0; 3];
            let round = |at: usize, turn: &mut usize| {
                // Each round reads, or cancels, what none before it has.
                *turn += 1;
                plan.round(&sized[at].server, &calls(&sized[at]).part(*turn, part), manner)
            };
            let [one, two, three] = &mut turns;
            plan.in_turn([&mut || round(0, one), &mut || round(1, two), &mut || round(2, three)])
        };
        let reads = turn(self.plan, |sized| &sized.reads, READS / self.plan.rounds, USUAL)?;
        let plan = self.short();
        let cancels = ORDERS[0] / 2 / plan.rounds;
        let writes = turn(&plan, |sized| &sized.writes, cancels, ONCE)?;
        self.add_growth("change.detail from the database", &reads, 0.85);
        self.add_growth("cancel, durable", &writes, 0.8);
        let all = |figure: fn(&Sized) -> f64| Spread::of(sized.iter().map(figure));
        let what = "first signed answer, the slowest of the three sizes, ms";
        let (start, target) = (all(|sized| sized.start_ms), Target::AtMost(100.0));
        let start = Spread { median: start.high, ..start };
        let size = all(|sized| sized.kb_per_order);
        let detail = format!("{:.2} to {:.2} kB an order in the file", size.low, size.high);
        self.add("18", what, start, target, detail);
        plot(&reads, &writes)
    }

    /// Reports receipts, and reports them again, in a database of so many small orders and in one of ten
    /// thousand.
    pub fn long_growth(&mut self, orders: usize) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.plan.home)?;
        let receipts = |orders| Sizes { receipts: orders, ..Sizes::default() };
        let [few, many] = [ORDERS[0], orders].map(|orders| self.world(orders, receipts(orders)));
        let (few, many) = (of_receipts(&few?)?, of_receipts(&many?)?);
        let plan = self.short();
        let part = ORDERS[0] / plan.rounds;
        let mut turns = [0; 2];
        let write = |sized: &Sized, turn: &mut usize| {
            *turn += 1;
            plan.round(&sized.server, &sized.writes.part(*turn, part), ONCE)
        };
        let [one, two] = &mut turns;
        let writes = plan.in_turn([&mut || write(&many, one), &mut || write(&few, two)])?;
        for sized in [&few, &many] {
            // What no round has reported yet; from here on nothing is written.
            self.plan.round(&sized.server, &sized.writes, ONCE)?;
        }
        let read = |sized: &Sized| self.plan.round(&sized.server, &sized.reads, USUAL);
        let reads = self.plan.in_turn([&mut || read(&many), &mut || read(&few)])?;
        let to = format!("of {orders} orders to of {}", ORDERS[0]);
        self.add_ratio("18", format!("postback again, {to}"), &reads, 0.65);
        self.add_ratio("18", format!("postback, durable, {to}"), &writes, 0.4);
        let figure = Spread::of([many.start_ms]);
        let detail = format!("{:.2} kB an order in the file", many.kb_per_order);
        self.add("18", "first signed answer, ms", figure, Target::AtMost(100.0), detail);
        let memory = Spread::of([many.server.memory_mb()?]);
        self.add("17", "memory after it, MB", memory, Target::AtMost(200.0), String::new());
        Ok(())
    }

    /// Each order is written once, so a round of writes is short and is not tried again.
    fn short(&self) -> Plan {
        let span = Span { warm: Duration::from_millis(10), ..self.plan.span };
        Plan { rounds: WRITE_ROUNDS, tries: 1, span, ..self.plan.clone() }
    }

    fn world(&self, orders: usize, sizes: Sizes) -> anyhow::Result<(World, usize)> {
        let folder = self.plan.home.join(format!("of-{orders}"));
        Ok((World::make(&self.plan.program, &folder, None, sizes)?, orders))
    }

    fn add_growth(&mut self, what: &str, [few, some, many]: &[Vec<Round>; 3], least: f64) {
        let rate = |rounds: &[Round]| Spread::of(rounds.iter().map(|r| r.measured.rate())).median;
        let figure = crate::measure::ratios(many, few);
        let detail = format!("{:.0}/s, {:.0}/s, {:.0}/s", rate(few), rate(some), rate(many));
        let what = format!("{what}, of a million orders to of ten thousand");
        self.add("18", what, figure, Target::AtLeast(least), detail);
    }
}

fn of_size((world, orders): &(World, usize)) -> anyhow::Result<Sized> {
    let half = orders / 2;
    let spread = |count: usize| (0..count).map(move |at| at * STRIDE % half);
    let reads = Calls::detail(world, Form::Json, spread(READS));
    let writes = Calls::cancel(world, spread(ORDERS[0] / 2));
    serve(world, *orders, reads, writes)
}

fn of_receipts((world, orders): &(World, usize)) -> anyhow::Result<Sized> {
    let postbacks = || Calls::postback(world, (0..ORDERS[0]).map(|at| at * STRIDE % orders));
    serve(world, *orders, postbacks(), postbacks())
}

/// Serves a world. What is called first is one of the reads.
fn serve(world: &World, orders: usize, reads: Calls, writes: Calls) -> anyhow::Result<Sized> {
    let bytes = std::fs::metadata(world.folder.join("data/tripwright.db"))?.len();
    let began = Instant::now();
    let mut server = world.serve(&["--document-cache-mb", "0"])?;
    let start_ms = first_answer(&mut server, &reads, began)?.0.as_secs_f64() * 1e3;
    Ok(Sized { server, reads, writes, kb_per_order: bytes as f64 / orders as f64 / 1e3, start_ms })
}

fn plot(reads: &[Vec<Round>; 3], writes: &[Vec<Round>; 3]) -> anyhow::Result<()> {
    let curve = |name, rounds: &[Vec<Round>; 3]| {
        let rate =
            |rounds: &Vec<Round>| Spread::of(rounds.iter().map(|r| r.measured.rate())).median;
        let first = rate(&rounds[0]);
        let points = ORDERS.iter().zip(rounds);
        let points =
            points.map(|(orders, rounds)| ((*orders as f64).log10(), rate(rounds) / first));
        Curve { name, points: points.collect() }
    };
    let plot = Plot {
        title: "Calls a second, by orders in the database, to those with ten thousand",
        across: "orders (powers of ten)",
        curves: vec![
            curve("change.detail from the database", reads),
            curve("cancel, durable", writes),
        ],
    };
    plot.write(Path::new(PLOT))
}
