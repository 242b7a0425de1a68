//! What the log says of refused requests: where the URL comes from, and the likeliest cause.

use twimlgate::config::SignatureMode;

use super::{Request, SID, TOKEN, account, message, server, verifier};

/// The URL with its source, and the cause, of a request at a gateway with these settings.
fn examine(settings: &str, tokens: &[&str], request: &Request) -> (String, String) {
    let accounts = vec![account(SID, tokens)];
    let verifier = verifier(&server(settings), SignatureMode::Enforce, accounts);
    let refused = verifier.examine(&request.received(), true);
    let cause = match refused.search {
        Some(search) => search.run(),
        None => refused.cause.unwrap_or_default(),
    };
    (format!("{} from {}", refused.url.unwrap_or_default(), refused.url_source), cause)
}

#[test]
fn the_source_of_the_url_and_the_cause_are_named() {
    let behind_proxy = || {
        let request = message().header("host", "10.0.0.7:8080");
        request.header("x-forwarded-proto", "https").header("x-forwarded-host", "gw.example.com")
    };
    let public = "public_url = \"https://other.example.com\"";
    let trusted = "trusted_proxies = [\"192.0.2.1\"]";
    let url = "https://gw.example.com/sms";
    for (settings, signed, from, cause) in [
        (
            "",
            url,
            "http://10.0.0.7:8080/sms from `Host`; `X-Forwarded-Proto`, `X-Forwarded-Host` ignored",
            "the carrier signed `https://gw.example.com/sms`: the host of the request's \
             `X-Forwarded-Host`; set `[server] public_url`",
        ),
        (public, url, "https://other.example.com/sms from `server.public_url`; ", "the host of"),
        (
            trusted,
            "http://gw.example.com/sms",
            "https://gw.example.com/sms from `X-Forwarded-Proto`, `X-Forwarded-Host`, `Host`",
            "the carrier signed `http://gw.example.com/sms`: another scheme",
        ),
        (trusted, "https://a.example/sms", "", "no variant fits"),
    ] {
        let found = examine(settings, &[TOKEN], &behind_proxy().signed(TOKEN, signed));
        assert!(found.0.starts_with(from), "{}", found.0);
        assert!(found.1.contains(cause), "{}", found.1);
    }
    let tokens = [&format!(" {TOKEN}\n")[..]];
    let found = examine("public_url = \"https://gw.example.com\"", &tokens, &behind_proxy());
    assert!(found.1.contains("did not send it"), "{}", found.1);
    let signed = behind_proxy().signed(TOKEN, url);
    let found = examine("public_url = \"https://gw.example.com\"", &tokens, &signed);
    assert!(found.1.contains("the token has white space or quotes around it"), "{}", found.1);
}

#[test]
fn a_damaged_signature_and_a_huge_request_are_explained_too() {
    let public = "public_url = \"https://gw.example.com\"";
    let good = message().signed(TOKEN, "https://gw.example.com/sms");
    let (_, signature) = good.headers.last().unwrap().clone();
    for damaged in [
        signature.replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned(),
        signature.replace('=', "%3D"),
        format!("{signature},{signature}"),
    ] {
        let request = message().header("x-twilio-signature", damaged.clone());
        let cause = examine(public, &[TOKEN], &request).1;
        assert!(cause.contains("signature") && !cause.contains(&signature), "{damaged}: {cause}");
        assert!(!cause.contains("forged"), "{damaged}: {cause}");
    }
    let pairs: Vec<(String, &str)> = (0..900).map(|n| (format!("p{n}"), "x")).collect();
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, x)| (name.as_str(), *x)).collect();
    let huge = Request::post("/sms", &pairs).signed("other", "https://gw.example.com/sms");
    assert!(examine(public, &[TOKEN], &huge).1.contains("no variant fits"));
}

#[test]
fn a_query_that_was_sorted_on_the_way_is_named() {
    let public = "public_url = \"https://gw.example.com\"";
    let typed = "https://gw.example.com/voice?type=dial&id=7&z=%20x";
    let request = |target: &str| Request::post(target, &[("CallSid", "CA1"), ("AccountSid", SID)]);
    let cause = |target: &str| examine(public, &[TOKEN], &request(target).signed(TOKEN, typed)).1;
    let named = cause("/voice?id=7&type=dial&z=%20x");
    let order = "the carrier signed `https://gw.example.com/voice?type=…&id=…&z=…`: the query in \
                 another order";
    assert!(named.starts_with(order), "{named}");
    assert!(named.contains("in alphabetical order"), "{named}");
    // Another value, and more parameters than the search tries.
    assert!(cause("/voice?id=8&type=dial&z=%20x").contains("no variant fits"));
    let long = "/voice?a=1&b=2&c=3&d=4&e=5&f=6";
    let signed =
        request(long).signed(TOKEN, "https://gw.example.com/voice?b=2&a=1&c=3&d=4&e=5&f=6");
    assert!(examine(public, &[TOKEN], &signed).1.contains("no variant fits"));
}
