//! What may stand in the answer to a message. Data only.

use super::Text::{Address, None, UpTo};
use super::declare;
use super::values::*;

declare! {
    RESPONSE "Response", None, [REDIRECT, MESSAGE] {}

    MESSAGE "Message", UpTo(1600), [BODY, MEDIA] {
        "action": URL, "from": TEXT, "method": METHOD, "statusCallback": URL, "to": TEXT,
    }

    REDIRECT "Redirect", Address, [] {
        "method": METHOD,
    }

    BODY "Body", UpTo(1600), [] {}

    MEDIA "Media", Address, [] {}
}
