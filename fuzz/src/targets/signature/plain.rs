//! The second implementation of the signature, from the carrier's documentation: the URL, then
//! each parameter of the form in the order of the names, its value behind it, HMAC, base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use twimlgate::webhook::FormError;

use super::super::form::{bytes, decode};
use super::Request;

/// Name of the account, name of a shared key, algorithm, secret.
pub(super) const KEYS: [(&str, Option<&str>, &str, &str); 5] = [
    ("ACa", None, "HMAC_SHA1", "token-one"),
    ("ACa", None, "HMAC_SHA1", "token-two"),
    ("ACa", Some("k1"), "HMAC_SHA256", "shared-one"),
    ("ACb", None, "HMAC_SHA1", "token-three"),
    ("ACb", Some("k2"), "HMAC_SHA1", "shared-two"),
];

/// Where the gateway is, as its owner has configured it.
pub(super) struct Site {
    /// Scheme, user, host, port, prefix; `None` where the request has to tell.
    url: Option<(&'static str, &'static str, &'static str, Option<&'static str>, &'static str)>,
    /// Whether the request comes from a trusted proxy.
    pub(super) proxied: bool,
}

pub(super) fn site(number: usize) -> Site {
    let urls = [
        Some(("https", "", "gate.example", None, "")),
        Some(("https", "", "gate.example", Some("8443"), "/hooks")),
        Some(("http", "", "gate.example", Some("80"), "")),
        Some(("https", "me:secret@", "gate.example", None, "")),
        Some(("https", "", "[2001:db8::1]", None, "/a/b")),
        Some(("https", "me:x@", "[2001:db8::1]", Some("443"), "")),
        None,
    ];
    let (url, proxied) = (urls[number % urls.len()], number / urls.len() % 2 == 1);
    Site { url, proxied }
}

impl Site {
    /// As it stands in the configuration.
    pub(super) fn configured(&self) -> Option<String> {
        let (scheme, user, host, port, prefix) = self.url?;
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!("{scheme}://{user}{host}{port}{prefix}"))
    }
}

/// Every text that the carrier may have signed for a request; an error where nothing can be.
pub(super) fn texts(site: &Site, request: &Request) -> Result<Vec<String>, &'static str> {
    let form = form(request)?;
    let mut pairs = form.unwrap_or_default();
    pairs.sort();
    pairs.dedup();
    let pairs: String = pairs.into_iter().map(|(name, value)| name + &value).collect();
    Ok(urls(site, request)?.into_iter().map(|url| url + &pairs).collect())
}

/// The base64 signature of a text with one of [`KEYS`].
pub(super) fn sign(key: usize, text: &str) -> String {
    let (_, _, algorithm, secret) = KEYS[key];
    match algorithm {
        "HMAC_SHA1" => {
            let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("any key");
            mac.update(text.as_bytes());
            STANDARD.encode(mac.finalize().into_bytes())
        }
        _ => {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key");
            mac.update(text.as_bytes());
            STANDARD.encode(mac.finalize().into_bytes())
        }
    }
}

/// The account that signed the request, or why nobody did.
pub(super) fn accepts(site: &Site, request: &Request) -> Result<&'static str, &'static str> {
    let signature = once(request, "x-twilio-signature")?.ok_or("a signature")?;
    let settings = once(request, "x-twilio-webhooks-signature-settings")?.unwrap_or_default();
    let named = |wanted: &str| {
        let parts = settings.split(',').filter_map(|part| part.split_once('='));
        let mut parts = parts.map(|(name, value)| (name.trim(), value.trim()));
        parts.find(|(name, value)| *name == wanted && !value.is_empty()).map(|(_, value)| value)
    };
    let (algorithm, key_id) = (named("algorithm"), named("key"));
    let form = form(request)?;
    let query = query(request)?;
    if form.is_none() && request.method != actix_web::http::Method::GET {
        let hash = query.iter().find(|(name, _)| name == "bodySHA256").ok_or("a body hash")?;
        let digest: String =
            Sha256::digest(&request.body).iter().map(|byte| format!("{byte:02x}")).collect();
        if hash.1 != digest {
            return Err("the body's hash");
        }
    }
    let sid = |pairs: &[(String, String)]| {
        pairs.iter().find(|(name, _)| name == "AccountSid").map(|(_, value)| value.clone())
    };
    // In a query, the carrier's parameters are behind the owner's.
    let last = || query.iter().rev().find(|(name, _)| name == "AccountSid");
    let account = form.as_deref().and_then(sid);
    let account = account.or_else(|| last().map(|(_, value)| value.clone()));
    let texts = texts(site, request)?;
    for (index, (owner, id, of, _)) in KEYS.iter().enumerate() {
        let may = match (id, algorithm) {
            // The header names an algorithm where a shared key signed, and which one.
            (None, _) => algorithm.is_none() || key_id.is_none(),
            (Some(_), None) => false,
            (Some(id), Some(_)) => key_id.is_none_or(|named| named == *id),
        };
        let may = may && algorithm.unwrap_or("HMAC_SHA1").eq_ignore_ascii_case(of);
        let may = may && account.as_ref().is_none_or(|account| account == owner);
        if may && texts.iter().any(|text| sign(index, text) == signature) {
            return Ok(owner);
        }
    }
    Err("a signature that fits")
}

