//! Bad requests over real sockets: what they get, and that they have no effect.

use twimlgate::limits::{WEBHOOK_BODY_BYTES_MAX, WEBHOOK_PARAMETERS_MAX};

use crate::support::hostile::{Hostile, Step};
use crate::support::rig::{Reply, Rig};

const ROUTES: &str = r#"
[function.lookup]
url = "http://${FUNCTION}/lookup"

[route."/sms"]
channel = "message"
function = "lookup"
success = "sorry-fixed.xml"

[route."/voice"]
channel = "voice"
function = "lookup"
"#;

const MESSAGE: [(&str, &str); 4] =
    [("MessageSid", "SM1"), ("From", "+15550100"), ("To", "+15550111"), ("Body", "hi")];

fn function() -> Hostile {
    Hostile::always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok")
}

/// Sends bytes made from a good webhook, and asserts that no function was called.
async fn refused(change: impl Fn(String) -> String) -> Reply {
    let function = function();
    let rig = Rig::start(function.address, ROUTES);
    let good = String::from_utf8(rig.signed("/sms", &MESSAGE)).unwrap();
    let reply = rig.send(change(good).into_bytes()).await;
    assert_eq!(function.connections(), 0);
    rig.end().await;
    reply
}

#[actix_web::test]
async fn a_signed_webhook_is_answered() {
    let function = function();
    let rig = Rig::start(function.address, ROUTES);
    let reply = rig.post("/sms", &MESSAGE).await;
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, Some("text/xml; charset=utf-8"))
    );
    assert_eq!(reply.body, "<Response><Message>Not now.</Message></Response>\n");
    let records = rig.end().await;
    let words = records[0].to_string();
    assert_eq!(records[0]["route"], "/sms");
    assert_eq!(records[0]["sid"], "SM1");
    assert!(
        records[0]["total_ms"].as_f64().unwrap() >= records[0]["function_ms"].as_f64().unwrap()
    );
    for private in ["5550100", "5550111", "hi\"", "12345"] {
        assert!(!words.contains(private), "{private} is in {words}");
    }
}

#[actix_web::test]
async fn one_altered_byte_is_403_with_nothing_else() {
    for (from, to) in [
        ("Body=hi", "Body=ho"),
        ("POST /sms", "POST /smt"),
        ("MessageSid=SM1", "MessageSid=SM2"),
        ("X-Twilio-Signature: ", "X-Twilio-Signature: A"),
        ("X-Twilio-Signature: ", "X-Other: "),
    ] {
        let reply = refused(|good| {
            assert!(good.contains(from), "{good}");
            good.replacen(from, to, 1)
        });
        let reply = reply.await;
        assert_eq!((reply.status, reply.body.as_str()), (403, ""), "{from}");
    }
}

