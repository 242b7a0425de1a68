//! Flows of several turns over real sockets: what they say, what ends them, what happens once.

mod callbacks;
mod returns;
mod ringing;

use serde_json::Value;
use twimlgate::session::{Commit, contact_key};
use twimlgate::twiml::read::{DocumentLimits, Element, parse_document};
use twimlgate::webhook::Params;

use crate::support::hostile::Hostile;
use crate::support::rig::{Reply, Rig};

/// The flows of these tests, on a carrier and a function at one address.
const FLOWS: &str = r#"
[[rewrite]]
from = "https://example-1234.twil.io"
to = "http://${FUNCTION}"

[route."/hotline"]
channel = "voice"
flow = "tests/flows/hotline.json"

[route."/survey"]
channel = "message"
flow = "tests/flows/survey.json"

[route."/conversations"]
channel = "message"
flow = "tests/flows/conversations.toml"
"#;

const GOLD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                    Content-Length: 16\r\n\r\n{\"plan\": \"gold\"}";

/// A call as the carrier makes it: each answer says where to come back to.
struct Caller<'a> {
    rig: &'a Rig,
    sid: &'static str,
    reply: Reply,
}

impl<'a> Caller<'a> {
    async fn dials(rig: &'a Rig, sid: &'static str) -> Caller<'a> {
        let params = [("CallStatus", "ringing"), ("CallSid", sid), ("From", "+1555"), ("To", "+1")];
        let reply = rig.post("/hotline", &params).await;
        Caller { rig, sid, reply }
    }

    fn document(&self) -> Element {
        parse_document(self.reply.body.as_bytes(), &DocumentLimits::default()).unwrap()
    }

    fn verbs(&self) -> Vec<String> {
        self.document().children().map(|verb| verb.name.clone()).collect()
    }

    /// Where the first verb that asks for something comes back to.
    fn next(&self) -> String {
        let document = self.document();
        let mut urls = document.children().filter_map(|verb| match verb.name.as_str() {
            "Redirect" => Some(verb.text()),
            _ => verb.attribute("action").map(str::to_owned),
        });
        format!("/hotline{}", urls.next().unwrap())
    }

    async fn send(&self, target: &str, more: &[(&str, &str)]) -> Reply {
        let mut params = vec![("CallSid", self.sid), ("From", "+1555"), ("To", "+1")];
        params.extend(more);
        if !more.iter().any(|(name, _)| *name == "CallStatus") {
            params.push(("CallStatus", "in-progress"));
        }
        self.rig.post(target, &params).await
    }

    async fn goes_on(&mut self, more: &[(&str, &str)]) {
        self.reply = self.send(&self.next(), more).await;
    }
}

#[actix_web::test]
async fn a_call_goes_through_its_menu() {
    let function = Hostile::always(GOLD);
    let rig = Rig::start(function.address, FLOWS);
    let mut caller = Caller::dials(&rig, "CA1").await;
    assert_eq!(caller.verbs(), ["Say", "Redirect"]);
    assert!(caller.reply.body.contains(">Welcome &amp; hello.<"), "{}", caller.reply.body);
    caller.goes_on(&[]).await;
    assert_eq!(caller.verbs(), ["Gather", "Redirect"]);
    // Nothing was pressed: the menu again, with a token of its own.
    let (before, at) = (caller.next(), caller.reply.body.clone());
    caller.goes_on(&[]).await;
    assert_ne!(caller.next(), before);
    assert_eq!(caller.verbs(), ["Gather", "Redirect"]);
    assert_ne!(caller.reply.body, at);
    caller.goes_on(&[("Digits", "1")]).await;
    assert!(caller.reply.body.contains(">Your plan is gold.<"), "{}", caller.reply.body);
    // Nothing follows, so nobody has to come back.
    assert_eq!(caller.verbs(), ["Say"]);
    let seen = &function.requests()[0];
    let sent = Params::decode(&seen.body).unwrap();
    assert_eq!(sent.get("caller"), Some("+1555"));
    assert_eq!(sent.get("CallSid"), None, "an imported flow sends only what it says");
    assert!(seen.head.starts_with("POST /lookup ") && seen.header("x-twilio-signature").is_some());
    rig.end().await;
}

