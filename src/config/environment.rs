//! References like `${NAME}` and `${NAME:-default}` in the texts of the configuration.
//!
//! They are replaced after the file is parsed, so that a value of the environment cannot become a
//! key.

use std::path::Path;

use super::env_file::read_env_file;
use crate::diagnostics::problem::Problems;
use crate::dotenv::DotenvFile;

/// Where the values of `${NAME}` come from: the environment, or else the `.env` file beside the
/// configuration, or else the file `NAME` in `$CREDENTIALS_DIRECTORY`, where systemd puts secrets.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    file: DotenvFile,
}

impl Environment {
    /// Reads the `.env` file of a folder, if there is one, and reports its mistakes.
    pub(crate) fn read(folder: &Path, problems: &mut Problems) -> Environment {
        Environment { file: read_env_file(folder, problems) }
    }

    /// The value of a variable.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let credential = || {
            let folder = std::env::var_os("CREDENTIALS_DIRECTORY")?;
            let text = std::fs::read_to_string(Path::new(&folder).join(name)).ok()?;
            // Editors end a file with a line break, which is not part of a token.
            Some(text.trim_end_matches(['\n', '\r']).to_owned())
        };
        let line = || {
            let mut variables = self.file.variables.iter();
            variables.find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        // The environment first, so that an operator can override a file for one start.
        std::env::var(name).ok().or_else(line).or_else(credential)
    }
}

/// The reason why a `${…}` cannot be replaced. The message never contains a value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ExpandError {
    /// The variable is not set.
    #[error("the environment variable `{0}` is not set")]
    Unset(String),
    /// The variable is empty, which for a token is as wrong as not set.
    #[error("the environment variable `{0}` is empty")]
    Empty(String),
    /// A `${` without `}`, or an impossible name of a variable.
    #[error("`{0}` is not a reference to an environment variable")]
    Malformed(String),
}

impl ExpandError {
    /// Advice for the problem.
    pub(super) fn help(&self) -> String {
        match self {
            ExpandError::Unset(name) | ExpandError::Empty(name) => {
                format!(
                    "set it (`export {name}=…`, a line of `.env`, or a file of that name in \
                     `$CREDENTIALS_DIRECTORY`), or give a default: `${{{name}:-…}}`"
                )
            }
            ExpandError::Malformed(_) => {
                "write `${NAME}` or `${NAME:-default}`; `$${` is a plain `${`".to_owned()
            }
        }
    }
}

/// Replaces every reference in a text.
pub(super) fn expand_references(
    text: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<String, ExpandError> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        // `$${` is an escape: the first `$` is copied, the second one is left out.
        if rest[..start].ends_with('$') {
            expanded.push_str(&rest[..start]);
            expanded.push('{');
            rest = &rest[start + 2..];
            continue;
        }
        expanded.push_str(&rest[..start]);
        let reference = &rest[start..];
        // At most 40 characters: without `}`, the rest of the text may be a secret.
        let malformed = || ExpandError::Malformed(reference.chars().take(40).collect());
        let end = reference.find('}').ok_or_else(malformed)?;
        let inside = &reference[2..end];
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty()
            || !name.chars().all(letter)
            || name.starts_with(|c: char| c.is_ascii_digit())
        {
            return Err(malformed());
        }
        // As in a shell, `:-` also replaces an empty value.
        match (variable(name).filter(|value| !value.is_empty()), default) {
            (Some(value), _) => expanded.push_str(&value),
            (None, Some(default)) => expanded.push_str(default),
            (None, None) if variable(name).is_some() => {
                return Err(ExpandError::Empty(name.to_owned()));
            }
            (None, None) => return Err(ExpandError::Unset(name.to_owned())),
        }
        rest = &reference[end + 1..];
    }
    expanded.push_str(rest);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Result<String, ExpandError> {
        expand_references(text, &|name| match name {
            "TOKEN" => Some("12345".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        })
    }

    #[test]
    fn replaces_references() {
        assert_eq!(expanded("a ${TOKEN} b${NONE:-c}${EMPTY:-d}").unwrap(), "a 12345 bcd");
        assert_eq!(expanded("$${TOKEN} $5 {{ x }} ${NONE:-}").unwrap(), "${TOKEN} $5 {{ x }} ");
    }

    #[test]
    fn says_what_is_missing() {
        assert_eq!(expanded("${NONE}"), Err(ExpandError::Unset("NONE".to_owned())));
        assert_eq!(expanded("${EMPTY}"), Err(ExpandError::Empty("EMPTY".to_owned())));
        for wrong in ["${", "${}", "${A B}", "${1A}", "${:-x}"] {
            assert!(matches!(expanded(wrong), Err(ExpandError::Malformed(_))), "{wrong}");
        }
    }
}
