//! Which URL the gateway takes for the signed one: its port, target, host, and proxies.

use twimlgate::config::{HmacAlgorithm, SignatureMode};
use twimlgate::secret::Secret;
use twimlgate::verify::{SigningKey, VerifyError, sign_form};

use super::{Request, SID, TOKEN, URL, account, message, server, usual, verifier};

#[test]
fn the_port_may_be_there_or_not() {
    let check = |public_url: &str, signed: &str| {
        let server = server(&format!("public_url = \"{public_url}\""));
        let verifier = verifier(&server, SignatureMode::Enforce, vec![account(SID, &[TOKEN])]);
        message().signed(TOKEN, signed).refusal(&verifier).is_none()
    };
    for (public_url, signed) in [
        ("https://h.example", "https://h.example/sms"),
        ("https://h.example", "https://h.example:443/sms"),
        ("https://h.example:443", "https://h.example/sms"),
        ("https://h.example:8443", "https://h.example:8443/sms"),
        ("https://h.example:8443", "https://h.example/sms"),
        ("http://h.example", "http://h.example:80/sms"),
        ("http://h.example:1234", "http://h.example/sms"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]:443/sms"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]/sms"),
        ("https://h.example/prefix", "https://h.example/prefix/sms"),
        ("https://h.example/prefix/", "https://h.example:443/prefix/sms"),
    ] {
        assert!(check(public_url, signed), "{public_url} {signed}");
    }
    for (public_url, signed) in [
        ("https://h.example", "http://h.example/sms"),
        ("https://h.example", "https://h.example:8443/sms"),
        ("https://h.example", "https://h.example:80/sms"),
        ("https://h.example:8443", "https://h.example:443/sms"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8/sms"),
        ("https://h.example/prefix", "https://h.example/sms"),
        ("https://h.example", "https://H.example/sms"),
    ] {
        assert!(!check(public_url, signed), "{public_url} {signed}");
    }
}

#[test]
fn the_target_is_taken_as_it_was_sent() {
    let verifier = usual();
    let targets = [
        "/a/../sms",
        "//sms",
        "/sms?",
        "/sms?q=It's",
        "/sms?q=It%27s",
        "/sms?q=%c3%A9",
        "/sms?q=%C3%A9",
        "/sms?q=a+b",
        "/sms?q=a%20b",
        "/sms?b=1&a=2",
        "/Espa\u{f1}a?a\u{f1}o=1",
        "/sms?q=%E9",
        "/sms/",
        "/%zz?%",
        "/sms?a=1#b",
    ];
    for signed in targets {
        for sent in targets {
            let request = Request::post(sent, &[("Body", "x")]);
            let request = request.signed(TOKEN, "").headers;
            // `sign_form` takes a fragment off, as the carrier does; here it is part of the target.
            let key = SigningKey::new(&Secret::new(TOKEN.to_owned()), HmacAlgorithm::Sha1);
            let url = format!("https://gw.example.com{signed}");
            let signature = match signed.contains('#') {
                true => sign_form(&key, "", [("", url.as_str()), ("Body", "x")]),
                false => sign_form(&key, &url, [("Body", "x")]),
            };
            let _ = request;
            let request = Request::post(sent, &[("Body", "x")]);
            let request = request.header("x-twilio-signature", signature);
            assert_eq!(request.refusal(&verifier).is_none(), sent == signed, "{sent} {signed}");
        }
    }
}

#[test]
fn a_target_that_is_no_path_cannot_move_the_host() {
    let verifier = usual();
    for target in [".evil.example/sms", "@evil.example/sms", ":1/sms", "", "sms", "*"] {
        let request = Request::post(target, &[("Body", "x")]);
        let request = request.signed(TOKEN, &format!("https://gw.example.com{target}"));
        assert_eq!(request.refusal(&verifier), Some(VerifyError::Target), "{target}");
    }
}

#[test]
fn a_url_without_path_is_the_root() {
    let verifier = usual();
    for signed in
        ["https://gw.example.com", "https://gw.example.com/", "https://gw.example.com:443"]
    {
        let request = Request::post("/", &[("Body", "x")]).signed(TOKEN, signed);
        assert_eq!(request.refusal(&verifier), None, "{signed}");
    }
    let request = Request::post("/?x=1", &[]).signed(TOKEN, "https://gw.example.com?x=1");
    assert_eq!(request.refusal(&verifier), None);
    let request = Request::post("/sms/", &[]).signed(TOKEN, "https://gw.example.com/sms");
    assert_eq!(request.refusal(&verifier), Some(VerifyError::SignatureWrong));
    // Below a prefix there is a path, and its `/` is there or it is not.
    let below = server("public_url = \"https://gw.example.com/prefix\"");
    let below = super::verifier(&below, SignatureMode::Enforce, vec![account(SID, &[TOKEN])]);
    let request = Request::post("/?x=1", &[]).signed(TOKEN, "https://gw.example.com/prefix?x=1");
    assert_eq!(request.refusal(&below), Some(VerifyError::SignatureWrong));
}

#[test]
fn user_and_password_are_not_signed() {
    let key = SigningKey::new(&Secret::new(TOKEN.to_owned()), HmacAlgorithm::Sha1);
    let sign = |url| sign_form(&key, url, [("Body", "x")]);
    assert_eq!(sign("https://me:secret@h.example/sms"), sign("https://h.example/sms"));
}

