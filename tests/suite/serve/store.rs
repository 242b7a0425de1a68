//! The store of a gateway that serves: what outlives it, and what an operator and a caller hear of
//! one that fails.

use super::*;

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_reply_outlives_the_process_and_the_file_is_its_own() {
    let function = Hostile::always(TEXT);
    let config = config("127.0.0.1:0", function.address, "one.xml", "");
    let folder = folder("outlives");
    let mut process = Process::start(folder.clone(), &config);
    let address = process.address();
    assert!(post(address, "SM1").contains("<Message>one<"));
    // A second one on the same file.
    let mut second = Process::start(folder.clone(), &config);
    let (code, errors) = second.ended();
    assert_eq!(code, Some(1));
    assert!(
        errors.contains("twimlgate.db`: another gateway works on it; end that one"),
        "{errors}"
    );
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    let other = config.replace("one.xml", "two.xml");
    let mut process = Process::start(folder, &other);
    let address = process.address();
    assert!(post(address, "SM1").contains("<Message>one<"));
    assert!(post(address, "SM2").contains("<Message>two<"));
    assert_eq!(function.requests().len(), 2);
}

/// As `docs/operations.md` says it.
#[test]
fn a_backup_that_is_taken_while_it_serves_can_be_restored() {
    let function = Hostile::always(TEXT);
    let config = config("127.0.0.1:0", function.address, "one.xml", "");
    let mut process = Process::start(folder("backup"), &config);
    let address = process.address();
    let answer = post(address, "SM1");
    let database = process.folder.join("twimlgate.db");
    let backup = process.folder.join("backup.db");
    let busy = std::thread::spawn(move || {
        (2..80).all(|number| post(address, &format!("SM{number}")).contains("<Message>one<"))
    });
    let other = rusqlite::Connection::open(&database).unwrap();
    other.execute("VACUUM INTO ?1", [backup.to_str().unwrap()]).unwrap();
    drop(other);
    assert!(busy.join().unwrap(), "nobody waits for a backup");
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    for ending in ["-wal", "-shm"] {
        std::fs::remove_file(format!("{}{ending}", database.display())).unwrap();
    }
    std::fs::rename(&backup, &database).unwrap();
    let calls = function.requests().len();
    let mut process = Process::start(process.folder.clone(), &config.replace("one", "two"));
    let body = |answer: &str| answer.split_once("\r\n\r\n").unwrap().1.to_owned();
    assert_eq!(body(&post(process.address(), "SM1")), body(&answer));
    assert_eq!(function.requests().len(), calls);
}

#[test]
fn a_store_that_fails_is_told_and_the_caller_hears_the_fallback() {
    let function = Hostile::always(TEXT);
    let config = config("127.0.0.1:0", function.address, "one.xml", "");
    let config = config.replace("listen = \"\"", "listen = \"127.0.0.1:0\"");
    let mut process = Process::start(folder("fails"), &config);
    let line = process.line("listening on");
    let message = line["message"].as_str().unwrap();
    let (address, admin) = message["listening on ".len()..].split_once(", admin http://").unwrap();
    assert!(get(admin, "/readyz").ends_with("ready\n"));

    let other = rusqlite::Connection::open(process.folder.join("twimlgate.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let address = address.parse().unwrap();
    let began = twimlgate::clock::now();
    let answer = post(address, "SM1");
    assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains(">one<"), "{answer}");
    // Half a second is waited for whoever has it.
    assert!(began.elapsed() < std::time::Duration::from_secs(3), "{:?}", began.elapsed());
    let ready = get(admin, "/readyz");
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains("locked"), "{ready}");
    assert!(get(admin, "/metrics").contains("\ntwimlgate_ready 0\n"));
    other.execute_batch("COMMIT").unwrap();
    // What was not kept is not a repeat.
    assert!(post(address, "SM1").contains("<Message>one<"));
    assert!(get(admin, "/readyz").ends_with("ready\n"));
    assert!(get(admin, "/metrics").contains("\ntwimlgate_ready 1\n"));
}

