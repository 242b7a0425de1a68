//! P18: a stage that panics. None does as it is: `tests/planted/run --panics` puts a panic into
//! each, over a webhook with a word of its own, and says so to these tests. What must hold of
//! everybody else holds either way.

use std::future::Future;
use std::time::Duration;

use serde_json::Value;
use twimlgate::webhook::Params;

use super::*;
use crate::support::hostile::{Hostile, Seen, Step, json};
use crate::support::rig::{SID, TOKEN};

/// Everything that is asked about, with one connection to the function: a place at it that is not
/// given back would keep all others waiting.
const ROUTES: &str = r#"# within 5000
api_url = "http://${FUNCTION}"
[function.lookup]
url = "http://${FUNCTION}/"
connections = 1
[function.held]
url = "http://${FUNCTION}/held"
timeout_ms = 60000
hold = "hold.xml"
[[rewrite]]
from = "https://example-1234.twil.io"
to = "http://${FUNCTION}"
[route."/sms"]
channel = "message"
function = "lookup"
parameters = { word = "{{ trigger.message.Body }}" }
success = "plan-message.xml"
[route."/talk"]
channel = "message"
flow = "tests/flows/panics.json"
[route."/voice"]
channel = "voice"
function = "lookup"
parameters = { word = "{{ trigger.call.Body }}" }
success = "plan.xml"
[route."/held"]
channel = "voice"
function = "held"
parameters = { word = "{{ trigger.call.Body }}" }
fail = "sorry-voice.xml"
"#;

/// What a call hears when nothing better is known.
const VOICE: &str = include_str!("../../../templates/fallback/voice.xml");

/// What is left of a webhook after a panic over it.
#[derive(Clone, Copy, PartialEq)]
enum Left {
    /// Its reply, as of any other.
    Reply,
    /// Nothing: it did not get as far as its claim, or its reply cannot be kept.
    Nothing,
}

/// Whether a panic was put into this stage.
pub(crate) fn planted(stage: &str) -> bool {
    let stages = std::env::var("PLANTED").unwrap_or_default();
    stages.split(',').any(|planted| planted == stage)
}

