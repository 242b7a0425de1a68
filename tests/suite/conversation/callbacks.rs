//! What a callback means to a flow: which conversation it belongs to, and that it takes no step.

use super::*;

/// Sends a Conversations webhook, which has neither `From` nor `To`.
async fn conversation(rig: &Rig, sid: &str, event: &str, message: (&str, &str)) -> String {
    let (message_sid, body) = message;
    let params = [
        ("ConversationSid", sid),
        ("EventType", event),
        ("MessageSid", message_sid),
        ("Author", "+15550101"),
        ("Body", body),
    ];
    rig.post("/conversations", &params).await.body
}

#[actix_web::test]
async fn conversations_do_not_share_an_execution() {
    let rig = Rig::start(Hostile::always(GOLD).address, FLOWS);
    let added = "onMessageAdded";
    let one = conversation(&rig, "CH1", added, ("IM1", "a secret")).await;
    let two = conversation(&rig, "CH2", added, ("IM2", "hello")).await;
    assert!(one.contains("Which name?") && two.contains("Which name?"), "{one} {two}");
    let thanks = conversation(&rig, "CH2", added, ("IM3", "Bob")).await;
    assert!(thanks.contains("Thank you, Bob. You began with hello."), "{thanks}");
    let thanks = conversation(&rig, "CH1", added, ("IM4", "Ada")).await;
    assert!(thanks.contains("Thank you, Ada. You began with a secret."), "{thanks}");
    rig.end().await;
}

#[actix_web::test]
async fn each_event_of_a_conversation_is_an_event_of_its_own() {
    let rig = Rig::start(Hostile::always(GOLD).address, FLOWS);
    let question = conversation(&rig, "CH1", "onMessageAdded", ("IM1", "hi")).await;
    assert!(question.contains("Which name?"), "{question}");
    // The same message: changed, and delivered. Neither is the reply that the flow waits for.
    for event in ["onMessageUpdated", "onDeliveryUpdated"] {
        let answer = conversation(&rig, "CH1", event, ("IM1", "hi")).await;
        assert_eq!(answer, "<Response/>", "{event}");
    }
    assert_eq!(conversation(&rig, "CH1", "onMessageAdded", ("IM1", "hi")).await, question);
    let thanks = conversation(&rig, "CH1", "onMessageAdded", ("IM2", "Ada")).await;
    assert!(thanks.contains("Thank you, Ada. You began with hi."), "{thanks}");
    rig.end().await;
}

#[actix_web::test]
async fn a_webhook_of_a_kind_that_the_flow_does_not_take_is_counted() {
    let rig = Rig::start(Hostile::always(GOLD).address, FLOWS);
    // The survey takes messages, and no events of conversations.
    let event = [
        ("ConversationSid", "CH1"),
        ("EventType", "onMessageAdded"),
        ("MessageSid", "IM1"),
        ("Body", "hi"),
    ];
    assert_eq!(rig.post("/survey", &event).await.body, "<Response/>");
    assert_eq!(rig.post("/survey", &event).await.body, "<Response/>", "a repeat is not counted");
    text(&rig, "SM1", "+1555", "hi").await;
    Caller::dials(&rig, "CA1").await;
    let metrics = rig.admin("/metrics").await.body;
    for (route, count) in [("/survey", 1), ("/hotline", 0), ("/conversations", 0), ("", 0)] {
        let line = format!("twimlgate_unwired_webhooks_total{{route=\"{route}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
    let records = rig.end().await;
    let finding =
        "it had no effect: `incomingConversationMessage` of flow `/survey` is wired to nothing";
    assert_eq!(records[0]["findings"], serde_json::json!([finding]));
    assert_eq!(records[0]["level"], "warn");
    assert!(records[2].get("findings").is_none(), "{}", records[2]);
}

#[actix_web::test]
async fn without_addresses_no_state_is_shared() {
    let rig = Rig::start(Hostile::always(GOLD).address, FLOWS);
    for (from, to) in
        [(None, None), (Some("+1555"), None), (None, Some("+1999")), (Some(""), Some(""))]
    {
        let sid = format!("SM{from:?}{to:?}");
        let mut params = vec![("MessageSid", sid.as_str()), ("Body", "a secret")];
        params.extend(from.map(|from| ("From", from)));
        params.extend(to.map(|to| ("To", to)));
        assert_eq!(rig.post("/survey", &params).await.body, "<Response/>", "{params:?}");
    }
    let records = rig.end().await;
    let says = |record: &Value| record.to_string().contains("no identifier");
    assert!(records.iter().all(says), "{records:?}");
}

#[actix_web::test]
async fn a_callback_about_a_call_takes_no_step() {
    let callbacks: [(&str, &[(&str, &str)]); 6] = [
        ("?rec=1", &[("RecordingSid", "RE1"), ("RecordingStatus", "in-progress")]),
        ("?amd=1", &[("AnsweredBy", "human"), ("MachineDetectionDuration", "2300")]),
        ("?c=1", &[("ConferenceSid", "CF1"), ("StatusCallbackEvent", "participant-join")]),
        ("?t=1", &[("TranscriptionSid", "TR1"), ("TranscriptionStatus", "completed")]),
        ("?s=1", &[("StreamSid", "MZ1"), ("StreamEvent", "stream-started"), ("Timestamp", "t")]),
        ("", &[("CallStatus", "in-progress"), ("SequenceNumber", "1")]),
    ];
    let rig = Rig::start(Hostile::always(GOLD).address, FLOWS);
    // A call of its own for each: a callback that took a step would spoil the others.
    const SIDS: [&str; 6] = ["CA0", "CA1", "CA2", "CA3", "CA4", "CA5"];
    for (sid, (query, callback)) in SIDS.into_iter().zip(callbacks) {
        let mut caller = Caller::dials(&rig, sid).await;
        // Not by `Caller::send`: the callback has none of the call's other parameters.
        let params = [&[("CallSid", sid)], callback].concat();
        let answer = rig.post(&format!("/hotline{query}"), &params).await.body;
        assert_eq!(answer, "<Response/>", "{callback:?}");
        caller.goes_on(&[]).await;
        assert_eq!(caller.verbs(), ["Gather", "Redirect"], "{callback:?}");
    }
    rig.end().await;
}
