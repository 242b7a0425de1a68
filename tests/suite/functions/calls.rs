//! Functions with a name, in routes and flows; their paths, and who may use them.

use super::{TestProject, get, has_node};
use crate::support::rig::gateway;
use twimlgate::diagnostics::problem::Problems;
use twimlgate::metrics::Metrics;

const CALL: [(&str, &str); 4] =
    [("CallSid", "CA1"), ("From", "+15550100"), ("To", "+15550111"), ("CallStatus", "ringing")];

const MESSAGE: [(&str, &str); 4] =
    [("MessageSid", "SM1"), ("From", "+15550100"), ("To", "+15550111"), ("Body", "hi")];

/// A short route to `[function.NAME]` with a success document.
fn route(name: &str) -> String {
    format!(
        "[route.\"/{name}\"]\nchannel = \"message\"\nfunction = \"{name}\"\n\
         success = \"plans.xml\"\n"
    )
}

#[actix_web::test]
async fn a_function_by_its_file_and_by_its_code() {
    if !has_node() {
        return;
    }
    let plan = "exports.handler = (context, event, callback) => {\n\
                console.log('looking up', event.From);\n\
                callback(null, { plan: `${event.Body} from ${context.PATH}` });\n};";
    let project = TestProject::new("named", &[("functions/look up.private.js", plan)]);
    let sections = format!(
        "[function.lookup]\nfile = \"functions/look up.private.js\"\n\
         [function.here]\ncode = '''\nconst plan = `${{event.Body}} here`;\n\
         return {{ plan }};\n'''\n\
         [function.handler]\n\
         code = '''exports.handler = (c, e, cb) => cb(null, {{ plan: c.PATH }})'''\n\
         {}{}{}",
        route("lookup"),
        route("here"),
        route("handler"),
    );
    let rig = project.start("", &sections);
    let answers = [("lookup", "hi from /look-up"), ("here", "hi here"), ("handler", "/handler")];
    for (name, expected) in answers {
        let reply = rig.post(&format!("/{name}"), &MESSAGE).await;
        assert!(reply.status == 200 && reply.body.contains(expected), "{name}: {reply:?}");
    }
    let log = rig.log().await;
    let line = log.iter().find(|line| line["message"] == "looking up +15550100").unwrap();
    assert_eq!((&line["function"], &line["sid"]), (&"lookup".into(), &"SM1".into()));
    let call = log.iter().find(|line| line["route"] == "/here").unwrap();
    assert_eq!((&call["function"], &call["function_status"]), (&"here".into(), &200.into()));
}

#[actix_web::test]
async fn paths_need_a_signature_unless_they_are_open() {
    if !has_node() {
        return;
    }
    let text = "exports.handler = (c, e, callback) => callback(null, `for ${e.From}`);";
    let project = TestProject::new(
        "signed",
        &[
            ("functions/public.js", text),
            ("functions/api/open.js", text),
            ("functions/api/closed.protected.js", text),
            ("functions/hidden.private.js", text),
            ("assets/public.txt", "a file"),
            ("assets/guarded.protected.txt", "signed"),
            ("assets/hidden.private.txt", "hidden"),
        ],
    );
    let rig = project.start("open = [\"/api/*\"]", "");
    for (target, unsigned, signed) in [
        ("/public", 403, 200),
        ("/api/open", 200, 200),
        ("/api/closed", 403, 200),
        ("/hidden", 403, 404),
        ("/public.txt", 200, 200),
        ("/guarded.txt", 403, 200),
        ("/hidden.txt", 403, 403),
    ] {
        assert_eq!(get(&rig, target).await.status, unsigned, "{target}");
        assert_eq!(rig.post(target, &CALL).await.status, signed, "{target}, signed");
    }
    let reply = rig.post("/public?From=query", &CALL).await;
    assert_eq!(reply.body, "for +15550100");
    rig.end().await;
}

#[actix_web::test]
async fn a_repeated_webhook_gets_the_reply_of_its_first_delivery() {
    if !has_node() {
        return;
    }
    let count = "let n = 0;\nexports.handler = (c, e, callback) => {\n\
                 const response = new Twilio.Response();\n\
                 response.setCookie('n', ++n).setStatusCode(201).setBody(`${n}`);\n\
                 callback(null, response);\n};";
    let project = TestProject::new("repeats", &[("functions/count.js", count)]);
    let rig = project.start("processes = 1", "");
    let first = rig.post("/count", &MESSAGE).await;
    assert_eq!((first.status, first.header("set-cookie")), (201, Some("n=1")));
    let repeat = rig.post("/count", &MESSAGE).await;
    assert_eq!((repeat.status, &repeat.body), (201, &first.body));
    assert_eq!(repeat.header("set-cookie"), Some("n=1"));
    let records = rig.end().await;
    assert_eq!(records[1]["outcome"], "repeated");
}

