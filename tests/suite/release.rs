//! The workflows and the script of a release: that they name what there is, and what the script
//! refuses. `packaging/release` is run by hand for its files, because a build takes minutes.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use yaml_rust2::{Yaml, YamlLoader};

const SCRIPT: &str = "packaging/release";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn release(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(folder.join(SCRIPT)).args(arguments).env_remove("IMAGE").output().unwrap()
}

/// The steps that `--help` describes: indented, with two spaces before the description.
fn described_steps() -> BTreeSet<String> {
    let output = release(root(), &["--help"]);
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    let steps = help.lines().filter_map(|line| line.strip_prefix("  "));
    steps.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

/// The workflows, each with its name.
fn workflows() -> Vec<(String, Yaml)> {
    let folder = root().join(".github/workflows");
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut documents = YamlLoader::load_from_str(&std::fs::read_to_string(path).unwrap());
        (name, documents.as_mut().unwrap().remove(0))
    };
    folder.read_dir().unwrap().map(|entry| read(entry.unwrap().path())).collect()
}

/// A command of a workflow is a script of the repository, and its steps exist.
fn check_command(name: &str, line: &str, steps: &BTreeSet<String>) {
    let mut words = line.split_whitespace();
    let program = root().join(words.next().unwrap());
    let metadata = program.metadata().unwrap_or_else(|error| panic!("{name}: {line}: {error}"));
    assert!(metadata.permissions().mode() & 0o111 != 0, "{name}: {line}: not executable");
    if program.ends_with(SCRIPT) {
        for step in words.filter(|word| !word.starts_with('"')) {
            assert!(steps.contains(step), "{name}: {line}: no step `{step}`");
        }
    }
}

/// An action is pinned by its commit, with the version as a comment; a workflow is ours.
fn check_uses(name: &str, uses: &str) {
    let text = std::fs::read_to_string(root().join(".github/workflows").join(name)).unwrap();
    if let Some(path) = uses.strip_prefix("./") {
        assert!(root().join(path).is_file(), "{name}: {uses}");
    } else {
        let commit = uses.split('@').nth(1).unwrap_or_default();
        let is_commit = commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit());
        assert!(is_commit && text.contains(&format!("{uses} # v")), "{name}: {uses}");
    }
}

#[test]
fn the_workflows_name_what_there_is_and_may_do_little() {
    let steps = described_steps();
    let workflows = workflows();
    assert_eq!(workflows.len(), 2);
    for (name, workflow) in &workflows {
        let may_write = |permissions: &Yaml| {
            let entries = permissions.as_hash().unwrap_or_else(|| panic!("{name}: permissions"));
            entries.iter().any(|(_, value)| value.as_str() != Some("read"))
        };
        assert!(!may_write(&workflow["permissions"]), "{name}");
        for (job, content) in workflow["jobs"].as_hash().unwrap() {
            let job = job.as_str().unwrap();
            let permissions = &content["permissions"];
            let writes = !permissions.is_badvalue() && may_write(permissions);
            assert_eq!(writes, matches!(job, "image" | "publish"), "{name}: {job}");
            content["uses"].as_str().into_iter().for_each(|uses| check_uses(name, uses));
            for step in content["steps"].as_vec().into_iter().flatten() {
                step["uses"].as_str().into_iter().for_each(|uses| check_uses(name, uses));
                let commands = step["run"].as_str().unwrap_or_default();
                commands.lines().for_each(|line| check_command(name, line, &steps));
            }
        }
    }
}

#[test]
fn the_script_knows_the_steps_that_it_describes() {
    let script = std::fs::read_to_string(root().join(SCRIPT)).unwrap();
    for step in described_steps() {
        assert!(script.contains(&format!("\n{step}() {{")), "{step}");
    }
    let output = release(root(), &["programme"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text, "packaging/release: there is no step `programme`; --help lists them\n");
    assert_eq!(release(root(), &[]).status.code(), Some(2));
}

#[test]
fn a_tag_needs_the_version_and_its_section() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("release");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("packaging")).unwrap();
    std::fs::copy(root().join(SCRIPT), folder.join(SCRIPT)).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("Cargo.toml", "[package]\nversion = \"1.2.0\"\nrust-version = \"1.95\"\n");
    write("CHANGELOG.md", "# Changes\n\n## Unreleased\n\nSoon.\n\n## 1.1.0\n\nBefore.\n");
    let refused = |tag: &str| {
        let output = release(&folder, &["tag", tag]);
        assert_eq!(output.status.code(), Some(1), "{tag}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused("v1.1.0").ends_with("is `v1.1.0`, and the version in Cargo.toml `1.2.0`\n"));
    assert!(refused("v1.2.0").ends_with("CHANGELOG.md has no section `## 1.2.0`\n"));
    let notes = || {
        assert!(release(&folder, &["notes"]).status.success());
        std::fs::read_to_string(folder.join("target/dist-notes.md")).unwrap()
    };
    assert_eq!(notes().trim(), "Soon.");
    write("CHANGELOG.md", "# Changes\n\n## 1.2.0 (today)\n\nNow.\n\n## 1.1.0\n\nBefore.\n");
    assert!(release(&folder, &["tag", "v1.2.0", "notes"]).status.success());
    assert_eq!(notes().trim(), "Now.");
}
