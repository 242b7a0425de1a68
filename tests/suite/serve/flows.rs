//! Flows of a gateway that is killed, changed and started again.

use twimlgate::twiml::read::{DocumentLimits, parse_document};

use super::*;

/// A gateway of one hotline, and what its messages go over.
pub(super) fn hotline(function: SocketAddr) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nworkers = 1\n[admin]\nlisten = \"\"\n\
         [signature]\nmode = \"off\"\n\
         [[account]]\nsid = \"AC00000000000000000000000000000000\"\nauth_tokens = [\"12345\"]\n\
         api_url = \"http://{function}\"\n\
         [[rewrite]]\nfrom = \"https://example-1234.twil.io\"\nto = \"http://{function}\"\n\
         [route.\"/voice\"]\nchannel = \"voice\"\nflow = \"hotline.json\"\n\
         [route.\"/sms\"]\nchannel = \"message\"\nflow = \"survey.json\"\n"
    )
}

/// A folder with our flows in it.
pub(super) fn with_flows(name: &str) -> PathBuf {
    let folder = folder(name);
    for flow in ["hotline.json", "survey.json"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flows").join(flow);
        std::fs::copy(from, folder.join(flow)).unwrap();
    }
    folder
}

pub(super) fn send(address: SocketAddr, target: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// Where a document comes back to.
pub(super) fn back(document: &str) -> String {
    let document = parse_document(document.as_bytes(), &DocumentLimits::default()).unwrap();
    let redirect = document.children().find(|verb| verb.name == "Redirect").unwrap();
    format!("/voice{}", redirect.text())
}

const RINGING: &str = "CallSid=CA1&From=%2B1555&To=%2B1999&CallStatus=ringing";
const TALKING: &str = "CallSid=CA1&From=%2B1555&To=%2B1999&CallStatus=in-progress";

#[test]
fn a_call_goes_on_after_kill_9_and_on_the_flow_that_it_began_with() {
    let gold = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n\
                {\"plan\":\"gold\"}";
    let function = Hostile::always(gold);
    let folder = with_flows("kill");
    let mut process = Process::start(folder.clone(), &hotline(function.address));
    let address = process.address();
    let menu = send(address, &back(&send(address, "/voice", RINGING)), TALKING);
    assert!(menu.contains("<Gather"), "{menu}");
    process.child.kill().unwrap();
    process.child.wait().unwrap();

    // Meanwhile the flow is changed: other calls hear it, this one does not.
    let file = folder.join("hotline.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let changed = text.replace("Your plan is", "You are on").replace("Welcome & hello", "Hi");
    std::fs::write(&file, changed).unwrap();
    let mut process = Process::start(folder, &hotline(function.address));
    let address = process.address();
    let pressed = format!("{TALKING}&Digits=1");
    let plan = send(address, &back(&menu), &pressed);
    assert!(plan.contains(">Your plan is gold.<"), "{plan}");
    assert_eq!(send(address, &back(&menu), &pressed), plan, "a repeat gets the same bytes");
    assert_eq!(function.requests().len(), 1);
    let other = send(address, "/voice", &RINGING.replace("CA1", "CA2"));
    assert!(other.contains(">Hi.<"), "{other}");
}

#[test]
fn a_wait_that_is_over_is_found_after_a_restart() {
    let created = "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n\
                   Content-Length: 13\r\n\r\n{\"sid\":\"SM9\"}";
    let carrier = Hostile::always(created);
    let folder = with_flows("timer");
    let mut process = Process::start(folder.clone(), &hotline(carrier.address));
    let body = "MessageSid=SM1&From=%2B1555&To=%2B1999&Body=hi&Wait=1";
    let question = send(process.address(), "/sms", body);
    assert!(question.contains("What is your name?"), "{question}");
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    let mut process = Process::start(folder, &hotline(carrier.address));
    process.line("timer");
    let seen = &carrier.requests()[0];
    let path = "POST /2010-04-01/Accounts/AC00000000000000000000000000000000/Messages.json ";
    assert!(seen.head.starts_with(path), "{}", seen.head);
    assert!(seen.header("authorization").is_some_and(|value| value.starts_with("Basic ")));
    let sent = String::from_utf8_lossy(&seen.body).into_owned();
    assert!(sent.contains("Body=Perhaps+another+time.") && sent.contains("To=%2B1555"), "{sent}");
}
