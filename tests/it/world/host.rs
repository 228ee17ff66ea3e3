//! The world as the host of a pass: its calls are counted, go wrong as planned, and overlap where a test wants them to.

use std::{collections::BTreeMap, future::poll_fn, mem, sync::Mutex, task::Poll, time::Duration};

use aig_logs::{
    error::CallError,
    google::key::PrivateKey,
    host::Host,
    simulator::Answer,
    time::Timestamp,
    wire::{Request, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use http::header::DATE;
use jsonwebtoken::{Algorithm, EncodingKey};

use super::{World, outside::Strike};

/// How long each call takes.
const LATENCY: TimeDelta = TimeDelta::milliseconds(20);

/// More than any pass here needs.
const MOST_CALLS: u32 = 10_000;

impl Host for World {
    fn now(&self) -> Timestamp {
        self.outside.now() + self.clock
    }

    fn random(&self) -> f64 {
        self.random
    }

    async fn sleep(&self, duration: Duration) {
        self.outside.pass_time(TimeDelta::from_std(duration).unwrap());
    }

    async fn send(&self, request: Request) -> Result<Response, CallError> {
        let answer = || {
            self.outside.pass_time(LATENCY);
            if let Some(response) = self.instead.as_ref().and_then(|instead| instead(&request)) {
                return Ok(response);
            }
            match self.simulator.borrow_mut().answer(self.outside.now(), &request) {
                Answer::Response(mut response) => {
                    let date = self.outside.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
                    let date = date.try_into().ok().filter(|_| !self.undated);
                    response.headers_mut().extend(date.map(|date| (DATE, date)));
                    self.as_much_as_is_read(response)
                }
                Answer::Silence => Err(CallError::Silent("nobody answers".into())),
            }
        };
        let fail = |strike| match strike {
            Strike::Fails | Strike::FailsAfter => {
                let mut failure = Response::new(b"<html>bad gateway</html>".to_vec());
                *failure.status_mut() = http::StatusCode::BAD_GATEWAY;
                Ok(failure)
            }
            Strike::Silence | Strike::SilenceAfter | Strike::DiesBefore | Strike::DiesAfter => {
                Err(CallError::Silent("nobody answers".into()))
            }
        };
        self.sends.set(self.sends.get() + 1);
        assert!(self.sends.get() - self.sends_before.get() < MOST_CALLS, "a pass has no end");
        if self.allowed.is_some_and(|allowed| self.sends.get() - self.sends_before.get() > allowed) {
            return Err(CallError::Refused("too many subrequests".into()));
        }
        let _under_way = UnderWay::begin(self);
        // From none to four turns: the order of the answers is not that of the calls.
        let turns = if self.overlapping { self.sends.get() * 3 % 5 } else { 0 };
        for _ in 0..turns {
            let mut has_waited = false;
            poll_fn(|task| {
                task.waker().wake_by_ref();
                if mem::replace(&mut has_waited, true) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
        if let Some(heard) = &self.heard {
            heard.borrow_mut().listen(&request);
        }
        let answer = self.outside.call(answer, fail).await;
        answer.map(|response| self.echoed(response))
    }

    async fn sign(&self, key: &PrivateKey, message: &[u8]) -> Result<Vec<u8>, CallError> {
        // All worlds have one key, and equal messages have equal signatures: each is made once.
        static SIGNATURES: Mutex<BTreeMap<Vec<u8>, Vec<u8>>> = Mutex::new(BTreeMap::new());
        let sign = || {
            let key = EncodingKey::from_rsa_pem(key.pem().reveal().as_bytes()).unwrap();
            let signature = jsonwebtoken::crypto::sign(message, &key, Algorithm::RS256).unwrap();
            URL_SAFE_NO_PAD.decode(signature).unwrap()
        };
        Ok(SIGNATURES.lock().unwrap().entry(message.to_vec()).or_insert_with(sign).clone())
    }

    fn stopping(&self) -> bool {
        self.stop_after.is_some_and(|calls| self.sends.get() >= calls)
            || self.stop_at.is_some_and(|instant| self.outside.now() >= instant)
    }
}

impl World {
    /// A failure with what was heard in its words.
    fn echoed(&self, response: Response) -> Response {
        let Some(heard) = self.heard.as_ref().filter(|_| !response.status().is_success()) else { return response };
        let echo = serde_json::Value::from(heard.borrow().echo()).to_string();
        let echo = echo.trim_matches('"');
        response.map(|body| {
            let text = String::from_utf8_lossy(&body);
            let said = text.replace("\"message\":\"", &format!("\"message\":\"{echo} "));
            if said == text { format!("{text}{echo}").into_bytes() } else { said.into_bytes() }
        })
    }

    fn as_much_as_is_read(&self, response: Response) -> Result<Response, CallError> {
        match self.largest.filter(|largest| response.body().len() > *largest) {
            Some(largest) => {
                Err(CallError::TooLarge { most: largest, beginning: response.body()[..largest / 2].to_vec() })
            }
            None => Ok(response),
        }
    }
}

/// A call that is under way, until it is answered or given up.
struct UnderWay<'a>(&'a World);

impl<'a> UnderWay<'a> {
    fn begin(world: &'a World) -> Self {
        world.under_way.set(world.under_way.get() + 1);
        world.most_under_way.set(world.most_under_way.get().max(world.under_way.get()));
        Self(world)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.set(self.0.under_way.get() - 1);
    }
}
