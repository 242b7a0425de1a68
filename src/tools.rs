//! The command-line tools: what people start, apart from the path of a webhook.
//!
//! [`cli`] holds the commands. [`phone`] simulates a carrier and its phones, [`flow_test`] runs
//! tests of flows on them, [`load`] sends load. `flow_input` reads a flow, [`flow_outline`] and
//! [`flow_export`] write it as text. `new` makes projects, and `dev` serves them while they are
//! written. `route_table` lists what a gateway answers. `text` has what they all need to write on
//! a terminal.
//!
//! Invariant: no module outside this folder imports from it, so that nothing here can slow down or
//! break the answer to a webhook. Inside, imports go from `cli` to `load`, `flow_test` and `phone`,
//! in this order, and never back.

pub mod cli;
mod dev;
pub mod flow_export;
mod flow_input;
pub mod flow_outline;
pub mod flow_test;
pub mod load;
mod new;
pub mod phone;
mod route_table;
mod text;
mod trace_report;
