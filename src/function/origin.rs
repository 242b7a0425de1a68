//! A server that a flow asks without its being a configured function.

use actix_web::http::{Method, Uri};

use crate::config::Function;
use crate::limits::{FUNCTION_BODY_BYTES_MAX, FUNCTION_CONNECTIONS_MAX, FUNCTION_WITHIN};

impl Function {
    /// A server that a flow asks without its being configured: named after its scheme, host and
    /// port, with the defaults of `[function]`. `None` where the URL has no host.
    pub fn of_origin(url: &Uri, trusted: bool) -> Option<Function> {
        let (scheme, authority) = (url.scheme_str()?, url.authority()?.as_str());
        let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
        let root: Uri = format!("{scheme}://{place}/").parse().ok()?;
        root.host().filter(|host| !host.is_empty())?;
        // Where an operator has not seen the URL, private addresses are refused, so the two must
        // not share their connections.
        let name = format!("{scheme}://{place}{}", if trusted { "" } else { " (computed)" });
        Some(Function {
            name,
            url: root,
            method: Method::POST,
            timeout: FUNCTION_WITHIN,
            max_body_bytes: FUNCTION_BODY_BYTES_MAX,
            forward_webhook: false,
            strict: false,
            idempotent: false,
            http_1_0: false,
            connections: FUNCTION_CONNECTIONS_MAX,
            hold: None,
        })
    }
}