/// A function that says the word that it is asked with, and a gateway before it.
fn rig(stage: &str) -> (Hostile, Rig) {
    let told = |seen: &Seen| {
        let params = Params::decode(&seen.body).unwrap();
        json(&format!(r#"{{"plan": "{}"}}"#, params.get("word").unwrap_or_default()))
    };
    let once = [Step::Read, Step::Reply(told)];
    let function = Hostile::new(vec![once.iter().cloned().cycle().take(200).collect()]);
    let rig = Rig::start_on(open(&file(stage)), function.address, ROUTES);
    (function, rig)
}

/// `server.answer_within_ms` of these tests: a machine that is busy with many of them takes its
/// time, which must not be taken for what a panic has done.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What is waited for comes within the deadline, and what a busy machine adds.
async fn in_time<T>(what: impl Future<Output = T>) -> T {
    let began = clock::now();
    let came = what.await;
    assert!(began.elapsed() < 2 * ANSWER_WITHIN, "it took {:?}", began.elapsed());
    came
}

/// A webhook of somebody who says a word: a message, or a call.
async fn say(rig: &Rig, target: &str, (sid, from): (&str, &str), word: &str) -> String {
    let name = if target.contains("sms") || target.contains("talk") { "Message" } else { "Call" };
    let (sid_of, status_of) = (format!("{name}Sid"), format!("{name}Status"));
    let status = if name == "Call" { "ringing" } else { "received" };
    let whose = [(&*sid_of, sid), (&*status_of, status), ("From", from), ("To", "+1999")];
    let params: Vec<_> = whose.into_iter().chain([("Body", word)]).collect();
    let reply = in_time(rig.post(target, &params)).await;
    assert_eq!(reply.status, 200);
    reply.body
}

/// What is said of a word on a route.
fn plan(target: &str, word: &str) -> String {
    match target.split('?').next() {
        Some("/sms") => format!(
            "<Response><Message>Plan {word}.</Message><Message><Body>Bye</Body></Message>\
             </Response>\n"
        ),
        Some("/talk") => format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Message><Body>Plan {word}.\
             </Body></Message></Response>"
        ),
        _ => format!("<Response><Say>Plan {word}.</Say></Response>\n"),
    }
}

/// Everybody else is answered: the same person, another one, and on every route.
async fn others(rig: &Rig) {
    for (number, from) in ["+1555", "+1556"].into_iter().enumerate() {
        for target in ["/talk", "/sms", "/voice"] {
            let sid = format!("XXother{number}{}", &target[1..]);
            let said = say(rig, target, (&sid, from), "other").await;
            assert!(said.contains("Plan other."), "{target} {from}: {said}");
        }
    }
}

/// That a webhook whose stage panics gets the fallback in time, and again when it is repeated; that
/// nobody else notices; and that the process is ready, or is it again within a second or two.
async fn panics(stage: &str, target: &str, left: Left) {
    let (function, rig) = rig(stage);
    assert_eq!(say(&rig, "/talk", ("SMbefore", "+1555"), "first").await, plan("/talk", "first"));
    let word = format!("panic-in-{stage}");
    let sid = format!("SM{word}");
    let said = say(&rig, target, (&sid, "+1555"), &word).await;
    let fallback = if target.starts_with("/voice") { VOICE } else { FALLBACK };
    match planted(stage) {
        true => assert_eq!(said, fallback),
        false => assert_eq!(said, plan(target, &word)),
    }
    let asked = function.requests().len();
    assert_eq!(say(&rig, target, (&sid, "+1555"), &word).await, said, "a repeat");
    if left == Left::Reply || !planted(stage) {
        assert_eq!(function.requests().len(), asked, "its reply was kept");
    }
    others(&rig).await;
    is_ready(&rig).await;
    let records = rig.end().await;
    let outcomes = [&records[1]["outcome"], &records[2]["outcome"]];
    match (planted(stage), left) {
        (true, Left::Reply) => assert_eq!(outcomes, ["fallback", "repeated"]),
        (true, Left::Nothing) => assert_eq!(outcomes, ["fallback", "fallback"]),
        (false, _) => assert_eq!(outcomes, ["answered", "repeated"]),
    }
}

/// Waits until the gateway says that it is ready. Bounded by requests, each of which goes there and
/// back.
async fn is_ready(rig: &Rig) {
    let began = clock::now();
    loop {
        let ready = rig.admin("/readyz").await;
        if ready.status == 200 {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{ready:?}");
    }
}

/// A request to Studio's REST.
async fn rest(rig: &Rig, request: (&str, &str), form: &[(&str, &str)]) -> Reply {
    rig.rest(&format!("{SID}:{TOKEN}"), request, form).await
}

const EXECUTIONS: &str = "/v2/Flows/panics/Executions";

/// Asks for an execution with a word; gives where it can be looked at.
async fn execution(rig: &Rig, to: &str, word: &str) -> String {
    let parameters = format!(r#"{{"word": "{word}"}}"#);
    let form = [("To", to), ("From", "+1999"), ("Parameters", &parameters)];
    let made = rest(rig, ("POST", EXECUTIONS), &form).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made: Value = serde_json::from_str(&made.body).unwrap();
    format!("{EXECUTIONS}/{}", made["sid"].as_str().unwrap())
}

/// Waits until an execution has ended.
async fn ended(rig: &Rig, execution: &str) {
    let began = clock::now();
    loop {
        let found = rest(rig, ("GET", execution), &[]).await;
        if found.body.contains(r#""status":"ended""#) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "it does not end: {found:?}");
    }
}

#[actix_web::test]
async fn p18_what_reads_the_request() {
    panics("receive", "/sms?word=panic-in-receive", Left::Nothing).await;
}

#[actix_web::test]
async fn p18_the_check_of_the_signature() {
    panics("verify", "/sms", Left::Nothing).await;
    // Nobody gets through by it.
    let (function, rig) = rig("verify-forged");
    let params = [("MessageSid", "SM1"), ("From", "+1555"), ("Body", "panic-in-verify")];
    let signed = String::from_utf8(rig.signed("/sms", &params)).unwrap();
    let forged = signed.replace("SM1", "SM2");
    for _ in 0..2 {
        let reply = in_time(rig.send(forged.clone().into_bytes())).await;
        match planted("verify") {
            true => assert_eq!((reply.status, &*reply.body), (200, FALLBACK)),
            false => assert_eq!((reply.status, &*reply.body), (403, "")),
        }
    }
    assert_eq!(function.connections(), 0);
    assert_eq!(count(&file_of("verify-forged"), "claim"), 0);
    others(&rig).await;
    rig.end().await;
}

#[actix_web::test]
async fn p18_what_finds_the_route() {
    panics("route", "/sms", Left::Nothing).await;
}

#[actix_web::test]
async fn p18_the_claim() {
    panics("claim", "/sms", Left::Nothing).await;
}

#[actix_web::test]
async fn p18_a_turn_at_a_session() {
    panics("turn", "/talk", Left::Reply).await;
}

#[actix_web::test]
async fn p18_what_a_webhook_means() {
    panics("decide", "/talk", Left::Reply).await;
}

#[actix_web::test]
async fn p18_the_engine() {
    panics("engine", "/talk", Left::Reply).await;
}

#[actix_web::test]
async fn p18_a_template() {
    panics("template", "/sms", Left::Reply).await;
}

#[actix_web::test]
async fn p18_a_call_of_a_function() {
    panics("call", "/sms", Left::Reply).await;
}

#[actix_web::test]
async fn p18_what_an_answer_is() {
    panics("classify", "/voice", Left::Reply).await;
}

#[actix_web::test]
async fn p18_what_writes_twiml() {
    panics("write", "/talk", Left::Reply).await;
}

#[actix_web::test]
async fn p18_what_reads_twiml() {
    panics("read", "/sms", Left::Reply).await;
}

#[actix_web::test]
async fn p18_a_commit() {
    panics("commit", "/talk", Left::Nothing).await;
}

#[actix_web::test]
async fn p18_the_thread_that_writes() {
    panics("store-writes", "/talk", Left::Nothing).await;
}

#[actix_web::test]
async fn p18_a_thread_that_reads() {
    let (_function, rig) = rig("store-reads");
    others(&rig).await;
    // One for each of them, and one more.
    for _ in 0..3 {
        let target = format!("{EXECUTIONS}/panic-in-store-reads");
        let reply = in_time(rest(&rig, ("GET", &target), &[])).await;
        assert_eq!(reply.status, if planted("store-reads") { 500 } else { 404 });
    }
    let made = execution(&rig, "+1557", "nothing").await;
    ended(&rig, &made).await;
    is_ready(&rig).await;
    rig.end().await;
}

#[actix_web::test]
async fn p18_a_line_of_the_log() {
    let (_function, rig) = rig("record");
    for _ in 0..2 {
        let sid = ("SMpanic-in-record", "+1555");
        assert_eq!(say(&rig, "/sms", sid, "word").await, plan("/sms", "word"));
    }
    others(&rig).await;
    is_ready(&rig).await;
    rig.server.stop().await;
}

#[actix_web::test]
async fn p18_the_thread_of_the_log() {
    let (_function, rig) = rig("log");
    let sid = ("SMpanic-in-log", "+1555");
    assert_eq!(say(&rig, "/sms", sid, "word").await, plan("/sms", "word"));
    let told = |text: &str| {
        let lost = text.lines().find_map(|line| line.strip_prefix("twimlgate_log_lines_dropped "));
        lost.is_some_and(|lost| lost != "0")
    };
    // It is told as soon as there is something to tell, long before there is no room for more.
    let mut rounds = 0..100;
    while planted("log") && !told(&rig.admin("/metrics").await.body) {
        assert!(rounds.next().is_some(), "nobody says that there is no log");
        others(&rig).await;
    }
    others(&rig).await;
    is_ready(&rig).await;
    rig.server.stop().await;
}

#[actix_web::test]
async fn p18_a_call_that_is_held() {
    let (_function, rig) = rig("held");
    let said = say(&rig, "/held", ("CAheld", "+1555"), "panic-in-held").await;
    // Whoever asks next asks the function again.
    assert_eq!(said.contains("One moment"), planted("held"), "{said}");
    others(&rig).await;
    let metrics = rig.admin("/metrics").await.body;
    assert!(metrics.contains("twimlgate_held_calls 0\n"), "{metrics}");
    rig.end().await;
}

#[actix_web::test]
async fn p18_a_wait_that_is_over() {
    let (_function, rig) = rig("timer");
    let poison = execution(&rig, "+1557", "panic-in-timer").await;
    let other = execution(&rig, "+1558", "other").await;
    ended(&rig, &other).await;
    // It would be due again and again.
    ended(&rig, &poison).await;
    others(&rig).await;
    is_ready(&rig).await;
    rig.end().await;
}

#[actix_web::test]
async fn p18_what_looks_for_waits() {
    let (_function, rig) = rig("timers");
    let poison = execution(&rig, "+1557", "panic-in-looking").await;
    // It is over that one each time, until somebody removes it.
    let other = execution(&rig, "+1558", "other").await;
    if planted("timers") {
        assert_eq!(rest(&rig, ("DELETE", &poison), &[]).await.status, 204);
    }
    ended(&rig, &other).await;
    others(&rig).await;
    is_ready(&rig).await;
    rig.end().await;
}

#[actix_web::test]
async fn p18_studios_rest() {
    let (_function, rig) = rig("studio");
    for _ in 0..2 {
        let target = format!("{EXECUTIONS}/panic-in-studio");
        let reply = in_time(rest(&rig, ("GET", &target), &[])).await;
        assert_eq!(reply.status, if planted("studio") { 500 } else { 404 });
    }
    let made = execution(&rig, "+1557", "nothing").await;
    ended(&rig, &made).await;
    others(&rig).await;
    is_ready(&rig).await;
    rig.end().await;
}
