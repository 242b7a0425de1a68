//! The paths that `serve` lists when it starts: as a box at a terminal, otherwise in the log.

use std::path::PathBuf;
use std::process::Command;

use super::{Process, folder};
use crate::support::terminal::Terminal;

const FLOW: &str = "initial_state = \"Trigger\"\n[widget.Trigger]\ntype = \"trigger\"\n\
                    on = { incomingCall = \"say\" }\n[widget.say]\ntype = \"say-play\"\n\
                    say = \"Hello.\"\n";

const CONFIG: &str = "[server]\nlisten = \"127.0.0.1:0\"\n\
                      public_url = \"https://phone.example.com\"\n\
                      [admin]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"memory:\"\n\
                      [[account]]\nsid = \"AC00000000000000000000000000000000\"\n\
                      auth_tokens = [\"12345\"]\n\
                      [functions]\nfolder = \"project\"\nopen = [\"/token\"]\n\
                      [flow.later]\nfile = \"flow.toml\"\n\
                      [route.\"/voice\"]\nchannel = \"voice\"\nflow = \"flow.toml\"\n\
                      [route.\"/hello\"]\nchannel = \"message\"\nfunction = \"hello\"\n\
                      [function.hello]\nfile = \"functions/hello.js\"\n";

/// A configuration with a route of each kind.
fn project(name: &str) -> PathBuf {
    let folder = folder(name);
    std::fs::write(folder.join("flow.toml"), FLOW).unwrap();
    let functions = folder.join("project/functions/menu");
    std::fs::create_dir_all(&functions).unwrap();
    for file in ["../hello.js", "../token.js", "index.protected.js", "../secret.private.js"] {
        std::fs::write(functions.join(file), "exports.handler = (c, e, done) => done();").unwrap();
    }
    folder
}

#[test]
fn the_log_has_a_line_for_each_path() {
    let mut process = Process::start(project("routes-log"), CONFIG);
    let listening = process.line("listening on")["message"].as_str().unwrap().to_owned();
    let admin = listening.split("admin ").nth(1).unwrap().to_owned();
    for line in [
        "route /hello: messages, function hello, https://phone.example.com/hello",
        "route /voice: calls, flow flow.toml, https://phone.example.com/voice",
        "route /menu: signed, functions/menu/index.protected.js, https://phone.example.com/menu",
        "route /menu/index: signed, functions/menu/index.protected.js, \
         https://phone.example.com/menu/index",
        "route /token: open to all, functions/token.js, https://phone.example.com/token",
        &format!(
            "route /v2/Flows/later/Executions: REST, flow flow.toml, \
             {admin}/v2/Flows/later/Executions"
        ),
    ] {
        let found = process.line("route ");
        assert_eq!((&found["message"], &found["level"]), (&line.into(), &"info".into()));
    }
    // Again when a reload has changed them.
    process.change("[route.\"/voice\"]", "[route.\"/calls\"]");
    process.signal("-HUP");
    process.line("configuration taken over");
    process.line("route /calls: calls");
    process.signal("-TERM");
    process.line("ended");
}

#[test]
fn a_terminal_gets_a_box() {
    let folder = project("routes-box");
    std::fs::write(folder.join("config.toml"), CONFIG).unwrap();
    let serve = |columns| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_twimlgate"));
        command.arg("serve").current_dir(&folder);
        Terminal::start(command, columns)
    };
    let mut terminal = serve(160);
    terminal.sees("twimlgate is answering");
    for text in [
        "https://phone.example.com/hello",
        "messages",
        "function hello",
        "https://phone.example.com/voice",
        "flow flow.toml",
        "http://127.0.0.1:",
        "https://phone.example.com/menu",
        "functions/menu/index.protected.js",
        "Paste these URLs",
        "─┘",
    ] {
        terminal.sees(text);
    }
    terminal.interrupt();
    assert_eq!(terminal.ended().0, Some(0));

    // A frame whose lines are folded is harder to read than none.
    let mut terminal = serve(60);
    terminal.sees("Paste these URLs");
    terminal.interrupt();
    let (code, printed) = terminal.ended();
    assert_eq!(code, Some(0));
    assert!(!printed.contains('┘'), "{printed}");
}
