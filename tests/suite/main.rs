//! All integration tests, as one binary.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

mod check;
mod door;
mod exchanges;
mod flow_files;
mod function;
mod liquid;
mod serve;
mod tidy;
mod twiml;
mod verify;
