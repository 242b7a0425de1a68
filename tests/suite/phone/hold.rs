//! Slow functions: callers get the hold document meanwhile. In simulated time.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use twimlgate::clock;
use twimlgate::diagnostics::problem::Problems;
use twimlgate::function::{
    FunctionResponse, MockResponse, MockTransport, Outcome, OutgoingRequest,
};
use twimlgate::limits::{HELD_CALLS_MAX, HELD_OUTCOME_KEPT, HELD_OUTCOMES_BYTES_MAX};
use twimlgate::metrics::Metrics;
use twimlgate::pending::{CallPoll, PendingCalls, PendingKey};
use twimlgate::tools::phone::{Caller, InProcessGateway, Phone, PhoneEvent, WebhookClient};

use super::{play, words};
use crate::support::rig;

/// A function that takes its time.
struct Slow {
    takes: Duration,
    answer: (&'static str, &'static str),
    status: u16,
    asked: Rc<Cell<usize>>,
}

impl MockTransport for Slow {
    fn respond(&self, asking: &OutgoingRequest<'_>) -> Option<MockResponse> {
        (asking.name == "lookup").then_some(())?;
        self.asked.set(self.asked.get() + 1);
        let (content_type, body) = self.answer;
        let content_type = Some(content_type.to_owned());
        let answer = FunctionResponse { status_code: self.status, content_type, body: body.into() };
        Some(MockResponse { delay: self.takes, result: Ok(answer) })
    }
}

const NOON: Duration = Duration::from_secs(1_790_000_000);
const GOLD: (&str, &str) = ("application/json", "{\"plan\": \"gold\"}");
const MOMENT: &str = "hear One moment, +15550100.\n";

/// Routes that hold, short and flow, call and message.
const ROUTES: &str = r#"
[function.lookup]
url = "http://${FUNCTION}/"
timeout_ms = 60000
hold = "hold.xml"
[route."/short"]
channel = "voice"
function = "lookup"
success = "plan.xml"
fail = "sorry-voice.xml"
[route."/hotline"]
channel = "voice"
flow = "tests/flows/hotline.json"
[route."/sms"]
channel = "message"
function = "lookup"
success = "plan-message.xml"
[route."/chat"]
channel = "message"
flow = "tests/flows/hold/message.json"
"#;

struct Scene {
    desk: Rc<InProcessGateway>,
    asked: Rc<Cell<usize>>,
}

impl Scene {
    fn new(seconds: u64, answer: (&'static str, &'static str)) -> Scene {
        Scene::answering(seconds, answer, 200)
    }

    fn answering(seconds: u64, answer: (&'static str, &'static str), status: u16) -> Scene {
        let mut problems = Problems::default();
        let unused = "127.0.0.1:9".parse().unwrap();
        let gateway = rig::gateway(unused, ROUTES, &Metrics::new(), &mut problems);
        let gateway = gateway.unwrap_or_else(|| panic!("{problems}"));
        let asked = Rc::new(Cell::new(0));
        let takes = Duration::from_secs(seconds);
        let slow = Slow { takes, answer, status, asked: Rc::clone(&asked) };
        Scene { desk: Rc::new(InProcessGateway::new(gateway, Some(Rc::new(slow)), true)), asked }
    }

    fn phone(&self, route: &str) -> Phone {
        let account = self.desk.account().unwrap().to_owned();
        let caller = Caller { account, ..Caller::new("+15550100", "+15550199") };
        let (line, number) =
            (WebhookClient::for_gateway(&self.desk), self.desk.phone_number(route));
        match route {
            "/sms" | "/chat" => Phone::for_chat(line, number, caller),
            _ => Phone::for_call(line, number, caller),
        }
    }

    async fn hears(&self, route: &str, acts: &str) -> String {
        words(&play(&mut self.phone(route), acts).await)
    }
}

#[actix_web::test]
async fn a_fast_function_is_answered_as_ever() {
    let _pretended = clock::pretend(NOON);
    let scene = Scene::new(3, GOLD);
    assert_eq!(scene.hears("/short", "").await, "hear Plan gold.\nends completed\n");
    assert_eq!((clock::wall() - NOON).as_secs(), 3);
    assert_eq!(scene.desk.pending().take_announced(), Vec::<String>::new());
}

#[actix_web::test]
async fn a_short_route_holds_its_caller() {
    let _pretended = clock::pretend(NOON);
    let scene = Scene::new(30, GOLD);
    let told = scene.hears("/short", "").await;
    let moments = told.matches(MOMENT).count();
    assert_eq!(moments, 7, "{told}");
    assert!(told.ends_with("hear Plan gold.\nends completed\n"), "{told}");
    assert_eq!(scene.asked.get(), 1);
}

#[actix_web::test]
async fn a_flow_holds_its_caller_and_goes_on() {
    let _pretended = clock::pretend(NOON);
    let scene = Scene::new(9, GOLD);
    let told = scene.hears("/hotline", "press 1").await;
    assert_eq!(told.matches(MOMENT).count(), 2, "{told}");
    assert!(told.ends_with("hear Your plan is gold.\nends completed\n"), "{told}");
    assert_eq!(scene.asked.get(), 1);
}

#[actix_web::test]
async fn a_late_failure_and_a_timeout_are_fail() {
    let _pretended = clock::pretend(NOON);
    let told = Scene::answering(9, GOLD, 500).hears("/short", "").await;
    assert!(told.ends_with("hear Sorry: 500.\nends completed\n"), "{told}");
    let began = clock::wall();
    let told = Scene::new(600, GOLD).hears("/short", "").await;
    assert_eq!(told.matches(MOMENT).count(), 14, "{told}");
    assert!(told.ends_with("hear Sorry: nothing.\nends completed\n"), "{told}");
    assert_eq!((clock::wall() - began).as_secs(), 60);
}

