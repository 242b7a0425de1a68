//! Calls: every verb, and every way out of it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::timeout;
use twimlgate::tools::phone::{ExpectedInput, PhoneAction, PhoneEvent};

use super::app::{App, Got, never, reply};
use super::{call, play, words};

/// An application that answers `/voice` with one document, and everything else by saying what it
/// was asked.
fn one(document: &'static str) -> App {
    App::start(move |got| match got.target.as_str() {
        "/voice" => format!("<Response>{document}</Response>"),
        "/status" => String::new(),
        _ => {
            let told = ["Digits", "SpeechResult", "DialCallStatus", "QueueResult", "Result"];
            let told = told.iter().filter_map(|name| Some((name, got.params.get(name)?)));
            let told: Vec<String> = told.map(|(name, value)| format!("{name}={value}")).collect();
            format!("<Response><Say>{} {}</Say></Response>", got.target, told.join(" "))
        }
    })
}

/// What a caller notices of a document who does these things.
async fn heard(document: &'static str, acts: &str) -> String {
    let app = one(document);
    words(&play(&mut call(&app), acts).await)
}

#[actix_web::test]
async fn what_is_said_is_heard() {
    let document = "<Say language=\"de-DE\" voice=\"alice\">Guten\n  Tag</Say><Play>hold.mp3</Play>\
        <Play digits=\"12\"/><Pause length=\"3\"/><Say>Bye.</Say>";
    let app = one(document);
    let told = words(&play(&mut call(&app), "").await);
    let url = app.url("/hold.mp3");
    let expected =
        format!("hear Guten Tag\nplay {url}\n(tones 12)\n(pause 3 s)\nhear Bye.\nends completed\n");
    assert_eq!(told, expected);
}

#[actix_web::test]
async fn a_gather_takes_keys_words_and_silence() {
    const MENU: &str = "<Gather action=\"/in\" input=\"dtmf speech\" numDigits=\"2\">\
        <Say>Choose.</Say></Gather><Say>Nothing.</Say>";
    let keys = heard(MENU, "press 12").await;
    assert_eq!(keys, "hear Choose.\nhear /in Digits=12\nends completed\n");
    let fewer = heard(MENU, "press 7#").await;
    assert_eq!(fewer, "hear Choose.\nhear /in Digits=7\nends completed\n");
    let more = heard(MENU, "press 123").await;
    assert!(more.contains("warns `3` was pressed after the end of the input"), "{more}");
    let speech = heard(MENU, "say an agent, please").await;
    assert_eq!(speech, "hear Choose.\nhear /in SpeechResult=an agent, please\nends completed\n");
    let silence = heard(MENU, "wait").await;
    assert_eq!(silence, "hear Choose.\nhear Nothing.\nends completed\n");
    assert_eq!(heard(MENU, "press #").await, silence);
}

#[actix_web::test]
async fn silence_is_posted_if_it_is_wanted_and_the_document_is_the_default_action() {
    let app = App::start(|got| match got.params.get("Digits") {
        None => "<Response><Gather actionOnEmptyResult=\"true\"/></Response>".to_owned(),
        Some(digits) => format!("<Response><Say>got `{digits}`</Say></Response>"),
    });
    let told = words(&play(&mut call(&app), "wait").await);
    assert_eq!(told, "hear got ``\nends completed\n");
    let posted = app.got();
    assert_eq!((posted[0].target.as_str(), posted[1].target.as_str()), ("/voice", "/voice"));
    assert_eq!(posted[0].params.get("CallStatus"), Some("ringing"));
    assert_eq!(posted[1].params.get("CallStatus"), Some("in-progress"));
}