/// A header that may come once.
fn once<'r>(request: &'r Request, name: &str) -> Result<Option<&'r str>, &'static str> {
    let mut values = request.headers.iter().filter(|(known, _)| known == name);
    let value = values.next().map(|(_, value)| value.as_str());
    let visible =
        |value: &str| value.bytes().all(|byte| byte == b'\t' || (b' '..0x7f).contains(&byte));
    match (value, values.next()) {
        (_, Some(_)) => Err("a header once"),
        (Some(value), None) if !visible(value) => Err("a header of ASCII"),
        (value, None) => Ok(value),
    }
}

/// The parameters of a form; `None` where the body is none.
fn form(request: &Request) -> Result<Option<Vec<(String, String)>>, &'static str> {
    let kind = once(request, "content-type")?.unwrap_or_default();
    if request.method == actix_web::http::Method::GET {
        return Ok(None);
    }
    let mut parts = kind.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    if essence != "application/x-www-form-urlencoded" {
        return Ok(None);
    }
    for part in parts {
        let Some((name, value)) = part.split_once('=') else { continue };
        if name.trim().eq_ignore_ascii_case("charset") {
            let value = value.trim().trim_matches('"').to_ascii_lowercase();
            if value != "utf-8" && value != "utf8" {
                return Err("UTF-8");
            }
            break;
        }
    }
    decode(&request.body).map(Some).map_err(|_| "a form")
}

fn query(request: &Request) -> Result<Vec<(String, String)>, &'static str> {
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    match decode(query.as_bytes()) {
        Ok(pairs) => Ok(pairs),
        Err(FormError::TooManyParameters) => Err("fewer parameters"),
        // Its owner may have typed it in another encoding.
        Err(FormError::NotUtf8) => {
            let pair = |pair: &str| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                let plain = |text: &str| String::from_utf8_lossy(&bytes(text.as_bytes())).into();
                (plain(name), plain(value))
            };
            Ok(query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect())
        }
    }
}

/// The URLs: with and without the scheme's own port, with and without a user, and with and without
/// the `/` that a bare host has on the wire.
fn urls(site: &Site, request: &Request) -> Result<Vec<String>, &'static str> {
    if !request.target.starts_with('/') {
        return Err("a path");
    }
    let forwarded = |name| match once(request, name) {
        Ok(value) if site.proxied => Ok(value.map(str::trim).filter(|value| !value.is_empty())),
        Err(_) if site.proxied => Err("a forwarded header once"),
        _ => Ok(None),
    };
    let proto = forwarded("x-forwarded-proto")?.map(str::to_ascii_lowercase);
    let host = forwarded("x-forwarded-host")?;
    let port = forwarded("x-forwarded-port")?;
    let (scheme, user, own_host, own_port, prefix) = site.url.unwrap_or(("http", "", "", None, ""));
    let scheme = match proto.as_deref() {
        None => scheme,
        Some("https") => "https",
        Some("http") => "http",
        Some(_) => return Err("a scheme"),
    };
    let port = port.map(|port| valid_port(port).ok_or("a port")).transpose()?;
    let named = match host {
        Some(host) => Some(authority(host).ok_or("a host")?),
        None => None,
    };
    let base = match (site.url, named) {
        (None, None) => {
            let host = once(request, "host").ok().flatten().ok_or("a host")?;
            Some(authority(host).ok_or("a host")?)
        }
        (_, named) => named,
    };
    let (host, base_port) = base.unwrap_or((own_host, own_port));
    let port = named.and_then(|(_, port)| port).or(port).or(base_port);
    let other = match port {
        Some(_) => String::new(),
        None => format!(":{}", if scheme == "https" { 443 } else { 80 }),
    };
    let ports = [port.map(|port| format!(":{port}")).unwrap_or_default(), other];
    let mut rests = vec![request.target.as_str()];
    if prefix.is_empty() && (request.target == "/" || request.target.starts_with("/?")) {
        rests.push(&request.target[1..]);
    }
    let mut urls = Vec::new();
    for user in ["", user] {
        for rest in &rests {
            for port in &ports {
                urls.push(format!("{scheme}://{user}{host}{port}{prefix}{rest}"));
            }
        }
    }
    Ok(urls)
}

fn authority(text: &str) -> Option<(&str, Option<&str>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let end = rest.find(']')?;
            rest[..end].parse::<std::net::Ipv6Addr>().ok()?;
            let (host, behind) = text.split_at(end + 2);
            let port = if behind.is_empty() { None } else { Some(behind.strip_prefix(':')?) };
            (host, port)
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let letter = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let named = !host.is_empty() && (host.starts_with('[') || host.chars().all(letter));
    let port = port.map(|port| valid_port(port).ok_or(())).transpose().ok()?;
    named.then_some((host, port))
}

fn valid_port(port: &str) -> Option<&str> {
    let number: u32 = port.parse().ok()?;
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    (digits && (1..65_536).contains(&number)).then_some(port)
}
