//! A disk that takes seconds for each write (S4), and one that fails (S2), under a gateway that
//! serves. Whoever waits is told in time, and what was answered is there.

use std::time::Duration;

use super::flows::send;
use super::*;

/// The time for an answer.
const WITHIN: Duration = Duration::from_secs(1);

/// How long each slow write takes.
const SLOW: Duration = Duration::from_millis(2_500);

/// A gateway whose thread that writes waits [`SLOW`] for some of its syncs; `None` where nobody can
/// make it.
fn slow(name: &str, syncs: &str, config: &str) -> Option<Process> {
    let delay = format!("delay_enter={}:when={syncs}", SLOW.as_micros());
    on_a_disk(name, &delay, config)
}

/// A gateway whose syncs go as strace is told.
fn on_a_disk(name: &str, syncs: &str, config: &str) -> Option<Process> {
    with_calls(name, "fdatasync,fsync", syncs, config)
}

/// A gateway whose calls of some names go as strace is told.
fn with_calls(name: &str, calls: &str, how: &str, config: &str) -> Option<Process> {
    let traced = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    if !traced.is_ok_and(|output| output.status.success()) {
        println!("skipped: there is no strace, or this user may not use it");
        return None;
    }
    let (traced, inject) = (format!("trace={calls}"), format!("inject={calls}:{how}"));
    let mut command = Command::new("strace");
    // `-D`: the gateway is the child, so that it is the one that a signal ends.
    command.args(["-D", "-f", "-q", "-o", "/dev/null", "-e"]);
    command.args([traced.as_str(), "-e", &inject]);
    command.args([env!("CARGO_BIN_EXE_twimlgate"), "serve"]);
    let folder = folder(name);
    let survey = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/flows/survey.json");
    std::fs::copy(survey, folder.join("survey.json")).unwrap();
    // The file is begun on a disk that is well: those syncs are not counted.
    let mut process = Process::start(folder.clone(), config);
    process.address();
    process.signal("-TERM");
    assert_eq!(process.ended(), (Some(0), String::new()));
    Some(Process::start_as(command, folder, config))
}

fn config_of(function: SocketAddr) -> String {
    let more = format!("answer_within_ms = {}", WITHIN.as_millis());
    let account = "[[account]]\nsid = \"AC00000000000000000000000000000000\"\n\
                   auth_tokens = [\"12345\"]\n";
    let chat = "[route.\"/chat\"]\nchannel = \"message\"\nflow = \"survey.json\"\n";
    config("127.0.0.1:0", function, "one.xml", &more) + account + chat
}

/// What somebody gets, and that it came in time.
fn in_time<T>(asks: impl FnOnce() -> T) -> T {
    let began = twimlgate::clock::now();
    let got = asks();
    assert!(began.elapsed() < 2 * WITHIN, "it took {:?}", began.elapsed());
    got
}

#[test]
fn s4_a_slow_disk_costs_the_answer_and_not_the_time() {
    let function = Hostile::always(TEXT);
    let Some(mut process) = slow("slow-disk", "6", &config_of(function.address)) else { return };
    let address = process.address();
    // Until the sync comes that is slow.
    let slow = (0..20).map(|number| format!("SM{number}")).find(|sid| {
        let answer = in_time(|| post(address, sid));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        !answer.contains("<Message>one<")
    });
    let slow = slow.expect("one write is slow");
    assert_ne!(slow, "SM0", "the disk was well before");
    // Others wait behind it, and no longer.
    let others = (20..40).map(|number| format!("SM{number}"));
    let others = others.map(|sid| std::thread::spawn(move || in_time(|| post(address, &sid))));
    for other in others.collect::<Vec<_>>() {
        assert!(other.join().unwrap().starts_with("HTTP/1.1 200"));
    }
    // Its write went on meanwhile: a repeat gets what its function said, which is not asked again.
    let began = twimlgate::clock::now();
    while !in_time(|| post(address, &slow)).contains("<Message>one<") {
        assert!(began.elapsed() < 4 * SLOW, "it does not recover");
    }
    assert!(in_time(|| post(address, "SM20")).contains("<Message>one<"));
    assert!(in_time(|| post(address, "SM99")).contains("<Message>one<"));
    let mut asked: Vec<String> =
        function.requests().iter().map(|seen| seen.text().to_owned()).collect();
    asked.sort();
    let calls = asked.len();
    asked.dedup();
    assert_eq!(asked.len(), calls, "one call for each message");
}

#[test]
fn it_ends_when_its_store_is_closed() {
    let function = Hostile::always(TEXT);
    let config = config_of(function.address);
    let slow = "delay_enter=500000";
    let Some(mut process) = with_calls("slow-end", "unlink", slow, &config) else { return };
    let address = process.address();
    assert!(post(address, "SM1").contains("<Message>one<"));
    let log = process.folder.join("twimlgate.db-wal");
    assert!(log.metadata().unwrap().len() > 0);
    process.signal("-TERM");
    assert_eq!(process.ended(), (Some(0), String::new()));
    assert!(!log.exists(), "its log has been moved into the file");
}

#[test]
fn s4_a_conversation_on_a_slow_disk_is_answered_in_time_and_goes_on() {
    let function = Hostile::always(TEXT);
    let Some(mut process) = slow("slow-chat", "1..2", &config_of(function.address)) else { return };
    let address = process.address();
    let message = |sid: &str| format!("MessageSid={sid}&From=%2B1555&To=%2B1999&Body=Ada");
    let fallback = in_time(|| send(address, "/chat", &message("SM1")));
    assert!(!fallback.contains("What is your name?"), "{fallback}");
    let began = twimlgate::clock::now();
    let mut number = 2;
    let answer = loop {
        let answer = in_time(|| send(address, "/chat", &message(&format!("SM{number}"))));
        if answer.contains("your name?") || answer.contains("Thank you, Ada") {
            break answer;
        }
        number += 1;
        assert!(began.elapsed() < 4 * SLOW, "it does not recover: {answer}");
    };
    let again = in_time(|| send(address, "/chat", &message(&format!("SM{number}"))));
    assert_eq!(again, answer, "a repeat gets the same bytes");
}

#[test]
fn s2_a_sync_that_fails_costs_an_answer_and_nothing_that_was_answered() {
    let function = Hostile::always(TEXT);
    let config = config_of(function.address);
    let Some(mut process) = on_a_disk("failing-disk", "error=EIO:when=6+5", &config) else {
        return;
    };
    let address = process.address();
    let mut answered = Vec::new();
    for number in 0..40 {
        let sid = format!("SM{number}");
        let answer = in_time(|| post(address, &sid));
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("<Message>"), "{answer}");
        answered.extend(answer.contains(">one<").then_some(sid));
    }
    assert!(answered.len() < 40, "no sync fails");
    assert!(answered.len() > 10, "it does not recover: {}", answered.len());
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    let mut process = Process::start(process.folder.clone(), &config.replace("one.xml", "two.xml"));
    let address = process.address();
    for sid in answered {
        assert!(post(address, &sid).contains(">one<"), "{sid} was answered, and is lost");
    }
}