#[actix_web::test]
async fn a_call_rings_until_a_verb_answers_it() {
    let app = App::start(|got| {
        let (path, verbs) = match got.target.as_str() {
            "/voice" => ("/dial", "<Pause/><Redirect>"),
            "/dial" => ("/say", "<Dial answerOnBridge=\"true\">+15550111</Dial><Redirect>"),
            "/say" => ("/end", "<Say>Hello</Say><Redirect>"),
            _ => return "<Response/>".to_owned(),
        };
        format!("<Response>{verbs}{path}</Redirect></Response>")
    });
    play(&mut call(&app), "outcome busy").await;
    let statuses: Vec<String> = app.got().iter().filter_map(status).collect();
    assert_eq!(statuses, ["ringing", "ringing", "ringing", "in-progress", "completed"]);
    let app = one("<Dial answerOnBridge=\"true\" action=\"/after\">+15550111</Dial>");
    play(&mut call(&app), "outcome completed").await;
    let statuses: Vec<String> = app.got().iter().filter_map(status).collect();
    assert_eq!(statuses, ["ringing", "in-progress", "completed"]);
}

fn status(got: &Got) -> Option<String> {
    got.params.get("CallStatus").map(str::to_owned)
}

#[actix_web::test]
async fn a_dial_ends_as_the_tester_says() {
    const DIAL: &str = "<Dial action=\"/after\"><Number>+15550111</Number></Dial><Say>No.</Say>";
    let busy = heard(DIAL, "outcome busy").await;
    assert_eq!(busy, "(Dial Number +15550111)\nhear /after DialCallStatus=busy\nends completed\n");
    let on = heard("<Dial>+15550111</Dial><Say>Back.</Say>", "outcome completed").await;
    assert_eq!(on, "(Dial +15550111)\nhear Back.\nends completed\n");
    let app = one(DIAL);
    play(&mut call(&app), "outcome completed DialCallDuration=42 Extra=\"a b\"").await;
    let asked = app.got()[1].params.clone();
    assert_eq!(asked.get("DialCallDuration"), Some("42"));
    assert_eq!((asked.get("DialBridged"), asked.get("Extra")), (Some("true"), Some("a b")));
    assert!(asked.get("DialCallSid").is_some_and(|sid| sid.starts_with("CA")));
}

#[actix_web::test]
async fn other_verbs_end_in_the_words_of_their_kind() {
    for (document, outcome, told) in [
        ("<Enqueue action=\"/q\">support</Enqueue>", "queue-full", "QueueResult=queue-full"),
        ("<Pay action=\"/p\" chargeAmount=\"9.99\"/>", "success", "Result=success"),
        ("<Dial action=\"/c\"><Conference>r</Conference></Dial>", "answered", "=answered"),
    ] {
        let heard = heard(document, &format!("outcome {outcome}")).await;
        assert!(heard.contains(told), "{heard}");
    }
    for (document, outcome, name) in [
        (
            "<Connect action=\"/x\"><Stream url=\"wss://a.example/\"/></Connect>",
            "stream-stopped",
            "StreamEvent",
        ),
        (
            "<Connect action=\"/x\"><VirtualAgent connectorName=\"a\"/></Connect>",
            "live-agent-handoff",
            "VirtualAgentStatus",
        ),
        (
            "<Connect action=\"/x\"><ConversationRelay url=\"wss://a.example/\"/></Connect>",
            "ended",
            "SessionStatus",
        ),
        ("<Refer action=\"/x\"><Sip>sip:a@b.example</Sip></Refer>", "failed", "ReferCallStatus"),
    ] {
        let app = one(document);
        play(&mut call(&app), &format!("outcome {outcome}")).await;
        assert_eq!(app.got()[1].params.get(name), Some(outcome), "{document}");
    }
}

