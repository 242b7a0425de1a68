//! Which key has to have signed: accounts, two tokens, SharedKeys.

use std::path::Path;

use twimlgate::config::{Config, HmacAlgorithm, SharedKey, SignatureMode};
use twimlgate::diagnostics::problem::Source;
use twimlgate::secret::Secret;
use twimlgate::verify::{SigningKey, Verifier, VerifyError, sign_form};

use super::{Request, SID, TOKEN, URL, account, message, server, verifier};

#[test]
fn the_account_that_the_request_names_has_to_have_signed() {
    const OTHER: &str = "AC00000000000000000000000000000002";
    let server = server("public_url = \"https://gw.example.com\"");
    let accounts = vec![account(SID, &[TOKEN]), account(OTHER, &["other"])];
    let verifier = verifier(&server, SignatureMode::Enforce, accounts);
    let signer = |request: &Request| {
        let verification = verifier.verify(request.received());
        verification.map(|verification| verification.webhook.account.unwrap().sid.clone())
    };
    let named =
        |sid: &str, token: &str| Request::post("/sms", &[("AccountSid", sid)]).signed(token, URL);
    assert_eq!(signer(&named(SID, TOKEN)).as_deref(), Ok(SID));
    assert_eq!(signer(&named(OTHER, "other")).as_deref(), Ok(OTHER));
    assert_eq!(signer(&named(SID, "other")), Err(VerifyError::SignatureWrong));
    assert_eq!(signer(&named(OTHER, TOKEN)), Err(VerifyError::SignatureWrong));
    let mut twice = SID.to_owned().into_bytes();
    // Two differences of the same bit.
    twice[30..].iter_mut().for_each(|byte| *byte ^= 1);
    let twice = String::from_utf8(twice).unwrap();
    for unknown in ["AC00000000000000000000000000000003", &twice, &SID[..33], ""] {
        let refused = signer(&named(unknown, TOKEN));
        assert_eq!(refused, Err(VerifyError::AccountUnknown), "{unknown}");
    }
    // The form's own name counts, not one in the URL that the owner configured.
    let both = Request::post(&format!("/sms?AccountSid={SID}"), &[("AccountSid", OTHER)]);
    let url = format!("{URL}?AccountSid={SID}");
    assert_eq!(signer(&both.signed("other", &url)).as_deref(), Ok(OTHER));
    let query = format!("/sms?AccountSid={OTHER}");
    let get = Request::get(&query).signed("other", &format!("https://gw.example.com{query}"));
    assert_eq!(signer(&get).as_deref(), Ok(OTHER));
    // Events name no account: any that is configured may have sent them.
    let unnamed = Request::post("/sms", &[("Body", "x")]).signed("other", URL);
    assert_eq!(signer(&unnamed).as_deref(), Ok(OTHER));
}

#[test]
fn both_tokens_count_while_one_is_rotated() {
    let server = server("public_url = \"https://gw.example.com\"");
    let rotating = account(SID, &["new", "old"]);
    let verifier = verifier(&server, SignatureMode::Enforce, vec![rotating]);
    assert_eq!(message().signed("new", URL).refusal(&verifier), None);
    assert_eq!(message().signed("old", URL).refusal(&verifier), None);
    let older = message().signed("older", URL).refusal(&verifier);
    assert_eq!(older, Some(VerifyError::SignatureWrong));
}

#[test]
fn without_accounts_everything_is_refused() {
    let verifier = verifier(&server(""), SignatureMode::Enforce, Vec::new());
    let request = message().header("host", "h").signed("", "http://h/sms");
    assert_eq!(request.refusal(&verifier), Some(VerifyError::AccountUnknown));
}

/// `${SECOND:-}` is how a token is written that is there only while one is rotated.
#[test]
fn an_empty_token_is_no_token() {
    let text = "[server]\npublic_url = \"https://gw.example.com\"\n[[account]]\n\
                sid = \"AC00000000000000000000000000000001\"\n\
                auth_tokens = [\"${FIRST}\", \"${SECOND:-}\"]\n";
    let first = |name: &str| (name == "FIRST").then(|| TOKEN.to_owned());
    let source = Source::new("config.toml", text);
    let (config, problems) = Config::parse(&source, Path::new(""), &first);
    assert!(!problems.any_error(), "{problems}");
    let config = config.unwrap();
    let verifier = Verifier::new(&config.server, config.signature, &config.accounts);
    assert_eq!(message().signed(TOKEN, URL).refusal(&verifier), None);
    let forged = message().signed("", URL).refusal(&verifier);
    assert_eq!(forged, Some(VerifyError::SignatureWrong));
}

