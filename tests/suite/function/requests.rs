//! What a function gets to see.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use twimlgate::clock;
use twimlgate::config::{Config, HmacAlgorithm, SignatureMode};
use twimlgate::diagnostics::problem::Source;
use twimlgate::function::{CallRequest, Destination};
use twimlgate::secret::Secret;
use twimlgate::verify::{SigningKey, Verifier};
use twimlgate::webhook::{Params, Received};

use super::caller::{Caller, parsed, run};
use crate::support::hostile::{Hostile, Seen, answer, json};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

const WEBHOOK: &str = "From=%2B15550100&Body=a+b%21&MessageSid=SM1";

fn only(server: &Hostile) -> Seen {
    let [seen] = server.requests().try_into().expect("one request");
    seen
}

#[test]
fn a_post_with_a_form() {
    run(async {
        let server = Hostile::always(json("{}"));
        let outcome = Caller::new(&server.url("/lookup?a=b%20c"), "").call().await;
        assert_eq!(parsed(&outcome), "{}");
        let seen = only(&server);
        assert_eq!(seen.line(), "POST /lookup?a=b%20c HTTP/1.1");
        assert_eq!(seen.header("host"), Some(server.address.to_string().as_str()));
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        assert_eq!(seen.header("content-type"), Some(form));
        assert_eq!(seen.header("accept-encoding"), Some("identity"));
        assert_eq!(seen.header("i-twilio-idempotency-token"), Some("SM0123:lookup"));
        assert_eq!(seen.header("idempotency-key"), Some("SM0123:lookup"));
        assert_eq!(seen.header("x-twilio-signature"), None);
        assert!(seen.header("user-agent").unwrap().starts_with("twimlgate/"));
        assert_eq!(seen.text(), "caller=%2B15550100");
    });
}

#[test]
fn a_get_with_a_query() {
    run(async {
        let server = Hostile::always(json("{}"));
        Caller::new(&server.url("/lookup?x=1"), "method = \"GET\"").call().await;
        let seen = only(&server);
        assert_eq!(seen.line(), "GET /lookup?x=1&caller=%2B15550100 HTTP/1.1");
        assert_eq!(seen.header("content-type"), None);
        assert_eq!(seen.text(), "");
    });
}

#[test]
fn the_webhook_goes_along_under_the_parameters() {
    run(async {
        let server = Hostile::always(json("{}"));
        let caller = Caller::new(&server.url("/"), "forward_webhook = true");
        caller.forward(WEBHOOK, &Params::default()).await;
        caller.forward(WEBHOOK, &[("plan", "gold")].into_iter().collect()).await;
        caller.forward(WEBHOOK, &[("Body", "new")].into_iter().collect()).await;
        let without = Caller::new(&server.url("/"), "forward_webhook = false");
        without.forward(WEBHOOK, &[("plan", "gold")].into_iter().collect()).await;
        let bodies: Vec<_> = server.requests().iter().map(|seen| seen.text().to_owned()).collect();
        let changed = "From=%2B15550100&MessageSid=SM1&Body=new";
        assert_eq!(bodies, [WEBHOOK, &format!("{WEBHOOK}&plan=gold"), changed, "plan=gold"]);
    });
}