#[actix_web::test]
async fn a_call_whose_function_fails_gets_a_document_and_others_a_status() {
    if !has_node() {
        return;
    }
    let project = TestProject::new(
        "fails",
        &[
            ("functions/throws.js", "exports.handler = () => { throw new Error('+15550100'); };"),
            (
                "functions/broken.js",
                "exports.handler = (c, e, callback) => callback(null, new Response({\
                 headers: { 'Content-Type': 'text/xml' }, body: '<Response><Say>' }));",
            ),
            ("functions/never.js", "exports.handler = () => {};"),
        ],
    );
    let rig = project.start("timeout_ms = 3000\nopen = [\"/*\"]", "");
    // Anybody may send what a function throws at, so that opens no circuit breaker.
    for _ in 0..8 {
        assert_eq!(get(&rig, "/throws").await.status, 500);
    }
    assert_eq!(get(&rig, "/never").await.status, 504);
    let body = get(&rig, "/throws").await.body;
    assert!(!body.contains("555") && !body.contains("at "), "{body}");
    rig.end().await;
    let rig = project.start("timeout_ms = 3000", "");
    for path in ["/throws", "/broken", "/never"] {
        let reply = rig.post(path, &CALL).await;
        assert!(reply.status == 200 && reply.body.contains("<Say"), "{path}: {reply:?}");
    }
    let records = rig.end().await;
    assert!(records.iter().all(|record| record["outcome"] == "fallback"), "{records:?}");
}

#[actix_web::test]
async fn what_is_wrong_with_a_project_is_said_and_the_others_serve() {
    if !has_node() {
        return;
    }
    let fine = "exports.handler = (c, e, callback) => callback(null, 'fine');";
    let project = TestProject::new(
        "wrong",
        &[
            ("functions/fine.js", fine),
            ("functions/same name.js", fine),
            ("functions/same-name.protected.js", fine),
            ("functions/wörd.js", fine),
            ("functions/syntax.js", "exports.handler = () => {\n  const x = ;\n};"),
            ("functions/first.js", "exports.handler = (c, e, cb) => cb(null, x y);\n"),
            ("functions/module.mjs", "export const handler = () => {;\n"),
            (
                "functions/imports.mjs",
                "import {\n  x,\n} from 'no-such-import';\nimport fs from 'fs';\n\
                 export const handler = (c, e, cb) => cb(null, `from 'nowhere' ${fs && x}`);\n",
            ),
            ("functions/missing.js", "// require('not-code')\nconst x = require('no-such-thing');"),
            ("package.json", "{\"dependencies\": {\"twilio\": \"*\"}}"),
            (".env", "A=1\nNUMBERS=+15550100 # the first\nB='open\n"),
        ],
    );
    let outside = project.0.with_extension("outside");
    std::fs::write(&outside, "secret").unwrap();
    std::fs::create_dir_all(project.0.join("assets")).unwrap();
    std::os::unix::fs::symlink(&outside, project.0.join("assets/escape.txt")).unwrap();
    let mut problems = Problems::default();
    let sections = project.section("open = [\"/fin\"]");
    let unused = ([127, 0, 0, 1], 9).into();
    assert!(gateway(unused, &sections, &Metrics::new(), &mut problems).is_some(), "{problems}");
    let text = problems.to_string();
    for expected in [
        "`functions/same name.js` and `functions/same-name.protected.js` are both `/same-name`",
        "`functions/wörd.js` cannot be a function",
        "`assets/escape.txt` is left out: it is a link to a file outside the project",
        "functions/syntax.js:2:13",
        "functions/first.js:1:42",
        "functions/module.mjs:",
        "functions/missing.js:2:11",
        "requires `no-such-thing`",
        "functions/imports.mjs:3:1",
        "requires `no-such-import`",
        "no function has the path `/fin`",
        ".env:2:1",
        "this `#` does not begin a comment",
        ".env:3:1",
    ] {
        assert!(text.contains(expected), "{expected} is not in:\n{text}");
    }
    assert!(
        !text.contains("not-code") && !text.contains("nowhere") && !text.contains("555"),
        "{text}"
    );
    let rig = project.start("open = [\"/*\"]", "");
    assert_eq!(get(&rig, "/fine").await.body, "fine");
    assert_eq!(get(&rig, "/escape.txt").await.status, 403);
    assert_eq!(get(&rig, "/same-name").await.status, 403, "the stricter of both counts");
    rig.end().await;
}

