//! HTTP as the carrier speaks it: signatures, retries, redirects, cookies, passwords, fallbacks.

use std::sync::atomic::{AtomicUsize, Ordering};

use twimlgate::config::HmacAlgorithm;
use twimlgate::secret::Secret;
use twimlgate::tools::phone::{Caller, Phone, PhoneNumber};
use twimlgate::verify::{SigningKey, sign_form, sign_url};

use super::app::{App, Got, never, reply};
use super::{call, line, lines, play, words};

fn header<'a>(got: &'a Got, name: &str) -> Option<&'a str> {
    got.head.lines().find_map(|line| {
        let (known, value) = line.split_once(": ")?;
        known.eq_ignore_ascii_case(name).then_some(value)
    })
}

fn key() -> SigningKey {
    SigningKey::new(&Secret::new("12345".to_owned()), HmacAlgorithm::Sha1)
}

fn at(url: &str) -> Phone {
    Phone::for_call(line(), PhoneNumber::for_url(url), Caller::new("+15550100", "+15550199"))
}

const HELLO: &str = "<Response><Say>Hello.</Say></Response>";

#[actix_web::test]
async fn every_webhook_is_signed_over_the_url_that_is_asked() {
    let app = App::start(|_| HELLO.to_owned());
    at(&app.url("/voice?x=1#rc=0")).begin().await;
    let got = &app.got()[0];
    assert_eq!((got.method.as_str(), got.target.as_str()), ("POST", "/voice?x=1"));
    let signature = sign_form(&key(), &app.url("/voice?x=1"), got.params.iter());
    assert_eq!(header(got, "x-twilio-signature"), Some(signature.as_str()));
    assert_eq!(header(got, "user-agent"), Some("TwilioProxy/1.1"));
    assert!(header(got, "i-twilio-idempotency-token").is_some_and(|token| token.len() == 32));

    let number = PhoneNumber { get: true, ..PhoneNumber::for_url(&app.url("/voice?x=1")) };
    let caller = Caller::new("+15550100", "+15550199");
    Phone::for_call(line(), number, caller).begin().await;
    let got = &app.got()[1];
    assert!(got.target.starts_with("/voice?x=1&CallSid=CA"), "{}", got.target);
    let signature = sign_url(&key(), &app.url(&got.target));
    assert_eq!(header(got, "x-twilio-signature"), Some(signature.as_str()));
}

#[actix_web::test]
async fn a_5xx_is_asked_again_only_where_the_url_says_so() {
    let times = AtomicUsize::new(0);
    let app = App::start(move |_| match times.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => reply("503 Busy", "", ""),
        _ => HELLO.to_owned(),
    });
    let told = words(&at(&app.url("/voice")).begin().await);
    assert!(told.starts_with("fails 11200 HTTP retrieval failure: it answered 503"), "{told}");
    let told = words(&at(&app.url("/voice#rc=2&rp=5xx")).begin().await);
    assert_eq!(told, "hear Hello.\nends completed\n");
    let got = app.got();
    let token = |index: usize| header(&got[index], "i-twilio-idempotency-token");
    assert_eq!(got.len(), 3);
    assert!(token(1) == token(2) && token(0) != token(1), "the same on a retry");
}

#[actix_web::test]
async fn redirects_are_followed_ten_times() {
    let app = App::start(|got| match got.target.as_str() {
        "/voice" => reply("307 Go", "Location: /same\r\n", ""),
        "/same" => reply("302 Go", "Location: end\r\n", ""),
        "/end" => HELLO.to_owned(),
        _ => reply("307 Go", "Location: /round\r\n", ""),
    });
    let told = words(&at(&app.url("/voice")).begin().await);
    assert_eq!(told, "hear Hello.\nends completed\n");
    let got = app.got();
    assert!(got[1].method == "POST" && got[1].params.get("CallSid").is_some());
    assert!(got[2].method == "GET" && got[2].params.is_empty(), "301 and 302 lose the form");
    let told = words(&at(&app.url("/round")).begin().await);
    assert!(told.starts_with("fails 11215 "), "{told}");
}

