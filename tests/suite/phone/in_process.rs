//! A gateway in this process as the application, in simulated time.

use std::rc::Rc;
use std::time::Duration;

use twimlgate::clock;
use twimlgate::diagnostics::problem::Problems;
use twimlgate::function::{FunctionResponse, MockResponse, MockTransport, OutgoingRequest};
use twimlgate::metrics::Metrics;
use twimlgate::tools::phone::{Caller, InProcessGateway, Phone, PhoneEvent, WebhookClient};

use super::{play, words};
use crate::support::rig;

/// A function that answers with a plan after a delay.
struct Lookup(Duration);

impl MockTransport for Lookup {
    fn respond(&self, asking: &OutgoingRequest<'_>) -> Option<MockResponse> {
        (asking.name == "lookup").then_some(())?;
        let body = format!(r#"{{"plan": "gold for {}"}}"#, asking.parameters.get("caller")?);
        let content_type = Some("application/json".to_owned());
        let answer = FunctionResponse { status_code: 200, content_type, body: body.into() };
        Some(MockResponse { delay: self.0, result: Ok(answer) })
    }
}

const NOON: Duration = Duration::from_secs(1_790_000_000);

fn start_gateway(takes: Duration) -> Rc<InProcessGateway> {
    let sections = "[function.lookup]\nurl = \"http://${FUNCTION}/\"\n\
        [route.\"/hotline\"]\nchannel = \"voice\"\nflow = \"tests/flows/hotline.json\"\n\
        [route.\"/survey\"]\nchannel = \"message\"\nflow = \"tests/flows/survey.json\"\n";
    let mut problems = Problems::default();
    let unused = "127.0.0.1:9".parse().unwrap();
    let gateway = rig::gateway(unused, sections, &Metrics::new(), &mut problems);
    let gateway = gateway.unwrap_or_else(|| panic!("{problems}"));
    Rc::new(InProcessGateway::new(gateway, Some(Rc::new(Lookup(takes))), true))
}

fn caller(gateway: &InProcessGateway) -> Caller {
    let account = gateway.account().unwrap().to_owned();
    Caller { account, ..Caller::new("+15550100", "+15550199") }
}

fn phone(gateway: &Rc<InProcessGateway>) -> Phone {
    Phone::for_call(
        WebhookClient::for_gateway(gateway),
        gateway.phone_number("/hotline"),
        caller(gateway),
    )
}

#[actix_web::test]
async fn a_flow_is_walked_and_everything_is_seen() {
    let _pretended = clock::pretend(NOON);
    let gateway = start_gateway(Duration::from_secs(1));
    let heard = play(&mut phone(&gateway), "press 1").await;
    assert_eq!(
        words(&heard),
        "hear Welcome & hello.\nhear Press 1 for your plan, 2 for an agent.\n\
         hear Your plan is gold for +15550100.\nends completed\n"
    );
    let traces = heard.iter().filter_map(|heard| match heard {
        PhoneEvent::Webhook(asked) => asked.trace.as_ref(),
        _ => None,
    });
    let taken: Vec<String> = traces
        .clone()
        .flat_map(|trace| trace.transitions.iter())
        .map(|taken| format!("{}:{}", taken.from, taken.event))
        .collect();
    let expected = ["Trigger:incomingCall", "welcome:audioComplete", "menu:keypress"];
    assert_eq!(taken[..3], expected, "{taken:?}");
    let calls: Vec<_> = traces.flat_map(|trace| trace.calls.iter()).collect();
    assert_eq!((calls.len(), calls[0].widget.as_str()), (1, "lookup"));
    assert_eq!(calls[0].answer(), "200");
    assert_eq!(calls[0].took().as_secs(), 1);
}

#[actix_web::test]
async fn a_function_that_is_too_slow_fails_without_a_real_second() {
    let _pretended = clock::pretend(NOON);
    let gateway = start_gateway(Duration::from_secs(60));
    let told =
        words(&play(&mut phone(&gateway), "press 1\noutcome completed\nwait\nhang up").await);
    assert!(told.contains("(Dial Number +15550123)"), "{told}");
    assert!(clock::wall() - NOON >= Duration::from_secs(10), "a function and a silence passed");
}

#[actix_web::test]
async fn a_wait_of_an_hour_ends_at_once() {
    let _pretended = clock::pretend(NOON);
    let gateway = start_gateway(Duration::ZERO);
    let mut phone = Phone::for_chat(
        WebhookClient::for_gateway(&gateway),
        gateway.phone_number("/survey"),
        caller(&gateway),
    );
    let told = words(&play(&mut phone, "text hi\ntext Ann").await);
    assert!(told.starts_with("receive What is your name?\nreceive Thank you, Ann."), "{told}");
    let before = clock::wall();
    let told = words(&play(&mut phone, "text again\nwait").await);
    assert!(told.starts_with("receive What is your name?\nreceive "), "{told}");
    assert_eq!((clock::wall() - before).as_secs(), 3_600);
}
