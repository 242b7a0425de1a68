//! What an execution keeps of where it began: its flow whatever the file is called, its account.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use twimlgate::config::HmacAlgorithm;
use twimlgate::secret::Secret;
use twimlgate::verify::{SigningKey, sign_form};
use twimlgate::webhook::Params;

use super::flows::{back, send};
use super::*;

const ACCOUNTS: [&str; 2] =
    ["AC00000000000000000000000000000001", "AC00000000000000000000000000000002"];

/// A gateway of two accounts whose carrier and whose function are at one address; `sections` end
/// the file.
fn config(carrier: SocketAddr, sections: &str) -> String {
    let accounts: String = ACCOUNTS
        .iter()
        .enumerate()
        .map(|(number, sid)| {
            format!(
                "[[account]]\nsid = \"{sid}\"\nauth_tokens = [\"token-{number}\"]\n\
                 api_url = \"http://{carrier}\"\n"
            )
        })
        .collect();
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nworkers = 1\n[admin]\nlisten = \"127.0.0.1:0\"\n\
         [signature]\nmode = \"off\"\n{accounts}\
         [[rewrite]]\nfrom = \"https://example-1234.twil.io\"\nto = \"http://{carrier}\"\n{sections}"
    )
}

fn flow(from: &str, to: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flows").join(from);
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    std::fs::copy(from, to).unwrap();
}

fn restart(mut process: Process, folder: &Path, config: &str) -> Process {
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    Process::start(folder.to_owned(), config)
}

fn created() -> Hostile {
    Hostile::always(
        "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n\
         {\"sid\":\"SM9\"}",
    )
}

const RINGING: &str = "CallSid=CA1&From=%2B1555&To=%2B1999&CallStatus=ringing";
const TALKING: &str = "CallSid=CA1&From=%2B1555&To=%2B1999&CallStatus=in-progress";
const HI: &str = "MessageSid=SM1&From=%2B1555&To=%2B1999&Body=hi";

#[test]
fn a_renamed_and_a_moved_file_are_the_same_flow() {
    let carrier = created();
    let folder = folder("renamed");
    flow("hotline.json", &folder.join("flows/ivr.json"));
    flow("survey.json", &folder.join("flows/survey.json"));
    let routes = |voice: &str, message: &str| {
        config(
            carrier.address,
            &format!(
                "[route.\"/voice\"]\nchannel = \"voice\"\nflow = \"{voice}\"\n\
                 [route.\"/sms\"]\nchannel = \"message\"\nflow = \"{message}\"\n"
            ),
        )
    };
    let before = routes("flows/ivr.json", "flows/survey.json");
    let mut process = Process::start(folder.clone(), &before);
    let address = process.address();
    let menu = send(address, &back(&send(address, "/voice", RINGING)), TALKING);
    assert!(menu.contains("<Gather"), "{menu}");
    let question = send(address, "/sms", HI);
    assert!(question.contains("What is your name?"), "{question}");

    // One is renamed, one is moved, and another flow of the same file name comes on another route.
    std::fs::rename(folder.join("flows/ivr.json"), folder.join("flows/ivr-v2.json")).unwrap();
    std::fs::create_dir(folder.join("b")).unwrap();
    std::fs::rename(folder.join("flows/survey.json"), folder.join("b/survey.json")).unwrap();
    flow("hotline.json", &folder.join("b/ivr.json"));
    let after = routes("flows/ivr-v2.json", "b/survey.json")
        + "[route.\"/other\"]\nchannel = \"voice\"\nflow = \"b/ivr.json\"\n";
    let mut process = restart(process, &folder, &after);
    let pressed = format!("{TALKING}&Digits=2");
    let address = process.address();
    let goes_on = send(address, &back(&menu), &pressed);
    assert!(goes_on.contains("<Dial") || goes_on.contains("<Say"), "{goes_on}");
    assert!(!goes_on.contains("<Gather"), "the menu has been left: {goes_on}");
    let named = HI.replace("SM1", "SM2").replace("hi", "Ada");
    let next = send(address, "/sms", &named);
    assert!(!next.contains("What is your name?"), "it began anew: {next}");
    assert!(next.contains("Ada"), "{next}");
}

#[test]
fn a_section_that_names_the_flow_takes_its_executions_over() {
    let carrier = created();
    let folder = folder("section");
    flow("survey.json", &folder.join("survey.json"));
    let route = "[route.\"/sms\"]\nchannel = \"message\"\nflow = \"survey.json\"\n";
    let mut process = Process::start(folder.clone(), &config(carrier.address, route));
    let question = send(process.address(), "/sms", HI);
    assert!(question.contains("What is your name?"), "{question}");
    let section = format!("[flow.names]\nfile = \"survey.json\"\n{route}");
    let mut process = restart(process, &folder, &config(carrier.address, &section));
    process.line("the new name of their flow");
    let next = send(process.address(), "/sms", &HI.replace("SM1", "SM2").replace("hi", "Ada"));
    assert!(next.contains("Ada") && !next.contains("What is your name?"), "{next}");
}

#[test]
fn a_wait_that_ends_is_of_the_account_that_it_began_for() {
    for (number, sid) in ACCOUNTS.into_iter().enumerate() {
        let carrier = created();
        let folder = folder(&format!("account-{number}"));
        flow("reminder.toml", &folder.join("reminder.toml"));
        let route = "[route.\"/sms\"]\nchannel = \"message\"\nflow = \"reminder.toml\"\n";
        let config = config(carrier.address, route);
        let mut process = Process::start(folder.clone(), &config);
        let question = send(process.address(), "/sms", &format!("{HI}&Wait=1&AccountSid={sid}"));
        assert!(question.contains("Will you come?"), "{question}");
        let mut process = restart(process, &folder, &config);
        process.line("timer");
        let seen = carrier.requests();
        let token = Secret::new(format!("token-{number}"));
        let key = SigningKey::new(&token, HmacAlgorithm::Sha1);
        let url = format!("http://{}/remind", carrier.address);
        let signed = sign_form(&key, &url, Params::decode(&seen[0].body).unwrap().iter());
        assert_eq!(seen[0].header("x-twilio-signature"), Some(&*signed));
        let path = format!("POST /2010-04-01/Accounts/{sid}/Messages.json ");
        assert!(seen[1].head.starts_with(&path), "{}", seen[1].head);
        let credentials = STANDARD.encode(format!("{sid}:token-{number}"));
        assert_eq!(seen[1].header("authorization"), Some(&*format!("Basic {credentials}")));
    }
}
