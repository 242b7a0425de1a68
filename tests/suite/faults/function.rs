//! F1 to F18: functions that hang, break off, lie and are away.

use std::time::Duration;

use super::*;
use crate::support::hostile::{Hostile, Step, answer, json};

/// A function whose every connection does this.
fn script(steps: impl Into<Vec<Step>>) -> Hostile {
    Hostile::new(vec![steps.into()])
}

fn send(bytes: impl AsRef<[u8]>) -> Step {
    Step::Send(bytes.as_ref().to_vec())
}

fn says(bytes: impl AsRef<[u8]>) -> Hostile {
    script([Step::Read, send(bytes)])
}

/// That the caller of such a function hears the fallback, in time; that the store holds this reply
/// and nothing else, so that a repeat gets the same bytes and the function is not asked again,
/// neither now nor after a restart.
async fn falls_back(row: &str, function: &Hostile) {
    falls_back_at(row, function, &function.url("/"), "").await;
}

async fn falls_back_at(row: &str, function: &Hostile, url: &str, keys: &str) {
    let file = file(row);
    let rig = gateway(open(&file), url, keys);
    assert_eq!(message(&rig, "SM1").await.body, FALLBACK, "{row}");
    let connections = function.connections();
    assert_eq!(message(&rig, "SM1").await.body, FALLBACK, "{row}: a repeat");
    let records = rig.end().await;
    assert_eq!(
        (&records[0]["outcome"], &records[1]["outcome"]),
        (&"fallback".into(), &"repeated".into())
    );
    let rig = gateway(open(&file), url, keys);
    assert_eq!(message(&rig, "SM1").await.body, FALLBACK, "{row}: after a restart");
    rig.end().await;
    assert_eq!(function.connections(), connections, "{row}: it is not asked again");
    assert_eq!((count(&file, "claim"), count(&file, "execution")), (1, 0), "{row}");
}

#[actix_web::test]
async fn f1_it_never_answers() {
    falls_back("f1", &script([Step::Read, Step::Hang])).await;
}

#[actix_web::test]
async fn f2_it_trickles() {
    let pause = Step::Pause(Duration::from_millis(20));
    let mut head = vec![Step::Read];
    for byte in b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    {
        head.extend([send([*byte]), pause.clone()]);
    }
    falls_back("f2-head", &script(head)).await;
    let mut body = vec![Step::Read, send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")];
    for _ in 0..200 {
        body.extend([send("1\r\nx\r\n"), pause.clone()]);
    }
    falls_back("f2-body", &script(body)).await;
}

#[actix_web::test]
async fn f3_it_resets_the_connection() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
    falls_back("f3-before", &script([Step::Await, Step::Close])).await;
    falls_back("f3-head", &script([Step::Await, send(&half[..20]), Step::Close])).await;
    falls_back("f3-body", &script([Step::Await, send(half), Step::Close])).await;
}

