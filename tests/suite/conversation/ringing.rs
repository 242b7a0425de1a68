//! Equal requests: which of them are repeats, and which are the next turn of a call.

use twimlgate::session::{Sessions, StoreUrl};

use super::*;
use crate::support::hostile::{Seen, Step, answer};

const CALL: [(&str, &str); 4] =
    [("CallSid", "CA1"), ("CallStatus", "ringing"), ("From", "+1"), ("To", "+2")];

/// A function that is ready with the delivery `p2`, and until then asks to be asked again.
fn poll() -> Hostile {
    let reply = |seen: &Seen| {
        let is_ready = seen.header("idempotency-key").is_some_and(|key| key.starts_with("p2"));
        let wait = "<Response><Pause length=\"2\"/><Redirect>/voice</Redirect></Response>";
        let document = if is_ready { "<Response><Say>ready</Say></Response>" } else { wait };
        answer("200 OK", "Content-Type: text/xml\r\n", document)
    };
    let once = [Step::Read, Step::Reply(reply)];
    Hostile::new(vec![once.iter().cloned().cycle().take(200).collect()])
}

const SHORT: &str = "[function.f]\nurl = \"http://${FUNCTION}/f\"\n\n\
                     [route.\"/voice\"]\nchannel = \"voice\"\nfunction = \"f\"\n";

/// Sends a delivery with this idempotency token; an empty one is left out.
async fn deliver(rig: &Rig, target: &str, params: &[(&str, &str)], token: &str) -> String {
    let bytes = String::from_utf8(rig.signed(target, params)).unwrap();
    let header = format!("\r\nI-Twilio-Idempotency-Token: {token}\r\n\r\n");
    let end = if token.is_empty() { "\r\n\r\n" } else { &header };
    rig.send(bytes.replacen("\r\n\r\n", end, 1).into_bytes()).await.body
}

#[actix_web::test]
async fn a_call_that_still_rings_takes_another_turn() {
    const DIAL: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 28\r\n\r\n\
                        <Response><Dial/></Response>";
    let function = Hostile::always(DIAL);
    let route = "[function.f]\nurl = \"http://${FUNCTION}/f\"\n\n\
                 [route.\"/voice\"]\nchannel = \"voice\"\nfunction = \"f\"\n";
    let rig = Rig::start(function.address, route);
    let call = [("CallSid", "CA1"), ("CallStatus", "ringing"), ("From", "+1"), ("To", "+2")];
    let dialled = [&call[..], &[("DialCallStatus", "no-answer"), ("DialCallSid", "CA9")]].concat();
    // Each request, and its repeat.
    for (params, calls) in [(&call[..], 1), (&call, 1), (&dialled, 2), (&dialled, 2), (&call, 2)] {
        assert_eq!(rig.post("/voice", params).await.body, "<Response><Dial/></Response>");
        assert_eq!(function.requests().len(), calls, "{params:?}");
    }
    rig.end().await;
}

#[actix_web::test]
async fn a_poll_is_asked_again_and_a_repeat_is_not() {
    let function = poll();
    let rig = Rig::start(function.address, SHORT);
    let (mut replies, mut calls) = (Vec::new(), Vec::new());
    for token in ["p0", "p0", "", "p1", "p0", "p1", "p2", "p1", "p2", "p0"] {
        replies.push(deliver(&rig, "/voice", &CALL, token).await.contains("ready"));
        calls.push(function.requests().len());
    }
    assert_eq!(replies, [false, false, false, false, false, false, true, false, true, false]);
    assert_eq!(calls, [1, 1, 1, 2, 2, 2, 3, 3, 3, 3]);
    // The carrier knows best whether the call still rings, and the route has no state.
    assert!(deliver(&rig, "/voice", &CALL, "p3").await.contains("<Pause"));
    assert!(deliver(&rig, "/voice", &CALL, "p2").await.contains("ready"), "a repeat");
    assert_eq!(function.requests().len(), 4);
    rig.end().await;
}

#[actix_web::test]
async fn deliveries_of_one_turn_at_the_same_instant_cause_one_call() {
    let function = poll();
    let rig = Rig::start(function.address, SHORT);
    deliver(&rig, "/voice", &CALL, "p0").await;
    let twins = (0..16).map(|_| deliver(&rig, "/voice", &CALL, "p1"));
    let replies = futures_join(twins.collect()).await;
    assert!(replies.iter().all(|reply| reply.contains("<Pause")), "{replies:?}");
    assert_eq!(function.requests().len(), 2);
    rig.end().await;
}

#[actix_web::test]
async fn without_a_token_equal_requests_stay_equal() {
    let function = poll();
    let rig = Rig::start(function.address, SHORT);
    // The first one has none, so nothing says that the next ones are others.
    for token in ["", "", "p1", "p2"] {
        assert!(deliver(&rig, "/voice", &CALL, token).await.contains("<Pause"));
    }
    assert_eq!(function.requests().len(), 1);
    rig.end().await;
}

#[actix_web::test]
async fn a_reply_that_asks_for_nothing_is_the_reply_to_every_token() {
    let function = Hostile::always(answer(
        "200 OK",
        "Content-Type: text/xml\r\n",
        "<Response><Say>Hello</Say><Redirect>/voice</Redirect></Response>",
    ));
    let rig = Rig::start(function.address, SHORT);
    for token in ["a", "b", "", "c"] {
        assert!(deliver(&rig, "/voice", &CALL, token).await.contains("Hello"));
    }
    assert_eq!(function.requests().len(), 1, "the call is answered, so it rings no more");
    rig.end().await;
}

#[actix_web::test]
async fn the_turns_of_a_poll_outlive_the_process() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("ringing-turns.db");
    let _ = std::fs::remove_file(&file);
    let open = || Sessions::open(&StoreUrl::Sqlite(file.clone()), twimlgate::clock::wall());
    let function = poll();
    for (token, calls) in [("p0", 1), ("p1", 2), ("p0", 2), ("p1", 2), ("p2", 3), ("p0", 3)] {
        let rig = Rig::start_on(open().unwrap(), function.address, SHORT);
        let reply = deliver(&rig, "/voice", &CALL, token).await;
        assert_eq!(reply.contains("ready"), token == "p2", "{token}: {reply}");
        assert_eq!(function.requests().len(), calls, "{token}");
        rig.end().await;
    }
}

/// Equal requests of a flow whose function has given TwiML: they return the call to the flow.
#[actix_web::test]
async fn an_equal_request_returns_a_call_to_its_flow() {
    let function = poll();
    let rig = Rig::start(function.address, FLOWS_OF_POLLS);
    let wait = deliver(&rig, "/polled", &CALL, "p0").await;
    assert!(wait.contains("<Pause"), "{wait}");
    assert_eq!(deliver(&rig, "/polled", &CALL, "p0").await, wait, "a repeat");
    let goes_on = deliver(&rig, "/polled", &CALL, "p1").await;
    assert!(goes_on.contains("It goes on."), "{goes_on}");
    assert_eq!(deliver(&rig, "/polled", &CALL, "p1").await, goes_on, "a repeat");
    // The flow has spoken, so the call does not ring any more.
    assert_eq!(deliver(&rig, "/polled", &CALL, "p2").await, goes_on);
    assert_eq!(function.requests().len(), 1);
    rig.end().await;
}

const FLOWS_OF_POLLS: &str = r#"
[[rewrite]]
from = "https://example-1234.twil.io"
to = "http://${FUNCTION}"

[route."/polled"]
channel = "voice"
flow = "tests/flows/polled.toml"
"#;
