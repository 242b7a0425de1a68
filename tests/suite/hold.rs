//! Calls that are held, over real sockets: once only, whoever asks and however often.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use twimlgate::diagnostics::problem::Problems;
use twimlgate::metrics::Metrics;
use twimlgate::twiml::read::{DocumentLimits, parse_document};

use crate::support::hostile::{Hostile, Step, json};
use crate::support::rig::{Reply, Rig, gateway};

const HELD: &str = r#"
[function.lookup]
url = "http://${FUNCTION}/"
timeout_ms = 60000
hold = "hold.xml"
hold_after_ms = 200
[route."/voice"]
channel = "voice"
function = "lookup"
success = "plan.xml"
fail = "sorry-voice.xml"
"#;

/// A function that answers its first call when it is told to, and whoever tells it.
fn gated() -> (Hostile, Sender<()>) {
    let (release, gate) = channel();
    let gate = Step::Wait(Arc::new(Mutex::new(gate)));
    let answer = Step::Send(json("{\"plan\": \"gold\"}"));
    (Hostile::new(vec![vec![Step::Read, gate, answer, Step::Hang]]), release)
}

async fn ask(rig: &Rig, target: &str, status: &str) -> Reply {
    let params = [("CallSid", "CA1"), ("From", "+1555"), ("To", "+1999"), ("CallStatus", status)];
    rig.post(target, &params).await
}

/// Where a document that holds comes back to.
fn back(held: &Reply) -> String {
    assert!(held.body.contains("<Say>One moment, "), "{}", held.body);
    let document = parse_document(held.body.as_bytes(), &DocumentLimits::default()).unwrap();
    let last = document.children().last().unwrap();
    assert_eq!((last.name.as_str(), last.attribute("method")), ("Redirect", Some("POST")));
    format!("/voice{}", last.text())
}

#[actix_web::test]
async fn a_held_call_is_asked_once_and_a_poll_is_answered_once() {
    let (function, release) = gated();
    let rig = Rig::start(function.address, HELD);
    let (held, again) =
        tokio::join!(ask(&rig, "/voice", "ringing"), ask(&rig, "/voice", "ringing"));
    assert_eq!(held.body, again.body, "a repeat of the call");
    let first = back(&held);
    let (one, two) =
        tokio::join!(ask(&rig, &first, "in-progress"), ask(&rig, &first, "in-progress"));
    assert_eq!(one.body, two.body, "two polls at once");
    let second = back(&one);
    assert_ne!(first, second);
    assert_eq!(ask(&rig, &first, "in-progress").await.body, one.body, "a repeat of the poll");
    // The same token with something else is no repeat, and too late.
    let other = rig.post(&first, &[("CallSid", "CA1"), ("Digits", "1")]).await;
    assert!(!other.body.contains("One moment"), "{}", other.body);
    let metrics = rig.admin("/metrics").await.body;
    assert!(metrics.contains("twimlgate_held_calls 1\n"), "{metrics}");
    assert!(metrics.contains("twimlgate_holds_total{function=\"lookup\"} 1\n"), "{metrics}");
    release.send(()).unwrap();
    let plan = ask(&rig, &second, "in-progress").await;
    assert!(plan.body.contains("<Say>Plan gold.</Say>"), "{}", plan.body);
    assert_eq!(ask(&rig, &second, "in-progress").await.body, plan.body);
    assert_eq!(function.requests().len(), 1);
    assert!(rig.admin("/metrics").await.body.contains("twimlgate_held_calls 0\n"));
    let records = rig.end().await;
    let holding: Vec<u64> =
        records.iter().filter_map(|record| record["holding"].as_u64()).collect();
    assert_eq!(holding, [1, 2]);
}

#[actix_web::test]
async fn a_hang_up_ends_what_is_held() {
    for with_token in [false, true] {
        let (function, release) = gated();
        let rig = Rig::start(function.address, HELD);
        let poll = back(&ask(&rig, "/voice", "ringing").await);
        let over = if with_token { poll.as_str() } else { "/voice" };
        assert_eq!(ask(&rig, over, "completed").await.body, "<Response/>");
        release.send(()).unwrap();
        assert_eq!(ask(&rig, &poll, "in-progress").await.body, "<Response/>");
        assert_eq!(function.requests().len(), 1);
        rig.end().await;
    }
}

#[actix_web::test]
async fn another_call_cannot_take_what_is_held() {
    let (function, release) = gated();
    let rig = Rig::start(function.address, HELD);
    let poll = back(&ask(&rig, "/voice", "ringing").await);
    let theirs = [("CallSid", "CA2"), ("From", "+1555"), ("CallStatus", "in-progress")];
    assert_eq!(rig.post(&poll, &theirs).await.body, "<Response/>");
    release.send(()).unwrap();
    assert!(ask(&rig, &poll, "in-progress").await.body.contains("Plan gold"));
    assert_eq!(function.requests().len(), 1);
    rig.end().await;
}

#[actix_web::test]
async fn another_configuration_finds_what_is_under_way() {
    let (function, release) = gated();
    let rig = Rig::start(function.address, HELD);
    let poll = back(&ask(&rig, "/voice", "ringing").await);
    let unheld = HELD.replace("hold", "# hold").replace("60000", "5000");
    let made = gateway(function.address, &unheld, &Metrics::new(), &mut Problems::default());
    rig.server.reload(made.unwrap()).await.unwrap();
    release.send(()).unwrap();
    let plan = ask(&rig, &poll, "in-progress").await;
    assert!(plan.body.contains("Plan gold"), "{}", plan.body);
    assert_eq!(function.requests().len(), 1);
    rig.end().await;
}

#[actix_web::test]
async fn a_webhook_in_json_stays_json_while_it_is_held() {
    let (function, release) = gated();
    let rig = Rig::start(function.address, HELD);
    let event = r#"{"CallSid": "CA1", "CallStatus": "ringing", "score": 0.5}"#;
    let held = rig.send(rig.signed_body("/voice?a=b", "application/json", event)).await;
    let poll = back(&held);
    release.send(()).unwrap();
    let plan = ask(&rig, &poll, "in-progress").await;
    assert!(plan.body.contains("Plan gold"), "{}", plan.body);
    let [request] = function.requests().try_into().unwrap();
    let body = String::from_utf8(request.body).unwrap();
    assert_eq!(body, r#"{"CallSid":"CA1","CallStatus":"ringing","score":0.5,"a":"b"}"#);
    rig.end().await;
}

#[actix_web::test]
async fn a_step_of_the_functions_own_is_not_ours() {
    let function = Hostile::always(json("{\"plan\": \"gold\"}"));
    let rig = Rig::start(function.address, HELD);
    for target in ["/voice", "/voice?step=2"] {
        let plan = ask(&rig, target, "in-progress").await;
        assert!(plan.body.contains("Plan gold"), "{}", plan.body);
    }
    rig.end().await;
}
