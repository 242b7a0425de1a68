//! Functions that loop, end their process, fill the memory or flood the log: each costs one call.

use std::time::Duration;

use twimlgate::clock;

use super::{TestProject, get, has_node};

const FUNCTIONS: [(&str, &str); 24] = [
    ("functions/good.js", "exports.handler = (c, e, callback) => callback(null, 'good');"),
    ("functions/loop.js", "exports.handler = () => { for (;;); };"),
    ("functions/never.js", "exports.handler = async () => {};"),
    ("functions/exit.js", "exports.handler = () => { process.exit(3); };"),
    ("functions/abort.js", "exports.handler = () => { process.kill(process.pid, 'SIGKILL'); };"),
    (
        "functions/bomb.js",
        "exports.handler = () => { const all = []; for (;;) all.push(new Array(1e5).fill(0.5)); };",
    ),
    (
        "functions/buffers.js",
        "exports.handler = () => { const all = []; const more = () => { \
         all.push(Buffer.alloc(3e7, 1)); setTimeout(more, 5); }; more(); };",
    ),
    ("functions/reject.js", "exports.handler = () => { Promise.reject(new Error('late')); };"),
    ("functions/throw.js", "exports.handler = () => { setTimeout(() => { throw 1; }, 5); };"),
    (
        "functions/twice.js",
        "exports.handler = (c, e, cb) => { cb(null, 'once'); cb(null, 'twice'); cb('three'); };",
    ),
    (
        "functions/flood.js",
        "exports.handler = (c, e, callback) => { \
         for (let i = 0; i < 1e5; i++) console.log('line', i); \
         for (let i = 0; i < 300; i++) require('fs').writeSync(1, 'x'.repeat(65536)); \
         callback(null, 'flooded'); };",
    ),
    (
        "functions/after.js",
        "exports.handler = (c, e, callback) => { callback(null, 'answered'); \
         setTimeout(() => process.exit(), 20); };",
    ),
    ("functions/microtasks.js", "exports.handler = async () => { for (;;) await null; };"),
    (
        "functions/waits.js",
        "exports.handler = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
    ),
    ("functions/garbage.js", "exports.handler = () => require('fs').writeSync(0, 'x'.repeat(99));"),
    (
        "functions/closes.js",
        "exports.handler = () => { for (let fd = 0; fd < 64; fd++) \
         try { require('fs').closeSync(fd); } catch {} };",
    ),
    (
        "functions/thenable.js",
        "exports.handler = (c, e, callback) => { \
         Object.prototype.then = () => {}; callback(null, 'once'); };",
    ),
    ("functions/frames.js", "exports.handler = () => { Object.prototype.toJSON = () => 1; };"),
    (
        "functions/json.js",
        "exports.handler = (c, e, callback) => { JSON.parse = JSON.stringify = () => '{}'; \
         callback(null, { written: true }); };",
    ),
    (
        "functions/unhandled.js",
        "exports.handler = () => { process.removeAllListeners(); \
         setTimeout(() => { throw new Error('late'); }, 5); };",
    ),
    ("functions/deep.js", "const deep = (n) => deep(n + 1) + 1;\nexports.handler = () => deep(0);"),
    (
        "functions/circle.js",
        "exports.handler = (c, e, callback) => { const a = {}; a.a = a; callback(null, a); };",
    ),
    (
        "functions/handles.js",
        "exports.handler = () => process._getActiveHandles().forEach((it) => it.destroy?.());",
    ),
    ("functions/huge.js", "exports.handler = (c, e, callback) => callback(null, 'x'.repeat(9e6));"),
];

#[actix_web::test]
async fn each_costs_one_call() {
    if !has_node() {
        return;
    }
    let project = TestProject::new("hostile", &FUNCTIONS);
    let rig = project.start("open = [\"/*\"]\ntimeout_ms = 3000\nprocesses = 2", "");
    assert_eq!(get(&rig, "/good").await.body, "good");
    for (path, status) in [
        ("/loop", 504),
        ("/never", 504),
        ("/exit", 500),
        ("/abort", 500),
        ("/bomb", 500),
        ("/buffers", 500),
        ("/reject", 500),
        ("/throw", 500),
        ("/twice", 200),
        ("/flood", 200),
        ("/after", 200),
        ("/huge", 500),
        ("/microtasks", 504),
        ("/waits", 504),
        ("/garbage", 500),
        ("/closes", 500),
        ("/thenable", 200),
        ("/frames", 504),
        ("/json", 200),
        ("/unhandled", 500),
        ("/deep", 500),
        ("/circle", 500),
        ("/handles", 500),
    ] {
        let began = clock::now();
        let reply = get(&rig, path).await;
        let took = clock::now() - began;
        // On a slow machine the time is over before the memory is full.
        let is_late = path == "/bomb" && reply.status == 504;
        assert!(reply.status == status || is_late, "{path}: {reply:?}");
        assert!(took < Duration::from_secs(9), "{path} took {took:?}");
        for _ in 0..2 {
            assert_eq!(get(&rig, "/good").await.body, "good", "after {path}");
        }
    }
    let log = rig.log().await;
    let lines = log.iter().filter(|line| line["function"] == "/flood" && line["route"].is_null());
    assert_eq!(lines.count(), 201, "200 lines, and one that says so");
    let reason = |route: &str| {
        let record = log.iter().find(|line| line["route"] == route).unwrap();
        record["reason"].as_str().unwrap_or_default().to_owned()
    };
    assert!(
        reason("/buffers").contains("used more than 256 MB of memory"),
        "{}",
        reason("/buffers")
    );
    assert!(reason("/abort").contains("signal 9"), "{}", reason("/abort"));
    assert!(reason("/loop").contains("took longer than 3s"), "{}", reason("/loop"));
}

