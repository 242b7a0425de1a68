//! Flow tests: a script that the phone follows, and what is expected of the application meanwhile.

mod file;
mod given;
mod keys;
mod pattern;
mod reader;
mod step;

pub use file::{Case, File, Target};
pub use given::{Answer, Body, Fail, Given};
pub use keys::{KEYS, Key, PLACES};
pub use pattern::Pattern;
pub use step::{EXPECTATIONS, Expect, Step, What};
