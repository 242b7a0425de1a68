//! `twimlgate dev`: changes apply while it runs, mistakes do not end it, and it leaves nothing
//! running.

mod number;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

use crate::support::is_running;
use crate::support::terminal::Terminal;

/// A new project without a function, on a free port.
fn project(name: &str) -> PathBuf {
    project_with(name, &["--function", "none"])
}

/// A new project on a free port.
fn project_with(name: &str, arguments: &[&str]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dev").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_twimlgate"));
    let command = command.args(["new", name]).args(arguments);
    let output = command.current_dir(folder.parent().unwrap()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    edit(&folder, "config.toml", |config| {
        config.replace("127.0.0.1:8080", "127.0.0.1:0") + "\n[admin]\nlisten = \"\"\n"
    });
    folder
}

fn edit(folder: &Path, name: &str, change: impl FnOnce(String) -> String) {
    let path = folder.join(name);
    fs::write(&path, change(fs::read_to_string(&path).unwrap())).unwrap();
}

fn dev(folder: &Path, arguments: &[&str], path: &str) -> Terminal {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twimlgate"));
    command.arg("dev").args(arguments).current_dir(folder).env_clear().env("PATH", path);
    Terminal::start(command, 200)
}

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// What a caller hears first.
fn call(url: &str, folder: &Path) -> String {
    try_url("phone", url, folder)
}

/// What a call, or a message, to a URL shows.
fn try_url(command: &str, url: &str, folder: &Path) -> String {
    let env = fs::read_to_string(folder.join(".env")).unwrap();
    let value = |name: &str| {
        env.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap().to_owned()
    };
    let (sid, token) = (value("TWILIO_ACCOUNT_SID"), value("TWILIO_AUTH_TOKEN"));
    let mut program = Command::new(env!("CARGO_BIN_EXE_twimlgate"));
    program.args([command, url, "--account", &sid, "--token", &token]);
    let typed = fs::File::open(folder.join("config.toml")).unwrap();
    // Someone who writes has to say something; a caller listens.
    let input = if command == "text" { typed.into() } else { std::process::Stdio::null() };
    String::from_utf8(program.stdin(input).output().unwrap().stdout).unwrap()
}

