//! The processes as the system sees them: what is left when the gateway is killed, and reloads.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use twimlgate::clock;

use super::{TestProject, has_node};
use crate::support::is_running;

/// A gateway as a process of its own.
struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn start(project: &TestProject, keys: &str) -> Served {
        let config = project.0.join("gateway.toml");
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"\"\n\
             [store]\nurl = \"memory:\"\n\
             [signature]\nmode = \"off\"\n[log]\nformat = \"json\"\n{}",
            project.section(keys)
        );
        std::fs::write(&config, text).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_twimlgate"))
            .args(["serve", "--config"])
            .arg(&config)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening = lines.by_ref().find_map(|line| {
            let line: serde_json::Value = serde_json::from_str(&line.unwrap()).ok()?;
            let text = line["message"].as_str()?.strip_prefix("listening on ")?.to_owned();
            Some(text.split(',').next()?.to_owned())
        });
        // The log must not fill its pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Served { child, address: listening.unwrap() }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned())
    }

    fn signal(&self, name: &str) {
        let kill = Command::new("kill").arg(name).arg(self.child.id().to_string()).status();
        assert!(kill.unwrap().success());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_until(mut holds: impl FnMut() -> bool) -> bool {
    let until = clock::now() + Duration::from_secs(10);
    while clock::now() < until {
        if holds() {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

/// Answers with the temporary folder, and the process ids of Node and of two programs that it has
/// started: one in its group, and one that has left it and lost its parent.
const STARTS: &str = "const { spawn } = require('child_process');\n\
    const start = (options) => {\n\
      const child = spawn('/bin/sleep', ['1000'], { stdio: 'ignore', ...options });\n\
      child.unref();\n\
      return child.pid;\n\
    };\n\
    exports.start = (c, e, callback) => {\n\
      const pids = [process.pid, start(), start({ detached: true })];\n\
      callback(null, [process.env.TMPDIR, ...pids].join(' '));\n\
    };\n";

#[test]
fn a_killed_gateway_leaves_neither_a_process_nor_a_folder() {
    if !has_node() {
        return;
    }
    let starts = "exports.handler = (...all) => { exports.start(...all); \
                  setTimeout(() => { for (;;); }, 5); };";
    let starts = format!("{STARTS}{starts}");
    let project = TestProject::new("killed", &[("functions/starts.js", &starts)]);
    let gateway = Served::start(&project, "");
    let answer = gateway.get("/starts");
    let (folder, pids) = answer.split_once(' ').unwrap();
    assert!(pids.split(' ').count() == 3 && pids.split(' ').all(is_running), "{answer}");
    assert!(std::path::Path::new(folder).is_dir());
    gateway.signal("-KILL");
    assert!(wait_until(|| !pids.split(' ').any(is_running)), "one of {pids} runs on");
    assert!(wait_until(|| !std::path::Path::new(folder).exists()), "{folder} is left");
}

#[test]
fn what_a_function_has_started_ends_with_its_process() {
    if !has_node() {
        return;
    }
    let ends = "exports.handler = (...all) => { exports.start(...all); \
                setTimeout(() => process.kill(process.pid, 'SIGKILL'), 5); };";
    let exits = "exports.handler = (c, e, callback) => {\n\
                 process.kill(process.ppid, 'SIGSTOP');\n\
                 callback(null, `${process.pid}`);\nfor (;;);\n};";
    let files = [
        ("functions/ends.js", &*format!("{STARTS}{ends}")),
        ("functions/stops-its-parent.js", exits),
        ("functions/good.js", "exports.handler = (c, e, callback) => callback(null, 'good');"),
    ];
    let project = TestProject::new("started", &files);
    let gateway = Served::start(&project, "processes = 1\ntimeout_ms = 1000");
    let answer = gateway.get("/ends");
    let (_, pids) = answer.split_once(' ').unwrap();
    assert!(wait_until(|| !pids.split(' ').any(is_running)), "one of {pids} runs on");
    // The monitor is the parent of Node, and not the gateway.
    gateway.get("/stops-its-parent");
    assert_eq!(gateway.get("/good"), "good");
}

#[test]
fn an_edit_is_served_after_a_reload_and_a_call_in_progress_ends() {
    if !has_node() {
        return;
    }
    let text = |n: u32| {
        format!(
            "exports.handler = (c, e, cb) => \
             setTimeout(() => cb(null, 'version {n}'), e.wait ?? 0);"
        )
    };
    let project = TestProject::new("reload", &[("functions/text.js", &text(1))]);
    let gateway = Served::start(&project, "");
    assert_eq!(gateway.get("/text"), "version 1");
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| gateway.get("/text?wait=1500"));
        // The slow call has begun when a second process has answered this one.
        assert_eq!(gateway.get("/text"), "version 1");
        project.write("functions/text.js", &text(2));
        project.write("functions/new.js", &text(3));
        gateway.signal("-HUP");
        assert!(wait_until(|| gateway.get("/new") == "version 3"));
        assert_eq!(gateway.get("/text"), "version 2");
        assert_eq!(slow.join().unwrap(), "version 1");
    });
}

#[test]
fn with_watch_an_edit_is_served_at_once_and_a_broken_one_costs_its_own_calls() {
    if !has_node() {
        return;
    }
    let text = |n: u32| format!("exports.handler = (c, e, cb) => cb(null, 'version {n}');");
    let files = [("functions/text.js", &*text(1)), ("functions/other.js", &*text(0))];
    let project = TestProject::new("watch", &files);
    let gateway = Served::start(&project, "watch = true");
    assert_eq!(gateway.get("/text"), "version 1");
    project.write("functions/text.js", &text(2));
    let began = clock::now();
    assert!(wait_until(|| gateway.get("/text") == "version 2"));
    assert!((clock::now() - began) < Duration::from_secs(3), "{:?}", (clock::now() - began));
    project.write("functions/text.js", "exports.handler = (");
    assert!(wait_until(|| !gateway.get("/text").starts_with("version")));
    assert_eq!(gateway.get("/other"), "version 0");
    project.write(".env", "A=1");
    project.write("functions/text.js", "exports.handler = (c, e, cb) => cb(null, c.A);");
    assert!(wait_until(|| gateway.get("/text") == "1"));
}
