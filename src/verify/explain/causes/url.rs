//! Causes in the URL: another one was signed than is checked.

use super::{CauseKind, without_names};
use crate::percent::{percent_decode, push_escaped};
use crate::verify::url::SignedUrl;

/// Ports that development servers and proxies listen on.
const PORTS: [&str; 12] =
    ["80", "443", "8080", "8443", "3000", "4000", "5000", "5001", "8000", "8081", "8888", "9000"];

/// Parameters of a query whose orders are tried: 120 of them.
const ORDERED_PARAMETERS_MAX: usize = 5;

const PUBLIC_URL: &str = "set `[server] public_url` to the URL as typed into the carrier's \
                          console, scheme, host, port and path prefix";
const RAW_TARGET: &str = "check the request target as it was sent, byte for byte: something on the \
                          way (a proxy, a framework) decoded or normalised it";

/// Likeliest first.
pub(super) const CAUSES: &[CauseKind] = &[
    CauseKind {
        what: "the carrier signed `{url}`: another scheme",
        advice: "TLS ends at a proxy or was added by one: set `[server] public_url` to the URL as \
                 typed into the carrier's console, or list the proxy in `trusted_proxies` so that \
                 its `X-Forwarded-Proto` counts",
        guesses: |guess| {
            let schemes = ["https", "http", "wss", "ws"];
            without_names(
                schemes
                    .map(|scheme| guess.with_url(rebuild(&guess.url, |url| url.scheme = scheme))),
            )
        },
    },
    CauseKind {
        what: "the carrier signed `{url}`: the host of the request's `{name}`",
        advice: "set `[server] public_url` to the URL as typed into the carrier's console, or list \
                 the proxy in `trusted_proxies` so that its `X-Forwarded-*` count",
        guesses: |guess| {
            let with_host = |(host, header): &(String, &'static str)| {
                ["https", "http"].map(|scheme| {
                    let parts = SignedUrl::split(&guess.url);
                    let SignedUrl { host, port, .. } = SignedUrl::split(host);
                    let url = SignedUrl { scheme, host, port, ..parts };
                    (guess.with_url(url.given_pieces().concat()), (*header).to_owned())
                })
            };
            guess.other_hosts.iter().flat_map(with_host).collect()
        },
    },
    CauseKind {
        what: "the carrier signed `{url}`: without the fragment",
        advice: "leave out what follows `#`: it is for the carrier itself, which neither sends nor \
                 signs it",
        guesses: |guess| {
            without_names(guess.url.split_once('#').map(|(url, _)| guess.with_url(url)))
        },
    },
    CauseKind {
        what: "the carrier signed `{url}`: a slash at the end of the path differs",
        advice: "configure the same URL at the carrier as here, and let no proxy add or strip the \
                 slash",
        guesses: |guess| without_names([guess.with_url(other_slash(&guess.url))]),
    },
    CauseKind {
        what: "the carrier signed `{url}`: another port",
        advice: "the port of the public URL is lost on the way: set `[server] public_url` with it",
        guesses: |guess| {
            without_names(
                PORTS.map(|port| guess.with_url(rebuild(&guess.url, |url| url.port = Some(port)))),
            )
        },
    },
    CauseKind {
        what: "the carrier signed `{url}`: the query in another order",
        advice: "Twilio signs a URL as it was typed, and may request it with the names of its \
                 query sorted: write the names in alphabetical order, in the carrier's console, in \
                 TwiML and in requests to its API; or let nothing on the way sort them",
        guesses: |guess| {
            without_names(other_orders(&guess.url).into_iter().map(|url| guess.with_url(url)))
        },
    },
    CauseKind {
        what: "the carrier signed `{url}`: without the query",
        advice: "the query was added after the carrier sent the request, or belongs into the URL \
                 configured there",
        guesses: |guess| {
            without_names(guess.url.split_once('?').map(|(url, _)| guess.with_url(url)))
        },
    },
    CauseKind {
        what: "the carrier signed `{url}`: one parameter of the query less",
        advice: "find out what adds to the query on the way",
        guesses: |guess| {
            without_names(queries_with_one_less(&guess.url).map(|url| guess.with_url(url)))
        },
    },
    CauseKind {
        what: "the carrier signed `{url}`: escaped in another way",
        advice: RAW_TARGET,
        guesses: |guess| {
            without_names(escapes(&guess.url).into_iter().map(|url| guess.with_url(url)))
        },
    },
    CauseKind {
        what: "the carrier signed `{url}`: another spelling of the host",
        advice: PUBLIC_URL,
        guesses: |guess| {
            let host = SignedUrl::split(&guess.url).host;
            let lower = host.to_ascii_lowercase();
            let www = match host.strip_prefix("www.") {
                Some(bare) => bare.to_owned(),
                None => format!("www.{host}"),
            };
            let other = |host: &str| guess.with_url(rebuild(&guess.url, |url| url.host = host));
            without_names([other(&lower), other(&www)])
        },
    },
    CauseKind {
        what: "the carrier signed `{url}`: another path",
        advice: PUBLIC_URL,
        guesses: |guess| {
            let url = SignedUrl::split(&guess.url);
            let shorter = url.rest.strip_prefix('/').and_then(|rest| rest.find('/'));
            let shorter = shorter.map(|slash| url.rest[slash + 1..].to_owned());
            let (path, query) = path_and_query(url.rest);
            let single = format!("{}{query}", collapse_slashes(path));
            let paths = shorter.into_iter().chain([single]);
            without_names(
                paths.map(|path| guess.with_url(rebuild(&guess.url, |url| url.rest = &path))),
            )
        },
    },
];