#[actix_web::test]
async fn a_recording_is_posted_to_its_action() {
    const RECORD: &str = "<Record action=\"/kept\" finishOnKey=\"#\" \
        transcribeCallback=\"/words\" recordingStatusCallback=\"/made\"/><Say>Nothing.</Say>";
    let app = one(RECORD);
    play(&mut call(&app), "say one two three four").await;
    let targets: Vec<String> = app.got().iter().map(|got| got.target.clone()).collect();
    assert_eq!(targets, ["/voice", "/made", "/words", "/kept", "/status"]);
    let kept = &app.got()[3].params;
    assert_eq!((kept.get("RecordingDuration"), kept.get("Digits")), (Some("2"), Some("")));
    assert!(kept.get("RecordingUrl").is_some_and(|url| url.contains("/Recordings/RE")));
    assert_eq!(app.got()[2].params.get("TranscriptionText"), Some("one two three four"));
    let silence = heard(RECORD, "wait").await;
    assert_eq!(silence, "(Record at most 3600 s)\nhear Nothing.\nends completed\n");
    let app = one(RECORD);
    let gone = words(&play(&mut call(&app), "hang up").await);
    assert_eq!(gone, "(Record at most 3600 s)\nends hung up\n");
    let kept = app.got().into_iter().find(|got| got.target == "/kept").unwrap().params;
    assert_eq!((kept.get("Digits"), kept.get("CallStatus")), (Some("hangup"), Some("completed")));
}

#[actix_web::test]
async fn a_hang_up_is_reported() {
    let app = one("<Dial action=\"/after\">+15550111</Dial>");
    let mut phone = call(&app);
    let told = words(&play(&mut phone, "hang up").await);
    assert_eq!(told, "(Dial +15550111)\nends hung up\n");
    let got = app.got();
    assert_eq!(got[1].target, "/after");
    assert_eq!(got[1].params.get("CallStatus"), Some("completed"));
    let status = &got[2];
    assert_eq!(status.target, "/status");
    assert_eq!(status.params.get("CallStatus"), Some("completed"));
    assert_eq!(status.params.get("CallbackSource"), Some("call-progress-events"));
    assert_eq!(phone.expected_input(), ExpectedInput::Nothing);
    assert!(phone.perform(&PhoneAction::HangUp).await.is_err());
}

#[actix_web::test]
async fn what_has_no_effect_is_refused_and_says_what_has() {
    let app = one("<Gather action=\"/in\"/>");
    let mut phone = call(&app);
    phone.begin().await;
    for (action, why) in [
        ("say hello", "`say hello` has no effect now: it listens to keys: `press`, `wait`"),
        ("outcome busy", "`outcome busy` has no effect now: it listens to keys: `press`, `wait`"),
    ] {
        let error = phone.perform(&PhoneAction::parse(action).unwrap()).await.unwrap_err();
        assert_eq!(error.to_string(), why);
    }
    let app = one("<Dial>+15550111</Dial>");
    let mut phone = call(&app);
    phone.begin().await;
    let error = phone.perform(&PhoneAction::parse("outcome maybe").unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("`outcome` completed, answered, busy"), "{error}");
}

#[actix_web::test]
async fn a_call_may_be_refused() {
    assert_eq!(heard("<Reject/>", "").await, "(Reject rejected)\nends rejected\n");
    let app = one("<Reject reason=\"busy\"/>");
    let told = words(&play(&mut call(&app), "").await);
    assert_eq!(told, "(Reject busy)\nends busy\n");
    assert_eq!(app.got()[1].params.get("CallStatus"), Some("busy"));
}

#[actix_web::test]
async fn a_redirect_that_never_ends_is_the_callers_to_end() {
    let app = App::start(|_| "<Response><Redirect/></Response>".to_owned());
    let mut phone = call(&app);
    phone.begin().await;
    assert_eq!(phone.expected_input(), ExpectedInput::Listen);
    let asked = app.got().len();
    phone.perform(&PhoneAction::Wait(None)).await.unwrap();
    assert_eq!((phone.expected_input(), app.got().len()), (ExpectedInput::Listen, 2 * asked));
    let told = words(&phone.perform(&PhoneAction::HangUp).await.unwrap());
    assert_eq!(told, "ends hung up\n");
}

