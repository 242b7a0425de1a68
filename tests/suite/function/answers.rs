//! The table "Run Function, exactly", row by row.

use twimlgate::function::{CallError, CallPhase, OutcomeKind, TransportError};

use super::caller::{Caller, parsed, problem, run};
use crate::support::hostile::{Hostile, Step, answer, json};

const TWIML: &str = "<?xml version=\"1.0\"?>\n<Response><Say>é</Say></Response>\n";

fn caller(answer: impl AsRef<[u8]>) -> Caller {
    Caller::new(&Hostile::always(answer).url("/lookup"), "")
}

#[test]
fn a_json_object_becomes_variables() {
    run(async {
        let body = r#"{"person":{"name":"Ann","age":40},"ok":true}"#;
        let headers = "Content-Type: application/json; charset=utf-8\r\n";
        let outcome = caller(answer("200 OK", headers, body)).call().await;
        assert_eq!(parsed(&outcome), body);
        let answer = outcome.response.unwrap();
        assert_eq!(answer.status_code, 200);
        assert_eq!(answer.content_type.as_deref(), Some("application/json; charset=utf-8"));
        assert_eq!(answer.body, body);
        assert_eq!(outcome.attempts, 1);
    });
}

#[test]
fn arrays_and_scalars_are_success_without_variables() {
    run(async {
        for body in ["[{\"a\":1}]", "3", "\"text\"", "null", ""] {
            let outcome = caller(json(body)).call().await;
            assert_eq!(outcome.kind, OutcomeKind::Success { parsed: None }, "{body}");
            assert_eq!(outcome.response.unwrap().body, body);
        }
    });
}

#[test]
fn broken_json_fails_and_its_body_is_kept() {
    run(async {
        for body in ["{\"a\":", "<Response/>", "{\"a\":1e999}", &"[".repeat(60_000)] {
            let outcome = caller(json(body)).call().await;
            assert_eq!(outcome.response.as_ref().unwrap().body, body);
            assert!(matches!(problem(outcome), CallError::Json { .. }), "{body}");
        }
    });
}

#[test]
fn twiml_is_handed_on_byte_for_byte() {
    run(async {
        for content_type in ["text/xml", "application/xml", "text/html", "text/xml; charset=utf-8"]
        {
            let headers = format!("Content-Type: {content_type}\r\n");
            let outcome = caller(answer("200 OK", &headers, TWIML)).call().await;
            assert_eq!(outcome.kind, OutcomeKind::Twiml(TWIML.into()), "{content_type}");
        }
    });
}

#[test]
fn other_types_are_success_with_a_body() {
    run(async {
        let page = "<!DOCTYPE html><html><body>Bad Gateway</body></html>";
        let types = ["text/plain", "text/html", "image/png", "application/octet-stream", "x", ""];
        for content_type in types {
            let headers = format!("Content-Type: {content_type}\r\n");
            let outcome = caller(answer("200 OK", &headers, page)).call().await;
            assert_eq!(outcome.kind, OutcomeKind::Success { parsed: None }, "{content_type}");
            assert_eq!(outcome.response.unwrap().body, page);
        }
        let outcome = caller(answer("200 OK", "", TWIML)).call().await;
        assert_eq!(outcome.kind, OutcomeKind::Success { parsed: None });
        assert_eq!(outcome.response.unwrap().content_type, None);
    });
}

