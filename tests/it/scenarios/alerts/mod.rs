//! Somebody is told before the bill, and before a row is missed: once, and once when it is over.

mod budgets;
mod digests;
mod settings;
mod sums;
mod watched;

use std::{cell::RefCell, rc::Rc};

use aig_logs::{config::Alerts, wire::Response};
use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{MINUTE, World};

const HOOK: &str = "https://hooks.test/services/T0123456789/abcdefghijklmnop";

/// What the webhook got, and what it answers.
pub struct Hook {
    got: Rc<RefCell<Vec<Value>>>,
    status: Rc<RefCell<StatusCode>>,
}

impl Hook {
    /// A world whose webhook is told, with these settings.
    fn of(world: &mut World, settings: &[(&str, &str)]) -> Self {
        let lookup = |name: &str| {
            let given = settings.iter().chain(&[("ALERT_WEBHOOK", HOOK)]).find(|(given, _)| *given == name);
            given.map(|(_, text)| (*text).to_owned())
        };
        world.config.alerts = Alerts::from_vars(lookup).unwrap();
        let hook = Self { got: Rc::default(), status: Rc::new(RefCell::new(StatusCode::NO_CONTENT)) };
        let (got, status) = (Rc::clone(&hook.got), Rc::clone(&hook.status));
        world.instead = Some(Box::new(move |request| {
            (request.uri().host() == Some("hooks.test")).then(|| {
                got.borrow_mut().push(serde_json::from_slice(request.body()).unwrap());
                // A careless service sends back where it was called.
                let mut answer = Response::new(HOOK.as_bytes().to_vec());
                *answer.status_mut() = *status.borrow();
                answer
            })
        }));
        hook
    }

    /// What it got since the last time: id and state of each alert.
    fn heard(&self) -> Vec<String> {
        let got = self.got.take();
        let alerts = got.iter().flat_map(|message| message["alerts"].as_array().unwrap().clone());
        alerts.map(|alert| format!("{} {} {}", text(&alert["id"]), text(&alert["state"]), alert["level"])).collect()
    }

    fn words(&self) -> String {
        self.got.take().iter().map(|message| text(&message["text"])).collect::<Vec<_>>().join("\n")
    }

    fn answers(&self, status: StatusCode) {
        *self.status.borrow_mut() = status;
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Some logs of a cost, and the passes that deliver them.
fn spend(world: &mut World, usd: f64, metadata: &str) {
    world.add_with(MINUTE, json!({ "cost": usd, "metadata": metadata }));
    world.pass_time(MINUTE);
    world.forward();
}
