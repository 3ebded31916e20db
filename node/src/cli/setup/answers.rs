//! The questions in order, and the configuration that they come to.

use super::{
    Arguments, INSTALLED_FILE, INSTALLED_HOME, absolute,
    dialogue::{Dialogue, Question, agrees, insist},
    place::{self, Place},
};
use crate::{cli::failure::Failure, operations::enrolment::InvitationToken};
use danso_tier_config::{NodeConfig, Parent, Policy};
use std::path::{Path, PathBuf};

/// The port that nodes listen on unless told otherwise.
const PORT: u16 = 7411;

/// A node's file as every answer leaves it before it is given.
const BEGINNING: &str = "unit = \"VN@1945-09-02\"\ntier = \"central\"\nhierarchy = \"three-tier\"\ndata = \"data\"\n\
    directory = \"units.csv\"\n[listen]\naddress = \"0.0.0.0:7411\"\n[keys]\nfolder = \"keys\"\n";

/// What the answers come to.
#[derive(Debug)]
pub(super) struct Answers {
    /// Checked: it reads back without a fault.
    pub config: NodeConfig,
    /// The unit with its name, for people.
    pub unit_shown: String,
    /// The list of units to copy to where the node reads it; `None` where it lies there, or comes with the enrolment.
    pub list: Option<PathBuf>,
    /// The invitation, where an option gave it.
    pub token: Option<String>,
}

/// Asks for everything that no option says. `out` is the file to be written, absolute; what it says now is proposed.
pub(super) fn ask(
    arguments: &Arguments,
    out: &Path,
    dialogue: &mut dyn Dialogue,
) -> Result<Answers, Failure> {
    let former = NodeConfig::load(out).ok();
    let token = arguments.token.as_deref().map(invitation).transpose()?;
    let proposed = proposed_data(arguments, former.as_ref(), out)?;
    let list_place = place_of_list(former.as_ref(), &proposed);
    let list = list_of_units(arguments, &list_place, dialogue)?;
    let place = match &list {
        Some(list) => place::listed(arguments, former.as_ref(), list, dialogue)?,
        None => place::by_hand(arguments, former.as_ref(), token.as_ref().map(|token| token.unit), dialogue)?,
    };
    let mut config = former.clone().unwrap_or_else(beginning);
    stand(&mut config, &place, former.is_none());
    if let Some(listen) = &arguments.listen {
        config.listen = listen.parse().map_err(|_| {
            Failure::Usage(format!(
                "--listen `{listen}`: expected an IP address and a port, for example 0.0.0.0:7411"
            ))
        })?;
    }
    ask_parent(arguments, former.as_ref(), &place, &mut config, out, dialogue)?;
    ask_names(arguments, former.as_ref(), &place, &mut config, dialogue)?;
    config.data = ask_data(arguments, &proposed, dialogue)?;
    config.keys =
        former.as_ref().map_or_else(|| config.data.with_file_name("keys"), |former| former.keys.clone());
    config.directory = place_of_list(former.as_ref(), &config.data);
    let config = checked(&config, out)?;
    if let Some(token) = token.as_ref().filter(|token| token.unit != config.unit) {
        let sentence = format!("the invitation is for {}, not for {}", token.unit, config.unit);
        return Err(Failure::told("enrol_other_unit", sentence));
    }
    let list = list.filter(|list| *list != config.directory);
    Ok(Answers { config, unit_shown: place.shown, list, token: arguments.token.clone() })
}

fn invitation(text: &str) -> Result<InvitationToken, Failure> {
    text.parse()
        .map_err(|error: crate::operations::enrolment::EnrolmentError| Failure::of(error.code(), &error))
}

fn beginning() -> NodeConfig {
    NodeConfig::parse(BEGINNING, "", Path::new("")).expect("the file to begin with is right")
}

/// Unit, tier and hierarchy. A new node that records listens to its own computer only: nobody calls it.
fn stand(config: &mut NodeConfig, place: &Place, is_new: bool) {
    config.unit = place.unit;
    config.tier = place.tier.clone();
    config.profile.clone_from(&place.profile);
    config.hierarchy = place.hierarchy.clone();
    if is_new && place.hierarchy.bottom().name == place.tier {
        config.listen = ([127, 0, 0, 1], PORT).into();
    }
}

/// The configuration as it reads back from the file that it makes; all its faults at once.
fn checked(config: &NodeConfig, out: &Path) -> Result<NodeConfig, Failure> {
    let base = out.parent().unwrap_or(Path::new("/"));
    Ok(NodeConfig::parse(&config.to_toml(base), &out.display().to_string(), base)?)
}

fn proposed_data(arguments: &Arguments, former: Option<&NodeConfig>, out: &Path) -> Result<PathBuf, Failure> {
    match (&arguments.data, former) {
        (Some(data), _) => absolute(data),
        (None, Some(former)) => Ok(former.data.clone()),
        (None, None) if out == Path::new(INSTALLED_FILE) => Ok(Path::new(INSTALLED_HOME).join("data")),
        (None, None) => Ok(out.with_file_name("data")),
    }
}

