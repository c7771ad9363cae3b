//! Every decoder, given what is nearly right: no panic, nothing read that was not there, no answer
//! that is not well-formed, no time that grows faster than the input.
//!
//! In CI each target gets its corpus (`fuzz/corpus`) and a fixed number of seeded mutations of it, the
//! same in every run. `dev/fuzz SECONDS` gives each so many seconds of others.

mod mutate;
mod targets;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;
use top::Format;

use self::mutate::{Random, mutated};
use self::targets::{TARGETS, Target};
use crate::dialects::parsers;

/// How long each target runs in the long form.
const SECONDS: &str = "TRIPWRIGHT_TEST_FUZZ_SECONDS";
/// Mutations of each target in CI: a few seconds together.
const MUTATIONS: u64 = 3000;
/// Inputs shorter than this say nothing of the time for a byte.
const TIMED_BYTES_MIN: usize = 256;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(name)
}

/// A target's corpus, in the order of the names.
fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder("corpus").join(target.name)).unwrap() {
        let path = entry.unwrap().path();
        files.insert(path.clone(), std::fs::read(path).unwrap());
    }
    assert!(files.len() > 2, "{}", target.name);
    files.into_values().collect()
}

/// What a run has come to.
#[derive(Default)]
struct Figures {
    inputs: u64,
    seconds: f64,
    longest_ns_per_byte: f64,
    finds: Vec<PathBuf>,
}

/// Runs a target over its corpus and mutations of it, until it has had enough.
fn run(target: &Target, seed: u64, enough: impl Fn(&Figures) -> bool) -> Figures {
    let corpus = corpus(target);
    let mut random = Random::new(seed);
    let mut figures = Figures::default();
    let mut whole = corpus.iter().cloned();
    let began = Instant::now();
    while !enough(&figures) {
        let input = whole.next().unwrap_or_else(|| mutated(&corpus, target.words, &mut random));
        let started = cpu_time();
        let ended = catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
        let took_ns = (cpu_time() - started).as_nanos() as f64;
        if input.len() >= TIMED_BYTES_MIN {
            let per_byte = took_ns / input.len() as f64;
            figures.longest_ns_per_byte = figures.longest_ns_per_byte.max(per_byte);
        }
        if ended.is_err() {
            std::fs::create_dir_all(folder("finds")).unwrap();
            let mut hasher = DefaultHasher::new();
            input.hash(&mut hasher);
            let name = format!("{}-{:016x}", target.name, hasher.finish());
            let path = folder("finds").join(name);
            std::fs::write(&path, &input).unwrap();
            figures.finds.push(path);
        }
        figures.inputs += 1;
        figures.seconds = began.elapsed().as_secs_f64();
    }
    figures
}

fn check(target: &Target) {
    let seconds: Option<f64> = std::env::var(SECONDS).ok().map(|text| text.parse().unwrap());
    let figures = match seconds {
        Some(seconds) => {
            let seed = gateway::Clock::System.now().as_nanosecond() as u64;
            let figures = run(target, seed, |figures| figures.seconds >= seconds);
            let Figures { inputs, seconds, longest_ns_per_byte, finds } = &figures;
            let finds = finds.len();
            println!(
                "| {} | {inputs} | {seconds:.0} | {longest_ns_per_byte:.0} | {finds} |",
                target.name
            );
            figures
        }
        None => run(target, 1, |figures| figures.inputs >= MUTATIONS),
    };
    assert!(figures.finds.is_empty(), "{}: {:?}", target.name, figures.finds);
}

#[test]
fn a_form_is_read_as_a_simple_reader_reads_it() {
    check(&TARGETS[0]);
}

#[test]
fn nothing_is_read_from_a_multipart_body_that_is_not_in_it() {
    check(&TARGETS[1]);
}

#[test]
fn what_is_read_from_json_is_written_and_read_to_the_same() {
    check(&TARGETS[2]);
}

#[test]
fn xml_is_read_as_a_strict_reader_reads_it() {
    check(&TARGETS[3]);
}

