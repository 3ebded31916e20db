//! The invitation: `danso enrol` as the user who owns the node's folder, so that the service can read its keys.

use super::{
    dialogue::{Dialogue, Question},
    writing::enrol_command,
};
use crate::{
    cli::failure::Failure,
    transport::tls::{Keys, Trust},
};
use danso_tier_config::NodeConfig;
use std::{
    io::{self, Write},
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::Path,
    process::{Command, Stdio},
    time::SystemTime,
};

/// Enrols with the invitation that an option gave, or that the operator of a node that is not enrolled yet pastes.
/// True where the node is enrolled, now or since before. Errors: `setup_enrol`; what was written stays, and the command
/// to repeat is named.
pub(super) fn enrol(
    config: &NodeConfig,
    out: &Path,
    token: Option<&str>,
    dialogue: &mut dyn Dialogue,
) -> Result<bool, Failure> {
    let question = Question {
        vietnamese: "Dán giấy mời của cấp trên (danso-invite-1...) để ghi danh ngay; nhấn Enter nếu để sau.",
        english: "Paste the invitation of the office above (danso-invite-1...) to enrol now; Enter to do it later.",
        option: "--token",
        proposal: Some(""),
    };
    let token = match token {
        Some(token) => token.to_owned(),
        None if is_enrolled(config) => return Ok(true),
        None if config.parent.is_none() => return Ok(false),
        None => dialogue.ask(&question)?,
    };
    if token.is_empty() {
        return Ok(false);
    }
    let failed = |why: String| {
        let sentence = format!(
            "the file is written, but the node was not enrolled: {why}; again with: {}",
            enrol_command(out)
        );
        Failure::told("setup_enrol", sentence)
    };
    let ended = run(config, out, &token).map_err(|error| failed(error.to_string()))?;
    if ended { Ok(true) } else { Err(failed("see above".to_owned())) }
}

/// Whether the key folder holds a certificate of this unit; its dates do not matter here.
fn is_enrolled(config: &NodeConfig) -> bool {
    let keys = Keys::read_whenever(&config.keys, SystemTime::now(), &Trust::default());
    keys.is_ok_and(|keys| keys.require_node(config.unit).is_ok())
}

/// `danso enrol` with the invitation on its standard input, where no list of processes shows it.
fn run(config: &NodeConfig, out: &Path, token: &str) -> io::Result<bool> {
    let home = config.keys.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(home)?;
    let owner = std::fs::metadata(home)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("enrol").arg("--config").arg(out).args(["--token", "-"]).stdin(Stdio::piped());
    // Files made here belong to this user; where the folder belongs to another one, only root can act for that one.
    let own = std::fs::metadata("/proc/self")?;
    if own.uid() == 0 && owner.uid() != 0 {
        command.uid(owner.uid()).gid(owner.gid());
    }
    let mut child = command.spawn()?;
    let told = child.stdin.take().map_or(Ok(()), |mut input| input.write_all(token.as_bytes()));
    let ended = child.wait()?;
    Ok(told.is_ok() && ended.success())
}
