//! Every template in BigQuery's dialect tells what it tells in SQLite's.

use std::collections::BTreeSet;

use aig_logs::query::template;
use serde_json::json;

use super::{
    ask, checks,
    loops::now,
    rows::{random, world},
};
use crate::{
    events::world::ADMIN,
    peer::{BigQuery, Peer, googlesql::GoogleSql, questions::answer_of_template},
};

fn assert_templates_agree(peer: &impl BigQuery) {
    let world = world(&random(1, 700));
    peer.copy_of(&world.host.memory.connection);
    let mut told = BTreeSet::new();
    for check in checks() {
        let (status, answer) = ask(&world, ADMIN, check.template, &check.parameters);
        assert_eq!(status, 200, "{answer}");
        let theirs = answer_of_template(peer, check.template, &check.parameters, now());
        assert_eq!(theirs, answer["rows"], "{} {}", check.template, check.parameters);
        if theirs != json!([]) {
            told.insert(check.template);
        }
    }
    assert_eq!(told, template::all().map(|template| template.name).collect());
}

#[test]
fn templates_in_bigquery_tell_what_they_tell_in_sqlite() {
    let Some(peer) = Peer::start() else { return };
    assert_templates_agree(&peer);
}

#[test]
fn templates_in_googlesql_tell_what_they_tell_in_sqlite() {
    let Some(peer) = GoogleSql::start() else { return };
    assert_templates_agree(&peer);
}
