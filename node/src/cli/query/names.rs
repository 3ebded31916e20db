//! The names of units, fetched once per command and put beside their ids.

use crate::{cli::output, transport::client::NodeClient};
use danso_proto::v1::ListUnitsRequest;
use std::collections::HashMap;

/// Names by unit id.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<String, String>);

impl Names {
    /// The names on a boundary date of the units below the node's own; empty texts mean every tier and today.
    pub async fn fetch(client: &NodeClient, tier: &str, boundary_date: &str) -> Self {
        let (tier, boundary_date) = (tier.to_owned(), boundary_date.to_owned());
        let request = ListUnitsRequest { tier, below: String::new(), boundary_date };
        match client.list_units(request).await {
            Ok(answer) => Self(answer.units.into_iter().map(|row| (row.unit, row.name)).collect()),
            Err(error) => {
                output::note(format_args!("names of units are left out, {}: {error}", error.code));
                Self::default()
            }
        }
    }

    /// The name of a unit, empty where it is not known.
    pub fn of(&self, unit: &str) -> String {
        self.0.get(unit).cloned().unwrap_or_default()
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Names {
    fn from(names: [(&str, &str); N]) -> Self {
        Self(names.into_iter().map(|(unit, name)| (unit.to_owned(), name.to_owned())).collect())
    }
}
