//! Stage 2 from outside: what is accepted, and that nothing else is.

mod cli;
mod gateway;
mod keys;
mod origin;
mod property;
mod refusals;
mod vectors;

use std::path::Path;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use twimlgate::config::{Account, Config, HmacAlgorithm, ServerSection, SignatureMode};
use twimlgate::diagnostics::problem::Source;
use twimlgate::secret::Secret;
use twimlgate::verify::{SigningKey, Verifier, VerifyError, sign_form};
use twimlgate::webhook::{Params, Received};

const FORM: &str = "application/x-www-form-urlencoded";
const SID: &str = "AC00000000000000000000000000000001";
const TOKEN: &str = "12345";
const URL: &str = "https://gw.example.com/sms";

/// The server section of a configuration.
fn server(toml: &str) -> ServerSection {
    let text = format!("[signature]\nmode = \"off\"\n[server]\n{toml}\n");
    let (config, problems) =
        Config::parse(&Source::new("config.toml", &text), Path::new(""), &|_| None);
    config.unwrap_or_else(|| panic!("{problems}")).server
}

fn account(sid: &str, tokens: &[&str]) -> Account {
    let auth_tokens = tokens.iter().map(|token| Secret::new((*token).to_owned())).collect();
    Account { sid: sid.to_owned(), auth_tokens, api_url: None, shared_keys: Vec::new() }
}

fn verifier(server: &ServerSection, mode: SignatureMode, accounts: Vec<Account>) -> Verifier {
    let accounts: Vec<_> = accounts.into_iter().map(Arc::new).collect();
    Verifier::new(server, mode, &accounts)
}

/// A verifier as most have it: one public URL, one account, one token.
fn usual() -> Verifier {
    let server = server("public_url = \"https://gw.example.com\"");
    verifier(&server, SignatureMode::Enforce, vec![account(SID, &[TOKEN])])
}

/// A message as the carrier posts it to [`URL`], not signed yet.
fn message() -> Request {
    Request::post("/sms", &[("AccountSid", SID), ("Body", "hi there"), ("ToZip", "")])
}

/// A request in the making.
#[derive(Clone)]
struct Request {
    method: Method,
    target: String,
    headers: Vec<(&'static str, String)>,
    peer: &'static str,
    body: Vec<u8>,
}

impl Request {
    /// A form posted to `target`, not signed yet.
    fn post(target: &str, pairs: &[(&str, &str)]) -> Request {
        let params: Params = pairs.iter().copied().collect();
        Request {
            method: Method::POST,
            target: target.to_owned(),
            headers: vec![("content-type", FORM.to_owned())],
            peer: "192.0.2.1",
            body: params.encode().into_bytes(),
        }
    }

    fn get(target: &str) -> Request {
        let (method, headers) = (Method::GET, Vec::new());
        Request { method, headers, body: Vec::new(), ..Request::post(target, &[]) }
    }

    fn json(target: &str, body: &str) -> Request {
        let headers = vec![("content-type", "application/json".to_owned())];
        Request { headers, body: body.as_bytes().to_vec(), ..Request::post(target, &[]) }
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Request {
        self.headers.push((name, value.into()));
        self
    }

    fn from(mut self, peer: &'static str) -> Request {
        self.peer = peer;
        self
    }

    /// Signed with the token over this URL and what the request itself would have signed.
    fn signed(self, token: &str, url: &str) -> Request {
        let params = match self.headers.iter().any(|(_, value)| value.starts_with(FORM)) {
            true => Params::decode(&self.body).expect("tests sign readable forms"),
            false => Params::default(),
        };
        let key = SigningKey::new(&Secret::new(token.to_owned()), HmacAlgorithm::Sha1);
        let signature = sign_form(&key, url, params.iter());
        self.header("x-twilio-signature", signature)
    }

    fn received(&self) -> Received {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header value");
            headers.append(HeaderName::from_static(name), value);
        }
        Received {
            method: self.method.clone(),
            target: self.target.clone(),
            headers,
            peer: Some(self.peer.parse().expect("an address")),
            body: self.body.clone().into(),
        }
    }

    /// `None`: accepted.
    fn refusal(&self, verifier: &Verifier) -> Option<VerifyError> {
        verifier.verify(self.received()).err()
    }
}
