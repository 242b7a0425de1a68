//! The `[[rewrite]]` rules that a person would write for a flow: one for each host and placeholder
//! that it calls, all of them to the servers of the walk.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use regex::Regex;
use serde_json::Value;

use super::folder::File;
use super::network::Network;

/// The rules of a walk, and the widgets that no rule can help.
pub(crate) struct Rewrites {
    /// `from`, and the place of the rule in the paths of its `to`. The longest are first.
    rules: Vec<Rewrite>,
    /// The widgets without a URL: for them there are functions.
    pub(crate) without_url: Vec<String>,
}

struct Rewrite {
    from: String,
    to: String,
    of_carrier: bool,
}

/// The types of widgets that call a URL.
pub(crate) const CALLERS: [&str; 2] = ["run-function", "make-http-request"];

/// What a variable with a URL has, where nothing of the flow says another one.
pub(crate) const URL_VALUE: &str = "https://variable.example/path";

const ROOTS: [&str; 4] = ["trigger", "contact", "flow", "widgets"];

impl Rewrites {
    pub(crate) fn of(files: &[&File], network: &Network) -> Rewrites {
        // From the beginning of a URL, to whether it is the carrier's and its credentials.
        let mut found: BTreeMap<String, (bool, String)> = BTreeMap::new();
        let mut without_url = Vec::new();
        let whole = Regex::new(r#"https?://[^\s/?#"'<>\\{}$|,]+"#).unwrap();
        let mut add = |from: &str| {
            let (userinfo, host) = split_userinfo(from);
            found.insert(from.to_owned(), (is_carrier(host), userinfo.to_owned()));
        };
        add(&URL_VALUE[..URL_VALUE.len() - "/path".len()]);
        for file in files {
            let text = file.value.to_string();
            whole.find_iter(&text).for_each(|url| add(url.as_str()));
            for state in file.callers() {
                let url = state["properties"]["url"].as_str().unwrap_or_default().trim();
                match beginning(url) {
                    "" => without_url.push(state["name"].as_str().unwrap_or_default().to_owned()),
                    from if !starts_with_variable(from) => add(from),
                    _ => {}
                }
            }
        }
        let rule = |(index, (from, (of_carrier, userinfo))): (usize, (String, (bool, String)))| {
            let to = format!("{}/{index}", network.origin(of_carrier, &userinfo));
            Rewrite { from, to, of_carrier }
        };
        let mut rules: Vec<Rewrite> = found.into_iter().enumerate().map(rule).collect();
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.from.len()));
        without_url.sort();
        without_url.dedup();
        Rewrites { rules, without_url }
    }

    /// The rules in the configuration.
    pub(crate) fn to_toml(&self, network: &Network) -> String {
        let mut text = String::new();
        for Rewrite { from, to, .. } in &self.rules {
            // A `${` of the configuration names a variable of the environment.
            let from = Value::from(from.replace("${", "$${")).to_string();
            let _ = writeln!(text, "[[rewrite]]\nfrom = {from}\nto = {to:?}");
        }
        for name in &self.without_url {
            let url = format!("{}/function", network.origin(false, ""));
            let _ = writeln!(text, "[function.{name:?}]\nurl = {url:?}\nforward_webhook = false");
        }
        text
    }

    /// The URL that one becomes by the rules; whether it is the carrier's.
    pub(crate) fn apply(&self, url: &str) -> Option<(String, bool)> {
        self.rules.iter().find_map(|rule| {
            let rest = url.strip_prefix(&rule.from)?;
            let whole = rest.is_empty() || rest.starts_with(['/', '?', '#']);
            whole.then(|| (format!("{}{rest}", rule.to), rule.of_carrier))
        })
    }

    /// The same for a rule whose `from` has Liquid, before Liquid is rendered.
    pub(crate) fn apply_to_source(&self, url: &str) -> Option<(String, bool)> {
        let rule = self.rules.iter().find(|rule| {
            let rest = url.strip_prefix(&rule.from);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
        })?;
        rule.from.contains("{{").then(|| self.apply(url)).flatten()
    }
}

/// The beginning of a URL as `check` names it in its advice: with the host, or with what stands in
/// the host's place.
pub(crate) fn beginning(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let mut braces = 0usize;
    let end = url[host..].char_indices().find(|(_, letter)| {
        match letter {
            '{' => braces += 1,
            '}' => braces = braces.saturating_sub(1),
            // A filter of Liquid may have any of these.
            '/' | '?' | '#' if braces == 0 => return true,
            _ => {}
        }
        false
    });
    &url[..end.map_or(url.len(), |(at, _)| host + at)]
}

/// Whether a URL is the value of a variable: then its host is that of the value.
fn starts_with_variable(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("{{") else { return false };
    let end = |letter: char| !letter.is_ascii_alphanumeric() && letter != '_';
    let root = rest.trim_start().trim_start_matches('-').trim_start();
    ROOTS.contains(&root.split(end).next().unwrap_or_default())
}

/// `user:password@` of a URL, and its host.
fn split_userinfo(url: &str) -> (&str, &str) {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest);
    match authority.rfind('@') {
        Some(at) => authority.split_at(at + 1),
        None => ("", authority),
    }
}

fn is_carrier(host: &str) -> bool {
    host == "twilio.com" || host.ends_with(".twilio.com")
}
