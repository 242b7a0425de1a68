//! A gateway on a machine that is short of something, or stands still, and among clients that
//! never come to the point. The names are those of the faults in `SECURITY.md`.

use std::time::Duration;

use super::*;

/// So many descriptors that a gateway lives, and a crowd does not fit in.
const DESCRIPTORS: usize = 64;

/// A gateway whose function answers at once.
fn serving(name: &str) -> (Process, SocketAddr) {
    let function = Hostile::always(TEXT);
    let config = config("127.0.0.1:0", function.address, "one.xml", "");
    let mut process = Process::start(folder(name), &config);
    let address = process.address();
    (process, address)
}

/// Kilobytes of memory: `VmRSS` now, `VmHWM` at most so far.
fn memory(process: &Process, which: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.child.id()));
    let status = status.unwrap();
    let line = status.lines().find(|line| line.starts_with(which)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

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
    let (process, address) = serving("standstill");
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
    let (_process, address) = serving("unread");
    // A pipe holds 64 kB: some three hundred lines.
    for number in 0..800 {
        let answer = post(address, &format!("SM{number}"));
        assert!(answer.contains("<Message>one<"), "{number}: {answer}");
    }
}

#[test]
fn t9_those_who_never_come_to_the_point_keep_nobody_waiting() {
    let (_process, address) = serving("slow");
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
    let (process, address) = serving("bodies");
    assert!(post(address, "SM1").contains("<Message>one<"));
    let before = memory(&process, "VmRSS");
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
    let grown = memory(&process, "VmRSS").saturating_sub(before);
    assert!(grown < 20 * 1024, "{grown} kB more for 80 MB of bodies");
    assert!(post(address, "SM2").contains("<Message>one<"));
}

/// I10: 64 MB, and 256 kB for each webhook that is being answered; with an address space that
/// ends at a gigabyte.
#[test]
fn p14_ten_times_the_load_stays_within_its_memory() {
    let slow = [Step::Read, Step::Pause(Duration::from_millis(20)), Step::Send(TEXT.into())];
    let slow = slow.iter().cloned().cycle().take(3_000).collect();
    let function = Hostile::new(vec![slow]);
    let within = "answer_within_ms = 2000";
    let config = config("127.0.0.1:0", function.address, "one.xml", within);
    let config = config.replace("[route", "connections = 4\n[route");
    let mut command = Command::new("sh");
    let limited = "ulimit -v 1000000; exec \"$0\" serve";
    command.args(["-c", limited, env!("CARGO_BIN_EXE_twimlgate")]);
    let mut process = Process::start_as(command, folder("memory"), &config);
    let address = process.address();
    assert!(post(address, "SM1").contains("<Message>one<"));
    // Four at a time, each 20 ms: two hundred a second, asked for six times that at once.
    let crowd = 1_200;
    let began = twimlgate::clock::now();
    let mut waiting: Vec<TcpStream> = (0..crowd)
        .map(|number| {
            let mut stream = patient(address);
            stream.write_all(webhook(&format!("SMcrowd{number}")).as_bytes()).unwrap();
            stream
        })
        .collect();
    let mut served = 0;
    for stream in &mut waiting {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("<Message>"), "{answer}");
        served += usize::from(answer.contains(">one<"));
    }
    // To connect so many takes its time as well; what the gateway needs for one is in its log.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    for _ in 0..=crowd {
        let took = process.line("webhook")["total_ms"].as_f64().unwrap();
        assert!(took < 4_000.0, "{took} ms");
    }
    assert!(served > 50, "the function is used meanwhile: {served} served");
    let peak = memory(&process, "VmHWM");
    assert!(peak < 64 * 1024 + crowd * 256, "{peak} kB");
    assert!(peak < 128 * 1024, "{peak} kB");
    assert!(post(address, "SM2").contains("<Message>one<"), "and then all is as it was");
}

#[test]
fn t9_thousands_of_idle_connections_keep_nobody_waiting() {
    let (process, address) = serving("idle");
    assert!(post(address, "SM1").contains("<Message>one<"));
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", process.child.id())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let files: usize = files.split_whitespace().nth(3).unwrap().parse().unwrap_or(20_000);
    let open = || std::fs::read_dir(format!("/proc/{}/fd", process.child.id())).unwrap().count();
    let (before, descriptors) = (memory(&process, "VmRSS"), open());
    let idle: Vec<TcpStream> = (0..(files / 4).min(5_000)).map(|_| patient(address)).collect();
    let began = twimlgate::clock::now();
    for number in 0..50 {
        let answer = post(address, &format!("SM{number}"));
        assert!(answer.contains("<Message>one<"), "{number}: {answer}");
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let each = memory(&process, "VmRSS").saturating_sub(before) / idle.len();
    assert!(each < 32, "{each} kB for each of {} idle connections", idle.len());
    drop(idle);
    while open() > descriptors + 10 {
        assert!(began.elapsed() < Duration::from_secs(10), "{} are still open", open());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What they have asked for and do not read is kept for them, and no more than that. Who cannot
/// sign has one answer, and then the connection is closed.
#[test]
fn t9_those_who_never_read_keep_nobody_waiting() {
    const ASKED: usize = 200;
    const DEAF: usize = 5;
    let function = Hostile::always(TEXT);
    let config = config("127.0.0.1:0", function.address, "long.xml", "");
    let folder = folder("never-read");
    let long = "x".repeat(60_000);
    let document = format!("<Response><Message>{long}</Message></Response>");
    std::fs::write(folder.join("templates/long.xml"), document).unwrap();
    let mut process = Process::start(folder, &config);
    let address = process.address();
    assert!(post(address, "SM1").contains("<Message>x"));
    let before = memory(&process, "VmRSS");
    let again = webhook("SM1").replace("Connection: close\r\n", "").repeat(ASKED);
    let _deaf: Vec<TcpStream> = (0..DEAF)
        .map(|_| {
            let mut stream = patient(address);
            stream.write_all(again.as_bytes()).unwrap();
            stream
        })
        .collect();
    for number in 2..50 {
        let answer = post(address, &format!("SM{number}"));
        assert!(answer.contains("<Message>x"), "{number}: {}", answer.len());
    }
    let grown = memory(&process, "VmRSS").saturating_sub(before);
    assert!(grown < DEAF * ASKED * 64 + 20 * 1024, "{grown} kB more for those who do not read");
}

#[test]
fn p19_fifty_changes_of_the_configuration_under_load_fail_nobody() {
    let function = Hostile::always(TEXT);
    let config = config("127.0.0.1:0", function.address, "one.xml", "");
    let mut process = Process::start(folder("reloads"), &config);
    let address = process.address();
    let (stop, stopped) = mpsc::channel::<()>();
    let load = std::thread::spawn(move || {
        let mut number = 0;
        while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
            let answer = post(address, &format!("SM{number}"));
            assert!(answer.contains(">one<") || answer.contains(">two<"), "{number}: {answer}");
            number += 1;
        }
        number
    });
    for change in 0..50 {
        let (from, to, told) = match change % 4 {
            0 => ("one.xml", "two.xml", "configuration taken over"),
            1 => ("two.xml", "nowhere.xml", "configuration refused"),
            2 => ("nowhere.xml", "two.xml\n[", "configuration refused"),
            _ => ("two.xml\n[", "one.xml", "configuration taken over"),
        };
        process.change(from, to);
        process.signal("-HUP");
        process.line(told);
    }
    drop(stop);
    assert!(load.join().unwrap() > 10);
}
