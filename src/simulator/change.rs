//! The changes that an operator can make to the world while the simulator runs. With them each finding of the doctor
//! can be provoked.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{
    Simulator,
    access::{Owner, Permission, Status},
    options::Quirks,
    schema::Schema,
    settings::Settings,
    time::Timestamp,
};

/// What to change. An absent field stays as it is. Inside `gateways` and `quirks`, an absent field gets its first value
/// again.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Change {
    account: Account,
    token: Token,
    /// Settings of gateways, by id.
    gateways: BTreeMap<String, Settings>,
    /// Departures of the list API.
    quirks: Option<Quirks>,
    /// Seconds by which the clock that answers show is ahead.
    clock_ahead_seconds: Option<i64>,
    table: Table,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Account {
    /// When it was made.
    created_on: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Token {
    status: Option<Status>,
    owner: Option<Owner>,
    /// Its permissions from now on.
    permissions: Option<BTreeSet<Permission>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Table {
    /// Columns, partitioning and clustering of a new, empty table in its place, as [`Schema::parse`] reads them.
    schema: Option<String>,
    /// The permissions of the service account from now on.
    permissions: Option<Vec<String>>,
}

impl Change {
    /// Changes the world, unless it lacks something that is to be changed.
    pub(super) fn apply(self, simulator: &mut Simulator) -> Result<(), String> {
        let Self { account, token, gateways, quirks, clock_ahead_seconds, table } = self;
        if let Some(unknown) = gateways.keys().find(|id| simulator.gateway(id).is_none()) {
            return Err(format!("there is no gateway {unknown}"));
        }
        for (id, settings) in gateways {
            if let Some(gateway) = simulator.gateway_mut(&id) {
                gateway.settings = settings;
            }
        }
        let options = &mut simulator.options;
        let access = &mut options.access;
        access.created_on = account.created_on.unwrap_or(access.created_on);
        access.status = token.status.unwrap_or(access.status);
        access.owner = token.owner.unwrap_or(access.owner);
        if let Some(permissions) = token.permissions {
            access.permissions = permissions;
        }
        options.quirks = quirks.unwrap_or(options.quirks);
        options.clock_ahead_seconds = clock_ahead_seconds.unwrap_or(options.clock_ahead_seconds);
        if let Some(permissions) = table.permissions {
            options.table_permissions = permissions;
        }
        if let Some(text) = table.schema {
            let name = options.table.clone();
            simulator.create_table(&name, Schema::parse(&text));
        }
        Ok(())
    }
}
