//! The gateway's check: the signature's header, bodies, modes.

use twimlgate::config::{HmacAlgorithm, SignatureMode};
use twimlgate::secret::Secret;
use twimlgate::verify::{Proof, SigningKey, Verification, VerifyError, add_body_hash, sign_url};
use twimlgate::webhook::FormError;

use super::{FORM, Request, SID, TOKEN, URL, account, message, server, usual, verifier};

fn signature_of(request: &Request) -> String {
    let signed = request.clone().signed(TOKEN, URL);
    signed.headers.last().unwrap().1.clone()
}

#[test]
fn a_signed_message_becomes_a_webhook_that_is_read_once() {
    let request = message().header("i-twilio-idempotency-token", "t-1").signed(TOKEN, URL);
    let Verification { webhook, proof } = usual().verify(request.received()).unwrap();
    assert_eq!(proof, Proof::Signed);
    assert_eq!(webhook.account.as_ref().unwrap().sid, SID);
    assert_eq!((webhook.path.as_str(), webhook.param("Body")), ("/sms", Some("hi there")));
    assert_eq!(webhook.param("ToZip"), Some(""));
    assert_eq!(webhook.idempotency_token.as_deref(), Some("t-1"));
    assert_eq!(&webhook.body[..], &request.body[..]);
}

#[test]
fn the_signature_header_comes_once_and_canonical() {
    let verifier = usual();
    let good = signature_of(&message());
    let refusal = |value: String| message().header("x-twilio-signature", value).refusal(&verifier);
    assert_eq!(refusal(good.clone()), None);
    assert_eq!(message().refusal(&verifier), Some(VerifyError::SignatureMissing));
    assert_eq!(refusal(String::new()), Some(VerifyError::SignatureMissing));
    let twice = message().header("x-twilio-signature", good.clone());
    let twice = twice.header("x-twilio-signature", good.clone());
    let repeated = Some(VerifyError::HeaderRepeated("X-Twilio-Signature"));
    assert_eq!(twice.refusal(&verifier), repeated);
    let malformed = [
        format!("{good},{good}"),
        format!("v1,{good}"),
        format!(" {good}"),
        format!("{good}="),
        good.replace('=', ""),
        good.replace('=', "A"),
        good[..27].to_owned(),
        format!("{}\u{e9}", &good[..27]),
        "====".repeat(7),
        "A".repeat(28),
        "A".repeat(100_000),
    ];
    for value in malformed {
        assert_eq!(refusal(value.clone()), Some(VerifyError::SignatureMalformed), "{value}");
    }
    // 20 bytes leave two bits of the last letter unused: the same bytes, another spelling.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let last = alphabet.find(&good[26..27]).unwrap();
    let other = format!("{}{}=", &good[..26], &alphabet[last + 1..last + 2]);
    assert_eq!(refusal(other), Some(VerifyError::SignatureMalformed));
}

