//! Requests without a signature: media that a carrier fetches, and forged webhooks.

use super::{CALL, call, field, start, unsigned};
use crate::phone::app::{App, Got, reply};

/// Serves a file as web servers do, and counts everything else.
fn serve(got: &Got) -> String {
    if !got.target.starts_with("/hello.mp3") && !got.target.starts_with("/static/") {
        return "<Response><Play>/hello.mp3</Play></Response>".to_owned();
    }
    let audio = "Content-Type: audio/mpeg\r\nETag: \"1\"\r\nAccept-Ranges: bytes\r\n";
    if field(got, "if-none-match") == Some("\"1\"") {
        return format!("HTTP/1.1 304 Not Modified\r\n{audio}Connection: close\r\n\r\n");
    }
    if got.method == "HEAD" {
        return format!("HTTP/1.1 200 OK\r\n{audio}Content-Length: 8\r\nConnection: close\r\n\r\n");
    }
    match field(got, "range") {
        Some("bytes=2-3") => {
            let range = format!("{audio}Content-Range: bytes 2-3/8\r\n");
            reply("206 Partial Content", &range, "3m")
        }
        _ => reply("200 OK", audio, "ID3 mp3 "),
    }
}

#[actix_web::test]
async fn the_media_of_a_document_can_be_fetched() {
    let app = App::start(serve);
    for (prefix, outer) in [("/*", "/hello.mp3"), ("/app/*", "/app/hello.mp3")] {
        let rig = start(&app, prefix, "", "");
        let document = call(&rig, &outer.replace("hello.mp3", "voice"), "CA1").await;
        assert_eq!(document.body, format!("<Response><Play>{outer}</Play></Response>"));
        let whole = unsigned(&rig, "GET", outer, "").await;
        assert_eq!((whole.status, whole.body.as_str()), (200, "ID3 mp3 "));
        assert_eq!(whole.header("content-type"), Some("audio/mpeg"));
        assert_eq!(whole.header("etag"), Some("\"1\""));
        let part = unsigned(&rig, "GET", outer, "Range: bytes=2-3\r\n").await;
        assert_eq!((part.status, part.body.as_str()), (206, "3m"));
        assert_eq!(part.header("content-range"), Some("bytes 2-3/8"));
        let same = unsigned(&rig, "GET", outer, "If-None-Match: \"1\"\r\n").await;
        assert_eq!((same.status, same.body.as_str()), (304, ""));
        let head = unsigned(&rig, "HEAD", outer, "").await;
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        assert_eq!(head.header("content-length"), Some("8"));
        // Not the media type of a document, nor its limit of 64 kB.
        rig.end().await;
    }
}

#[actix_web::test]
async fn a_large_file_is_passed_on_whole() {
    let app = App::start(|_| {
        reply("200 OK", "Content-Type: video/mp4\r\n", &"0123456789".repeat(99_000))
    });
    let rig = start(&app, "/*", "", "");
    let whole = unsigned(&rig, "GET", "/film.mp4", "").await;
    assert_eq!((whole.status, whole.body.len()), (200, 990_000));
    let too_large = App::start(|_| reply("200 OK", "", &"0123456789".repeat(700_000)));
    let other = start(&too_large, "/*", "", "");
    assert_eq!(unsigned(&other, "GET", "/film.mp4", "").await.status, 502);
    let log = other.end().await;
    assert!(log[0]["reason"].as_str().unwrap().contains("sent more than 6291456 bytes"));
    rig.end().await;
}

#[actix_web::test]
async fn a_forged_webhook_reaches_no_application() {
    let app = App::start(serve);
    let rig = start(&app, "/app/*", "", "open = [\"*.mp3\", \"/static/*\", \"/token\"]");
    let form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n";
    for (method, target, status) in [
        ("GET", "/app/voice", 403),
        ("POST", "/app/voice", 403),
        ("PUT", "/app/voice", 405),
        ("DELETE", "/app/voice", 405),
        ("HEAD", "/app/voice", 405),
        ("OPTIONS", "/app/voice", 405),
        ("POST", "/app/hello.mp3", 403),
        ("GET", "/app/hello.mp3?AccountSid=AC1&CallSid=CA1", 403),
        ("GET", "/app/voice;.mp3", 403),
        ("GET", "/app/voice%2f.mp3", 403),
        ("GET", "/app/voice%00.mp3", 403),
        ("GET", "/app/static", 403),
        ("GET", "/app/TOKEN", 403),
        ("GET", "/app/token/x", 403),
    ] {
        assert_eq!(unsigned(&rig, method, target, form).await.status, status, "{method} {target}");
    }
    let forged = String::from_utf8(rig.signed("/app/voice", &CALL)).unwrap();
    let forged = forged.replace("CallSid=CA1", "CallSid=CA2").into_bytes();
    assert_eq!(rig.send(forged).await.status, 403);
    assert!(app.got().is_empty());
    // What is open is so for every method.
    for (method, target) in [
        ("GET", "/app/token"),
        ("POST", "/app/token"),
        ("PUT", "/app/static/a"),
        ("DELETE", "/app/static/a"),
    ] {
        assert_eq!(unsigned(&rig, method, target, form).await.status, 200, "{method} {target}");
        let got = app.got().pop().unwrap();
        assert_eq!(
            (got.method.as_str(), format!("/app{}", got.target)),
            (method, target.to_owned())
        );
        assert_eq!(field(&got, "x-twilio-signature"), None);
    }
    let log = rig.end().await;
    assert!(log.iter().take(15).all(|line| line["outcome"] == "refused"), "{log:?}");
    assert!(log[0]["cause"].as_str().unwrap().contains("`open`"), "{}", log[0]);
}

#[actix_web::test]
async fn nothing_is_open_with_an_empty_list() {
    let app = App::start(serve);
    let rig = start(&app, "/*", "", "open = []");
    assert_eq!(unsigned(&rig, "GET", "/hello.mp3", "").await.status, 403);
    assert!(app.got().is_empty());
    rig.end().await;
}
