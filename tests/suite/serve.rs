//! `twimlgate serve` as an operator runs it: a process, signals, a port, a certificate.

mod clock;
mod documents;
mod flows;
mod machine;
mod origin;
mod hold;
mod routes;
mod slow;
mod store;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

use crate::faults::panics::planted;
use crate::support::hostile::{Hostile, Step};

/// A process of the program, with a folder of its own.
struct Process {
    child: Child,
    log: BufReader<ChildStdout>,
    folder: PathBuf,
}

const TEXT: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("templates")).expect("the folder is ours");
    folder
}

fn config(listen: &str, function: SocketAddr, document: &str, more: &str) -> String {
    format!(
        "[server]\nlisten = \"{listen}\"\nworkers = 1\n{more}\n[admin]\nlisten = \"\"\n\
         [signature]\nmode = \"off\"\n[function.f]\nurl = \"http://{function}/\"\n\
         [route.\"/sms\"]\nchannel = \"message\"\nfunction = \"f\"\nsuccess = \"{document}\"\n"
    )
}

impl Process {
    fn start(folder: PathBuf, config: &str) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_twimlgate"));
        command.arg("serve");
        Process::start_as(command, folder, config)
    }

    fn start_as(mut command: Command, folder: PathBuf, config: &str) -> Process {
        for document in ["one", "two"] {
            let text = format!("<Response><Message>{document}</Message></Response>");
            std::fs::write(folder.join(format!("templates/{document}.xml")), text).unwrap();
        }
        std::fs::write(folder.join("config.toml"), config).unwrap();
        let command = command.current_dir(&folder).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the program runs");
        let log = BufReader::new(child.stdout.take().expect("it is piped"));
        Process { child, log, folder }
    }

    /// The next line of the log whose message has these words.
    fn line(&mut self, words: &str) -> Value {
        loop {
            let mut line = String::new();
            assert_ne!(self.log.read_line(&mut line).unwrap(), 0, "no `{words}` in the log");
            let line: Value = serde_json::from_str(&line).expect("each line is JSON");
            if line["message"].as_str().unwrap().contains(words) {
                return line;
            }
        }
    }

    fn address(&mut self) -> SocketAddr {
        let line = self.line("listening on");
        let message = line["message"].as_str().unwrap();
        message["listening on ".len()..].split(',').next().unwrap().parse().unwrap()
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    fn change(&self, from: &str, to: &str) {
        let file = self.folder.join("config.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from));
        std::fs::write(file, text.replace(from, to)).unwrap();
    }

    fn ended(&mut self) -> (Option<i32>, String) {
        let mut errors = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        (self.child.wait().unwrap().code(), errors)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn webhook(sid: &str) -> String {
    let body = format!("MessageSid={sid}&From=%2B15550100&Body=hi");
    let length = body.len();
    format!(
        "POST /sms HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

fn post(address: SocketAddr, sid: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(webhook(sid).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn sigterm_answers_what_is_in_flight() {
    let (release, gate) = mpsc::channel();
    let gate = Step::Wait(Arc::new(Mutex::new(gate)));
    let function = Hostile::new(vec![vec![Step::Read, gate, Step::Send(TEXT.into())]]);
    let config = config("127.0.0.1:0", function.address, "one.xml", "");
    let mut process = Process::start(folder("sigterm"), &config);
    let address = process.address();
    let in_flight = std::thread::spawn(move || post(address, "SM1"));
    while function.requests().is_empty() {
        std::thread::yield_now();
    }
    process.signal("-TERM");
    process.line("SIGTERM: answering pending webhooks");
    release.send(()).unwrap();
    assert!(in_flight.join().unwrap().ends_with("<Response><Message>one</Message></Response>"));
    process.line("ended");
    assert_eq!(process.ended(), (Some(0), String::new()));
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn sighup_takes_over_a_configuration_or_refuses_it_whole() {
    let function = Hostile::always(TEXT);
    let config = config("127.0.0.1:0", function.address, "one.xml", "");
    let mut process = Process::start(folder("sighup"), &config);
    let address = process.address();
    assert!(post(address, "SM1").contains("<Message>one<"));

    process.change("one.xml", "two.xml");
    process.signal("-HUP");
    process.line("configuration taken over");
    assert!(post(address, "SM2").contains("<Message>two<"));
    assert!(post(address, "SM1").contains("<Message>one<"), "a repeat gets what it got");

    process.change("two.xml", "nowhere.xml");
    process.signal("-HUP");
    let told = process.line("there is no template");
    assert!(told["message"].as_str().unwrap().contains("config.toml:14:11"), "{told}");
    assert_eq!(process.line("configuration refused")["level"], "error");
    assert!(post(address, "SM3").contains("<Message>two<"));
}

#[test]
fn a_template_that_cannot_answer_is_refused_by_a_reload_and_taken_at_a_start() {
    let function = Hostile::always(TEXT);
    let config = |document| config("127.0.0.1:0", function.address, document, "");
    let folder = folder("never-twiml");
    let broken = "<Response>\n<Message>a & b</Message></Response>";
    std::fs::write(folder.join("templates/three.xml"), broken).unwrap();
    let mut process = Process::start(folder.clone(), &config("one.xml"));
    let address = process.address();
    process.change("one.xml", "three.xml");
    process.signal("-HUP");
    let told = process.line("never TwiML");
    assert!(told["message"].as_str().unwrap().contains("three.xml:2:12"), "{told}");
    assert_eq!(process.line("configuration refused")["level"], "error");
    assert!(post(address, "SM1").contains("<Message>one<"));
    // At a start there is nothing older: other callers are answered, and these get the fallback.
    drop(process);
    let mut process = Process::start(folder, &config("three.xml"));
    assert!(post(process.address(), "SM2").contains("Sorry, something went wrong"));
}

#[test]
fn p18_a_configuration_that_is_read_again() {
    let function = Hostile::always(TEXT);
    let config = config("127.0.0.1:0", function.address, "one.xml", "");
    let mut process = Process::start(folder("panic-in-reload"), &config);
    let address = process.address();
    process.change("one.xml", "two.xml\" # panic-in-reload\n# \"");
    process.signal("-HUP");
    let (told, document) = match planted("reload") {
        true => ("configuration refused: the gateway panicked", "<Message>one<"),
        false => ("configuration taken over", "<Message>two<"),
    };
    process.line(told);
    assert!(post(address, "SM1").contains(document));
    process.change(" # panic-in-reload\n# \"\"", "");
    process.signal("-HUP");
    process.line("configuration taken over");
    assert!(post(address, "SM2").contains("<Message>two<"));
    process.signal("-TERM");
    let (code, errors) = process.ended();
    assert_eq!(code, Some(0));
    // The text of a panic may quote anybody.
    assert!(!errors.contains("panic-in-reload"), "{errors}");
    assert_eq!(errors.contains("src/tools/cli/serve.rs:"), planted("reload"), "{errors}");
}

#[test]
fn a_port_in_use_is_told_with_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let config = config(&address.to_string(), address, "one.xml", "");
    let (code, errors) = Process::start(folder("in-use"), &config).ended();
    assert_eq!(code, Some(1));
    let told = errors.contains(&format!("cannot listen on `{address}`"));
    assert!(told && errors.contains("take another port"), "{errors}");
}

#[test]
fn tls_ends_here_and_certificates_are_replaced() {
    let function = Hostile::always(TEXT);
    let folder = folder("tls");
    let first = certificate(&folder);
    let tls = "[server.tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n";
    let config = config("127.0.0.1:0", function.address, "one.xml", tls);
    let mut process = Process::start(folder.clone(), &config);
    let address = process.address();
    assert!(post_tls(address, &first, "SM1").unwrap().contains("<Message>one<"));

    let second = certificate(&folder);
    assert!(post_tls(address, &second, "SM2").is_err());
    process.signal("-HUP");
    process.line("configuration taken over");
    assert!(post_tls(address, &second, "SM2").unwrap().contains("<Message>one<"));

    // The key of another certificate: refused whole, the old pair goes on.
    let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    std::fs::write(folder.join("key.pem"), key).unwrap();
    process.signal("-HUP");
    process.line("do not go together");
    process.line("configuration refused");
    assert!(post_tls(address, &second, "SM3").unwrap().contains("<Message>one<"));
    drop(process);

    let (code, errors) = Process::start(folder, &config).ended();
    assert_eq!(code, Some(1));
    assert!(errors.contains("do not go together"), "{errors}");
}

/// Writes a new certificate for localhost, and gives what trusts it.
fn certificate(folder: &Path) -> RootCertStore {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let mut trusted = RootCertStore::empty();
    trusted.add(made.cert.der().clone()).unwrap();
    trusted
}

fn post_tls(address: SocketAddr, trusted: &RootCertStore, sid: &str) -> std::io::Result<String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(trusted.clone()).with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address)?);
    stream.write_all(webhook(sid).as_bytes())?;
    let mut answer = String::new();
    match stream.read_to_string(&mut answer) {
        // Servers close without saying goodbye; what they said before counts.
        Err(error) if answer.is_empty() => Err(error),
        _ => Ok(answer),
    }
}

#[test]
fn the_demo_plays_and_ends() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twimlgate"));
    let output = command.args(["demo", "--once", "--listen", "127.0.0.1:0"]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{printed}");
    for words in ["POST /lookup", "Hello Ada", "POST /greeting", "Hello from your function"] {
        assert!(printed.contains(words), "{words}:\n{printed}");
    }
    // The servers have ended: nothing that is printed as a command may need them.
    let program = env!("CARGO_BIN_EXE_twimlgate");
    assert!(!printed.contains("curl http") && !printed.contains(" phone "), "{printed}");
    assert!(printed.contains(&format!("\n  {program} demo\n")), "{printed}");
}

/// The commands that the demo prints, typed into a shell as they are.
#[test]
fn the_commands_of_the_demo_work_as_they_are_printed() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twimlgate"));
    let command = command.args(["demo", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
    let mut demo = command.spawn().unwrap();
    let mut lines = Vec::new();
    for line in BufReader::new(demo.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let is_last = line.starts_with("Then:");
        lines.push(line);
        if is_last {
            break;
        }
    }
    let phone = lines.iter().find(|line| line.contains(" phone http")).unwrap();
    let typed = Command::new("sh").args(["-c", phone]).stdin(Stdio::null()).output().unwrap();
    demo.kill().unwrap();
    demo.wait().unwrap();
    let printed = String::from_utf8(typed.stdout).unwrap();
    assert!(typed.status.success() && printed.contains("Hello from your function."), "{printed}");
}

#[test]
fn a_reader_that_has_gone_is_not_a_failure() {
    let folder = folder("gone");
    let program = env!("CARGO_BIN_EXE_twimlgate");
    for arguments in ["demo --once --listen 127.0.0.1:0", "check --schema", "check", "--help"] {
        let script = format!("{{ {program} {arguments}; echo $? >&2; }} | true");
        let mut shell = Command::new("sh");
        let output = shell.args(["-c", &script]).current_dir(&folder).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        let code = if arguments == "check" { "1" } else { "0" };
        assert_eq!(errors.trim_end(), code, "{arguments}");
    }
    let script = format!("{program} check --schema > /dev/full");
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("cannot write standard output: No space left"), "{errors}");
}

#[test]
fn render_shows_what_a_template_gives() {
    let folder = folder("render");
    std::fs::write(folder.join("t.xml"), "<Say>{{ name }}</Say>{% include 'part.xml' %}").unwrap();
    std::fs::write(folder.join("templates/part.xml"), "[{{ name }}]").unwrap();
    std::fs::write(folder.join("data.json"), r#"{"name": "A & B"}"#).unwrap();
    std::fs::write(folder.join("broken.json"), "{\n  \"name\": }").unwrap();
    std::fs::write(folder.join("broken.xml"), "{{ name | upcas }}").unwrap();
    let render = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_twimlgate"));
        let output = command.arg("render").args(arguments).current_dir(&folder).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout) + &text(output.stderr))
    };
    let data = ["--data", "data.json"];
    let rendered = |file: &str, more: &[&str]| render(&[&[file], &data[..], more].concat());
    assert_eq!(rendered("t.xml", &[]), (Some(0), "<Say>A &amp; B</Say>[A &amp; B]".to_owned()));
    assert_eq!(rendered("t.xml", &["--text"]), (Some(0), "<Say>A & B</Say>[A & B]".to_owned()));
    let (code, errors) = rendered("broken.xml", &[]);
    assert!(code == Some(1) && errors.contains("broken.xml:1:11"), "{errors}");
    let (code, errors) = render(&["t.xml", "--data", "broken.json"]);
    assert!(code == Some(1) && errors.contains("broken.json:2:11"), "{errors}");
    // A document that is not TwiML is shown with the reason, and fails.
    let documents = [
        ("<Response><Message>{{ name | raw }}</Message></Response>", "the output is not TwiML: 1:"),
        ("<Response>{{ 1 }}\n<Message>a & b</Message></Response>", "d.xml:2:12"),
        ("<Response><Mesage>{{ name }}</Mesage></Response>", "did you mean `Message`?"),
    ];
    for (document, words) in documents {
        std::fs::write(folder.join("d.xml"), document).unwrap();
        let (code, printed) = rendered("d.xml", &[]);
        assert!(code == Some(1) && printed.contains(words), "{printed}");
        assert!(printed.starts_with("<Response>"), "{printed}");
    }
    std::fs::write(folder.join("d.xml"), "<Response><Message>{{ name }}</Message></Response>")
        .unwrap();
    assert_eq!(rendered("d.xml", &[]).0, Some(0));
    let (code, errors) = render(&["nowhere.xml"]);
    assert!(code == Some(1) && errors.contains("nowhere.xml"), "{errors}");
}
