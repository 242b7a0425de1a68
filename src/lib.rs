//! `twimlgate`: a carrier's webhook in, the owner's function called, TwiML out.
//!
//! The first modules are the stages, in the order in which a webhook passes them:
//!
//! ```text
//! webhook ──> verify ──> route ──> session ──> flow ⇄ function ──> template ──> twiml
//!  bytes      trusted    which     which       what    the user's    variables    the document
//!  received   webhook    flow      execution   next    code          to text      that goes back
//! ```
//!
//! [`exchange`] runs the stages, `fallback` has the reply for each error, and [`journal`] records
//! each exchange and decides nothing. [`server`] has the listeners, [`config`] reads the
//! configuration, and [`gateway`] compiles it. The last group is the foundation, which knows
//! nothing of the stages. [`tools`] are the commands, among them the simulated carrier; no stage
//! knows them.
//!
//! Imports between these modules only go down. `tests/suite/tidy/structure.rs` has the layers.

pub mod webhook;

pub mod verify;

pub(crate) mod route;

pub mod session;

pub mod pending;

pub mod flow;
pub mod picture;

pub mod function;

pub mod node;

pub mod template;

pub mod trace;

pub mod twiml;

pub(crate) mod carrier_api;
pub mod exchange;
pub(crate) mod exchange_error;
pub(crate) mod fallback;
pub mod journal;
pub mod metrics;

pub mod channel;
pub mod config;
pub mod gateway;
pub mod server;

mod basic_auth;
mod catch_panic;
pub mod clock;
pub mod diagnostics;
mod dotenv;
mod hex;
mod json;
pub mod limits;
pub mod liquid;
mod media_type;
mod percent;
pub(crate) mod random;
mod read_limited;
pub mod secret;
mod sqlite_file;
mod tls;
pub mod tools;
mod uri;
