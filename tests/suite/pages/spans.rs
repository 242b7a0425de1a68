//! The code spans of a page: commands are commands that exist, and keys of the configuration are
//! keys that exist, with a value that they take.

use std::path::Path;

use clap::error::ErrorKind;
use regex::Regex;
use twimlgate::config::Config;
use twimlgate::diagnostics::problem::Source;
use twimlgate::flow::WIDGET_TYPES;
use twimlgate::tools::cli;
use twimlgate::tools::flow_test::TABLES;

use super::reader::root;
use super::shell;
use crate::support::rig::SID;

/// Where a key of the configuration can be: what is before it, and what is needed beside it.
const PLACES: [(&str, &str); 14] = [
    ("[server]", ""),
    ("[server.tls]", "certificate = \"a\"\nkey = \"b\""),
    ("[admin]", ""),
    ("[log]", ""),
    ("[store]", ""),
    ("[signature]", ""),
    ("[egress]", ""),
    ("[[account]]", "sid = \"AC00000000000000000000000000000000\"\nauth_tokens = [\"1\"]"),
    (
        "[[account]]\nsid = \"AC00000000000000000000000000000000\"\n[[account.shared_key]]",
        "id = \"a\"\nsecret = \"b\"\nalgorithm = \"HMAC_SHA1\"",
    ),
    ("[function.x]", "url = \"http://127.0.0.1:9000/\""),
    ("[function.x]", ""),
    ("[functions]", ""),
    ("[route.\"/x\"]", "channel = \"voice\"\nfunction = \"f\""),
    ("[flow.x]", "file = \"a.toml\""),
];

/// Keys of flow files, beside those of widgets and of flow tests.
const FLOW_KEYS: [&str; 7] = ["equal_to", "from", "match", "offset", "on", "to", "type"];

/// A key of a flow or of a flow test, which are checked where they are shown whole.
fn is_flow_key(key: &str) -> bool {
    let tables = TABLES.iter().flat_map(|table| table.keys).map(|known| known.name);
    let widgets = WIDGET_TYPES.iter().flat_map(|known| known.properties).map(|known| known.name);
    tables.chain(widgets).chain(FLOW_KEYS).any(|known| known == key)
}

/// Checks a code span; one that is neither command nor configuration is right.
pub(crate) fn check(span: &str) -> Result<(), String> {
    let words: Vec<&str> = span.split_whitespace().collect();
    let is_variable = |word: &&str| word.contains('=') && word.starts_with(char::is_uppercase);
    let is_operator = |word: &&str| [">", "|", "&&"].contains(word);
    let command = words.into_iter().skip_while(is_variable);
    let mut command = command.take_while(|word| !is_operator(word));
    match command.next() {
        Some("twimlgate") => check_twimlgate(span, command),
        Some("cargo") => check_cargo(&command.collect::<Vec<_>>()),
        Some(path) if is_script(path) => {
            shell::check_script(path, &command.collect::<Vec<_>>().join(" "))
        }
        Some(_) if span.contains(" = ") => check_key(span),
        _ => Ok(()),
    }
}

fn is_script(path: &str) -> bool {
    let is_program = |path: &Path| {
        use std::os::unix::fs::PermissionsExt as _;
        path.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 1 > 0)
    };
    let below = [".ci/", "benches/", "fuzz/", "packaging/", "tests/"];
    below.iter().any(|folder| path.starts_with(folder)) && is_program(&root().join(path))
}

/// Names and options of a command exist; what it lacks, and words for values, are right.
fn check_twimlgate<'a>(span: &str, arguments: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let words = std::iter::once("twimlgate").chain(arguments);
    let Err(error) = cli::command().try_get_matches_from(words) else { return Ok(()) };
    match error.kind() {
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand => {
            Err(format!("`{span}`: {error}"))
        }
        _ => Ok(()),
    }
}

fn check_cargo(words: &[&str]) -> Result<(), String> {
    let after = |option: &str| {
        let at = words.iter().position(|word| *word == option)?;
        words.get(at + 1).copied()
    };
    if words.first() == Some(&"run") && words.contains(&"--") && after("--manifest-path").is_none()
    {
        let arguments = words.iter().copied().skip_while(|word| *word != "--").skip(1);
        return check_twimlgate(&words.join(" "), arguments);
    }
    let manifest = after("--manifest-path").map(|path| path.to_owned());
    let bench = after("--bench").map(|name| format!("benches/{name}.rs"));
    let missing = manifest.into_iter().chain(bench).find(|path| !root().join(path).exists());
    missing.map_or(Ok(()), |path| Err(format!("there is no `{path}`")))
}

/// A `KEY = VALUE` is right in one of the sections, unless the key belongs to a flow or its test.
fn check_key(span: &str) -> Result<(), String> {
    let key = Regex::new(r"^(\w+) = \S").unwrap();
    let Some(found) = key.captures(span) else { return Ok(()) };
    if is_flow_key(&found[1]) || span.contains('…') || span.parse::<toml::Table>().is_err() {
        return Ok(());
    }
    let mut told = String::new();
    for (section, beside) in PLACES {
        let other = |line: &&str| !line.starts_with(&format!("{} = ", &found[1]));
        let beside: Vec<&str> = beside.lines().filter(other).collect();
        let text = format!("{section}\n{}\n{span}\n", beside.join("\n"));
        let source = Source::new("span.toml", &text);
        let (_, problems) = Config::parse(&source, root(), &|_| Some(SID.to_owned()));
        let problems = problems.to_string();
        let lines = problems.lines().filter(|line| line.starts_with("error: "));
        // The rest of the configuration is not there, nor are the files of the reader.
        let is_file = |line: &&str| line.starts_with("error: `server.tls.");
        let lines = lines.filter(|line| line.contains(&found[1]) && !is_file(line));
        let wrong: Vec<&str> = lines.collect();
        match wrong.first() {
            None => return Ok(()),
            Some(line) if !line.contains("unknown key") => told = (*line).to_owned(),
            Some(_) => {}
        }
    }
    let reason = if told.is_empty() { "no section has this key".to_owned() } else { told };
    Err(format!("`{span}`: {reason}"))
}

#[test]
fn wrong_commands_and_keys_are_found() {
    for right in [
        "A=… twimlgate serve",
        "twimlgate load",
        "cargo run --release -- demo",
        "tests/walk FOLDER",
        "http_version = \"1.0\"",
        "let x = 1",
        "twimlgate.db",
        "method = \"GET\"",
    ] {
        assert_eq!(check(right), Ok(()));
    }
    for wrong in [
        "twimlgate server",
        "twimlgate check --all",
        "cargo run -- demo --twice",
        "cargo bench --bench nothing",
        "tests/proof/run --nothing",
        "http_version = \"2\"",
        "http_versoin = \"1.0\"",
    ] {
        assert!(check(wrong).is_err(), "{wrong}");
    }
}
