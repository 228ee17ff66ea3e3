//! The price list, and the names and plans of orgs. Whoever has a key of one org reads what holds for it; only a key of
//! all orgs changes anything.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    content::{empty, json as answer},
    key::Key,
    keys::LONGEST_ORG,
    problem::{Answer, Problem},
};
use crate::{
    database::{Database, Statement},
    error::CallError,
    event::LARGEST_NUMBER,
    host::Server,
    query::number,
    record::Cell,
    time,
};

/// What the member of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A name.
    Name,
    /// A name, or null, which is the same as nothing.
    Perhaps,
    /// An instant, RFC 3339.
    Instant,
    /// A price, USD.
    Price,
}

/// A list that is read as a whole, and changed line by line.
#[derive(Debug)]
pub struct List {
    members: &'static [(&'static str, Kind)],
    /// The statement that writes lines, given as a JSON list. It replaces lines with the same key.
    write: &'static str,
    /// The statement that reads the lines of an org, or of all.
    read: &'static str,
}

/// What a unit of a SKU costs from an instant on. The org `*` is every org that has no price of its own.
pub static PRICES: List = List {
    members: &[
        ("organizationId", Kind::Name),
        ("sku", Kind::Name),
        ("unit", Kind::Name),
        ("since", Kind::Instant),
        ("price", Kind::Price),
    ],
    write: "INSERT INTO prices (org, sku, unit, since, price) SELECT value ->> 'organizationId', value ->> 'sku', \
        value ->> 'unit', value ->> 'since', value ->> 'price' FROM json_each(?1) WHERE true \
        ON CONFLICT DO UPDATE SET price = excluded.price",
    read: "SELECT org AS organizationId, sku, unit, since, price FROM prices \
        WHERE ?1 IS NULL OR org IN (?1, '*') ORDER BY org, sku, unit, since",
};

/// The name and the plan of each org.
pub static ORGS: List = List {
    members: &[("organizationId", Kind::Name), ("name", Kind::Perhaps), ("plan", Kind::Perhaps)],
    write: "INSERT INTO orgs (org, name, plan) SELECT value ->> 'organizationId', value ->> 'name', value ->> 'plan' \
        FROM json_each(?1) WHERE true ON CONFLICT DO UPDATE SET name = excluded.name, plan = excluded.plan",
    read: "SELECT org AS organizationId, name, plan FROM orgs WHERE ?1 IS NULL OR org = ?1 ORDER BY org",
};

impl List {
    /// The statement that writes lines.
    ///
    /// # Errors
    /// If a line cannot be: the member that is wrong, and what it must be.
    pub fn write(&self, lines: Vec<Value>) -> Result<Statement, (&'static str, String)> {
        let lines = lines.into_iter().map(|line| self.line(line)).collect::<Result<Value, _>>()?;
        Ok(Statement::Sql(self.write.into(), vec![Cell::Text(lines.to_string())]))
    }

    /// The lines of an org, or of all orgs.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn read(&self, database: &impl Database, org: Option<&str>) -> Result<Vec<Value>, CallError> {
        let org = org.map_or(Cell::Null, |org| Cell::Text(org.to_owned()));
        let mut lines = database.query(self.read, vec![org]).await?;
        lines.iter_mut().flat_map(Map::values_mut).for_each(|value| *value = number(value.take()));
        Ok(lines.into_iter().map(Value::Object).collect())
    }

    /// A line as it is kept.
    fn line(&self, mut line: Value) -> Result<Value, (&'static str, String)> {
        let unknown = || {
            let names: Vec<_> = self.members.iter().map(|(name, _)| *name).collect();
            ("rows", format!("each of rows is an object of {}", names.join(", ")))
        };
        let members = line.as_object_mut().ok_or_else(unknown)?;
        if members.keys().any(|name| !self.members.iter().any(|(known, _)| known == name)) {
            return Err(unknown());
        }
        for (name, kind) in self.members {
            let kept = kind.kept(members.get(*name).unwrap_or(&Value::Null));
            let kept = kept.ok_or_else(|| (*name, format!("{name} {}", kind.rule())))?;
            members.insert((*name).to_owned(), kept);
        }
        Ok(line)
    }
}

impl Kind {
    /// A value as it is kept; none: it cannot be.
    fn kept(self, value: &Value) -> Option<Value> {
        match self {
            Self::Name => value.as_str().filter(|name| is_name(name)).map(Value::from),
            Self::Perhaps if value.is_null() => Some(Value::Null),
            Self::Perhaps => Self::Name.kept(value),
            Self::Instant => Some(time::text(time::floor_ms(time::parse(value.as_str()?)?)).into()),
            Self::Price => value.as_f64().filter(|price| (0.0..=LARGEST_NUMBER).contains(price)).map(Value::from),
        }
    }

    fn rule(self) -> &'static str {
        match self {
            Self::Name | Self::Perhaps => "is a name of 1 to 128 bytes without control characters",
            Self::Instant => "is an instant such as 2026-11-01T00:00:00Z",
            Self::Price => "is a number of USD, 0 or more",
        }
    }
}

fn is_name(name: &str) -> bool {
    !name.trim().is_empty() && name.len() <= LONGEST_ORG && !name.contains(char::is_control)
}

/// `GET /prices` and `GET /orgs`.
pub(super) async fn list<S: Server>(server: &S, list: &List, key: &Key) -> Answer {
    answer(StatusCode::OK, &json!({ "rows": list.read(server.database(), key.org.as_deref()).await? }))
}

/// `PUT /prices` and `PUT /orgs`: takes what `GET` answers.
pub(super) async fn put<S: Server>(server: &S, list: &List, key: &Key, body: &[u8]) -> Answer {
    if key.org.is_some() {
        return Err(Problem::new(StatusCode::FORBIDDEN, "only a key of all orgs (*) changes this list"));
    }
    let wrong = |member, problem: String| Problem::new(StatusCode::BAD_REQUEST, problem).of(member);
    let body: Option<Value> = serde_json::from_slice(body).ok();
    let rows = body.filter(|body| body.as_object().is_some_and(|members| members.len() == 1));
    let rows = rows.and_then(|mut body| if let Value::Array(rows) = body["rows"].take() { Some(rows) } else { None });
    let rows = rows.ok_or_else(|| wrong("rows", "send {\"rows\": […]} as JSON".into()))?;
    let write = list.write(rows).map_err(|(member, problem)| wrong(member, problem))?;
    server.database().run(vec![write]).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
