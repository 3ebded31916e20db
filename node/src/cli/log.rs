//! The log on stderr: one line for each event, whatever a peer or a file has put into its fields.

use crate::operations::forms::is_invisible;
use std::io::{self, Write};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// Logs from `level` on, unless the environment variable `DANSO_LOG` says otherwise.
pub(super) fn to_stderr(level: &str) {
    let filter = EnvFilter::try_from_env("DANSO_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(Lines(io::stderr)).init();
}

/// Passes on each event as one line: line ends within it, and letters that nobody sees, are escaped. The
/// subscriber hands over each event whole, in one write.
#[derive(Clone)]
struct Lines<W>(W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Lines<W> {
    type Writer = Line<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Line(self.0.make_writer())
    }
}

struct Line<W>(W);

impl<W: Write> Write for Line<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let mut line = String::with_capacity(text.len() + 1);
        for letter in text.chars() {
            if is_invisible(letter) { line.extend(letter.escape_unicode()) } else { line.push(letter) }
        }
        line.push('\n');
        self.0.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
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

    #[test]
    fn an_event_is_one_line_whatever_a_peer_says() {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(Lines(move || writer.clone())).finish();
        let said = "no\n2026-01-01T00:00:00Z  INFO danso: all is well\r\u{1b}[2J\u{9b}K\u{202e}Hòa";
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(error = said, "a link ended");
            tracing::warn!(error = %said, "a link ended");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.lines().all(|line| line.contains("a link ended") && line.contains("all is well")));
        assert!(!text.replace('\n', "").chars().any(is_invisible), "{text}");
    }
}
