//! Stage 2: the URLs that the carrier may have signed.
//!
//! The carrier signs the URL as its owner typed it, so it is never put together from parts that
//! were parsed: scheme, host, port and prefix come from the configuration (or from a trusted
//! proxy), path and query are the request target byte for byte. Nothing is decoded, encoded or
//! normalised.

use actix_web::http::header::{HOST, HeaderMap, HeaderName};

use super::VerifyError;
use crate::config::{IpRange, ServerSection};
use crate::webhook::Received;

static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");

static FORWARDED_HEADERS: [(&HeaderName, &str); 3] = [
    (&FORWARDED_PROTO, "X-Forwarded-Proto"),
    (&FORWARDED_HOST, "X-Forwarded-Host"),
    (&FORWARDED_PORT, "X-Forwarded-Port"),
];

/// Where the public URL of a request comes from.
#[derive(Debug)]
pub(crate) struct PublicUrlSource {
    public_url: Option<String>,
    /// The scheme where there is no public URL.
    scheme: &'static str,
    proxies: Vec<IpRange>,
}

/// A URL in the pieces that candidates are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignedUrl<'a> {
    /// `https`, without the colon.
    pub(crate) scheme: &'a str,
    /// `user:pass@`, or empty.
    pub(crate) userinfo: &'a str,
    /// A name, an IPv4 address, or an IPv6 address in its brackets.
    pub(crate) host: &'a str,
    /// As written, without the colon.
    pub(crate) port: Option<&'a str>,
    /// The part of the path that a proxy has taken off.
    pub(crate) prefix: &'a str,
    /// Path and query as sent.
    pub(crate) rest: &'a str,
}

/// The beginning of the URL of a request, as the client sees it.
#[derive(Clone, Debug)]
pub(crate) struct PublicBase {
    /// `http` or `https`.
    pub(crate) scheme: String,
    /// With the port, if one is written.
    pub(crate) host: String,
    /// The part of the path that a proxy has taken off, without a slash at the end.
    pub(crate) prefix: String,
    /// Whether a trusted proxy passed the request on.
    pub(crate) is_from_proxy: bool,
}

/// The pieces of one candidate, to be read one after the other.
pub(crate) type UrlPieces<'a> = [&'a str; 8];

// === impl Origin ===

impl PublicUrlSource {
    pub(crate) fn new(server: &ServerSection) -> PublicUrlSource {
        PublicUrlSource {
            public_url: server.public_url.clone(),
            scheme: if server.tls.is_some() { "https" } else { "http" },
            proxies: server.trusted_proxies.clone(),
        }
    }

    /// The URL of a request.
    pub(crate) fn url<'a>(&'a self, received: &'a Received) -> Result<SignedUrl<'a>, VerifyError> {
        // `https://host` + `.evil.example/` would be the URL of another host.
        if !received.target.starts_with('/') {
            return Err(VerifyError::Target);
        }
        let forwarded = if self.trusts(received) {
            ForwardedHeaders::read(&received.headers)?
        } else {
            ForwardedHeaders::default()
        };
        let mut url = self.base(received, forwarded.host)?;
        url.scheme = forwarded.scheme.unwrap_or(url.scheme);
        url.port = forwarded.port.or(url.port);
        url.rest = &received.target;
        Ok(url)
    }

    /// The beginning of the URL of a request.
    pub(crate) fn public_base(&self, received: &Received) -> Result<PublicBase, VerifyError> {
        let url = self.url(received)?;
        let port = url.port.map(|port| format!(":{port}")).unwrap_or_default();
        Ok(PublicBase {
            scheme: url.scheme.to_owned(),
            host: format!("{}{port}", url.host),
            prefix: url.prefix.to_owned(),
            is_from_proxy: self.trusts(received),
        })
    }

    /// The setting and the headers that the URL of a request comes from, for the log.
    pub(crate) fn source(&self, received: &Received) -> String {
        let sent: Vec<_> = FORWARDED_HEADERS
            .iter()
            .filter(|(header, _)| received.headers.contains_key(*header))
            .map(|(_, name)| *name)
            .collect();
        let base = if self.public_url.is_some() { "`server.public_url`" } else { "`Host`" };
        if sent.is_empty() {
            return base.to_owned();
        }
        let (sent, all) = (format!("`{}`", sent.join("`, `")), sent.len() == 3);
        if !self.trusts(received) {
            return format!(
                "{base}; {sent} ignored: the sender is not in `server.trusted_proxies`"
            );
        }
        if all { sent } else { format!("{sent}, {base}") }
    }

