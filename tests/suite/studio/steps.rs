//! The last step of an execution: what ended it, over Studio's REST.

use super::*;

#[actix_web::test]
async fn the_event_that_ended_an_execution_is_its_last_step() {
    let carrier = Hostile::always(SENT);
    let rig = rig(&carrier);
    for (end, name, from) in [
        ("match", "match", "which"),
        ("other", "noMatch", "which"),
        ("failed", "failed", "find"),
        // The widget has no event for a failure: the step has the usual name.
        ("fault", "failed", "speak"),
    ] {
        let parameters = json!({"end": end}).to_string();
        let form = [("To", "+15550100"), ("From", "+15550199"), ("Parameters", &parameters)];
        let made = json(&ask(&rig, ("POST", ENDS), &form).await);
        let ended = until(&rig, path(&made["url"]), |found| found["status"] == "ended").await;
        let steps = get(&rig, path(&ended["links"]["steps"])).await;
        let step = &steps["steps"][0];
        assert_eq!(
            [&step["name"], &step["transitioned_from"], &step["transitioned_to"]],
            [name, from, "Ended"],
            "{end}: {steps}"
        );
    }
    rig.end().await;
}

#[actix_web::test]
async fn a_document_and_a_hang_up_end_an_execution_with_a_step() {
    let document = "<Response><Message>Hello</Message></Response>";
    let length = document.len();
    let function = Hostile::always(format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n\r\n{document}"
    ));
    let sections = "[function.answer]\nurl = \"http://${FUNCTION}/\"\n\
        [flow.last]\nfile = \"tests/flows/rest/last.toml\"\n\
        [route.\"/sms\"]\nchannel = \"message\"\nflow = \"tests/flows/rest/last.toml\"\n\
        [route.\"/voice\"]\nchannel = \"voice\"\nflow = \"tests/flows/rest/last.toml\"\n";
    let rig = Rig::start(function.address, sections);
    let last_step = async || {
        let found = get(&rig, "/v2/Flows/last/Executions").await;
        let newest = &found["executions"][0];
        assert_eq!(newest["status"], "ended");
        let steps = get(&rig, path(&newest["links"]["steps"])).await;
        let step = steps["steps"][0].clone();
        let context = get(&rig, path(&step["links"]["step_context"])).await;
        let way = ["transitioned_from", "name", "transitioned_to"];
        (way.map(|member| step[member].as_str().unwrap().to_owned()), context)
    };
    let addresses = [("From", "+15550100"), ("To", "+15550199")];
    let text = [addresses[0], addresses[1], ("MessageSid", "SM1"), ("Body", "hi")];
    assert!(rig.post("/sms", &text).await.body.contains("Hello"));
    let (way, context) = last_step().await;
    assert_eq!(way, ["answer", "success", "Ended"]);
    assert_eq!(context["context"]["widgets"]["answer"]["body"], document);

    let call = [addresses[0], addresses[1], ("CallSid", "CA1"), ("CallStatus", "ringing")];
    assert!(rig.post("/voice", &call).await.body.contains("Press 1"));
    let source = ("CallbackSource", "call-progress-events");
    let over = [call[0], call[1], call[2], ("CallStatus", "completed"), source];
    rig.post("/voice", &over).await;
    assert_eq!(last_step().await.0, ["ask", "hangup", "Ended"]);
    rig.end().await;
}
