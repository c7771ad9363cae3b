//! Charts of what comes to this gateway: how much, how long it takes, what goes wrong. Drawn here, with the
//! same numbers in a table beneath for whoever reads rather than sees.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State as Extract};
use axum::response::Response;
use axum::routing::get;
use domain::Instant;
use domain::time::platform_clock;
use serde::Deserialize;
use top::Rejection;
use top::error::RemoteErrorCode;

use super::calls::cost;
use super::guard::Guarded;
use crate::Context;
use crate::metrics::{self, Minute, OUTCOMES, Sum};
use crate::web::{State, Visit, page};

/// The size of a drawing, in its own units, and what of it is left for the names of its axes.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 24.0;
const TOP: f64 = 8.0;

/// The page of charts.
pub fn router() -> Router<Arc<Context>> {
    Router::new().route("/console/charts", get(charts))
}

/// How far back.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Span {
    #[default]
    Hour,
    Day,
}

impl Span {
    /// How many points there are, and of how many minutes.
    const fn points(self) -> (i64, i64) {
        match self {
            Self::Hour => (60, 1),
            Self::Day => (96, 15),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    span: Span,
}

/// What came in one or a few minutes.
struct Point {
    /// When they began, on the platform's clock.
    clock: String,
    seconds: f64,
    sum: Sum,
}

impl Point {
    fn rate(&self) -> f64 {
        self.sum.calls() as f64 / self.seconds
    }

    fn cost(&self, share: f64) -> String {
        let us = self.sum.quantile_us(share);
        us.map_or("–".to_owned(), |us| cost(&i64::try_from(us).unwrap_or(i64::MAX)))
    }
}

/// A drawing of lines over time.
struct Chart {
    title: &'static str,
    /// Values on the left with their heights, from the bottom up.
    grid: Vec<(f64, String)>,
    /// Clocks below with their places.
    clocks: Vec<(f64, String)>,
    lines: Vec<Line>,
}

/// A line, in as many pieces as there are gaps in it.
struct Line {
    class: &'static str,
    name: &'static str,
    pieces: Vec<String>,
}

/// How often one code was answered.
struct Code {
    code: u16,
    msg: &'static str,
    sub_code: &'static str,
    count: u64,
    /// The length of its bar, of [`WIDTH`].
    width: f64,
}

#[derive(Template)]
#[template(path = "console/charts.html")]
struct Charts<'a> {
    visit: &'a Visit,
    by: &'a Guarded,
    span: Span,
    total: Sum,
    charts: Vec<Chart>,
    codes: Vec<Code>,
    points: &'a [Point],
}

async fn charts(
    Extract(cx): State,
    visit: Visit,
    by: Guarded,
    Query(asked): Query<Asked>,
) -> Response {
    let now = cx.clock.now();
    cx.metrics.look(now);
    let points = points(asked.span, now, |first| cx.metrics.minutes.since(first));
    let mut total = Sum::default();
    points.iter().for_each(|point| total.add(&point.sum));
    let rate = Chart::draw(
        visit.t("调用频率（次/秒）", "Calls per second"),
        &points,
        |value| format!("{value}"),
        [
            ("a", visit.t("全部", "all"), &|point| Some(point.rate())),
            ("b", visit.t("未成功", "not served"), &|point| {
                Some(point.sum.errors() as f64 / point.seconds)
            }),
        ],
    );
    let costs = Chart::draw(
        visit.t("耗时", "Cost"),
        &points,
        |us| cost(&(us as i64)),
        [
            ("a", "p50", &|point| point.sum.quantile_us(0.5).map(|us| us as f64)),
            ("b", "p99", &|point| point.sum.quantile_us(0.99).map(|us| us as f64)),
        ],
    );
    let codes = codes(&total, cx.settings.remote_error_code);
    let charts = vec![rate, costs];
    page(&Charts {
        visit: &visit,
        by: &by,
        span: asked.span,
        total,
        charts,
        codes,
        points: &points,
    })
}

/// The last hour or day in points, the newest of which is not over.
fn points(span: Span, now: Instant, since: impl FnOnce(i64) -> Vec<Minute>) -> Vec<Point> {
    let (count, width) = span.points();
    let minute = now.as_second().div_euclid(60);
    let newest = minute.div_euclid(width);
    let first = (newest - count + 1) * width;
    let minutes = since(first);
    let point = |at: i64| {
        let from = first + at * width;
        let mut sum = Sum::default();
        let within = minutes.iter().filter(|it| (from..from + width).contains(&it.minute));
        within.for_each(|minute| sum.add(&minute.sum));
        let passed = now.as_second() - from * 60;
        let clock = Instant::from_second(from * 60).unwrap_or(now);
        let clock = platform_clock(clock).strftime("%H:%M").to_string();
        Point { clock, seconds: passed.clamp(1, width * 60) as f64, sum }
    };
    (0..count).map(point).collect()
}

fn codes(total: &Sum, remote: RemoteErrorCode) -> Vec<Code> {
    let most = total.by_outcome.iter().skip(1).copied().max().unwrap_or_default();
    let code = |at: usize| {
        let (row, sub_code) = metrics::outcome(at)?;
        let count = total.by_outcome[at];
        let width = count as f64 / most.max(1) as f64 * WIDTH;
        let code = Rejection::from(row).code(remote);
        let msg = row.msg;
        Some(Code { code, msg, sub_code: sub_code.unwrap_or_default(), count, width })
    };
    let mut codes: Vec<_> = (1..OUTCOMES).filter_map(code).filter(|code| code.count > 0).collect();
    codes.sort_by_key(|code| std::cmp::Reverse(code.count));
    codes
}

/// The value of a point, if it has one.
type Value<'v> = &'v dyn Fn(&Point) -> Option<f64>;

impl Chart {
    fn draw(
        title: &'static str,
        points: &[Point],
        name: impl Fn(f64) -> String,
        lines: [(&'static str, &'static str, Value<'_>); 2],
    ) -> Self {
        let values = |value: Value<'_>| points.iter().map(value).collect::<Vec<_>>();
        let lines = lines.map(|(class, name, value)| (class, name, values(value)));
        let all = lines.iter().flat_map(|(_, _, values)| values.iter().flatten());
        let top = round_up(all.fold(0.0, |most: f64, value| most.max(*value)));
        let height = |value: f64| TOP + (HEIGHT - BOTTOM - TOP) * (1.0 - value / top);
        let place = |at: usize| {
            LEFT + (WIDTH - LEFT) * at as f64 / points.len().saturating_sub(1).max(1) as f64
        };
        let line = |(class, name, values): &(&'static str, &'static str, Vec<Option<f64>>)| {
            let pieces = values.iter().enumerate().collect::<Vec<_>>();
            let pieces =
                pieces.split(|(_, value)| value.is_none()).filter(|piece| !piece.is_empty());
            let spot = |(at, value): &(usize, &Option<f64>)| {
                format!("{:.1},{:.1}", place(*at), height(value.unwrap_or_default()))
            };
            // One point alone is a line to itself, which a round cap makes a dot.
            let piece = |piece: &[(usize, &Option<f64>)]| {
                let once = piece.iter().map(spot);
                let twice = once.chain(piece.first().filter(|_| piece.len() == 1).map(spot));
                twice.collect::<Vec<_>>().join(" ")
            };
            Line { class, name, pieces: pieces.map(piece).collect() }
        };
        let grid = [0.0, top / 2.0, top].map(|value| (height(value), name(value)));
        let clocks = [0, points.len() / 2, points.len().saturating_sub(1)];
        let clocks = clocks.map(|at| {
            (place(at), points.get(at).map(|point| point.clock.clone()).unwrap_or_default())
        });
        let lines = lines.iter().map(line).collect();
        Self { title, grid: grid.into(), clocks: clocks.into(), lines }
    }
}

/// The next of 1, 2, 5, 10, … that is not less.
fn round_up(most: f64) -> f64 {
    if most <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(most.log10().floor());
    let steps = [1.0, 2.0, 5.0].map(|step| step * power);
    steps.into_iter().find(|step| *step >= most).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_round_number() {
        for (most, end) in [(0.0, 1.0), (0.03, 0.05), (1.0, 1.0), (7.0, 10.0), (1001.0, 2000.0)] {
            assert!((round_up(most) - end).abs() < 1e-9, "{most}");
        }
    }
}
