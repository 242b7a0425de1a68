//! One webhook of a session after the other (I6), through the whole exchange: two functions never
//! run for one session at the same time.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use twimlgate::twiml::read::{DocumentLimits, parse_document};

use crate::support::hostile::{Hostile, Step, json};
use crate::support::rig::{Reply, Rig};

const ROUTES: &str = r#"
[[rewrite]]
from = "https://example-1234.twil.io"
to = "http://${FUNCTION}"

[route."/hotline"]
channel = "voice"
flow = "tests/flows/hotline.json"

[route."/sms"]
channel = "message"
flow = "tests/flows/hold/message.json"
"#;

/// A function whose first answer waits for the test; all others come at once.
fn slow_once() -> (Hostile, impl FnOnce()) {
    let (release, gate) = channel();
    let answer = Step::Send(json(r#"{"plan": "gold"}"#));
    let gate = Step::Wait(Arc::new(Mutex::new(gate)));
    let at_once = [Step::Read, answer.clone()];
    let scripts =
        vec![vec![Step::Read, gate, answer], at_once.into_iter().cycle().take(100).collect()];
    (Hostile::new(scripts), move || release.send(()).expect("it waits"))
}

async fn message(rig: &Rig, sid: &str, from: &str) -> Reply {
    let params = [("MessageSid", sid), ("From", from), ("To", "+1999"), ("Body", "hi")];
    rig.post("/sms", &params).await
}

/// Waits until so many webhooks are being answered, and then until each of them has run: there is
/// one worker, and it has answered others since.
async fn at_work(rig: &Rig, count: i64) {
    while rig.journal.metrics.in_flight.get() < count {
        tokio::task::yield_now().await;
    }
    for number in 0..5 {
        let other = message(rig, &format!("SMother{number}"), "+1666").await;
        assert!(other.body.contains("gold"), "another's session does not wait: {}", other.body);
    }
}

/// The callers in the requests of the function, in their order.
fn callers(function: &Hostile) -> Vec<String> {
    let requests = function.requests();
    let caller = |text: &str| text.trim_start_matches("caller=%2B").to_owned();
    requests.iter().map(|seen| caller(seen.text())).filter(|caller| caller != "1666").collect()
}

#[actix_web::test]
async fn two_messages_of_one_person_are_never_at_work_at_once() {
    let (function, release) = slow_once();
    let rig = Rig::start(function.address, ROUTES);
    let (first, second, ()) = tokio::join!(
        message(&rig, "SM1", "+1555"),
        async {
            while function.requests().is_empty() {
                tokio::task::yield_now().await;
            }
            message(&rig, "SM2", "+1555").await
        },
        async {
            at_work(&rig, 2).await;
            assert_eq!(callers(&function), ["1555"], "the second waits for the first");
            release();
        }
    );
    assert!(first.body.contains("gold") && second.body.contains("gold"), "{}", second.body);
    assert_eq!(callers(&function), ["1555", "1555"], "and then it is worked on");
    rig.end().await;
}

#[actix_web::test]
async fn two_webhooks_of_one_step_are_never_at_work_at_once() {
    let (function, release) = slow_once();
    let rig = Rig::start(function.address, ROUTES);
    let call = [("CallSid", "CA1"), ("From", "+1555"), ("To", "+1999")];
    let send = async |target: &str, more: &[(&str, &str)]| {
        let params: Vec<_> = call.iter().chain(more).copied().collect();
        rig.post(target, &params).await
    };
    let next = |reply: &Reply| {
        let document = parse_document(reply.body.as_bytes(), &DocumentLimits::default()).unwrap();
        let url = document.children().find_map(|verb| match verb.name.as_str() {
            "Redirect" => Some(verb.text()),
            _ => verb.attribute("action").map(str::to_owned),
        });
        format!("/hotline{}", url.unwrap())
    };
    let welcome = send("/hotline", &[("CallStatus", "ringing")]).await;
    let menu = send(&next(&welcome), &[("CallStatus", "in-progress")]).await;
    let step = next(&menu);
    // The same digit in two different webhooks: no repeat, and one of them is too late.
    let pressed = [("CallStatus", "in-progress"), ("Digits", "1")];
    let again = [("CallStatus", "in-progress"), ("Digits", "1"), ("FinishedOnKey", "#")];
    let (first, second, ()) = tokio::join!(
        send(&step, &pressed),
        async {
            while function.requests().is_empty() {
                tokio::task::yield_now().await;
            }
            send(&step, &again).await
        },
        async {
            at_work(&rig, 2).await;
            assert_eq!(callers(&function), ["1555"], "the second waits for the first");
            release();
        }
    );
    assert!(first.body.contains("gold"), "{}", first.body);
    assert!(second.status == 200 && !second.body.contains("gold"), "{}", second.body);
    assert_eq!(callers(&function), ["1555"], "a step is taken once");
    rig.end().await;
}
