//! Studio's REST as its clients use it: over sockets, with passwords, page by page.

mod addresses;
mod steps;

use std::sync::{Arc, Mutex, mpsc};

use serde_json::{Value, json};

use crate::support::hostile::{Hostile, Step};
use crate::support::rig::{Reply, Rig, SID, TOKEN, exchange};

const COUNT: &str = "/v2/Flows/count/Executions";
const ASK: &str = "/v2/Flows/ask/Executions";
const ENDS: &str = "/v2/Flows/ends/Executions";
const SENT: &str = "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n\
                    Content-Length: 13\r\n\r\n{\"sid\":\"SM1\"}";

/// Flows that no carrier's API is needed for, or one that answers as `carrier` does.
fn rig(carrier: &Hostile) -> Rig {
    let sections = "api_url = \"http://${FUNCTION}\"\n\
        [route.\"/sms\"]\nchannel = \"message\"\nflow = \"tests/flows/rest/ask.json\"\n\
        [flow.ends]\nfile = \"tests/flows/rest/ends.json\"\n\
        [flow.count]\nfile = \"tests/flows/rest/count.json\"\n\
        sid = \"FW00000000000000000000000000000001\"\n";
    Rig::start(carrier.address, sections)
}

/// One request to the admin listener.
async fn ask(rig: &Rig, request: (&str, &str), form: &[(&str, &str)]) -> Reply {
    rig.rest(&format!("{SID}:{TOKEN}"), request, form).await
}

async fn get(rig: &Rig, target: &str) -> Value {
    let reply = ask(rig, ("GET", target), &[]).await;
    assert_eq!(reply.status, 200, "{target}: {reply:?}");
    json(&reply)
}

fn json(reply: &Reply) -> Value {
    serde_json::from_str(&reply.body).expect("answers are JSON")
}

