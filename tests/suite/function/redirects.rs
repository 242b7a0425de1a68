//! Redirects (A7, F7): followed by our own loop, every hop checked like a first call.

use twimlgate::config::HmacAlgorithm;
use twimlgate::function::{CallError, OutcomeKind};
use twimlgate::secret::Secret;
use twimlgate::verify::{SigningKey, add_body_hash, sign_form, sign_url};

use super::caller::{Caller, parsed, run};
use crate::support::hostile::{Hostile, Step, answer, json};

/// The form of a call with one parameter.
const CALLER: &str = "caller=%2B15550100";

fn key() -> SigningKey {
    SigningKey::new(&Secret::new("12345".to_owned()), HmacAlgorithm::Sha1)
}

fn to(status: u16, location: &str) -> Vec<u8> {
    answer(&format!("{status} x"), &format!("Location: {location}\r\n"), "")
}

/// A server that answers its first request with a redirect and the others with JSON.
fn hop(status: u16, location: &str) -> Hostile {
    let steps = vec![
        Step::Read,
        Step::Send(to(status, location)),
        Step::Read,
        Step::Send(json(r#"{"there":true}"#)),
    ];
    Hostile::new(vec![steps])
}

#[test]
fn redirects_are_followed_and_judged_by_where_they_end() {
    run(async {
        for status in [301, 302, 303, 307, 308] {
            let server = hop(status, "/there?x=1");
            let outcome = Caller::new(&server.url("/here"), "").call().await;
            assert_eq!(parsed(&outcome), r#"{"there":true}"#);
            assert_eq!(outcome.attempts, 2);
            let [first, second] = server.requests().try_into().unwrap();
            assert_eq!(first.line(), "POST /here HTTP/1.1");
            if status >= 307 {
                assert_eq!(second.line(), "POST /there?x=1 HTTP/1.1");
                assert_eq!(second.text(), first.text());
                assert_eq!(second.header("content-type"), first.header("content-type"));
            } else {
                assert_eq!(second.line(), "GET /there?x=1 HTTP/1.1");
                assert_eq!((second.text(), second.header("content-type")), ("", None));
            }
            assert_eq!(second.header("idempotency-key"), Some("SM0123:lookup"));
            assert_eq!(server.connections(), 1, "the same server, the same connection");
        }
        let server = Hostile::new(vec![vec![
            Step::Read,
            Step::Send(to(302, "/gone")),
            Step::Read,
            Step::Send(answer("404 x", "", "no")),
        ]]);
        let outcome = Caller::new(&server.url("/"), "").call().await;
        assert_eq!(outcome.response.unwrap().body, "no");
    });
}

#[test]
fn a_body_in_json_stays_signed() {
    run(async {
        let server = hop(307, "/there?x=1");
        let caller = Caller::new(&server.url("/here"), "body = \"json\"");
        assert_eq!(parsed(&caller.call_signed(&key()).await), r#"{"there":true}"#);
        let [first, second] = server.requests().try_into().unwrap();
        let body = r#"{"caller":"+15550100"}"#;
        for (seen, target) in [(first, "/here"), (second, "/there?x=1")] {
            let url = add_body_hash(&server.url(target), body.as_bytes()).unwrap();
            let signed = sign_url(&key(), &url);
            assert!(url.ends_with(seen.line().split(' ').nth(1).unwrap()), "{}", seen.line());
            assert_eq!(seen.header("x-twilio-signature"), Some(signed.as_str()), "{target}");
            assert_eq!(seen.header("content-type"), Some("application/json"));
            assert_eq!(seen.text(), body);
        }
    });
}

#[test]
fn another_server_gets_neither_headers_nor_cookies() {
    run(async {
        let other = Hostile::always(json(r#"{"there":true}"#));
        let server = Hostile::always(to(307, &other.url("/x")));
        let allow = "[egress]\nallow = [\"127.0.0.0/8\"]";
        let keys = "headers = { \"X-Api-Key\" = \"s3cret\", Accept = \"a/b\" }";
        let caller = Caller::with(&server.url("/"), keys, allow, Default::default());
        assert_eq!(parsed(&caller.call_with_cookies("a=1").await), r#"{"there":true}"#);
        let [here] = server.requests().try_into().unwrap();
        let [there] = other.requests().try_into().unwrap();
        let headers = ["x-api-key", "cookie"];
        assert_eq!(headers.map(|name| here.header(name)), [Some("s3cret"), Some("a=1")]);
        assert_eq!(headers.map(|name| there.header(name)), [None, None]);
        assert_eq!(here.header("accept"), Some("a/b"));
    });
}

#[test]
fn another_server_gets_no_signature_after_a_redirect_of_its_own() {
    run(async {
        // One connection for each request.
        let away = vec![Step::Read, Step::Send(to(307, "/again"))];
        let end = vec![Step::Read, Step::Send(json(r#"{"there":true}"#))];
        let other = Hostile::new(vec![away, end]);
        let server = Hostile::always(to(307, &other.url("/x")));
        let allow = "[egress]\nallow = [\"127.0.0.0/8\"]";
        let caller = Caller::with(&server.url("/"), "", allow, Default::default());
        assert_eq!(parsed(&caller.call_signed(&key()).await), r#"{"there":true}"#);
        let [first, second] = other.requests().try_into().unwrap();
        for seen in [first, second] {
            assert_eq!(seen.header("x-twilio-signature"), None, "{}", seen.line());
            assert_eq!(seen.header("idempotency-key"), None, "{}", seen.line());
        }
    });
}

#[test]
fn another_server_gets_neither_signature_nor_key() {
    run(async {
        let other = Hostile::always(json("{}"));
        for status in [302, 307] {
            let server = Hostile::always(to(status, &other.url("/x")));
            let allow = "[egress]\nallow = [\"127.0.0.0/8\"]";
            let url = format!("http://user:secret@{}/", server.address);
            let caller = Caller::with(&url, "", allow, Default::default());
            let outcome = caller.call_signed(&key()).await;
            assert_eq!(parsed(&outcome), "{}");
            let at_home = &server.requests()[0];
            let away = other.requests().pop().unwrap();
            for name in ["x-twilio-signature", "idempotency-key", "i-twilio-idempotency-token"] {
                assert!(at_home.header(name).is_some() && away.header(name).is_none(), "{name}");
            }
            assert_eq!(away.header("authorization"), None);
            assert_eq!(away.header("host"), Some(other.address.to_string().as_str()));
            assert_eq!(away.text(), if status == 307 { CALLER } else { "" });
        }
    });
}

#[test]
fn the_same_server_gets_a_new_signature() {
    run(async {
        let server = hop(307, "/there");
        let caller = Caller::new(&server.url("/"), "");
        caller.call_signed(&key()).await;
        let signed = |request: usize, path| {
            let fields = [("caller", "+15550100")];
            let signature = sign_form(&key(), &server.url(path), fields);
            let requests = server.requests();
            assert_eq!(requests[request].header("x-twilio-signature"), Some(signature.as_str()));
        };
        signed(0, "/");
        signed(1, "/there");
    });
}

#[test]
fn five_hops_and_no_more() {
    run(async {
        for (hops, passes) in [(5, true), (6, false)] {
            let mut steps = Vec::new();
            for hop in 0..hops {
                steps.extend([Step::Read, Step::Send(to(302, &format!("/{hop}")))]);
            }
            steps.extend([Step::Read, Step::Send(json("{}"))]);
            let outcome = Caller::new(&Hostile::new(vec![steps]).url("/"), "").call().await;
            match outcome.kind {
                OutcomeKind::Success { .. } => assert!(passes),
                OutcomeKind::Fail(error) => {
                    assert!(!passes);
                    assert!(matches!(error.cause, CallError::TooManyRedirects { .. }));
                }
                other => panic!("{other:?}"),
            }
        }
    });
}

#[test]
fn circles_are_named() {
    run(async {
        for status in [301, 302, 303, 307, 308] {
            for location in ["", "/", "#x", "?"] {
                let server = Hostile::always(to(status, location));
                let problem = Caller::new(&server.url("/"), "").problem().await;
                let named = matches!(problem, CallError::RedirectLoop { .. });
                assert!(named, "{status} {location:?} {problem}");
                // Another method, or another spelling, is no circle yet.
                let asked = if status < 307 || location == "?" { 2 } else { 1 };
                assert_eq!(server.requests().len(), asked, "{status} {location:?}");
            }
        }
    });
}

#[test]
fn unusable_redirects() {
    run(async {
        for (location, kind) in [
            ("ftp://127.0.0.1/", "redirect"),
            ("file:///etc/passwd", "redirect"),
            ("gopher://127.0.0.1:70/_x", "redirect"),
            ("javascript:alert(1)", "redirect"),
            ("http://", "redirect"),
            ("http:///x", "redirect"),
            ("http://[::1/", "redirect"),
            ("http://127.0.0.1:99999/", "redirect"),
            ("http://a b/", "redirect"),
        ] {
            for status in [301, 302, 303, 307, 308] {
                let server = Hostile::always(to(status, location));
                let problem = Caller::new(&server.url("/"), "").problem().await;
                assert_eq!(problem.kind(), kind, "{location} {problem}");
            }
        }
        let nowhere = Hostile::always(answer("302 Found", "", ""));
        let problem = Caller::new(&nowhere.url("/"), "").problem().await;
        assert!(matches!(problem, CallError::Location { status: 302, .. }));
    });
}
