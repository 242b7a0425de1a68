//! Traces: what a conversation leaves in the file, and what the file never has.

use std::path::{Path, PathBuf};

use twimlgate::trace::{ConversationOutcome, TraceQuery, TraceReader, TracedConversation};

use crate::support::hostile::{Hostile, answer, json};
use crate::support::rig::{Rig, SID, TOKEN};

/// A folder of the test's, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A menu, and an answer to messages by a function, with traces in this file.
fn sections(file: &Path, more: &str) -> String {
    let menu = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flows/hotline.json");
    format!(
        "[trace]\nfile = {file:?}\n{more}\n[function.answer]\nurl = \"http://${{FUNCTION}}/\"\n\
         [[rewrite]]\nfrom = \"https://example-1234.twil.io\"\nto = \"http://${{FUNCTION}}\"\n\
         [route.\"/traced\"]\nchannel = \"voice\"\nflow = {menu:?}\n\
         [route.\"/traced-sms\"]\nchannel = \"message\"\nfunction = \"answer\"\n\
         parameters = {{ question = \"{{{{ trigger.message.Body }}}}\" }}\n"
    )
}

fn list(file: &Path, query: TraceQuery) -> Vec<TracedConversation> {
    TraceReader::open(file).unwrap().list(&TraceQuery { limit: 10, ..query }).unwrap()
}

/// The target of the action in a document, which is relative to the route.
fn action(document: &str) -> String {
    let start = document.find("?step=");
    let start = start.unwrap_or_else(|| panic!("no action in {document}"));
    let end = document[start..].find(['"', '<']).unwrap();
    format!("/traced{}", document[start..start + end].replace("&amp;", "&"))
}

async fn call(rig: &Rig, target: &str, status: &str, more: &[(&str, &str)]) -> String {
    let own = [("CallSid", "CA1"), ("From", "+15550100"), ("To", "+15550111")];
    let params = [&own[..], &[("CallStatus", status)], more].concat();
    rig.post(target, &params).await.body
}

