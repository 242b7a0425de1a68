//! T12: requests whose end one reader sees here and another one there. Behind each stands a second
//! request, with a signature that is right: it must never be answered.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::support::hostile::Hostile;
use crate::support::rig::Rig;

const ROUTES: &str = r#"
[function.lookup]
url = "http://${FUNCTION}/lookup"

[route."/sms"]
channel = "message"
function = "lookup"
success = "sorry-fixed.xml"
"#;

/// The fields of a request whose signature may be one, so that its body is read.
const HEAD: &str = "Host: a\r\nX-Twilio-Signature: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\
                    Content-Type: application/x-www-form-urlencoded\r\n";

/// What stands between the head of the first request and the second one.
const ENDINGS: [&str; 46] = [
    "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Content-Length: 4\r\nTransfer-Encoding: identity\r\n\r\nabcd",
    "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
    "Content-Length: 0\r\nContent-Length: 4\r\n\r\nabcd",
    "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
    "Content-Length: 4, 4\r\n\r\nabcd",
    "Content-Length: 4, 5\r\n\r\nabcd",
    "Content-Length: +4\r\n\r\nabcd",
    "Content-Length: -1\r\n\r\n",
    "Content-Length: 0x4\r\n\r\nabcd",
    "Content-Length: 4.0\r\n\r\nabcd",
    "Content-Length: 4 4\r\n\r\nabcd",
    "Content-Length: \r\n\r\n",
    "Content-Length: a\r\n\r\n",
    "Content-Length: 18446744073709551616\r\n\r\n",
    "Content-Length: 18446744073709551620\r\n\r\nabcd",
    "Content-Length : 4\r\n\r\nabcd",
    "Content-Length\r\n : 4\r\n\r\nabcd",
    "Content-Length:\x0b4\r\n\r\nabcd",
    "Content-Length: 4\0\r\n\r\nabcd",
    "Content_Length: 4\r\n\r\nabcd",
    "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n 0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n0;a=\"\r\n\r\n\"\r\n\r\n",
    "Content-Length: 4\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nabcd",
    "Expect: 100-continue\r\nContent-Length: 4\r\n\r\nabcd",
];

/// Heads that are none, each with the same second request behind it.
const HEADS: [&str; 14] = [
    "GET /sms HTTP/0.9\r\n\r\n",
    "GET /sms\r\n\r\n",
    "POST /sms HTTP/2.0\r\nHost: a\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "POST  /sms  HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /sms HTTP/1.1\r\n Host: a\r\n\r\n",
    "POST /sms HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n",
    "POST /sms HTTP/1.1\nHost: a\n\n",
    "POST /sms HTTP/1.1\r\nHost: a\rB: c\r\n\r\n",
    "POST /sms HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
    "POST /sms HTTP/1.1\r\nHost: a\r\nA\r\n\r\n",
    "POST /sms HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "POST /sms HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
];

/// All that comes back until the gateway closes, or says nothing more.
fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[actix_web::test]
async fn t12_what_stands_behind_a_request_of_two_ends_is_never_answered() {
    let function = Hostile::always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let rig = Rig::start(function.address, ROUTES);
    // One as it should be, so that everything is at work.
    let good = [("MessageSid", "SM0"), ("From", "+1555"), ("Body", "hi")];
    assert_eq!(rig.post("/sms", &good).await.status, 200);
    let signed = rig.signed("/sms", &[("MessageSid", "SM1"), ("From", "+1555"), ("Body", "hi")]);
    let endings = ENDINGS.iter().flat_map(|ending| {
        // As it is read first, and with a field between that some proxies take out.
        ["", "Connection: Transfer-Encoding\r\n"]
            .map(|more| format!("POST /sms HTTP/1.1\r\n{HEAD}{more}{ending}"))
    });
    let requests: Vec<String> = endings.chain(HEADS.map(str::to_owned)).collect();
    let corpus = requests.len();
    let address = rig.server.address;
    // At the same time: some of them are waited for until nothing more can come.
    let exchanges = requests.into_iter().map(|request| {
        let bytes = [request.as_bytes(), &signed].concat();
        (request, std::thread::spawn(move || exchange(address, &bytes)))
    });
    let mut answered = 0;
    for (request, answer) in exchanges.collect::<Vec<_>>() {
        let answer = answer.join().unwrap();
        answered += usize::from(!answer.is_empty());
        assert!(!answer.contains("HTTP/1.1 200"), "{request:?}\n{answer}");
        // One refusal; another one for what had been read with it already, and then it is over.
        let refused = answer.matches("HTTP/1.1 4").count();
        assert!(refused <= 2, "{refused} answers to {request:?}\n{answer}");
    }
    assert!(corpus > 100, "the corpus is not whole: {corpus}");
    assert!(answered > 80, "{answered} of {corpus} are refused in words");
    assert_eq!(function.requests().len(), 1, "nobody else was called");
    // The second request alone is as it should be.
    let alone = exchange(address, &signed);
    assert!(alone.starts_with("HTTP/1.1 200"), "{alone:?}");
    rig.server.stop().await;
}
