//! One deadline for all of a call (I2), shown by the time that it took: whatever trickles, and
//! however often one is sent elsewhere.
//!
//! The clock is stopped: time passes where a test says so, and to the next deadline where nothing
//! else can happen, so that what took a second too long is a second too long on any machine.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use twimlgate::function::{CallError, CallPhase, Outcome};

use super::caller::{Caller, problem, run, settle};
use crate::support::hostile::{Hostile, Step, answer, json};

/// What the function may take.
const WITHIN: Duration = Duration::from_secs(5);

/// How long each part of its answer takes.
const PART: Duration = Duration::from_secs(2);

/// The clock counts whole milliseconds; what the network needs meanwhile is real time.
const SLACK: Duration = Duration::from_millis(900);

/// A function that sends the parts of its answer as it is told to.
fn in_parts(parts: Vec<Vec<u8>>, reads: bool) -> (Hostile, Sender<()>) {
    let (tell, told) = channel();
    let told = Arc::new(Mutex::new(told));
    let mut steps = vec![Step::Read];
    for part in parts {
        steps.extend([Step::Wait(Arc::clone(&told)), Step::Send(part)]);
        if reads {
            steps.push(Step::Read);
        }
    }
    steps.push(Step::Hang);
    (Hostile::new(vec![steps]), tell)
}

/// A call whose function sends one part every [`PART`], as long as the call goes on.
async fn slowly(function: &Hostile, tell: Sender<()>) -> Outcome {
    let url = function.url("/");
    let call =
        actix_web::rt::spawn(async move { Caller::new(&url, "").call_within(4 * WITHIN).await });
    while function.requests().is_empty() {
        settle().await;
    }
    let mut sent = 0;
    for _ in 0..2 {
        tokio::time::pause();
        tokio::time::advance(PART).await;
        tokio::time::resume();
        tell.send(()).expect("it waits");
        sent += 1;
        while function.sent() < sent {
            settle().await;
        }
        settle().await;
    }
    assert!(!call.is_finished(), "it has a second left");
    tokio::time::pause();
    call.await.expect("it ends")
}

fn assert_in_time(outcome: &Outcome) {
    let late = outcome.duration.saturating_sub(WITHIN);
    assert!(outcome.duration >= WITHIN && late < SLACK, "{:?}", outcome.duration);
}

#[test]
fn f2_a_body_that_trickles_ends_with_the_one_deadline() {
    run(async {
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        let (function, tell) = in_parts(vec![head, b"1\r\nx\r\n".to_vec()], false);
        let outcome = slowly(&function, tell).await;
        assert_in_time(&outcome);
        assert_eq!(problem(outcome), CallError::Timeout { after: WITHIN, phase: CallPhase::Body });
    });
}

#[test]
fn f2_a_head_that_trickles_ends_with_the_one_deadline() {
    run(async {
        let parts = vec![b"HTTP/1.1 200 OK\r\n".to_vec(), b"A: b\r\n".to_vec()];
        let (function, tell) = in_parts(parts, false);
        let outcome = slowly(&function, tell).await;
        assert_in_time(&outcome);
        assert_eq!(problem(outcome), CallError::Timeout { after: WITHIN, phase: CallPhase::Head });
    });
}

#[test]
fn f7_slow_redirects_have_one_deadline_together() {
    run(async {
        let to = |at: &str| answer("307 x", &format!("Location: {at}\r\n"), "");
        let (function, tell) = in_parts(vec![to("/two"), to("/three"), json("{}")], true);
        let outcome = slowly(&function, tell).await;
        assert_in_time(&outcome);
        assert_eq!(outcome.attempts, 3, "it was sent on twice");
        assert_eq!(problem(outcome), CallError::Timeout { after: WITHIN, phase: CallPhase::Head });
    });
}
