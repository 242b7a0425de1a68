//! A gateway on a machine that is short of something, or stands still, and among clients that
//! never come to the point. The names are those of the faults in `SECURITY.md`.

use std::time::Duration;

use super::*;

/// So many descriptors that a gateway lives, and a crowd does not fit in.
const DESCRIPTORS: usize = 64;

fn patient(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(13))).unwrap();
    stream
}

#[test]
fn p13_out_of_descriptors_it_serves_again_when_the_crowd_has_gone() {
    let function = Hostile::always(TEXT);
    let config = config("127.0.0.1:0", function.address, "one.xml", "");
    let limited = format!("ulimit -n {DESCRIPTORS}; exec \"$0\" serve");
    let mut command = Command::new("sh");
    command.args(["-c", &limited, env!("CARGO_BIN_EXE_twimlgate")]);
    let mut process = Process::start_as(command, folder("descriptors"), &config);
    let address = process.address();
    assert!(post(address, "SM1").contains("<Message>one<"));
    let crowd: Vec<TcpStream> = (0..3 * DESCRIPTORS).map(|_| patient(address)).collect();
    drop(crowd);
    for number in 2..20 {
        let answer = post(address, &format!("SM{number}"));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert!(post(address, "SM99").contains("<Message>one<"), "the function is called again");
}

#[test]
fn p16_after_a_standstill_what_was_sent_is_answered() {
    let function = Hostile::always(TEXT);
    let config = config("127.0.0.1:0", function.address, "one.xml", "");
    let mut process = Process::start(folder("standstill"), &config);
    let address = process.address();
    assert!(post(address, "SM1").contains("<Message>one<"));
    process.signal("-STOP");
    let mut waiting: Vec<TcpStream> = (2..10)
        .map(|number| {
            let mut stream = patient(address);
            stream.write_all(webhook(&format!("SM{number}")).as_bytes()).unwrap();
            stream
        })
        .collect();
    // One whose caller has lost patience.
    drop(waiting.pop());
    process.signal("-CONT");
    for mut stream in waiting {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("<Message>one<"), "{answer}");
    }
}

#[test]
fn p17_a_log_that_nobody_reads_keeps_no_caller_waiting() {
    let function = Hostile::always(TEXT);
    let config = config("127.0.0.1:0", function.address, "one.xml", "");
    let mut process = Process::start(folder("unread"), &config);
    let address = process.address();
    // A pipe holds 64 kB: some three hundred lines.
    for number in 0..800 {
        let answer = post(address, &format!("SM{number}"));
        assert!(answer.contains("<Message>one<"), "{number}: {answer}");
    }
}

#[test]
fn t9_those_who_never_come_to_the_point_keep_nobody_waiting() {
    let function = Hostile::always(TEXT);
    let config = config("127.0.0.1:0", function.address, "one.xml", "");
    let mut process = Process::start(folder("slow"), &config);
    let address = process.address();
    let head = "POST /sms HTTP/1.1\r\nHost: a\r\nContent-Le";
    let body = "POST /sms HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\
        \r\nContent-Length: 1000\r\n\r\nMessageSid=";
    let _slow: Vec<TcpStream> = ["", head, body]
        .iter()
        .cycle()
        .take(300)
        .map(|begun| {
            let mut stream = patient(address);
            stream.write_all(begun.as_bytes()).unwrap();
            stream
        })
        .collect();
    for number in 0..100 {
        let answer = post(address, &format!("SM{number}"));
        assert!(answer.contains("<Message>one<"), "{number}: {answer}");
    }
}

#[test]
fn t10_what_is_sent_before_a_signature_is_not_kept() {
    let function = Hostile::always(TEXT);
    let config = config("127.0.0.1:0", function.address, "one.xml", "");
    let mut process = Process::start(folder("bodies"), &config);
    let address = process.address();
    let resident = |process: &Process| -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.child.id()));
        let status = status.unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    assert!(post(address, "SM1").contains("<Message>one<"));
    let before = resident(&process);
    let head = "POST /sms HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\
        Content-Type: application/x-www-form-urlencoded\r\n\r\n";
    let chunk = format!("10000\r\n{}\r\n", "a".repeat(0x10000));
    for _ in 0..20 {
        let mut stream = patient(address);
        stream.write_all(head.as_bytes()).unwrap();
        // It is refused after 64 kB; what the socket still takes goes nowhere.
        for _ in 0..64 {
            if stream.write_all(chunk.as_bytes()).is_err() {
                break;
            }
        }
    }
    let grown = resident(&process).saturating_sub(before);
    assert!(grown < 20 * 1024, "{grown} kB more for 80 MB of bodies");
    assert!(post(address, "SM2").contains("<Message>one<"));
}
