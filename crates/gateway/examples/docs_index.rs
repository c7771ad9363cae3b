//! Measures how long the documentation's index takes with 200 methods, searched and not: `bash dev/bench docs`. It
//! fails when that is too long.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use gateway::docs::notes::{ENTRIES, Entry};
use gateway::docs::render_index;
use gateway::docs::search::Search;
use gateway::web::Visit;
use top::Spec;

/// As many methods as the catalogue is expected to have.
const METHODS: usize = 200;
/// How often each page is made.
const ROUNDS: usize = 101;
/// The longest that a page may take to make: a reader does not notice it.
const PAGE_MAX: Duration = Duration::from_millis(20);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let entries: Vec<Entry> =
        ENTRIES.iter().cycle().take(METHODS).enumerate().map(renamed).collect();
    let began = Instant::now();
    let search = Search::new(&entries);
    println!("{METHODS} methods indexed once in {} ms", milliseconds(began.elapsed()));
    let visit = Visit::of(&Request::new(Body::empty()));
    let mut slowest = Duration::ZERO;
    // All of them; a word of two characters; part of every name; and one character, which no pair narrows down.
    for query in ["", "改签", "ali", "号"] {
        let mut times = Vec::new();
        let mut bytes = 0;
        for _ in 0..ROUNDS {
            let began = Instant::now();
            bytes = render_index(&visit, &entries, &search, query)?.len();
            times.push(began.elapsed());
        }
        times.sort();
        let median = times[ROUNDS / 2];
        println!("{:>6} ms  {bytes:>6} bytes  /docs?q={query}", milliseconds(median));
        slowest = slowest.max(median);
    }
    if slowest > PAGE_MAX {
        return Err(format!("a page took {} ms", milliseconds(slowest)).into());
    }
    Ok(())
}

/// A method like another, under a name of its own, for as long as the program runs.
fn renamed((number, entry): (usize, &Entry)) -> Entry {
    let name = Box::leak(format!("{}.v{number}", entry.spec.name).into_boxed_str());
    Entry { spec: Box::leak(Box::new(Spec { name, ..*entry.spec })), ..*entry }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1000.0)
}