#[actix_web::test]
async fn cookies_last_for_the_call() {
    let app = App::start(|got| match header(got, "cookie") {
        None => reply(
            "200 OK",
            "Content-Type: text/xml\r\nSet-Cookie: s=1; Path=/\r\n",
            "<Response><Gather/></Response>",
        ),
        Some(cookie) => format!("<Response><Say>{cookie}</Say></Response>"),
    });
    assert_eq!(
        words(&play(&mut at(&app.url("/voice")), "press 1#").await),
        "hear s=1\nends completed\n"
    );
    assert_eq!(header(&app.got()[0], "cookie"), None);
}

#[actix_web::test]
async fn a_password_is_given_when_it_is_asked_for() {
    let app = App::start(|got| match header(got, "authorization") {
        None => reply("401 No", "WWW-Authenticate: Basic realm=\"x\"\r\n", ""),
        Some(basic) => format!("<Response><Say>{basic}</Say></Response>"),
    });
    let url = app.url("/voice").replace("http://", "http://user:pass@");
    assert_eq!(words(&at(&url).begin().await), "hear Basic dXNlcjpwYXNz\nends completed\n");
    assert!(words(&at(&app.url("/voice")).begin().await).contains("it answered 401"));
}

#[actix_web::test]
async fn the_fallback_is_asked_with_the_reason() {
    let app = App::start(|got| match got.target.as_str() {
        "/fallback" => "<Response><Say>Plan B.</Say></Response>".to_owned(),
        _ => reply("500 Oops", "", ""),
    });
    let fallback = Some(app.url("/fallback"));
    let number = PhoneNumber { fallback, ..PhoneNumber::for_url(&app.url("/voice")) };
    let caller = Caller::new("+15550100", "+15550199");
    let told = words(&Phone::for_call(line(), number, caller).begin().await);
    assert!(told.ends_with("hear Plan B.\nends completed\n"), "{told}");
    let params = &app.got()[1].params;
    assert_eq!(params.get("ErrorCode"), Some("11200"));
    assert_eq!(params.get("ErrorUrl"), Some(app.url("/voice").as_str()));
}

#[actix_web::test]
async fn a_failed_connection_has_the_carriers_code() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let told = words(&at(&format!("http://{gone}/voice")).begin().await);
    assert!(told.starts_with("fails 11202 TCP connection refused"), "{told}");
    let told = words(&at("http://unknown.invalid/voice").begin().await);
    assert!(told.starts_with("fails 11210 HTTP bad host name"), "{told}");
    let plain = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = plain.local_addr().unwrap();
    std::thread::spawn(move || {
        use std::io::Write as _;
        for stream in plain.incoming() {
            let _ = stream.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let told = words(&at(&format!("https://{address}/voice")).begin().await);
    assert!(told.starts_with("fails 11220 SSL/TLS Handshake Error"), "{told}");
    let told = words(&at("nonsense").begin().await);
    assert!(told.starts_with("fails 11100 Invalid URL format"), "{told}");
}

#[actix_web::test]
async fn an_answer_that_is_slow_is_given_up() {
    let app = App::start(|_| never());
    let heard = at(&app.url("/voice#rt=100&rc=0")).begin().await;
    assert!(words(&heard).starts_with("fails 11200 "), "{}", lines(&heard));
}

#[actix_web::test]
async fn an_answer_that_breaks_off_is_none() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n";
    for (length, code) in [("Content-Length: 99", "11205"), ("Transfer-Encoding: chunked", "11205")]
    {
        let app = App::start(move |_| format!("{head}{length}\r\n\r\n<Response/>"));
        let told = words(&at(&app.url("/voice")).begin().await);
        assert!(told.starts_with(&format!("fails {code} ")), "{length}: {told}");
    }
}

#[actix_web::test]
async fn a_callback_that_fails_is_a_warning() {
    let app = App::start(|got| match got.target.as_str() {
        "/status" => reply("500 Oops", "", ""),
        _ => HELLO.to_owned(),
    });
    let told = words(&play(&mut call(&app), "").await);
    assert!(
        told.ends_with(
            "warns 15003 Call Progress: Warning Response to Callback URL: \
        the status callback answered 500\n"
        ),
        "{told}"
    );
}
