//! What users copy, and the pages about running it: that they name what there is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use twimlgate::limits::{DRAIN_WITHIN, KEEP_ALIVE, WEBHOOK_BODY_BYTES_MAX};
use yaml_rust2::YamlLoader;

use crate::support::hostile::Hostile;
use crate::support::rig::Rig;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What the group of a pattern matches, each once.
fn all(pattern: &str, text: &str) -> BTreeSet<String> {
    let found = Regex::new(pattern).unwrap();
    found.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// The one number that a file has behind these words.
fn number(file: &str, pattern: &str) -> f64 {
    let found = all(pattern, &read(file));
    assert_eq!(found.len(), 1, "{file}: {pattern}: {found:?}");
    found.first().unwrap().parse().unwrap()
}

#[actix_web::test]
async fn alerts_and_pages_name_metrics_that_there_are() {
    let function = Hostile::always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let rig = Rig::start(
        function.address,
        "[function.f]\nurl = \"http://${FUNCTION}/\"\n\
         [route.\"/sms\"]\nchannel = \"message\"\nfunction = \"f\"\n\
         [function.slow]\nurl = \"http://${FUNCTION}/\"\nhold = \"hold.xml\"\n\
         [route.\"/voice\"]\nchannel = \"voice\"\nfunction = \"slow\"\n",
    );
    rig.post("/sms", &[("MessageSid", "SM1"), ("From", "+1"), ("To", "+2")]).await;
    let metrics = rig.admin("/metrics").await.body;
    rig.end().await;
    let mut named = BTreeSet::new();
    for file in [
        "packaging/prometheus-rules.yml",
        "packaging/grafana.json",
        "docs/operations.md",
        "README.md",
    ] {
        let text = read(file).replace("\\\"", "\"");
        for name in all(r"\b(twimlgate_[a-z_]+)", &text) {
            let there = ["{", " "].iter().any(|end| metrics.contains(&format!("{name}{end}")));
            assert!(there, "{file}: {name}");
            named.insert(name);
        }
        for label in ["outcome", "result"] {
            for alternatives in all(&format!(r#"{label}[!=]=?~?"([a-z|]+)""#), &text) {
                for value in alternatives.split('|') {
                    let value = format!("{label}=\"{value}\"");
                    assert!(metrics.contains(&value), "{file}: {value}");
                }
            }
        }
    }
    // And the page names all of them.
    for name in all(r"(?m)^# TYPE (twimlgate_[a-z_]+)", &metrics) {
        let is_named =
            ["", "_total", "_info"].iter().any(|end| named.contains(&format!("{name}{end}")));
        assert!(is_named, "docs/operations.md lacks `{name}`");
    }
    for text in [read("packaging/grafana.json"), read("docs/operations.md")] {
        for name in all(r"(?m)^# TYPE (twimlgate_[a-z_]+)", &metrics) {
            assert!(text.contains(&name), "the board or docs/operations.md lacks `{name}`");
        }
    }
    let build =
        format!("twimlgate_build_info{{version=\"{}\",commit=\"", env!("CARGO_PKG_VERSION"));
    assert!(metrics.contains(&build), "{metrics}");
    let breaker = "twimlgate_function_breaker_open{function=\"f\"} 0\n";
    assert!(metrics.contains(breaker), "{metrics}");
}

/// A board as Grafana imports it: panels that do not overlap, each with a query of the data source
/// that its reader chooses, and variables that exist.
#[test]
fn the_board_can_be_imported() {
    let board: serde_json::Value = serde_json::from_str(&read("packaging/grafana.json")).unwrap();
    for key in ["title", "uid"] {
        assert_eq!(board[key], "twimlgate");
    }
    assert!(board["schemaVersion"].as_u64().unwrap() >= 36 && board["id"].is_null());
    let variables = board["templating"]["list"].as_array().unwrap();
    let variables: BTreeSet<&str> =
        variables.iter().map(|variable| variable["name"].as_str().unwrap()).collect();
    let (mut ids, mut cells) = (BTreeSet::new(), BTreeSet::new());
    for panel in board["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: its id is another panel's");
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
        assert!(x + w <= 24, "{title}: wider than the board");
        for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(cells.insert(cell), "{title}: over another panel");
        }
        if panel["type"] == "row" {
            continue;
        }
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{title}: no query");
        for target in targets {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}");
            let query = target["expr"].as_str().unwrap();
            assert!(query.contains("twimlgate_"), "{title}: {query}");
            for (open, close) in [('(', ')'), ('{', '}'), ('[', ']')] {
                let count = |wanted| query.chars().filter(|c| *c == wanted).count();
                assert_eq!(count(open), count(close), "{title}: {query}");
            }
            for variable in all(r"\$(\w+)", query) {
                let is_known = variable.starts_with("__") || variables.contains(&*variable);
                assert!(is_known, "{title}: ${variable}");
            }
        }
    }
    assert!(ids.len() > 15);
}

#[test]
fn every_alert_says_what_to_do() {
    let rules = all(r"- alert: (\w+)", &read("packaging/prometheus-rules.yml"));
    let told = all(r"(?m)^\| `(Twimlgate\w+)` \|", &read("docs/operations.md"));
    assert!(rules == told && rules.len() > 9, "{rules:?} {told:?}");
    let tried = read("packaging/prometheus-rules-test.yml");
    for yaml in [&read("packaging/prometheus-rules.yml"), &tried] {
        YamlLoader::load_from_str(yaml).unwrap();
    }
    for alert in all(r#"alertname[:=] ?"?(Twimlgate\w+)"#, &tried) {
        assert!(rules.iter().any(|rule| rule.starts_with(&alert)), "{alert}");
    }
}

