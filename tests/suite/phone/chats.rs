//! Messages: replies, and what comes of them.

use twimlgate::tools::phone::PhoneAction;

use super::app::App;
use super::{chat, play, words};

#[actix_web::test]
async fn a_message_is_answered() {
    let app = App::start(|got| {
        let body = got.params.get("Body").unwrap_or_default();
        format!(
            "<Response><Message>You wrote {body}.</Message><Message><Body>And</Body>\
            <Media>https://a.example/b.jpg</Media></Message>\
            <Message>So<Media>https://a.example/c.jpg</Media></Message></Response>"
        )
    });
    let told = words(&play(&mut chat(&app), "text Hello").await);
    let expected = "receive You wrote Hello.\nreceive And\nreceive media https://a.example/b.jpg\n\
        receive So\nreceive media https://a.example/c.jpg\n";
    assert_eq!(told, expected);
    let params = &app.got()[0].params;
    assert_eq!((params.get("NumMedia"), params.get("SmsStatus")), (Some("0"), Some("received")));
    assert_eq!(params.get("MessageSid"), params.get("SmsSid"));
}

#[actix_web::test]
async fn a_picture_is_sent_along() {
    let app = App::start(|_| "<Response/>".to_owned());
    let told = words(&play(&mut chat(&app), "media https://a.example/b.png").await);
    assert_eq!(told, "");
    let params = &app.got()[0].params;
    assert_eq!(params.get("MediaUrl0"), Some("https://a.example/b.png"));
    assert_eq!(params.get("MediaContentType0"), Some("image/png"));
    assert!(params.get("MessageSid").is_some_and(|sid| sid.starts_with("MM")));
}

#[actix_web::test]
async fn a_reply_may_lead_on() {
    let app = App::start(|got| match got.target.as_str() {
        "/sms" => "<Response><Message action=\"/sent\" statusCallback=\"/status\">One</Message>\
            <Message>never</Message></Response>"
            .to_owned(),
        "/sent" => "<Response><Redirect>/more</Redirect></Response>".to_owned(),
        "/more" => "<Response><Message>Two</Message></Response>".to_owned(),
        _ => String::new(),
    });
    let told = words(&play(&mut chat(&app), "text x").await);
    assert_eq!(told, "receive One\nreceive Two\n");
    let targets: Vec<String> = app.got().iter().map(|got| got.target.clone()).collect();
    assert_eq!(targets, ["/sms", "/status", "/status", "/sent", "/more"]);
    let status = &app.got()[2].params;
    assert_eq!(status.get("MessageStatus"), Some("delivered"));
    assert_eq!((status.get("From"), status.get("To")), (Some("+15550199"), Some("+15550100")));
}

#[actix_web::test]
async fn what_the_carrier_would_not_send_is_not_received() {
    let long = "x".repeat(1_601);
    let app = App::start(move |_| {
        let many = "<Message>ha</Message>".repeat(12);
        format!("<Response><Message>{long}</Message><Message/><Say>x</Say>{many}</Response>")
    });
    let told = words(&play(&mut chat(&app), "text x").await);
    assert_eq!(told.matches("receive ha").count(), 8, "{told}");
    for code in ["fails 21617", "warns 14103", "warns 14110", "warns 14109"] {
        let number = &code[code.len() - 5..];
        assert!(told.contains(code), "{code}: {told}");
        assert_eq!(told.matches(number).count(), 1, "told once: {told}");
    }
}

#[actix_web::test]
async fn redirects_without_end_are_cut_off() {
    let app = App::start(|_| "<Response><Redirect/></Response>".to_owned());
    let told = words(&play(&mut chat(&app), "text x").await);
    assert!(told.starts_with("fails 14106"), "{told}");
}

#[actix_web::test]
async fn a_chat_has_no_keys() {
    let app = App::start(|_| "<Response/>".to_owned());
    let error = chat(&app).perform(&PhoneAction::parse("press 1").unwrap()).await.unwrap_err();
    assert!(error.to_string().ends_with("it takes messages: `text`, `media`, `wait`"));
}