#[test]
fn no_content_needs_no_content_type() {
    run(async {
        let server = Hostile::always("HTTP/1.1 204 No Content\r\n\r\n");
        let caller = Caller::new(&server.url("/"), "");
        for _ in 0..3 {
            let outcome = caller.call().await;
            assert_eq!(outcome.kind, OutcomeKind::Success { parsed: None });
            assert_eq!(outcome.response.unwrap().status_code, 204);
        }
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn every_status() {
    run(async {
        for status in (200..600).filter(|status| !matches!(status, 301..=303 | 307 | 308)) {
            let headers = "Content-Type: text/plain\r\n";
            let bytes = match status {
                204 | 304 => format!("HTTP/1.1 {status} x\r\n{headers}\r\n").into_bytes(),
                _ => answer(&format!("{status} x"), headers, "because"),
            };
            let outcome = caller(bytes).call().await;
            let answer = outcome.response.clone().unwrap();
            assert_eq!(answer.status_code, status);
            assert_eq!(answer.content_type.as_deref(), Some("text/plain"));
            if !matches!(status, 204 | 304) {
                assert_eq!(answer.body, "because");
            }
            match status {
                200..=299 => {
                    assert_eq!(outcome.kind, OutcomeKind::Success { parsed: None }, "{status}");
                }
                _ => assert_eq!(problem(outcome), CallError::Status { status }),
            }
        }
    });
}

#[test]
fn a_failure_needs_no_body() {
    run(async {
        for broken in ["Content-Length: 9\r\n\r\nbeca", "Transfer-Encoding: chunked\r\n\r\nx\r\n"] {
            for status in [404, 500] {
                let server = Hostile::new(vec![vec![
                    Step::Read,
                    Step::Send(format!("HTTP/1.1 {status} x\r\n{broken}").into()),
                ]]);
                let outcome = Caller::new(&server.url("/"), "").call().await;
                assert_eq!(outcome.response.as_ref().unwrap().body, "");
                assert_eq!(problem(outcome), CallError::Status { status }, "{broken}");
            }
        }
    });
}

#[test]
fn interim_answers_alone_are_none() {
    run(async {
        // 101 is an answer of its own kind; the others announce one that never comes.
        let switching = "HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: y\r\n\r\n";
        assert_eq!(caller(switching).problem().await, CallError::Status { status: 101 });
        for status in [100, 102, 103, 199] {
            let bytes = format!("HTTP/1.1 {status} x\r\n\r\n");
            let server = Hostile::new(vec![vec![Step::Read, Step::Send(bytes.into_bytes())]]);
            let problem = Caller::new(&server.url("/"), "").problem().await;
            assert!(
                matches!(problem, CallError::Transport(TransportError::Closed { .. })),
                "{status} {problem}"
            );
        }
    });
}

#[test]
fn the_body_limit_is_exact() {
    run(async {
        let framed = |size: usize| answer("200 OK", "", "x".repeat(size));
        let chunked = |size: usize| {
            let body = "x".repeat(size);
            let body = format!("{size:x}\r\n{body}\r\n0\r\n\r\n");
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}")
        };
        let call = async |bytes: Vec<u8>, keys| {
            Caller::new(&Hostile::always(bytes).url("/"), keys).call().await
        };
        for (size, keys) in [(65_536, ""), (1000, "max_body_bytes = 1000")] {
            for whole in [framed(size), chunked(size).into_bytes()] {
                let outcome = call(whole, keys).await;
                assert_eq!(outcome.response.unwrap().body.len(), size);
            }
            for larger in [framed(size + 1), chunked(size + 1).into_bytes()] {
                let outcome = call(larger, keys).await;
                assert_eq!(
                    problem(outcome),
                    CallError::Transport(TransportError::TooLarge { limit: size })
                );
            }
            // By its length alone: not a byte of it need come.
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", size + 1);
            let silent = Hostile::new(vec![vec![Step::Read, Step::Send(head.into()), Step::Hang]]);
            let outcome = Caller::new(&silent.url("/"), keys).call().await;
            assert_eq!(
                problem(outcome),
                CallError::Transport(TransportError::TooLarge { limit: size })
            );
        }
    });
}

#[test]
fn endless_bodies_end() {
    run(async {
        let gibibyte = "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n";
        let endless = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let old = "HTTP/1.0 200 OK\r\n\r\n";
        let chunk = format!("400\r\n{}\r\n", "x".repeat(1024));
        for (head, flood) in
            [(gibibyte, "x"), (endless, &chunk), (old, "x"), (endless, "1\r\nx\r\n")]
        {
            let script =
                vec![Step::Read, Step::Send(head.into()), Step::Flood(flood.repeat(64).into())];
            let server = Hostile::new(vec![script]);
            let problem = Caller::new(&server.url("/"), "").problem().await;
            assert_eq!(
                problem,
                CallError::Transport(TransportError::TooLarge { limit: 65_536 }),
                "{head}"
            );
        }
    });
}

#[test]
fn huge_chunk_extensions_and_trailers_end() {
    run(async {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        for begin in ["1;ext=", "0\r\nTrailer: "] {
            let start = format!("{head}{begin}").into_bytes();
            let script = vec![Step::Read, Step::Send(start), Step::Flood(vec![b'x'; 4096])];
            let server = Hostile::new(vec![script]);
            let problem = Caller::new(&server.url("/"), "timeout_ms = 300").problem().await;
            let expected = matches!(
                problem,
                CallError::Timeout { phase: CallPhase::Body, .. }
                    | CallError::Transport(TransportError::Framing { .. })
            );
            assert!(expected, "{problem}");
        }
        let bytes = format!("{head}2;a=b\r\nhi\r\n0\r\nX-Trailer: y\r\n\r\n");
        let outcome = caller(bytes).call().await;
        assert_eq!(outcome.response.unwrap().body, "hi");
    });
}

#[test]
fn compressed_bodies_are_refused_unread() {
    run(async {
        for encoding in ["gzip", "br", "zstd", "deflate", "x-gzip, identity"] {
            let headers =
                format!("Content-Type: application/json\r\nContent-Encoding: {encoding}\r\n");
            let problem = caller(answer("200 OK", &headers, "{}")).problem().await;
            assert!(matches!(problem, CallError::ContentEncoding { .. }), "{encoding}");
        }
        let identity = "Content-Type: application/json\r\nContent-Encoding: identity\r\n";
        assert_eq!(parsed(&caller(answer("200 OK", identity, "{}")).call().await), "{}");
    });
}

#[test]
fn text_that_is_not_utf8_fails() {
    run(async {
        let bad: [&[u8]; 4] =
            [b"\xEF\xBB\xBF{}", b"\xFF\xFE{\0", b"{\"a\":\"\xff\"}", b"<a>\0</a>"];
        for body in bad {
            for content_type in ["application/json", "text/xml", "text/plain"] {
                let headers = format!("Content-Type: {content_type}\r\n");
                let problem = caller(answer("200 OK", &headers, body)).problem().await;
                assert!(matches!(problem, CallError::Text { .. }), "{content_type} {problem}");
            }
        }
    });
}

#[test]
fn two_content_types_are_none() {
    run(async {
        let headers = "Content-Type: text/xml\r\nContent-Type: application/json\r\n";
        let problem = caller(answer("200 OK", headers, "{}")).problem().await;
        assert_eq!(problem.kind(), "head");
    });
}

#[test]
fn messages_hold_no_query_and_no_body() {
    run(async {
        let secret = "s3cret";
        let bodies = [
            answer("500 x", "", secret),
            json(secret),
            answer("302 Found", &format!("Location: ftp://h/{secret}?{secret}\r\n"), ""),
            format!("{secret} is not HTTP\r\n\r\n").into_bytes(),
        ];
        for bytes in bodies {
            let server = Hostile::always(bytes);
            let outcome = Caller::new(&server.url("/?token=s3cret"), "").call().await;
            let OutcomeKind::Fail(error) = outcome.kind else { panic!("{outcome:?}") };
            let text = error.to_string();
            assert!(text.starts_with("function `lookup` ") && !text.contains(secret), "{text}");
        }
    });
}

#[test]
fn what_is_not_http_is_named() {
    run(async {
        let endless = format!("HTTP/1.1 200 OK\r\n{}", "A: b\r\n".repeat(40_000));
        for bytes in [
            "SSH-2.0-OpenSSH_9.2\r\n\r\n",
            "HTTP/2.0 200 OK\r\n\r\n",
            "HTTP/1.1 2x0 OK\r\n\r\n",
            "HTTP/1.1 099 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA b\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: \0\r\n\r\n",
            "<Response/>\r\n\r\n",
            &endless,
        ] {
            let problem = caller(bytes).problem().await;
            assert_eq!(problem.kind(), "head", "{} {problem:?}", &bytes[..20]);
        }
    });
}
