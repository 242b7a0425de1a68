//! Signatures: `Verifier::verify` accepts exactly what a second, plain implementation accepts.
//!
//! An input is a request as text: a line `site NUMBER` (the configured URL, and who asks), the
//! request line, headers, an empty line, the body. It is signed here in one of the ways in which
//! the carrier signs, and then altered: URL, names, values, headers, signature.
//!
//! A finding is a request of which the two do not say the same, or a signed one that is refused
//! for its signature.

mod plain;

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use twimlgate::config::{Account, Config, ServerSection, SignatureMode};
use twimlgate::diagnostics::problem::Source;
use twimlgate::verify::{Verification, Verifier, VerifyError};
use twimlgate::webhook::Received;

use super::random::Random;
use super::{Judged, Seen, Target, as_bytes, ensure, text};
use plain::{KEYS, Site};

pub(crate) static TARGET: Target = Target {
    name: "signature",
    tokens: &[
        "site 1\n",
        "site 2\n",
        "site 3\n",
        "POST ",
        "GET ",
        "/",
        "?",
        "&",
        "=",
        "%20",
        "%2B",
        "+",
        "é",
        ":443",
        ":80",
        "//",
        "#",
        "@",
        "\n\n",
        "bodySHA256=",
        "AccountSid=ACa",
        "AccountSid=ACb",
        "AccountSid=",
        "Body=",
        "a=b&a=c",
        "a=b&a=b",
        "Content-Type: application/x-www-form-urlencoded\n",
        "Content-Type: application/json\n",
        "Content-Type: text/plain; charset=x\n",
        "; charset=utf-8",
        "; charset=latin1",
        "Host: gate.example\n",
        "Host: [::1]:8080\n",
        "X-Forwarded-Proto: https\n",
        "X-Forwarded-Host: other.example:99\n",
        "X-Forwarded-Port: 444\n",
        ", ",
        "X-Twilio-Webhooks-Signature-Settings: key=k1,algorithm=HMAC_SHA256\n",
        "X-Twilio-Webhooks-Signature-Settings: algorithm=HMAC_SHA1\n",
        "X-Twilio-Signature: \n",
    ],
    seeds: super::no_seeds,
    grow: as_bytes,
    judge,
};