#[test]
fn without_a_public_url_the_host_header_is_believed() {
    let verifier = verifier(&server(""), SignatureMode::Enforce, vec![account(SID, &[TOKEN])]);
    for (host, url) in [
        ("localhost:8080", "http://localhost:8080/sms"),
        ("127.0.0.1", "http://127.0.0.1/sms"),
        ("[::1]:8080", "http://[::1]:8080/sms"),
        ("[::1]", "http://[::1]:80/sms"),
        ("Phone.Example.com", "http://Phone.Example.com/sms"),
    ] {
        let request = message().header("host", host).signed(TOKEN, url);
        assert_eq!(request.refusal(&verifier), None, "{host}");
    }
    for host in [
        "",
        "a b",
        "a/b",
        "user@host",
        "host:",
        "host:x",
        "host:99999",
        "host:0",
        "a:1:2",
        "[::1",
        "[::g]",
        "::1",
        "host:+80",
        "h\u{f6}st",
        "a,b",
        "host#",
        "host?",
    ] {
        let request = message().header("host", host).signed(TOKEN, &format!("http://{host}/sms"));
        assert_eq!(request.refusal(&verifier), Some(VerifyError::Host), "{host}");
    }
    let request = message().signed(TOKEN, "http:///sms");
    assert_eq!(request.refusal(&verifier), Some(VerifyError::Host));
    let twice = message().header("host", "a").header("host", "a").signed(TOKEN, "http://a/sms");
    assert_eq!(twice.refusal(&verifier), Some(VerifyError::Host));
}

#[test]
fn only_a_trusted_proxy_forwards() {
    let server = server(
        "public_url = \"https://gw.example.com\"\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]",
    );
    let verifier = verifier(&server, SignatureMode::Enforce, vec![account(SID, &[TOKEN])]);
    let other = "http://other.example:8080/sms";
    let forwarded = |peer| {
        message()
            .header("x-forwarded-proto", "http")
            .header("x-forwarded-host", "other.example")
            .header("x-forwarded-port", "8080")
            .from(peer)
    };
    for peer in ["10.1.2.3", "::ffff:10.1.2.3", "::1"] {
        assert_eq!(forwarded(peer).signed(TOKEN, other).refusal(&verifier), None, "{peer}");
        let configured = forwarded(peer).signed(TOKEN, URL).refusal(&verifier);
        assert_eq!(configured, Some(VerifyError::SignatureWrong));
    }
    for peer in ["192.0.2.1", "11.0.0.1", "::2"] {
        let refusal = forwarded(peer).signed(TOKEN, other).refusal(&verifier);
        assert_eq!(refusal, Some(VerifyError::SignatureWrong), "{peer}");
        assert_eq!(forwarded(peer).signed(TOKEN, URL).refusal(&verifier), None, "{peer}");
    }
}

#[test]
fn each_forwarded_header_replaces_its_part() {
    let server =
        server("public_url = \"https://gw.example.com:8443/p\"\ntrusted_proxies = [\"10.0.0.1\"]");
    let verifier = verifier(&server, SignatureMode::Enforce, vec![account(SID, &[TOKEN])]);
    let request = || message().from("10.0.0.1");
    for (header, value, url) in [
        ("x-forwarded-proto", "HTTP", "http://gw.example.com:8443/p/sms"),
        ("x-forwarded-host", "a.example", "https://a.example/p/sms"),
        ("x-forwarded-host", "a.example:99", "https://a.example:99/p/sms"),
        ("x-forwarded-host", "[::1]:99", "https://[::1]:99/p/sms"),
        ("x-forwarded-port", "99", "https://gw.example.com:99/p/sms"),
        ("x-forwarded-host", "", "https://gw.example.com:8443/p/sms"),
    ] {
        let request = request().header(header, value).signed(TOKEN, url);
        assert_eq!(request.refusal(&verifier), None, "{header}: {value}");
    }
    for (header, name, value) in [
        ("x-forwarded-proto", "X-Forwarded-Proto", "https, http"),
        ("x-forwarded-proto", "X-Forwarded-Proto", "ftp"),
        ("x-forwarded-host", "X-Forwarded-Host", "a.example, b.example"),
        ("x-forwarded-host", "X-Forwarded-Host", "a.example/x"),
        ("x-forwarded-host", "X-Forwarded-Host", "user@a.example"),
        ("x-forwarded-port", "X-Forwarded-Port", "0"),
        ("x-forwarded-port", "X-Forwarded-Port", "443,443"),
    ] {
        let request = request().header(header, value).signed(TOKEN, URL);
        assert_eq!(request.refusal(&verifier), Some(VerifyError::Forwarded(name)), "{value}");
    }
    let twice = request().header("x-forwarded-host", "a").header("x-forwarded-host", "a");
    let refusal = twice.signed(TOKEN, URL).refusal(&verifier);
    assert_eq!(refusal, Some(VerifyError::Forwarded("X-Forwarded-Host")));
}

#[test]
fn a_proxy_gives_the_scheme_where_nothing_is_configured() {
    let server = server("trusted_proxies = [\"127.0.0.1\"]");
    let verifier = verifier(&server, SignatureMode::Enforce, vec![account(SID, &[TOKEN])]);
    let request = message().header("host", "gw.example.com").header("x-forwarded-proto", "https");
    let near = request.clone().from("127.0.0.1").signed(TOKEN, URL);
    assert_eq!(near.refusal(&verifier), None);
    let far = request.from("192.0.2.1").signed(TOKEN, URL);
    assert_eq!(far.refusal(&verifier), Some(VerifyError::SignatureWrong));
}

#[test]
fn user_and_password_of_the_public_url_need_not_be_signed() {
    let mut server = server("");
    server.public_url = Some("https://user:p:w@gw.example.com:8443".to_owned());
    let verifier = verifier(&server, SignatureMode::Enforce, vec![account(SID, &[TOKEN])]);
    for url in ["https://gw.example.com:8443/sms", "https://gw.example.com/sms"] {
        assert_eq!(message().signed(TOKEN, url).refusal(&verifier), None, "{url}");
    }
}
