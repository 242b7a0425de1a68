//! What an application gets: the request as it came, behind a proxy.

use twimlgate::secret::Secret;
use twimlgate::verify::{SigningKey, add_body_hash, sign_form, sign_url};

use super::{CALL, call, expected_signature, field, fields, key, start};
use crate::phone::app::{App, reply};
use crate::support::hostile::{Hostile, answer};
use crate::support::rig::{Reply, Rig, SID, TOKEN};

const HELLO: &str = "<Response><Say>Hello.</Say></Response>";

#[actix_web::test]
async fn the_new_signature_fits_the_url_that_the_application_sees() {
    let app = App::start(|_| HELLO.to_owned());
    for (prefix, path, target, seen) in [
        ("/*", "", "/voice?a=b%20c&d=/", "/voice?a=b%20c&d=/"),
        ("/app/*", "", "/app/voice?x", "/voice?x"),
        ("/app/*", "/app", "/app/voice", "/app/voice"),
        ("/app/*", "/in/ner/", "/app/voice", "/in/ner/voice"),
        ("/app/*", "/", "/app/", "/"),
    ] {
        let rig = start(&app, prefix, path, "");
        let reply = rig.post(target, &CALL).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, HELLO), "{target}");
        let got = app.got().pop().unwrap();
        assert_eq!((got.method.as_str(), got.target.as_str()), ("POST", seen));
        assert_eq!(field(&got, "host").unwrap(), rig.server.address.to_string());
        assert_eq!(field(&got, "x-forwarded-host").unwrap(), rig.server.address.to_string());
        assert_eq!(field(&got, "x-forwarded-for"), Some("127.0.0.1"));
        assert_eq!(field(&got, "x-twilio-signature").unwrap(), expected_signature(&got));
        assert_eq!(field(&got, "user-agent"), Some("TwilioProxy/1.1"));
        assert_eq!(got.params.get("AccountSid"), Some(SID));
        rig.end().await;
    }
}

