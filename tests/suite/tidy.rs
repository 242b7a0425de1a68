//! Style as a test: what rustfmt and clippy do not say.

mod structure;

use std::path::{Path, PathBuf};

const LINES_MAX: usize = 400;
const COLUMNS_MAX: usize = 100;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below these folders.
fn sources(folders: &[&str]) -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in folder.read_dir().into_iter().flatten() {
            let path = entry.unwrap().path();
            // What a package of its own builds below its folder is not ours.
            if path.ends_with("target") {
                continue;
            }
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    folders.iter().for_each(|folder| walk(&root().join(folder), &mut found));
    assert!(!found.is_empty());
    found
}

/// A file without its comments and its inline tests.
fn production_code(text: &str) -> String {
    let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn files_are_small_and_say_what_they_are() {
    let mut wrong = Vec::new();
    for (path, text) in sources(&["src", "tests", "benches", "examples", "fuzz/src"]) {
        let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
        let lines = code.lines().count();
        if lines > LINES_MAX {
            wrong.push(format!("{}: {lines} lines, at most {LINES_MAX}", path.display()));
        }
        if !text.starts_with("//! ") {
            wrong.push(format!("{}: begin with `//! ` and what the file is", path.display()));
        }
        for (number, line) in text.lines().enumerate() {
            if line.chars().count() > COLUMNS_MAX && !line.contains("://") {
                wrong.push(format!("{}:{}: over {COLUMNS_MAX}", path.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn nothing_is_left_lying_about() {
    // Spelt apart, so that this file does not find itself.
    let left =
        [concat!("FIX", "ME"), concat!("XX", "X"), concat!("TO", "DO"), concat!("dbg", "!(")];
    for (path, text) in sources(&["src", "tests", "benches", "examples", "fuzz/src"]) {
        for word in left {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
        assert!(!path.ends_with("mod.rs"), "{}: name it after its folder", path.display());
    }
}

#[test]
fn the_engine_does_no_io() {
    let forbidden = ["std::fs", "std::net", "tokio::", "clock::", "random::", "awc::", "async fn"];
    for (path, text) in sources(&["src/flow", "src/liquid", "src/twiml"]) {
        for word in forbidden {
            assert!(!text.contains(word), "{} uses {word}", path.display());
        }
    }
}

/// `println!` panics where its reader has gone, as in `twimlgate check | head`.
#[test]
fn commands_write_by_macros_that_do_not_panic() {
    for (path, text) in sources(&["src/tools"]) {
        let code = production_code(&text);
        for word in ["println!(", "print!("] {
            assert!(!code.contains(word), "{}: use `outln!` or `errln!`", path.display());
        }
    }
}

#[test]
fn only_verify_makes_a_webhook() {
    for (path, text) in sources(&["src"]) {
        let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
        // Not the names that end so, as that of a sample of the demo.
        let is_word = |(at, _): (usize, &str)| !code[..at].ends_with(char::is_alphanumeric);
        let makes =
            code.match_indices("Webhook {").filter(|found| is_word(*found)).any(|(at, _)| {
                let before = code[..at].trim_end();
                !before.ends_with("struct") && !before.ends_with("impl") && !before.ends_with("->")
            });
        let allowed = path.starts_with(root().join("src/verify"));
        assert!(!makes || allowed, "{} makes a Webhook", path.display());
    }
}

#[test]
fn the_readme_names_the_stages_of_the_code() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let mut stages: Vec<String> = sources(&["src"])
        .into_iter()
        .filter_map(|(path, text)| {
            let line = text.lines().next()?.strip_prefix("//! Stage ")?;
            let (number, what) = line.split_once(": ")?;
            let top = path.parent()? == root().join("src");
            let name = path.file_stem()?.to_str()?;
            top.then(|| format!("{number}. `{name}`: {what}"))
        })
        .collect();
    stages.sort();
    assert_eq!(stages.len(), 8, "{stages:#?}");
    for stage in stages {
        assert!(readme.contains(&stage), "the README lacks: {stage}");
    }
}

/// Every fault has its row in `tests/faults.md`, and every test named there exists.
#[test]
fn the_table_of_faults_names_tests_that_exist() {
    let table = std::fs::read_to_string(root().join("tests/faults.md")).unwrap();
    let rows = [("F", 1..=18), ("S", 1..=11), ("P", 1..=20), ("T", 9..=12)];
    for (kind, numbers) in rows {
        for number in numbers {
            let row = format!("\n| **{kind}{number}** ");
            assert!(table.contains(&row), "there is no row {kind}{number}");
        }
    }
    let mut names = 0;
    for name in table.split('`').filter(|name| !name.contains(' ')) {
        let folder = match name.split_once("::") {
            Some(("suite", _)) => "tests/suite",
            Some(("lib", _)) => "src",
            _ => continue,
        };
        let mut parts: Vec<&str> = name.split("::").skip(1).collect();
        let test = parts.pop().unwrap();
        parts.retain(|part| *part != "tests");
        let file = root().join(folder).join(parts.join("/")).with_extension("rs");
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        // The row on this very test names a module.
        let there = parts.is_empty() || text.contains(&format!("fn {test}("));
        assert!(there, "{name} is not in {}", file.display());
        names += 1;
    }
    assert!(names > 100, "{names} tests are named");
}

/// The figures of instructions on the pages are the committed ones, to the thousand.
#[test]
fn the_pages_have_the_counted_instructions() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let figures: toml::Table = read("benches/instructions/figures.toml").parse().unwrap();
    let shown = |row: &str| {
        let thousands = figures[row]["instructions"].as_integer().unwrap() as f64 / 1_000.0;
        format!("{},000", thousands.round())
    };
    let readme = read("README.md");
    for row in ["passed_through", "rendered", "flow_turn"] {
        assert!(readme.contains(&shown(row)), "README.md: {row} costs {} instructions", shown(row));
    }
    let passed = shown("passed_through");
    assert!(read("benches/compare/README.md").contains(&passed), "compare: {passed}");
}
