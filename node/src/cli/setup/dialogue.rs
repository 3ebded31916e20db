//! Questions and who answers them: a person at a terminal, or nobody.

use crate::cli::{failure::Failure, output, sheet::plain};
use danso_tier_config::limits::SETUP_ANSWER_BYTES_MAX;
use std::io::{BufRead, Read};

/// A question, with what is taken when the answer is empty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub vietnamese: &'a str,
    pub english: &'a str,
    /// The option that answers it without being asked.
    pub option: &'a str,
    /// `None` where there is no sensible proposal.
    pub proposal: Option<&'a str>,
}

/// Who answers.
pub(super) trait Dialogue {
    /// Shows lines that are no question.
    fn say(&mut self, text: &str);
    /// The answer without blanks at its ends, or the proposal where that is empty. Fails with `setup_incomplete`
    /// where nobody answers.
    fn ask(&mut self, question: &Question<'_>) -> Result<String, Failure>;
    /// Whether another answer may come after a wrong one.
    fn answers_again(&self) -> bool;
}

/// The first right answer: what an option gave, else what is asked for until it is right.
pub(super) fn insist<T>(
    dialogue: &mut dyn Dialogue,
    question: &Question<'_>,
    given: Option<&str>,
    read: &mut dyn FnMut(&str) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut answer = match given {
        Some(given) => given.to_owned(),
        None => dialogue.ask(question)?,
    };
    loop {
        match read(&answer) {
            Err(failure) if dialogue.answers_again() => {
                dialogue.say(&told(&failure));
                answer = dialogue.ask(question)?;
            }
            read => return read,
        }
    }
}

/// What is wrong, without the page: the question comes again at once.
pub(super) fn told(failure: &Failure) -> String {
    let lines = failure.lines();
    let wrong: Vec<&str> =
        lines.iter().map(String::as_str).filter(|line| !line.starts_with("see ")).collect();
    wrong.join("\n")
}

/// Yes or no; `None` for anything else.
pub(super) fn yes_or_no(answer: &str) -> Option<bool> {
    match answer.to_lowercase().as_str() {
        "y" | "yes" | "c" | "co" | "có" => Some(true),
        "n" | "no" | "k" | "khong" | "không" => Some(false),
        _ => None,
    }
}

/// A question that is answered by yes or no.
pub(super) fn agrees(dialogue: &mut dyn Dialogue, question: &Question<'_>) -> Result<bool, Failure> {
    insist(dialogue, question, None, &mut |answer| {
        let sentence = format!("gõ c hoặc k / type y or n, not `{}`", plain(answer));
        yes_or_no(answer).ok_or(Failure::Usage(sentence))
    })
}

/// A person at a terminal. All is said on stderr: stdout holds what to type next.
pub(super) struct AtTerminal;

impl Dialogue for AtTerminal {
    fn say(&mut self, text: &str) {
        text.lines().for_each(|line| output::note(plain(line)));
    }

    fn ask(&mut self, question: &Question<'_>) -> Result<String, Failure> {
        self.say(&format!("\n{}\n{}", question.vietnamese, question.english));
        match question.proposal {
            Some(proposal) if !proposal.is_empty() => {
                output::prompt(format_args!("[{}] > ", plain(proposal)));
            }
            _ => output::prompt("> "),
        }
        let mut line = String::new();
        let mut input = std::io::stdin().lock().take(SETUP_ANSWER_BYTES_MAX as u64);
        let read = input.read_line(&mut line).unwrap_or(0);
        if read == 0 {
            return Err(unanswered(question, "the input ended"));
        }
        let answer = line.trim();
        Ok(if answer.is_empty() { question.proposal.unwrap_or_default() } else { answer }.to_owned())
    }

    fn answers_again(&self) -> bool {
        true
    }
}

/// Nobody: proposals are taken, and what has none is a failure.
pub(super) struct Silent;

impl Dialogue for Silent {
    fn say(&mut self, _: &str) {}

    fn ask(&mut self, question: &Question<'_>) -> Result<String, Failure> {
        let proposal = question.proposal.map(str::to_owned);
        proposal.ok_or_else(|| unanswered(question, "nobody is asked"))
    }

    fn answers_again(&self) -> bool {
        false
    }
}

fn unanswered(question: &Question<'_>, why: &str) -> Failure {
    let sentence = format!(
        "{why} and {} is not given: {} / {}; nothing was written",
        question.option, question.english, question.vietnamese
    );
    Failure::told("setup_incomplete", sentence)
}
