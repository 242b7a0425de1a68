//! Addresses with more than one name: which execution a message resumes.

use super::*;

const SERVICE: &str = "MG0123456789abcdef0123456789abcdef";
const OTHER_SERVICE: &str = "MG00000000000000000000000000000000";

/// Creates an execution, and waits until it has asked.
async fn begin(rig: &Rig, from: &str, to: &str) -> Value {
    let form = [("To", to), ("From", from)];
    let reply = ask(rig, ("POST", ASK), &form).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let made = json(&reply);
    let asks = |found: &Value| found["steps"].as_array().is_some_and(|steps| !steps.is_empty());
    until(rig, path(&made["links"]["steps"]), asks).await;
    made
}

async fn text(rig: &Rig, sid: &str, params: &[(&str, &str)]) -> String {
    let params = [&[("MessageSid", sid), ("Body", "Ada")], params].concat();
    rig.post("/sms", &params).await.body
}

#[actix_web::test]
async fn an_execution_is_resumed_under_every_name_of_its_addresses() {
    let carrier = Hostile::always(SENT);
    let rig = rig(&carrier);
    let service = ("MessagingServiceSid", SERVICE);
    let (us, other) = (("To", "+15550109990"), ("To", "+15550109991"));
    let contact = ("From", "+15550100001");
    let (whatsapp, on_whatsapp) =
        (("To", "whatsapp:+15550109990"), ("From", "whatsapp:+15550100001"));
    type Params<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, &str, Params<'_>); 9] = [
        (SERVICE, "+15550100001", &[us, contact, service]),
        (SERVICE, "+15550100001", &[other, contact, service]),
        ("+15550109990", "+15550100001", &[us, contact, service]),
        ("+1 (555) 010-9990", "+1 555-010-0001", &[us, contact]),
        (" 15550109990", " 15550100001", &[us, contact]),
        ("0015550109990", "+15550100001", &[us, contact]),
        ("WhatsApp:+15550109990", "+15550100001", &[whatsapp, on_whatsapp]),
        ("+15550109990", "whatsapp:15550100001", &[whatsapp, on_whatsapp]),
        (SERVICE, "whatsapp:+15550100001", &[whatsapp, on_whatsapp, service]),
    ];
    for (number, (from, to, params)) in cases.into_iter().enumerate() {
        begin(&rig, from, to).await;
        let thanks = text(&rig, &format!("SM{number}"), params).await;
        assert!(thanks.contains("Thanks for Ada"), "{from} {to} {params:?}: {thanks}");
    }
    rig.end().await;
}

#[actix_web::test]
async fn an_execution_has_the_addresses_as_the_carrier_writes_them() {
    let carrier = Hostile::always(SENT);
    let rig = rig(&carrier);
    let made = begin(&rig, "WhatsApp:+1 555 010 9990", " 15550100001").await;
    assert_eq!(made["contact_channel_address"], "whatsapp:+15550100001");
    let sent = carrier.requests();
    let sent = sent.last().unwrap().text();
    assert!(sent.contains("From=whatsapp%3A%2B15550109990"), "{sent}");
    assert!(sent.contains("To=whatsapp%3A%2B15550100001"), "{sent}");
    let again = [("To", "whatsapp:+15550100001"), ("From", "+15550109990")];
    refused(&ask(&rig, ("POST", ASK), &again).await, 409, 20409);
    rig.end().await;
}

#[actix_web::test]
async fn a_conversation_goes_on_at_another_number_of_its_service() {
    let carrier = Hostile::always(SENT);
    let rig = rig(&carrier);
    let contact = ("From", "+15550100001");
    let service = ("MessagingServiceSid", SERVICE);
    let question = text(&rig, "SM1", &[("To", "+15550109990"), contact, service]).await;
    assert!(question.contains("Hello ?"), "{question}");
    // Neither another service, nor the other number by itself, nor another person.
    let others: [&[(&str, &str)]; 3] = [
        &[("To", "+15550109991"), contact, ("MessagingServiceSid", OTHER_SERVICE)],
        &[("To", "+15550109992"), contact],
        &[("To", "+15550109990"), ("From", "+15550100002"), service],
    ];
    for (number, other) in others.into_iter().enumerate() {
        let begun = text(&rig, &format!("SM2{number}"), other).await;
        assert!(begun.contains("Hello ?"), "{other:?}: {begun}");
    }
    let thanks = text(&rig, "SM3", &[("To", "+15550109991"), contact, service]).await;
    assert!(thanks.contains("Thanks for Ada"), "{thanks}");
    // And Studio's REST knows that the service is in a conversation with the contact.
    text(&rig, "SM4", &[("To", "+15550109990"), contact, service]).await;
    let create = [("To", "+15550100001"), ("From", SERVICE)];
    refused(&ask(&rig, ("POST", ASK), &create).await, 409, 20409);
    rig.end().await;
}

#[actix_web::test]
async fn of_two_executions_the_one_that_asked_last_takes_the_message() {
    let carrier = Hostile::always(SENT);
    let rig = rig(&carrier);
    let params =
        [("To", "+15550109990"), ("From", "+15550100001"), ("MessagingServiceSid", SERVICE)];
    for (first, last) in [(SERVICE, "+15550109990"), ("+15550109990", SERVICE)] {
        let [first, last] =
            [begin(&rig, first, "+15550100001").await, begin(&rig, last, "+15550100001").await];
        for made in [last, first] {
            let thanks = text(&rig, made["sid"].as_str().unwrap(), &params).await;
            assert!(thanks.contains("Thanks for Ada"), "{thanks}");
            assert_eq!(get(&rig, path(&made["url"])).await["status"], "ended");
        }
    }
    rig.end().await;
}

#[actix_web::test]
async fn messages_of_a_service_at_once_resume_one_execution_in_order() {
    let carrier = Hostile::always(SENT);
    let rig = rig(&carrier);
    for round in 0..8 {
        let contact = format!("+1555010{round:04}");
        begin(&rig, "+15550109990", &contact).await;
        let send = async |number: usize, to: &'static str, service: bool| {
            let sid = format!("SM{round}-{number}");
            let mut params = vec![("To", to), ("From", contact.as_str())];
            if service {
                params.push(("MessagingServiceSid", SERVICE));
            }
            text(&rig, &sid, &params).await
        };
        // By the service, by the number alone, and by another number of the service.
        let replies = tokio::join!(
            send(1, "+15550109990", true),
            send(2, "+15550109990", false),
            send(3, "+15550109991", true),
        );
        let replies = [replies.0, replies.1, replies.2];
        let thanks = replies.iter().filter(|reply| reply.contains("Thanks for Ada")).count();
        assert!((1..=2).contains(&thanks), "{replies:?}");
    }
    rig.end().await;
}
