//! The kinds of questions that the API answers: what each asks for by itself.

use super::{
    names::Dataset,
    question::{Operation, Shape},
};

/// `POST /query`: the question says everything.
pub const QUERY: Shape =
    Shape { dataset: Dataset::Events, metrics: &[], fields: &[], further: &[], filter: None, largest: None };

/// `POST /metrics/performance`: how fast, and how often it fails.
pub const PERFORMANCE: Shape =
    Shape { metrics: &["count", "errors", "errorRate", "avg", "p50", "p95", "p99"], further: &["endpoint"], ..QUERY };

/// `POST /metrics/errors`: what fails, the most frequent first.
pub const ERRORS: Shape = Shape {
    dataset: Dataset::All,
    metrics: &["count", "share"],
    fields: &["name", "subject", "status", "error"],
    filter: Some(("success", Operation::In, "[0]")),
    largest: Some("count"),
    ..QUERY
};

/// `POST /metrics/users`: how many there are, and how many are new.
pub const USERS: Shape = Shape { metrics: &["users", "sessions", "newUsers"], ..QUERY };

/// `POST /metrics/cohorts`: users by when they were first seen.
pub const COHORTS: Shape = Shape { metrics: &["users"], ..QUERY };

/// `POST /billing/usage`: what to invoice. Its metric `cost` looks for a price by these fields, in this order.
pub const USAGE: Shape = Shape {
    metrics: &["quantity", "events", "cost"],
    fields: &["organizationId", "sku", "unit"],
    further: &["organizationName", "plan"],
    filter: Some(("quantity", Operation::Exists(true), "[]")),
    ..QUERY
};

/// `GET /metrics/costs`: what each kind of thing costs.
pub const COSTS: Shape = Shape {
    dataset: Dataset::All,
    metrics: &["total_cost"],
    fields: &["cost_type"],
    filter: Some(("cost", Operation::Exists(true), "[]")),
    ..QUERY
};

/// `GET /metrics/realtime`: the last minutes.
pub const REALTIME: Shape = Shape { metrics: &["count", "avg", "errors"], ..QUERY };
