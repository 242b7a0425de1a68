//! A restart while callers are held: nobody knows the call any more, so it is made again, to the
//! letter.

use twimlgate::twiml::read::{DocumentLimits, parse_document};

use super::flows::send;
use super::*;
use crate::support::hostile::{Seen, json};

fn held(function: SocketAddr, carrier: SocketAddr) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nworkers = 1\n[admin]\nlisten = \"\"\n\
         [signature]\nmode = \"off\"\n[[account]]\nsid = \"AC00000000000000000000000000000000\"\n\
         auth_tokens = [\"12345\"]\napi_url = \"http://{carrier}\"\n\
         [function.f]\nurl = \"http://{function}/\"\ntimeout_ms = 60000\nhold = \"hold.xml\"\n\
         hold_after_ms = 200\n\
         [route.\"/voice\"]\nchannel = \"voice\"\nfunction = \"f\"\nsuccess = \"said.xml\"\n\
         parameters = {{ caller = \"{{{{ trigger.call.From }}}}\" }}\n\
         [route.\"/sms\"]\nchannel = \"message\"\nfunction = \"f\"\nsuccess = \"one.xml\"\n"
    )
}

/// A function that hangs once, and then answers.
fn hangs_once() -> Hostile {
    let answer = json("{\"plan\": \"gold\"}");
    Hostile::new(vec![vec![Step::Read, Step::Hang], vec![Step::Read, Step::Send(answer)]])
}

fn folder_of(name: &str) -> PathBuf {
    let folder = folder(name);
    let say = |text: &str| format!("<Response><Say>{text}</Say></Response>");
    std::fs::write(folder.join("templates/hold.xml"), say("One moment.")).unwrap();
    let said = say("{{ widgets.f.parsed.plan }}");
    std::fs::write(folder.join("templates/said.xml"), said).unwrap();
    folder
}

fn restarted(mut process: Process, config: &str) -> Process {
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    let folder = process.folder.clone();
    Process::start(folder, config)
}

/// That one call is the other again.
fn assert_same(calls: &[Seen]) {
    assert_eq!(calls.len(), 2);
    for header in ["idempotency-key", "x-twilio-signature", "content-type"] {
        assert!(calls[0].header(header).is_some_and(|value| !value.is_empty()), "{header}");
        assert_eq!(calls[0].header(header), calls[1].header(header), "{header}");
    }
    assert_eq!(calls[0].text(), calls[1].text());
}

#[test]
fn a_held_call_goes_on_after_kill_9() {
    let function = hangs_once();
    let config = held(function.address, function.address);
    let mut process = Process::start(folder_of("held-call"), &config);
    let ringing = "CallSid=CA1&From=%2B1555&To=%2B1999&CallStatus=ringing";
    let hold = send(process.address(), "/voice", ringing);
    let document = parse_document(hold.as_bytes(), &DocumentLimits::default()).unwrap();
    let names: Vec<&str> = document.children().map(|verb| verb.name.as_str()).collect();
    assert_eq!(names, ["Say", "Redirect"]);
    let poll = format!("/voice{}", document.children().last().unwrap().text());

    let mut process = restarted(process, &config);
    let address = process.address();
    let talking = ringing.replace("ringing", "in-progress");
    let said = send(address, &poll, &talking);
    assert!(said.contains("<Say>gold</Say>"), "{said}");
    assert_eq!(send(address, &poll, &talking), said, "a repeat gets the same bytes");
    assert_same(&function.requests());
    assert!(function.requests()[0].text().contains("caller=%2B1555"));
}

#[test]
fn a_held_message_goes_on_after_kill_9() {
    let function = hangs_once();
    let carrier = Hostile::always(json("{\"sid\": \"SM9\"}"));
    let config = held(function.address, carrier.address);
    let mut process = Process::start(folder_of("held-message"), &config);
    let body = "MessageSid=SM1&From=%2B1555&To=%2B1999&Body=hi";
    assert_eq!(send(process.address(), "/sms", body), "<Response/>");

    let mut process = restarted(process, &config);
    assert_eq!(send(process.address(), "/sms", body), "<Response/>", "a repeat");
    while carrier.requests().is_empty() {
        process.line("timer");
    }
    let sent = &carrier.requests()[0];
    assert!(sent.line().ends_with("/Messages.json HTTP/1.1"), "{}", sent.line());
    assert_eq!(sent.text(), "From=%2B1999&To=%2B1555&Body=one");
    assert_same(&function.requests());
    assert!(function.requests()[1].text().contains("Body=hi"));
}