/// The URL of a route, as the board shows it.
fn url_of(terminal: &mut Terminal, route: &str) -> String {
    let pattern = Regex::new(&format!(r"http://127\.0\.0\.1:\d+{route}")).unwrap();
    terminal.finds(&pattern).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_change_applies_and_a_mistake_does_not() {
    let folder = project("change");
    let mut terminal = dev(&folder, &[], PATH);
    terminal.sees("twimlgate is answering");
    let url = url_of(&mut terminal, "/voice");
    terminal.sees("A carrier cannot reach these URLs");
    assert!(call(&url, &folder).contains("Press 1 for our opening hours"));
    // The line of the webhook, with the way through the flow.
    terminal.sees("Trigger ─incomingCall→ menu");

    edit(&folder, "flows/menu.toml", |flow| flow.replace("Welcome.", "Hello."));
    terminal.sees("flows/menu.toml applied");
    assert!(call(&url, &folder).contains("Hello."));

    edit(&folder, "flows/menu.toml", |flow| flow[..flow.len() / 2].to_owned());
    terminal.sees("flows/menu.toml:");
    terminal.sees("flows/menu.toml not applied");
    assert!(call(&url, &folder).contains("Hello."));

    fs::remove_file(folder.join("flows/menu.toml")).unwrap();
    terminal.sees("not applied");
    assert!(call(&url, &folder).contains("Hello."));

    let config = "[route.\"/new\"]\nchannel = \"voice\"\nflow = \"flows/new.toml\"\n";
    let flow = "initial_state = \"Trigger\"\n[widget.Trigger]\ntype = \"trigger\"\n\
                on = { incomingCall = \"say\" }\n[widget.say]\ntype = \"say-play\"\n\
                say = \"A new route.\"\n";
    fs::write(folder.join("flows/new.toml"), flow).unwrap();
    fs::write(folder.join("flows/menu.toml"), flow).unwrap();
    edit(&folder, "config.toml", |text| text + config);
    terminal.sees("config.toml");
    terminal.sees("applied");
    assert!(call(&url.replace("/voice", "/new"), &folder).contains("A new route."));
    terminal.interrupt();
    assert_eq!(terminal.ended().0, Some(0));
}

/// Each exchange is a line, with its way and the time of the function: of a route in the short
/// form, and of a function by its own path.
#[test]
fn an_exchange_is_one_line() {
    let folder = project_with("lines", &["--function", "node"]);
    let mut terminal = dev(&folder, &[], PATH);
    let url = url_of(&mut terminal, "/sms");
    terminal.sees("functions/hours.js");
    try_url("text", &url, &folder);
    let sms = r"/sms SM\w+ answered 200, hours 200 .*hours ─success→ .*, function [\d.]+ ms, total";
    terminal.matches(&Regex::new(sms).unwrap()).unwrap();
    try_url("text", &url.replace("/sms", "/hours"), &folder);
    let hours = r"webhook /hours SM\w+ answered 200, /hours 200, function [\d.]+ ms";
    terminal.matches(&Regex::new(hours).unwrap()).unwrap();
    terminal.interrupt();
    assert_eq!(terminal.ended().0, Some(0));
}

/// The folder of the functions may be outside, with modules and variables beside them.
#[test]
fn a_change_of_a_function_applies() {
    let shop = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dev/shop");
    let _ = fs::remove_dir_all(&shop);
    fs::create_dir_all(shop.join("functions")).unwrap();
    fs::create_dir_all(shop.join("lib")).unwrap();
    let function = "exports.handler = (context, event, callback) => {\n\
                    const text = require('../lib/words').text + context.NAME;\n\
                    const response = new Response();\n\
                    response.appendHeader('Content-Type', 'text/xml');\n\
                    response.setBody(`<Response><Say>${text}</Say></Response>`);\n\
                    callback(null, response);\n};\n";
    fs::write(shop.join("functions/hello.js"), function).unwrap();
    fs::write(shop.join("lib/words.js"), "exports.text = 'Hello ';").unwrap();
    fs::write(shop.join(".env"), "NAME=Ada\n").unwrap();
    let folder = project_with("around-shop", &["--from", "functions", "shop"]);
    let mut terminal = dev(&folder, &[], PATH);
    let url = url_of(&mut terminal, "/hello");
    assert!(call(&url, &folder).contains("Hello Ada"));
    edit(&shop, "lib/words.js", |text| text.replace("Hello ", "Good day, "));
    terminal.sees("lib/words.js applied");
    assert!(call(&url, &folder).contains("Good day, Ada"));
    fs::write(shop.join(".env"), "NAME=Grace\n").unwrap();
    terminal.sees(".env applied");
    assert!(call(&url, &folder).contains("Good day, Grace"));
    edit(&shop, "functions/hello.js", |text| text[..text.len() / 2].to_owned());
    terminal.sees("functions/hello.js:");
    edit(&shop, "functions/hello.js", |_| function.replace("<Say>", "<Say>Again: "));
    terminal.sees("functions/hello.js applied");
    assert!(call(&url, &folder).contains("Again: Good day, Grace"));
    terminal.interrupt();
    assert_eq!(terminal.ended().0, Some(0));
}

#[test]
fn it_waits_for_a_configuration_that_can_be_read() {
    let folder = project("waits");
    let config = fs::read_to_string(folder.join("config.toml")).unwrap();
    fs::write(folder.join("config.toml"), &config[..config.len() / 2]).unwrap();
    let mut terminal = dev(&folder, &[], PATH);
    terminal.sees("config.toml:");
    terminal.sees("waiting for a change");
    fs::write(folder.join("config.toml"), config).unwrap();
    terminal.sees("twimlgate is answering");
    terminal.interrupt();
    assert_eq!(terminal.ended().0, Some(0));

    fs::remove_file(folder.join("config.toml")).unwrap();
    let mut terminal = dev(&folder, &[], PATH);
    terminal.sees("waiting for a change");
    terminal.interrupt();
    assert_eq!(terminal.ended().0, Some(1));
}

/// The program starts with the gateway, again with a change, and ends with the gateway, together
/// with what it has started itself.
#[test]
fn the_functions_program_runs_beside_it() {
    let folder = project("program");
    // Said last: the test reads the file once it has seen the line.
    let script = "sleep 600 &\necho $! > child.pid\necho started $((1 + 1))\nwait\n";
    fs::write(folder.join("functions.sh"), script).unwrap();
    let section = "\n[dev]\ncommand = \"sh functions.sh\"\n";
    edit(&folder, "config.toml", |config| config + section);
    let mut terminal = dev(&folder, &[], PATH);
    terminal.sees("started 2");
    edit(&folder, "functions.sh", |script| script.replace("1 + 1", "1 + 2"));
    terminal.sees("functions.sh changed");
    terminal.sees("started 3");
    let child = fs::read_to_string(folder.join("child.pid")).unwrap();
    assert!(is_running(&child));
    terminal.interrupt();
    assert_eq!(terminal.ended().0, Some(0));
    assert!(!is_running(&child));

    edit(&folder, "config.toml", |config| config.replace("sh functions.sh", "exit 3"));
    let mut terminal = dev(&folder, &[], PATH);
    terminal.sees("ended (exit status: 3)");
    terminal.interrupt();
    assert_eq!(terminal.ended().0, Some(0));
}

/// With programs that print what the real ones print.
#[test]
fn a_tunnel_gives_the_public_url() {
    let folder = project("tunnel");
    let programs = folder.join("bin");
    fs::create_dir(&programs).unwrap();
    let install = |script: &str| {
        let path = programs.join("cloudflared");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    let path = format!("{}:{PATH}", programs.display());
    install(
        "echo 'INF https://developers.cloudflare.com/x' >&2\n\
         echo 'INF |  https://some-name.trycloudflare.com  |' >&2\n\
         echo $$ > tunnel.pid\nexec sleep 600",
    );
    let mut terminal = dev(&folder, &["--tunnel", "cloudflared"], &path);
    terminal.sees("https://some-name.trycloudflare.com/voice");
    terminal.sees("Paste these URLs");
    let tunnel = fs::read_to_string(folder.join("tunnel.pid")).unwrap();
    terminal.interrupt();
    assert_eq!(terminal.ended().0, Some(0));
    assert!(!is_running(&tunnel));

    install("echo 'ERR no network' >&2; exit 1");
    let (code, printed) = dev(&folder, &["--tunnel", "cloudflared"], &path).ended();
    assert_eq!(code, Some(1));
    assert!(printed.contains("ended without a URL") && printed.contains("no network"), "{printed}");
    fs::remove_file(programs.join("cloudflared")).unwrap();
    let (code, printed) = dev(&folder, &["--tunnel", "cloudflared"], &path).ended();
    assert_eq!(code, Some(1));
    assert!(printed.contains("`cloudflared` is not installed: install it from"), "{printed}");
}
