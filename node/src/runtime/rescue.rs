//! Rescue mode: a node that cannot open its store stays up, says why and what mends it, and does nothing else.

use super::{
    error::RuntimeError,
    service,
    start::read_directory,
    stopping::{Signals, Word, drained, within_grace},
    web,
};
use crate::{
    host::Host,
    operations::now_ms,
    store::{SOFTWARE, StoreError},
    transport::{Keeper, rescue},
};
use danso_proto::v1::{NodeInfoAnswer, Rescue};
use danso_tier_config::NodeConfig;
use std::path::Path;
use tokio::sync::watch;

/// What is said about an error that keeps a store shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Words {
    code: &'static str,
    vietnamese: &'static str,
    english: &'static str,
    mend: Mend,
}

/// What mends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mend {
    /// Everything anew from the parent; the top has none and takes a backup.
    FromParent,
    /// The index anew from the ledger.
    Index,
    /// A full check that names the place.
    Verify,
    /// Something outside of the data folder, then a start.
    Start,
}

/// The errors that are met with rescue mode. All others (a full disk, a folder in use, another unit's, no
/// certificates) end the process at once: there is no damage, or nobody could be answered.
const WORDS: &[Words] = &[
    Words {
        code: "ledger_damaged",
        vietnamese: "Sổ cái trên đĩa bị hỏng. Sao chép nguyên thư mục dữ liệu sang đĩa khác, rồi dựng lại.",
        english: "the ledger on the disk is damaged; copy the data folder whole to another disk, then rebuild it",
        mend: Mend::FromParent,
    },
    Words {
        code: "ledger_missing_segment",
        vietnamese: "Thiếu một tệp của sổ cái. Tìm và đặt lại tệp đó; nếu không còn thì dựng lại.",
        english: "a file of the ledger is missing; put it back, or rebuild the folder if it is gone",
        mend: Mend::FromParent,
    },
    Words {
        code: "ledger_beyond_end",
        vietnamese: "Chỉ mục nói về phần sổ cái không có ở đây. Kiểm tra để biết hỏng ở đâu.",
        english: "the index speaks of a part of the ledger that is not here; the check names the place",
        mend: Mend::Verify,
    },
    Words {
        code: "ledger_record_unreadable",
        vietnamese: "Sổ cái có bản ghi mà phiên bản này không đọc được. Cài phiên bản mới hơn, hoặc kiểm tra.",
        english: "the ledger holds a record that this version cannot read; install a newer one, or check the folder",
        mend: Mend::Verify,
    },
    Words {
        code: "ledger_newer_format",
        vietnamese: "Sổ cái do phiên bản danso mới hơn ghi. Cài phiên bản đó rồi chạy lại.",
        english: "the ledger was written by a newer danso; install that version and start it",
        mend: Mend::Start,
    },
    Words {
        code: "ledger_io",
        vietnamese: "Đĩa không đọc hoặc ghi được sổ cái. Xem tình trạng đĩa trước, rồi kiểm tra.",
        english: "the disk refuses to read or write the ledger; look at the disk first, then check the folder",
        mend: Mend::Verify,
    },
    Words {
        code: "index_failed",
        vietnamese: "Không dựng được chỉ mục. Sổ cái còn nguyên; dựng lại chỉ mục.",
        english: "the index could not be made; the ledger is whole and the index follows from it",
        mend: Mend::Index,
    },
    Words {
        code: "folder_newer_format",
        vietnamese: "Thư mục dữ liệu do phiên bản danso mới hơn tạo ra. Cài phiên bản đó rồi chạy lại.",
        english: "the data folder was made by a newer danso; install that version and start it",
        mend: Mend::Start,
    },
    Words {
        code: "at_rest_newer_format",
        vietnamese: "Tệp AT-REST do phiên bản danso mới hơn ghi. Cài phiên bản đó rồi chạy lại.",
        english: "AT-REST was written by a newer danso; install that version and start it",
        mend: Mend::Start,
    },
    Words {
        code: "at_rest_damaged",
        vietnamese: "Tệp AT-REST bị hỏng. Đặt lại từ bản sao lưu; nếu không có thì dựng lại từ cấp trên.",
        english: "AT-REST is damaged; put it back from a backup, or rebuild the folder if there is none",
        mend: Mend::FromParent,
    },
    Words {
        code: "at_rest_missing",
        vietnamese: "Thiếu tệp AT-REST. Đặt lại từ bản sao lưu; nếu không có thì dựng lại từ cấp trên.",
        english: "AT-REST is missing; put it back from a backup, or rebuild the folder if there is none",
        mend: Mend::FromParent,
    },
    Words {
        code: "at_rest_wrong_key",
        vietnamese: "Khóa mã hóa không phải của thư mục này. Đặt lại đúng tệp khóa rồi chạy lại.",
        english: "the key at rest is not that of this folder; put the right key file back and start",
        mend: Mend::Start,
    },
    Words {
        code: "ledger_key_not_in_force",
        vietnamese: "Khóa ký trong thư mục khóa không còn hiệu lực. Đặt lại khóa đúng rồi chạy lại.",
        english: "the ledger key in the key folder is not the one in force; put that one back and start",
        mend: Mend::Start,
    },
];

fn words_of(error: &RuntimeError) -> Option<Words> {
    WORDS.iter().find(|words| words.code == error.code()).copied()
}