#[actix_web::test]
async fn an_application_that_fails_is_heard_as_a_caller_hears_it() {
    for (answer, code) in [
        (reply("500 Oops", "", ""), "11200"),
        (reply("200 OK", "Content-Type: text/xml\r\n", "<Response><Say>"), "12100"),
        (reply("200 OK", "Content-Type: text/xml\r\n", "<Nothing/>"), "12102"),
        (reply("200 OK", "Content-Type: application/json\r\n", "{}"), "12300"),
        (reply("200 OK", "Content-Type: text/xml\r\n", ""), "11770"),
        (reply("200 OK", "", "<Response/>"), "12300"),
        (reply("200 OK", "Content-Type: text/xml\r\n", &" ".repeat(70_000)), "11750"),
        ("HTTP/1.1 rubbish\r\n\r\n".to_owned(), "11206"),
    ] {
        let app = App::start(move |_| answer.clone());
        let told = words(&play(&mut call(&app), "").await);
        assert!(told.starts_with(&format!("fails {code} ")), "{code}: {told}");
        let sorry = "hear We are sorry. An application error has occurred. Goodbye.\nends failed\n";
        assert!(told.contains(sorry), "{code}: {told}");
    }
}

#[actix_web::test]
async fn what_is_no_twiml_may_be_spoken_or_played() {
    let plain = reply("200 OK", "Content-Type: text/plain\r\n", "Hello & welcome");
    let app = App::start(move |_| plain.clone());
    let told = words(&play(&mut call(&app), "").await);
    assert_eq!(told, "hear Hello & welcome\nends completed\n");
    let sound = reply("200 OK", "Content-Type: audio/mpeg\r\n", "xxxx");
    let app = App::start(move |_| sound.clone());
    let told = words(&play(&mut call(&app), "").await);
    assert_eq!(told, format!("play {}\nends completed\n", app.url("/voice")));
}

#[actix_web::test]
async fn what_the_carrier_warns_about_is_left_out_and_the_rest_runs() {
    let told = heard("<Sya>Hello</Sya><Say>World</Say>", "").await;
    assert!(told.starts_with("warns 12200 "), "{told}");
    assert!(told.contains("hear World\n") && !told.contains("hear Hello"), "{told}");
}

#[actix_web::test]
async fn a_caller_may_hang_up_while_the_application_thinks() {
    let app = App::start(|got| match got.target.as_str() {
        "/voice" => never(),
        _ => String::new(),
    });
    let mut phone = call(&app);
    assert!(timeout(Duration::from_millis(30), phone.begin()).await.is_err());
    assert!(phone.perform(&PhoneAction::Wait(None)).await.is_err(), "nothing is awaited yet");
    let told = words(&phone.perform(&PhoneAction::HangUp).await.unwrap());
    assert_eq!(told, "ends hung up\n");
    let status = app.got()[1].params.get("CallStatus").map(str::to_owned);
    assert_eq!(status.as_deref(), Some("completed"));
    assert!(phone.perform(&PhoneAction::HangUp).await.is_err(), "it is over");
}

#[actix_web::test]
async fn an_observer_gets_each_event_as_it_happens() {
    let app = App::start(|got| match got.target.as_str() {
        "/voice" => "<Response><Say>One.</Say><Redirect>/two</Redirect></Response>".to_owned(),
        "/two" => never(),
        _ => String::new(),
    });
    let seen: Rc<RefCell<Vec<PhoneEvent>>> = Rc::default();
    let book = Rc::clone(&seen);
    let mut phone = call(&app).with_observer(move |heard| book.borrow_mut().push(heard.clone()));
    assert!(timeout(Duration::from_millis(200), phone.begin()).await.is_err());
    assert_eq!(words(&seen.borrow()), "hear One.\n");
    let heard = phone.perform(&PhoneAction::HangUp).await.unwrap();
    assert_eq!(words(&heard), "hear One.\nends hung up\n");
    assert_eq!(*seen.borrow(), heard);
}