async fn create(rig: &Rig, target: &str, to: &str) -> Value {
    let form = [("To", to), ("From", "+15550199"), ("Parameters", r#"{"name": "Ada"}"#)];
    let reply = ask(rig, ("POST", target), &form).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    json(&reply)
}

/// The path of one of our URLs.
fn path(url: &Value) -> &str {
    url.as_str().unwrap().strip_prefix("http://admin.example:9").expect("it is of the same host")
}

/// Waits until an execution is as it should be.
async fn until(rig: &Rig, target: &str, holds: impl Fn(&Value) -> bool) -> Value {
    // Bounded by requests: each of them goes to the gateway and back.
    for _ in 0..20_000 {
        let found = get(rig, target).await;
        if holds(&found) {
            return found;
        }
    }
    panic!("{target} stays {}", get(rig, target).await);
}

fn refused(reply: &Reply, status: u16, code: u32) {
    let body = json(reply);
    assert_eq!((reply.status, &body["code"]), (status, &json!(code)), "{reply:?}");
    assert_eq!(body["status"], status);
    assert_eq!(body["more_info"], format!("https://www.twilio.com/docs/errors/{code}"));
    assert!(body["message"].is_string());
}

#[actix_web::test]
async fn an_execution_runs_and_can_be_looked_at() {
    let carrier = Hostile::always(SENT);
    let rig = rig(&carrier);
    let made = create(&rig, COUNT, "+15550100").await;
    let sid = made["sid"].as_str().unwrap();
    assert_eq!(made["status"], "active");
    for (member, value) in [
        ("account_sid", json!(SID)),
        ("flow_sid", json!("FW00000000000000000000000000000001")),
        ("contact_channel_address", json!("+15550100")),
        ("context", json!({})),
        ("initiated_by", json!("API")),
        ("contact_sid", Value::Null),
    ] {
        assert_eq!(made[member], value, "{member}");
    }
    assert_eq!(made["date_created"].as_str().unwrap().len(), "2020-01-01T00:00:00Z".len());

    let ended = until(&rig, path(&made["url"]), |found| found["status"] == "ended").await;
    assert_eq!(ended["sid"], made["sid"]);
    let context = get(&rig, path(&ended["links"]["execution_context"])).await;
    assert_eq!(context["execution_sid"], sid);
    let variables = &context["context"];
    assert_eq!(variables["flow"]["variables"]["told"], "Ada of +15550100");
    assert_eq!(variables["flow"]["data"]["name"], "Ada");
    assert_eq!(variables["flow"]["sid"], sid);
    assert_eq!(variables["flow"]["channel"]["address"], "+15550199");
    assert_eq!(variables["trigger"]["request"]["parameters"]["name"], "Ada");
    assert_eq!(variables["contact"]["channel"]["address"], "+15550100");
    assert_eq!(variables["widgets"]["first"]["who"], "Ada");

    let steps = get(&rig, path(&ended["links"]["steps"])).await;
    assert_eq!(steps["meta"]["key"], "steps");
    let steps = steps["steps"].as_array().unwrap();
    let way: Vec<_> = steps.iter().map(|s| [&s["name"], &s["transitioned_to"]]).collect();
    assert_eq!(way, [["next", "Ended"], ["next", "second"], ["incomingRequest", "first"]]);
    let step = get(&rig, path(&steps[1]["url"])).await;
    assert_eq!(&step, &steps[1]);
    assert_eq!(
        (&step["execution_sid"], &step["transitioned_from"]),
        (&json!(sid), &json!("first"))
    );
    let context = get(&rig, path(&step["links"]["step_context"])).await;
    assert_eq!(context["context"]["widgets"]["first"]["who"], "Ada");
    assert_eq!(context["step_sid"], step["sid"]);

    // Page by page, on with a token and back by number.
    let first = get(&rig, &format!("{COUNT}/{sid}/Steps?PageSize=2")).await;
    let second = get(&rig, path(&first["meta"]["next_page_url"])).await;
    assert_eq!(second["steps"], json!([steps[2]]));
    assert_eq!(second["meta"]["next_page_url"], Value::Null);
    assert_eq!(
        get(&rig, path(&second["meta"]["previous_page_url"])).await["steps"],
        first["steps"]
    );

    let gone = ask(&rig, ("DELETE", path(&made["url"])), &[]).await;
    assert_eq!((gone.status, gone.body.as_str()), (204, ""));
    refused(&ask(&rig, ("GET", path(&made["url"])), &[]).await, 404, 20404);
    refused(&ask(&rig, ("DELETE", path(&made["url"])), &[]).await, 404, 20404);
    rig.end().await;
}

#[actix_web::test]
async fn one_that_waits_conflicts_goes_on_and_is_ended() {
    let carrier = Hostile::always(SENT);
    let rig = rig(&carrier);
    let made = create(&rig, ASK, "+15550100").await;
    let url = path(&made["url"]);
    let steps = format!("{url}/Context");
    until(&rig, &steps, |found| found["context"]["widgets"]["ask"]["outbound"].is_object()).await;
    let sent = String::from_utf8(carrier.requests()[0].body.clone()).unwrap();
    assert!(sent.contains("Body=Hello+Ada%3F") && sent.contains("To=%2B15550100"), "{sent}");

    let form = [("To", "+15550100"), ("From", "+15550199")];
    let conflict = ask(&rig, ("POST", ASK), &form).await;
    refused(&conflict, 409, 20409);
    assert_eq!(json(&conflict)["details"]["conflicting_execution_sid"], made["sid"]);

    // The reply of that person is the one it waits for.
    let reply = [("MessageSid", "SM9"), ("From", "+15550100"), ("To", "+15550199"), ("Body", "42")];
    let said = rig.post("/sms", &reply).await;
    assert!(said.body.contains("Thanks for 42"), "{said:?}");
    until(&rig, url, |found| found["status"] == "ended").await;

    let again = create(&rig, ASK, "+15550100").await;
    let url = path(&again["url"]);
    refused(&ask(&rig, ("POST", url), &[("Status", "active")]).await, 400, 20001);
    for _ in 0..2 {
        let ended = ask(&rig, ("POST", url), &[("Status", "ended")]).await;
        assert_eq!((ended.status, &json(&ended)["status"]), (200, &json!("ended")));
    }
    assert_ne!(create(&rig, ASK, "+15550100").await["sid"], again["sid"]);
    assert_eq!(get(&rig, url).await["status"], "ended");
    rig.end().await;
}

#[actix_web::test]
async fn of_many_at_once_one_begins() {
    let carrier = Hostile::always(SENT);
    let rig = rig(&carrier);
    let form = [("To", "+15550100"), ("From", "+15550199")];
    let create = async || ask(&rig, ("POST", ASK), &form).await.status;
    let (a, b, c, d) = tokio::join!(create(), create(), create(), create());
    let mut statuses = [a, b, c, d];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409]);
    rig.end().await;
}

