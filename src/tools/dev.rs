//! What `twimlgate dev` does beside serving: it watches files, runs the functions' program, opens
//! a tunnel, and points a number at the gateway.
//!
//! `watch` finds changed files, `process` runs a program and ends it with all its children,
//! `tunnel` reads the public URL from a tunnel program's output, `number` reads and changes the
//! webhooks of a number over the carrier's API, and `former_webhooks` stores what they were.
//! Invariant: no process that was started here outlives its value. Nothing here knows how a webhook
//! is answered.

mod former_webhooks;
mod number;
mod process;
mod tunnel;
mod watch;

pub(crate) use former_webhooks::FormerWebhooks;
pub(crate) use number::{CarrierNumber, NumberApi, NumberError, NumberWebhook};
pub(crate) use process::{ChildProgram, ProgramOutput};
pub(crate) use tunnel::{Tunnel, TunnelProgram};
pub(crate) use watch::FileSnapshot;
