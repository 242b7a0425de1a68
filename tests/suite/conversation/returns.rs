//! What another application passes on when it gives a call or a chat back.

use super::*;

const ELSEWHERE: &str = r#"
[route."/voice"]
channel = "voice"
flow = "tests/flows/elsewhere.toml"

[route."/sms"]
channel = "message"
flow = "tests/flows/elsewhere.toml"
"#;

/// Parameters of a webhook.
type Sent = &'static [(&'static str, &'static str)];

#[actix_web::test]
async fn a_return_brings_the_parameters_of_its_url_and_of_the_carrier() {
    let cases: [(&str, Sent, &str); 8] = [
        ("?FlowEvent=return&foo=bar", &[], "foo bar, keys , from +1555, event , step ."),
        (
            "?FlowEvent=return&foo=bar",
            &[("Digits", "42")],
            "foo bar, keys 42, from +1555, event , step .",
        ),
        ("?FlowEvent=done&foo=bar", &[], "foo bar, keys , from +1555, event done, step ."),
        ("?foo=bar", &[("Digits", "1")], "foo bar, keys 1, from +1555, event , step ."),
        ("", &[("Digits", "1")], "foo , keys 1, from +1555, event , step ."),
        // What the application says has precedence, and a step is ours.
        ("?FlowEvent=return&From=them&step=1", &[], "foo , keys , from them, event , step ."),
        ("?FlowEvent=return&foo=%3CHangup/%3E", &[], "foo &lt;Hangup/&gt;, keys"),
        ("?FlowEvent=&foo=bar", &[], "foo bar, keys , from +1555, event , step ."),
    ];
    let rig = Rig::start(Hostile::always(GOLD).address, ELSEWHERE);
    const SIDS: [&str; 8] = ["CA0", "CA1", "CA2", "CA3", "CA4", "CA5", "CA6", "CA7"];
    for (sid, (query, more, expected)) in SIDS.into_iter().zip(cases) {
        let call = [("CallSid", sid), ("From", "+1555"), ("To", "+1999")];
        let ringing = [&call[..], &[("CallStatus", "ringing")]].concat();
        let left = rig.post("/voice", &ringing).await.body;
        assert!(left.contains("<Redirect>https://example.com/app</Redirect>"), "{left}");
        let back = [&call[..], &[("CallStatus", "in-progress")], more].concat();
        let said = rig.post(&format!("/voice{query}"), &back).await.body;
        assert!(said.contains(expected), "{query} {more:?}: {said}");
    }
    rig.end().await;
}

#[actix_web::test]
async fn a_chat_is_returned_by_every_event() {
    let rig = Rig::start(Hostile::always(GOLD).address, ELSEWHERE);
    for (sid, query, expected) in [
        ("SM1", "?FlowEvent=return&foo=bar", "foo bar, event ."),
        ("SM2", "?FlowEvent=done&foo=bar", "foo bar, event done."),
    ] {
        let message = [("MessageSid", sid), ("From", "+1555"), ("To", "+1999"), ("Body", "hi")];
        let left = rig.post("/sms", &message).await.body;
        assert!(left.contains("<Redirect>"), "{left}");
        let written = rig.post(&format!("/sms{query}"), &message).await.body;
        assert!(written.contains(expected), "{query}: {written}");
    }
    rig.end().await;
}

#[actix_web::test]
async fn an_event_does_not_take_a_step_of_a_flow_that_has_the_call() {
    let rig = Rig::start(Hostile::always(GOLD).address, FLOWS);
    let mut caller = Caller::dials(&rig, "CA1").await;
    caller.goes_on(&[]).await;
    let refused = caller.send("/hotline?FlowEvent=return&Digits=2", &[]).await;
    assert!(!refused.body.contains("Dial"), "{}", refused.body);
    caller.goes_on(&[("Digits", "2")]).await;
    assert_eq!(caller.verbs(), ["Dial"]);
    rig.end().await;
}