/// The URL with some of its parts exchanged.
fn rebuild<'a>(url: &'a str, change: impl FnOnce(&mut SignedUrl<'a>)) -> String {
    let mut parts = SignedUrl::split(url);
    change(&mut parts);
    parts.given_pieces().concat()
}

/// The path, and the query with its question mark.
fn path_and_query(rest: &str) -> (&str, &str) {
    rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()))
}

/// The URL with a slash behind its path where there was none, and the other way round.
fn other_slash(url: &str) -> String {
    let (path, query) = path_and_query(SignedUrl::split(url).rest);
    let path = match path.strip_suffix('/') {
        Some(shorter) => shorter.to_owned(),
        None => format!("{path}/"),
    };
    let rest = format!("{path}{query}");
    rebuild(url, |url| url.rest = &rest)
}

/// The URL without one of its query's parameters, for each of them.
fn queries_with_one_less(url: &str) -> impl Iterator<Item = String> {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let parameters: Vec<&str> = query.split('&').take(64).collect();
    (0..parameters.len()).map(move |left_out| {
        let mut remaining = parameters.clone();
        remaining.remove(left_out);
        let separator = if remaining.is_empty() { "" } else { "?" };
        format!("{path}{separator}{}", remaining.join("&"))
    })
}

/// The URL with the parameters of its query in every other order. Empty for a longer query: six
/// parameters have 720 orders.
fn other_orders(url: &str) -> Vec<String> {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let parameters: Vec<&str> = query.split('&').collect();
    if parameters.len() > ORDERED_PARAMETERS_MAX {
        return Vec::new();
    }
    let mut orders: Vec<Vec<&str>> = vec![Vec::new()];
    for parameter in parameters {
        orders = orders.iter().flat_map(|order| insert_everywhere(order, parameter)).collect();
    }
    orders.into_iter().map(|order| format!("{path}?{}", order.join("&"))).collect()
}

/// A list with one more item, for each place that the item can have.
fn insert_everywhere<'a>(list: &[&'a str], item: &'a str) -> Vec<Vec<&'a str>> {
    let insert = |at: usize| {
        let mut longer = list.to_vec();
        longer.insert(at, item);
        longer
    };
    (0..=list.len()).map(insert).collect()
}

/// The URL's path and query in the escapings that libraries and proxies turn them into.
fn escapes(url: &str) -> Vec<String> {
    let rest = SignedUrl::split(url).rest;
    let (path, query) = path_and_query(rest);
    let rests = [
        format!("{path}{}", query.replace('+', "%20")),
        format!("{path}{}", query.replace("%20", "+")),
        rest.replace('\'', "%27"),
        rest.replace("%27", "'"),
        escapes_in_case(rest, u8::to_ascii_uppercase),
        escapes_in_case(rest, u8::to_ascii_lowercase),
        decode(rest),
        format!("{}{query}", decode(path)),
        format!("{path}{}", decode(query)),
        percent_encode(rest),
        rest.trim_end_matches('?').to_owned(),
        format!("{rest}?"),
    ];
    rests.iter().map(|rest| rebuild(url, |url| url.rest = rest)).collect()
}

/// The digits of `%c3` in one case.
fn escapes_in_case(text: &str, case: fn(&u8) -> u8) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let percents: Vec<_> =
        (0..bytes.len().saturating_sub(2)).filter(|at| bytes[*at] == b'%').collect();
    for at in percents {
        if bytes[at + 1].is_ascii_hexdigit() && bytes[at + 2].is_ascii_hexdigit() {
            bytes[at + 1] = case(&bytes[at + 1]);
            bytes[at + 2] = case(&bytes[at + 2]);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn decode(text: &str) -> String {
    String::from_utf8_lossy(&percent_decode(text)).into_owned()
}

/// What is not ASCII percent-encoded.
fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            push_escaped(&mut out, character);
        }
    }
    out
}

/// A path in which several slashes are one.
fn collapse_slashes(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for character in path.chars() {
        if character != '/' || !out.ends_with('/') {
            out.push(character);
        }
    }
    out
}