#[test]
fn what_has_no_signature_is_refused_before_its_body_is_read() {
    let early = |request: &Request| usual().refuse_early(&request.received().headers).err();
    assert_eq!(early(&message()), Some(VerifyError::SignatureMissing));
    let short = message().header("x-twilio-signature", "RSOY");
    assert_eq!(early(&short), Some(VerifyError::SignatureMalformed));
    let forged = message().header("x-twilio-signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    assert_eq!(early(&forged), None);
    let report = verifier(&server(""), SignatureMode::Report, vec![account(SID, &[TOKEN])]);
    assert!(report.refuse_early(&message().received().headers).is_ok());
}

#[test]
fn a_body_that_is_no_form_needs_its_hash() {
    let verifier = usual();
    let body = "{\"a\": 1}\n";
    let url = add_body_hash("https://gw.example.com/events?x=1", body.as_bytes()).unwrap();
    let target = url.strip_prefix("https://gw.example.com").unwrap();
    let good = Request::json(target, body).signed(TOKEN, &url);
    let webhook = verifier.verify(good.received()).unwrap().webhook;
    assert_eq!(webhook.params, [("a", "1")].into_iter().collect());
    assert_eq!((&webhook.body[..], webhook.query.get("x")), (body.as_bytes(), Some("1")));

    let altered = Request { body: b"{\"a\":1}".to_vec(), ..good.clone() };
    assert_eq!(altered.refusal(&verifier), Some(VerifyError::BodyHashWrong));
    for content_type in ["", "text/plain", "multipart/form-data; boundary=x", "application/JSON"] {
        let mut bare = Request::json("/events", body);
        bare.headers = vec![("content-type", content_type.to_owned())];
        let bare = bare.signed(TOKEN, "https://gw.example.com/events");
        assert_eq!(bare.refusal(&verifier), Some(VerifyError::BodyHashMissing), "{content_type}");
    }
    for (query, refusal) in [
        (target.to_owned(), None),
        (
            target.replace("bodySHA256=", "bodySHA256=00&bodySHA256="),
            Some(VerifyError::BodyHashWrong),
        ),
        (
            target.replace("bodySHA256=", "bodySHA256=&bodySHA256="),
            Some(VerifyError::BodyHashWrong),
        ),
        (
            target.to_uppercase().replace("BODYSHA256", "bodySHA256"),
            Some(VerifyError::BodyHashWrong),
        ),
        (target.replace("bodySHA256", "bodysha256"), Some(VerifyError::BodyHashMissing)),
        (target.replace("bodySHA256", "body%53HA256"), None),
        (format!("{target}&bodySHA256=00"), None),
    ] {
        let request = Request::json(&query, body);
        let request = request.signed(TOKEN, &format!("https://gw.example.com{query}"));
        assert_eq!(request.refusal(&verifier), refusal, "{query}");
    }
}

#[test]
fn a_form_with_a_hash_is_still_a_form() {
    let url = add_body_hash(URL, b"Body=forged").unwrap();
    let target = url.strip_prefix("https://gw.example.com").unwrap();
    let key = SigningKey::new(&Secret::new(TOKEN.to_owned()), HmacAlgorithm::Sha1);
    let request = Request::post(target, &[("Body", "forged")]);
    let request = request.header("x-twilio-signature", sign_url(&key, &url));
    assert_eq!(request.refusal(&usual()), Some(VerifyError::SignatureWrong));
}

#[test]
fn a_get_is_its_url_and_its_body_is_dropped() {
    let url = "https://gw.example.com/sms?own=1&From=%2B15550100&Body=a+b";
    let mut request = Request::get("/sms?own=1&From=%2B15550100&Body=a+b").signed(TOKEN, url);
    request.body = b"Body=forged".to_vec();
    request = request.header("content-type", FORM);
    let webhook = usual().verify(request.received()).unwrap().webhook;
    assert_eq!((webhook.param("Body"), webhook.param("From")), (Some("a b"), Some("+15550100")));
    assert_eq!(webhook.query, webhook.params);
    assert!(webhook.body.is_empty());
}

#[test]
fn what_cannot_be_read_is_told_apart_from_what_is_not_proven() {
    for mode in [SignatureMode::Enforce, SignatureMode::Report, SignatureMode::Off] {
        let verifier = verifier(&server(""), mode, vec![account(SID, &[TOKEN])]);
        let refusal = |content_type: &str, body: &[u8]| {
            let mut request = Request::post("/sms", &[]).header("x-twilio-signature", "x");
            request.headers[0].1 = content_type.to_owned();
            request.body = body.to_vec();
            request.refusal(&verifier).filter(|error| error.is_unreadable())
        };
        let many = "a=1&".repeat(10_000);
        let too_many = Some(VerifyError::Form(FormError::TooManyParameters));
        assert_eq!(refusal(FORM, many.as_bytes()), too_many);
        let not_utf8 = Some(VerifyError::Form(FormError::NotUtf8));
        assert_eq!(refusal(FORM, b"Body=\xff"), not_utf8);
        assert_eq!(refusal(FORM, b"Body=%ff"), not_utf8);
        let latin1 = format!("{FORM}; charset=iso-8859-1");
        assert_eq!(refusal(&latin1, b"Body=%e9"), Some(VerifyError::Charset));
        assert_eq!(refusal("\u{e9}", b"a=1"), Some(VerifyError::ContentType));
    }
    for content_type in [
        "application/x-www-form-urlencoded; charset=UTF-8",
        "Application/X-WWW-Form-URLencoded;charset=\"utf-8\"",
        "application/x-www-form-urlencoded ; boundary=x",
    ] {
        let mut request = message().signed(TOKEN, URL);
        request.headers[0].1 = content_type.to_owned();
        assert_eq!(request.refusal(&usual()), None, "{content_type}");
    }
    let twice = message().header("content-type", "application/json").signed(TOKEN, URL);
    assert_eq!(twice.refusal(&usual()), Some(VerifyError::ContentType));
}

#[test]
fn report_answers_and_says_why_it_would_have_refused() {
    let server = server("public_url = \"https://gw.example.com\"");
    let verifier = verifier(&server, SignatureMode::Report, vec![account(SID, &[TOKEN])]);
    let good = verifier.verify(message().signed(TOKEN, URL).received()).unwrap();
    assert_eq!(good.proof, Proof::Signed);
    let forged = verifier.verify(message().signed("x", URL).received()).unwrap();
    assert_eq!(forged.proof, Proof::Unproven(VerifyError::SignatureWrong));
    assert_eq!(forged.webhook.account.unwrap().sid, SID);
    let unsigned = verifier.verify(message().received()).unwrap();
    assert_eq!(unsigned.proof, Proof::Unproven(VerifyError::SignatureMissing));
    let json = verifier.verify(Request::json("/e", "{}").signed(TOKEN, URL).received()).unwrap();
    assert_eq!(json.proof, Proof::Unproven(VerifyError::BodyHashMissing));
}

#[test]
fn off_looks_at_nothing_and_still_knows_the_account() {
    const OTHER: &str = "AC00000000000000000000000000000002";
    let accounts = || vec![account(SID, &[TOKEN]), account(OTHER, &["other"])];
    let off = verifier(&server(""), SignatureMode::Off, accounts());
    let account = |pairs: &[(&str, &str)]| {
        let received = Request::post("/sms", pairs).received();
        let Verification { webhook, proof } = off.verify(received).unwrap();
        assert_eq!(proof, Proof::Unchecked);
        webhook.account.unwrap().sid.clone()
    };
    assert_eq!(account(&[("AccountSid", OTHER)]), OTHER);
    assert_eq!(account(&[("AccountSid", "AC9")]), SID);
    assert_eq!(account(&[]), SID);
    let accountless = verifier(&server(""), SignatureMode::Off, Vec::new());
    assert!(accountless.verify(message().received()).unwrap().webhook.account.is_none());
}

#[test]
fn no_refusal_and_no_debug_output_shows_a_secret_or_the_request() {
    let server = server("public_url = \"https://gw.example.com\"");
    let verifier = verifier(&server, SignatureMode::Enforce, vec![account(SID, &["s3cr3t"])]);
    let request = Request::post("/canary", &[("Body", "canary")]).signed("canary", URL);
    let error = request.refusal(&verifier).unwrap();
    let text = format!("{error} {error:?} {verifier:?}");
    assert!(!text.contains("canary") && !text.contains("s3cr3t"), "{text}");
}
