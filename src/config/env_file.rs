//! The `.env` file beside a configuration: values for its `${NAME}` references.

use std::io;
use std::path::Path;

use crate::diagnostics::problem::{Problem, Problems, Severity};
use crate::dotenv::DotenvFile;
use crate::limits::CONFIG_BYTES_MAX;
use crate::read_limited::read_text_limited;

/// The name of the file, in the folder of the configuration.
const ENV_FILE_NAME: &str = ".env";

/// Reads the file in a folder, and reports its mistakes as warnings: the packages that read such a
/// file skip them, too. A missing file has no variables.
pub(super) fn read_env_file(folder: &Path, problems: &mut Problems) -> DotenvFile {
    let path = folder.join(ENV_FILE_NAME);
    match read_text_limited(&path, CONFIG_BYTES_MAX) {
        Ok(text) => {
            let file = DotenvFile::parse(&text);
            let source = file.redacted_source(&path.display().to_string());
            for (place, message) in &file.mistakes {
                let problem = source.warning(place.clone(), *message);
                problems.push(problem.expected("`NAME=value`"));
            }
            file
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => DotenvFile::default(),
        Err(error) => {
            let message = format!("cannot read `{}`: {error}", path.display());
            let help = "its variables replace `${NAME}` in the configuration; make it readable, \
                        or remove it";
            problems.push(Problem::new(Severity::Error, message).help(help));
            DotenvFile::default()
        }
    }
}
