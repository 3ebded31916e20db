//! Why a command ended without its result, how that is shown, and the exit code.

use super::{output, sheet::plain};
use crate::{
    runtime::{RuntimeError, keys::LedgerKeyError},
    store::StoreError,
    transport::{authority::AuthorityError, client::ClientError, tls::TlsError},
};
use danso_tier_config::Faults;
use std::{collections::BTreeSet, error::Error, io, process::ExitCode};

/// What a command that did its work came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All of it.
    Done,
    /// An import recorded what it could; some rows were refused.
    SomeRowsRefused,
}

/// Why a command ended without its result.
#[derive(Debug)]
pub(super) enum Failure {
    /// One cause with its stable code and sentence.
    Told {
        /// Stable code.
        code: String,
        /// Lower case, one line, no full stop.
        sentence: String,
    },
    /// Everything that is wrong in files that people write.
    Faults(Faults),
    /// Arguments that contradict each other.
    Usage(String),
    /// Stdout took nothing more.
    Output(io::Error),
}

impl Failure {
    /// A failure with one cause.
    pub fn told(code: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self::Told { code: code.into(), sentence: sentence.into() }
    }

    /// A failure with one cause, its sentence being that of an error and its sources.
    pub fn of(code: impl Into<String>, error: &dyn Error) -> Self {
        let sources = std::iter::successors(error.source(), |error| (*error).source());
        let sentence = sources.fold(error.to_string(), |line, source| format!("{line}: {source}"));
        Self::told(code, sentence)
    }

    /// The lines for stderr, the last ones naming the pages that help.
    pub fn lines(&self) -> Vec<String> {
        let page = |code: &str| format!("see deploy/runbooks/{code}.md");
        match self {
            Self::Told { code, sentence } => vec![format!("error[{code}]: {sentence}"), page(code)],
            Self::Faults(Faults(faults)) => {
                let told = faults.iter().map(|fault| format!("error: {fault} / {}", fault.vietnamese()));
                let codes: BTreeSet<&str> = faults.iter().map(|fault| fault.code).collect();
                told.chain(codes.into_iter().map(page)).collect()
            }
            Self::Usage(sentence) => vec![format!("error: {sentence}"), "see danso help".to_owned()],
            Self::Output(error) => vec![format!("error[output_failed]: cannot write the result: {error}")],
        }
    }

    /// Shows the failure and gives the exit code. A closed stdout is the reader's choice and no failure.
    pub fn report(self) -> ExitCode {
        if matches!(&self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe) {
            return ExitCode::SUCCESS;
        }
        self.lines().iter().map(|line| plain(line)).for_each(output::note);
        if matches!(self, Self::Usage(_)) { ExitCode::from(2) } else { ExitCode::FAILURE }
    }
}

impl Failure {
    /// The same as events of the log, for a node whose log is read by programs.
    pub fn log(self) -> ExitCode {
        match &self {
            Self::Told { code, sentence } => {
                tracing::error!(code, error = sentence, "ended, see deploy/runbooks");
            }
            Self::Faults(Faults(faults)) => {
                for fault in faults {
                    tracing::error!(code = fault.code, error = %fault, "a file cannot be used, see deploy/runbooks");
                }
            }
            Self::Usage(_) | Self::Output(_) => return self.report(),
        }
        ExitCode::FAILURE
    }
}

impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        Self::Faults(faults)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::told(error.code, error.message)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::of(error.code(), &error)
    }
}

impl From<LedgerKeyError> for Failure {
    fn from(error: LedgerKeyError) -> Self {
        Self::of(error.code(), &error)
    }
}

impl From<AuthorityError> for Failure {
    fn from(error: AuthorityError) -> Self {
        Self::of(error.code(), &error)
    }
}

impl From<RuntimeError> for Failure {
    fn from(error: RuntimeError) -> Self {
        Self::of(error.code(), &error)
    }
}

impl From<TlsError> for Failure {
    fn from(error: TlsError) -> Self {
        Self::of(error.code(), &error)
    }
}