#[actix_web::test]
async fn what_is_deleted_while_it_works_stays_away() {
    let (release, gate) = mpsc::channel();
    let gate = Step::Wait(Arc::new(Mutex::new(gate)));
    let carrier = Hostile::new(vec![vec![Step::Read, gate, Step::Send(SENT.into())]]);
    let rig = rig(&carrier);
    let made = create(&rig, ASK, "+15550100").await;
    let url = path(&made["url"]);
    while carrier.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    let later = async {
        // Each is a whole request, so the deletion has come in the meantime.
        for _ in 0..20 {
            assert_eq!(get(&rig, url).await["status"], "active", "the deletion waits for its turn");
        }
        release.send(()).unwrap();
    };
    let (gone, ()) = tokio::join!(ask(&rig, ("DELETE", url), &[]), later);
    assert_eq!(gone.status, 204);
    for _ in 0..20 {
        refused(&ask(&rig, ("GET", url), &[]).await, 404, 20404);
    }
    rig.end().await;
}

#[actix_web::test]
async fn a_list_has_pages_and_dates() {
    let carrier = Hostile::always(SENT);
    let rig = rig(&carrier);
    let mut made = Vec::new();
    for number in 0..120 {
        made.push(create(&rig, COUNT, &format!("+1555{number:04}")).await["sid"].clone());
    }
    made.reverse();
    let sids = |page: &Value| -> Vec<Value> {
        page["executions"].as_array().unwrap().iter().map(|found| found["sid"].clone()).collect()
    };
    let first = get(&rig, COUNT).await;
    assert_eq!(sids(&first), made[..50]);
    assert_eq!(
        (&first["meta"]["page_size"], &first["meta"]["key"]),
        (&json!(50), &json!("executions"))
    );
    assert_eq!(first["meta"]["previous_page_url"], Value::Null);
    let second = get(&rig, path(&first["meta"]["next_page_url"])).await;
    // What is begun meanwhile moves nothing.
    create(&rig, COUNT, "+15559999").await;
    let third = get(&rig, path(&second["meta"]["next_page_url"])).await;
    assert_eq!([sids(&second), sids(&third)].concat(), made[50..]);
    assert_eq!(
        (&third["meta"]["page"], &third["meta"]["next_page_url"]),
        (&json!(2), &Value::Null)
    );
    assert_eq!(sids(&get(&rig, path(&second["meta"]["url"])).await), sids(&second));
    assert_eq!(sids(&get(&rig, &format!("{COUNT}?PageSize=1000")).await).len(), 121);
    assert_eq!(sids(&get(&rig, &format!("{COUNT}?PageSize=100&Page=7")).await).len(), 0);

    let count = async |query: &str| sids(&get(&rig, &format!("{COUNT}?{query}")).await).len();
    assert_eq!(count("DateCreatedFrom=2020-01-01T00:00:00Z&DateCreatedTo=2999-01-01").await, 50);
    assert_eq!(count("DateCreatedTo=2020-01-01T00%3A00%3A00Z").await, 0);
    assert_eq!(count("DateCreatedFrom=2999-01-01").await, 0);
    let dated = get(&rig, &format!("{COUNT}?DateCreatedFrom=2020-01-01&PageSize=1")).await;
    assert!(path(&dated["meta"]["next_page_url"]).contains("DateCreatedFrom=2020-01-01"));
    for wrong in ["PageSize=0", "PageSize=x", "Page=-1", "PageToken=x", "DateCreatedTo=soon"] {
        refused(&ask(&rig, ("GET", &format!("{COUNT}?{wrong}")), &[]).await, 400, 20001);
    }
    rig.end().await;
}

