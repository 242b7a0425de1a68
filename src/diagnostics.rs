//! Problems that a person corrects: what is wrong, its place in a file, what was expected, what to
//! do.
//!
//! [`problem`] collects them, `excerpt` draws the source line with a caret, `suggest` finds the
//! name that a mistyped one was meant to be, and [`toml_reader`] reads TOML so that every value
//! has its place. Whatever reads a file of the user reports through here, so that all problems of
//! a run are shown at once and look the same.
//!
//! Invariant: nothing here knows what a file means. Keys, sections and flows are the readers'.

pub(crate) mod excerpt;
pub mod problem;
pub(crate) mod shorten;
pub(crate) mod suggest;
pub(crate) mod toml_reader;
