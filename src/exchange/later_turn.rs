//! Whether a request that equals an answered one is the next turn of its call.
//!
//! The carrier sends equal requests where a document asks for its own URL again, as a poll by
//! `<Pause/><Redirect/>` does: the parameters of a call that still rings do not change. Only the
//! idempotency token tells such a turn from a repeat, and no signature covers it. So a stored
//! reply has to say, too, that another request is due: a captured request with another token
//! cannot cause a turn of a call that does not poll.

use crate::channel::Channel;
use crate::twiml::read::{DocumentLimits, Element, parse_document};
use crate::webhook::{StepToken, Webhook};

/// Whether the carrier may send an equal request again after it has run this document.
pub(super) fn asks_for_equal_request(document: &[u8], webhook: &Webhook, channel: Channel) -> bool {
    let rings = channel == Channel::Voice && webhook.is_before_answer();
    let is_over = channel == Channel::Voice
        && !rings
        && webhook.param("CallStatus").is_none_or(|status| status != "in-progress");
    if is_over {
        return false;
    }
    let Ok(response) = parse_document(document, &DocumentLimits::default()) else { return false };
    for verb in response.children() {
        // The next request says `in-progress`, so it is not equal to this one.
        if rings && verb.answers_call() {
            return false;
        }
        // A request with a step of ours does not equal one without it, and each step is one turn.
        if next_url(verb).is_some_and(|url| !StepToken::is_in_url(&url)) {
            return true;
        }
        if verb.name == "Redirect" {
            return false;
        }
    }
    false
}

/// The URL of the request that follows a verb; empty for that of the document.
fn next_url(verb: &Element) -> Option<String> {
    match (verb.name.as_str(), verb.attribute("action")) {
        ("Redirect", _) => Some(verb.text().trim().to_owned()),
        (_, Some(action)) => Some(action.to_owned()),
        ("Gather" | "Record", None) => Some(String::new()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::Params;

    const STEP: &str = "?step=0123456789abcdef0123456789abcdef";

    fn webhook(status: &str) -> Webhook {
        Webhook {
            account: None,
            path: "/voice".to_owned(),
            query: Params::default(),
            params: [("CallStatus", status)].into_iter().collect(),
            body: Default::default(),
            payload: Default::default(),
            idempotency_token: None,
            cookies: String::new(),
        }
    }

    fn asks(verbs: &str, channel: Channel, status: &str) -> bool {
        let document = format!("<Response>{verbs}</Response>");
        asks_for_equal_request(document.as_bytes(), &webhook(status), channel)
    }

    #[test]
    fn a_call_that_is_left_ringing_may_ask_again() {
        let asks = |verbs: &str| asks(verbs, Channel::Voice, "ringing");
        assert!(asks("<Pause length=\"2\"/><Redirect>/voice</Redirect>"));
        assert!(asks("<Redirect/>"));
        assert!(asks("<Dial answerOnBridge=\"true\" action=\"/dialed\">+1</Dial>"));
        assert!(asks("<Dial answerOnBridge=\"true\">+1</Dial><Redirect>/voice</Redirect>"));
        assert!(asks("<Redirect>/voice?step=2</Redirect>"), "a step of the user's own");
        for verbs in [
            "",
            "<Pause/>",
            "<Say>Hello</Say><Redirect>/voice</Redirect>",
            "<Pause/><Gather/>",
            "<Dial action=\"/dialed\">+1</Dial>",
            "<Reject/>",
            &format!("<Redirect>{STEP}</Redirect>"),
            &format!("<Pause/><Redirect>/voice?a=1&amp;{}#rc=2</Redirect>", &STEP[1..]),
        ] {
            assert!(!asks(verbs), "{verbs}");
        }
    }

    #[test]
    fn an_answered_call_may_ask_for_the_same_step_again() {
        let asks = |verbs: &str| asks(verbs, Channel::Voice, "in-progress");
        assert!(asks("<Say>Wait</Say><Redirect/>"));
        assert!(asks("<Gather numDigits=\"1\"/>"));
        assert!(asks("<Record action=\"/voice\"/>"));
        assert!(!asks("<Say>Bye</Say>"));
        assert!(!asks(&format!("<Gather action=\"{STEP}\"/><Redirect>{STEP}</Redirect>")));
    }

    #[test]
    fn neither_a_call_that_is_over_nor_a_usual_message_asks_again() {
        assert!(!asks("<Redirect>/voice</Redirect>", Channel::Voice, "completed"));
        assert!(!asks("<Message>Hello</Message>", Channel::Message, ""));
        assert!(asks("<Message>Hello</Message><Redirect>/sms</Redirect>", Channel::Message, ""));
    }

    #[test]
    fn what_is_not_a_document_asks_for_nothing() {
        let webhook = webhook("ringing");
        for document in ["", "<Response", "ok"] {
            assert!(!asks_for_equal_request(document.as_bytes(), &webhook, Channel::Voice));
        }
    }
}