/// What a protected function does: it verifies the request as the carrier's.
fn accepts(seen: &Seen, server: &Hostile) -> bool {
    let text = format!(
        "[server]\npublic_url = \"http://{}\"\n[[account]]\nsid = \"AC{}\"\n\
         auth_tokens = [\"{TOKEN}\"]\n",
        server.address,
        "0".repeat(32),
    );
    let source = Source::new("config.toml", &text);
    let (config, problems) = Config::parse(&source, "".as_ref(), &|_| None);
    let config = config.unwrap_or_else(|| panic!("{problems}"));
    let verifier = Verifier::new(&config.server, SignatureMode::Enforce, &config.accounts);
    let mut words = seen.line().split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let mut headers = HeaderMap::new();
    for name in ["x-twilio-signature", "content-type"] {
        if let Some(value) = seen.header(name) {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
    }
    let received = Received {
        method: method.parse().unwrap(),
        target: target.to_owned(),
        headers,
        peer: None,
        body: seen.body.clone().into(),
    };
    verifier.verify(received).is_ok()
}

#[test]
fn protected_functions_accept_the_signature() {
    run(async {
        let server = Hostile::always(json("{}"));
        let url = server.url("/lookup?a=b%20c&d");
        let key = SigningKey::new(&Secret::new(TOKEN.to_owned()), HmacAlgorithm::Sha1);
        let other = SigningKey::new(&Secret::new("other".to_owned()), HmacAlgorithm::Sha1);
        for keys in ["", "forward_webhook = false", "method = \"GET\"", "http_version = \"1.0\""] {
            let caller = Caller::new(&url, keys);
            for (key, fits) in [(&key, true), (&other, false)] {
                caller.call_signed(key).await;
                assert_eq!(accepts(server.requests().last().unwrap(), &server), fits, "{keys}");
                let parameters = [("Body", "é&=+\n"), ("x", "")].into_iter().collect();
                caller.forward_signed(WEBHOOK, &parameters, Some(key)).await;
                assert_eq!(accepts(server.requests().last().unwrap(), &server), fits, "{keys}");
            }
        }
    });
}

#[test]
fn credentials_in_the_url_become_a_header() {
    run(async {
        let server = Hostile::always(json("{}"));
        let url = format!("http://user:p%40ss@{}/", server.address);
        let key = SigningKey::new(&Secret::new(TOKEN.to_owned()), HmacAlgorithm::Sha1);
        Caller::new(&url, "").call_signed(&key).await;
        let seen = only(&server);
        assert_eq!(seen.header("authorization"), Some("Basic dXNlcjpwQHNz"));
        assert_eq!(seen.header("host"), Some(server.address.to_string().as_str()));
        assert!(accepts(&seen, &server), "the carrier signs without them");
    });
}

#[test]
fn nobody_adds_headers() {
    run(async {
        let server = Hostile::always(json("{}"));
        let caller = Caller::new(&server.url("/"), "");
        let parameters: Params = [("a\r\nX-Evil: 1", "b\r\nX-Evil: 2")].into_iter().collect();
        let webhook = Params::default();
        let call = CallRequest {
            destination: Destination::Function(caller.function()),
            widget: "",
            replaced_url: None,
            content: None,
            credentials: None,
            parameters: &parameters,
            webhook: &webhook,
            webhook_form: None,
            webhook_payload: None,
            cookies: None,
            signing_key: None,
            timeout: Duration::from_secs(5),
            deadline: clock::now() + Duration::from_secs(10),
            idempotency_key: "SM1\r\nX-Evil: 3",
        };
        caller.call_as(call).await;
        let seen = only(&server);
        assert_eq!(seen.header("x-evil"), None);
        assert_eq!(seen.header("idempotency-key"), None, "better none than a forged one");
        assert_eq!(seen.text(), "a%0D%0AX-Evil%3A+1=b%0D%0AX-Evil%3A+2");
    });
}

#[test]
fn a_large_form_arrives_whole() {
    run(async {
        let server = Hostile::always(answer("200 OK", "", ""));
        let caller = Caller::new(&server.url("/"), "");
        let parameters: Params = [("Body", "é".repeat(100_000))].into_iter().collect();
        caller.forward("", &parameters).await;
        let seen = only(&server);
        let expected = format!("Body={}", "%C3%A9".repeat(100_000));
        assert!(seen.text() == expected, "{} bytes", seen.body.len());
    });
}

/// A proxy from the environment would see signed requests, and get round the address check. The
/// variables are set for a child, for those of this process are everybody's.
#[test]
fn proxies_of_the_environment_are_not_asked() {
    if std::env::var_os("HTTP_PROXY").is_some() {
        return run(async {
            let server = Hostile::always(json("{}"));
            assert_eq!(parsed(&Caller::new(&server.url("/"), "").call().await), "{}");
        });
    }
    let proxy = Hostile::always(answer("502 x", "", ""));
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "function::requests::proxies_of_the_environment_are_not_asked"]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
        child.env(name, proxy.url(""));
    }
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    assert_eq!(proxy.connections(), 0);
}
