//! What the carrier gets: the application's answer, or the fallback where it could not be used.

use super::{CALL, MESSAGE, call, start};
use crate::phone::app::{App, reply};
use crate::support::hostile::{Hostile, Step, answer};
use crate::support::rig::{Reply, Rig};

const FALLBACKS: &str =
    "voice_fallback = \"sorry-voice.xml\"\nmessage_fallback = \"sorry-fixed.xml\"\n";

/// A gateway whose calls and messages all go to an application that sends these bytes.
fn behind(app: &Hostile, keys: &str) -> Rig {
    let section = format!("[route.\"/app/*\"]\nforward = \"{}\"\n{keys}\n", app.url(""));
    Rig::start(app.address, &section)
}

fn is_voice_fallback(reply: &Reply) -> bool {
    reply.status == 200 && reply.body.contains("<Say>") && reply.header("set-cookie").is_none()
}

fn xml(document: &str) -> Vec<u8> {
    answer("200 OK", "Content-Type: text/xml\r\n", document)
}

#[actix_web::test]
async fn each_bad_answer_is_the_fallback_and_is_named_in_the_log() {
    let huge = vec![b'a'; 70_000];
    let html = "Content-Type: text/html\r\n";
    for (bytes, reason) in [
        (answer("500 Oops", html, "<h1>Traceback</h1>"), "answered with status 500"),
        (answer("404 Not Found", html, "Cannot POST /voice"), "answered with status 404"),
        (answer("403 Forbidden", "", ""), "X-Forwarded-Proto"),
        (answer("200 OK", html, "<!DOCTYPE html><h1>Hi</h1>"), "sent `text/html`, expected TwiML"),
        (answer("200 OK", html, "<b>Warning</b><Response></Response>"), "not TwiML"),
        (answer("200 OK", "Content-Type: application/json\r\n", "{\"a\":1}"), "application/json"),
        (answer("200 OK", "", "hello"), "without a `Content-Type`"),
        (answer("200 OK", "Content-Type: image/png\r\n", "PNG"), "sent `image/png`"),
        (xml("<Response><Say>Hi</Response>"), "not TwiML"),
        (xml("<Respons/>"), "not TwiML"),
        (xml("<!DOCTYPE x [<!ENTITY a \"b\">]><Response/>"), "not TwiML"),
        (answer("200 OK", "Content-Type: text/xml\r\n", [0xff, 0xfe]), "UTF-16"),
        (answer("200 OK", "Content-Type: text/xml\r\nContent-Encoding: gzip\r\n", "x"), "gzip"),
        (answer("200 OK", "Content-Type: text/xml\r\n", &huge), "sent more than 65536 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n<Response/>".to_vec(), "neither"),
        (b"\x16\x03\x01 rubbish\r\n\r\n".to_vec(), "not an HTTP/1.1 answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n<Resp".to_vec(), "ended early"),
        (answer("302 Found", "", ""), "answered with status 302"),
        (b"".to_vec(), "closed the connection"),
    ] {
        let app = Hostile::new(vec![vec![Step::Read, Step::Send(bytes.clone())]]);
        let rig = behind(&app, FALLBACKS);
        let spoken = call(&rig, "/app/voice", "CA1").await;
        assert!(is_voice_fallback(&spoken), "{reason}: {spoken:?}");
        let repeat = call(&rig, "/app/voice", "CA1").await;
        assert_eq!((repeat.status, &repeat.body), (200, &spoken.body), "the repeat");
        assert_eq!(app.requests().len(), 1);
        let written = rig.post("/app/sms", &MESSAGE).await;
        assert!(written.body.contains("<Message>") && !written.body.contains("<Say>"));
        let log = rig.end().await;
        assert_eq!((&log[0]["outcome"], &log[0]["route"]), (&"fallback".into(), &"/app/*".into()));
        let found = log[0]["reason"].as_str().unwrap();
        assert!(found.starts_with("application `/app/*` "), "{found}");
        assert!(found.contains(reason), "{reason}: {found}");
        assert!(!found.contains("Traceback") && !found.contains("Warning"), "{found}");
    }
}

