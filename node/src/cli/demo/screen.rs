//! What the person sees: a table redrawn in place on a terminal, plain lines elsewhere.

use super::{
    layout::Layout,
    look::{Counts, Link, Look},
};
use crate::cli::{
    failure::Failure,
    output,
    sheet::{Sheet, Side},
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

/// The screen; what was drawn in place is taken away with the value.
pub(super) struct Screen {
    /// The place that is drawn again and again; `None` where stdout is no terminal.
    drawn: Option<ProgressBar>,
}

impl Screen {
    /// Stdout, whatever it is.
    pub fn new() -> Self {
        let drawn = std::io::stdout().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{msg}").expect("the template names a known key");
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout()).with_style(style)
        });
        Self { drawn }
    }

    /// Whether somebody looks on.
    pub fn is_live(&self) -> bool {
        self.drawn.is_some()
    }

    /// Draws the table in place of the last one; elsewhere than on a terminal nothing.
    pub fn draw(&self, layout: &Layout, headline: &str, look: &Look) {
        if let Some(drawn) = &self.drawn {
            drawn.set_message(format!("\n{headline}\n\n{}", table(layout, look)));
            drawn.tick();
        }
    }

    /// Shows the table once and for all, or in place on a terminal.
    pub fn show(&self, layout: &Layout, headline: &str, look: &Look) -> Result<(), Failure> {
        self.draw(layout, headline, look);
        if self.is_live() { Ok(()) } else { self.say(&format!("\n{headline}\n{}\n", table(layout, look))) }
    }

    /// Writes lines that stay, above what is drawn.
    pub fn say(&self, text: &str) -> Result<(), Failure> {
        match &self.drawn {
            Some(drawn) => drawn.suspend(|| output::data(&format!("{text}\n"))),
            None => output::data(&format!("{text}\n")),
        }
    }

    /// Leaves the last table where it stands and draws no more.
    pub fn finish(&mut self, layout: &Layout, look: &Look) -> Result<(), Failure> {
        if let Some(drawn) = self.drawn.take() {
            drawn.finish_and_clear();
            output::data(&format!("\n{}\n\n", table(layout, look)))?;
        }
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if let Some(drawn) = &self.drawn {
            drawn.finish_and_clear();
        }
    }
}

/// All nodes as rows, and central's counts below.
fn table(layout: &Layout, look: &Look) -> String {
    let mut sheet = Sheet::new([
        ("node", Side::Left),
        ("batches", Side::Right),
        ("changes", Side::Right),
        ("behind", Side::Right),
        ("release", Side::Right),
        ("line upward", Side::Left),
    ]);
    for (site, node) in layout.sites.iter().zip(&look.nodes) {
        let release = if node.release == 0 { "-".to_owned() } else { node.release.to_string() };
        sheet.push([
            format!("{}{}", "  ".repeat(site.depth), site.unit.name),
            thousands(node.batches),
            thousands(node.changes),
            thousands(node.behind()),
            release,
            match &node.link {
                Link::Top => "-".to_owned(),
                Link::Linked => "linked".to_owned(),
                Link::Broken(code) if code.is_empty() => "linking".to_owned(),
                Link::Broken(code) => format!("CUT ({code})"),
            },
        ]);
    }
    format!("{}\n{}", sheet.table(), counts(&look.counts))
}

/// Central's counts with their coverage.
fn counts(counts: &Counts) -> String {
    let number = |count: i64| thousands(count.unsigned_abs());
    let Counts { population, births, deaths, reported, expected, late } = counts;
    let late = if late.is_empty() { String::new() } else { format!(", late: {}", late.join(", ")) };
    format!(
        "central counts  population {}, births {}, deaths {}\ncoverage        {reported} of {expected} communes{late}",
        number(*population),
        number(*births),
        number(*deaths)
    )
}

/// A number with a comma between thousands.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod unit_tests {
    use super::{
        super::{folder::Folder, look::Standing, tiers::Tiers},
        *,
    };

    #[test]
    fn the_table_shows_lag_cut_line_and_coverage() {
        let folder = Folder::temporary().unwrap();
        let layout = Layout::plan(Tiers::Four, &folder, Some(7_400)).unwrap();
        let (cut, _) = layout.cut();
        let standing = |at: usize| Standing {
            batches: 3,
            changes: 12_345,
            missing: vec![(cut, if at == 0 || at == cut { 1_234 } else { 0 })],
            release: 0,
            link: match at {
                0 => Link::Top,
                at if at == cut => Link::Broken("net_closed".to_owned()),
                _ => Link::Linked,
            },
        };
        let counts = Counts {
            population: 8_000,
            births: 12,
            deaths: 3,
            reported: 3,
            expected: 4,
            late: vec!["Phường Đồng Xuân".to_owned()],
        };
        let look = Look { nodes: (0..layout.sites.len()).map(standing).collect(), counts };
        let text = table(&layout, &look);
        assert!(
            text.contains("\n      Phường Đồng Xuân        3   12,345   1,234        -  CUT (net_closed)\n"),
            "{text}"
        );
        assert!(text.ends_with("coverage        3 of 4 communes, late: Phường Đồng Xuân"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() < 80), "{text}");
        assert!(!look.is_settled(None) && look.is_settled(Some(cut)) && !look.is_linked());
    }

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(thousands(number), text);
        }
    }
}
