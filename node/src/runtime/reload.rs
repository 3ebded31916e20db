//! SIGHUP: keys and certificates are read again at once, and what a running node takes of its file.

use super::start::Running;
use crate::operations::Actor;
use danso_core::chain::Deed;
use danso_tier_config::NodeConfig;
use std::path::Path;

/// Reads keys and the node's file again. What of the file is new and can be taken is in force on return; what needs a
/// restart is named; a file with faults changes nothing. All of it is told in the log.
pub(super) async fn reload(running: &Running, file: &Path) {
    tracing::info!(file = %file.display(), "a reload was asked for");
    running.keeper.reload(&running.node);
    let config = match NodeConfig::load(file) {
        Ok(config) => config,
        Err(faults) => {
            for fault in &faults.0 {
                tracing::error!(code = fault.code, %fault, vietnamese = fault.vietnamese(), "the node's file has a fault");
            }
            let faults = faults.0.len();
            tracing::error!(
                code = "reload_refused",
                faults,
                "nothing of the node's file was taken: the settings in force stay / giữ nguyên thiết lập đang dùng"
            );
            return;
        }
    };
    let mut waiting = running.node.config.differences(&config);
    let mut noted = Vec::new();
    for change in running.node.take_limits(&config.limits) {
        let (limit, from, to) = (change.field.name, change.from, change.to);
        if change.field.live {
            tracing::info!(limit, from, to, "a limit has changed and is in force");
            noted.push(format!("{limit} {to}"));
        } else {
            waiting.push(format!("limits.{limit}"));
        }
    }
    // The limit may be the room's.
    running.node.look_at_room();
    for setting in waiting {
        tracing::warn!(
            code = "restart_needed",
            setting,
            "this setting has changed in the node's file and waits for a restart / cần khởi động lại"
        );
    }
    if !noted.is_empty() {
        let words = format!("limits by reload: {}", noted.join(", "));
        if let Err(error) = running.node.note(&Actor::local(), Deed::ConfigurationChanged, words).await {
            tracing::error!(code = error.code(), %error, "the change of limits is not in the audit log");
        }
    }
    tracing::info!("reloaded");
}
