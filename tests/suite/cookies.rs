//! Cookies: from a function to the carrier and back, over real sockets.

use crate::support::hostile::{Hostile, Seen, Step, answer};
use crate::support::rig::{Reply, Rig};

const ROUTES: &str = r#"
[function.one]
url = "http://${FUNCTION}/one"

[function.two]
url = "http://${FUNCTION}/two"

[route."/one"]
channel = "voice"
function = "one"

[route."/one/again"]
channel = "voice"
function = "one"

[route."/two"]
channel = "voice"
function = "two"

[route."/silent"]
channel = "voice"
function = "one"
cookies = false
"#;

const FLOW: &str = r#"
[function.lookup]
url = "http://${FUNCTION}/lookup"

[route."/flow"]
channel = "voice"
flow = "tests/flows/limits/own-twiml.toml"
"#;

/// A function that counts the visits in a cookie, as an Express application with a session does.
fn counting() -> Hostile {
    let count = |seen: &Seen| {
        let cookie = seen.header("cookie").unwrap_or_default().to_owned();
        let visits = cookie.split("; ").find_map(|it| it.strip_prefix("visits=")?.parse().ok());
        let visits = visits.unwrap_or(0) + 1;
        let headers = format!(
            "Content-Type: text/xml\r\nSet-Cookie: visits={visits}; Path=/; HttpOnly\r\n\
             Set-Cookie: seen=yes; Domain=app.internal\r\n"
        );
        answer("200 OK", &headers, format!("<Response><Say>{visits}</Say></Response>"))
    };
    Hostile::new(vec![[Step::Read, Step::Reply(count)].iter().cloned().cycle().take(40).collect()])
}

/// A turn of a call, with cookies.
async fn call(rig: &Rig, target: &str, sid: &str, cookies: &[String]) -> Reply {
    let params = [("CallSid", sid), ("CallStatus", "ringing"), ("From", "+1"), ("To", "+2")];
    let request = String::from_utf8(rig.signed(target, &params)).unwrap();
    let cookies = match cookies.join("; ") {
        none if none.is_empty() => none,
        some => format!("Cookie: {some}\r\n"),
    };
    let request = request.replace("Connection: close", &format!("{cookies}Connection: close"));
    rig.send(request.into_bytes()).await
}

/// The cookies that a reply sets.
fn set(reply: &Reply) -> Vec<&str> {
    reply.head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")).collect()
}

/// The names and values of these cookies, as a client sends them.
fn pairs(reply: &Reply) -> Vec<String> {
    let pair = |cookie: &&str| cookie.split(';').next().unwrap_or_default().to_owned();
    set(reply).iter().map(pair).collect()
}

fn says(reply: &Reply, visits: u32) -> bool {
    reply.body == format!("<Response><Say>{visits}</Say></Response>")
}

#[actix_web::test]
async fn a_cookie_comes_back_on_its_route_alone() {
    let function = counting();
    let rig = Rig::start(function.address, ROUTES);
    let first = call(&rig, "/one", "CA1", &[]).await;
    assert!(says(&first, 1), "{}", first.body);
    let [visits, seen] = set(&first).try_into().unwrap();
    assert!(visits.ends_with("-visits=1; httponly"), "{visits}");
    assert!(seen.ends_with("-seen=yes"), "{seen}");
    // What another server of the same host has set is passed on as it is.
    let mut jar = pairs(&first);
    jar.push("lb=a".to_owned());
    let second = call(&rig, "/one", "CA2", &jar).await;
    assert!(says(&second, 2), "{}", second.body);
    for (target, sid) in [("/one/again", "CA3"), ("/two", "CA4")] {
        let other = call(&rig, target, sid, &jar).await;
        assert!(says(&other, 1), "{target}: {}", other.body);
        assert_ne!(pairs(&other)[0].split('=').next(), visits.split('=').next(), "{target}");
    }
    let cookies: Vec<Option<String>> = function
        .requests()
        .iter()
        .map(|request| request.header("cookie").map(str::to_owned))
        .collect();
    let expected = [None, Some("visits=1; seen=yes; lb=a"), Some("lb=a"), Some("lb=a")];
    assert_eq!(cookies, expected.map(|it| it.map(str::to_owned)));
    rig.end().await;
}

