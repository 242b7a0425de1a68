//! `${NAME}` and `${NAME:-default}` in the texts of the configuration.
//!
//! Replaced after the file is parsed, so that a value of the environment can never become a key.

use std::path::Path;

/// A variable of the environment, or else the file of that name in `$CREDENTIALS_DIRECTORY`, where
/// systemd and others put what must stay secret, without the end of its line.
pub(crate) fn environment_variable(name: &str) -> Option<String> {
    let file = || {
        let folder = std::env::var_os("CREDENTIALS_DIRECTORY")?;
        let text = std::fs::read_to_string(Path::new(&folder).join(name)).ok()?;
        // Editors end a file with a line break, which is no part of a token.
        Some(text.trim_end_matches(['\n', '\r']).to_owned())
    };
    // The environment first: an operator overrides a credential for one start there.
    std::env::var(name).ok().or_else(file)
}

/// Why a text with `${…}` cannot be used. The message never holds a value of the environment.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ExpandError {
    /// The variable is not there.
    #[error("the environment variable `{0}` is not set")]
    Unset(String),
    /// The variable is there and empty, which for a token is as bad as not there.
    #[error("the environment variable `{0}` is empty")]
    Empty(String),
    /// `${` without `}`, or a name that no variable can have.
    #[error("`{0}` is not a reference to an environment variable")]
    Malformed(String),
}

impl ExpandError {
    /// What to do.
    pub(super) fn help(&self) -> String {
        match self {
            ExpandError::Unset(name) | ExpandError::Empty(name) => {
                format!(
                    "set it (`export {name}=…`, or a file of that name in \
                     `$CREDENTIALS_DIRECTORY`), or give a default: `${{{name}:-…}}`"
                )
            }
            ExpandError::Malformed(_) => {
                "write `${NAME}` or `${NAME:-default}`; `$${` is a plain `${`".to_owned()
            }
        }
    }
}

/// The text with every reference replaced.
pub(super) fn expand_references(
    text: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<String, ExpandError> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        // `$${` is an escape: one `$` is already copied, so only the brace follows.
        if rest[..start].ends_with('$') {
            expanded.push_str(&rest[..start]);
            expanded.push('{');
            rest = &rest[start + 2..];
            continue;
        }
        expanded.push_str(&rest[..start]);
        let reference = &rest[start..];
        // At most 40 characters of it: what follows may be a secret.
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