#[actix_web::test]
async fn a_step_is_taken_once() {
    let function = Hostile::always(GOLD);
    let rig = Rig::start(function.address, FLOWS);
    let mut caller = Caller::dials(&rig, "CA2").await;
    caller.goes_on(&[]).await;
    let menu = caller.next();
    // Sixteen deliveries of one webhook at the same instant.
    let digits = [("Digits", "1")];
    let sends = (0..16).map(|_| caller.send(&menu, &digits));
    let replies = futures_join(sends.collect()).await;
    assert!(replies.iter().all(|reply| reply.body == replies[0].body), "{replies:?}");
    assert!(replies[0].body.contains("gold"));
    assert_eq!(function.requests().len(), 1);
    // The same token with something else is no repeat, and too late.
    let other = caller.send(&menu, &[("Digits", "2")]).await;
    assert!(!other.body.contains("Dial") && other.status == 200, "{}", other.body);
    // So is a token that nobody gave out.
    let guess = caller.send("/hotline?step=0123456789abcdef0123456789abcdef", &digits).await;
    assert_eq!(guess.status, 200);
    assert_eq!(function.requests().len(), 1);
    rig.end().await;
}

/// Awaits all of them at once.
async fn futures_join<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut pending: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut done = true;
        for (future, value) in &mut pending {
            if value.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(ready) => *value = Some(ready),
                    std::task::Poll::Pending => done = false,
                }
            }
        }
        if done { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    pending.into_iter().filter_map(|(_, value)| value).collect()
}

#[actix_web::test]
async fn another_call_cannot_take_a_step() {
    let rig = Rig::start(Hostile::always(GOLD).address, FLOWS);
    let mut mine = Caller::dials(&rig, "CA3").await;
    mine.goes_on(&[]).await;
    let other = Caller::dials(&rig, "CA4").await;
    let stolen = other.send(&mine.next(), &[("Digits", "2")]).await;
    assert!(!stolen.body.contains("Dial"), "{}", stolen.body);
    mine.goes_on(&[("Digits", "2")]).await;
    assert_eq!(mine.verbs(), ["Dial"]);
    rig.end().await;
}

#[actix_web::test]
async fn a_hang_up_ends_the_call() {
    let rig = Rig::start(Hostile::always(GOLD).address, FLOWS);
    let mut caller = Caller::dials(&rig, "CA5").await;
    caller.goes_on(&[]).await;
    let over = [
        ("CallStatus", "completed"),
        ("CallbackSource", "call-progress-events"),
        ("SequenceNumber", "0"),
    ];
    assert_eq!(caller.send("/hotline", &over).await.body, "<Response/>");
    let late = caller.send(&caller.next(), &[("Digits", "2")]).await;
    assert_eq!(late.body, "<Response/>");
    rig.end().await;
}

#[actix_web::test]
async fn a_caller_who_hangs_up_on_an_agent_is_told_apart() {
    let rig = Rig::start(Hostile::always(GOLD).address, FLOWS);
    let mut caller = Caller::dials(&rig, "CA6").await;
    caller.goes_on(&[]).await;
    caller.goes_on(&[("Digits", "2")]).await;
    let dial = caller.document();
    let dial = dial.children().next().unwrap();
    assert_eq!(dial.attribute("callerId"), Some("+1555"));
    assert_eq!(dial.children().next().unwrap().text(), "+15550123");
    let back = caller.send(&caller.next(), &[("DialCallStatus", "completed")]).await;
    assert!(back.body.contains("<Gather"), "{}", back.body);
    rig.end().await;
}

async fn text(rig: &Rig, sid: &str, from: &str, body: &str) -> String {
    let params = [("MessageSid", sid), ("From", from), ("To", "+1999"), ("Body", body)];
    rig.post("/survey", &params).await.body
}

#[actix_web::test]
async fn messages_of_one_person_are_one_conversation() {
    let rig = Rig::start(Hostile::always(GOLD).address, FLOWS);
    let (question, other) =
        futures_pair(text(&rig, "SM1", "+1555", "hi"), text(&rig, "SM2", "+1666", "hello")).await;
    assert!(question.contains("<Body>What is your name?</Body>"), "{question}");
    assert!(other.contains("What is your name?"));
    let thanks = text(&rig, "SM3", "+1555", " <Ada> ").await;
    assert!(thanks.contains("Thank you, &lt;Ada&gt;. You began with hi."), "{thanks}");
    assert!(thanks.contains("<Body>Bye.</Body>"), "both in one answer: {thanks}");
    assert_eq!(text(&rig, "SM3", "+1555", " <Ada> ").await, thanks, "a repeat");
    // It is over; the next message begins anew.
    assert!(text(&rig, "SM4", "+1555", "again").await.contains("What is your name?"));
    assert!(text(&rig, "SM5", "+1666", "Bob").await.contains("Bob. You began with hello."));
    rig.end().await;
}

