//! All integration tests, as one binary.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

mod check;
mod door;
mod exchanges;
mod function;
mod liquid;
mod serve;
mod session;
mod tidy;
mod twiml;
mod verify;
mod walk;