#[test]
fn the_configuration_of_the_package_is_served_as_it_is() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("package");
    let _ = std::fs::remove_dir_all(&folder);
    for template in
        ["message/reply.xml", "message/sorry.xml", "voice/sorry.xml", "voice/welcome.xml"]
    {
        let to = folder.join("templates").join(template);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(root().join("templates").join(template), to).unwrap();
    }
    std::fs::copy(root().join("packaging/config.toml"), folder.join("config.toml")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_twimlgate"));
    let command = command.arg("check").current_dir(&folder).env_clear();
    let output = command.env("TWILIO_AUTH_TOKEN", "12345").output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed, "config.toml: 2 routes, no errors, 0 warnings\n");
}

#[test]
fn the_unit_fits_the_program() {
    let unit = read("packaging/twimlgate.service");
    let command = all(r"(?m)^ExecStart=(.*)$", &unit);
    let words: Vec<&str> = command.first().unwrap().split(' ').collect();
    assert_eq!(words, ["/usr/bin/twimlgate", "serve", "--config", "/etc/twimlgate/config.toml"]);
    let mut help = Command::new(env!("CARGO_BIN_EXE_twimlgate"));
    let help = help.args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("--config") && help.contains("SIGHUP") && help.contains("SIGTERM"));
    let patience = number("packaging/twimlgate.service", r"(?m)^TimeoutStopSec=(\d+)$");
    assert!(patience > DRAIN_WITHIN.as_secs_f64() + 3.0);
    // What the unit hands over is what the configuration asks for.
    let config = read("packaging/config.toml");
    for credential in all(r"(?m)^LoadCredential=(\w+):", &unit) {
        assert!(config.contains(&format!("${{{credential}}}")), "{credential}");
    }
    assert!(unit.contains("StateDirectory=") && config.contains("${STATE_DIRECTORY:-"));
}

#[test]
fn proxies_wait_longer_than_the_gateway_and_keep_shorter() {
    let kept = KEEP_ALIVE.as_secs_f64();
    assert!(number("packaging/nginx.conf", r"[^_]keepalive_timeout (\d+)s;") < kept);
    assert!(number("packaging/Caddyfile", r"\bkeepalive (\d+)s") < kept);
    // Between the most that `answer_within_ms` can be, and when the carrier gives up.
    for patience in [
        number("packaging/nginx.conf", r"proxy_read_timeout (\d+)s;"),
        number("packaging/Caddyfile", r"response_header_timeout (\d+)s"),
    ] {
        assert!(patience > 13.0 && patience < 15.0, "{patience}");
    }
    let kib = WEBHOOK_BODY_BYTES_MAX as f64 / 1024.0;
    assert_eq!(number("packaging/nginx.conf", r"client_max_body_size (\d+)k;"), kib);
    assert_eq!(number("packaging/Caddyfile", r"max_size (\d+)KiB"), kib);
}

#[test]
fn the_image_is_built_from_what_there_is() {
    let file = read("packaging/Dockerfile");
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let rust = all(r"(?m)^FROM rust:([0-9.]+)-", &file);
    assert_eq!(rust.first().unwrap(), manifest["package"]["rust-version"].as_str().unwrap());
    let allowed = read("packaging/Dockerfile.dockerignore");
    for copied in all(r"(?m)^COPY ([^-].*) \S+$", &file) {
        for path in copied.split(' ') {
            assert!(root().join(path).exists(), "COPY {path}");
            assert!(allowed.contains(&format!("!{path}")), "{path} is not sent to the builder");
        }
    }
    // What the code takes in from outside its folder has to be copied too.
    let benches = manifest["bench"].as_array().unwrap();
    assert!(
        !benches.is_empty() && file.contains("COPY benches ") && file.contains("COPY templates ")
    );
}

/// An engine is not needed to know that a shell reads the commands.
#[test]
fn the_commands_of_the_image_can_be_read() {
    let file = read("packaging/Dockerfile");
    let commands = all(r"(?m)^#   +(.*)$", &file);
    assert!(commands.iter().any(|line| line.starts_with("docker build -f packaging/Dockerfile")));
    let indented = file.lines().filter_map(|line| line.strip_prefix("#   "));
    let script: Vec<&str> = indented.collect();
    let mut shell = Command::new("bash");
    assert!(shell.args(["-n", "-c", &script.join("\n")]).status().unwrap().success());
}

#[test]
fn the_package_holds_what_there_is() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let assets = manifest["package"]["metadata"]["deb"]["assets"].as_array().unwrap();
    for asset in assets {
        let path = asset[0].as_str().unwrap();
        let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
        let there = name.starts_with('*') && root().join(folder).is_dir();
        let built = path.starts_with("target/");
        assert!(there || built || root().join(path).is_file(), "{path}");
    }
}

#[test]
fn links_of_the_pages_lead_somewhere() {
    for page in crate::pages::markdown::pages() {
        let file = page.path.as_str();
        let folder = root().join(file).parent().map(PathBuf::from).unwrap();
        for link in all(r"\]\(([^)#][^)]*)\)", &read(file)) {
            let (path, heading) = link.split_once('#').unwrap_or((&link, ""));
            if path.contains("://") {
                continue;
            }
            let target = folder.join(path);
            assert!(target.exists(), "{file}: {link}");
            if !heading.is_empty() {
                let page = std::fs::read_to_string(target).unwrap();
                let headings: Vec<String> = page.lines().filter_map(anchor).collect();
                assert!(headings.iter().any(|known| known == heading), "{file}: {link}");
            }
        }
    }
}

/// The anchor of a heading, as GitHub makes it.
fn anchor(line: &str) -> Option<String> {
    let text = line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' ')?;
    let kept = text.to_lowercase().replace(' ', "-");
    Some(kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect())
}