#[actix_web::test]
async fn f4_it_ends_early() {
    let whole = json(r#"{"plan": "gold"}"#);
    for cut in [1, 17, whole.len() - 10, whole.len() - 1] {
        falls_back("f4", &says(&whole[..cut])).await;
    }
}

#[actix_web::test]
async fn f5_it_says_too_much() {
    let body = format!("\"{}\"", "x".repeat(65_535));
    falls_back("f5-length", &says(json(&body))).await;
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked";
    let chunked = format!("{head}\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    falls_back("f5-chunked", &says(chunked)).await;
}

#[actix_web::test]
async fn f6_it_never_comes_to_an_end() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let extension = format!("1;{}", "x".repeat(4_096));
    let trailer = format!("A: {}\r\n", "x".repeat(4_096));
    for (begun, more) in [
        (head.to_owned(), "1000\r\n".to_owned() + &"x".repeat(4_096) + "\r\n"),
        (head.to_owned(), "1\r\nx\r\n".to_owned()),
        (head.to_owned() + &extension, "y".repeat(4_096)),
        (head.to_owned() + "0\r\n", trailer),
    ] {
        let flood = script([Step::Read, send(begun), Step::Flood(more.into_bytes())]);
        falls_back("f6", &flood).await;
    }
}

#[actix_web::test]
async fn f7_it_sends_us_elsewhere() {
    let to = |location: &str| answer("307 x", &format!("Location: {location}\r\n"), "");
    let round = [Step::Read, send(to("/"))];
    falls_back("f7-circle", &script(round.iter().cloned().cycle().take(40).collect::<Vec<_>>()))
        .await;
    let chain = (0..12).flat_map(|hop| [Step::Read, send(to(&format!("/{hop}")))]);
    falls_back("f7-chain", &script(chain.collect::<Vec<_>>())).await;
    for location in ["http://10.0.0.1/", "http://169.254.169.254/", "ftp://a/", "//", ""] {
        falls_back("f7-elsewhere", &says(to(location))).await;
    }
    // Another server on this machine, which is not what was configured.
    let other = Hostile::always(json("{}"));
    falls_back("f7-loopback", &says(to(&other.url("/")))).await;
    assert_eq!(other.connections(), 0, "it is not even connected to");
}

#[actix_web::test]
async fn f8_it_is_no_text() {
    let kind =
        |kind: &str, body: &[u8]| answer("200 OK", &format!("Content-Type: {kind}\r\n"), body);
    let wide: Vec<u8> = "<Response/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [
        kind("application/json", b"{\"a\": \"\xFF\"}"),
        kind("application/json", b"\xEF\xBB\xBF{\"a\": 1}"),
        kind("text/xml", b"<Response><Message>\xC3\x28</Message></Response>"),
        kind("text/xml", b"<Response><Message>\0</Message></Response>"),
        kind("text/xml", &wide),
    ] {
        falls_back("f8", &says(bytes)).await;
    }
}

/// A page of a proxy in front of the function is not what the function says: it is never sent.
#[actix_web::test]
async fn f9_its_type_is_another() {
    let page = "<html><body>Oops</body></html>";
    let two = "Content-Type: text/xml\r\nContent-Type: application/json\r\n";
    for head in ["Content-Type: text/html\r\n", "", two, "Content-Type: image/png\r\n"] {
        let function = says(answer("200 OK", head, page));
        let file = file("f9");
        let rig = gateway(open(&file), &function.url("/"), "");
        let reply = message(&rig, "SM1").await.body;
        assert!(reply == ANSWER || reply == FALLBACK, "{head}: {reply}");
        assert_eq!(message(&rig, "SM1").await.body, reply);
        rig.end().await;
        assert_eq!((count(&file, "claim"), count(&file, "execution")), (1, 0), "{head}");
    }
    falls_back("f9", &says(answer("200 OK", "Content-Type: text/xml\r\n", page))).await;
}

#[actix_web::test]
async fn f10_its_json_is_broken() {
    let deep = "[".repeat(60_000);
    let nested = format!("{}{}", "{\"a\":".repeat(3_000), "}".repeat(3_000));
    for body in ["{", "{\"a\": 1}}", "{'a': 1}", "NaN", &deep, &nested] {
        falls_back("f10", &says(json(body))).await;
    }
}

#[actix_web::test]
async fn f11_its_status_is_no_success() {
    for status in [300, 304, 305, 400, 401, 403, 404, 408, 418, 429, 500, 502, 503, 504, 599] {
        falls_back("f11", &says(answer(&format!("{status} x"), "", "no"))).await;
    }
    let storm = Step::Flood(b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n".to_vec());
    falls_back("f11-storm", &script([Step::Read, storm])).await;
}

#[actix_web::test]
async fn f12_it_does_not_prove_who_it_is() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    let answers = vec![vec![Step::Read, send(json("{}"))]];
    for function in [
        Hostile::with_tls(answers, std::sync::Arc::new(tls)),
        script([Step::Hang]),
        script([send(json("{}"))]),
        script([Step::Await, Step::Close]),
    ] {
        let url = format!("https://localhost:{}/", function.address.port());
        falls_back_at("f12", &function, &url, "").await;
        assert!(function.requests().is_empty(), "nothing was said to it");
    }
}

