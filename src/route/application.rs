//! An application behind a prefix: which paths are its own, and what they are on its side.
//!
//! The prefix of the route is replaced by the path of the application's URL, and what follows it
//! is passed on byte for byte. No path may lead out of the prefix again: one with a `..` in any
//! spelling is none of the application's.

use std::time::Duration;

use actix_web::http::Method;

use crate::function::ApplicationServer;
use crate::percent::percent_decode;
use crate::webhook::Params;

/// An application behind a prefix.
#[derive(Debug)]
pub struct Application {
    /// The beginning of its paths at the gateway: `/app/`.
    pub prefix: String,
    /// What stands in its place on the side of the application: `/`.
    pub base: String,
    /// The server, for webhooks.
    pub webhooks: ApplicationServer,
    /// The same server for open paths, whose responses may be larger.
    pub open_server: ApplicationServer,
    /// The time for a response.
    pub timeout: Duration,
    /// The paths, on the side of the application, that need no signature: `/token`, `/static/*`
    /// and, by GET and HEAD, `*.mp3`.
    pub open: Vec<String>,
}

/// Whether an entry of `open` means a path: `/token` is one, and `/api/*` are all below `/api/`.
pub(crate) fn covers_path(open: &str, path: &str) -> bool {
    match open.strip_suffix('*') {
        Some(beginning) => path.starts_with(beginning),
        None => path == open,
    }
}

impl Application {
    /// Whether a path of the gateway is one of the application.
    pub(crate) fn has_path(&self, path: &str) -> bool {
        path.starts_with(&self.prefix) && !has_dot_segment(path)
    }

    /// Path and query on the side of the application. `None` if they are not the application's.
    pub(crate) fn target(&self, target: &str) -> Option<String> {
        Some(format!("{}{}", self.base, target.strip_prefix(&self.prefix)?))
    }

    /// Whether a request needs no signature.
    pub(crate) fn is_open(&self, method: &Method, path: &str, query: &str) -> bool {
        let Some(path) = self.target(path) else { return false };
        if !is_plain(&path) {
            return false;
        }
        // A carrier fetches media without parameters. A request that names an account is a webhook.
        let is_fetch = matches!(*method, Method::GET | Method::HEAD)
            && Params::decode_query(query).is_ok_and(|query| query.get("AccountSid").is_none());
        self.open.iter().any(|open| match open.strip_prefix('*') {
            Some(ending) => is_fetch && path.ends_with(ending),
            None => covers_path(open, &path),
        })
    }
}

/// Whether a server could read a segment of the path as `.` or `..`. Some take `\` and `%2f` for a
/// slash, and cut a segment at `;`.
fn has_dot_segment(path: &str) -> bool {
    let decoded = percent_decode(path);
    decoded.split(|byte| matches!(byte, b'/' | b'\\')).any(|segment| {
        let end = segment.iter().position(|byte| *byte == b';').unwrap_or(segment.len());
        matches!(&segment[..end], b"." | b"..")
    })
}

/// Whether every server reads the path alike: it has no parameters, and no escape of a character
/// that delimits. Otherwise `/voice;.mp3` could be the path of a webhook.
fn is_plain(path: &str) -> bool {
    let decoded = percent_decode(path);
    let is_special = |byte: &u8| byte.is_ascii_control() || b";?#\\%".contains(byte);
    let slashes = |text: &[u8]| text.iter().filter(|byte| **byte == b'/').count();
    !decoded.iter().any(is_special) && slashes(&decoded) == slashes(path.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(base: &str, open: &[&str]) -> Application {
        let server = ApplicationServer {
            name: "/app/*".to_owned(),
            url: "http://127.0.0.1:3000".parse().unwrap(),
            max_body_bytes: 1,
        };
        Application {
            prefix: "/app/".to_owned(),
            base: base.to_owned(),
            webhooks: server.clone(),
            open_server: server,
            timeout: Duration::from_secs(1),
            open: open.iter().map(|open| (*open).to_owned()).collect(),
        }
    }

    #[test]
    fn what_follows_the_prefix_is_passed_on_as_it_is() {
        for (base, target, expected) in [
            ("/", "/app/", "/"),
            ("/", "/app/menu?a=b%20c&d", "/menu?a=b%20c&d"),
            ("/", "/app//menu", "//menu"),
            ("/app/", "/app/menu", "/app/menu"),
            ("/x/y/", "/app/%e9/é?", "/x/y/%e9/é?"),
        ] {
            let found = application(base, &[]).target(target);
            assert_eq!(found.as_deref(), Some(expected), "{target}");
        }
        assert_eq!(application("/", &[]).target("/app"), None);
    }

    #[test]
    fn no_path_leads_out_of_the_prefix() {
        let application = application("/x/", &[]);
        for path in ["/app/", "/app//", "/app/..a", "/app/a..", "/app/.well-known/x", "/app/%252e"]
        {
            assert!(application.has_path(path), "{path}");
        }
        for path in [
            "/app",
            "/apple/",
            "/app/..",
            "/app/../",
            "/app/a/../../b",
            "/app/./a",
            "/app/%2e%2E/a",
            "/app/.%2e",
            "/app/a%2f..%2fb",
            "/app/..%5cb",
            "/app/..\\b",
            "/app/..;x/b",
            "/app/%2e%2e%3Bx/b",
        ] {
            assert!(!application.has_path(path), "{path}");
        }
    }

    #[test]
    fn open_paths() {
        let application = application("/", &["*.mp3", "/token", "/static/*"]);
        let is_open = |method, target: &str| {
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            application.is_open(&method, path, query)
        };
        for target in ["/app/hello.mp3", "/app/a/b%20c.mp3?v=2", "/app/token", "/app/static/a?b"] {
            assert!(is_open(Method::GET, target) && is_open(Method::HEAD, target), "{target}");
        }
        assert!(is_open(Method::POST, "/app/token") && is_open(Method::OPTIONS, "/app/static/x"));
        assert!(!is_open(Method::POST, "/app/hello.mp3"));
        for target in [
            "/app/voice",
            "/app/hello.mp3/voice",
            "/app/hello.MP3x",
            "/app/hello.mp3?AccountSid=AC1",
            "/app/voice;.mp3",
            "/app/voice%3b.mp3",
            "/app/voice%3f.mp3",
            "/app/voice%00.mp3",
            "/app/voice%2f.mp3",
            "/app/voice%252f.mp3",
            "/app/Token",
            "/app/token/",
            "/app/static",
            "/app/static/..%2fvoice",
        ] {
            assert!(!is_open(Method::GET, target), "{target}");
        }
    }
}
