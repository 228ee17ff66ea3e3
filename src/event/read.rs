//! The record of an event, column by column.

use http::Uri;

use super::{
    columns::EVENTS,
    json::{Json, Members},
    key::{self, short},
    metadata, names,
    place::{self, Fit, Place, float, integer, label, look, take, text, truth},
    receipt::{Receipt, Refusal},
    subject,
    withhold::without_private,
};
use crate::{
    config::EventSettings,
    record::{Cell, Record},
    time,
};

/// The org of an event that no field and no key gives one.
const NO_ORG: &str = "default";

/// Makes the record of an event.
///
/// # Errors
/// If the event cannot be taken.
pub fn read<'a>(
    fields: impl Into<Members<'a>>,
    receipt: &Receipt<'_>,
    settings: &EventSettings,
) -> Result<Record, Refusal> {
    let mut fields = without_private(fields.into(), settings);
    let has_source = fields.get("verb").is_some() && fields.get("specversion").is_none();
    let received = time::floor_ms(receipt.at);
    let org = org(&mut fields, receipt)?;
    let (created_at, id) = key::take(&mut fields, receipt, &org, settings)?;
    let name = name(&mut fields, settings)?;
    let user_id = short("userId", take(&mut fields, place::USER_ID, label))?;
    let session_id = short("sessionId", take(&mut fields, place::SESSION_ID, label))?;
    let metadata = metadata::take(&mut fields);
    let subject = subject::take(&mut fields, &metadata, has_source);
    let status_code = take_or_look(&mut fields, &metadata, place::STATUS_CODE, integer);
    let success = take_or_look(&mut fields, &metadata, place::SUCCESS, truth)
        .or(status_code.map(|status| status < 400))
        .or_else(|| names::success(&name));
    let cells = vec![
        Cell::Text(org),
        Cell::Instant(created_at),
        Cell::Text(id),
        Cell::Text(name),
        cell(user_id, Cell::Text),
        cell(session_id, Cell::Text),
        cell(subject, Cell::Text),
        cell(success, Cell::Bool),
        cell(status_code, Cell::Integer),
        cell(take_or_look(&mut fields, &metadata, place::DURATION, float), Cell::Float),
        cell(take(&mut fields, place::QUANTITY, float), Cell::Float),
        cell(short("unit", take(&mut fields, place::UNIT, text))?, Cell::Text),
        cell(short("sku", take(&mut fields, place::SKU, text))?, Cell::Text),
        cell(cost(&mut fields, &metadata), Cell::Float),
        cell(take_or_look(&mut fields, &metadata, place::ERROR, text), Cell::Text),
        Cell::Text(receipt.way.name().to_owned()),
        Cell::Instant(received),
        json(&metadata),
        rest(fields),
    ];
    required(Record { table: &EVENTS, cells }, settings)
}

/// The org that the event names, or that of its sender. A sender with a key of one org names no org by `ns`.
fn org(fields: &mut Members<'_>, receipt: &Receipt<'_>) -> Result<String, Refusal> {
    let named = short("org", take(fields, place::ORG, label))?;
    match receipt.org {
        Some(own) if named.as_ref().is_some_and(|named| named != own) => Err(Refusal::OtherOrg),
        Some(own) => Ok(own.to_owned()),
        None => {
            let host = || fields.get("ns").and_then(Json::as_str).and_then(host);
            let org = named.map_or_else(|| short("org", host()), |named| Ok(Some(named)))?;
            Ok(org.unwrap_or_else(|| NO_ORG.to_owned()))
        }
    }
}

/// The host of an address.
fn host(address: &str) -> Option<String> {
    let uri: Uri = address.parse().ok()?;
    uri.host().filter(|host| !host.is_empty()).map(str::to_ascii_lowercase)
}

fn name(fields: &mut Members<'_>, settings: &EventSettings) -> Result<String, Refusal> {
    let name = place::NAME.iter().find_map(|place| match place {
        Place::Field("type") if fields.get("type").is_some_and(Json::is_number) => {
            let sentence = "type is a number, and only the sender can look up its name: send the name of the type";
            Some(Err(Refusal::of(sentence)))
        }
        Place::Field(_) | Place::Member(..) => take(fields, &[*place], text).map(Ok),
    });
    let missing = || Refusal::of("the event has no name: send event, event_name, type or verb as text");
    let name = short("name", Some(name.ok_or_else(missing)??))?.unwrap_or_default();
    if !names::is_taken(&name, &settings.names) {
        return Err(Refusal::of("the event's name is none of those that are taken: EVENTS_NAMES"));
    }
    Ok(name)
}

/// The cost, unless the event names a log: AI Gateway counts what that call costs, and nobody counts it twice.
fn cost(fields: &mut Members<'_>, metadata: &Members<'_>) -> Option<f64> {
    let names_log = look(fields, place::LOG_ID, text).or_else(|| look(metadata, place::LOG_ID, text));
    if names_log.is_some() { None } else { take_or_look(fields, metadata, place::COST, float) }
}

/// A value that leaves the fields, or one that stays in the metadata.
fn take_or_look<T>(fields: &mut Members<'_>, metadata: &Members<'_>, places: &[Place], fit: Fit<T>) -> Option<T> {
    take(fields, places, fit).or_else(|| look(metadata, places, fit))
}

fn cell<T>(value: Option<T>, cell: fn(T) -> Cell) -> Cell {
    value.map_or(Cell::Null, cell)
}

/// The fields that no column took, without nulls.
fn rest(mut fields: Members<'_>) -> Cell {
    fields.drop_nulls();
    json(&fields)
}

fn json(members: &Members<'_>) -> Cell {
    if members.is_empty() { Cell::Null } else { Cell::Text(serde_json::to_string(members).unwrap_or_default()) }
}

/// Refuses a record that lacks a column which the settings require.
fn required(record: Record, settings: &EventSettings) -> Result<Record, Refusal> {
    match settings.required.iter().find(|name| matches!(record.cell(name), None | Some(Cell::Null))) {
        Some(name) => Err(Refusal::of(format!("the event has no {name}: EVENTS_REQUIRED"))),
        None => Ok(record),
    }
}