#[actix_web::test]
async fn modules_and_typescript_run_where_node_can() {
    if !has_node() {
        return;
    }
    let typed = "type Name = string;\n\
                 export const handler = (c: object, e: { name: Name }, callback: Function) =>\n\
                 callback(null, `typed ${e.name as Name}`);\n";
    let project = TestProject::new(
        "languages",
        &[
            ("functions/typed.mts", typed),
            ("functions/plain.ts", &typed.replace("export const handler", "exports.handler")),
            (
                "functions/waits.mjs",
                "import { setTimeout as wait } from 'node:timers/promises';\n\
                 import { name } from './helpers/name.private.mjs';\n\
                 const waited = await wait(1, 'waited');\n\
                 export default { handler: (c, e, cb) => cb(null, `${waited} ${name}`) };\n",
            ),
            ("functions/helpers/name.private.mjs", "export const name = 'for a module';\n"),
            ("functions/old.cjs", "exports.handler = (c, e, cb) => cb(null, typeof require);\n"),
        ],
    );
    let mut problems = Problems::default();
    let unused = ([127, 0, 0, 1], 9).into();
    let sections = project.section("");
    assert!(gateway(unused, &sections, &Metrics::new(), &mut problems).is_some(), "{problems}");
    let text = problems.to_string();
    let rig = project.start("open = [\"/*\"]", "");
    assert_eq!(get(&rig, "/waits").await.body, "waited for a module");
    assert_eq!(get(&rig, "/old").await.body, "function");
    if text.contains("needs Node 22.18 or later") {
        assert!(text.contains("functions/typed.mts") && text.contains("plain.ts"), "{text}");
    } else {
        assert_eq!(get(&rig, "/typed?name=a").await.body, "typed a", "{text}");
        assert_eq!(get(&rig, "/plain?name=b").await.body, "typed b", "{text}");
    }
    rig.end().await;
}

#[actix_web::test]
async fn mistakes_of_the_configuration_are_errors() {
    if !has_node() {
        return;
    }
    let project = TestProject::new("mistakes", &[("functions/lookup.js", "exports.handler = 1;")]);
    for (sections, expected) in [
        (project.section("node = \"no-such-node\""), "needs Node 20 or later; `no-such-node` was"),
        ("[functions]\nfolder = \"/nowhere\"\n".to_owned(), "cannot read `/nowhere`"),
        ("[functions]\nfolder = \"src\"\n".to_owned(), "has neither `functions/`"),
        ("[function.a]\nfile = \"functions/a.js\"\n".to_owned(), "is in no project"),
        (
            project.section("") + "[function.a]\nfile = \"functions/lokup.js\"\n",
            "the project has no function `functions/lokup.js`",
        ),
        ("[function.a]\ncode = \"return {;\"\n".to_owned(), "`function.a.code` has a syntax error"),
        ("[function.a]\nmethod = \"GET\"\n".to_owned(), "`code`, and `a` has none"),
        (
            "[function.a]\ncode = \"return 1\"\nurl = \"http://h/\"\n".to_owned(),
            "`code`, and `a` has more than one",
        ),
    ] {
        let mut problems = Problems::default();
        let unused = ([127, 0, 0, 1], 9).into();
        let built = gateway(unused, &sections, &Metrics::new(), &mut problems);
        assert!(built.is_none(), "{sections}");
        assert!(problems.to_string().contains(expected), "{expected}:\n{problems}");
    }
}

#[actix_web::test]
async fn an_imported_flow_runs_together_with_its_functions() {
    if !has_node() {
        return;
    }
    let plan = "exports.handler = (context, event, callback) => {\n\
                const { request, ...parameters } = event;\n\
                callback(null, { plan: JSON.stringify(parameters) + context.PATH });\n};";
    let project = TestProject::new(
        "rewritten",
        &[("functions/plans/look up.js", plan), ("functions/secret.private.js", plan)],
    );
    let flow = r#"{ "initial_state": "Trigger", "states": [
        { "name": "Trigger", "type": "trigger", "properties": {},
          "transitions": [{ "event": "incomingMessage", "next": "lookup" }] },
        { "name": "lookup", "type": "run-function",
          "properties": { "url": "https://shop-1234.twil.io/plans/look-up?from=query",
            "parameters": [{ "key": "who", "value": "{{contact.channel.address}}" }] },
          "transitions": [{ "event": "success", "next": "say" },
                          { "event": "fail", "next": "secret" }] },
        { "name": "secret", "type": "run-function",
          "properties": { "url": "https://shop-1234.twil.io/secret" },
          "transitions": [{ "event": "success", "next": "say" }] },
        { "name": "say", "type": "send-message",
          "properties": { "body": "{{widgets.lookup.parsed.plan}}" }, "transitions": [] } ] }"#;
    project.write("flow.json", flow);
    let sections = format!(
        "[[rewrite]]\nfrom = \"https://shop-1234.twil.io\"\nto = \"functions:\"\n\
         [route.\"/sms\"]\nchannel = \"message\"\nflow = {:?}\n",
        project.0.join("flow.json")
    );
    let mut problems = Problems::default();
    let unused = ([127, 0, 0, 1], 9).into();
    let text = project.section("") + &sections;
    assert!(gateway(unused, &text, &Metrics::new(), &mut problems).is_some(), "{problems}");
    assert!(problems.to_string().contains("widget `secret` calls `/secret`, which is not a path"));
    let rig = project.start("", &sections);
    let reply = rig.post("/sms", &MESSAGE).await;
    let expected = "&quot;query&quot;,&quot;who&quot;:&quot;+15550100&quot;}/plans/look-up";
    assert!(reply.body.contains(expected), "{reply:?}");
    let records = rig.end().await;
    assert_eq!(records[0]["function"], "functions:/plans/look-up");
}
