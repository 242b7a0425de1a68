//! The structure of the source as tests: imports go down, and a name belongs to one type.

use std::collections::BTreeMap;

use super::{production_code, root, sources};

/// The top-level modules from the top down. A module imports only modules of lower rows.
const LAYERS: &[&[&str]] = &[
    &["tools"],
    &["server"],
    &["exchange"],
    &["gateway"],
    &["fallback", "journal"],
    &["exchange_error"],
    &["carrier_api", "picture", "route", "session"],
    &["flow"],
    &["pending"],
    &["function"],
    &["node", "template", "trace", "verify"],
    &["liquid", "tls", "webhook"],
    &["clock", "config", "random", "twiml"],
    &["uri"],
    &["dotenv", "percent"],
    &[
        "basic_auth",
        "catch_panic",
        "channel",
        "diagnostics",
        "hex",
        "json",
        "limits",
        "media_type",
        "metrics",
        "read_limited",
        "secret",
        "sqlite_file",
    ],
];

/// Names that several types may have: clap's arguments of a subcommand are always `Args`.
const SHARED_NAMES: [&str; 1] = ["Args"];

#[test]
fn imports_only_go_down() {
    let layer = |module: &str| LAYERS.iter().position(|layer| layer.contains(&module));
    let mut wrong = Vec::new();
    for (path, text) in sources(&["src"]) {
        let below = path.strip_prefix(root().join("src")).unwrap();
        let first = below.iter().next().unwrap().to_str().unwrap();
        let module = first.trim_end_matches(".rs");
        if matches!(module, "lib" | "main") {
            continue;
        }
        let Some(own) = layer(module) else {
            wrong.push(format!("`{module}` has no row in `LAYERS`"));
            continue;
        };
        for import in imports(&production_code(&text)) {
            let goes_down = layer(&import).is_some_and(|other| other > own);
            if import != module && !goes_down {
                wrong.push(format!("{}: imports `{import}`, which is not below", below.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The modules that code names as `crate::MODULE` or in `crate::{…}`.
fn imports(code: &str) -> Vec<String> {
    let name = |text: &str| {
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        text[..end].to_owned()
    };
    let mut found = Vec::new();
    for (at, path) in code.match_indices("crate::") {
        let rest = &code[at + path.len()..];
        match rest.strip_prefix('{') {
            Some(group) => {
                let mut depth = 1;
                let end = group.find(|c| {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    depth == 0
                });
                let group = &group[..end.unwrap_or(group.len())];
                let mut depth = 0;
                let parts = group.split(|c| {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    c == ',' && depth == 0
                });
                found.extend(parts.map(|part| name(part.trim())).filter(|name| !name.is_empty()));
            }
            None => found.push(name(rest)),
        }
    }
    found
}

#[test]
fn a_name_belongs_to_one_type() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in sources(&["src"]) {
        for line in production_code(&text).lines() {
            let mut words = line.split_whitespace().skip_while(|word| word.starts_with("pub"));
            if !matches!(words.next(), Some("struct" | "enum" | "union" | "trait")) {
                continue;
            }
            let name = words.next().unwrap_or_default();
            let end = name.find(|c: char| !c.is_alphanumeric()).unwrap_or(name.len());
            let place = path.display().to_string();
            places.entry(name[..end].to_owned()).or_default().push(place);
        }
    }
    places.retain(|name, places| places.len() > 1 && !SHARED_NAMES.contains(&name.as_str()));
    assert!(places.is_empty(), "{places:#?}");
}