#[actix_web::test]
async fn a_call_whose_time_is_over_is_not_made() {
    if !has_node() {
        return;
    }
    let counts = "exports.handler = (c, e, callback) => { console.log('made'); callback(); };";
    let looping = "exports.handler = () => { console.log('looping'); for (;;); };";
    let files = [("functions/counts.js", counts), ("functions/loop.js", looping)];
    let project = TestProject::new("expired", &files);
    let sections = "[function.counts]\nfile = \"functions/counts.js\"\ntimeout_ms = 300\n\
                    [route.\"/sms\"]\nchannel = \"message\"\nfunction = \"counts\"\n";
    let keys = "open = [\"/*\"]\nprocesses = 1\ntimeout_ms = 2000";
    let rig = project.start(keys, sections);
    let texts = ["SM1", "SM2", "SM3"].map(|sid| {
        let rig = &rig;
        async move {
            let message = [("MessageSid", sid), ("From", "+15550100"), ("To", "+15550111")];
            rig.post("/sms", &message).await
        }
    });
    let (looped, replies) = tokio::join!(get(&rig, "/loop"), futures_join(texts.into_iter()));
    assert_eq!(looped.status, 504);
    assert!(replies.iter().all(|reply| reply.status == 200), "{replies:?}");
    assert_eq!(get(&rig, "/counts").await.status, 200);
    let log = rig.log().await;
    // One that came before the loop was in time.
    let made = log.iter().skip_while(|line| line["message"] != "looping");
    assert_eq!(made.filter(|line| line["message"] == "made").count(), 1, "{log:?}");
}

#[actix_web::test]
async fn good_calls_are_answered_beside_hostile_ones() {
    if !has_node() {
        return;
    }
    let project = TestProject::new("crowd", &FUNCTIONS);
    let rig = project.start("open = [\"/*\"]\ntimeout_ms = 5000\nprocesses = 4", "");
    assert_eq!(get(&rig, "/good").await.body, "good");
    let calls = (0..60).map(|n| {
        let hostile = ["/exit", "/throw", "/abort", "/reject"][n / 10 % 4];
        let path = if n % 10 == 3 { hostile } else { "/good" };
        let rig = &rig;
        async move { (path, get(rig, path).await) }
    });
    for (path, reply) in futures_join(calls).await {
        let expected = if path == "/good" { 200 } else { 500 };
        assert_eq!(reply.status, expected, "{path}: {}", reply.body);
    }
    rig.end().await;
}

/// Polls all of them until all are done.
async fn futures_join<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut pending: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut all = true;
        for (future, done) in &mut pending {
            if done.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *done = Some(value),
                    std::task::Poll::Pending => all = false,
                }
            }
        }
        if all { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    pending.into_iter().filter_map(|(_, done)| done).collect()
}

#[actix_web::test]
async fn a_function_sees_neither_the_gateway_nor_the_machine() {
    if !has_node() {
        return;
    }
    let probe = "const fs = require('fs'), os = require('os'), path = require('path');\n\
        const attempt = (work) => {\n\
          try { work(); return 'done'; } catch (e) { return e.code; }\n\
        };\n\
        exports.handler = (c, e, callback) => callback(null, {\n\
          parent: attempt(() => fs.readFileSync(`/proc/${process.ppid}/environ`)),\n\
          outside: attempt(() => fs.readFileSync(path.join(__dirname, '../../outside.txt'))),\n\
          config: attempt(() => fs.readFileSync(path.join(__dirname, '../config.toml'))),\n\
          store: attempt(() => fs.readFileSync(path.join(__dirname, '../calls.db-wal'))),\n\
          project: attempt(() => fs.writeFileSync(path.join(__dirname, 'x'), 'x')),\n\
          temporary: attempt(() => fs.writeFileSync(path.join(os.tmpdir(), 'x'), 'x')),\n\
          kill: attempt(() => process.kill(process.ppid, 0)),\n\
          child: require('child_process')\n\
            .spawnSync('cat', [path.join(__dirname, '../../outside.txt')]).status,\n\
          variables: Object.keys(process.env).sort().join(),\n\
        });";
    let project = TestProject::new("sandboxed/project", &[("functions/probe.js", probe)]);
    project.write("../outside.txt", "secret");
    project.write("config.toml", "secret");
    project.write("calls.db", "secret");
    project.write("calls.db-wal", "secret");
    let config = project.0.join("config.toml");
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite:calls.db\"\n\
         [signature]\nmode = \"off\"\n{}",
        project.section("open = [\"/*\"]")
    );
    let source = twimlgate::diagnostics::problem::Source::new("config.toml", &text);
    let folder = config.parent().unwrap();
    let (parsed, problems) = twimlgate::config::Config::parse(&source, folder, &|_| None);
    let rig = crate::support::rig::Rig::start_with(parsed.unwrap_or_else(|| panic!("{problems}")));
    let reply = get(&rig, "/probe").await;
    let found: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    for name in ["parent", "outside", "config", "store", "project"] {
        assert_eq!(found[name], "EACCES", "{name}: {found}");
    }
    assert_eq!(found["temporary"], "done");
    assert_eq!(found["child"], 1, "a child is locked in, too");
    assert_eq!(found["variables"], "HOME,PATH,TMPDIR");
    rig.end().await;
}
