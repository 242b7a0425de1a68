//! New projects: the files that `twimlgate new` and `twimlgate init` write.
//!
//! `sample` is the small project that runs at once, `studio` makes one around an exported flow,
//! `functions` one around a folder of Twilio Functions, `account` has its account, and `write` puts
//! files on the disk. The texts of the files are in the folder `project`.
//!
//! Invariant: nothing is written before all files are known to be new, and what a failed write
//! leaves is removed. This module neither reads arguments nor writes to the terminal.

mod account;
mod functions;
mod sample;
mod studio;
mod write;

use std::path::PathBuf;

use account::ProjectAccount;

pub(crate) use functions::functions_project;
pub(crate) use sample::{FunctionLanguage, sample_project};
pub(crate) use studio::studio_project;
pub(crate) use write::write_project;

/// A file of a new project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProjectFile {
    /// Relative to the folder of the project.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    /// Whether an existing file of this name stays as it is, as `.gitignore` does.
    pub(crate) is_optional: bool,
}

impl ProjectFile {
    fn new(path: &str, text: impl Into<String>) -> ProjectFile {
        ProjectFile { path: PathBuf::from(path), text: text.into(), is_optional: false }
    }

    fn optional(path: &str, text: impl Into<String>) -> ProjectFile {
        ProjectFile { is_optional: true, ..ProjectFile::new(path, text) }
    }
}

/// The files that every project has, whatever it does.
fn common_files() -> Vec<ProjectFile> {
    let account = ProjectAccount::invent();
    vec![
        ProjectFile::new(".env", account.env_text()),
        ProjectFile::new(".env.example", account.env_example_text()),
        ProjectFile::optional(".gitignore", include_str!("new/project/gitignore")),
        ProjectFile::optional(".github/workflows/test.yml", include_str!("new/project/test.yml")),
        ProjectFile::optional("README.md", include_str!("new/project/README.md")),
    ]
}
