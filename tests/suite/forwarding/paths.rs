//! The paths of an application, and its URLs in documents.

use twimlgate::diagnostics::problem::Problems;
use twimlgate::metrics::Metrics;

use super::{CALL, MESSAGE, call, start, unsigned};
use crate::phone::app::{App, reply};
use crate::support::rig::{Rig, gateway};

#[actix_web::test]
async fn urls_in_a_document_lead_back_to_the_application() {
    let document = |base: &str, host: &str| {
        format!(
            "<?xml version='1.0' encoding='UTF-8'?>\n<!-- /menu -->\n<Response>\n\
             <Gather action=\"{base}menu?a=1&amp;b=/menu\" numDigits = '1'\n\
             partialResultCallback='{base}partial'>\
             <Say>Go to /menu</Say><Play loop=\"2\">\n {base}hello.mp3 \n</Play></Gather>\
             <Play>{base}a.mp3?x=1&amp;y=/2</Play><Play><![CDATA[{base}b.mp3]]></Play>\
             <Play>relative.mp3</Play><Play>//other.example/c.mp3</Play>\
             <Play>https://other.example/menu</Play><Play>http://{host}{base}d.mp3</Play>\
             <Unknown action=\"/menu\">/menu</Unknown><Say action=\"/menu\"/>\
             <Dial action=\"{base}dialed\"><Number url='{base}whisper' \
             statusCallback=\"{base}status\">+15550100</Number>\
             <Conference waitUrl=\"\">/room</Conference></Dial>\
             <Redirect method=\"POST\">{base}</Redirect></Response>"
        )
    };
    for (prefix, path, inner, outer) in [
        ("/app/*", "", "/", "/app/"),
        ("/app/*", "/in", "/in/", "/app/"),
        ("/app/*", "/app", "/app/", "/app/"),
        ("/*", "", "/", "/"),
        ("/a'b&c/*", "", "/", "/a%27b&amp;c/"),
    ] {
        let text = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
        let sent = std::sync::Arc::clone(&text);
        let app = App::start(move |_| sent.lock().unwrap().clone());
        let rig = start(&app, prefix, path, "");
        let host = rig.server.address.to_string();
        *text.lock().unwrap() = document(inner, &host);
        let target = format!("{}voice", prefix.trim_end_matches('*'));
        let found = rig.post(&target, &CALL).await;
        assert_eq!(found.body, document(outer, &host), "{prefix} {path}");
        rig.end().await;
    }
}

#[actix_web::test]
async fn a_url_that_has_the_prefix_already_stays() {
    let app = App::start(|_| {
        "<Response><Message action=\"/app/status\"><Media>/app/cat.png</Media></Message>\
         <Redirect>/apple</Redirect></Response>"
            .to_owned()
    });
    let rig = start(&app, "/app/*", "", "");
    let reply = rig.post("/app/sms", &MESSAGE).await;
    assert_eq!(
        reply.body,
        "<Response><Message action=\"/app/status\"><Media>/app/cat.png</Media></Message>\
         <Redirect>/app/apple</Redirect></Response>"
    );
    rig.end().await;
}

#[actix_web::test]
async fn the_longest_prefix_wins_and_a_route_wins_over_it() {
    let whole = App::start(|_| "<Response><Say>whole</Say></Response>".to_owned());
    let part = App::start(|_| "<Response><Say>part</Say></Response>".to_owned());
    let function = App::start(|_| "<Response><Say>route</Say></Response>".to_owned());
    let sections = format!(
        "[function.own]\nurl = \"{}\"\n[route.\"/app/own\"]\nchannel = \"voice\"\n\
         function = \"own\"\n[route.\"/*\"]\nforward = \"{}\"\n[route.\"/app/*\"]\n\
         forward = \"{}\"\n",
        function.url("/"),
        whole.url(""),
        part.url("")
    );
    let rig = Rig::start(([127, 0, 0, 1], 9).into(), &sections);
    for (at, (target, expected)) in [
        ("/voice", "whole"),
        ("/app", "whole"),
        ("/apple", "whole"),
        ("/app/", "part"),
        ("/app/voice", "part"),
        ("/app/own/", "part"),
        ("/app/own", "route"),
    ]
    .into_iter()
    .enumerate()
    {
        let reply = call(&rig, target, &format!("CA{at}")).await;
        assert_eq!(reply.body, format!("<Response><Say>{expected}</Say></Response>"), "{target}");
    }
    rig.end().await;
}

