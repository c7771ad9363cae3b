//! Row 18: the same calls on ten thousand orders, on a hundred thousand, and on a million.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::calls::{Calls, Form};
use crate::load::Span;
use crate::measure::{ONCE, Plan, Round, Spread, TRIES_MAX, USUAL};
use crate::plot::{Curve, Plot};
use crate::process::Server;
use crate::report::Target;
use crate::rows::Rows;
use crate::world::{Sizes, World};

/// Orders in each database, half of them with a change.
const ORDERS: [usize; 3] = [10_000, 100_000, 1_000_000];
/// Reads made for a comparison of sizes, of which each round takes a part.
const READS: usize = 400_000;
/// So that no page of the database is read twice in a row.
const STRIDE: usize = 7919;
const PLOT: &str = "docs/plots/growth.svg";

/// A database of some size, served.
struct Sized {
    server: Server,
    reads: Calls,
    cancels: Calls,
    kb_per_order: f64,
    start_ms: f64,
}

impl Rows<'_> {
    pub fn growth(&mut self) -> anyhow::Result<()> {
        let sized = ORDERS.map(|orders| self.of_size(orders));
        let [few, some, many] = sized;
        let sized = [few?, some?, many?];
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
        // The smallest has few orders to cancel, and a round that others disturbed is measured again, on
        // others: so a round of these is short.
        let short = Span { warm: Duration::from_millis(10), ..self.plan.span };
        let plan = Plan { span: short, ..self.plan.clone() };
        let cancels = ORDERS[0] / 2 / plan.rounds / TRIES_MAX;
        let writes = turn(&plan, |sized| &sized.cancels, cancels, ONCE)?;
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

    fn of_size(&self, orders: usize) -> anyhow::Result<Sized> {
        let sizes = Sizes { payable: orders / 2, changed: orders / 2, ..Sizes::default() };
        let folder = self.plan.home.join(format!("of-{orders}"));
        let world = World::make(&self.plan.program, &folder, None, sizes)?;
        let bytes = std::fs::metadata(folder.join("data/tripwright.db"))?.len();
        let began = Instant::now();
        let server = self.started(&world, &["--document-cache-mb", "0"])?;
        let start_ms = began.elapsed().as_secs_f64() * 1e3;
        let half = orders / 2;
        let spread = |count: usize| (0..count).map(move |at| at * STRIDE % half);
        Ok(Sized {
            server,
            reads: Calls::detail(&world, Form::Json, spread(READS)),
            cancels: Calls::cancel(&world, spread(half.min(ORDERS[0] / 2 * 5))),
            kb_per_order: bytes as f64 / orders as f64 / 1e3,
            start_ms,
        })
    }

    fn add_growth(&mut self, what: &str, [few, some, many]: &[Vec<Round>; 3], least: f64) {
        let rate = |rounds: &[Round]| Spread::of(rounds.iter().map(|r| r.measured.rate())).median;
        let figure = crate::measure::ratios(many, few);
        let detail = format!("{:.0}/s, {:.0}/s, {:.0}/s", rate(few), rate(some), rate(many));
        let what = format!("{what}, of a million orders to of ten thousand");
        self.add("18", what, figure, Target::AtLeast(least), detail);
    }
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