/// A request as it arrives, in parts that can be changed one by one.
#[derive(Clone, Debug)]
struct Request {
    site: usize,
    method: Method,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

const SIGNATURE: &str = "x-twilio-signature";

fn judge(input: &[u8]) -> Judged {
    let mut seen = Seen::default();
    let Some(request) = Request::parse(input) else { return Ok(seen) };
    let mut random = Random::of(input);
    let before = check(&request, &mut seen)?;
    if request.headers.iter().any(|(name, _)| name == SIGNATURE) {
        return Ok(seen);
    }
    let site = plain::site(request.site);
    for key in 0..KEYS.len() {
        let texts = plain::texts(&site, &request);
        let Ok(texts) = texts else { break };
        let signature = plain::sign(key, random.pick::<String>(&texts));
        let mut signed = request.clone();
        signed.headers.push((SIGNATURE.to_owned(), signature));
        let verdict = check(&signed, &mut seen)?;
        seen.note((key, before == verdict));
        for _ in 0..3 {
            let mut altered = signed.clone();
            altered.alter(&mut random);
            check(&altered, &mut Seen::default())?;
        }
    }
    Ok(seen)
}

/// Asks both; whether they accept it.
fn check(request: &Request, seen: &mut Seen) -> Result<bool, String> {
    let site = plain::site(request.site);
    let Some(received) = request.received(&site) else { return Ok(false) };
    let expected = plain::accepts(&site, request);
    let verifier = Verifier::new(&server(&site), SignatureMode::Enforce, accounts());
    let early = verifier.refuse_early(&received.headers);
    let verdict = verifier.verify(received);
    let refused = verdict.as_ref().err().map(|error| error.name());
    seen.note((refused, request.site));
    match (&verdict, expected) {
        (Ok(Verification { webhook, .. }), Ok(account)) => {
            ensure!(early.is_ok(), "refused early: {early:?}");
            let found = webhook.account.as_ref().map(|found| found.sid.as_str());
            ensure!(found == Some(account), "another account: {found:?}, expected {account}");
            Ok(true)
        }
        (Err(_), Err(_)) => Ok(false),
        (Ok(_), Err(why)) => Err(format!("forged: accepted, expected {why}: {request:?}")),
        (Err(VerifyError::Form(_)), Ok(_)) => Err(format!("unreadable: {refused:?}: {request:?}")),
        (Err(_), Ok(account)) => {
            Err(format!("refused: {refused:?}, expected {account}: {request:?}"))
        }
    }
}

impl Request {
    fn parse(input: &[u8]) -> Option<Request> {
        let end = input.windows(2).position(|two| two == b"\n\n")?;
        let head = text(&input[..end]).into_owned();
        let mut lines = head.lines();
        let site = lines.next()?.strip_prefix("site ")?.parse().ok()?;
        let (method, target) = lines.next()?.split_once(' ')?;
        let method = if method == "GET" { Method::GET } else { Method::POST };
        let header = |line: &str| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_ascii_lowercase(), value.to_owned()))
        };
        let headers = lines.filter_map(header).collect();
        let (target, body) = (target.to_owned(), input[end + 2..].to_vec());
        Some(Request { site, method, target, headers, body })
    }

    /// The same for the gateway; `None` where no HTTP could have brought it.
    fn received(&self, site: &Site) -> Option<Received> {
        let visible = |byte: u8| byte > b' ' && byte != 0x7f && byte != b'#';
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::try_from(name.as_str()).ok()?;
            headers.append(name, HeaderValue::from_str(value).ok()?);
        }
        self.target.bytes().all(visible).then(|| Received {
            method: self.method.clone(),
            target: self.target.clone(),
            headers,
            peer: site.proxied.then_some(IpAddr::from([10, 0, 0, 7])),
            body: self.body.clone().into(),
        })
    }

    /// Changes one thing.
    fn alter(&mut self, random: &mut Random) {
        let letter = *random.pick(&['a', 'A', '0', '=', '&', '+', '/', '?', ':', '1']);
        let change = |text: &mut String, random: &mut Random| {
            let at = random.below(text.len() + 1);
            if text.is_char_boundary(at) {
                match random.below(3) {
                    0 if at < text.len() => drop(text.remove(at)),
                    1 => drop(text.split_off(at)),
                    _ => text.insert(at, letter),
                }
            }
        };
        match random.below(8) {
            0..3 => {
                let header = self.headers.iter_mut().find(|(name, _)| name == SIGNATURE);
                header.into_iter().for_each(|(_, value)| change(value, random));
            }
            3 => change(&mut self.target, random),
            4 => {
                let index = random.below(self.headers.len());
                let header = self.headers.get_mut(index);
                header.into_iter().for_each(|(_, value)| change(value, random));
            }
            5 => self.site += 1,
            6 => {
                let at = random.below(self.body.len() + 1);
                self.body.insert(at, letter as u8);
            }
            _ => {
                let at = random.below(self.body.len());
                self.body.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1);
            }
        }
    }
}

/// The accounts of all sites, with the keys of [`KEYS`].
fn accounts() -> &'static [Arc<Account>] {
    &config().accounts
}

fn server(site: &Site) -> ServerSection {
    let mut server = config().server.clone();
    server.public_url = site.configured();
    if site.proxied {
        server.trusted_proxies = vec!["10.0.0.0/8".parse().expect("it is a range")];
    }
    server
}

fn config() -> &'static Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    CONFIG.get_or_init(|| {
        let text = r#"
            [[account]]
            sid = "AC0000000000000000000000000000000a"
            auth_tokens = ["token-one", "token-two"]
            [[account.shared_key]]
            id = "k1"
            secret = "shared-one"
            algorithm = "HMAC_SHA256"
            [[account]]
            sid = "AC0000000000000000000000000000000b"
            auth_tokens = ["token-three"]
            [[account.shared_key]]
            id = "k2"
            secret = "shared-two"
            algorithm = "HMAC_SHA1"
        "#;
        let source = Source::new("signature.toml", text);
        let (config, problems) = Config::parse(&source, super::root(), &|_| None);
        let mut config = config.unwrap_or_else(|| panic!("{problems}"));
        // Short names: the inputs of the corpus have them.
        for (account, sid) in config.accounts.iter_mut().zip(["ACa", "ACb"]) {
            Arc::get_mut(account).expect("nothing else has it").sid = sid.to_owned();
        }
        config
    })
}