async fn futures_pair(
    one: impl Future<Output = String>,
    two: impl Future<Output = String>,
) -> (String, String) {
    tokio::join!(one, two)
}

#[actix_web::test]
async fn what_a_flow_did_is_in_the_log_without_what_was_said() {
    let rig = Rig::start(Hostile::always(GOLD).address, FLOWS);
    text(&rig, "SM7", "+15551234567", "canary-text").await;
    text(&rig, "SM8", "+15551234567", "canary-name").await;
    let records: Vec<Value> = rig.end().await;
    let log = format!("{records:?}");
    assert!(!log.contains("canary") && !log.contains("15551234567"), "{log}");
}

#[actix_web::test]
async fn each_limit_has_its_own_error_and_the_caller_hears_the_fallback() {
    let cases =
        [("row", "entered 10 times in a row"), ("circle", "took 1000 steps"), ("long", "16384")];
    for (flow, words) in cases {
        let route = format!(
            "[route.\"/sms\"]\nchannel = \"message\"\nflow = \"tests/flows/limits/{flow}.json\"\n"
        );
        let rig = Rig::start(Hostile::always(GOLD).address, &route);
        let params = [("MessageSid", "SM1"), ("From", "+1555"), ("To", "+1999"), ("Body", "hi")];
        let reply = rig.post("/sms", &params).await;
        assert!(reply.status == 200 && reply.body.contains("<Message>"), "{flow}: {}", reply.body);
        let records = rig.end().await;
        assert_eq!(records[0]["outcome"], "fallback");
        let reason = records[0]["reason"].as_str().unwrap();
        assert!(reason.contains(words), "{flow}: {reason}");
    }
}

#[actix_web::test]
async fn a_second_call_of_one_caller_is_turned_away_where_the_flow_says_so() {
    let route = "[route.\"/hotline\"]\nchannel = \"voice\"\n\
                 flow = \"tests/flows/limits/one-call.json\"\n";
    let rig = Rig::start(Hostile::always(GOLD).address, route);
    let mut first = Caller::dials(&rig, "CA1").await;
    assert_eq!(first.verbs(), ["Gather", "Redirect"]);
    let second = Caller::dials(&rig, "CA2").await;
    assert!(!second.reply.body.contains("Gather"), "{}", second.reply.body);
    first.goes_on(&[]).await;
    assert_eq!(first.verbs(), ["Gather", "Redirect"]);
    let over = [("CallStatus", "completed"), ("CallbackSource", "call-progress-events")];
    first.send("/hotline", &over).await;
    let third = Caller::dials(&rig, "CA3").await;
    assert_eq!(third.verbs(), ["Gather", "Redirect"]);
    rig.end().await;
}

#[actix_web::test]
async fn an_execution_that_cannot_be_read_gives_its_caller_a_new_one() {
    let rig = Rig::start(Hostile::always(GOLD).address, FLOWS);
    let session = contact_key("/survey", "+1999", "+1555");
    // Nothing, JSON without its version, another version, no JSON, JSON of another shape.
    let unreadable: [&[u8]; 5] = [b"", b"{}", b"\x09{}", b"\x01{", b"\x01[]"];
    for (turn, state) in unreadable.into_iter().enumerate() {
        text(&rig, &format!("SM{turn}a"), "+1555", "hi").await;
        let mut saved = rig.sessions.active(&session).await.unwrap().expect("it waits");
        saved.state = state.to_vec();
        saved.version += 1;
        let (sid, now) = (saved.sid.clone(), saved.updated);
        rig.sessions.commit(Commit::new(saved, Vec::new(), now)).await.unwrap();
        let anew = text(&rig, &format!("SM{turn}b"), "+1555", "Ada").await;
        assert!(anew.contains("What is your name?"), "{state:?}: {anew}");
        assert!(!rig.sessions.execution(&sid).await.unwrap().unwrap().active);
        let thanks = text(&rig, &format!("SM{turn}c"), "+1555", "Ada").await;
        assert!(thanks.contains("Thank you, Ada."), "{state:?}: {thanks}");
    }
    let records = rig.end().await;
    let warned = |record: &&Value| record.to_string().contains("another version's");
    assert_eq!(records.iter().filter(warned).count(), unreadable.len());
}