#[actix_web::test]
async fn nobody_else_is_answered() {
    let carrier = Hostile::always(SENT);
    let rig = rig(&carrier);
    let space = format!("{SID}:{TOKEN} ");
    for user in ["", ":", SID, &format!("{SID}:wrong"), &space, "AC1:12345"] {
        for target in [COUNT, "/v2/Flows/nowhere/Executions", "/v2/x"] {
            let reply = rig.rest(user, ("GET", target), &[]).await;
            refused(&reply, 401, 20003);
            assert!(reply.header("www-authenticate").unwrap().starts_with("basic"));
        }
    }
    let plain = rig.admin(COUNT).await;
    refused(&plain, 401, 20003);
    let second = rig.rest(&format!("{SID}:54321"), ("GET", COUNT), &[]).await;
    assert_eq!(second.status, 200, "each token of the account will do");
    // The public listener knows nothing of it.
    let request = format!("GET {COUNT} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let public = exchange(rig.server.address, request.into_bytes()).await;
    assert!(public.status >= 400 && !public.body.contains("executions"), "{public:?}");
    drop(rig.server);
}

#[actix_web::test]
async fn the_log_tells_what_was_changed_and_who_may_not() {
    let carrier = Hostile::always(SENT);
    let rig = rig(&carrier);
    let made = create(&rig, ASK, "+15550100").await;
    let url = path(&made["url"]);
    get(&rig, url).await;
    rig.rest(&format!("{SID}:guess"), ("DELETE", "/v2/words-of-a-stranger"), &[]).await;
    ask(&rig, ("DELETE", url), &[]).await;
    ask(&rig, ("DELETE", url), &[]).await;
    let log = rig.log().await;
    let told =
        log.iter().map(|line| (line["level"].as_str().unwrap(), line["message"].as_str().unwrap()));
    let told: Vec<_> = told.filter(|(_, text)| text.starts_with("Studio")).collect();
    let line = |words: &str| format!("Studio's REST: {words}");
    let expected = [
        ("info", line(&format!("201 for POST {ASK}"))),
        ("warn", line("401 for no account's sid and token")),
        ("info", line(&format!("204 for DELETE {url}"))),
        ("warn", line(&format!("404 for DELETE {url}"))),
    ];
    assert_eq!(told, expected.each_ref().map(|(level, text)| (*level, text.as_str())));
}

#[actix_web::test]
async fn what_is_wrong_is_told_as_twilio_does() {
    let carrier = Hostile::always(SENT);
    let rig = rig(&carrier);
    let both = [("To", "+15550100"), ("From", "+15550199")];
    for missing in [0, 1] {
        let form = [both[missing]];
        refused(&ask(&rig, ("POST", COUNT), &form).await, 400, 21604);
    }
    for wrong in ["x", "[]", "1", "{\"a\":", "null"] {
        let form = [both[0], both[1], ("Parameters", wrong)];
        refused(&ask(&rig, ("POST", COUNT), &form).await, 400, 20001);
    }
    let address = "1".repeat(150);
    let form = [("To", address.as_str()), ("From", &address)];
    assert_eq!(ask(&rig, ("POST", COUNT), &form).await.status, 201);
    let longer = format!("{address}1");
    refused(&ask(&rig, ("POST", COUNT), &[form[0], ("From", &longer)]).await, 400, 81023);
    let long = format!("{{\"a\": \"{}\"}}", "x".repeat(70_000));
    let form = [both[0], both[1], ("Parameters", long.as_str())];
    refused(&ask(&rig, ("POST", COUNT), &form).await, 413, 20413);

    let made = create(&rig, COUNT, "+15550100").await;
    let sid = made["sid"].as_str().unwrap();
    for missing in [
        "/v2/Flows/nowhere/Executions".to_owned(),
        "/v2/Flows/FW00000000000000000000000000000009/Executions".to_owned(),
        format!("/v2/Flows/ask/Executions/{sid}"),
        format!("{COUNT}/FN1"),
        format!("{COUNT}/{sid}/Steps/FT1"),
        format!("{COUNT}/{sid}/Steps/FT1/Context"),
        format!("{COUNT}/FN1/Steps"),
        format!("{COUNT}/"),
        "/v2/Flows/count".to_owned(),
        "/v2/Flows/..%2Fcount/Executions".to_owned(),
        "/v2/Flows/count%00/Executions".to_owned(),
        "/v2/Flows/%22%3E%3Cscript%3E/Executions".to_owned(),
        "/v2/Flows/count'%20OR%201=1/Executions".to_owned(),
        format!("{COUNT}/{sid}'--"),
        format!("{COUNT}/%25"),
        "/v2/Flows/%FF/Executions".to_owned(),
    ] {
        refused(&ask(&rig, ("GET", &missing), &[]).await, 404, 20404);
    }
    for (method, target) in [("PUT", COUNT), ("DELETE", COUNT)] {
        refused(&ask(&rig, (method, target), &[]).await, 405, 20004);
    }
    let by_sid = get(&rig, "/v2/Flows/FW00000000000000000000000000000001/Executions").await;
    assert_eq!(by_sid["executions"].as_array().unwrap().len(), 2);
    rig.end().await;
}
