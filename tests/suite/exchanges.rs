//! Whole exchanges, each a folder of `tests/exchanges`: a webhook, what the function answers, and
//! the document that goes back.
//!
//! `case.toml` says what happens, `answer.xml` is what the carrier gets, byte for byte.
//! `UPDATE=1 cargo test` writes the answers anew; read the difference like code.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use twimlgate::webhook::Params;

use crate::support::hostile::{Hostile, Step};
use crate::support::rig::Rig;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What it shows.
    about: String,
    /// The request target.
    target: String,
    /// `GET`: the parameters are in the query, behind that of the target.
    #[serde(default = "post")]
    method: String,
    /// The parameters of a webhook that is a form, as most are.
    #[serde(default)]
    params: BTreeMap<String, String>,
    /// The type and the text of another body.
    #[serde(rename = "type")]
    content_type: Option<String>,
    #[serde(default)]
    body: String,
    /// The route; `default` stands for the one of `DEFAULT`.
    #[serde(default)]
    config: Option<String>,
    function: Function,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Function {
    #[serde(default = "ok")]
    status: u16,
    #[serde(rename = "type")]
    content_type: Option<String>,
    #[serde(default)]
    body: String,
    /// `hang`, `close`, `truncate`: instead of an honest answer.
    fault: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    #[serde(default = "ok")]
    status: u16,
    /// The `Content-Type` of the answer.
    #[serde(rename = "type", default = "xml")]
    content_type: String,
    /// The record's word.
    outcome: String,
    /// Requests that the function got.
    #[serde(default = "one")]
    calls: usize,
    /// Parameters among those that the function got.
    #[serde(default)]
    sent: BTreeMap<String, String>,
    /// The body that the function got.
    body: Option<String>,
    /// Words of the head that the function got: its request line and header fields.
    #[serde(default)]
    head: Vec<String>,
    /// Words of the record: reason or findings.
    #[serde(default)]
    log: Vec<String>,
}

fn post() -> String {
    "POST".to_owned()
}

fn xml() -> String {
    "text/xml; charset=utf-8".to_owned()
}

fn ok() -> u16 {
    200
}

fn one() -> usize {
    1
}

const DEFAULT: &str = r#"
[function.lookup]
url = "http://${FUNCTION}/lookup"

[route."/sms"]
channel = "message"
function = "lookup"
parameters = { caller = "{{ trigger.message.From }}", plan = "gold" }
success = "reply.xml"
fail = "sorry.xml"

[route."/voice"]
channel = "voice"
function = "lookup"
success = "welcome.xml"
"#;

#[actix_web::test]
async fn every_exchange_goes_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exchanges");
    let mut cases: Vec<PathBuf> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    let mut failed = String::new();
    for case in &cases {
        for mismatch in play(case).await {
            let _ = writeln!(failed, "{}: {mismatch}", case.display());
        }
    }
    assert!(failed.is_empty(), "\n{failed}");
    assert!(cases.len() >= 20, "the cases are missing");
}

async fn play(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("case.toml")).unwrap();
    let case: Case =
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    assert!(!case.about.is_empty());
    let function = case.function.start();
    let rig = Rig::start(function.address, case.config.as_deref().unwrap_or(DEFAULT));
    let params: Vec<(&str, &str)> =
        case.params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let reply = match &case.content_type {
        None if case.method == "GET" => rig.send(rig.signed_get(&case.target, &params)).await,
        None => rig.post(&case.target, &params).await,
        Some(of) => rig.send(rig.signed_body(&case.target, of, &case.body)).await,
    };
    let record = rig.end().await.remove(0);

    let mut mismatches = Vec::new();
    let mut expect = |what: &str, expected: &dyn std::fmt::Debug, got: &dyn std::fmt::Debug| {
        if format!("{expected:?}") != format!("{got:?}") {
            mismatches.push(format!("{what}: expected {expected:?}, got {got:?}\n  {record}"));
        }
    };
    expect("status", &case.expect.status, &reply.status);
    let content_type = reply.header("content-type").unwrap_or_default();
    if !reply.body.is_empty() {
        expect("type", &case.expect.content_type.as_str(), &content_type);
    }
    expect("outcome", &case.expect.outcome.as_str(), &record["outcome"].as_str().unwrap());
    let requests = function.requests();
    expect("calls", &case.expect.calls, &requests.len());
    let sent = requests.first().map(|seen| Params::decode(&seen.body).unwrap());
    let sent = sent.unwrap_or_default();
    for (name, value) in &case.expect.sent {
        expect(name, &Some(value.as_str()), &sent.get(name));
    }
    if let Some(body) = &case.expect.body {
        let got = requests.first().map(|seen| String::from_utf8_lossy(&seen.body).into_owned());
        expect("body", &Some(body), &got.as_ref());
    }
    for words in &case.expect.head {
        let head = requests.first().map(|seen| seen.head.to_ascii_lowercase()).unwrap_or_default();
        let words = words.to_ascii_lowercase();
        expect("head", &words, if head.contains(&words) { &words } else { &head });
    }
    for words in &case.expect.log {
        expect(words, &true, &record.to_string().contains(words.as_str()));
    }
    let file = folder.join("answer.xml");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &reply.body).unwrap();
    }
    expect("answer.xml", &std::fs::read_to_string(&file).unwrap_or_default(), &reply.body);
    mismatches
}

impl Function {
    fn start(&self) -> Hostile {
        let content_type = self.content_type.as_ref();
        let content_type = content_type.map_or(String::new(), |t| format!("Content-Type: {t}\r\n"));
        let body = &self.body;
        let length = body.len() + usize::from(self.fault.as_deref() == Some("truncate"));
        let answer = format!(
            "HTTP/1.1 {} Whatever\r\n{content_type}Content-Length: {length}\r\n\r\n{body}",
            self.status
        );
        match self.fault.as_deref() {
            None => Hostile::always(answer),
            Some("hang") => Hostile::new(vec![vec![Step::Read, Step::Hang]]),
            Some("close") => Hostile::new(vec![vec![Step::Read, Step::Close]]),
            Some("truncate") => {
                Hostile::new(vec![vec![Step::Read, Step::Send(answer.into()), Step::Close]])
            }
            Some(other) => panic!("no such fault: {other}"),
        }
    }
}