#[actix_web::test]
async fn an_unsigned_webhook_for_nowhere_learns_nothing() {
    let reply = refused(|_| "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()).await;
    assert_eq!((reply.status, reply.body.as_str()), (403, ""));
}

#[actix_web::test]
async fn other_methods_are_405() {
    for method in ["PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"] {
        let reply = refused(|good| good.replacen("POST", method, 1)).await;
        assert_eq!((reply.status, reply.header("allow")), (405, Some("get, post")), "{method}");
    }
}

#[actix_web::test]
async fn a_body_too_large_is_413_before_it_is_read() {
    let too_large = format!("Content-Length: {}\r\n", WEBHOOK_BODY_BYTES_MAX + 1);
    let reply = refused(|good| {
        let at = good.find("Content-Length: ").unwrap();
        let end = at + good[at..].find("\r\n").unwrap() + 2;
        format!("{}{too_large}{}", &good[..at], &good[end..])
    });
    assert_eq!(reply.await.status, 413);
    let reply = refused(|good| chunked(&good, &"x".repeat(WEBHOOK_BODY_BYTES_MAX + 1))).await;
    assert_eq!(reply.status, 413);
}

/// The same request with another body, in one chunk.
fn chunked(good: &str, body: &str) -> String {
    let head = good.split_once("Content-Length").unwrap().0;
    let length = body.len();
    let body = format!("{length:x}\r\n{body}\r\n0\r\n\r\n");
    format!("{head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n{body}")
}

#[actix_web::test]
async fn what_cannot_be_read_is_400() {
    let many = "a=1&".repeat(WEBHOOK_PARAMETERS_MAX + 1);
    for body in ["Body=%FF", many.as_str()] {
        let reply = refused(|good| chunked(&good, body)).await;
        assert_eq!((reply.status, reply.body.as_str()), (400, ""));
    }
    let latin = refused(|good| good.replacen("charset=UTF-8", "charset=iso-8859-1", 1)).await;
    assert_eq!(latin.status, 400);
}

#[actix_web::test]
async fn a_body_slower_than_the_deadline_is_given_up() {
    let function = function();
    let rig = Rig::start(function.address, &format!("# within 300\n{ROUTES}"));
    let mut half = rig.signed("/sms", &MESSAGE);
    half.truncate(half.len() - 3);
    let reply = rig.send(half).await;
    assert_eq!((reply.status, reply.body.as_str()), (408, ""));
    assert_eq!(function.connections(), 0);
    rig.end().await;
}

#[actix_web::test]
async fn smuggled_requests_are_never_answered() {
    let smuggled = "POST /voice HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    let cases = [
        ("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "both"),
        ("Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", "two lengths"),
        ("Content-Length: +4\r\n\r\nabcd", "a sign"),
        ("Content-Length: 4, 4\r\n\r\nabcd", "a list"),
        ("Transfer-Encoding: identity, chunked\r\nContent-Length: 4\r\n\r\nabcd", "two codings"),
        ("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "an unknown coding"),
        ("Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", "no number"),
        ("Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", "a negative chunk"),
    ];
    for (rest, what) in cases {
        let function = function();
        let rig = Rig::start(function.address, ROUTES);
        let head = "POST /sms HTTP/1.1\r\nHost: a\r\nX-Twilio-Signature: \
                    AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\nContent-Type: \
                    application/x-www-form-urlencoded\r\n";
        let request = format!("{head}{rest}{smuggled}");
        let reply = crate::support::rig::exchange(rig.server.address, request.into_bytes()).await;
        assert!(matches!(reply.status, 400 | 403), "{what}: {reply:?}");
        assert_eq!(reply.body.matches("HTTP/1.1 ").count(), 0, "{what}: {reply:?}");
        assert_eq!(function.connections(), 0, "{what}");
        rig.server.stop().await;
    }
}

#[actix_web::test]
async fn nothing_behind_a_refused_request_is_answered() {
    for first in ["GET /sms HTTP/1.1\r\nHost: a\r\n\r\n", "PUT / HTTP/1.1\r\nHost: a\r\n\r\n"] {
        let function = function();
        let rig = Rig::start(function.address, ROUTES);
        let good = rig.signed("/sms", &MESSAGE);
        let request = [first.as_bytes(), &good].concat();
        let reply = crate::support::rig::exchange(rig.server.address, request).await;
        assert!(matches!(reply.status, 403 | 405), "{reply:?}");
        assert!(!reply.body.contains("200 OK"), "{reply:?}");
        assert_eq!(function.connections(), 0);
        rig.server.stop().await;
    }
}

#[actix_web::test]
async fn twins_at_the_same_instant_are_one_webhook() {
    let (release, gate) = std::sync::mpsc::channel();
    let gate = std::sync::Arc::new(std::sync::Mutex::new(gate));
    let answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 48\r\n\r\n\
                   <Response><Message>only once</Message></Response>";
    let answer = Step::Send(String::from_utf8_lossy(answer).replace("48", "49").into());
    let function = Hostile::new(vec![vec![Step::Read, Step::Wait(gate), answer]]);
    let rig = Rig::start(function.address, ROUTES);
    let twin = || rig.post("/sms", &MESSAGE);
    let (first, second, third, ()) = tokio::join!(twin(), twin(), twin(), async {
        // All three are in: one in the function, two waiting for it.
        while rig.journal.metrics.in_flight.get() < 3 {
            tokio::task::yield_now().await;
        }
        release.send(()).unwrap();
    });
    assert_eq!(first.body, "<Response><Message>only once</Message></Response>");
    assert_eq!((&first.body, &first.body), (&second.body, &third.body));
    let late = twin().await;
    assert_eq!(late.body, first.body);
    assert_eq!(function.requests().len(), 1);
    let records = rig.end().await;
    let repeated = records.iter().filter(|record| record["outcome"] == "repeated").count();
    assert_eq!(repeated, 3);
}

#[actix_web::test]
async fn the_same_digit_twice_is_two_turns() {
    let function = function();
    let rig = Rig::start(function.address, ROUTES);
    let turn = [("CallSid", "CA1"), ("CallStatus", "in-progress"), ("Digits", "1")];
    rig.post("/voice", &turn).await;
    rig.post("/voice", &turn).await;
    assert_eq!(function.requests().len(), 2);
    rig.end().await;
}

#[actix_web::test]
async fn health_and_metrics_are_on_the_admin_listener_only() {
    let function = function();
    let rig = Rig::start(function.address, ROUTES);
    rig.post("/sms", &MESSAGE).await;
    rig.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_vec()).await;
    assert_eq!(rig.admin("/healthz").await.status, 200);
    assert_eq!(rig.admin("/readyz").await.status, 200);
    assert_eq!(rig.admin("/sms").await.status, 404);
    let metrics = rig.admin("/metrics").await.body;
    for line in [
        "twimlgate_exchanges_total{route=\"/sms\",outcome=\"answered\"} 1",
        "twimlgate_exchanges_total{route=\"\",outcome=\"refused\"} 1",
        "twimlgate_function_calls_total{function=\"lookup\",result=\"success\"} 1",
        "twimlgate_reloads_total{result=\"refused\"} 0",
        "twimlgate_carrier_requests_total{result=\"failed\"} 0",
        "twimlgate_in_flight 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    rig.end().await;
}

/// The record of one webhook, of which nothing personal and no secret may be in the log.
async fn record_of(sections: &str, change: impl Fn(String) -> String) -> serde_json::Value {
    let function = function();
    let rig = Rig::start(function.address, &format!("{ROUTES}{sections}"));
    let target = "/sms?tenant=acme&step=t0p-s3cret";
    let good = String::from_utf8(rig.signed(target, &MESSAGE)).unwrap();
    rig.send(change(good).into_bytes()).await;
    let record = rig.end().await.remove(0);
    let words = record.to_string();
    for private in ["5550100", "5550111", "t0p-s3cret", "acme", "12345", "54321"] {
        assert!(!words.contains(private), "{private} is in {words}");
    }
    record
}

#[actix_web::test]
async fn a_refusal_says_what_was_checked_and_the_likeliest_cause() {
    let report = "[signature]\nmode = \"report\"\n";
    let host = |good: String| good.replacen("Host: 127.0.0.1:", "Host: localhost:", 1);
    for (sections, status) in [("", 403), (report, 200)] {
        // `X-Forwarded-Host` of a proxy that is not configured has the host that was signed.
        let record = record_of(sections, |good| {
            let address = good.split_once("Host: ").unwrap().1.split_once('\r').unwrap().0;
            let forwarded = format!("X-Forwarded-Host: {address}\r\nContent-Type");
            host(good.replacen("Content-Type", &forwarded, 1))
        });
        let record = record.await;
        assert_eq!(record["status"], status);
        assert_eq!(record["path"], "/sms");
        let url = record["url"].as_str().unwrap();
        assert!(url.starts_with("http://localhost:") && url.ends_with("/sms?tenant=…&step=…"));
        let from = record["url_from"].as_str().unwrap();
        assert!(from.contains("`Host`; `X-Forwarded-Host` ignored"), "{from}");
        let cause = record["cause"].as_str().unwrap();
        let signed = "the carrier signed `http://127.0.0.1:";
        let tail = "/sms?tenant=…&step=…`: the host of the request's `X-Forwarded-Host`; set";
        assert!(cause.starts_with(signed) && cause.contains(tail), "{cause}");
    }
    let cases: [(&dyn Fn(String) -> String, &str); 5] = [
        (&|good| good.replacen("Body=hi", "Body=hi&From2=%2B15550100", 1), "parameter `From2`"),
        (&|good| good.replacen("Body=hi", "Body=ho", 1), "no variant fits"),
        (&|good| good.replacen("X-Twilio-Signature: ", "X-Other: ", 1), "the carrier did not send"),
        (&|good| good.replacen("POST /sms?", "POST /sms/?", 1), "a slash at the end of the path"),
        (&|good| good.replacen("AccountSid=AC0", "AccountSid=AC1", 1), "sid `AC1000…0000`"),
    ];
    for (change, expected) in cases {
        let record = record_of("", |good| {
            let length = good.split_once("\r\n\r\n").unwrap().1.len();
            let changed = change(good);
            let new = changed.split_once("\r\n\r\n").unwrap().1.len();
            let (old, new) = (format!("-Length: {length}"), format!("-Length: {new}"));
            changed.replacen(&old, &new, 1)
        });
        let record = record.await;
        let cause = record["cause"].as_str().unwrap_or_else(|| panic!("{expected}: {record}"));
        assert!(cause.contains(expected), "{expected}: {cause}");
        assert_eq!(record["url_from"], "`Host`");
    }
}

#[actix_web::test]
async fn a_signed_webhook_for_an_unknown_path_names_the_route_that_was_meant() {
    for (target, expected) in [
        ("/sms/", "a slash at the end"),
        ("/SMS", "the case of its letters"),
        ("/gate/sms", "a proxy that serves it below another path"),
        ("/smss?x=+15550100", "the route is `/sms`"),
    ] {
        let function = function();
        let rig = Rig::start(function.address, ROUTES);
        assert_eq!(rig.post(target, &MESSAGE).await.status, 404, "{target}");
        let record = rig.end().await.remove(0);
        assert_eq!(record["path"], target.split('?').next().unwrap());
        assert!(record["url"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{record}");
        let cause = record["cause"].as_str().unwrap();
        assert!(cause.contains(expected) && cause.contains("`/sms`"), "{target}: {cause}");
        assert!(!record.to_string().contains("5550100"));
    }
}

#[actix_web::test]
async fn a_flood_of_refusals_is_logged_line_by_line_and_explained_at_a_rate() {
    let function = function();
    let rig = Rig::start(function.address, ROUTES);
    let good = String::from_utf8(rig.signed("/sms", &MESSAGE)).unwrap();
    for _ in 0..40 {
        rig.send(good.replacen("Body=hi", "Body=ho", 1).into_bytes()).await;
    }
    let records = rig.end().await;
    let explained = |record: &&serde_json::Value| {
        record["cause"].as_str().unwrap().starts_with("no variant fits")
    };
    let explained = records.iter().filter(explained).count();
    assert!(records.len() == 40 && (1..40).contains(&explained), "{explained}");
}
