//! Problems that a person mends: what is wrong, the place in a file, what was expected, what to do.
//!
//! [`problem`] collects them, [`excerpt`] draws the lines with a caret, and [`suggest`] finds the
//! name that a mistyped one was meant to be. Everything that reads a
//! file of the user reports through here, so that all problems of a run are shown at once and look
//! the same.
//!
//! Invariant: nothing here knows what a file means.

pub mod excerpt;
pub mod problem;
pub mod shorten;
pub mod suggest;
pub mod toml_reader;
