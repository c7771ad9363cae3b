//! The rows of the table, each a ratio of things measured in turn.

use std::process::Command;
use std::time::Instant;

use anyhow::Context as _;

use crate::calls::{Calls, Form};
use crate::measure::{Manner, ONCE, Plan, Round, Spread, USUAL, first_answer, ratios};
use crate::process::{Server, free_address};
use crate::world::{Sizes, World};

/// Orders that are read in turn: far more than a CPU's caches hold.
const READ_ORDERS: usize = 10_000;

pub fn measure(plan: &Plan, only: &[String]) -> anyhow::Result<()> {
    std::fs::create_dir_all(&plan.home)?;
    let wanted = |row: &str| only.is_empty() || only.iter().any(|only| only == row);
    if ["1", "2", "3", "3b", "4", "8"].iter().any(|row| wanted(row)) {
        reads(plan, &wanted)?;
    }
    if ["5", "6", "9"].iter().any(|row| wanted(row)) {
        writes(plan, &wanted)?;
    }
    Ok(())
}

fn reads(plan: &Plan, wanted: &dyn Fn(&str) -> bool) -> anyhow::Result<()> {
    let sizes =
        Sizes { changed: READ_ORDERS, rentals: READ_ORDERS, receipts: 2000, ..Sizes::default() };
    let folder = plan.home.join("reads");
    let world = World::make(&plan.program, &folder, None, sizes)?;
    let mut server = world.serve(&[])?;
    let all = || 0..READ_ORDERS;
    let details = Calls::detail(&world, Form::Json, all());
    let (_, answer) = first_answer(&mut server, &details, Instant::now())?;
    let row = |name: &str, what: &str, calls: &Calls, to: &Calls| -> anyhow::Result<()> {
        if !wanted(name) {
            return Ok(());
        }
        let (_, answer) = sample(&server, calls)?;
        let echo = echo(plan, &answer)?;
        let mut ours = || plan.round(&server, calls, USUAL);
        let mut limit =
            || plan.round(&echo, &Calls { requests: to.requests.clone(), expect: "" }, USUAL);
        let rounds = plan.in_turn(&mut [&mut ours, &mut limit])?;
        print(name, what, &rounds[0], &rounds[1]);
        Ok(())
    };
    let _ = answer;
    let bad = Calls::badly_signed(&world, all());
    row("1", "bad signature", &bad, &bad)?;
    row("2", "change.detail, 10,000 orders", &details, &details)?;
    let hot = Calls::detail(&world, Form::Json, 0..1);
    row("3", "change.detail, one order", &hot, &hot)?;
    let xml = Calls::detail(&world, Form::Xml, all());
    row("3b", "change.detail XML vs echo", &xml, &xml)?;
    let quote = Calls::quote(&world, all());
    row("4", "cancelcheck", &quote, &quote)?;
    let postback = Calls::postback(&world, 0..2000);
    row("8", "postback replay", &postback, &postback)?;
    Ok(())
}

fn writes(plan: &Plan, wanted: &dyn Fn(&str) -> bool) -> anyhow::Result<()> {
    let orders = (plan.counted.as_secs_f64() * 60_000.0) as usize;
    let sizes = Sizes { payable: orders, changed: 1, trains: orders / 2, ..Sizes::default() };
    let template = World::make(&plan.program, &plan.home.join("writes"), None, sizes)?;
    let detail = Calls::detail(&template, Form::Json, 0..1);
    let fresh = |calls: &Calls, manner: Manner| -> anyhow::Result<Round> {
        let world = template.copy_to(&plan.home.join("fresh"))?;
        let mut server = world.serve(&[])?;
        first_answer(&mut server, &detail, Instant::now())?;
        plan.round(&server, calls, manner)
    };
    let cancel = Calls::cancel(&template, 0..orders);
    let refund = Calls::refund(&template, 0..orders / 2)?;
    let answer = vec![b'x'; 253];
    let echo = echo(plan, &answer)?;
    let limit = Calls { requests: cancel.requests.clone(), expect: "" };
    for (name, what, calls, connections) in [
        ("5", "cancel c=64", &cancel, 64),
        ("6", "cancel c=1", &cancel, 1),
        ("6", "cancel c=8", &cancel, 8),
        ("9", "refund callback c=64", &refund, 64),
    ] {
        if !wanted(name) {
            continue;
        }
        let manner = Manner { connections, ..ONCE };
        let mut ours = || fresh(calls, manner);
        let mut theirs = || plan.round(&echo, &limit, Manner { connections, ..USUAL });
        let rounds = plan.in_turn(&mut [&mut ours, &mut theirs])?;
        print(name, what, &rounds[0], &rounds[1]);
    }
    Ok(())
}

fn print(name: &str, what: &str, ours: &[Round], theirs: &[Round]) {
    let ratio = ratios(ours, theirs);
    let rate =
        |rounds: &[Round]| Spread::of(rounds.iter().map(|round| round.measured.rate())).median;
    let cpu = |rounds: &[Round]| Spread::of(rounds.iter().map(|round| round.cpu_us)).median;
    let p = |rounds: &[Round], q: f64| {
        Spread::of(rounds.iter().map(|round| round.measured.quantile_ms(q))).median
    };
    let own =
        |rounds: &[Round]| Spread::of(rounds.iter().map(|round| round.measured.own_cpu)).median;
    println!(
        "{name:3} {what:32} {:.2} [{:.2}-{:.2}] {:.0}/s vs {:.0}/s; cpu {:.1} vs {:.1} us ({:.2}); p50 {:.2} p99 {:.2} vs {:.2} {:.2}; load {:.2} {:.2}",
        ratio.median,
        ratio.low,
        ratio.high,
        rate(ours),
        rate(theirs),
        cpu(ours),
        cpu(theirs),
        cpu(theirs) / cpu(ours),
        p(ours, 0.5),
        p(ours, 0.99),
        p(theirs, 0.5),
        p(theirs, 0.99),
        own(ours),
        own(theirs),
    );
}

/// The body of an answer.
fn sample(server: &Server, calls: &Calls) -> anyhow::Result<((), Vec<u8>)> {
    let answer = crate::measure::ask(server.address, calls)?;
    let at = answer.windows(4).position(|window| window == b"\r\n\r\n").context("no answer")?;
    Ok(((), answer[at + 4..].to_vec()))
}

/// Starts the limit, which answers with these bytes.
fn echo(plan: &Plan, body: &[u8]) -> anyhow::Result<Server> {
    let file = plan.home.join("echo");
    std::fs::write(&file, body)?;
    let address = free_address()?;
    let mut command = Command::new(&plan.bench);
    command.arg("echo").arg(address.to_string()).arg(&file);
    let mut server = Server::start(&command, address)?;
    let anything = Calls { requests: vec![crate::calls::request("a=b")], expect: "" };
    first_answer(&mut server, &anything, Instant::now())?;
    Ok(server)
}
