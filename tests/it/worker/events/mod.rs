//! The built Worker that receives events in the Workers runtime, with the runtime's own D1, KV, queue and rate limit.

mod requests;
mod runtime;