#[actix_web::test]
async fn a_call_is_one_conversation() {
    let file = folder("traces-call").join("trace.db");
    let function = Hostile::always(json(r#"{"plan": "gold"}"#));
    let rig = Rig::start(function.address, &sections(&file, ""));
    let welcome = call(&rig, "/traced", "ringing", &[]).await;
    let menu = call(&rig, &action(&welcome), "in-progress", &[]).await;
    let plan = call(&rig, &action(&menu), "in-progress", &[("Digits", "1")]).await;
    assert!(plan.contains("gold"), "{plan}");
    call(&rig, "/traced", "completed", &[]).await;
    rig.end().await;

    let found = list(&file, TraceQuery::default());
    let [conversation] = &found[..] else { panic!("{found:?}") };
    assert_eq!((&*conversation.route, &*conversation.contact), ("/traced", "+15550100"));
    assert_eq!(conversation.turns, 4);
    let reader = TraceReader::open(&file).unwrap();
    for sid in ["CA1", &conversation.execution] {
        assert_eq!(reader.find(sid).unwrap(), found, "{sid}");
    }
    let entries = reader.entries(conversation.id).unwrap();
    assert_eq!(entries[0].document, welcome);
    assert_eq!(entries[2].document, plan);
    assert!(entries[2].parameters.contains(&("Digits".to_owned(), "1".to_owned())));
    assert!(entries[2].path().contains("which ─match→ lookup"), "{}", entries[2].path());
    let [function] = &entries[2].calls[..] else { panic!("{:?}", entries[2].calls) };
    assert_eq!((&*function.widget, function.status), ("lookup", Some(200)));
    assert_eq!(function.body, r#"{"plan": "gold"}"#);

    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_twimlgate"));
    let output = command.args(["trace", "CA1", "--file"]).arg(&file).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}");
    for text in ["+15550100 → +15550111", "Digits: 1", " by lookup: 200", "<Response>"] {
        assert!(shown.contains(text), "`{text}` in {shown}");
    }
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_twimlgate"));
    let output = command.args(["trace", "CA2", "--file"]).arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[actix_web::test]
async fn an_application_behind_a_prefix_leaves_traces() {
    let file = folder("traces-prefix").join("trace.db");
    let document = "<Response><Say>Hi.</Say></Response>";
    let application = Hostile::always(answer("200 OK", "Content-Type: text/xml\r\n", document));
    let prefix = "[route.\"/app/*\"]\nforward = \"http://${FUNCTION}\"\n";
    let rig = Rig::start(application.address, &sections(&file, prefix));
    assert_eq!(call(&rig, "/app/voice", "ringing", &[]).await, document);
    rig.end().await;
    let found = list(&file, TraceQuery::default());
    let [conversation] = &found[..] else { panic!("{found:?}") };
    assert_eq!(conversation.outcome, ConversationOutcome::Completed);
    let entry = &TraceReader::open(&file).unwrap().entries(conversation.id).unwrap()[0];
    assert_eq!(entry.document, document);
    assert_eq!(entry.calls[0].status, Some(200));
}

#[actix_web::test]
async fn conversations_are_found_by_what_is_known_of_them() {
    let file = folder("traces-search").join("trace.db");
    let function = Hostile::always(answer("500 No", "", "<html>"));
    let rig = Rig::start(function.address, &sections(&file, ""));
    for (sid, from) in [("SM1", "+15550100"), ("SM2", "+15550199")] {
        let text = [("MessageSid", sid), ("From", from), ("To", "+15550111"), ("Body", "hi")];
        rig.post("/traced-sms", &text).await;
        // A repeat belongs to its webhook.
        rig.post("/traced-sms", &text).await;
    }
    call(&rig, "/traced", "ringing", &[]).await;
    rig.end().await;

    let sids = |query: TraceQuery| -> Vec<String> {
        list(&file, query).into_iter().map(|found| found.contact).collect()
    };
    let query = TraceQuery::default;
    assert_eq!(sids(query()), ["+15550100", "+15550199", "+15550100"], "newest first");
    let failed = Some(ConversationOutcome::Failed);
    assert_eq!(sids(TraceQuery { outcome: failed, ..query() }), ["+15550199", "+15550100"]);
    assert_eq!(sids(TraceQuery { number: Some("199".to_owned()), ..query() }), ["+15550199"]);
    let number = Some("+15550199".to_owned());
    assert_eq!(sids(TraceQuery { number, ..query() }), ["+15550199"]);
    let route = Some("/traced".to_owned());
    assert_eq!(sids(TraceQuery { route, ..query() }), ["+15550100"]);
    assert_eq!(sids(TraceQuery { before: Some(2), ..query() }), ["+15550100"]);
    assert_eq!(sids(TraceQuery { number: Some("*".to_owned()), ..query() }).len(), 3);

    let reader = TraceReader::open(&file).unwrap();
    let failure = &reader.find("SM2").unwrap()[0];
    assert!(failure.reason.as_ref().is_some_and(|reason| reason.contains("500")), "{failure:?}");
    assert_eq!(failure.turns, 2);
}

#[actix_web::test]
async fn secrets_and_refused_webhooks_are_not_stored() {
    let folder = folder("traces-secrets");
    let file = folder.join("trace.db");
    let body = format!(r#"{{"ssn": "078-05-1120", "echo": "{TOKEN}"}}"#);
    let function = Hostile::always(json(&body));
    let rig = Rig::start(function.address, &sections(&file, "never = [\"Body\", \"ssn\"]"));
    let text = [("MessageSid", "SM1"), ("From", "+15550100"), ("Body", "my pin is 4711")];
    rig.post("/traced-sms", &text).await;
    let mut forged = rig.signed("/traced-sms", &[("MessageSid", "SM2"), ("Body", "forged words")]);
    let at = forged.windows(6).position(|bytes| bytes == b"forged").unwrap();
    forged[at] = b'F';
    assert_eq!(rig.send(forged).await.status, 403);
    rig.end().await;

    assert_eq!(list(&file, TraceQuery::default()).len(), 1);
    for entry in folder.read_dir().unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for secret in ["4711", "078-05-1120", TOKEN, "orged words"] {
            assert!(!text.contains(secret), "{secret}");
        }
    }
}

#[actix_web::test]
async fn without_a_file_callers_are_answered() {
    let folder = folder("traces-broken");
    let function = Hostile::always(json("{}"));
    // There is no such folder.
    let missing = folder.join("missing/trace.db");
    let rig = Rig::start(function.address, &sections(&missing, ""));
    assert!(call(&rig, "/traced", "ringing", &[]).await.contains("<Say"));
    let log = rig.log().await;
    let notes = log
        .iter()
        .filter(|line| line["message"].as_str().unwrap().starts_with("traces are not written"));
    assert_eq!(notes.count(), 1, "{log:?}");

    // A file that is not SQLite's is moved aside.
    let damaged = folder.join("trace.db");
    std::fs::write(&damaged, "not a database, but long enough to be taken for one ".repeat(100))
        .unwrap();
    let rig = Rig::start(function.address, &sections(&damaged, ""));
    assert!(call(&rig, "/traced", "ringing", &[]).await.contains("<Say"));
    rig.end().await;
    assert_eq!(list(&damaged, TraceQuery::default()).len(), 1);
    assert!(folder.join("trace.db.damaged-1").exists());

    // A process that was killed while it made the file has left it without tables.
    let begun = folder.join("begun.db");
    let connection = rusqlite::Connection::open(&begun).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    drop(connection);
    assert!(begun.metadata().unwrap().len() > 0);
    let rig = Rig::start(function.address, &sections(&begun, ""));
    assert!(call(&rig, "/traced", "ringing", &[]).await.contains("<Say"));
    rig.end().await;
    assert_eq!(list(&begun, TraceQuery::default()).len(), 1);

    // One that another program wrote is left alone.
    let foreign = folder.join("foreign.db");
    let connection = rusqlite::Connection::open(&foreign).unwrap();
    connection.execute_batch("CREATE TABLE theirs (a)").unwrap();
    drop(connection);
    let before = std::fs::read(&foreign).unwrap();
    let rig = Rig::start(function.address, &sections(&foreign, ""));
    assert!(call(&rig, "/traced", "ringing", &[]).await.contains("<Say"));
    rig.end().await;
    assert_eq!(std::fs::read(&foreign).unwrap(), before);
    assert!(TraceReader::open(&foreign).is_err());
}

#[actix_web::test]
async fn an_execution_that_is_ended_over_rest_is_stopped() {
    let file = folder("traces-rest").join("trace.db");
    let menu = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flows/hotline.json");
    let named = format!("[flow.traced]\nfile = {menu:?}\n");
    let rig = Rig::start(Hostile::always(json("{}")).address, &sections(&file, &named));
    call(&rig, "/traced", "ringing", &[]).await;
    let user = format!("{SID}:{TOKEN}");
    let executions = "/v2/Flows/traced/Executions";
    let listed = rig.rest(&user, ("GET", executions), &[]).await.body;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let sid = listed["executions"][0]["sid"].as_str().unwrap();
    let target = format!("{executions}/{sid}");
    assert_eq!(rig.rest(&user, ("POST", &target), &[("Status", "ended")]).await.status, 200);
    rig.end().await;
    assert_eq!(list(&file, TraceQuery::default())[0].outcome, ConversationOutcome::Stopped);
}
