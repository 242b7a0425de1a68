//! `--record`: a session, kept as a flow test.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::InteractiveArgs;
use super::event_lines::{LineStyle, OutputLine};
use crate::clock;
use crate::tools::flow_test::{RecordedTarget, SessionRecording};
use crate::tools::phone::{Caller, PhoneTurn};

/// A new file, to be written at the end.
pub(super) struct SessionRecorder {
    path: PathBuf,
    file: File,
    began: Duration,
}

impl SessionRecorder {
    /// Begins. A file that is there already may hold tests that somebody has written, so it stays.
    pub(super) fn new(path: &Path) -> Result<SessionRecorder, String> {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        let file = file.map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
        Ok(SessionRecorder { path: path.to_owned(), file, began: clock::wall() })
    }

    /// Writes it; gives what to say about that.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn keep(
        mut self,
        args: &InteractiveArgs,
        caller: &Caller,
        turns: &[PhoneTurn],
    ) -> Result<OutputLine, String> {
        let target = args.target.as_str();
        let of = match target.starts_with('/') {
            true => RecordedTarget::Route(&args.config.config, target),
            false => RecordedTarget::Url(target),
        };
        let name = format!("{} at {target}", caller.from);
        let recording =
            SessionRecording { name: &name, file: &self.path, of, caller, at: self.began };
        let path = self.path.display();
        let written = self.file.write_all(recording.write(turns).as_bytes());
        written.map_err(|error| format!("cannot write `{path}`: {error}"))?;
        Ok(OutputLine::new(LineStyle::Note, format!("Recorded: twimlgate test {path}")))
    }
}
