//! What is written, shown before, and what is typed next.

use super::{
    INSTALLED_FILE,
    answers::Answers,
    dialogue::{Dialogue, Question, agrees},
};
use crate::cli::{
    failure::Failure,
    files::{self, Access},
};
use danso_tier_config::{NodeConfig, limits::DIRECTORY_BYTES_MAX};
use std::{
    fs::Permissions,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// A file to be written.
struct Planned<'a> {
    path: PathBuf,
    bytes: Vec<u8>,
    /// What a node's file says; the list of units has none.
    config: Option<&'a NodeConfig>,
}

impl Planned<'_> {
    /// `None` where there is no file, else whether it says the same: comments and order are the operator's.
    fn is_there_already(&self) -> Option<bool> {
        let same = |bytes| bytes == self.bytes;
        self.path.exists().then(|| match self.config {
            Some(config) => NodeConfig::load(&self.path).is_ok_and(|found| found == *config),
            None => std::fs::read(&self.path).is_ok_and(same),
        })
    }
}

/// Shows and writes the node's file and the list of units beside its data; both durable on return. What is there
/// already stays. False where the operator does not want it. Errors: `setup_exists` where a file says something else,
/// nobody can be asked and `overwrite` does not allow it.
pub(super) fn write(
    answers: &Answers,
    out: &Path,
    overwrite: bool,
    dialogue: &mut dyn Dialogue,
) -> Result<bool, Failure> {
    let base = out.parent().unwrap_or(Path::new("/"));
    let text = answers.config.to_toml(base);
    let mut planned = vec![Planned {
        path: out.to_path_buf(),
        bytes: text.clone().into_bytes(),
        config: Some(&answers.config),
    }];
    if let Some(list) = &answers.list {
        let bytes = files::read(list, DIRECTORY_BYTES_MAX)?;
        planned.push(Planned { path: answers.config.directory.clone(), bytes, config: None });
    }
    dialogue.say(&format!("\n{}\n\n{text}", answers.unit_shown));
    planned.retain(|file| {
        let same = file.is_there_already() == Some(true);
        if same {
            dialogue.say(&format!("{}: đã có, giữ nguyên / already so, unchanged", file.path.display()));
        }
        !same
    });
    for file in &planned {
        if !may_be_written(file, overwrite, dialogue)? {
            return Ok(false);
        }
    }
    for file in &planned {
        put(file)?;
        dialogue.say(&format!("đã ghi / wrote {}", file.path.display()));
    }
    Ok(true)
}

fn may_be_written(file: &Planned<'_>, overwrite: bool, dialogue: &mut dyn Dialogue) -> Result<bool, Failure> {
    let path = file.path.display();
    if file.is_there_already().is_none() {
        let (vietnamese, english) = (format!("Ghi tệp {path}? (c/k)"), format!("Write {path}? (y/n)"));
        let question =
            Question { vietnamese: &vietnamese, english: &english, option: "--yes", proposal: Some("c") };
        return agrees(dialogue, &question);
    }
    if overwrite {
        return Ok(true);
    }
    if !dialogue.answers_again() {
        let sentence =
            format!("{path} is there and says something else; --overwrite replaces it and keeps it as .old");
        return Err(Failure::told("setup_exists", sentence));
    }
    let vietnamese = format!("{path} đã có với nội dung khác. Thay? (c/k; tệp cũ giữ lại với đuôi .old)");
    let english =
        format!("{path} is there and says something else. Replace it? (y/n; the former is kept as .old)");
    let question =
        Question { vietnamese: &vietnamese, english: &english, option: "--overwrite", proposal: Some("k") };
    agrees(dialogue, &question)
}

fn put(file: &Planned<'_>) -> Result<(), Failure> {
    let refused = |path: &Path, error: std::io::Error| {
        Failure::told("file_unwritable", format!("cannot write {}: {error}", path.display()))
    };
    if let Some(folder) = file.path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| refused(folder, error))?;
    }
    if file.path.exists() {
        let old = file.path.with_added_extension("old");
        std::fs::copy(&file.path, &old).map_err(|error| refused(&old, error))?;
    }
    files::write(&file.path, Access::Anyone, |out| out.write_all(&file.bytes))?;
    // The node's own user reads them, whatever the umask of the one who types; nothing in them is secret.
    std::fs::set_permissions(&file.path, Permissions::from_mode(0o644))
        .map_err(|error| refused(&file.path, error))
}

/// The command before which `danso` of an installed node is typed: its files belong to a user of their own.
fn as_owner(out: &Path) -> &'static str {
    if out == Path::new(INSTALLED_FILE) { "sudo -u danso " } else { "" }
}

/// How to enrol by hand.
pub(super) fn enrol_command(out: &Path) -> String {
    format!("{}danso enrol --config {} --token -", as_owner(out), shell_word(out))
}

/// What is typed next, one command after its explanation.
pub(super) fn next_steps(config: &NodeConfig, out: &Path, enrolled: bool) -> String {
    let (owner, file) = (as_owner(out), shell_word(out));
    let mut steps = vec![("Xem lại / check", format!("danso config check {file}"))];
    if !enrolled {
        steps.push(match &config.parent {
            None => {
                let root = shell_word(&config.data.with_file_name("root"));
                (
                    "Tạo gốc tin cậy / make the root of trust",
                    format!("{owner}danso authority init --config {file} --root {root}"),
                )
            }
            Some(_) => (
                "Ghi danh, rồi dán giấy mời và nhấn Ctrl-D / enrol: paste the invitation, then Ctrl-D",
                enrol_command(out),
            ),
        });
    }
    let run = if owner.is_empty() {
        format!("danso run --config {file}")
    } else {
        "sudo systemctl enable --now danso".to_owned()
    };
    steps.push(("Chạy / run", run));
    steps.push(("Xem tình trạng / look at it", format!("{owner}danso status --config {file}")));
    let lines = steps.iter().map(|(what, command)| format!("# {what}\n{command}\n"));
    format!("Tiếp theo / next:\n{}", lines.collect::<String>())
}

/// A path as a shell takes it.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.chars().all(|letter| letter.is_ascii_alphanumeric() || "/._-@+:".contains(letter));
    if plain { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
