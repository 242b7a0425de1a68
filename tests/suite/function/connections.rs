//! The faults of awc (`A…`) and of connections (F3, F4, F14): each would reach a caller unguarded.

use std::time::Duration;

use twimlgate::function::{CallError, CallPhase, OutcomeKind, TransportError};

use super::caller::{Caller, parsed, problem, run, settle};
use crate::support::hostile::{Hostile, Step, json};

fn script(steps: &[Step]) -> Hostile {
    Hostile::new(vec![steps.to_vec()])
}

fn send(text: &str) -> Step {
    Step::Send(text.as_bytes().to_vec())
}

#[test]
fn a1_every_cut_of_an_answer_is_noticed() {
    run(async {
        let framed = json(r#"{"a":1}"#);
        let chunked = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
            Transfer-Encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n3\r\n:1}\r\n0\r\n\r\n";
        let old = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\
            Content-Length: 7\r\n\r\n{\"a\":1}";
        for whole in [framed.as_slice(), chunked, old] {
            for cut in 0..whole.len() {
                let server = script(&[Step::Read, Step::Send(whole[..cut].to_vec())]);
                let problem = Caller::new(&server.url("/"), "").problem().await;
                let expected = matches!(
                    problem,
                    CallError::Transport(TransportError::Closed { .. })
                        | CallError::Transport(TransportError::Truncated { .. })
                );
                assert!(expected, "{cut} {problem:?}");
            }
            let outcome = Caller::new(&Hostile::always(whole).url("/"), "").call().await;
            assert_eq!(parsed(&outcome), r#"{"a":1}"#);
        }
    });
}

#[test]
fn a1_a_reset_in_the_body_is_noticed() {
    run(async {
        let half = send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        let problem =
            Caller::new(&script(&[Step::Await, half, Step::Close]).url("/"), "").problem().await;
        assert!(matches!(
            problem,
            CallError::Transport(TransportError::Closed { .. })
                | CallError::Transport(TransportError::Truncated { .. })
        ));
    });
}

#[test]
fn a2_an_unframed_answer_is_named_unless_configured() {
    run(async {
        for head in ["HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nConnection: close\r\n"] {
            let bytes = format!("{head}Content-Type: application/json\r\n\r\n{{\"a\":1}}");
            let unframed = || script(&[Step::Read, send(&bytes)]);
            let problem = Caller::new(&unframed().url("/"), "").problem().await;
            assert_eq!(problem, CallError::Transport(TransportError::Unframed));
            assert!(problem.to_string().contains("http_version = \"1.0\""));

            let server = unframed();
            let old = Caller::new(&server.url("/"), "http_version = \"1.0\"");
            assert_eq!(parsed(&old.call().await), r#"{"a":1}"#);
            assert_eq!(server.requests()[0].line(), "POST / HTTP/1.0");
            assert_eq!(parsed(&old.call().await), r#"{"a":1}"#);
        }
    });
}

#[test]
fn an_answer_in_http_1_0_ends_with_its_connection() {
    run(async {
        let bytes = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{\"a\":1}";
        let cut = bytes.len() - 5;
        let server = script(&[Step::Read, send(&bytes[..cut]), send(&bytes[cut..])]);
        assert_eq!(parsed(&Caller::new(&server.url("/"), "").call().await), r#"{"a":1}"#);
    });
}

#[test]
fn contradictory_lengths_are_refused() {
    run(async {
        for headers in [
            "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
            "Content-Length: 2\r\nContent-Length: 3\r\n",
            "Content-Length: +2\r\n",
            "Content-Length: -2\r\n",
            "Content-Length: 2, 2\r\n",
            "Content-Length: 99999999999999999999999\r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Upgrade: websocket\r\nContent-Length: 2\r\n",
            "Transfer-Encoding: identity\r\n",
            "Transfer-Encoding: identity\r\nContent-Length: 2\r\n",
        ] {
            let bytes = format!("HTTP/1.1 200 OK\r\n{headers}\r\n{{}}");
            let server = Hostile::always(&bytes);
            let caller = Caller::new(&server.url("/"), "");
            let problem = caller.problem().await;
            let kind = problem.kind();
            assert!(["framing", "head", "truncated"].contains(&kind), "{headers} {problem:?}");
            caller.call().await;
            assert_eq!(server.connections(), 2, "the connection is not used again: {headers}");
        }
    });
}

#[test]
fn a3_one_deadline_over_head_and_body() {
    run(async {
        let whole = json("{}");
        let hang = [Step::Read, Step::Hang].to_vec();
        let head = [Step::Read, send("HTTP/1.1 200 OK\r\nContent-Le"), Step::Hang].to_vec();
        let body = [Step::Read, Step::Send(whole[..whole.len() - 1].to_vec()), Step::Hang].to_vec();
        for (steps, expected) in
            [(hang, CallPhase::Head), (head, CallPhase::Head), (body, CallPhase::Body)]
        {
            let server = Hostile::new(vec![steps]);
            let problem = Caller::new(&server.url("/"), "timeout_ms = 200").problem().await;
            assert!(matches!(problem, CallError::Timeout { phase, .. } if phase == expected));
        }
    });
}

#[test]
fn a3_a_trickle_does_not_stretch_the_deadline() {
    run(async {
        // A byte now and then keeps every read alive, and the deadline does not care.
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut steps = vec![Step::Read, send(head)];
        for _ in 0..1000 {
            steps.extend([send("1\r\nx\r\n"), Step::Pause(Duration::from_millis(20))]);
        }
        let server = Hostile::new(vec![steps]);
        let problem = Caller::new(&server.url("/"), "timeout_ms = 300").problem().await;
        assert!(matches!(problem, CallError::Timeout { phase: CallPhase::Body, .. }), "{problem}");
    });
}

#[test]
fn a4_the_connections_of_a_function_are_its_own() {
    run(async {
        let slow = script(&[Step::Read, Step::Hang]);
        let fast = Hostile::always(json("{}"));
        let more = format!("[function.fast]\nurl = \"{}\"\n", fast.url("/"));
        let keys = "connections = 1\ntimeout_ms = 300";
        let caller = Caller::with(&slow.url("/"), keys, &more, Default::default());
        let fast_call = async {
            while slow.requests().is_empty() {
                settle().await;
            }
            caller.call_named("fast").await
        };
        let soon = Duration::from_millis(100);
        let (first, second, fast) =
            tokio::join!(caller.call(), caller.call_within(soon), fast_call);
        assert!(matches!(problem(first), CallError::Timeout { phase: CallPhase::Head, .. }));
        assert!(matches!(problem(second), CallError::Busy { connections: 1, .. }));
        assert_eq!(parsed(&fast), "{}");
    });
}

#[test]
fn connections_are_kept() {
    run(async {
        let server = Hostile::always(json("{}"));
        let caller = Caller::new(&server.url("/"), "");
        for call in 0..50 {
            let outcome = caller.call().await;
            assert_eq!(outcome.reused_connection, call > 0);
        }
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn a5_a_connection_closed_while_idle_costs_nothing() {
    run(async {
        let server = script(&[Step::Read, Step::Send(json("{}"))]);
        let caller = Caller::new(&server.url("/"), "");
        for call in 1..=20 {
            let outcome = caller.call().await;
            assert_eq!(parsed(&outcome), "{}");
            assert_eq!((outcome.attempts, outcome.reused_connection), (1, false));
            while server.closed() < call {
                settle().await;
            }
            settle().await;
        }
        assert_eq!(server.connections(), 20);
    });
}

#[test]
fn a5_closed_as_we_write_is_repeated_only_if_that_is_harmless() {
    run(async {
        // The second request arrives, and the server closes without having read it.
        let dying = [Step::Read, Step::Send(json("{}")), Step::Await, Step::Close].to_vec();
        let live = [Step::Read, Step::Send(json("{}"))].to_vec();
        for (keys, harmless) in
            [("", false), ("idempotent = true", true), ("method = \"GET\"", true)]
        {
            let server = Hostile::new(vec![dying.clone(), live.clone()]);
            let caller = Caller::new(&server.url("/"), keys);
            assert_eq!(parsed(&caller.call().await), "{}");
            let outcome = caller.call().await;
            if harmless {
                assert_eq!(parsed(&outcome), "{}");
                assert_eq!(outcome.attempts, 2);
                let keys: Vec<_> = server
                    .requests()
                    .into_iter()
                    .map(|seen| seen.header("idempotency-key").unwrap().to_owned())
                    .collect();
                assert_eq!(keys, ["SM0123:lookup"; 2]);
            } else {
                assert_eq!(outcome.attempts, 1);
                assert!(matches!(
                    problem(outcome),
                    CallError::Transport(TransportError::Closed { .. })
                ));
            }
        }
    });
}

/// F14: a server that closes each connection right after its answer, without a word about it. Only
/// a close within the microseconds of our write can still be an error, for then it may look like a
/// function that broke off; no request is ever run twice.
#[test]
fn a5_a_race_with_the_functions_closing_runs_nothing_twice() {
    run(async {
        let server = script(&[Step::Read, Step::Send(json("{}"))]);
        let caller = Caller::new(&server.url("/"), "");
        let mut answered = 0;
        for _ in 0..500 {
            match caller.call().await.kind {
                OutcomeKind::Success { .. } => answered += 1,
                OutcomeKind::Fail(error) => assert_eq!(error.cause.kind(), "closed"),
                other => panic!("{other:?}"),
            }
            if caller.is_broken() {
                break;
            }
        }
        assert_eq!(server.requests().len(), answered);
    });
}

#[test]
fn a5_it_is_repeated_once_and_on_a_fresh_connection() {
    run(async {
        let dying = [Step::Read, Step::Send(json("{}")), Step::Await, Step::Close].to_vec();
        let dead = [Step::Await, Step::Close].to_vec();
        let server = Hostile::new(vec![dying, dead]);
        let caller = Caller::new(&server.url("/"), "idempotent = true");
        caller.call().await;
        let outcome = caller.call().await;
        assert_eq!((outcome.attempts, outcome.reused_connection), (2, false));
        assert!(matches!(problem(outcome), CallError::Transport(TransportError::Closed { .. })));
        assert_eq!(server.connections(), 2);
    });
}

#[test]
fn nothing_is_repeated_once_an_answer_has_begun() {
    run(async {
        let dying = [Step::Read, Step::Send(json("{}")), Step::Read, send("HTTP/1.1 2")].to_vec();
        let server = Hostile::new(vec![dying, vec![Step::Read, Step::Send(json("{}"))]]);
        let caller = Caller::new(&server.url("/"), "idempotent = true");
        caller.call().await;
        let outcome = caller.call().await;
        assert_eq!(outcome.attempts, 1);
        assert!(matches!(problem(outcome), CallError::Transport(TransportError::Closed { .. })));
    });
}

#[test]
fn a5_a_server_that_keeps_connections_shortly_is_believed() {
    run(async {
        let bytes =
            "HTTP/1.1 200 OK\r\nKeep-Alive: max=9, timeout=1\r\nContent-Length: 2\r\n\r\nhi";
        let server = Hostile::always(bytes);
        let caller = Caller::new(&server.url("/"), "");
        for _ in 0..3 {
            assert!(!caller.call().await.reused_connection);
        }
        let bytes = bytes.replace("timeout=1", "timeout=60");
        let server = Hostile::always(bytes);
        let caller = Caller::new(&server.url("/"), "");
        caller.call().await;
        assert!(caller.call().await.reused_connection);
    });
}

#[test]
fn bytes_nobody_asked_for_end_a_connection() {
    run(async {
        let unasked = [
            Step::Read,
            Step::Send(json("{}")),
            Step::Send(json(r#"{"evil":1}"#)),
            Step::Read,
            Step::Send(json("{}")),
        ]
        .to_vec();
        let server = Hostile::new(vec![unasked]);
        let caller = Caller::new(&server.url("/"), "");
        caller.call().await;
        while server.sent() < 2 {
            settle().await;
        }
        settle().await;
        let outcome = caller.call().await;
        assert_eq!(parsed(&outcome), "{}");
    });
}

#[test]
fn a9_interim_answers_are_passed_over() {
    run(async {
        let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n";
        let bytes = [interim.as_bytes(), &json(r#"{"a":1}"#)].concat();
        let caller = Caller::new(&Hostile::always(&bytes).url("/"), "");
        assert_eq!(parsed(&caller.call().await), r#"{"a":1}"#);
        let again = caller.call().await;
        assert_eq!(parsed(&again), r#"{"a":1}"#);
        assert!(again.reused_connection);
        let dripping = script(&[Step::Read, Step::Drip(bytes)]);
        assert_eq!(parsed(&Caller::new(&dripping.url("/"), "").call().await), r#"{"a":1}"#);
    });
}

#[test]
fn a9_a_storm_of_interim_answers_ends() {
    run(async {
        let storm = Step::Flood(b"HTTP/1.1 100 Continue\r\n\r\n".repeat(50));
        let problem = Caller::new(&script(&[Step::Read, storm]).url("/"), "").problem().await;
        assert_eq!(problem, CallError::Transport(TransportError::Interim));
    });
}

#[test]
fn bytes_one_by_one_make_a_whole_answer() {
    run(async {
        let body = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
            Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n";
        for bytes in [json("{}"), body.to_vec()] {
            let server = script(&[Step::Read, Step::Drip(bytes)]);
            assert_eq!(parsed(&Caller::new(&server.url("/"), "").call().await), "{}");
        }
    });
}

#[test]
fn a11_a_body_over_two_mebibytes_can_be_allowed() {
    run(async {
        let body = "x".repeat(1_000_000);
        let bytes = crate::support::hostile::answer("200 OK", "", &body);
        let caller = Caller::new(&Hostile::always(bytes).url("/"), "max_body_bytes = 1000000");
        let outcome = caller.call().await;
        assert_eq!(outcome.kind, OutcomeKind::Success { parsed: None });
        assert_eq!(outcome.response.unwrap().body.len(), body.len());
    });
}
