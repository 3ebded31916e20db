//! Passwords and tokens as they come and go: from a terminal or stdin, from and into files of their owner
//! alone, never on the command line.

use super::{
    failure::Failure,
    files::{self, Access},
    output,
};
use danso_tier_config::limits::SECRET_LINE_BYTES_MAX;
use std::{
    io::{self, IsTerminal, Read},
    path::Path,
};
use zeroize::Zeroizing;

/// Where passwords are read from.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct PasswordArguments {
    /// Read passwords from stdin, one a line, without asking
    #[arg(long)]
    password_stdin: bool,
}

impl PasswordArguments {
    /// Whether passwords come on stdin.
    pub fn is_stdin(self) -> bool {
        self.password_stdin
    }

    /// One password, typed after a question.
    pub fn ask(self, question: &str) -> Result<Zeroizing<String>, Failure> {
        if self.password_stdin {
            return line_of_stdin(&mut io::stdin().lock());
        }
        if !io::stdin().is_terminal() {
            let sentence = "there is no terminal to ask for a password, give it by --password-stdin";
            return Err(Failure::Usage(sentence.to_owned()));
        }
        rpassword::prompt_password(question).map(Zeroizing::new).map_err(|error| unreadable(&error))
    }

    /// A new password, typed twice at a terminal.
    pub fn ask_new(self, question: &str) -> Result<Zeroizing<String>, Failure> {
        let password = self.ask(question)?;
        if !self.password_stdin && *self.ask("the same again: ")? != *password {
            return Err(Failure::Usage("the two passwords differ".to_owned()));
        }
        Ok(password)
    }
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::told("file_unreadable", format!("cannot read a password: {error}"))
}

/// One line, without its end, byte by byte: what follows is for the next question.
fn line_of_stdin(input: &mut dyn Read) -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(Vec::with_capacity(SECRET_LINE_BYTES_MAX));
    let mut byte = [0];
    while input.read(&mut byte).map_err(|error| unreadable(&error))? == 1 && byte != *b"\n" {
        if line.len() == SECRET_LINE_BYTES_MAX {
            return Err(Failure::Usage(format!("a password has more than {SECRET_LINE_BYTES_MAX} bytes")));
        }
        line.push(byte[0]);
    }
    text_of(&line).ok_or_else(|| Failure::Usage("no password was given, or one that is not UTF-8".to_owned()))
}

fn text_of(line: &[u8]) -> Option<Zeroizing<String>> {
    let text = std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)).ok()?;
    (!text.is_empty()).then(|| Zeroizing::new(text.to_owned()))
}

/// The session or token in a file.
pub(super) fn line_of(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let bytes = Zeroizing::new(files::read(file, SECRET_LINE_BYTES_MAX)?);
    let empty = || Failure::told("token_unknown", format!("{} holds no session or token", file.display()));
    text_of(bytes.trim_ascii()).ok_or_else(empty)
}

/// Writes a session or token into a file that its owner alone may read, or shows it once on stdout.
pub(super) fn hand_over(token: &str, file: Option<&Path>) -> Result<(), Failure> {
    match file {
        Some(file) => files::write(file, Access::Owner, |out| writeln!(out, "{token}")),
        None => output::data(&format!("{token}\n")),
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn passwords_on_stdin_are_lines() {
        let mut input = "chín con trâu\r\nsecond\n\n".as_bytes();
        assert_eq!(line_of_stdin(&mut input).unwrap().as_str(), "chín con trâu");
        assert_eq!(line_of_stdin(&mut input).unwrap().as_str(), "second");
        assert!(matches!(line_of_stdin(&mut input), Err(Failure::Usage(_))));
        let long = "x".repeat(SECRET_LINE_BYTES_MAX + 1);
        assert!(matches!(line_of_stdin(&mut long.as_bytes()), Err(Failure::Usage(_))));
    }

    #[test]
    fn a_session_is_kept_in_a_file_of_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("session");
        hand_over("danso_1_2", Some(&file)).unwrap();
        assert_eq!(line_of(&file).unwrap().as_str(), "danso_1_2");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&file, "\n").unwrap();
        let empty = line_of(&file).unwrap_err();
        assert!(matches!(empty, Failure::Told { code, .. } if code == "token_unknown"));
    }
}
