//! `--record`: writes a session as a flow test.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::InteractiveArgs;
use super::event_lines::{LineStyle, OutputLine};
use crate::clock;
use crate::tools::flow_test::{RecordedTarget, SessionRecording};
use crate::tools::phone::{Caller, PhoneTurn};

/// A new file for the flow test, which is written at the end of the session.
pub(super) struct SessionRecorder {
    path: PathBuf,
    file: File,
    began: Duration,
}

impl SessionRecorder {
    /// Creates the file.
    ///
    /// # Errors
    /// If it cannot be created. An existing file may hold tests, so it is not overwritten.
    pub(super) fn new(path: &Path) -> Result<SessionRecorder, String> {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        let file = file.map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
        Ok(SessionRecorder { path: path.to_owned(), file, began: clock::wall() })
    }

    /// Writes the file. Returns the line that reports it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn finish(
        mut self,
        args: &InteractiveArgs,
        caller: &Caller,
        turns: &[PhoneTurn],
    ) -> Result<OutputLine, String> {
        let name = format!("{} at {}", caller.from, args.target);
        let target = if args.target.starts_with('/') {
            RecordedTarget::Route { config: &args.config.config, route: &args.target }
        } else {
            RecordedTarget::Url(&args.target)
        };
        let recording =
            SessionRecording { name: &name, file: &self.path, target, caller, at: self.began };
        let path = self.path.display();
        // At the end only: a flow test needs all answers of a function to list them once.
        let result = self.file.write_all(recording.to_flow_test(turns).as_bytes());
        result.map_err(|error| format!("cannot write `{path}`: {error}"))?;
        Ok(OutputLine::new(LineStyle::Note, format!("Recorded: twimlgate test {path}")))
    }
}
