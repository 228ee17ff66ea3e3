//! The price list, and the names and plans of orgs. Whoever has a key of one org reads what holds for it; only a key of
//! all orgs changes anything.

use http::StatusCode;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    content::{empty, json as answer},
    key::Key,
    keys::LONGEST_ORG,
    problem::{Answer, Problem},
};
use crate::{
    database::{Database, Statement},
    error::CallError,
    host::Server,
    query::number,
    record::Cell,
    time,
};

/// What a unit of a SKU costs from an instant on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Price {
    /// The org; `*` for every org that has no price of its own.
    pub organization_id: String,
    /// What is sold.
    pub sku: String,
    /// In which unit.
    pub unit: String,
    /// The first instant at which it holds, RFC 3339.
    pub since: String,
    /// The price of a unit, USD.
    pub price: f64,
}

/// What is known of an org.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Org {
    /// The org.
    pub organization_id: String,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its plan.
    #[serde(default)]
    pub plan: Option<String>,
}

/// A list that is asked for and changed as a whole, line by line.
pub trait Listed: Serialize + DeserializeOwned {
    /// The members of a line.
    const MEMBERS: &'static str;
    /// The statement that writes lines, given as a JSON list.
    const WRITE: &'static str;
    /// The statement that reads the lines of an org, or of all.
    const READ: &'static str;

    /// The line as it is kept.
    ///
    /// # Errors
    /// If it cannot be: the member that is wrong, and what it must be.
    fn checked(self) -> Result<Self, (&'static str, &'static str)>;
}

impl Listed for Price {
    const MEMBERS: &'static str = "organizationId, sku, unit, since and price";
    const WRITE: &'static str = "INSERT INTO prices (org, sku, unit, since, price) SELECT value ->> 'organizationId', \
        value ->> 'sku', value ->> 'unit', value ->> 'since', value ->> 'price' FROM json_each(?1) WHERE true \
        ON CONFLICT DO UPDATE SET price = excluded.price";
    const READ: &'static str = "SELECT org AS organizationId, sku, unit, since, price FROM prices \
        WHERE ?1 IS NULL OR org IN (?1, '*') ORDER BY org, sku, unit, since";

    fn checked(self) -> Result<Self, (&'static str, &'static str)> {
        check_name("organizationId", &self.organization_id)?;
        check_name("sku", &self.sku)?;
        check_name("unit", &self.unit)?;
        let since = time::parse(&self.since).ok_or(("since", "since is an instant such as 2026-11-01T00:00:00Z"))?;
        if !self.price.is_finite() || self.price < 0.0 {
            return Err(("price", "price is a number of USD, 0 or more"));
        }
        Ok(Self { since: time::text(time::floor_ms(since)), ..self })
    }
}

impl Listed for Org {
    const MEMBERS: &'static str = "organizationId, name and plan";
    const WRITE: &'static str = "INSERT INTO orgs (org, name, plan) SELECT value ->> 'organizationId', value ->> 'name', \
        value ->> 'plan' FROM json_each(?1) WHERE true ON CONFLICT DO UPDATE SET name = excluded.name, plan = excluded.plan";
    const READ: &'static str =
        "SELECT org AS organizationId, name, plan FROM orgs WHERE ?1 IS NULL OR org = ?1 ORDER BY org";

    fn checked(self) -> Result<Self, (&'static str, &'static str)> {
        check_name("organizationId", &self.organization_id)?;
        check_name("name", self.name.as_deref().unwrap_or("-"))?;
        check_name("plan", self.plan.as_deref().unwrap_or("-"))?;
        Ok(self)
    }
}

fn check_name(member: &'static str, name: &str) -> Result<(), (&'static str, &'static str)> {
    let is_name = !name.trim().is_empty() && name.len() <= LONGEST_ORG && !name.contains(char::is_control);
    if is_name { Ok(()) } else { Err((member, "a name has 1 to 128 bytes, and no control characters")) }
}

/// The statement that adds lines, and replaces those with the same key.
#[must_use]
pub fn write<L: Listed>(lines: &[L]) -> Statement {
    Statement::Sql(L::WRITE.into(), vec![Cell::Text(serde_json::to_string(lines).unwrap_or_default())])
}

/// The lines of an org, or of all orgs.
///
/// # Errors
/// If the database does not answer.
pub async fn read<L: Listed>(database: &impl Database, org: Option<&str>) -> Result<Vec<Value>, CallError> {
    let org = org.map_or(Cell::Null, |org| Cell::Text(org.to_owned()));
    let lines = database.query(L::READ, vec![org]).await?;
    Ok(lines.into_iter().map(|line| line.into_iter().map(|(name, value)| (name, number(value))).collect()).collect())
}

/// `GET /prices` and `GET /orgs`.
pub(super) async fn list<L: Listed, S: Server>(server: &S, key: &Key) -> Answer {
    answer(StatusCode::OK, &json!({ "rows": read::<L>(server.database(), key.org.as_deref()).await? }))
}

/// The lines of a body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<L> {
    rows: Vec<L>,
}

/// `PUT /prices` and `PUT /orgs`: takes what `GET` answers.
pub(super) async fn put<L: Listed, S: Server>(server: &S, key: &Key, body: &[u8]) -> Answer {
    if key.org.is_some() {
        return Err(Problem::new(StatusCode::FORBIDDEN, "only a key of all orgs (*) changes this list"));
    }
    let body: Body<L> = serde_json::from_slice(body).map_err(|_| {
        Problem::new(StatusCode::BAD_REQUEST, format!("send {{\"rows\": […]}} as JSON, each with {}", L::MEMBERS))
    })?;
    let lines: Result<Vec<_>, _> = body.rows.into_iter().map(L::checked).collect();
    let lines = lines.map_err(|(member, problem)| Problem::new(StatusCode::BAD_REQUEST, problem).of(member))?;
    server.database().run(vec![write(&lines)]).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
