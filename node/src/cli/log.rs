//! The log on stderr: one line for each event, whatever a peer or a file has put into its fields.

use crate::operations::forms::is_invisible;
use std::{
    env,
    fmt::Write as _,
    io::{self, Write},
};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// How events are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// Lines for people.
    #[default]
    Plain,
    /// JSON objects with the same fields, one a line.
    Json,
}

/// Environment variable with the levels from which is logged.
const LEVELS: &str = "DANSO_LOG";

/// Logs from `level` on, unless the environment variable `DANSO_LOG` says otherwise.
pub(super) fn to_stderr(level: &str, format: Format) {
    let said = env::var(LEVELS).ok();
    let understood = said.as_deref().map(EnvFilter::try_new);
    let misunderstood = matches!(understood, Some(Err(_)));
    let filter = understood.and_then(Result::ok).unwrap_or_else(|| EnvFilter::new(level));
    let lines = Lines { to: io::stderr, format };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(lines);
    match format {
        Format::Plain => log.init(),
        Format::Json => {
            log.json().flatten_event(true).with_current_span(false).with_span_list(false).init();
            std::panic::set_hook(Box::new(|panic| {
                let place = panic.location().map(ToString::to_string).unwrap_or_default();
                let cause = panic.payload_as_str().unwrap_or_default();
                tracing::error!(place, cause, "a thread panicked");
            }));
        }
    }
    if misunderstood {
        tracing::warn!(
            instead = level,
            "{LEVELS} is not understood, as if it were not set; try error, warn, info or debug"
        );
    }
}

/// Passes on each event as one line: line ends within it, and letters that nobody sees, are escaped. The
/// subscriber hands over each event whole, in one write.
#[derive(Clone)]
struct Lines<W> {
    to: W,
    format: Format,
}

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Lines<W> {
    type Writer = Line<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Line { to: self.to.make_writer(), format: self.format }
    }
}

struct Line<W> {
    to: W,
    format: Format,
}

impl<W: Write> Write for Line<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let mut line = String::with_capacity(text.len() + 1);
        for letter in text.chars() {
            match self.format {
                _ if !is_invisible(letter) => line.push(letter),
                Format::Plain => line.extend(letter.escape_unicode()),
                // All of them stand within strings.
                Format::Json => letter.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                    write!(line, "\\u{unit:04x}").expect("writing to memory cannot fail");
                }),
            }
        }
        line.push('\n');
        self.to.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Kept {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    const SAID: &str =
        "no\n2026-01-01T00:00:00Z  INFO danso: all is well\r\u{1b}[2J\u{9b}K\u{202e}\u{e0041}Hòa";

    #[test]
    fn an_event_is_one_line_whatever_a_peer_says() {
        let kept = Kept::default();
        let writer = kept.clone();
        let lines = Lines { to: move || writer.clone(), format: Format::Plain };
        let subscriber = tracing_subscriber::fmt().with_writer(lines).finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(error = SAID, "a link ended");
            tracing::warn!(error = %SAID, "a link ended");
        });
        let text = kept.text();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.lines().all(|line| line.contains("a link ended") && line.contains("all is well")));
        assert!(!text.replace('\n', "").chars().any(is_invisible), "{text}");
    }

    #[test]
    fn a_json_line_gives_back_every_letter_and_shows_none_that_nobody_sees() {
        let kept = Kept::default();
        let writer = kept.clone();
        let lines = Lines { to: move || writer.clone(), format: Format::Json };
        let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(lines).finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(error = SAID, delay_ms = 7, "a link ended");
        });
        let text = kept.text();
        assert!(!text.trim_end().chars().any(is_invisible), "{text}");
        let line: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
        assert_eq!((&line["error"], &line["message"]), (&SAID.into(), &"a link ended".into()));
        assert_eq!((&line["level"], &line["delay_ms"]), (&"WARN".into(), &7.into()));
    }
}
