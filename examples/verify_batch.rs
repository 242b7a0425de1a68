//! For `tests/differential/signature/run`: one request per line of JSON in, one verdict per line
//! out, through the same `Verifier` that `serve` uses.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use twimlgate::config::{Account, Config, HmacAlgorithm, ServerSection, SharedKey, SignatureMode};
use twimlgate::diagnostics::problem::Source;
use twimlgate::secret::Secret;
use twimlgate::verify::Verifier;
use twimlgate::webhook::Received;

/// One line. The URL is split into what is configured and what is requested.
#[derive(Deserialize)]
struct Request {
    token: String,
    shared_key: Option<String>,
    public_url: String,
    target: String,
    method: String,
    content_type: Option<String>,
    body: String,
    signature: Option<String>,
    settings: Option<String>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let source = Source::new("config.toml", "[signature]\nmode = \"off\"\n");
    let (config, problems) = Config::parse(&source, Path::new(""), &|_| None);
    let server = config.ok_or_else(|| problems.to_string())?.server;
    let mut verifiers = BTreeMap::new();
    let mut out = BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let name = (request.public_url.clone(), request.token.clone(), request.shared_key.clone());
        let verifier = verifiers.entry(name).or_insert_with(|| verifier(&server, &request));
        match verifier.verify(received(request)?) {
            Ok(_) => writeln!(out, "accepted")?,
            Err(error) => writeln!(out, "{}", error.name())?,
        }
    }
    Ok(())
}

fn verifier(server: &ServerSection, request: &Request) -> Verifier {
    let mut server = server.clone();
    server.public_url = Some(request.public_url.clone());
    let shared_key = |(id, algorithm)| SharedKey {
        id,
        secret: Secret::new(request.shared_key.clone().unwrap_or_default()),
        algorithm,
    };
    let keys = [("k1".to_owned(), HmacAlgorithm::Sha1), ("k256".to_owned(), HmacAlgorithm::Sha256)];
    let account = Account {
        api_url: None,
        sid: "AC00000000000000000000000000000001".to_owned(),
        auth_tokens: vec![Secret::new(request.token.clone())],
        shared_keys: if request.shared_key.is_some() {
            keys.into_iter().map(shared_key).collect()
        } else {
            Vec::new()
        },
    };
    Verifier::new(&server, SignatureMode::Enforce, &[Arc::new(account)])
}

fn received(request: Request) -> Result<Received, Box<dyn std::error::Error>> {
    let mut headers = HeaderMap::new();
    let fields = [
        (CONTENT_TYPE, request.content_type),
        (HeaderName::from_static("x-twilio-signature"), request.signature),
        (HeaderName::from_static("x-twilio-webhooks-signature-settings"), request.settings),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            headers.append(name, HeaderValue::from_bytes(value.as_bytes())?);
        }
    }
    Ok(Received {
        method: request.method.parse::<Method>()?,
        target: request.target,
        headers,
        peer: None,
        body: request.body.into_bytes().into(),
    })
}