#[actix_web::test]
async fn slow_and_endless_applications_are_cut_off() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (script, reason) in [
        (vec![Step::Read, Step::Hang], "waiting for the answer to begin"),
        (vec![Step::Read, Step::Send(head.to_vec()), Step::Hang], "reading the rest"),
        (
            vec![Step::Read, Step::Send(head.to_vec()), Step::Flood(b"4\r\n<a/>\r\n".to_vec())],
            "sent more than 65536 bytes",
        ),
        (vec![Step::Read, Step::Flood(b"HTTP/1.1 102 Processing\r\n\r\n".to_vec())], "interim"),
    ] {
        let app = Hostile::new(vec![script]);
        let rig = behind(&app, "timeout_ms = 300\n");
        assert!(is_voice_fallback(&call(&rig, "/app/voice", "CA1").await), "{reason}");
        let log = rig.end().await;
        assert!(log[0]["reason"].as_str().unwrap().contains(reason), "{}", log[0]["reason"]);
    }
}

#[actix_web::test]
async fn an_application_that_is_down_is_the_fallback_until_it_is_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let section = format!("[route.\"/*\"]\nforward = \"http://{address}\"\n");
    let rig = Rig::start(address, &section);
    assert!(is_voice_fallback(&call(&rig, "/voice", "CA1").await));
    assert_eq!(rig.post("/status", &[("CallSid", "CA1"), ("CallDuration", "1")]).await.status, 502);
    let app = App::start_at(address, |_| "<Response><Say>Up.</Say></Response>".to_owned());
    let up = call(&rig, "/voice", "CA2").await;
    assert_eq!(up.body, "<Response><Say>Up.</Say></Response>");
    assert_eq!(app.got().len(), 1);
    let log = rig.end().await;
    let reason = log[0]["reason"].as_str().unwrap();
    assert!(reason.contains("cannot be reached at 127.0.0.1") && reason.contains("is it running?"));
}

#[actix_web::test]
async fn what_the_carrier_understands_is_passed_on_byte_for_byte() {
    let twiml = "<?xml version=\"1.0\"?>\n<Response >\r\n <Say a='1'>é&#233;</Say><!-- x -->\n\
                 </Response>\n";
    for (bytes, channel, status, body) in [
        (xml(twiml), "voice", 200, twiml),
        (answer("201 Created", "Content-Type: application/xml\r\n", twiml), "voice", 201, twiml),
        (
            answer("200 OK", "Content-Type: text/html; charset=utf-8\r\n", twiml),
            "voice",
            200,
            twiml,
        ),
        (answer("200 OK", "Content-Type: text/plain\r\n", "Hello"), "message", 200, "Hello"),
        (answer("200 OK", "Content-Type: text/plain\r\n", "Hello"), "voice", 200, "Hello"),
        (answer("200 OK", "Content-Type: audio/mpeg\r\n", "ID3"), "voice", 200, "ID3"),
        (answer("200 OK", "", ""), "message", 200, ""),
        (b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(), "message", 204, ""),
        (answer("302 Found", "Location: /menu\r\n", ""), "voice", 302, ""),
    ] {
        let app = Hostile::always(bytes);
        let rig = behind(&app, "");
        let params = if channel == "voice" { &CALL } else { &MESSAGE };
        let reply = rig.post("/app/hook", params).await;
        assert_eq!((reply.status, reply.body.as_str()), (status, body));
        if status == 302 {
            assert_eq!(reply.header("location"), Some("/app/menu"));
        }
        let log = rig.end().await;
        assert_eq!(log[0]["outcome"], "answered", "{}", log[0]);
    }
}

#[actix_web::test]
async fn a_report_gets_the_status_and_the_body_as_they_are() {
    let app = App::start(|got| match got.target.as_str() {
        "/ok" => reply("200 OK", "Content-Type: application/json\r\n", "{\"ok\": true}"),
        "/none" => reply("204 No Content", "", ""),
        _ => reply("500 Oops", "", "no"),
    });
    let rig = start(&app, "/*", "", "");
    for (target, status, body) in
        [("/ok", 200, "{\"ok\": true}"), ("/none", 204, ""), ("/x", 500, "no")]
    {
        let params = [("CallSid", "CA1"), ("CallStatus", "completed"), ("CallDuration", "3")];
        let reply = rig.post(target, &params).await;
        assert_eq!((reply.status, reply.body.as_str()), (status, body), "{target}");
    }
    rig.end().await;
}

#[actix_web::test]
async fn what_the_carrier_would_warn_about_is_logged() {
    let app = App::start(|_| "<Response><Sayy>Hi</Sayy></Response>".to_owned());
    let rig = start(&app, "/*", "", "");
    assert!(call(&rig, "/voice", "CA1").await.body.contains("Sayy"));
    let log = rig.end().await;
    assert!(log[0]["findings"][0].as_str().unwrap().contains("Sayy"), "{}", log[0]);
}
