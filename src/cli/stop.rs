//! Ctrl-C and SIGTERM: the first asks the passes to end, the second ends the program.

use std::{convert::Infallible, process};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use crate::cli::progress::Screen;

/// What shells give a program that Ctrl-C has ended: 128 + SIGINT.
const INTERRUPTED: i32 = 130;

/// Listens for as long as the program runs.
pub async fn listen(stop: watch::Sender<bool>, screen: Screen) -> Infallible {
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    // Without these the system's own answer to both signals stays, which ends the program at once.
    let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
        return std::future::pending().await;
    };
    either(&mut interrupt, &mut terminate).await;
    screen.say("Stopping: the program finishes and saves its current work. Ctrl-C again ends it at once.");
    stop.send_replace(true);
    either(&mut interrupt, &mut terminate).await;
    process::exit(INTERRUPTED)
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