/// Whether a node that failed to start for this reason stays up in rescue mode.
pub fn is_met_with_rescue(error: &RuntimeError) -> bool {
    words_of(error).is_some()
}

/// The command that mends, as it is typed. A backup is restored after the data folder was set aside.
fn command(mend: Mend, is_top: bool, file: &Path) -> String {
    let file = file.display();
    match mend {
        Mend::FromParent if is_top => format!("danso backup restore --from DIR --config {file} --key KEY"),
        Mend::FromParent => format!("danso rebuild --from-parent --config {file}"),
        Mend::Index => format!("danso rebuild --config {file}"),
        Mend::Verify => format!("danso verify --config {file}"),
        Mend::Start => format!("danso run --config {file}"),
    }
}

/// Serves the advice until a signal ends it. The data folder is neither locked nor touched, so that it can be mended
/// meanwhile; afterwards the node is started anew.
///
/// Gives false where rescue mode is not for this error, or nobody could be answered: keys or address are not there.
pub(super) async fn stay(
    config: &NodeConfig,
    file: &Path,
    error: &RuntimeError,
    signals: &mut Signals,
) -> bool {
    let Some(words) = words_of(error) else { return false };
    let host = Host::default();
    let Ok(keeper) = Keeper::open(&config.keys, config.unit, host.clock.clone()) else { return false };
    if let Ok(directory) = read_directory(config) {
        keeper.stand_on(directory);
    }
    let Ok(listener) = host.network.listen(config.listen).await else { return false };
    let command = command(words.mend, config.parent.is_none(), file);
    tracing::error!(
        code = words.code,
        %error,
        mend = command,
        address = %config.listen,
        "rescue mode: the store cannot be opened, nothing is served but this advice"
    );
    let answer = answer(config, words, error, command.clone());
    let advice = rescue::Advice { unit: config.unit, answer, code: words.code };
    let (stop, stopped) = watch::channel(false);
    let secrets = web::secrets(config, &keeper).ok().flatten();
    let pages = web::open(config, &host, secrets).await.ok().flatten();
    let pages = pages.map(|pages| tokio::spawn(pages.serve_rescue(words.code, stopped.clone())));
    let told = tokio::spawn(service::rescued(words.code));
    let served = async {
        if let Err(error) = rescue::serve(advice, listener, &keeper, stopped).await {
            tracing::error!(%error, "the server of the rescue mode ended");
        }
        if let Some(pages) = pages {
            let _ = pages.await;
        }
    };
    tokio::pin!(served);
    loop {
        tokio::select! {
            () = &mut served => {
                told.abort();
                return true;
            }
            word = signals.next() => match word {
                Word::End => break,
                Word::Reload => tracing::warn!(
                    code = words.code,
                    mend = command,
                    "rescue mode takes no new settings: mend the folder, then start the node again"
                ),
            },
        }
    }
    told.abort();
    service::stopping();
    // Whoever watches the health of the node would hold it for ever.
    let _ = stop.send(true);
    drained(within_grace(served), signals).await;
    true
}

/// The programs that a refused downgrade is about, for a sentence in each language; empty where none is.
fn programs(error: &RuntimeError) -> (String, String) {
    match error {
        RuntimeError::Store(StoreError::Newer { wrote, .. }) => (
            format!(" Thư mục do {wrote} ghi, máy này đang chạy {SOFTWARE}."),
            format!(" (it was written by {wrote}, this is {SOFTWARE})"),
        ),
        _ => Default::default(),
    }
}

fn answer(config: &NodeConfig, words: Words, error: &RuntimeError, command: String) -> NodeInfoAnswer {
    let (vietnamese, english) = programs(error);
    NodeInfoAnswer {
        unit: config.unit.to_string(),
        tier: config.tier.to_string(),
        parent: config.parent.as_ref().map(|parent| parent.unit.to_string()).unwrap_or_default(),
        software: SOFTWARE.to_owned(),
        started_at_ms: now_ms(),
        rescue: Some(Rescue {
            code: words.code.to_owned(),
            cause: error.to_string(),
            vietnamese: words.vietnamese.to_owned() + &vietnamese,
            english: words.english.to_owned() + &english,
            command,
        }),
        ..NodeInfoAnswer::default()
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    fn ledger(code: &'static str) -> RuntimeError {
        RuntimeError::Store(StoreError::Ledger { code, message: String::new() })
    }

    #[test]
    fn damage_is_met_with_rescue_and_what_is_no_damage_ends_the_process() {
        for code in WORDS.iter().map(|words| words.code) {
            assert!(is_met_with_rescue(&ledger(code)), "{code}");
        }
        for code in
            ["disk_full", "already_running", "folder_other_unit", "folder_not_danso", "folder_unusable"]
        {
            assert!(!is_met_with_rescue(&ledger(code)), "{code}");
        }
        let listen = RuntimeError::Listen {
            address: ([127, 0, 0, 1], 1).into(),
            source: std::io::Error::from(std::io::ErrorKind::AddrInUse),
        };
        assert!(!is_met_with_rescue(&listen));
    }

    #[test]
    fn the_top_is_not_sent_to_a_parent() {
        let file = Path::new("node.toml");
        assert_eq!(command(Mend::FromParent, false, file), "danso rebuild --from-parent --config node.toml");
        let restore = "danso backup restore --from DIR --config node.toml --key KEY";
        assert_eq!(command(Mend::FromParent, true, file), restore);
    }
}
