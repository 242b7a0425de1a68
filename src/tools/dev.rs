//! What `twimlgate dev` does beside serving: it watches files, runs the functions' program, and
//! opens a tunnel.
//!
//! `watch` finds changed files, `process` runs a program and ends it with all its children,
//! `tunnel` reads the public URL from a tunnel program's output. Invariant: no process that was
//! started here outlives its value. Nothing here knows how a webhook is answered.

mod process;
mod tunnel;
mod watch;

pub(crate) use process::{ChildProgram, ProgramOutput};
pub(crate) use tunnel::{Tunnel, TunnelProgram};
pub(crate) use watch::FileSnapshot;