/// A message signed with a SharedKey, under this settings header.
fn shared(secret: &str, algorithm: HmacAlgorithm, settings: &str) -> Request {
    let key = SigningKey::new(&Secret::new(secret.to_owned()), algorithm);
    let pairs = [("AccountSid", SID), ("Body", "hi there"), ("ToZip", "")];
    let request = message().header("x-twilio-signature", sign_form(&key, URL, pairs));
    request.header("x-twilio-webhooks-signature-settings", settings)
}

#[test]
fn a_shared_key_signs_with_its_own_algorithm_alone() {
    use HmacAlgorithm::{Sha1, Sha256};
    let server = server("public_url = \"https://gw.example.com\"");
    let shared_key = |id: &str, secret: &str, algorithm| SharedKey {
        id: id.to_owned(),
        secret: Secret::new(secret.to_owned()),
        algorithm,
    };
    let mut account = account(SID, &[TOKEN]);
    account.shared_keys = vec![shared_key("k1", "one", Sha1), shared_key("k256", "two", Sha256)];
    let verifier = verifier(&server, SignatureMode::Enforce, vec![account]);
    let refusal =
        |secret, algorithm, settings| shared(secret, algorithm, settings).refusal(&verifier);
    assert_eq!(refusal("two", Sha256, "key=k256,algorithm=HMAC_SHA256"), None);
    assert_eq!(refusal("two", Sha256, " key = k256 , algorithm = hmac_sha256 "), None);
    assert_eq!(refusal("two", Sha256, "algorithm=HMAC_SHA256"), None);
    assert_eq!(refusal("one", Sha1, "key=k1,algorithm=HMAC_SHA1"), None);
    // Without an algorithm the auth token signs, and only it.
    assert_eq!(refusal(TOKEN, Sha1, "key=k256"), None);
    assert_eq!(refusal(TOKEN, Sha1, ""), None);
    let wrong = Some(VerifyError::SignatureWrong);
    assert_eq!(refusal("one", Sha1, "key=k1"), wrong);
    assert_eq!(refusal("two", Sha1, ""), wrong);
    // The header cannot bring a key down to SHA-1, up to SHA-256, or to another key.
    let unknown = Some(VerifyError::KeyUnknown);
    assert_eq!(refusal("two", Sha1, "key=k256,algorithm=HMAC_SHA1"), unknown);
    assert_eq!(refusal("one", Sha256, "key=k1,algorithm=HMAC_SHA256"), unknown);
    assert_eq!(refusal(TOKEN, Sha256, "key=k3,algorithm=HMAC_SHA256"), unknown);
    assert_eq!(refusal("two", Sha1, "algorithm=HMAC_SHA1"), wrong);
    assert_eq!(refusal("one", Sha1, "key=k256,algorithm=HMAC_SHA1"), unknown);
    assert_eq!(refusal(TOKEN, Sha1, "key=k1,algorithm=HMAC_SHA1"), wrong);
    let malformed = Some(VerifyError::SignatureMalformed);
    assert_eq!(refusal("two", Sha256, "key=k256"), malformed);
    assert_eq!(refusal(TOKEN, Sha1, "key=k256,algorithm=HMAC_SHA256"), malformed);
    let algorithm = Some(VerifyError::AlgorithmUnknown);
    assert_eq!(refusal("two", Sha256, "key=k256,algorithm=HMAC_MD5"), algorithm);
    assert_eq!(refusal("two", Sha256, "key=k256,algorithm=none"), algorithm);
    let settings = "x-twilio-webhooks-signature-settings";
    let twice = shared("two", Sha256, "key=k256,algorithm=HMAC_SHA256").header(settings, "");
    let repeated = VerifyError::HeaderRepeated("X-Twilio-Webhooks-Signature-Settings");
    assert_eq!(twice.refusal(&verifier), Some(repeated));
}

#[test]
fn an_account_of_shared_keys_alone_cannot_be_brought_down_to_a_token() {
    let server = server("public_url = \"https://gw.example.com\"");
    let mut account = account(SID, &[]);
    account.shared_keys = vec![SharedKey {
        id: "k256".to_owned(),
        secret: Secret::new("two".to_owned()),
        algorithm: HmacAlgorithm::Sha256,
    }];
    let verifier = verifier(&server, SignatureMode::Enforce, vec![account]);
    for token in ["two", "", TOKEN] {
        let refusal = message().signed(token, URL).refusal(&verifier);
        assert_eq!(refusal, Some(VerifyError::KeyUnknown));
    }
    let good = shared("two", HmacAlgorithm::Sha256, "key=k256,algorithm=HMAC_SHA256");
    assert_eq!(good.refusal(&verifier), None);
}