/// Where the node reads its list of units: beside its data, unless its file says otherwise.
fn place_of_list(former: Option<&NodeConfig>, data: &Path) -> PathBuf {
    former.map_or_else(|| data.with_file_name("units.csv"), |former| former.directory.clone())
}

fn ask_data(arguments: &Arguments, proposed: &Path, dialogue: &mut dyn Dialogue) -> Result<PathBuf, Failure> {
    if arguments.data.is_some() {
        return Ok(proposed.to_path_buf());
    }
    let shown = proposed.display().to_string();
    let question = Question {
        vietnamese: "Dữ liệu để ở thư mục nào? (đĩa trong máy, không phải ổ mạng)",
        english: "Which folder holds the data? (on a disk of this computer, not on a network share)",
        option: "--data",
        proposal: Some(&shown),
    };
    insist(dialogue, &question, None, &mut |answer| absolute(Path::new(answer)))
}

/// The list of units to look into: the option's, the one in its place, or the one that is asked for.
fn list_of_units(
    arguments: &Arguments,
    place: &Path,
    dialogue: &mut dyn Dialogue,
) -> Result<Option<PathBuf>, Failure> {
    if let Some(list) = &arguments.directory {
        return absolute(list).map(Some);
    }
    if place.is_file() {
        return Ok(Some(place.to_path_buf()));
    }
    let question = Question {
        vietnamese: "Danh sách đơn vị (tệp units.csv do cấp trên giao)? Nhấn Enter nếu không có: khi ghi danh sẽ nhận.",
        english: "The list of units (file units.csv from the office above)? Enter if there is none: it comes with the enrolment.",
        option: "--directory",
        proposal: Some(""),
    };
    insist(dialogue, &question, None, &mut |answer| match answer {
        "" => Ok(None),
        file if Path::new(file).is_file() => absolute(Path::new(file)).map(Some),
        file => Err(Failure::told("file_unreadable", format!("there is no file {file}"))),
    })
}

fn ask_parent(
    arguments: &Arguments,
    former: Option<&NodeConfig>,
    place: &Place,
    config: &mut NodeConfig,
    out: &Path,
    dialogue: &mut dyn Dialogue,
) -> Result<(), Failure> {
    config.parent = None;
    let Some(unit) = place.parent else { return Ok(()) };
    let before = former.and_then(|former| Some(former.parent.as_ref()?.address.clone()));
    let question = Question {
        vietnamese: "Địa chỉ máy cấp trên (hỏi phòng công nghệ thông tin cấp trên), ví dụ 10.0.0.1 hoặc dansotinh.example",
        english: "The address of the computer of the office above (ask its IT), for example 10.0.0.1 or danso.example",
        option: "--parent-address",
        proposal: before.as_deref(),
    };
    let given = arguments.parent_address.as_deref();
    config.parent = insist(dialogue, &question, given, &mut |answer| {
        let parent = Some(Parent { unit, address: with_port(answer) });
        checked(&NodeConfig { parent: parent.clone(), policy_up: None, ..config.clone() }, out)?;
        Ok(parent)
    })?;
    Ok(())
}

/// The address with the usual port where it names none.
fn with_port(address: &str) -> String {
    let has_port =
        address.rsplit_once(':').is_some_and(|(host, _)| !host.contains(':') || host.ends_with(']'));
    match address {
        "" => String::new(),
        _ if has_port => address.to_owned(),
        // An IPv6 address without brackets.
        _ if address.contains(':') && !address.starts_with('[') => format!("[{address}]:{PORT}"),
        _ => format!("{address}:{PORT}"),
    }
}

/// Whether names pass upward, where the hierarchy lets them.
fn ask_names(
    arguments: &Arguments,
    former: Option<&NodeConfig>,
    place: &Place,
    config: &mut NodeConfig,
    dialogue: &mut dyn Dialogue,
) -> Result<(), Failure> {
    let tier = place.hierarchy.tier(&place.tier);
    if tier.and_then(|tier| tier.up) != Some(Policy::Names) {
        config.policy_up =
            config.policy_up.filter(|_| former.is_some_and(|former| former.tier == place.tier));
        return Ok(());
    }
    let stricter = former.and_then(|former| former.policy_up);
    let question = Question {
        vietnamese: "Có gửi họ tên lên cấp trên không? (c = có, theo quy định; k = tên ở lại máy này, chỉ gửi phần để đếm)",
        english: "Do names pass to the office above? (y = yes, the rule; n = names stay here, only what counting needs passes)",
        option: "--names-stay",
        proposal: Some(if stricter.is_some() { "k" } else { "c" }),
    };
    let pass = !arguments.names_stay && agrees(dialogue, &question)?;
    config.policy_up = if pass { None } else { Some(stricter.unwrap_or(Policy::Cores)) };
    Ok(())
}
