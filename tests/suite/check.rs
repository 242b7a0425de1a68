//! `twimlgate check` as a user runs it: each file of `tests/check` beside what is printed.
//!
//! `UPDATE=1 cargo test` writes the expectations anew; read the difference like code.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check")
}

/// Runs the program in a folder of its own, with nothing in its environment.
fn twimlgate(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twimlgate"));
    command.args(arguments).current_dir(folder).env_clear().output().expect("the program runs")
}

#[test]
fn every_mistake_is_told_at_once() {
    let mut files: Vec<PathBuf> =
        folder().read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    files.sort();
    assert!(files.len() > 10);
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let output = twimlgate(&folder(), &["check", "--config", name]);
        let printed = String::from_utf8(output.stdout).unwrap();
        let expected = file.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&expected, &printed).unwrap();
        }
        assert_eq!(printed, std::fs::read_to_string(&expected).unwrap_or_default(), "{name}");
        let refused = printed.contains("error: ");
        assert_eq!(output.status.code(), Some(i32::from(refused)), "{name}");
        assert!(output.stderr.is_empty(), "{name}");
        // `serve` refuses for the same reasons, except for templates that cannot answer: the other
        // callers are answered.
        if refused && !name.starts_with("never-") {
            let output = twimlgate(&folder(), &["serve", "--config", name]);
            assert_eq!(output.status.code(), Some(1), "{name}");
            let errors = String::from_utf8(output.stderr).unwrap();
            let told = printed.lines().filter(|line| line.starts_with("error: "));
            told.for_each(|line| assert!(errors.contains(line), "{name}: {line}"));
        }
    }
}

#[test]
fn what_the_environment_lacks_may_be_a_file_of_the_service_manager() {
    let credentials = Path::new(env!("CARGO_TARGET_TMPDIR")).join("credentials");
    std::fs::create_dir_all(&credentials).unwrap();
    std::fs::write(credentials.join("TWILIO_ACCOUNT_SID"), "AC00000000000000000000000000000000\n")
        .unwrap();
    std::fs::write(credentials.join("TWILIO_AUTH_TOKEN"), "12345\n").unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let check = |variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_twimlgate"));
        let command = command.arg("check").current_dir(root).env_clear();
        command.envs(variables.iter().copied()).output().expect("the program runs")
    };
    let folder = ("CREDENTIALS_DIRECTORY", credentials.to_str().unwrap());
    assert!(!check(&[]).status.success());
    assert!(check(&[folder]).status.success());
    // What is in the environment counts, also where it is nothing.
    let printed = String::from_utf8(check(&[folder, ("TWILIO_AUTH_TOKEN", "")]).stdout).unwrap();
    assert!(printed.contains("`TWILIO_AUTH_TOKEN` is empty"), "{printed}");
    assert!(!printed.contains("12345"), "{printed}");
}

#[test]
fn an_env_file_beside_the_configuration_sets_what_the_environment_lacks() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("env-file");
    std::fs::create_dir_all(&folder).unwrap();
    let config = "[[account]]\ncarrier = \"twilio\"\nsid = \"${TWILIO_ACCOUNT_SID}\"\n\
                  auth_tokens = [\"${TWILIO_AUTH_TOKEN}\"]\n";
    std::fs::write(folder.join("config.toml"), config).unwrap();
    let check = |env_file: &str, variables: &[(&str, &str)]| {
        std::fs::write(folder.join(".env"), env_file).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_twimlgate"));
        // From another folder: the file beside the configuration counts, not the working folder's.
        let command = command.args(["check", "--config", "env-file/config.toml"]);
        let command = command.current_dir(env!("CARGO_TARGET_TMPDIR")).env_clear();
        let output = command.envs(variables.iter().copied()).output().expect("the program runs");
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let sid = "TWILIO_ACCOUNT_SID=AC00000000000000000000000000000000\n";
    let (valid, printed) = check(&format!("{sid}TWILIO_AUTH_TOKEN='secret'\n"), &[]);
    assert!(valid, "{printed}");
    let (valid, printed) = check(&format!("{sid}secret\nTWILIO_AUTH_TOKEN=\"secret\n"), &[]);
    assert!(valid, "{printed}");
    for place in ["env-file/.env:2:1", "env-file/.env:3:1"] {
        assert!(printed.contains(place), "{printed}");
    }
    assert!(!printed.contains("secret"), "{printed}");
    // The environment has precedence, so that one start can use another account.
    let (valid, printed) = check(sid, &[("TWILIO_AUTH_TOKEN", "other")]);
    assert!(valid, "{printed}");
    assert!(!check("", &[]).0);
}

