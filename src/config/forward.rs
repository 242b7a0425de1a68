//! `[route."/prefix/*"]` with `forward`: an application behind the gateway.

use std::fmt;
use std::time::Duration;

use actix_web::http::Uri;

use super::ConfigText;

/// `[route."/prefix/*"]`
#[derive(Clone)]
pub struct ForwardSection {
    /// The application. Its path stands in the place of the prefix.
    pub url: Uri,
    /// The paths of the application that need no signature: `/token`, `/static/*`, `*.mp3`.
    pub open: Vec<ConfigText>,
    /// The time for a whole response.
    pub timeout: Duration,
    /// The answer to a call if the application fails; a file under `templates/`. `None`: the
    /// built-in one.
    pub voice_fallback: Option<ConfigText>,
    /// The same for a message.
    pub message_fallback: Option<ConfigText>,
}

// === impl ForwardSection ===

impl ForwardSection {
    /// Where requests go, without a user and a password.
    pub(crate) fn display_url(&self) -> String {
        let authority = self.url.authority().map_or("", |authority| authority.as_str());
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let scheme = self.url.scheme_str().unwrap_or_default();
        format!("{scheme}://{host}{}", self.url.path().trim_end_matches('/'))
    }
}

impl fmt::Debug for ForwardSection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ForwardSection")
            .field("url", &self.display_url())
            .finish_non_exhaustive()
    }
}
