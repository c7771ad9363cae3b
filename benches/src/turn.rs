//! Two builds of the program in turn: whether a change brought what it should.
//!
//! A table tells how far the limit is, not what a tenth less work is worth: neighbours move it by more. Many short
//! rounds of the same calls, one build and then the other, on copies of one database, do.

use std::path::Path;

use crate::calls::{Calls, Form};
use crate::measure::{Manner, Plan, Round, Spread, ratios};
use crate::report::ranged;
use crate::rows::READ_ORDERS;
use crate::world::{Sizes, World};

/// What both are called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Work {
    /// Calls with a wrong signature
    BadSign,
    /// change.detail of one order
    Hot,
    /// change.detail from the database
    Detail,
    /// cancelcheck
    Quote,
    /// Cancels, durable
    Cancel,
    /// Refund callbacks of one passenger, SM4
    Refund,
}

impl Work {
    fn sizes(self, writes: usize) -> Sizes {
        let none = Sizes { changed: 1, ..Sizes::default() };
        match self {
            Self::Hot => none,
            Self::BadSign | Self::Detail => Sizes { changed: READ_ORDERS, ..none },
            Self::Quote => Sizes { rentals: READ_ORDERS, ..none },
            Self::Cancel => Sizes { payable: writes, ..none },
            Self::Refund => Sizes { trains: writes, ..none },
        }
    }

    fn calls(self, world: &World, writes: usize) -> anyhow::Result<Calls> {
        Ok(match self {
            Self::BadSign => Calls::badly_signed(world, 0..READ_ORDERS),
            Self::Hot => Calls::detail(world, Form::Json, 0..1),
            Self::Detail => Calls::detail(world, Form::Json, 0..READ_ORDERS),
            Self::Quote => Calls::quote(world, 0..READ_ORDERS),
            Self::Cancel => Calls::cancel(world, 0..writes),
            Self::Refund => Calls::refund(world, 0..writes)?,
        })
    }
}

/// Holds a program against another: how many calls it answers, and what each costs.
///
/// # Errors
/// Something could not be measured.
pub fn turn(plan: &Plan, other: &Path, work: Work, connections: usize) -> anyhow::Result<()> {
    let writes = plan.writes();
    let folder = plan.home.join("turn");
    let template = World::make(&plan.program, &folder, None, work.sizes(writes))?;
    let calls = work.calls(&template, writes)?;
    let manner = Manner { connections, again: !matches!(work, Work::Cancel | Work::Refund) };
    let flags: &[&str] = if work == Work::Detail { &["--document-cache-mb", "0"] } else { &[] };
    let round = |program: &Path| {
        let copy = template.copy_to(&plan.home.join("fresh"))?;
        let world = World { program: program.to_owned(), ..copy };
        plan.round(&world.started(flags)?, &calls, manner)
    };
    let mut ours = || round(&plan.program);
    let mut theirs = || round(other);
    let [ours, theirs] = plan.in_turn([&mut ours, &mut theirs])?;
    println!("calls a second, to those of the other: {}", ranged(ratios(&ours, &theirs)));
    let both = |name: &str, figure: fn(&Round) -> f64| {
        let [ours, theirs] = [&ours, &theirs].map(|rounds| Spread::of(rounds.iter().map(figure)));
        println!("{name}: {:.2} to {:.2}", ours.median, theirs.median);
    };
    both("answers a second", |round| round.measured.rate());
    both("µs of CPU", |round| round.cpu_us);
    both("p50, ms", |round| round.measured.quantile_ms(0.5));
    both("p99, ms", |round| round.measured.quantile_ms(0.99));
    Ok(())
}
