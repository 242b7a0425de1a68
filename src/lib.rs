//! `twimlgate`: a phone number's webhook in, the owner's function called, TwiML out.
//!
//! The modules stand in the order in which a webhook meets them:
//!
//! ```text
//! webhook ──> verify ──> route ──> session ──> flow ⇄ function ──> template ──> twiml
//!  bytes      trusted    which     which       what    the user's    variables    the document
//!  received   webhook    flow      execution   next    code          to text      that goes back
//! ```
//!
//! [`exchange`] walks them, [`fallback`] answers when one of them cannot, [`journal`] keeps one
//! record of each walk. Around them are the door ([`server`]) and what is set up before it opens
//! ([`config`], [`gateway`]). [`tools`] holds what
//! people start on the command line, among it the carrier, simulated.

pub mod webhook;

pub mod verify;

pub(crate) mod route;

pub mod session;

pub mod pending;

pub mod flow;

pub mod function;

pub mod template;

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
mod hex;
pub mod limits;
pub mod liquid;
mod media_type;
mod percent;
pub(crate) mod random;
mod read_limited;
pub mod secret;
mod tls;
pub mod tools;
mod uri;
