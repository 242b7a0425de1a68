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
//! ([`config`], [`gateway`]). [`phone`] is the other end: the carrier, simulated.

pub mod webhook;

pub mod verify;

pub mod route;

pub mod session;

pub mod flow;

pub mod function;

pub mod template;

pub mod twiml;

pub mod carrier;
pub mod exchange;
pub mod fallback;
pub mod journal;

pub mod phone;

pub mod script;

pub mod load;

pub mod cli;
pub mod config;
pub mod gateway;
pub mod server;

pub mod clock;
pub mod excerpt;
pub mod limits;
pub mod liquid;
mod panicked;
pub mod problem;
pub mod random;
pub mod secret;
mod uri;
