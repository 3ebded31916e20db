//! How figures grow with a size: lines on a double logarithmic plot (SVG), each relative to its first point, and the
//! exponent of the power that fits each.

use std::{fmt::Write as _, fs, path::Path};

/// One figure at each size.
pub struct Curve {
    /// What was measured, with its unit.
    pub name: String,
    pub values: Vec<f64>,
}

impl Curve {
    fn relative(&self) -> impl Iterator<Item = f64> {
        self.values.iter().map(|value| value / self.values[0])
    }
}

/// Where sizes and relative values lie in the picture.
struct Scale {
    first: f64,
    across: f64,
    least: f64,
    most: f64,
}

impl Scale {
    fn x(&self, size: f64) -> f64 {
        LEFT + (size / self.first).ln() / self.across.ln() * (RIGHT - LEFT)
    }

    fn y(&self, times: f64) -> f64 {
        BOTTOM - (times / self.least).ln() / (self.most / self.least).ln() * (BOTTOM - TOP)
    }
}

/// Figures over one size.
pub struct Plot {
    pub title: String,
    /// What the sizes are.
    pub size: String,
    pub sizes: Vec<f64>,
    pub curves: Vec<Curve>,
}

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 480.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 380.0;
const COLOURS: [&str; 8] =
    ["#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#d68910", "#148f8f", "#7f5539", "#566573"];

/// The slope of the line through the logarithms (least squares): 1 is linear.
pub fn exponent(sizes: &[f64], values: &[f64]) -> f64 {
    let points: Vec<(f64, f64)> = sizes.iter().zip(values).map(|(x, y)| (x.ln(), y.ln())).collect();
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let above: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    above / points.iter().map(|point| (point.0 - x).powi(2)).sum::<f64>()
}

/// The part of the value that does not come from the size, and what each unit of size adds (least squares).
pub fn straight(sizes: &[f64], values: &[f64]) -> (f64, f64) {
    let count = sizes.len() as f64;
    let (x, y) = (sizes.iter().sum::<f64>() / count, values.iter().sum::<f64>() / count);
    let above: f64 = sizes.iter().zip(values).map(|(size, value)| (size - x) * (value - y)).sum();
    let slope = above / sizes.iter().map(|size| (size - x).powi(2)).sum::<f64>();
    (y - slope * x, slope)
}

/// A number as people read it.
pub fn short(number: f64) -> String {
    match number.abs() {
        0.0..0.095 => format!("{number:.3}"),
        0.095..9.95 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

impl Plot {
    /// Writes the picture as `NAME.svg`.
    pub fn write(&self, folder: &Path, name: &str) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(format!("{name}.svg")), self.svg()).unwrap();
    }

    fn svg(&self) -> String {
        let across = *self.sizes.last().unwrap() / self.sizes[0];
        let all = self.curves.iter().flat_map(Curve::relative);
        let (least, most) =
            all.fold((1.0, across), |(least, most): (f64, f64), one| (least.min(one), most.max(one)));
        let scale = Scale { first: self.sizes[0], across, least, most };
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n\
             <text x=\"{LEFT}\" y=\"25\" font-size=\"15\">{}</text>\n",
            self.title
        );
        self.axes(&scale, &mut svg);
        for (place, curve) in self.curves.iter().enumerate() {
            self.curve(&scale, curve, place, &mut svg);
        }
        let (x, from, to) = (RIGHT + 20.0, scale.y(1.0), scale.y(across));
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {from:.1}L{RIGHT} {to:.1}\" stroke=\"#999\" stroke-dasharray=\"5 4\"/>\
             <text x=\"{x}\" y=\"{BOTTOM}\" fill=\"#999\">dashed: linear</text>\n</svg>"
        );
        svg
    }

    fn axes(&self, scale: &Scale, svg: &mut String) {
        let (x, y) = (f64::midpoint(LEFT, RIGHT), f64::midpoint(TOP, BOTTOM));
        let (below, name_at) = (BOTTOM + 18.0, BOTTOM + 40.0);
        for size in &self.sizes {
            let at = scale.x(*size);
            let _ = writeln!(
                svg,
                "<path d=\"M{at:.1} {TOP}V{BOTTOM}\" stroke=\"#ddd\"/>\
                 <text x=\"{at:.1}\" y=\"{below}\" text-anchor=\"middle\">{size}</text>"
            );
        }
        let powers = (-20..20).map(|power| 2_f64.powi(power));
        for times in powers.filter(|times| (scale.least..=scale.most).contains(times)) {
            let (left, at, middle) = (LEFT - 6.0, scale.y(times), scale.y(times) + 4.0);
            let _ = writeln!(
                svg,
                "<path d=\"M{LEFT} {at:.1}H{RIGHT}\" stroke=\"#ddd\"/>\
                 <text x=\"{left}\" y=\"{middle:.1}\" text-anchor=\"end\">{times}</text>"
            );
        }
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{name_at}\" text-anchor=\"middle\">{}</text>\
             <text transform=\"translate(20 {y}) rotate(-90)\" text-anchor=\"middle\">times its first value</text>",
            self.size
        );
    }

    fn curve(&self, scale: &Scale, curve: &Curve, place: usize, svg: &mut String) {
        let colour = COLOURS[place % COLOURS.len()];
        let points = self.sizes.iter().zip(curve.relative());
        let points: Vec<String> =
            points.map(|(size, times)| format!("{:.1},{:.1}", scale.x(*size), scale.y(times))).collect();
        let ends = [curve.values[0], *curve.values.last().unwrap()].map(short);
        let (x, y) = (RIGHT + 20.0, TOP + 40.0 * place as f64 + 10.0);
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"{x}\" y=\"{y}\" fill=\"{colour}\">{}</text>\
             <text x=\"{x}\" y=\"{}\" fill=\"#444\">{} to {}, power {:.2}</text>",
            points.join(" "),
            curve.name,
            y + 15.0,
            ends[0],
            ends[1],
            exponent(&self.sizes, &curve.values)
        );
    }
}
