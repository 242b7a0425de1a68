//! What `phone` and `text` send to other servers, and as which account they call.

use std::process::Stdio;

use super::app::{App, reply};
use super::commands::{command, ended, folder, ran};

const VOICEMAIL: &str = r#"
initial_state = "Trigger"
[widget.Trigger]
type = "trigger"
on = { incomingCall = "voicemail" }
[widget.voicemail]
type = "record-voicemail"
transcribe = true
transcription_callback_url = "ELSEWHERE/transcribed"
recording_status_callback_url = "ELSEWHERE/recorded"
on = { recordingComplete = "lookup" }
[widget.lookup]
type = "run-function"
url = "FUNCTION/lookup"
on = { success = "page" }
[widget.page]
type = "add-twiml-redirect"
url = "PAGE/page"
on = { }
"#;

/// A gateway with a voicemail whose callbacks go to `elsewhere`, and whose call to `page`.
fn voicemail(name: &str, elsewhere: &App, page: &str) -> App {
    let function = App::start(|got| match got.target.as_str() {
        "/lookup" => reply("200 OK", "Content-Type: application/json\r\n", "{}"),
        _ => "<Response><Say>A page.</Say></Response>".to_owned(),
    });
    let beside = function.url("");
    let flow = VOICEMAIL
        .replace("ELSEWHERE", &elsewhere.url(""))
        .replace("PAGE", if page.is_empty() { &beside } else { page })
        .replace("FUNCTION/lookup", "https://example-1234.twil.io/lookup");
    let config = format!(
        "[signature]\nmode = \"off\"\n[[rewrite]]\nfrom = \"https://example-1234.twil.io\"\n\
         to = \"{}\"\n[route.\"/voicemail\"]\nchannel = \"voice\"\nflow = \"voicemail.toml\"\n",
        function.url("")
    );
    std::fs::write(folder(name).join("voicemail.toml"), flow).unwrap();
    std::fs::write(folder(name).join("config.toml"), config).unwrap();
    function
}

#[test]
fn a_route_calls_functions_and_nothing_else_that_its_flow_names() {
    let elsewhere = App::start(|_| "<Response><Say>Elsewhere.</Say></Response>".to_owned());
    let function = voicemail("outside", &elsewhere, &elsewhere.url(""));
    let (code, printed, errors) = ran("outside", &["phone", "/voicemail"], "say hello\n");
    assert_eq!(elsewhere.got().len(), 0, "{printed}");
    assert_eq!(function.got()[0].target, "/lookup", "{printed}{errors}");
    let held = format!(
        "(Not sent: transcription callback to {}; --allow-callbacks sends it)",
        elsewhere.url("/transcribed")
    );
    assert!(printed.contains(&held), "{printed}");
    let page = format!(
        "error not sent: the Redirect to {}; --allow-callbacks sends it",
        elsewhere.url("/page")
    );
    assert!(code == 1 && printed.contains(&page), "{printed}");

    let arguments = ["phone", "/voicemail", "--allow-callbacks"];
    let (code, printed, _) = ran("outside", &arguments, "say hello\n");
    let targets: Vec<String> = elsewhere.got().into_iter().map(|got| got.target).collect();
    assert!(targets.contains(&"/transcribed".to_owned()), "{targets:?} {printed}");
    assert!(targets.contains(&"/page".to_owned()) && code == 0, "{targets:?} {printed}");
}

#[test]
fn a_page_beside_a_function_is_requested_and_a_url_of_an_argument_too() {
    let elsewhere = App::start(|_| String::new());
    let function = voicemail("beside", &elsewhere, "");
    // What the person names is sent.
    let ended = elsewhere.url("/ended");
    let arguments = ["phone", "/voicemail", "--status-callback", &ended];
    let (code, printed, _) = ran("beside", &arguments, "say hello\n");
    assert_eq!(code, 0, "{printed}");
    let targets = |app: &App| app.got().into_iter().map(|got| got.target).collect::<Vec<_>>();
    assert_eq!(targets(&function), ["/lookup", "/page"], "{printed}");
    assert_eq!(targets(&elsewhere), ["/ended"], "{printed}");
}

#[test]
fn an_application_gets_its_own_callbacks_and_other_servers_get_none() {
    let document = |host: &str, app: &str| {
        format!(
            "<Response><Record action=\"/next\" transcribe=\"true\" transcribeCallback=\"{host}\" \
             recordingStatusCallback=\"{app}\"/></Response>"
        )
    };
    let app = App::start(move |got| match got.target.as_str() {
        "/voice" => document("http://bystander.invalid/transcribed", "/recorded"),
        "/moved" => reply("307 Moved", "Location: http://bystander.invalid/x\r\n", ""),
        _ => "<Response><Say>Thanks.</Say></Response>".to_owned(),
    });
    let (code, printed, _) = ran("app", &["phone", &app.url("/voice")], "say hello\n");
    let targets: Vec<String> = app.got().into_iter().map(|got| got.target).collect();
    assert!(targets.contains(&"/recorded".to_owned()), "{targets:?}");
    assert!(
        printed
            .contains("(Not sent: transcription callback to http://bystander.invalid/transcribed"),
        "{printed}"
    );
    assert_eq!(code, 0, "{printed}");
    let moved = app.url("/moved");
    let (_, printed, _) =
        ran("app", &["phone", &app.url("/hello"), "--status-callback", &moved], "");
    assert!(printed.contains("not sent: a redirect to http://bystander.invalid/x"), "{printed}");
}

#[test]
fn the_account_comes_from_where_the_token_comes_from_and_a_403_is_explained() {
    let app = App::start(|_| reply("403 Forbidden", "", ""));
    let url = app.url("/voice");
    let sid = "AC00000000000000000000000000000009";
    let mut with_environment = command("account", &["phone", &url]);
    with_environment.env("TWILIO_AUTH_TOKEN", "12345").env("TWILIO_ACCOUNT_SID", sid);
    let piped = || Stdio::piped();
    let child = with_environment.stdin(Stdio::null()).stdout(piped()).stderr(piped()).spawn();
    let (_, printed, _) = ended(child.unwrap());
    assert_eq!(app.got()[0].params.get("AccountSid"), Some(sid));
    let advice = format!("403: the application does not take the token for that of {sid}");
    assert_eq!(printed.replace("\n      ", " ").matches(&advice).count(), 1, "{printed}");

    let (_, printed, _) = ran("account", &["phone", &url], "");
    assert!(printed.contains("403: the application expects signed webhooks"), "{printed}");
    let (_, printed, _) = ran("account", &["phone", &url, "--token", "12345"], "");
    assert!(printed.contains("set `TWILIO_ACCOUNT_SID` or give"), "{printed}");

    let script = "flow = \"none.json\"\n[[case]]\nname = \"c\"\nscript = '''\nhear Hello.\n'''\n";
    std::fs::write(folder("account").join("load.test.toml"), script).unwrap();
    let arguments =
        ["load", &url, "--script", "load.test.toml", "--calls", "3", "--channel", "voice"];
    let mut load = command("account", &arguments);
    load.env("TWILIO_AUTH_TOKEN", "12345").env("TWILIO_ACCOUNT_SID", sid);
    let load = load.stdout(piped()).stderr(piped()).spawn();
    let (code, printed, errors) = ended(load.unwrap());
    assert!(code == 1 && printed.contains(&advice), "{printed}{errors}");
    assert_eq!(app.got().last().unwrap().params.get("AccountSid"), Some(sid));
    let (_, printed, _) = ran("account", &arguments, "");
    assert!(printed.contains("\n403: the application expects signed webhooks"), "{printed}");
}
