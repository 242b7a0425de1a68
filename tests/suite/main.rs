//! All integration tests, as one binary.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

mod adopt;
mod check;
mod completions;
mod conversation;
mod cookies;
mod dev;
mod bad_requests;
mod examples;
mod exchanges;
mod faults;
mod flow_files;
mod flow_tests;
mod forwarding;
mod function;
mod functions;
mod fuzz;
mod hold;
mod liquid;
mod load;
mod new_projects;
mod nodes;
mod packaging;
mod pages;
mod phone;
mod release;
mod serve;
mod session;
mod session_lock;
mod smuggling;
mod studio;
mod studio_docs;
mod tidy;
mod traces;
mod twiml;
mod verify;
mod walk;
mod wiring;