#[actix_web::test]
async fn f13_its_name_is_not_known() {
    let nobody = Hostile::always(json("{}"));
    falls_back_at("f13", &nobody, "http://no-such-host.invalid/", "").await;
}

#[actix_web::test]
async fn f14_it_closes_connections_without_a_word() {
    let function = says(json("{}"));
    let file = file("f14");
    let rig = gateway(open(&file), &function.url("/"), "idempotent = true");
    for number in 0..30 {
        assert_eq!(message(&rig, &format!("SM{number}")).await.body, ANSWER, "{number}");
    }
    rig.end().await;
    assert_eq!((count(&file, "claim"), count(&file, "execution")), (30, 0));
}

#[actix_web::test]
async fn f15_it_answers_when_nobody_listens_any_more() {
    let late = Step::Pause(Duration::from_millis(500));
    let function = script([Step::Read, late, send(json(r#"{"late": true}"#))]);
    let file = file("f15");
    let rig = gateway(open(&file), &function.url("/"), "");
    assert_eq!(message(&rig, "SM1").await.body, FALLBACK);
    while function.sent() + function.closed() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(message(&rig, "SM1").await.body, FALLBACK, "its word counts no more");
    rig.end().await;
    assert_eq!(function.requests().len(), 1);
    assert_eq!((count(&file, "claim"), count(&file, "execution")), (1, 0));
}

#[actix_web::test]
async fn f16_it_is_down_and_the_others_are_not() {
    let (down, up) = (script([Step::Await, Step::Close]), Hostile::always(json("{}")));
    let file = file("f16");
    let other = format!(
        "[function.other]\nurl = \"{}\"\n[route.\"/other\"]\nchannel = \"message\"\n\
         function = \"other\"\nsuccess = \"sorry-fixed.xml\"\n",
        up.url("/")
    );
    let rig = gateway(open(&file), &down.url("/"), &other);
    for number in 0..20 {
        assert_eq!(message(&rig, &format!("SM{number}")).await.body, FALLBACK);
        let params = [("MessageSid", &*format!("SMother{number}")), ("From", "+1666")];
        assert_eq!(rig.post("/other", &params).await.body, ANSWER, "{number}");
    }
    assert_eq!(down.connections(), 5, "then it is left alone");
    assert_eq!(up.requests().len(), 20);
    let records = rig.end().await;
    let alone = records[38]["total_ms"].as_f64().unwrap();
    assert!(alone < 250.0, "nobody waits for it: {alone} ms");
    assert_eq!((count(&file, "claim"), count(&file, "execution")), (40, 0));
}

/// What its TwiML says is its own affair, byte for byte, and the carrier's; it costs us no state.
#[actix_web::test]
async fn f18_it_sends_its_caller_round_and_round() {
    let round = "<Response><Redirect>/voice</Redirect></Response>";
    let function = Hostile::always(answer("200 OK", "Content-Type: text/xml\r\n", round));
    let file = file("f18");
    let voice = "[route.\"/voice\"]\nchannel = \"voice\"\nfunction = \"lookup\"\n";
    let rig = gateway(open(&file), &function.url("/"), voice);
    for _ in 0..100 {
        let params = [("CallSid", "CA1"), ("CallStatus", "in-progress"), ("From", "+1555")];
        assert_eq!(rig.post("/voice", &params).await.body, round);
    }
    rig.end().await;
    assert_eq!(function.requests().len(), 100);
    assert_eq!((count(&file, "claim"), count(&file, "execution")), (0, 0));
}
