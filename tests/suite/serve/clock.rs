//! P12: the wall clock of a gateway that serves is set: an hour, ten years, back and forth.
//! Deadlines do not care; nothing that is kept becomes old at once, and nothing waits for years.

use std::time::Duration;

use super::flows::{back, hotline, send, with_flows};
use super::*;

const HOUR: i64 = 3_600;
const TEN_YEARS: i64 = 315_360_000;

/// The library that sets the clock of whoever loads it.
fn library(folder: &Path) -> PathBuf {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/serve/clock.c");
    let library = folder.join("clock.so");
    let mut build = Command::new("cc");
    build.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source);
    assert!(build.status().expect("there is a C compiler").success());
    library
}

struct Clock(PathBuf);

impl Clock {
    /// In one step, so that nobody reads half of it.
    fn set(&self, seconds: i64) {
        let fresh = self.0.with_extension("new");
        std::fs::write(&fresh, seconds.to_string()).unwrap();
        std::fs::rename(fresh, &self.0).unwrap();
    }
}

fn start(folder: PathBuf, config: &str) -> (Process, Clock) {
    let clock = Clock(folder.join("clock"));
    clock.set(0);
    let mut command = Command::new(env!("CARGO_BIN_EXE_twimlgate"));
    command.arg("serve").env("LD_PRELOAD", library(&folder)).env("TWIMLGATE_TEST_CLOCK", &clock.0);
    (Process::start_as(command, folder, config), clock)
}

/// The year that the log says.
fn year(process: &mut Process) -> i64 {
    let line = process.line("webhook");
    line["time"].as_str().unwrap()[..4].parse().unwrap()
}

const RINGING: &str = "CallSid=CA1&From=%2B1555&To=%2B1999&CallStatus=ringing";
const TALKING: &str = "CallSid=CA1&From=%2B1555&To=%2B1999&CallStatus=in-progress";

fn message(sid: &str, body: &str) -> String {
    format!("MessageSid={sid}&From=%2B1555&To=%2B1999&Body={body}")
}

#[test]
fn p12_a_clock_that_jumps_ends_no_call_no_wait_and_no_memory() {
    let carrier = Hostile::always(crate::support::hostile::json("{\"sid\": \"SM9\"}"));
    let (mut process, clock) = start(with_flows("clock"), &hotline(carrier.address));
    let address = process.address();
    let mut call = send(address, "/voice", RINGING);
    let question = send(address, "/sms", &message("SM1", "hi"));
    assert!(question.contains("What is your name?"), "{question}");
    let (first, _) = (year(&mut process), year(&mut process));
    for (seconds, years) in
        [(HOUR, 0), (-HOUR, 0), (TEN_YEARS, 10), (-TEN_YEARS, -10), (-1, 0), (0, 0)]
    {
        clock.set(seconds);
        // The look for waits that are over, and for what is old, comes every second.
        std::thread::sleep(Duration::from_millis(1_200));
        let began = twimlgate::clock::now();
        call = send(address, &back(&call), TALKING);
        assert!(call.contains("<Gather"), "the call goes on: {call}");
        assert_eq!(send(address, "/sms", &message("SM1", "hi")), question, "a repeat, {seconds}");
        let other = send(address, "/sms", &message("SM1", "hi").replace("1555", "1666"));
        assert_eq!(other, question, "the same message, whatever else it says");
        assert!(began.elapsed() < Duration::from_secs(5), "{seconds}: {:?}", began.elapsed());
        let now = year(&mut process);
        assert!((now - first - years).abs() <= 1, "{seconds}: it is {now}, the clock is not set");
        year(&mut process);
        year(&mut process);
    }
    let thanks = send(address, "/sms", &message("SM2", "Ada"));
    assert!(thanks.contains("Thank you, Ada"), "the conversation goes on: {thanks}");
    assert!(carrier.requests().is_empty(), "no wait was over: {:?}", carrier.requests());
    process.signal("-TERM");
    assert_eq!(process.ended().0, Some(0));
    let store = rusqlite::Connection::open(process.folder.join("twimlgate.db")).unwrap();
    let count = |table: &str| -> i64 {
        store.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count("execution"), 2);
}

#[test]
fn p12_a_deadline_does_not_care_for_the_wall_clock() {
    let function = Hostile::new(vec![vec![Step::Read, Step::Hang]]);
    let within = "answer_within_ms = 1000";
    let config = config("127.0.0.1:0", function.address, "one.xml", within);
    let (mut process, clock) = start(folder("clock-deadline"), &config);
    let address = process.address();
    for (number, seconds) in [TEN_YEARS, -TEN_YEARS, HOUR, -HOUR].into_iter().enumerate() {
        let began = twimlgate::clock::now();
        let waiting = std::thread::spawn(move || post(address, &format!("SM{number}")));
        while function.requests().len() <= number {
            std::thread::yield_now();
        }
        clock.set(seconds);
        let answer = waiting.join().unwrap();
        let took = began.elapsed();
        assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains(">one<"), "{answer}");
        let fair = Duration::from_millis(900)..Duration::from_secs(2);
        assert!(fair.contains(&took), "{seconds}: {took:?}");
    }
}
