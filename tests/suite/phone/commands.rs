//! `twimlgate phone` and `text` with lines from a pipe.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use twimlgate::clock;

use super::app::{App, Got, never, reply};

/// A command with a folder of its own.
pub(super) fn command(folder: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twimlgate"));
    command.args(arguments).current_dir(self::folder(folder));
    command.env_remove("TWILIO_AUTH_TOKEN").env_remove("TWILIO_ACCOUNT_SID");
    command
}

pub(super) fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("session-{name}"));
    std::fs::create_dir_all(folder.join("templates")).unwrap();
    folder
}

fn started(folder: &str, arguments: &[&str], input: &str) -> Child {
    let mut command = command(folder, arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    child.stdin.as_mut().unwrap().write_all(input.as_bytes()).unwrap();
    child
}

/// Exit code, standard output and standard error.
pub(super) fn ran(folder: &str, arguments: &[&str], input: &str) -> (i32, String, String) {
    ended(started(folder, arguments, input))
}

pub(super) fn ended(child: Child) -> (i32, String, String) {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().expect("it ended by itself");
    (code, text(output.stdout), text(output.stderr))
}

/// What was printed, but for what differs from run to run: times and the steps' tokens.
fn steady(printed: &str) -> String {
    let steady = |line: &str| {
        let words = line.split(' ').map(|word| match word.split_once("?step=") {
            Some((path, _)) => format!("{path}?step=…"),
            None => word.to_owned(),
        });
        let line = words.collect::<Vec<_>>().join(" ");
        let timed = [" ms", " s"].iter().find_map(|unit| line.strip_suffix(unit));
        match timed.and_then(|line| line.rsplit_once("  ")) {
            Some((line, time)) if time.parse::<f64>().is_ok() => format!("{line}\n"),
            _ => format!("{line}\n"),
        }
    };
    printed.lines().map(steady).collect()
}

/// A gateway with a hotline and a survey, and their one function.
pub(super) fn gateway(folder: &str) -> App {
    let function = App::start(|_| {
        reply("200 OK", "Content-Type: application/json\r\n", r#"{"plan": "gold"}"#)
    });
    let flows = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/flows");
    let config = format!(
        "[[account]]\nsid = \"AC00000000000000000000000000000001\"\nauth_tokens = [\"12345\"]\n\
         [[rewrite]]\nfrom = \"https://example-1234.twil.io\"\nto = \"{}\"\n\
         [route.\"/hotline\"]\nchannel = \"voice\"\nflow = \"{flows}/hotline.json\"\n\
         [route.\"/survey\"]\nchannel = \"message\"\nflow = \"{flows}/survey.json\"\n",
        function.url("")
    );
    std::fs::write(self::folder(folder).join("config.toml"), config).unwrap();
    function
}

const CALL: &str = "\
+15550100 calls +15550199: /hotline
      The gateway runs in this process. Functions are called; the carrier's API is simulated, and \
no message is sent.
      call: POST /hotline  200
      Trigger ─incomingCall→ welcome
  Welcome & hello.  (en-US, Polly.Joanna)
      Redirect: POST /hotline?step=…  200
      welcome ─audioComplete→ menu
  Press 1 for your plan, 2 for an agent.
> 2
      Gather action: POST /hotline?step=…  200
      menu ─keypress→ which ─match→ agent
      (Dial Number +15550123)
> busy
      Dial action: POST /hotline?step=…  200
      agent ─callCompleted→ menu
  Press 1 for your plan, 2 for an agent.
> (silence)
      Redirect: POST /hotline?step=…  200
      menu ─timeout→ menu
  Press 1 for your plan, 2 for an agent.
> 1
      Gather action: POST /hotline?step=…  200
      menu ─keypress→ which ─match→ lookup ─success→ plan ─audioComplete→ the end
      function http://FUNCTION, called by lookup: 200
  Your plan is gold.
The application hangs up.
      status callback: POST /hotline  200
      remark: a status callback that changes nothing
";

#[test]
fn a_route_is_called_and_the_transcript_holds_what_was_seen() {
    let function = gateway("call");
    let arguments = ["phone", "/hotline", "--transcript", "call.txt", "--from", "+15550100"];
    let (code, printed, errors) = ran("call", &arguments, "2\nbusy\n\n1\n");
    let host = function.url("").replace("http://", "");
    assert_eq!(steady(&printed).replace(&host, "FUNCTION"), CALL);
    assert_eq!((code, errors.as_str()), (0, ""));
    let transcript = std::fs::read_to_string(folder("call").join("call.txt")).unwrap();
    assert_eq!(transcript, printed);
    assert_eq!(function.got()[0].params.get("caller"), Some("+15550100"), "really called");
}

#[test]
fn a_route_is_written_to() {
    let _function = gateway("chat");
    let acts =
        "hi\\nyou\n\n/media https://example.com/cat.png\n/wait 2h\n/help\n//wait\n/quit\nx\n";
    let (code, printed, errors) = ran("chat", &["text", "/survey"], acts);
    let words: Vec<&str> = printed.lines().filter(|line| line.starts_with(['<', '>'])).collect();
    let expected = [
        "> hi",
        "> you",
        "< What is your name?",
        "> https://example.com/cat.png",
        "< Thank you, . You began with hi",
        "< you.",
        "< Bye.",
        "> /wait 2h",
        "> /help",
        "> /wait",
        "< What is your name?",
        "> /quit",
    ];
    assert_eq!(words, expected, "{printed}");
    assert!(printed.contains("\n      ask ─incomingMessage→ count ─next→ thanks"), "{printed}");
    assert_eq!((code, errors.as_str()), (0, ""));
}

#[test]
fn a_session_is_recorded_as_a_flow_test_that_passes() {
    let function = gateway("record");
    for (command, route, input) in
        [("phone", "/hotline", "2\nbusy\n\n1\n"), ("text", "/survey", "hi\nAnn\n")]
    {
        let file = format!("{command}.test.toml");
        let _ = std::fs::remove_file(folder("record").join(&file));
        let arguments = [command, route, "--record", &file];
        let (code, printed, errors) = ran("record", &arguments, input);
        let told = format!("\n      Recorded: twimlgate test {file}\n");
        assert!(code == 0 && printed.ends_with(&told), "{printed}{errors}");
        let asked = function.got().len();
        let (code, printed, errors) = ran("record", &["test", &file], "");
        assert!(code == 0 && printed.contains("1 passed"), "{printed}{errors}");
        assert_eq!(function.got().len(), asked, "a test calls no function");
        let (code, _, errors) = ran("record", &arguments, input);
        assert!(code == 2 && errors.contains(&format!("cannot write `{file}`")), "{errors}");
    }
}

#[test]
fn a_recording_that_cannot_be_written_is_reported_and_counts() {
    let _function = gateway("unwritten");
    let file = folder("unwritten").join("full.test.toml");
    let _ = std::fs::remove_file(&file);
    // Of no file may a byte be written: what a disk without room does.
    let program = env!("CARGO_BIN_EXE_twimlgate");
    let call = format!("trap '' XFSZ; ulimit -f 0; exec {program} phone /hotline --record $0");
    let mut command = Command::new("sh");
    command.arg("-c").arg(call).arg(&file).current_dir(folder("unwritten"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let (code, _, errors) = ended(command.spawn().expect("there is a shell"));
    assert_eq!(code, 2);
    assert!(errors.contains("full.test.toml`: File too large"), "{errors}");
}

#[test]
fn a_line_without_effect_is_reported_and_counts() {
    let _function = gateway("effect");
    for (input, error) in [
        ("7a\nhang up\n", "error: `7a` is not an action"),
        ("busy\nhang up\n", "error: `busy` is not an action"),
        ("outcome busy\n", "error: `outcome busy` has no effect now: it listens to keys and"),
        ("hang up\n1\n", "error: `1` has no effect: the call is over"),
    ] {
        let (code, printed, _) = ran("effect", &["phone", "/hotline"], input);
        assert!(printed.contains(&format!("\n  {error}")), "{printed}");
        assert_eq!(code, 1, "{input}");
    }
    let (code, printed, _) = ran("effect", &["phone", "/hotline"], "hang up\n\n\n");
    assert_eq!(code, 0, "empty lines at the end are nothing: {printed}");
    let (code, printed, _) = ran("effect", &["text", "/survey"], "/quiet\n");
    assert!(code == 1 && printed.contains("error: `/quiet` is not a command"), "{printed}");
}

#[test]
fn what_cannot_be_tried_is_code_2() {
    let _function = gateway("untried");
    for (arguments, error) in [
        (&["phone", "voice"][..], "`voice` is not a URL"),
        (&["phone", "ftp://localhost/"], "`ftp://localhost/` is not a URL"),
        (&["phone", "/nowhere"], "`config.toml` has no route `/nowhere`; it has `/hotline`"),
        (&["phone", "/survey"], "`/survey` takes messages: `twimlgate text /survey`"),
        (&["text", "/hotline"], "`/hotline` takes calls: `twimlgate phone /hotline`"),
        (&["phone", "/hotline", "--config", "no.toml"], "cannot read the configuration `no.toml`"),
        (&["phone", "/hotline", "--token", "1"], "`--token` is for a URL"),
        (&["phone", "/hotline", "--transcript", "no/t.txt"], "cannot write `no/t.txt`"),
        (&["phone", "http://localhost/", "--fallback", "ftp://x/"], "`ftp://x/` is not a URL"),
        (&["phone", "http://localhost/", "--method", "PUT"], "expected `POST` or `GET`"),
    ] {
        let (code, printed, errors) = ran("untried", arguments, "");
        assert!(errors.contains(error), "{arguments:?}: {errors}");
        assert_eq!((code, printed.as_str()), (2, ""), "{arguments:?}");
    }
}

/// Applications that cannot be used, and what is printed for them.
fn broken() -> [(&'static str, String, &'static str); 6] {
    let xml = "Content-Type: text/xml\r\n";
    [
        (
            "/voice",
            reply("500 Oops", "", ""),
            "error 11200 HTTP retrieval failure: it answered 500",
        ),
        ("/voice", reply("200 OK", xml, "<Resp"), "error 12100 Document parse failure"),
        ("/voice", "rubbish".to_owned(), "error 12100 Document parse failure"),
        ("/voice", "HTTP/1.1 rubbish\r\n\r\n".to_owned(), "error 11206 HTTP protocol violation"),
        ("/voice", reply("302 Found", "Location: /voice\r\n", ""), "error 11215 HTTP too many"),
        ("/voice#tt=200", "slow".to_owned(), "error 11200 HTTP retrieval failure: no whole answer"),
    ]
}

#[test]
fn an_application_that_fails_is_shown_as_a_caller_hears_it() {
    for (target, answer, error) in broken() {
        let app = App::start(move |got| match answer.as_str() {
            _ if got.target == "/status" => String::new(),
            "slow" => never(),
            answer => answer.to_owned(),
        });
        let status = app.url("/status");
        let (url, began) = (app.url(target), clock::now());
        let arguments = ["phone", &url, "--status-callback", &status];
        let (code, printed, _) = ran("broken", &arguments, "1\n");
        let told = format!("\n  {error}",);
        assert!(printed.contains(&told), "{error}: {printed}");
        let heard = "\n  We are sorry. An application error has occurred. Goodbye.\n\
             The carrier hangs up.\n      status callback: POST /status  200";
        assert!(printed.contains(heard), "{printed}");
        assert_eq!(code, 1, "{printed}");
        assert!(began.elapsed() < Duration::from_secs(5), "{error}");
        let (code, printed, _) = ran("broken", &["text", &url], "hi\n");
        assert!(printed.contains(&told) && printed.ends_with("\n      (no answer)\n"), "{printed}");
        assert_eq!(code, 1, "{printed}");
    }
}

#[test]
fn documents_of_the_other_channel_are_warned_about() {
    let app = App::start(|_| "<Response><Message>Hi</Message><Say>Ho</Say></Response>".to_owned());
    let (code, printed, _) = ran("channel", &["phone", &app.url("/voice")], "");
    assert!(printed.contains("\n  warning 12200 ") && printed.contains("\n  Ho\n"), "{printed}");
    assert_eq!(code, 0);
    let (code, printed, _) = ran("channel", &["text", &app.url("/sms")], "hi\n");
    assert!(printed.contains("\n  warning 14110 ") && printed.contains("\n< Hi\n"), "{printed}");
    assert_eq!(code, 0);
}

#[test]
fn an_application_without_end_ends_with_the_input() {
    let app = App::start(|_| "<Response><Redirect/></Response>".to_owned());
    let (code, printed, _) = ran("endless", &["phone", &app.url("/voice")], "\n");
    assert!(printed.ends_with("> hang up\nYou hang up.\n"), "{printed}");
    assert_eq!((code, app.got().len()), (0, 40));
}

#[test]
fn options_say_who_calls_and_how() {
    let app = App::start(|got| match got.target.as_str() {
        "/fallback" => "<Response><Say>Instead.</Say></Response>".to_owned(),
        _ => reply("500 Oops", "", ""),
    });
    let url = app.url("/voice");
    let arguments = [
        "phone",
        &url,
        "--from",
        "sip:ann@example.com",
        "--to",
        "+4930123456",
        "--account",
        "AC00000000000000000000000000000007",
        "--param",
        "CallerName=Ann B",
        "--param",
        "Direction=outbound-api",
        "--method",
        "get",
        "--fallback",
        "/fallback",
        "--token",
        "12345",
    ];
    let (code, printed, _) = ran("options", &arguments, "");
    assert!(printed.starts_with("sip:ann@example.com calls +4930123456: http://"), "{printed}");
    assert!(printed.contains("\n  Instead.\n"), "{printed}");
    assert_eq!(code, 1, "what the fallback mends has failed before");
    let got = app.got();
    let named = |got: &Got, name: &str| got.params.get(name).map(str::to_owned).unwrap_or_default();
    assert_eq!((got[0].method.as_str(), got[1].target.as_str()), ("GET", "/fallback"));
    for (name, value) in [
        ("From", "sip:ann@example.com"),
        ("To", "+4930123456"),
        ("AccountSid", "AC00000000000000000000000000000007"),
        ("CallerName", "Ann B"),
        ("Direction", "outbound-api"),
    ] {
        assert_eq!(named(&got[0], name), value);
    }
    assert!(got[0].head.to_ascii_lowercase().contains("\r\nx-twilio-signature: "));
    assert_eq!(named(&got[1], "ErrorCode"), "11200");

    let unsigned = ran("options", &["phone", &url], "").1;
    assert!(
        unsigned.contains("The webhooks are not signed: that needs `--token TOKEN`."),
        "{unsigned}"
    );
    assert!(!app.got()[2].head.to_ascii_lowercase().contains("x-twilio-signature"));
}

#[test]
fn an_interrupt_hangs_up_also_while_a_webhook_is_waited_for() {
    let app = App::start(|got| match got.target.as_str() {
        "/voice" => never(),
        _ => String::new(),
    });
    let (url, status) = (app.url("/voice"), app.url("/status"));
    let child = started("interrupt", &["phone", &url, "--status-callback", &status], "1\n");
    while app.got().is_empty() {
        std::thread::yield_now();
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let (code, printed, _) = ended(child);
    assert!(printed.contains("> hang up\nYou hang up.\n"), "{printed}");
    assert_eq!(code, 130);
    assert_eq!(app.got()[1].params.get("CallStatus"), Some("completed"));
}
