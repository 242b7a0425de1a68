//! Every vector of `tests/signatures/twilio.json`, through the gateway's check and through that of
//! `twimlgate verify`.

use actix_web::http::Method;
use serde::Deserialize;
use twimlgate::config::{HmacAlgorithm, SharedKey, SignatureMode};
use twimlgate::secret::Secret;
use twimlgate::verify::explain::SignedRequest;
use twimlgate::verify::{SigningKey, sign_form};
use twimlgate::webhook::Params;

use super::{FORM, Request, SID, account, server, verifier};

#[derive(Deserialize)]
struct File {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    id: String,
    key: String,
    method: String,
    url: String,
    content_type: Option<String>,
    #[serde(default)]
    params: Vec<(String, String)>,
    body: Option<String>,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
    signature: String,
    expected: bool,
}

fn vectors() -> Vec<Vector> {
    let file: File = serde_json::from_str(include_str!("../../signatures/twilio.json")).unwrap();
    file.vectors
}

impl Vector {
    fn body(&self) -> Vec<u8> {
        let params: Params = self.params.iter().map(|(name, value)| (name, value)).collect();
        self.body.clone().unwrap_or_else(|| params.encode()).into_bytes()
    }

    fn content_type(&self) -> &str {
        self.content_type.as_deref().unwrap_or(FORM)
    }

    fn settings(&self) -> Option<&String> {
        self.headers.get("X-Twilio-Webhooks-Signature-Settings")
    }

    /// Whether the gateway itself accepts it.
    fn accepted(&self) -> bool {
        let authority = self.url.find("://").map(|at| at + 3).unwrap();
        let path = self.url[authority..].find(['/', '?']).map(|at| authority + at);
        let (public_url, target) = self.url.split_at(path.unwrap_or(self.url.len()));
        let mut server = server("");
        server.public_url = Some(public_url.to_owned());
        let named = self.params.iter().find(|(name, _)| name == "AccountSid");
        let mut account = account(named.map_or(SID, |(_, sid)| sid), &[&self.key]);
        account.shared_keys.push(SharedKey {
            id: "webhooks_sharedkey_01".to_owned(),
            secret: Secret::new(self.key.clone()),
            algorithm: HmacAlgorithm::Sha256,
        });
        let verifier = verifier(&server, SignatureMode::Enforce, vec![account]);

        // On the wire there is no request without a path.
        let slash = if target.starts_with('/') { "" } else { "/" };
        let mut request = Request::get(&format!("{slash}{target}"));
        request.method = self.method.parse().unwrap();
        request.body = self.body();
        if self.method == "POST" {
            request = request.header("content-type", self.content_type());
        }
        if !self.signature.is_empty() {
            request = request.header("x-twilio-signature", self.signature.clone());
        }
        if let Some(settings) = self.settings() {
            request = request.header("x-twilio-webhooks-signature-settings", settings.clone());
        }
        request.refusal(&verifier).is_none()
    }

    /// Whether `twimlgate verify` accepts it. It knows no settings header.
    fn accepted_by_command(&self) -> bool {
        let case = SignedRequest {
            url: self.url.clone(),
            method: self.method.parse::<Method>().unwrap(),
            content_type: self.content_type().to_owned(),
            body: self.body(),
            signature: self.signature.clone(),
            tokens: vec![Secret::new(self.key.clone())],
            algorithm: match self.settings() {
                Some(_) => HmacAlgorithm::Sha256,
                None => HmacAlgorithm::Sha1,
            },
        };
        case.check().is_ok()
    }
}

#[test]
fn every_vector_gets_its_verdict() {
    let vectors = vectors();
    assert!(vectors.len() >= 72);
    for vector in &vectors {
        assert_eq!(vector.accepted(), vector.expected, "{}", vector.id);
        // The command is told the algorithm; that a header names an unknown one is not its matter.
        if vector.id != "sharedkey/unknown-alg" {
            assert_eq!(vector.accepted_by_command(), vector.expected, "{}", vector.id);
        }
    }
}

/// Signed URLs of one carrier, and the URL that the owner gives to the gateway and to the command.
#[test]
fn the_gateway_and_the_command_decide_alike_about_a_url_without_a_path() {
    let host = "https://gw.example.com";
    for (signed, given, expected) in [
        ("", "/", true),
        ("/", "", true),
        ("", "", true),
        ("?a=1", "/?a=1", true),
        ("/?a=1", "?a=1", true),
        (":443", "/", true),
        (":443/?a=1", "?a=1", true),
        ("/sms", "/sms/", false),
        ("/sms/", "/sms", false),
        ("?a=1", "?a=2", false),
        ("//", "/", false),
    ] {
        let params = vec![("AccountSid".to_owned(), SID.to_owned())];
        let key = SigningKey::new(&Secret::new("12345".to_owned()), HmacAlgorithm::Sha1);
        let pairs = params.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let vector = Vector {
            id: String::new(),
            key: "12345".to_owned(),
            method: "POST".to_owned(),
            url: format!("{host}{given}"),
            content_type: None,
            signature: sign_form(&key, &format!("{host}{signed}"), pairs),
            params,
            body: None,
            headers: Default::default(),
            expected,
        };
        let verdicts = (vector.accepted(), vector.accepted_by_command());
        assert_eq!(verdicts, (expected, expected), "{signed} {given}");
    }
}
