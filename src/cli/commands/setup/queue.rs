//! The queue in front of the database, and the one for what it cannot bring there.

use crate::{
    cli::{
        commands::setup::steps::{Mark, Steps},
        failure::Failure,
    },
    config::AiGateway,
    host::{Host, call},
    source::account,
};

/// Finds or makes the queue of this name, or tells a person to.
pub async fn queue<H: Host>(host: &H, source: &AiGateway, name: &str, steps: &Steps) -> Result<(), Failure> {
    let found = call(host, &account::queues(source, name), account::read_queues).await;
    let found = found.map_err(|error| Failure::call(format!("looking for the queue {name}"), error))?;
    let Some(found) = found else { return refused(name, steps) };
    if found.iter().any(|queue| queue.name == name) {
        return steps.tell(Mark::There, format!("queue {name}: there already"));
    }
    let made = call(host, &account::new_queue(source, name), account::read_new_queue).await;
    let made = made.map_err(|error| Failure::call(format!("making the queue {name}"), error))?;
    if made.is_none() {
        return refused(name, steps);
    }
    steps.tell(Mark::Done, format!("queue {name}"))
}

fn refused(name: &str, steps: &Steps) -> Result<(), Failure> {
    steps.tell(Mark::Left, format!("queue {name}: the token lacks the permission Queues Edit"))?;
    Steps::add(&format!("Make it by hand before you deploy the Worker:\nnpx wrangler queues create {name}"))
}
