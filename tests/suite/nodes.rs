//! Several gateways on one PostgreSQL, through whole exchanges: a caller does not notice which one
//! answers.

use std::path::Path;
use std::time::Duration;

use twimlgate::session::{PostgresUrl, Sessions, StoreUrl};

use crate::support::hostile::{Hostile, json};
use crate::support::postgres::cluster;
use crate::support::rig::Rig;

const ROUTES: &str = r#"
[[rewrite]]
from = "https://example-1234.twil.io"
to = "http://${FUNCTION}"

[route."/survey"]
channel = "message"
flow = "tests/flows/survey.json"

[route."/sms"]
channel = "message"
flow = "tests/flows/hold/message.json"
"#;

/// Two gateways on one new schema, with one function.
fn two_nodes(test: &str) -> Option<([Rig; 2], Hostile)> {
    let cluster = cluster()?;
    let schema = cluster.schema(test);
    let function = Hostile::always(json(r#"{"plan": "gold"}"#));
    let node = |name: &str| {
        let url = cluster.url(&schema, cluster.port, name);
        let url = PostgresUrl::parse(&url, Path::new(".")).unwrap();
        let url = StoreUrl::Postgres(Box::new(url));
        let sessions = Sessions::open(&url, Duration::ZERO).unwrap();
        Rig::start_on(sessions, function.address, ROUTES)
    };
    Some(([node("one"), node("two")], function))
}

fn text<'a>(sid: &'a str, from: &'a str, body: &'a str) -> [(&'a str, &'a str); 4] {
    [("MessageSid", sid), ("From", from), ("To", "+1999"), ("Body", body)]
}

#[actix_web::test]
async fn a_conversation_goes_on_at_another_gateway() {
    let Some(([one, two], _function)) = two_nodes("conversation") else { return };
    let question = one.post("/survey", &text("SM1", "+1555", "hi")).await;
    assert!(question.body.contains("What is your name?"), "{question:?}");
    let thanks = two.post("/survey", &text("SM2", "+1555", "Ada")).await;
    assert!(thanks.body.contains("Thank you, Ada."), "{thanks:?}");
    // A repeat hears the same bytes from either.
    assert_eq!(two.post("/survey", &text("SM1", "+1555", "hi")).await.body, question.body);
    assert_eq!(one.post("/survey", &text("SM2", "+1555", "Ada")).await.body, thanks.body);
    one.end().await;
    // The one that is left goes on alone.
    let again = two.post("/survey", &text("SM3", "+1555", "hi")).await;
    assert!(again.body.contains("What is your name?"), "{again:?}");
    two.end().await;
}

#[actix_web::test]
async fn a_webhook_at_both_gateways_at_once_calls_its_function_once() {
    let Some(([one, two], function)) = two_nodes("function") else { return };
    for number in 0..20 {
        let (sid, from) = (format!("SM{number}"), format!("+1555{number:04}"));
        let params = text(&sid, &from, "hi");
        let (first, second) = tokio::join!(one.post("/sms", &params), two.post("/sms", &params));
        assert!(first.body.contains("gold"), "{first:?}");
        assert_eq!(first.body, second.body);
        assert_eq!(function.requests().len(), number + 1);
    }
    one.end().await;
    two.end().await;
}