#[test]
fn a_store_that_cannot_be_opened_is_told_with_advice() {
    let function = Hostile::always(TEXT);
    let config = config("127.0.0.1:0", function.address, "one.xml", "");
    for (url, advice) in [
        ("sqlite:nowhere/twimlgate.db", "see that its folder exists"),
        ("sqlite:config.toml", "name another file in `[store] url`"),
        ("sqlite:", "`memory:`, `sqlite:FILE` or `postgres:"),
        ("", "`memory:`, `sqlite:FILE` or `postgres:"),
        ("postgres://localhost", "with a host and a database"),
    ] {
        let config = format!("{config}[store]\nurl = \"{url}\"\n");
        let (code, errors) = Process::start(folder("unusable"), &config).ended();
        assert_eq!(code, Some(1), "{url}");
        assert!(errors.starts_with("error: ") && errors.contains(advice), "{url}: {errors}");
    }
}

/// S10, as an operator sees it: the file goes away under the gateway.
#[test]
fn s10_a_file_that_is_removed_is_told_and_it_goes_on_with_another() {
    let function = Hostile::always(TEXT);
    let config = config("127.0.0.1:0", function.address, "one.xml", "");
    let config = config.replace("listen = \"\"", "listen = \"127.0.0.1:0\"");
    // Whoever writes next meets it: if that is the tidying of the start and no caller, once more.
    let met = (0..5).find_map(|number| {
        let folder = folder(&format!("removed-{number}"));
        let mut process = Process::start(folder.clone(), &config);
        let line = process.line("listening on");
        let message = line["message"].as_str().unwrap();
        let (address, admin) = message["listening on ".len()..].split_once(", admin http://")?;
        let (address, admin) = (address.parse().unwrap(), admin.to_owned());
        assert!(post(address, "SM1").contains("<Message>one<"));
        std::fs::rename(folder.join("twimlgate.db"), folder.join("elsewhere.db")).unwrap();
        let (answer, ready) = (post(address, "SM2"), get(&admin, "/readyz"));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let told = ready.starts_with("HTTP/1.1 503") && ready.contains("moved, removed");
        (!answer.contains(">one<") && told).then_some((process, folder, address, admin))
    });
    let (mut process, folder, address, admin) = met.expect("a caller hears it, an operator why");
    assert!(post(address, "SM2").contains("<Message>one<"), "what was not kept is no repeat");
    assert!(get(&admin, "/readyz").ends_with("ready\n"));
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    let mut process = Process::start(folder, &config.replace("one.xml", "two.xml"));
    let address = process.address();
    assert!(post(address, "SM2").contains("<Message>one<"), "it was kept");
}

/// F17: the function has done its work, and the process dies before it is kept. It is asked again,
/// and can tell that it is the same call.
#[test]
fn f17_killed_before_the_reply_is_kept_the_function_is_asked_again_with_the_same_key() {
    let function = Hostile::always(TEXT);
    let config = config("127.0.0.1:0", function.address, "one.xml", "");
    let folder = folder("killed");
    let mut process = Process::start(folder.clone(), &config);
    let address = process.address();
    assert!(post(address, "SM1").contains("<Message>one<"));
    let other = rusqlite::Connection::open(folder.join("twimlgate.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(webhook("SM2").as_bytes()).unwrap();
    while function.requests().len() < 2 {
        std::thread::yield_now();
    }
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert_eq!(answer, "", "the carrier sees a connection that broke, and repeats");
    other.execute_batch("COMMIT").unwrap();
    let mut process = Process::start(folder, &config);
    let address = process.address();
    assert!(post(address, "SM2").contains("<Message>one<"));
    assert!(post(address, "SM1").contains("<Message>one<"));
    let keys: Vec<_> = function
        .requests()
        .iter()
        .map(|seen| seen.header("idempotency-key").unwrap().to_owned())
        .collect();
    assert_eq!(keys.len(), 3, "the first one is kept: {keys:?}");
    assert!(keys[1] == keys[2] && keys[0] != keys[1], "{keys:?}");
}
