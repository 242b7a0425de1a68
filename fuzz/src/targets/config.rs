//! Configurations: grown TOML is read, every mistake has its place, and what has none is a gateway.
//!
//! A finding is (besides a panic) an error that is not in the file and does not name a file, a
//! place that is not in the text, no gateway without an error, a gateway in spite of one, or a
//! secret in what is said.

use std::sync::OnceLock;

use twimlgate::config::Config;
use twimlgate::diagnostics::problem::{Problems, Severity, Source};
use twimlgate::gateway::Gateway;
use twimlgate::metrics::Metrics;
use twimlgate::template::TemplateFolder;

use super::{Judged, Seen, Target, as_bytes, ensure, root, size, text, texts};

pub(crate) static TARGET: Target = Target {
    name: "config",
    tokens: &[
        "[server]\n",
        "[admin]\n",
        "[log]\n",
        "[store]\n",
        "[signature]\n",
        "[egress]\n",
        "[[account]]\n",
        "[[account.shared_key]]\n",
        "[function.f]\n",
        "[flow.g]\n",
        "[[rewrite]]\n",
        "[route.\"/a\"]\n",
        "[server.tls]\n",
        "listen = ",
        "public_url = ",
        "trusted_proxies = ",
        "time_zone = ",
        "workers = ",
        "answer_within_ms = ",
        "certificate = ",
        "key = ",
        "format = ",
        "url = ",
        "mode = ",
        "allow = ",
        "ca_file = ",
        "carrier = ",
        "sid = ",
        "auth_tokens = ",
        "api_url = ",
        "id = ",
        "secret = ",
        "algorithm = ",
        "method = ",
        "timeout_ms = ",
        "max_body_bytes = ",
        "forward_webhook = ",
        "strict = ",
        "idempotent = ",
        "http_version = ",
        "connections = ",
        "file = ",
        "from = ",
        "to = ",
        "channel = ",
        "flow = ",
        "function = ",
        "parameters = ",
        "success = ",
        "fail = ",
        "fallback = ",
        "\"\"",
        "\"x\"",
        "'''",
        "\"\"\"",
        "{",
        "}",
        "[",
        "]",
        "=",
        "\n",
        "#",
        "true",
        "0",
        "-1",
        "99999999999999999999",
        "1.5",
        "nan",
        "1979-05-27T07:32:00Z",
        "\"${TOKEN}\"",
        "\"${",
        "}\"",
        "\\u0000",
        "\\uD800",
        "é",
        "\u{0}",
        "\"127.0.0.1:0\"",
        "\"10.0.0.0/8\"",
        "\"https://gate.example\"",
        "\"http://[::1]:9/\"",
        "\"voice\"",
        "\"message\"",
        "\"POST\"",
        "\"tests/flows/survey.json\"",
        "\"tests/flows/files/opening-hours.toml\"",
        "\"reply.xml\"",
        "\"{{ trigger.message.From }}\"",
        "\"{% if %}\"",
        "\"HMAC_SHA256\"",
        "\"hunter2secret\"",
        "auth_tokens = [\"hunter2secret\"]\n",
        "\"sqlite:a.db\"",
        "\"memory:\"",
    ],
    seeds,
    grow: as_bytes,
    judge,
};

/// What tokens and keys say in the inputs: no message may repeat it from where it belongs.
const SECRET: &str = "hunter2secret";

fn seeds() -> Vec<Vec<u8>> {
    [texts("tests/check", ".toml"), texts(".", "config.toml")].concat()
}

fn judge(input: &[u8]) -> Judged {
    let mut seen = Seen::default();
    let text = text(input);
    let source = Source::new("config.toml", &text);
    let variable = |name: &str| (name == "TOKEN").then(|| SECRET.to_owned());
    let (config, mut problems) = Config::parse(&source, root(), &variable);
    check(&problems, &source, &mut seen)?;
    let Some(config) = config else {
        ensure!(problems.any_error(), "refused without an error");
        return Ok(seen);
    };
    let said = format!("{config:?}");
    let secret = text.contains(SECRET) || text.contains("${TOKEN}");
    // But for its sid, which is no secret.
    let hidden = config.accounts.iter().all(|account| {
        let named = format!("sid: {:?}", account.sid);
        !format!("{account:?}").replacen(&named, "", 1).contains(SECRET)
    });
    ensure!(!secret || hidden, "a secret is shown: {said}");
    seen.note((size(config.routes.len()), size(config.functions.len()), config.accounts.len()));
    seen.note((size(config.flows.len()), config.server.tls.is_some(), config.rewrites.len()));
    let templates = templates(&config);
    let gateway = Gateway::build(config, templates, &Metrics::new(), &mut problems);
    check(&problems, &source, &mut seen)?;
    ensure!(gateway.is_some() != problems.any_error(), "a gateway: {problems}");
    seen.note(gateway.map(|gateway| size(gateway.flows.iter().count())));
    Ok(seen)
}

fn check(problems: &Problems, source: &Source, seen: &mut Seen) -> Result<(), String> {
    for problem in problems.iter() {
        let said = problem.to_string();
        let words = said.lines().next().unwrap_or_default().split('`').step_by(2);
        seen.note(words.collect::<String>());
        match &problem.place {
            Some(place) => {
                let text = &place.source.text;
                let inside = place.span.start <= text.len() && place.span.end <= text.len() + 1;
                let whole = text.is_char_boundary(place.span.start);
                ensure!(inside && whole, "no such place: {:?} of {said}", place.span);
                ensure!(place.span.start <= place.span.end, "a place backwards: {said}");
            }
            None => {
                let warned = problem.level == Severity::Warning;
                let file = problem.message.contains('`');
                ensure!(warned || file, "an error without a place: {said}");
            }
        }
        let control = |c: char| c.is_control() && c != '\n';
        ensure!(!said.contains(control), "a control character is shown: {said:?}");
        ensure!(said.len() < 4_000, "too long: {said}");
    }
    // What stands as a token in a sound file is never shown, whatever else is wrong.
    let token = format!("auth_tokens = [\"{SECRET}\"]\n");
    if source.text.matches(SECRET).count() == source.text.matches(&token).count() {
        let alone = source.text.lines().all(|line| !line.contains(SECRET) || line == token.trim());
        let shown = problems.to_string().contains(SECRET);
        ensure!(!(alone && shown), "a token is shown: {problems}");
    }
    Ok(())
}

/// The templates of the tests: what a configuration names as their folder is not looked for.
fn templates(config: &Config) -> &'static TemplateFolder {
    static TEMPLATES: OnceLock<TemplateFolder> = OnceLock::new();
    TEMPLATES.get_or_init(|| {
        let zone = config.server.time_zone.clone();
        TemplateFolder::load(&root().join("tests/templates"), zone, &mut Problems::default())
    })
}
