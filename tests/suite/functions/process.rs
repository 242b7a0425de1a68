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

#[test]
fn a_killed_gateway_leaves_no_process() {
    if !has_node() {
        return;
    }
    let pid = "exports.handler = (c, e, callback) => { callback(null, `${process.pid}`); \
               setTimeout(() => { for (;;); }, 5); };";
    let project = TestProject::new("killed", &[("functions/pid.js", pid)]);
    let gateway = Served::start(&project, "");
    let pid = gateway.get("/pid");
    assert!(is_running(&pid), "{pid}");
    gateway.signal("-KILL");
    assert!(wait_until(|| !is_running(&pid)), "{pid} runs on");
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
