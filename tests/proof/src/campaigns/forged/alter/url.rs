//! Alterations of where a webhook goes, and of where it is said to have gone.

use super::super::request::Request;
use super::{Alteration, refused};
use crate::carrier::{PUBLIC_URL, TOKEN};

const EVIL: &str = "https://evil.example.com";

/// Signs over another origin, and adds the lines of a header that tells of it.
fn told(request: &mut Request, lines: &[&str]) -> Option<()> {
    request.lines.extend(lines.iter().map(|line| (*line).to_owned()));
    over(request, EVIL)
}

fn over(request: &mut Request, origin: &str) -> Option<()> {
    request.sign(TOKEN, origin);
    Some(())
}

/// Puts another path before the query.
fn path(request: &mut Request, change: impl FnOnce(&str) -> String) -> Option<()> {
    let changed = change(request.path());
    request.target.replace_range(..request.path().len(), &changed);
    Some(())
}

/// All of them. A signature that the key of the account made over another URL is one that somebody
/// has seen elsewhere.
pub(super) const ALL: [Alteration; 35] = [
    refused("to another route", |request, _, _| {
        path(request, |path| if path == "/call" { "/chat" } else { "/call" }.to_owned())
    }),
    refused("a slash behind the path", |request, _, _| path(request, |path| format!("{path}/"))),
    refused("two slashes before the path", |request, _, _| {
        path(request, |path| format!("/{path}"))
    }),
    refused("a dot in the path", |request, _, _| path(request, |path| format!("/.{path}"))),
    refused("two dots in the path", |request, _, _| path(request, |path| format!("/x/..{path}"))),
    refused("a path that is escaped", |request, _, _| {
        path(request, |path| path.replacen("/c", "/%63", 1).replacen("/e", "/%65", 1))
    }),
    refused("a path in capitals", |request, _, _| path(request, str::to_uppercase)),
    refused("an empty query", |request, _, _| {
        (!request.target.contains('?')).then(|| request.target.push('?'))
    }),
    refused("a query is added", |request, _, _| {
        (!request.target.contains('?')).then(|| request.target.push_str("?From=%2B15550666"))
    }),
    refused("a query is prolonged", |request, _, _| {
        request.target.contains('?').then(|| request.target.push_str("&Body=forged"))
    }),
    refused("a query is prolonged by nothing", |request, _, _| {
        request.target.contains('?').then(|| request.target.push('&'))
    }),
    refused("a query is cut", |request, _, _| {
        request.target.contains('?').then(|| request.target.pop()).map(drop)
    }),
    refused("a query is gone", |request, _, _| {
        request.target.contains('?').then_some(())?;
        request.target = request.path().to_owned();
        Some(())
    }),
    refused("a step is another", |request, _, rng| {
        request.target.contains("?step=").then_some(())?;
        request.target = format!("{}?step={}", request.path(), rng.sid(""));
        Some(())
    }),
    refused("a step is named twice", |request, _, rng| {
        request.target.contains("?step=").then_some(())?;
        request.target += &format!("&step={}", rng.sid(""));
        Some(())
    }),
    refused("the step of another request", |request, seen, _| {
        let (_, step) = seen.target.split_once("?step=")?;
        request.target = format!("{}?step={step}", request.path());
        Some(())
    }),
    refused("the form in the URL", |request, _, _| {
        request.is_form().then_some(())?;
        let form = String::from_utf8(std::mem::take(&mut request.body)).ok()?;
        request.target = format!("{}?{form}", request.path());
        Some(())
    }),
    refused("signed for http", |request, _, _| over(request, "http://phone.example.com")),
    refused("signed for no scheme", |request, _, _| over(request, "phone.example.com")),
    refused("signed for another host", |request, _, _| over(request, EVIL)),
    refused("signed for a host in capitals", |request, _, _| {
        over(request, "https://PHONE.example.com")
    }),
    refused("signed for a host below", |request, _, _| {
        over(request, &format!("{PUBLIC_URL}.evil"))
    }),
    refused("signed for another port", |request, _, _| {
        over(request, &format!("{PUBLIC_URL}:8443"))
    }),
    refused("signed for http's port", |request, _, _| over(request, &format!("{PUBLIC_URL}:80"))),
    refused("signed for a prefix", |request, _, _| over(request, &format!("{PUBLIC_URL}/v1"))),
    refused("signed for another path", |request, _, _| {
        request.sign_over(TOKEN, &format!("{PUBLIC_URL}/other"));
        Some(())
    }),
    refused("signed for no path", |request, _, _| {
        request.sign_over(TOKEN, PUBLIC_URL);
        Some(())
    }),
    refused("signed without the query", |request, _, _| {
        request.target.contains('?').then_some(())?;
        let url = format!("{PUBLIC_URL}{}", request.path());
        request.sign_over(TOKEN, &url);
        Some(())
    }),
    refused("another Host, and signed for it", |request, _, _| {
        "evil.example.com".clone_into(&mut request.host);
        over(request, EVIL)
    }),
    refused("X-Forwarded-Host, and signed for it", |request, _, _| {
        told(request, &["X-Forwarded-Host: evil.example.com"])
    }),
    refused("X-Forwarded-Proto, and signed for it", |request, _, _| {
        request.lines.push("X-Forwarded-Proto: http".to_owned());
        over(request, "http://phone.example.com")
    }),
    refused("X-Forwarded-Port, and signed for it", |request, _, _| {
        request.lines.push("X-Forwarded-Port: 8443".to_owned());
        over(request, &format!("{PUBLIC_URL}:8443"))
    }),
    refused("Forwarded, and signed for it", |request, _, _| {
        told(request, &["Forwarded: host=evil.example.com;proto=https"])
    }),
    refused("a trusted proxy's lines, and signed for them", |request, _, _| {
        told(request, &["X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1", FORWARDED])
    }),
    refused("X-Original-URL, and signed for it", |request, _, _| {
        let lines = ["X-Original-URL: /other", "X-Rewrite-URL: /other"];
        request.lines.extend(lines.map(str::to_owned));
        request.sign_over(TOKEN, &format!("{PUBLIC_URL}/other"));
        Some(())
    }),
];

const FORWARDED: &str = "X-Forwarded-Host: evil.example.com";
