//! The elements of the answer to a message. Data only.

use super::element::TextContent::{Forbidden, UpTo, Url};
use super::element::declare;
use super::values::*;

declare! {
    RESPONSE "Response", Forbidden, [REDIRECT, MESSAGE] {}

    MESSAGE "Message", UpTo(1600), [BODY, MEDIA] {
        "action": URL, "from": TEXT, "method": METHOD, "statusCallback": URL, "to": TEXT,
    }

    REDIRECT "Redirect", Url, [] {
        "method": METHOD,
    }

    BODY "Body", UpTo(1600), [] {}

    MEDIA "Media", Url, [] {}
}
