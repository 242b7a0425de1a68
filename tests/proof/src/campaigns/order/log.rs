//! The step log, as Studio's REST tells it: each message's steps stand together, in one chain.

use std::collections::HashMap;
use std::net::SocketAddr;

use serde_json::Value;

use crate::campaign::{Findings, Violation};
use crate::carrier::rest;

/// What the flow does with a message, from and to.
const BEGINS: [(&str, &str); 3] = [("Trigger", "next"), ("next", "count"), ("count", "ask")];
const GOES_ON: [(&str, &str); 4] =
    [("ask", "which"), ("which", "next"), ("next", "count"), ("count", "ask")];

/// Compares the steps of everybody's execution with his messages; how many steps there were.
pub(super) fn check(
    admin: SocketAddr,
    worked: &HashMap<String, Vec<String>>,
    findings: &Findings,
) -> Result<usize, String> {
    let mut read = 0;
    let mut found = HashMap::new();
    for execution in all(admin, "/v2/Flows/chat/Executions?PageSize=1000", "executions")? {
        let text = |name: &str| execution[name].as_str().unwrap_or_default().to_owned();
        let (who, sid) = (text("contact_channel_address"), text("sid"));
        *found.entry(who.clone()).or_insert(0) += 1;
        let Some(words) = worked.get(&who) else { continue };
        let target = format!("/v2/Flows/chat/Executions/{sid}/Steps?PageSize=1000");
        let mut steps = all(admin, &target, "steps")?;
        steps.reverse();
        read += steps.len();
        let step = |step: &Value| {
            let text = |name: &str| step[name].as_str().unwrap_or_default().to_owned();
            (text("transitioned_from"), text("transitioned_to"))
        };
        let chain: Vec<_> = steps.iter().map(step).collect();
        let turns = words.iter().flat_map(|_| GOES_ON);
        let expected: Vec<_> = BEGINS.into_iter().chain(turns).collect();
        if !chain.iter().map(|(from, to)| (from.as_str(), to.as_str())).eq(expected.clone()) {
            findings.add(Violation {
                at: format!("the steps of {who}"),
                sent: target,
                expected: format!("{expected:?}"),
                came: format!("{chain:?}"),
            });
        }
    }
    for who in worked.keys().filter(|who| found.get(*who) != Some(&1)) {
        findings.add(Violation {
            at: format!("the executions of {who}"),
            sent: "a list of all".to_owned(),
            expected: "one".to_owned(),
            came: format!("{:?}", found.get(who)),
        });
    }
    Ok(read)
}

/// All pages of a list.
fn all(admin: SocketAddr, target: &str, list: &str) -> Result<Vec<Value>, String> {
    let mut items = Vec::new();
    let mut target = target.to_owned();
    loop {
        let page = rest(admin, &target).map_err(|error| format!("GET {target}: {error}"))?;
        let listed = page[list].as_array().ok_or_else(|| format!("GET {target}: {page}"))?;
        items.extend(listed.iter().cloned());
        let next = page["meta"]["next_page_url"].as_str();
        let Some(next) = next.and_then(|url| url.find("/v2/").map(|at| &url[at..])) else {
            return Ok(items);
        };
        target = next.to_owned();
    }
}
