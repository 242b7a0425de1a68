//! What a key of a TOML file may be: reading it, advice, schema and manual use one table of these.

use KeyKind::{Address, Bool, Choice, Integer, List, Map, Other, Path, Text};

/// One key of a table.
#[derive(Clone, Copy, Debug)]
pub struct KeySpec {
    /// The key as it is written.
    pub name: &'static str,
    /// What its value may be.
    pub kind: KeyKind,
    /// What holds where it is left out.
    pub default: KeyDefault,
    /// Unit, meaning, and what the empty value means.
    pub doc: &'static str,
}

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub enum KeyKind {
    /// A string.
    Text,
    /// A string that is a path.
    Path,
    /// `host:port`, the host an IP address.
    Address,
    /// `true` or `false`.
    Bool,
    /// A whole number within these bounds, both included.
    Integer(i64, i64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// An array of texts.
    List,
    /// A table of texts, in the order of the file.
    Map,
    /// Anything else, in words: the reader of the file converts it.
    Other(&'static str),
}

/// What holds where a key is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyDefault {
    /// It must be given.
    Required,
    /// It has no value then.
    Unset,
    /// This TOML text is read instead.
    Toml(&'static str),
}

/// The keys of one table of a file.
#[derive(Clone, Copy, Debug)]
pub struct KeyTable {
    /// The table in messages and in the manual: `[[case]]`.
    pub name: &'static str,
    /// Its keys in the order of the manual.
    pub keys: &'static [KeySpec],
}

impl KeySpec {
    /// A key with a default, which is TOML text.
    pub(crate) const fn with_default(
        name: &'static str,
        kind: KeyKind,
        default: &'static str,
        doc: &'static str,
    ) -> KeySpec {
        KeySpec { name, kind, default: KeyDefault::Toml(default), doc }
    }

    /// A key that must be given.
    pub(crate) const fn required(name: &'static str, kind: KeyKind, doc: &'static str) -> KeySpec {
        KeySpec { name, kind, default: KeyDefault::Required, doc }
    }

    /// A key that may be left out.
    pub(crate) const fn optional(name: &'static str, kind: KeyKind, doc: &'static str) -> KeySpec {
        KeySpec { name, kind, default: KeyDefault::Unset, doc }
    }
}

impl KeyKind {
    /// What to write, in words.
    pub fn expected(self) -> String {
        match self {
            Text => "a text in quotes".to_owned(),
            Path => "a path in quotes".to_owned(),
            Address => "an address and port in quotes, like `\"127.0.0.1:8080\"`".to_owned(),
            Bool => "`true` or `false`".to_owned(),
            Integer(min, max) => format!("a whole number from {min} to {max}"),
            Choice(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
                format!("one of {}", words.join(", "))
            }
            List => "a list of texts, like `[\"…\"]`".to_owned(),
            Map => "a table of texts, like `{ name = \"…\" }`".to_owned(),
            Other(words) => words.to_owned(),
        }
    }
}
