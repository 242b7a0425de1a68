//! Faults of functions that are not about one connection: down, away, late (F1, F13, F15, F16).

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use twimlgate::function::{CallError, CallPhase, Resolver, ResolverEntry, TransportError};

use super::caller::{Caller, parsed, problem, run};
use crate::support::hostile::{Hostile, Step, answer, json};

/// An address on which nobody listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}

async fn with_deadline(caller: &Caller, within: Duration) -> CallError {
    problem(caller.call_within(within).await)
}

#[test]
fn nobody_listens() {
    run(async {
        let problem = Caller::new(&nowhere(), "").problem().await;
        assert!(
            matches!(problem, CallError::Transport(TransportError::Connect { .. })),
            "{problem}"
        );
    });
}

#[test]
fn f1_no_answer_ends_with_the_sooner_of_two_deadlines() {
    run(async {
        let server = Hostile::new(vec![vec![Step::Read, Step::Hang]]);
        let caller = Caller::new(&server.url("/"), "timeout_ms = 200");
        let after = Duration::from_millis(200);
        assert_eq!(caller.problem().await, CallError::Timeout { after, phase: CallPhase::Head });
        let caller = Caller::new(&server.url("/"), "timeout_ms = 10000");
        let problem = with_deadline(&caller, after).await;
        assert!(matches!(problem, CallError::Timeout { phase: CallPhase::Head, .. }));
        let before = server.connections();
        let problem = with_deadline(&caller, Duration::ZERO).await;
        assert!(matches!(problem, CallError::Timeout { .. }));
        assert_eq!(server.connections(), before, "nothing is sent when there is no time");
    });
}

#[test]
fn f1_many_hang_and_nobody_waits_longer() {
    run(async {
        let server = Hostile::new(vec![vec![Step::Read, Step::Hang]]);
        let caller = Caller::new(&server.url("/"), "timeout_ms = 500\nconnections = 200");
        let caller = std::rc::Rc::new(caller);
        let calls: Vec<_> = (0..200)
            .map(|_| {
                let caller = std::rc::Rc::clone(&caller);
                actix_web::rt::spawn(async move { caller.problem().await })
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap().kind(), "timeout");
        }
    });
}

#[test]
fn f13_names_that_do_not_resolve() {
    run(async {
        let names = HashMap::from([
            ("silent.example".to_owned(), ResolverEntry::Silent),
            ("failing.example".to_owned(), ResolverEntry::Fails),
            ("empty.example".to_owned(), ResolverEntry::Addresses(Vec::new())),
        ]);
        let names = Arc::new(Mutex::new(names));
        let caller = |host: &str| {
            let resolver = Resolver::Table(Arc::clone(&names));
            Caller::with(&format!("http://{host}/"), "timeout_ms = 200", "", resolver)
        };
        for host in ["missing.example", "failing.example", "empty.example"] {
            let problem = caller(host).problem().await;
            let CallError::Transport(TransportError::Resolve { host: found, .. }) = &problem else {
                panic!("{problem}");
            };
            assert_eq!(found, host);
        }
        let problem = caller("silent.example").problem().await;
        assert!(matches!(problem, CallError::Timeout { phase: CallPhase::Resolve, .. }));
        let real = Caller::new("http://no-such-host.invalid/", "").problem().await;
        assert!(matches!(real, CallError::Transport(TransportError::Resolve { .. })), "{real}");
    });
}

#[test]
fn f13_the_last_good_address_stands_in() {
    run(async {
        let server = Hostile::new(vec![vec![Step::Read, Step::Send(json("{}"))]]);
        let good = ResolverEntry::Addresses(vec!["127.0.0.1".parse().unwrap()]);
        let names = Arc::new(Mutex::new(HashMap::from([("f.example".to_owned(), good)])));
        let url = format!("http://f.example:{}/", server.address.port());
        let resolver = Resolver::Table(Arc::clone(&names));
        let caller = Caller::with(&url, "", "", resolver);
        assert_eq!(parsed(&caller.call().await), "{}");
        for bad in
            [ResolverEntry::Fails, ResolverEntry::Silent, ResolverEntry::Addresses(Vec::new())]
        {
            names.lock().insert("f.example".to_owned(), bad);
            // Another worker: no connection is left over, so the name is asked for.
            assert_eq!(parsed(&caller.other_worker().call().await), "{}");
        }
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(61)).await;
        names.lock().remove("f.example");
        let problem = caller.other_worker().problem().await;
        assert!(
            matches!(problem, CallError::Transport(TransportError::Resolve { .. })),
            "after 60 s it is too old: {problem}"
        );
    });
}

