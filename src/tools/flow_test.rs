//! Flow tests: a script that the phone follows, and what is expected of the application meanwhile.
//!
//! ```text
//! *.test.toml ──> File ──> Case ──> Step ─┬─ an Act ────> phone ──Heard──> Happened
//!                  │        │ given       └─ an Expect ─> check <──────────────┘
//!               Subject   Stand                             │
//!               a gateway answers                        Failure ──> tree, junit, updated
//! ```
//!
//! [`follow`](follow()) needs nothing but a phone, whatever is at the other end of it;
//! [`run`](run()) puts our own gateway there, with functions that are played and time that is
//! pretended.

mod check;
mod difference;
mod coverage;
mod failure;
mod file;
mod follow;
mod given;
mod happened;
mod junit;
mod keys;
mod pattern;
mod record;
mod run;
mod stand_in;
mod step;
mod subject;
mod tree;
mod update;

pub use failure::Failure;
pub use file::{Case, File, Target};
pub use follow::{Followed, follow};
pub use given::{Answer, Fail, Given};
pub use junit::junit;
pub use keys::TABLES;
pub use pattern::Pattern;
pub use record::{Recorded, Recording};
pub use run::{CaseReport, ENDING, FileReport, Report, find, run};
pub use stand_in::Stand;
pub use step::{EXPECTATIONS, Expect, Step, What};
pub use subject::Subject;
pub use tree::tree;
pub use update::updated;