#[actix_web::test]
async fn late_twiml_hands_over() {
    let _pretended = clock::pretend(NOON);
    let twiml = ("text/xml", "<Response><Say>From the function.</Say></Response>");
    for route in ["/short", "/hotline"] {
        let acts = if route == "/short" { "" } else { "press 1" };
        let told = Scene::new(9, twiml).hears(route, acts).await;
        assert!(told.contains(MOMENT), "{told}");
        assert!(told.contains("hear From the function.\n"), "{told}");
    }
}

#[actix_web::test]
async fn a_message_is_answered_at_once_and_later_over_the_api() {
    let _pretended = clock::pretend(NOON);
    let scene = Scene::new(45, GOLD);
    let told = scene.hears("/chat", "text hi\ntext are you there?\nwait").await;
    assert_eq!(told, "receive Your plan is gold.\n");
    assert_eq!((clock::wall() - NOON).as_secs(), 45);
    assert_eq!(scene.asked.get(), 1);
    // It is over; the next message begins anew.
    assert_eq!(scene.hears("/chat", "text hi").await, "");
    assert_eq!(scene.asked.get(), 2);
}

#[actix_web::test]
async fn a_short_route_for_messages_sends_its_document_late() {
    let _pretended = clock::pretend(NOON);
    let scene = Scene::new(8, GOLD);
    let told = scene.hears("/sms", "text hi\nwait 60s").await;
    assert_eq!(told, "receive Plan gold.\nreceive Bye\n");
    assert_eq!((clock::wall() - NOON).as_secs(), 64);
    // Each message is one by itself.
    let told = scene.hears("/sms", "text one\ntext two\nwait 60s").await;
    assert_eq!(told, "receive Plan gold.\nreceive Bye\n".repeat(2));
    assert_eq!(scene.asked.get(), 3);
}

#[actix_web::test]
async fn a_message_whose_function_fails_late_is_not_left_without_an_answer() {
    let _pretended = clock::pretend(NOON);
    let told = Scene::answering(8, GOLD, 500).hears("/sms", "text hi\nwait 60s").await;
    assert!(told.starts_with("receive ") && told.lines().count() == 1, "{told}");
    let told = Scene::answering(8, GOLD, 500).hears("/chat", "text hi\nwait 60s").await;
    assert_eq!(told, "receive Sorry, nobody knows.\n");
    let twiml = ("text/xml", "<Response><Message>Late.</Message></Response>");
    for route in ["/sms", "/chat"] {
        assert_eq!(Scene::new(8, twiml).hears(route, "text hi\nwait").await, "receive Late.\n");
    }
}

#[actix_web::test]
async fn what_is_held_is_seen() {
    let _pretended = clock::pretend(NOON);
    let heard = play(&mut Scene::new(9, GOLD).phone("/short"), "").await;
    let held = heard.iter().filter_map(|heard| match heard {
        PhoneEvent::Webhook(asked) => asked.trace.as_ref()?.pending_function.clone(),
        _ => None,
    });
    assert_eq!(held.collect::<Vec<_>>(), ["lookup", "lookup"]);
}

#[actix_web::test]
async fn where_too_many_are_held_a_call_is_like_any_other() {
    let _pretended = clock::pretend(NOON);
    for (seconds, expected) in [(9, "hear Plan gold."), (30, "hear Sorry: nothing.")] {
        let scene = Scene::new(seconds, GOLD);
        let held = scene.desk.pending();
        let place = |step| PendingKey { execution: "FN0".to_owned(), step };
        let tasks: Vec<_> =
            (0..HELD_CALLS_MAX).map(|step| held.begin(&place(step as u32))).collect();
        assert!(tasks.iter().all(Option::is_some) && held.begin(&place(u32::MAX)).is_none());
        let began = clock::wall();
        assert_eq!(scene.hears("/short", "").await, format!("{expected}\nends completed\n"));
        assert_eq!((clock::wall() - began).as_secs(), seconds.min(10));
        drop(tasks);
        assert!(held.find(&place(0)).is_none(), "a task that ended without an outcome");
        assert!(held.begin(&place(0)).is_some());
    }
}

#[actix_web::test]
async fn outcomes_without_a_poll_are_forgotten() {
    let _pretended = clock::pretend(NOON);
    let held = PendingCalls::new(Default::default());
    let place = |step| PendingKey { execution: "FN0".to_owned(), step };
    let large = |bytes| {
        let answer =
            FunctionResponse { status_code: 200, content_type: None, body: vec![0; bytes].into() };
        Outcome { response: Some(answer), ..Outcome::unusable_url("http://a") }
    };
    let bytes = HELD_OUTCOMES_BYTES_MAX / 8;
    for step in 0..6 {
        let (task, waiting) = held.begin(&place(step)).unwrap();
        assert_eq!(waiting.wait(clock::now()).await, CallPoll::Pending);
        task.complete(large(bytes));
    }
    assert!(held.find(&place(0)).is_none() && held.find(&place(5)).is_some());
    tokio::time::sleep(HELD_OUTCOME_KEPT).await;
    held.begin(&place(9)).unwrap().0.complete(large(1));
    assert!(held.find(&place(5)).is_none() && held.find(&place(9)).is_some());
    // Nobody comes for it, whether that is said before it is there or after.
    held.announce(&place(9));
    assert_eq!(held.take_announced(), ["FN0"]);
    let (task, waiting) = held.begin(&place(10)).unwrap();
    held.announce(&place(10));
    task.complete(large(1));
    held.announcement().await;
    assert_eq!(held.take_announced(), ["FN0"]);
    assert!(matches!(waiting.wait(clock::now()).await, CallPoll::Ready(_)));
}
