//! The servers that get requests from a phone in the terminal: trying a flow must have no effect
//! elsewhere, such as a transcription or a status in somebody's database.

use super::super::alert::CarrierAlert;
use crate::uri::{host, http_url};

/// What may be requested of other servers than the gateway in this process.
#[derive(Clone, Debug, Default)]
pub(crate) struct OutsideRequests {
    /// URLs that the person has given: always.
    pub(crate) named: Vec<String>,
    /// The host that gets callbacks; that of the application.
    pub(crate) callback_host: Option<String>,
    /// The URLs whose servers give documents; `None` for any server.
    pub(crate) document_servers: Option<Vec<String>>,
}

impl OutsideRequests {
    /// Whether a request may be sent. `is_callback`: its response is ignored.
    pub(super) fn allows(&self, url: &str, is_callback: bool) -> bool {
        let url = without_fragment(url);
        if self.named.iter().any(|named| without_fragment(named) == url) {
            return true;
        }
        if is_callback {
            return self.callback_host.is_some() && self.callback_host == host(url);
        }
        let origin = |url: &str| http_url(url).map(|url| url.origin());
        let is_server = |server: &String| origin(server) == origin(url);
        self.document_servers.as_ref().is_none_or(|servers| servers.iter().any(is_server))
    }

    /// The alert for a document that is not requested.
    pub(crate) fn alert(purpose: &str, url: &str) -> CarrierAlert {
        CarrierAlert::without_code(format!("not sent: {}", OutsideRequests::note(purpose, url)))
    }

    /// What is not sent, and the option that sends it.
    pub(crate) fn note(purpose: &str, url: &str) -> String {
        let url = without_fragment(url);
        format!("{purpose} to {url}; --allow-callbacks sends it")
    }
}

fn without_fragment(url: &str) -> &str {
    url.split_once('#').map_or(url, |(url, _)| url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_person_or_the_application_serves_is_requested() {
        let text = |text: &str| text.to_owned();
        let flow = OutsideRequests {
            named: vec![text("https://mine.example/ended#rc=2")],
            callback_host: None,
            document_servers: Some(vec![text("http://127.0.0.1:9000/lookup")]),
        };
        for (url, is_callback, allowed) in [
            ("https://mine.example/ended", true, true),
            ("https://mine.example/other", true, false),
            ("http://127.0.0.1:9000/menu", false, true),
            ("http://127.0.0.1:9000/transcribed", true, false),
            ("http://127.0.0.1:9001/menu", false, false),
            ("https://shop.example/menu", false, false),
            ("", true, false),
            ("no url", false, false),
        ] {
            assert_eq!(flow.allows(url, is_callback), allowed, "{url}");
        }
        let app = OutsideRequests {
            callback_host: Some(text("localhost")),
            document_servers: None,
            ..flow
        };
        for (url, is_callback, allowed) in [
            ("http://LOCALHOST:3001/status", true, true),
            ("https://shop.example/status", true, false),
            ("https://shop.example/menu", false, true),
            ("http://localhost@shop.example/", true, false),
        ] {
            assert_eq!(app.allows(url, is_callback), allowed, "{url}");
        }
    }
}
