//! How long the signature check takes: `cargo bench --bench verify`.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use twimlgate::clock;
use twimlgate::config::{Account, Config, HmacAlgorithm, SignatureMode};
use twimlgate::diagnostics::problem::Source;
use twimlgate::secret::Secret;
use twimlgate::verify::{SigningKey, Verifier, sign_form};
use twimlgate::webhook::{Params, Received};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A message as Twilio sends it: 20 parameters.
const FORM: &str = "ToCountry=US&ToState=CA&SmsMessageSid=SM0123456789abcdef0123456789abcdef\
    &NumMedia=0&ToCity=&FromZip=94105&SmsSid=SM0123456789abcdef0123456789abcdef&FromState=CA\
    &SmsStatus=received&FromCity=SAN+FRANCISCO&Body=hello+there%2C+how+are+you%3F&FromCountry=US\
    &To=%2B15550100&ToZip=&NumSegments=1&MessageSid=SM0123456789abcdef0123456789abcdef\
    &AccountSid=AC0123456789abcdef0123456789abcdef&From=%2B15550101&ApiVersion=2010-04-01\
    &MessagingServiceSid=MG0123456789abcdef0123456789abcdef";

/// Many short rounds: on a busy machine some of them are left alone.
const ROUNDS: usize = 400;
const CHECKS: u32 = 1_000;

fn main() {
    let source = Source::new("config.toml", "[signature]\nmode = \"off\"\n");
    let (config, problems) = Config::parse(&source, Path::new(""), &|_| None);
    let mut server = config.unwrap_or_else(|| panic!("{problems}")).server;
    server.public_url = Some("https://phone.example.com".to_owned());
    let token = Secret::new("a1b2c3d4e5f60718293a4b5c6d7e8f90".to_owned());
    let account = Account {
        api_url: None,
        sid: "AC0123456789abcdef0123456789abcdef".to_owned(),
        auth_tokens: vec![token.clone()],
        shared_keys: Vec::new(),
    };
    let accounts = [Arc::new(account)];
    let key = SigningKey::new(&token, HmacAlgorithm::Sha1);
    let params = Params::decode(FORM.as_bytes()).expect("the form is UTF-8");
    let url = "https://phone.example.com/sms";
    let signed: usize =
        url.len() + params.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    println!("{} parameters, {signed} bytes signed", params.len());

    let signature = sign_form(&key, url, params.iter());
    let with_port = sign_form(&key, "https://phone.example.com:443/sms", params.iter());
    let wrong = sign_form(&key, "https://elsewhere.example.com/sms", params.iter());
    let enforce = Verifier::new(&server, SignatureMode::Enforce, &accounts);
    let off = Verifier::new(&server, SignatureMode::Off, &accounts);
    report("whole check, first URL fits", || check(&enforce, &signature), true);
    report("whole check, second URL fits", || check(&enforce, &with_port), true);
    report("whole check, refused", || check(&enforce, &wrong), false);
    report("mode off: the form is read, nothing is checked", || check(&off, &wrong), true);
    let make = || black_box(received(&signature)).body.len() == FORM.len();
    report("making the request, which is part of the times above", make, true);
    let decode = || Params::decode(black_box(FORM.as_bytes())).is_ok();
    report("decoding the form alone", decode, true);
    let sign = || sign_form(&key, black_box(url), params.iter()).len() == 28;
    report("sign_form", sign, true);
    let early = || enforce.refuse_early(black_box(&HeaderMap::new())).is_ok();
    report("refuse_early, no signature", early, false);
}

fn check(verifier: &Verifier, signature: &str) -> bool {
    verifier.verify(received(signature)).is_ok()
}

/// Making the request costs time, too, which the server pays elsewhere: `main` reports it apart.
fn received(signature: &str) -> Received {
    let mut headers = HeaderMap::with_capacity(4);
    let form = HeaderValue::from_static("application/x-www-form-urlencoded; charset=UTF-8");
    headers.insert(CONTENT_TYPE, form);
    let value = HeaderValue::from_str(signature).expect("base64 is ASCII");
    headers.insert(HeaderName::from_static("x-twilio-signature"), value);
    Received {
        method: Method::POST,
        target: "/sms".to_owned(),
        headers,
        peer: None,
        body: FORM.as_bytes().into(),
    }
}

/// The best round: noise only adds.
fn report(what: &str, run: impl Fn() -> bool, expected: bool) {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = clock::now();
        for _ in 0..CHECKS {
            assert_eq!(black_box(run()), expected, "{what}");
        }
        best = best.min(start.elapsed().as_nanos() as f64 / f64::from(CHECKS));
    }
    println!("{best:8.0} ns  {what}");
}