#[actix_web::test]
async fn a_repeat_gets_the_same_cookies() {
    let function = counting();
    let rig = Rig::start(function.address, ROUTES);
    let (one, two) = tokio::join!(call(&rig, "/one", "CA1", &[]), call(&rig, "/one", "CA1", &[]));
    let three = call(&rig, "/one", "CA1", &pairs(&one)).await;
    assert_eq!(set(&one).len(), 2);
    for repeat in [&two, &three] {
        assert_eq!((set(repeat), &repeat.body), (set(&one), &one.body));
    }
    assert_eq!(function.requests().len(), 1);
    rig.end().await;
}

#[actix_web::test]
async fn a_call_that_polls_while_it_rings_has_its_cookies() {
    let polls = |seen: &Seen| {
        let visits = if seen.header("cookie") == Some("visits=1") { 2 } else { 1 };
        let headers = format!("Content-Type: text/xml\r\nSet-Cookie: visits={visits}\r\n");
        let again = "<Response><Pause/><Redirect>/one</Redirect></Response>";
        let done = "<Response><Say>2</Say></Response>";
        answer("200 OK", &headers, if visits == 1 { again } else { done })
    };
    let script = [Step::Read, Step::Reply(polls), Step::Read, Step::Reply(polls)];
    let function = Hostile::new(vec![script.to_vec()]);
    let rig = Rig::start(function.address, ROUTES);
    // Equal requests but for the token: the stored reply, with its cookies, asks for the second.
    let ask = async |token: &str, cookies: &[String]| {
        let cookie = format!("{}\r\nI-Twilio-Idempotency-Token: {token}", cookies.join("; "));
        call(&rig, "/one", "CA1", &[cookie]).await
    };
    let first = ask("t1", &["lb=a".to_owned()]).await;
    assert!(first.body.contains("<Redirect>"), "{}", first.body);
    let second = ask("t2", &pairs(&first)).await;
    assert!(says(&second, 2), "{}", second.body);
    assert_eq!(ask("t1", &[]).await.body, first.body);
    rig.end().await;
}

#[actix_web::test]
async fn a_route_without_cookies_passes_none() {
    let function = counting();
    let rig = Rig::start(function.address, ROUTES);
    let reply = call(&rig, "/silent", "CA1", &["lb=a".to_owned()]).await;
    assert!(says(&reply, 1) && set(&reply).is_empty(), "{}", reply.head);
    assert_eq!(function.requests()[0].header("cookie"), None);
    rig.end().await;
}

#[actix_web::test]
async fn a_flow_passes_cookies_if_its_route_says_so() {
    for asks in [false, true] {
        let function = counting();
        let sections = if asks { format!("{FLOW}cookies = true\n") } else { FLOW.to_owned() };
        let rig = Rig::start(function.address, &sections);
        let reply = call(&rig, "/flow", "CA1", &["lb=a".to_owned()]).await;
        assert!(says(&reply, 1), "{}", reply.body);
        assert_eq!(set(&reply).len(), if asks { 2 } else { 0 });
        assert_eq!(function.requests()[0].header("cookie"), asks.then_some("lb=a"));
        rig.end().await;
    }
}

#[actix_web::test]
async fn cookies_that_cannot_be_passed_on_are_a_finding() {
    let headers = "Content-Type: text/xml\r\nSet-Cookie: a=1\r\nSet-Cookie: none\r\n";
    let function = Hostile::always(answer("500 Oops", headers, "<Response/>"));
    let rig = Rig::start(function.address, ROUTES);
    let reply = call(&rig, "/one", "CA1", &[]).await;
    // The fallback has the cookies of the function, too.
    assert!(set(&reply)[0].ends_with("-a=1"), "{}", reply.head);
    let record = rig.end().await.remove(0).to_string();
    assert!(record.contains("1 cookies of a function are not passed on"), "{record}");
}
