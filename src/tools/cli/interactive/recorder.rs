//! `--record`: a session, kept as a flow test.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::DeskArgs;
use super::event_lines::{Line, Style};
use crate::clock;
use crate::tools::flow_test::{Recorded, Recording};
use crate::tools::phone::{Caller, Turn};

/// A new file, to be written at the end.
pub(super) struct Tape {
    path: PathBuf,
    file: File,
    began: Duration,
}

impl Tape {
    /// Begins. A file that is there already may hold tests that somebody has written, so it stays.
    pub(super) fn new(path: &Path) -> Result<Tape, String> {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        let file = file.map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
        Ok(Tape { path: path.to_owned(), file, began: clock::wall() })
    }

    /// Writes it; gives what to say about that.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn keep(
        mut self,
        args: &DeskArgs,
        caller: &Caller,
        turns: &[Turn],
    ) -> Result<Line, String> {
        let target = args.target.as_str();
        let of = match target.starts_with('/') {
            true => Recorded::Route(&args.config.config, target),
            false => Recorded::Url(target),
        };
        let name = format!("{} at {target}", caller.from);
        let recording = Recording { name: &name, file: &self.path, of, caller, at: self.began };
        let path = self.path.display();
        let written = self.file.write_all(recording.write(turns).as_bytes());
        written.map_err(|error| format!("cannot write `{path}`: {error}"))?;
        Ok(Line::new(Style::Aside, format!("Recorded: twimlgate test {path}")))
    }
}
