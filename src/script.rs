//! Flow tests: a script that the phone follows, and what is expected of the application meanwhile.

mod check;
mod difference;
mod coverage;
mod failure;
mod file;
mod given;
mod happened;
mod keys;
mod pattern;
mod reader;
mod step;
mod update;

pub use file::{Case, File, Target};
pub use given::{Answer, Body, Fail, Given};
pub use keys::{KEYS, Key, PLACES};
pub use pattern::Pattern;
pub use step::{EXPECTATIONS, Expect, Step, What};