    /// The hosts that a request names in headers, whether or not they count.
    pub(crate) fn other_hosts(&self, received: &Received) -> Vec<(String, &'static str)> {
        let headers = [(&FORWARDED_HOST, "X-Forwarded-Host"), (&HOST, "Host")];
        let host = |(header, name)| {
            let value = received.header(header).and_then(HostPort::parse)?;
            let port = value.port.map(|port| format!(":{port}")).unwrap_or_default();
            Some((format!("{}{port}", value.host), name))
        };
        headers.into_iter().filter_map(host).collect()
    }

    /// Anyone can send forwarding headers; only a configured proxy is believed.
    fn trusts(&self, received: &Received) -> bool {
        received.peer.is_some_and(|peer| self.proxies.iter().any(|range| range.contains(peer)))
    }

    /// The URL without the target: the configured one, with the host that a trusted proxy gave if
    /// it gave one; else that of the `Host` header.
    fn base<'a>(
        &'a self,
        received: &'a Received,
        forwarded: Option<HostPort<'a>>,
    ) -> Result<SignedUrl<'a>, VerifyError> {
        let configured = self.public_url.as_deref().map(SignedUrl::split);
        let (url, authority) = match (configured, forwarded) {
            (Some(url), None) => return Ok(url.as_prefix()),
            (Some(url), Some(authority)) => (url.as_prefix(), authority),
            (None, Some(authority)) => (SignedUrl::from_scheme(self.scheme), authority),
            (None, None) => {
                let host = received.header(&HOST).and_then(HostPort::parse);
                (SignedUrl::from_scheme(self.scheme), host.ok_or(VerifyError::Host)?)
            }
        };
        Ok(SignedUrl { host: authority.host, port: authority.port, ..url })
    }
}

// === impl SignedUrl ===

impl<'a> SignedUrl<'a> {
    /// Takes a whole URL apart, where it has a scheme. Nothing is checked or changed.
    pub(crate) fn split(url: &'a str) -> SignedUrl<'a> {
        let (scheme, after) = url.split_once("://").unwrap_or(("", url));
        let (authority, rest) = after.split_at(after.find(['/', '?', '#']).unwrap_or(after.len()));
        let (userinfo, host) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
        // In `[::1]:8080` only the last colon begins a port, and in `[::1]` none does.
        let colon = host.rfind(':').filter(|colon| !host[*colon..].contains(']'));
        let port = colon.map(|colon| &host[colon + 1..]);
        let host = &host[..colon.unwrap_or(host.len())];
        SignedUrl { scheme, userinfo, host, port, prefix: "", rest }
    }

    /// A whole URL as the carrier sees it: without user, password and fragment.
    pub(crate) fn as_carrier(url: &'a str) -> SignedUrl<'a> {
        let url = url.split_once('#').map_or(url, |(url, _)| url);
        SignedUrl { userinfo: "", ..SignedUrl::split(url) }
    }

    /// The pieces of the URL as it was given.
    pub(crate) fn given_pieces(&self) -> UrlPieces<'a> {
        self.pieces(self.userinfo, self.port, (self.prefix, self.rest))
    }

    /// Every URL that the carrier may have signed for this one, the likeliest first: as it is, and
    /// with the port dropped, or the scheme's own port added. The carrier signs without user and
    /// password, its libraries with them.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = UrlPieces<'a>> + use<'a> {
        let url = *self;
        let default = if url.scheme.eq_ignore_ascii_case("https") { "443" } else { "80" };
        let ports = [url.port, if url.port.is_some() { None } else { Some(default) }];
        // The likeliest first: the carrier signs without user and password.
        let userinfos = [Some(""), Some(url.userinfo).filter(|text| !text.is_empty())];
        let paths = [Some((url.prefix, url.rest)), url.other_root()];
        userinfos.into_iter().flatten().flat_map(move |userinfo| {
            paths.into_iter().flatten().flat_map(move |path| {
                ports.into_iter().map(move |port| url.pieces(userinfo, port, path))
            })
        })
    }