#[actix_web::test]
async fn behind_a_public_url_the_application_sees_that_url() {
    let app = App::start(|_| {
        "<Response><Gather action=\"/menu\"/><Redirect>/more</Redirect></Response>".to_owned()
    });
    let section = format!("[route.\"/*\"]\nforward = \"{}\"\n", app.url(""));
    // The base configuration has `[server]` already, so its first key is replaced.
    let rig = Rig::start_edited(([127, 0, 0, 1], 9).into(), &section, |config| {
        config.server.public_url = Some("https://phone.example.com/gw".to_owned());
    });
    let url = "https://phone.example.com/gw/voice";
    let body = format!("AccountSid={SID}&CallSid=CA1&CallStatus=ringing");
    let params = twimlgate::webhook::Params::decode(body.as_bytes()).unwrap();
    let signature = sign_form(&key(), url, params.iter());
    let request = format!(
        "POST /voice HTTP/1.1\r\nHost: 10.0.0.1\r\nX-Forwarded-Proto: gopher\r\n\
         X-Forwarded-Host: evil.example\r\nX-Forwarded-For: 1.2.3.4\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nX-Twilio-Signature: {signature}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let reply = rig.send(request.into_bytes()).await;
    // The proxy in front takes `/gw` off, so the carrier has to send it.
    assert_eq!(
        reply.body,
        "<Response><Gather action=\"/gw/menu\"/><Redirect>/gw/more</Redirect></Response>"
    );
    let got = app.got().pop().unwrap();
    assert_eq!(field(&got, "host"), Some("phone.example.com"));
    assert_eq!(field(&got, "x-forwarded-host"), Some("phone.example.com"));
    assert_eq!(field(&got, "x-forwarded-proto"), Some("https"));
    assert_eq!(field(&got, "x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(field(&got, "x-twilio-signature").unwrap(), expected_signature(&got));
    rig.end().await;
}

#[actix_web::test]
async fn a_get_and_a_body_in_json_are_passed_on_as_they_came() {
    let app = Hostile::always(answer("200 OK", "Content-Type: text/xml\r\n", HELLO));
    let section = format!("[route.\"/app/*\"]\nforward = \"{}\"\n", app.url(""));
    let rig = Rig::start(app.address, &section);
    let get = rig.send(rig.signed_get("/app/voice?a=%7e", &CALL)).await;
    assert_eq!((get.status, get.body.as_str()), (200, HELLO));
    let json = r#"{"AccountSid": "AC00000000000000000000000000000000", "é": [1.50]}"#;
    let posted = rig.send(rig.signed_body("/app/events", "application/json", json)).await;
    assert_eq!(posted.status, 200);
    let seen = app.requests();
    let url = |target: &str| format!("http://{}{target}", rig.server.address);
    let target = |index: usize| seen[index].line().split(' ').nth(1).unwrap();
    assert!(target(0).starts_with("/voice?a=%7e&CallSid=CA1&"), "{}", target(0));
    let signed = sign_url(&key(), &url(target(0)));
    assert_eq!(seen[0].header("x-twilio-signature"), Some(signed.as_str()));
    assert_eq!(seen[0].text(), "");
    assert_eq!(seen[1].text(), json);
    assert_eq!(seen[1].header("content-type"), Some("application/json"));
    let hashed = add_body_hash(&url("/events"), json.as_bytes()).unwrap();
    assert_eq!(url(target(1)), hashed);
    let signed = sign_url(&key(), &hashed);
    assert_eq!(seen[1].header("x-twilio-signature"), Some(signed.as_str()));
    rig.end().await;
}

#[actix_web::test]
async fn the_first_token_of_the_account_signs() {
    let app = App::start(|_| HELLO.to_owned());
    let rig = start(&app, "/*", "", "");
    let url = format!("http://{}/voice", rig.server.address);
    let second =
        SigningKey::new(&Secret::new("54321".to_owned()), twimlgate::config::HmacAlgorithm::Sha1);
    let body = format!("AccountSid={SID}&CallSid=CA1");
    let params = twimlgate::webhook::Params::decode(body.as_bytes()).unwrap();
    let signature = sign_form(&second, &url, params.iter());
    let request = format!(
        "POST /voice HTTP/1.1\r\nHost: {}\r\nX-Twilio-Signature: {signature}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        rig.server.address,
        body.len()
    );
    assert_eq!(rig.send(request.into_bytes()).await.status, 200);
    let got = app.got().pop().unwrap();
    assert_ne!(field(&got, "x-twilio-signature").unwrap(), signature);
    assert_eq!(field(&got, "x-twilio-signature").unwrap(), expected_signature(&got));
    assert_eq!(TOKEN, "12345");
    rig.end().await;
}

#[actix_web::test]
async fn fields_of_the_connection_and_misleading_ones_are_not_passed_on() {
    let app = App::start(|_| HELLO.to_owned());
    let rig = start(&app, "/*", "", "");
    let signed = String::from_utf8(rig.signed("/voice", &CALL)).unwrap();
    let added = "Keep-Alive: timeout=9\r\nTE: trailers\r\nTrailer: X\r\n\
                 Proxy-Authorization: Basic eA==\r\nProxy-Connection: keep-alive\r\nX-Hop: 1\r\n\
                 X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Host: evil.example\r\n\
                 X-Forwarded-Proto: https\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Prefix: /x\r\n\
                 Forwarded: for=6.6.6.6\r\nX_Forwarded_Proto: https\r\nX-Original-URL: /admin\r\n\
                 X-HTTP-Method-Override: DELETE\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n\
                 X-Twice: a\r\nX-Twice: b\r\nI-Twilio-Idempotency-Token: token\r\n\
                 X-Home-Region: us1\r\nAuthorization: Basic dTpw\r\nCookie: a=1; b=2\r\n";
    let request =
        signed.replace("Connection: close\r\n", &format!("Connection: close, X-Hop\r\n{added}"));
    assert_eq!(rig.send(request.into_bytes()).await.status, 200);
    let got = app.got().pop().unwrap();
    for name in [
        "connection-x",
        "keep-alive",
        "te",
        "trailer",
        "proxy-authorization",
        "proxy-connection",
        "x-hop",
        "x-forwarded-port",
        "x-forwarded-prefix",
        "forwarded",
        "x_forwarded_proto",
        "x-original-url",
        "x-http-method-override",
        "transfer-encoding",
    ] {
        assert!(fields(&got, name).is_empty(), "{name}\n{}", got.head);
    }
    for (name, value) in [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("accept", "*/*"),
        ("accept-encoding", "identity"),
        ("i-twilio-idempotency-token", "token"),
        ("x-home-region", "us1"),
        ("authorization", "Basic dTpw"),
        ("cookie", "a=1; b=2"),
        ("content-type", "application/x-www-form-urlencoded; charset=UTF-8"),
    ] {
        assert_eq!(field(&got, name), Some(value), "{name}\n{}", got.head);
    }
    assert_eq!(fields(&got, "x-twice"), ["a", "b"]);
    rig.end().await;
}

#[actix_web::test]
async fn credentials_of_the_configuration_are_the_applications() {
    let app = App::start(|_| HELLO.to_owned());
    let forward = app.url("").replace("http://", "http://us%65r:p%40ss@");
    let section = format!("[route.\"/*\"]\nforward = \"{forward}\"\n");
    let rig = Rig::start(([127, 0, 0, 1], 9).into(), &section);
    assert_eq!(call(&rig, "/voice", "CA1").await.status, 200);
    assert_eq!(field(&app.got()[0], "authorization"), Some("Basic dXNlcjpwQHNz"));
    let log = rig.end().await;
    assert!(!format!("{log:?}").contains("p%40ss"));
}

#[actix_web::test]
async fn cookies_pass_both_ways_over_three_turns() {
    let app = App::start(|got| {
        let visits = field(got, "cookie").and_then(|cookie| cookie.strip_prefix("visits="));
        let visits = visits.map_or(0, |visits| visits.parse::<u32>().unwrap()) + 1;
        let cookies = format!(
            "Content-Type: text/xml\r\nSet-Cookie: visits={visits}; Path=/; HttpOnly\r\n\
             Set-Cookie: other=Path=/x\r\n"
        );
        let document = format!("<Response><Say>{visits}</Say></Response>");
        reply("200 OK", &cookies, &document)
    });
    let rig = start(&app, "/app/*", "", "");
    let mut cookie = String::new();
    for (turn, target) in ["/app/voice", "/app/menu", "/app/order"].into_iter().enumerate() {
        let signed = String::from_utf8(rig.signed(target, &CALL)).unwrap();
        let request = signed.replace("Connection: close", &format!("{cookie}Connection: close"));
        let reply = rig.send(request.into_bytes()).await;
        let visits = turn + 1;
        assert_eq!(reply.body, format!("<Response><Say>{visits}</Say></Response>"));
        let set: Vec<_> =
            reply.head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")).collect();
        assert_eq!(set, [&*format!("visits={visits}; path=/app/; httponly"), "other=path=/x"]);
        cookie = format!("Cookie: visits={visits}\r\n");
    }
    rig.end().await;
}

/// Status, header fields and body, without what the listener writes by itself.
fn whole(reply: &Reply) -> (u16, Vec<&str>, &str) {
    let own = |line: &&str| !line.starts_with("date: ");
    let mut fields: Vec<&str> = reply.head.lines().skip(1).filter(own).collect();
    // The order of different fields has no meaning.
    fields.sort_unstable();
    (reply.status, fields, &reply.body)
}

#[actix_web::test]
async fn a_webhook_is_passed_on_once_however_often_it_comes() {
    let app = App::start(|got| {
        let fields =
            "Content-Type: text/xml\r\nX-App: own\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n";
        let digits = got.params.get("Digits").unwrap_or("none");
        reply("200 OK", fields, &format!("<Response><Say>{digits}</Say></Response>"))
    });
    let rig = start(&app, "/*", "", "");
    let first = call(&rig, "/voice", "CA1").await;
    assert_eq!(whole(&call(&rig, "/voice", "CA1").await), whole(&first));
    assert_eq!(first.head.matches("set-cookie").count(), 2);
    assert_eq!(first.header("x-app"), Some("own"));
    assert_eq!(app.got().len(), 1);
    // Turns of a call are as many as the carrier's tokens, and each is answered once.
    for token in ["one", "two"] {
        let turn = [("CallSid", "CA1"), ("CallStatus", "in-progress"), ("Digits", "1")];
        let signed = String::from_utf8(rig.signed("/menu", &turn)).unwrap();
        let field = format!("I-Twilio-Idempotency-Token: {token}\r\nConnection: close");
        let request = signed.replace("Connection: close", &field).into_bytes();
        let first = rig.send(request.clone()).await;
        assert!(first.body.contains("<Say>1</Say>"));
        assert_eq!(whole(&rig.send(request).await), whole(&first));
    }
    assert_eq!(app.got().len(), 3);
    let outcomes: Vec<_> = rig.end().await.iter().map(|line| line["outcome"].clone()).collect();
    assert_eq!(outcomes, ["answered", "repeated", "answered", "repeated", "answered", "repeated"]);
}

#[actix_web::test]
async fn twins_at_the_same_instant_are_one_request() {
    let app = App::start(|_| HELLO.to_owned());
    let rig = start(&app, "/*", "", "");
    let (one, two) = tokio::join!(call(&rig, "/voice", "CA1"), call(&rig, "/voice", "CA1"));
    assert_eq!((one.body.as_str(), two.body.as_str()), (HELLO, HELLO));
    assert_eq!(app.got().len(), 1);
    rig.end().await;
}

#[actix_web::test]
async fn what_a_trusted_proxy_says_reaches_the_application() {
    let app = App::start(|_| HELLO.to_owned());
    let section = format!("[route.\"/app/*\"]\nforward = \"{}\"\n", app.url(""));
    let rig = Rig::start_edited(([127, 0, 0, 1], 9).into(), &section, |config| {
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    });
    let body = format!("AccountSid={SID}&CallSid=CA1");
    let params = twimlgate::webhook::Params::decode(body.as_bytes()).unwrap();
    let signature = sign_form(&key(), "https://tunnel.example/app/voice", params.iter());
    let request = format!(
        "POST /app/voice HTTP/1.1\r\nHost: 10.0.0.1\r\nX-Forwarded-Proto: https\r\n\
         X-Forwarded-Host: tunnel.example\r\nX-Forwarded-For: 54.1.2.3\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nX-Twilio-Signature: {signature}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(rig.send(request.into_bytes()).await.body, HELLO);
    let got = app.got().pop().unwrap();
    assert_eq!(field(&got, "host"), Some("tunnel.example"));
    assert_eq!(field(&got, "x-forwarded-proto"), Some("https"));
    assert_eq!(field(&got, "x-forwarded-for"), Some("54.1.2.3, 127.0.0.1"));
    assert_eq!(field(&got, "x-twilio-signature").unwrap(), expected_signature(&got));
    rig.end().await;
}