#[actix_web::test]
async fn no_path_escapes_the_prefix_and_all_others_are_passed_on_byte_for_byte() {
    let app = App::start(|_| "<Response/>".to_owned());
    let rig = start(&app, "/app/*", "/in/", "open = [\"/static/*\"]");
    let targets = ["/app//a", "/app/%2Fa", "/app/a%20b;c=1", "/app/~!$&'()*+,=:@", "/app/%C3%a9?%"];
    for (at, target) in targets.into_iter().enumerate() {
        assert_eq!(call(&rig, target, &format!("CA{at}")).await.status, 200, "{target}");
        let got = app.got().pop().unwrap();
        assert_eq!(got.target, target.replacen("/app/", "/in/", 1));
    }
    let passed = app.got().len();
    for target in [
        "/app/../x",
        "/app/..",
        "/app/%2e%2e/x",
        "/app/.%2E/x",
        "/app/a/..%2f..%2fx",
        "/app/..%5cx",
        "/app/..;/x",
        "/app/./x",
        "/app",
        "/apples",
    ] {
        assert_eq!(rig.post(target, &CALL).await.status, 404, "{target}");
    }
    for target in ["/app/static/../voice", "/app/static/%2e%2e/voice", "/app/static/..;/voice"] {
        assert_eq!(unsigned(&rig, "GET", target, "").await.status, 403, "{target}");
    }
    assert_eq!(app.got().len(), passed);
    let log = rig.end().await;
    let cause = |path: &str| {
        let line = log.iter().find(|line| line["path"] == path).unwrap();
        line["cause"].as_str().unwrap_or_default().to_owned()
    };
    assert!(cause("/app/../x").contains("has a segment `.` or `..`"), "{}", cause("/app/../x"));
    assert!(cause("/app").contains("begins at `/app/`"), "{}", cause("/app"));
}

#[actix_web::test]
async fn redirects_lead_back_to_the_application() {
    let app = App::start(|got| {
        let location = got.params.get("Digits").unwrap_or_default();
        reply("303 See Other", &format!("Location: {location}\r\n"), "")
    });
    let rig = start(&app, "/app/*", "", "");
    let own = format!("http://{}/menu", rig.server.address);
    let outer = format!("http://{}/app/menu", rig.server.address);
    for (at, (location, expected)) in [
        ("/menu?a=1", "/app/menu?a=1"),
        ("menu", "menu"),
        ("?a", "?a"),
        ("//other.example/", "//other.example/"),
        ("https://other.example/menu", "https://other.example/menu"),
        (&own, &outer),
    ]
    .into_iter()
    .enumerate()
    {
        let sid = format!("CA{at}");
        let reply = rig.post("/app/v", &[("CallSid", &sid), ("Digits", location)]).await;
        assert_eq!((reply.status, reply.header("location")), (303, Some(expected)));
    }
    rig.end().await;
}

#[test]
fn the_url_of_an_application_is_no_secret_of_its_section() {
    let mut problems = Problems::default();
    let sections = "[route.\"/a/*\"]\nforward = \"http://u:secret@127.0.0.1:1?x\"\n";
    let built = gateway(([127, 0, 0, 1], 9).into(), sections, &Metrics::new(), &mut problems);
    assert!(built.is_none());
    let text = problems.to_string();
    assert!(text.contains("a URL like `http://127.0.0.1:3000`") && !text.contains("secret"));
}
