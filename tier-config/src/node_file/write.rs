//! A node's file written with comments, for people to read and change.

use super::{NodeConfig, web};
use crate::{
    limits::{LIMIT_FIELDS, Limits},
    tier::Hierarchy,
};
use std::{fmt::Write as _, path::Path};

/// Appends the file; paths inside `base` are written relative to it.
pub(super) fn write_toml(config: &NodeConfig, base: &Path, out: &mut String) -> std::fmt::Result {
    let relative = |path: &Path| {
        let shown = path.strip_prefix(base).unwrap_or(path).display().to_string();
        quoted(&if shown.is_empty() { ".".to_owned() } else { shown })
    };
    writeln!(out, "# Node of {} / Nút của đơn vị {}", config.unit, config.unit)?;
    writeln!(out, "# Paths are relative to this file. / Đường dẫn tính từ thư mục chứa tệp này.\n")?;
    writeln!(out, "# The unit: official code @ first day of validity.")?;
    writeln!(out, "unit = {}", quoted(&config.unit.to_string()))?;
    writeln!(out, "tier = {}", quoted(&config.tier))?;
    let shipped: Vec<&str> = Hierarchy::shipped_names().collect();
    writeln!(out, "# {}, or the path of a profile file.", shipped.join(", "))?;
    writeln!(out, "hierarchy = {}", quoted(&config.profile))?;
    writeln!(out, "# Folder of the data; it must lie on a disk of its own machine, not on a network share.")?;
    writeln!(out, "data = {}", relative(&config.data))?;
    writeln!(out, "# The list of all units to begin with.")?;
    writeln!(out, "directory = {}", relative(&config.directory))?;
    writeln!(out, "\n[listen]\naddress = {}", quoted(&config.listen.to_string()))?;
    if !config.names.is_empty() {
        let names: Vec<String> = config.names.iter().map(|name| quoted(name)).collect();
        writeln!(out, "# Further names and addresses under which children reach this node.")?;
        writeln!(out, "names = [{}]", names.join(", "))?;
    }
    if let Some(web) = &config.web {
        web::write(web, relative, quoted, out)?;
    }
    if let Some(parent) = &config.parent {
        writeln!(out, "\n# The node above. / Nút cấp trên.\n[parent]")?;
        writeln!(out, "unit = {}\naddress = {}", quoted(&parent.unit.to_string()), quoted(&parent.address))?;
    }
    writeln!(
        out,
        "\n# Made by `danso enrol`; keep this folder secret.\n[keys]\nfolder = {}",
        relative(&config.keys)
    )?;
    if let Some(file) = &config.at_rest {
        writeln!(
            out,
            "# The key under which names are encrypted; without it the node counts and names nobody."
        )?;
        writeln!(out, "at_rest = {}", relative(file))?;
    }
    if let Some(up) = config.policy_up {
        writeln!(out, "\n# What passes upward: names, cores or counts; never more than the profile allows.")?;
        writeln!(out, "[policy]\nup = {}", quoted(&up.to_string()))?;
    }
    if let Some(months) = config.personal_months {
        writeln!(
            out,
            "\n# Months for which the names of children's batches are kept here; counts are kept for good."
        )?;
        writeln!(out, "[retention]\npersonal_months = {months}")?;
    }
    write_limits(&config.limits, out)
}

fn write_limits(limits: &Limits, out: &mut String) -> std::fmt::Result {
    let standard = Limits::default();
    let changed: Vec<_> =
        LIMIT_FIELDS.iter().filter(|field| (field.get)(limits) != (field.get)(&standard)).collect();
    if !changed.is_empty() {
        writeln!(out, "\n[limits]")?;
    }
    for field in changed {
        writeln!(out, "# {}, {} to {}", field.meaning, field.min, field.max)?;
        writeln!(out, "{} = {}", field.name, (field.get)(limits))?;
    }
    Ok(())
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                write!(out, "\\u{:04x}", u32::from(c)).expect("writing to memory cannot fail");
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