#[test]
fn what_is_sealed_opens_and_nothing_else_breaks_the_opening() {
    check(&TARGETS[4]);
}

#[test]
fn every_sdk_can_read_whatever_is_answered_to_anything() {
    check(&TARGETS[5]);
}

#[test]
fn every_call_of_a_batch_has_its_answer_and_there_is_no_other() {
    check(&TARGETS[6]);
}

#[test]
fn python_can_read_whatever_is_answered_to_anything() {
    let target = &TARGETS[5];
    let corpus = corpus(target);
    let mut random = Random::new(2);
    let mut answers = Vec::new();
    for _ in 0..1000 {
        let (_, format, body) = targets::answer_to(&mutated(&corpus, target.words, &mut random));
        answers.push((format == Format::Xml, body));
    }
    assert!(answers.iter().any(|(is_xml, _)| *is_xml) && answers.iter().any(|(is_xml, _)| !is_xml));
    let script = "import json, sys, xml.etree.ElementTree as tree\n\
        for is_xml, body in json.load(sys.stdin):\n\
        \x20   (tree.fromstring(body.encode()) if is_xml else json.loads(body))\n\
        print('read')";
    let mut python = Command::new("python3");
    python.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = python.spawn().unwrap();
    let input = serde_json::to_vec(&answers).unwrap();
    child.stdin.take().unwrap().write_all(&input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "read\n");
}

/// How long this thread has had a processor: waiting for one says nothing of a decoder.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// The shortest of several tries: what others do on the machine only ever adds to it.
fn shortest(target: &Target, input: &[u8], tries: usize) -> Duration {
    let time = |_| {
        let began = cpu_time();
        (target.run)(input);
        cpu_time() - began
    };
    (0..tries).map(time).min().unwrap()
}

/// An input in which a piece is repeated until it has so many bytes.
fn swollen(input: &[u8], piece: std::ops::Range<usize>, bytes: usize) -> Vec<u8> {
    let times = bytes / piece.len() + 1;
    [&input[..piece.start], &input[piece.clone()].repeat(times), &input[piece.end..]].concat()
}

#[test]
fn no_decoder_takes_time_that_grows_faster_than_its_input() {
    /// How much larger the larger input is. Twice that is the most that is let pass: time that is
    /// linear grows by 8, or less, and time that is quadratic by 64.
    const TIMES: usize = 8;
    const SMALL: usize = 8 * 1024;
    for target in TARGETS {
        let corpus = corpus(&target);
        let mut random = Random::new(3);
        for _ in 0..40 {
            let input = &corpus[random.below(corpus.len())];
            if input.is_empty() {
                continue;
            }
            let start = random.below(input.len());
            let longest = 2 << random.below(6);
            let end = (start + 1 + random.below(longest)).min(input.len());
            let small = swollen(input, start..end, SMALL);
            let large = swollen(input, start..end, SMALL * TIMES);
            // Once may be chance, on a machine that has other work.
            let grows = |tries| {
                let bound = shortest(&target, &small, tries) * 2 * TIMES as u32;
                shortest(&target, &large, tries) > bound.max(Duration::from_millis(1))
            };
            let always = [2, 5, 10, 20].into_iter().all(grows);
            let piece = String::from_utf8_lossy(&input[start..end]);
            assert!(!always, "{}: {piece:?} in {:?}", target.name, String::from_utf8_lossy(input));
        }
    }
}

#[test]
fn the_same_seed_makes_the_same_inputs() {
    let corpus = corpus(&TARGETS[2]);
    let made = |seed| {
        let mut random = Random::new(seed);
        (0..50).map(|_| mutated(&corpus, TARGETS[2].words, &mut random)).collect::<Vec<_>>()
    };
    assert_eq!(made(1), made(1));
    assert_ne!(made(1), made(2));
    let readable =
        made(1).iter().filter(|input| serde_json::from_slice::<Value>(input).is_ok()).count();
    assert!((1..50).contains(&readable), "{readable} of 50 are still JSON");
}
