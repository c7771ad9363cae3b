//! Curves as SVG, for a page that is read where nothing draws.

use std::fmt::Write as _;
use std::path::Path;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 320.0;
/// Room for what stands beside the curves.
const LEFT: f64 = 60.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 60.0;
const BOTTOM: f64 = 45.0;
/// Lines across, at round figures.
const LINES: u32 = 5;
/// Told apart by those who do not tell red from green.
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

pub struct Curve {
    pub name: &'static str,
    /// Ascending.
    pub points: Vec<(f64, f64)>,
}

pub struct Plot {
    pub title: &'static str,
    /// What is counted from left to right.
    pub across: &'static str,
    pub curves: Vec<Curve>,
}

impl Plot {
    /// Draws it from nought upwards.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, self.svg()?)?;
        Ok(())
    }

    fn svg(&self) -> Result<String, std::fmt::Error> {
        let points = || self.curves.iter().flat_map(|curve| &curve.points);
        let least = points().map(|(x, _)| *x).fold(f64::INFINITY, f64::min);
        let most = points().map(|(x, _)| *x).fold(f64::NEG_INFINITY, f64::max);
        let step = round_up(points().map(|(_, y)| *y).fold(0.0, f64::max) / f64::from(LINES));
        let x = |x: f64| LEFT + (x - least) / (most - least) * (WIDTH - LEFT - RIGHT);
        let floor = HEIGHT - BOTTOM;
        let y = |y: f64| floor - y / (step * f64::from(LINES)) * (floor - TOP);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
             <text x=\"{LEFT}\" y=\"20\" font-size=\"14\">{}</text>\n",
            self.title
        );
        for line in 0..=LINES {
            let figure = step * f64::from(line);
            let at = y(figure);
            writeln!(
                svg,
                "<path d=\"M{LEFT} {at:.1}H{:.1}\" stroke=\"#ddd\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{figure:.2}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                at + 4.0
            )?;
        }
        for (name, at, anchor) in
            [(format!("{least:.0}"), LEFT, "start"), (format!("{most:.0}"), WIDTH - RIGHT, "end")]
        {
            writeln!(
                svg,
                "<text x=\"{at}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{name}</text>",
                floor + 16.0
            )?;
        }
        let (middle, foot) = ((LEFT + WIDTH - RIGHT) / 2.0, floor + 34.0);
        let across = self.across;
        writeln!(svg, "<text x=\"{middle}\" y=\"{foot}\" text-anchor=\"middle\">{across}</text>")?;
        let mut name_at = LEFT;
        for (curve, colour) in self.curves.iter().zip(COLOURS) {
            let path: Vec<_> = curve
                .points
                .iter()
                .map(|(px, py)| format!("{:.1} {:.1}", x(*px), y(*py)))
                .collect();
            writeln!(
                svg,
                "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
                 <text x=\"{name_at:.1}\" y=\"42\" fill=\"{colour}\">{}</text>",
                path.join("L"),
                curve.name
            )?;
            name_at += 20.0 + 7.0 * curve.name.len() as f64;
        }
        svg.push_str("</svg>\n");
        Ok(svg)
    }
}

/// The next 1, 2 or 5 of some power of ten.
fn round_up(figure: f64) -> f64 {
    let power = 10.0_f64.powf(figure.max(f64::MIN_POSITIVE).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|times| times * power);
    steps.into_iter().find(|step| *step >= figure).unwrap_or(power * 10.0)
}