    /// The other spelling of a URL without a path, as prefix and rest: `https://host` and
    /// `https://host/` are one request on the wire, and an owner may have typed either.
    fn other_root(&self) -> Option<(&'a str, &'a str)> {
        if !self.prefix.is_empty() {
            return None;
        }
        let (prefix, rest) = match self.rest.strip_prefix('/') {
            Some(rest) => ("", rest),
            None => ("/", self.rest),
        };
        (rest.is_empty() || rest.starts_with('?')).then_some((prefix, rest))
    }

    fn pieces(
        &self,
        userinfo: &'a str,
        port: Option<&'a str>,
        (prefix, rest): (&'a str, &'a str),
    ) -> UrlPieces<'a> {
        let colon = if port.is_some() { ":" } else { "" };
        let separator = if self.scheme.is_empty() { "" } else { "://" };
        let port = port.unwrap_or_default();
        [self.scheme, separator, userinfo, self.host, colon, port, prefix, rest]
    }

    /// A URL of which only the scheme is known.
    fn from_scheme(scheme: &'a str) -> SignedUrl<'a> {
        let (userinfo, host, prefix, rest) = ("", "", "", "");
        SignedUrl { scheme, userinfo, host, port: None, prefix, rest }
    }

    /// A configured URL as the beginning of one that ends in a request target.
    fn as_prefix(self) -> SignedUrl<'a> {
        let path = self.rest.split(['?', '#']).next().unwrap_or_default();
        SignedUrl { prefix: path.trim_end_matches('/'), rest: "", ..self }
    }
}

// === Forwarded ===

/// The URL of the request as a trusted proxy reports it.
#[derive(Debug, Default)]
struct ForwardedHeaders<'a> {
    scheme: Option<&'static str>,
    host: Option<HostPort<'a>>,
    /// The host's own port, else that of `X-Forwarded-Port`.
    port: Option<&'a str>,
}

impl<'a> ForwardedHeaders<'a> {
    /// Each header may come once, with one value. A list has no single meaning: a proxy that adds
    /// to what it got lets the other side choose the first part.
    fn read(headers: &'a HeaderMap) -> Result<ForwardedHeaders<'a>, VerifyError> {
        let scheme = parse_single(headers, &FORWARDED_PROTO, "X-Forwarded-Proto", |proto| {
            ["https", "http"].into_iter().find(|scheme| proto.eq_ignore_ascii_case(scheme))
        })?;
        let host = parse_single(headers, &FORWARDED_HOST, "X-Forwarded-Host", HostPort::parse)?;
        let port = parse_single(headers, &FORWARDED_PORT, "X-Forwarded-Port", port)?;
        Ok(ForwardedHeaders { scheme, port: host.and_then(|host| host.port).or(port), host })
    }
}

/// A header that may come once; empty is as good as missing.
fn parse_single<'a, T>(
    headers: &'a HeaderMap,
    header: &HeaderName,
    name: &'static str,
    parse: impl Fn(&'a str) -> Option<T>,
) -> Result<Option<T>, VerifyError> {
    let mut values = headers.get_all(header);
    let Some(value) = values.next() else { return Ok(None) };
    let value = value.to_str().map_err(|_| VerifyError::Forwarded(name))?.trim();
    match (values.next(), value) {
        (None, "") => Ok(None),
        (None, value) => parse(value).map(Some).ok_or(VerifyError::Forwarded(name)),
        (Some(_), _) => Err(VerifyError::Forwarded(name)),
    }
}

// === Authority ===

/// A host, and a port if one was written.
#[derive(Clone, Copy, Debug)]
struct HostPort<'a> {
    host: &'a str,
    port: Option<&'a str>,
}

impl<'a> HostPort<'a> {
    /// Only what can be a host: nothing that could move the boundary to the path, or be a user.
    fn parse(text: &'a str) -> Option<HostPort<'a>> {
        let colon = text.rfind(':').filter(|colon| !text[*colon..].contains(']'));
        let host = &text[..colon.unwrap_or(text.len())];
        let port = match colon {
            Some(colon) => Some(port(&text[colon + 1..])?),
            None => None,
        };
        let valid = match host.strip_prefix('[') {
            Some(address) => address.strip_suffix(']')?.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
                !host.is_empty() && host.bytes().all(allowed)
            }
        };
        valid.then_some(HostPort { host, port })
    }
}

/// A port number, 1 to 65535, in digits.
fn port(text: &str) -> Option<&str> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse::<u16>().ok().filter(|port| *port > 0 && digits).map(|_| text)
}