#[test]
fn a_missing_file_is_told_with_a_way_out() {
    let output = twimlgate(&folder(), &["check", "--config", "nowhere.toml"]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(printed.contains("`nowhere.toml`") && printed.contains("twimlgate demo"), "{printed}");
}

/// The size of such a file is 0 until it is read.
#[test]
fn a_file_without_an_end_is_read_up_to_the_limit() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("endless");
    std::fs::create_dir_all(folder.join("templates")).unwrap();
    let route = "[signature]\nmode = \"off\"\n[route.\"/voice\"]\nchannel = \"voice\"\n";
    let config = format!("{route}flow = \"/dev/zero\"\nfallback = \"zero.xml\"\n");
    std::fs::write(folder.join("config.toml"), config).unwrap();
    let template = folder.join("templates/zero.xml");
    let _ = std::os::unix::fs::symlink("/dev/zero", &template);
    for (config, endless) in [("/dev/zero", 1), ("config.toml", 2)] {
        let output = twimlgate(&folder, &["check", "--config", config]);
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(printed.matches(": it is larger than ").count(), endless, "{printed}");
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn the_schema_in_the_repository_is_the_one_of_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = twimlgate(root, &["check", "--schema"]);
    let file = root.join("config.schema.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &output.stdout).unwrap();
    }
    assert_eq!(String::from_utf8(output.stdout).unwrap(), std::fs::read_to_string(file).unwrap());
}

/// The shipped file is the manual: every key stands in it, at its default, with a comment.
#[test]
fn the_shipped_file_has_every_key_at_its_default() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("config.toml")).unwrap();
    // The optional parts are commented out, and must be right all the same.
    let sections = ["[[account.shared_key]]", "[route.\"/app/*\"]", "[flow.survey]", "[[rewrite]]"];
    let keys = ["id = ", "secret = ", "algorithm = ", "file = ", "sid = ", "from = ", "to = "];
    let forward =
        ["forward = ", "open = ", "timeout_ms = ", "voice_fallback = ", "message_fallback = "];
    let text = sections.iter().chain(&keys).chain(&forward).fold(text, |text, beginning| {
        text.replace(&format!("\n# {beginning}"), &format!("\n{beginning}"))
    });
    let file: toml::Table = text.parse().unwrap();
    let schema: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(root.join("config.schema.json")).unwrap())
            .unwrap();
    let mut missing = Vec::new();
    compare("", &schema, &serde_json::to_value(&file).unwrap(), &mut missing);
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
    for line in text.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')) {
        let repeated = ["channel", "function", "parameters", "success", "fail"];
        let told = line.contains(" # ") || repeated.iter().any(|key| line.starts_with(key));
        assert!(told, "no comment: {line}");
    }
}

/// Walks schema and file together.
fn compare(
    path: &str,
    schema: &serde_json::Value,
    file: &serde_json::Value,
    wrong: &mut Vec<String>,
) {
    if let Some(items) = schema.get("items").filter(|items| items["properties"].is_object()) {
        return compare(path, items, &file[0], wrong);
    }
    for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        let Some(value) = file.get(key) else {
            wrong.push(format!("{path} is missing"));
            continue;
        };
        let section = schema["type"] == "object" && schema["properties"].is_object();
        let own = path.starts_with(".route./sms") || path.starts_with(".route./voice");
        let own = own || path == ".account.auth_tokens";
        // One of three keys is needed, so the first one has a value.
        let own = own || path == ".function.lookup.url";
        if schema.get("default").is_some_and(|default| default != value) && !own && !section {
            wrong.push(format!("{path} is {value}, its default {}", schema["default"]));
        }
        compare(&path, schema, value, wrong);
    }
    let prefixes = &schema["patternProperties"]["\\*$"];
    let sections = || file.as_object().into_iter().flatten();
    let is_prefix = |name: &str| name.ends_with('*') && prefixes.is_object();
    if let Some((name, section)) = sections().find(|(name, _)| is_prefix(name)) {
        compare(&format!("{path}.{name}"), prefixes, section, wrong);
    }
    let named = schema["additionalProperties"].as_object().filter(|named| !named.is_empty());
    if named.is_some()
        && schema["additionalProperties"]["properties"].is_object()
        && let Some((name, section)) = sections().find(|(name, _)| !is_prefix(name))
    {
        compare(&format!("{path}.{name}"), &schema["additionalProperties"], section, wrong);
    }
}