#[test]
fn f13_five_hundred_addresses_do_not_eat_the_deadline() {
    run(async {
        let server = Hostile::always(json("{}"));
        let dead = "127.0.0.2".parse().unwrap();
        let mut addresses = vec![dead; 3];
        addresses.push("127.0.0.1".parse().unwrap());
        addresses.extend(vec![dead; 500]);
        let entry = |addresses| {
            let names =
                HashMap::from([("f.example".to_owned(), ResolverEntry::Addresses(addresses))]);
            Resolver::Table(Arc::new(Mutex::new(names)))
        };
        let url = format!("http://f.example:{}/", server.address.port());
        let caller = Caller::with(&url, "", "", entry(addresses));
        assert_eq!(parsed(&caller.call().await), "{}");
        let caller = Caller::with(&url, "", "", entry(vec![dead; 500]));
        assert!(matches!(
            caller.problem().await,
            CallError::Transport(TransportError::Connect { .. })
        ));
    });
}

#[test]
fn f15_a_late_answer_belongs_to_nobody() {
    run(async {
        // The server answers the first request when the client has given up, then the second.
        let late = vec![Step::Read, Step::Hang, Step::Send(json(r#"{"late":true}"#))];
        let live = vec![Step::Read, Step::Send(json(r#"{"late":false}"#))];
        let server = Hostile::new(vec![late, live]);
        let caller = Caller::new(&server.url("/"), "timeout_ms = 200");
        assert_eq!(caller.problem().await.kind(), "timeout");
        let outcome = caller.call().await;
        assert_eq!(parsed(&outcome), r#"{"late":false}"#);
        assert!(!outcome.reused_connection);
    });
}

#[test]
fn f16_a_function_that_is_down_is_not_asked_every_time() {
    run(async {
        let url = nowhere();
        let caller = Caller::new(&url, "");
        for _ in 0..5 {
            assert_eq!(caller.problem().await.kind(), "connect");
        }
        assert!(caller.is_broken());
        let outcome = caller.call().await;
        assert_eq!(outcome.attempts, 0);
        assert_eq!(problem(outcome), CallError::BreakerOpen);
        assert_eq!(
            caller.other_worker().problem().await,
            CallError::BreakerOpen,
            "all workers know"
        );

        let address = url.trim_start_matches("http://").trim_end_matches('/');
        let back = TcpListener::bind(address).unwrap();
        std::thread::spawn(move || {
            use std::io::{Read, Write};
            for tcp in back.incoming() {
                let mut tcp = tcp.unwrap();
                let _ = tcp.read(&mut [0; 4096]);
                let _ = tcp.write_all(&json("{}"));
            }
        });
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(6)).await;
        tokio::time::resume();
        assert_eq!(parsed(&caller.call().await), "{}", "one call finds out");
        assert!(!caller.is_broken());
    });
}

#[test]
fn f16_what_counts_and_what_does_not() {
    run(async {
        for (bytes, counts) in [
            (answer("500 x", "", ""), true),
            (answer("503 x", "", ""), true),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec(), true),
            (Vec::new(), true),
            (answer("404 x", "", ""), false),
            (json("{"), false),
            (answer("302 x", "Location: http://10.0.0.1/\r\n", ""), false),
        ] {
            let server = Hostile::new(vec![vec![Step::Read, Step::Send(bytes.clone())]]);
            let caller = Caller::new(&server.url("/"), "");
            for _ in 0..5 {
                caller.problem().await;
            }
            assert_eq!(caller.is_broken(), counts, "{:?}", String::from_utf8_lossy(&bytes));
        }
    });
}

#[test]
fn f16_time_that_an_earlier_step_used_up_does_not_count() {
    run(async {
        let server = Hostile::new(vec![vec![Step::Read, Step::Hang]]);
        let caller = Caller::new(&server.url("/"), "timeout_ms = 5000");
        for _ in 0..6 {
            assert_eq!(with_deadline(&caller, Duration::from_millis(20)).await.kind(), "timeout");
        }
        assert!(!caller.is_broken());
        let caller = Caller::new(&server.url("/"), "timeout_ms = 20");
        for _ in 0..5 {
            assert_eq!(caller.problem().await.kind(), "timeout");
        }
        assert!(caller.is_broken());
    });
}

#[test]
fn a_function_whose_url_cannot_be_called() {
    run(async {
        let caller = Caller::new("http://127.0.0.1:9/", "");
        let mut function = twimlgate::config::Function::clone(caller.function());
        function.target = twimlgate::config::FunctionTarget::Url("/nowhere".parse().unwrap());
        let outcome =
            caller.send(&std::sync::Arc::new(function), None, Duration::from_secs(1)).await;
        assert_eq!(problem(outcome), CallError::Unusable);
    });
}
