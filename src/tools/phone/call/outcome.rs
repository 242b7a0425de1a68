//! Verbs that end without the caller: `Dial`, `Enqueue`, `Pay`, `Connect`, `Refer`. The person at
//! the simulated phone chooses one of the carrier's words for the outcome.

use std::ops::ControlFlow;

use super::{PhoneCall, VerbFlow, prompt};
use crate::random;
use crate::tools::phone::action::PhoneAction;
use crate::tools::phone::alert::CarrierAlert;
use crate::tools::phone::event::PhoneEvent;
use crate::tools::phone::expected_input::{ActionNotAccepted, ExpectedInput};
use crate::tools::phone::webhook_request::{CallbackAttributes, ParamList, param_list};
use crate::twiml::read::Element;

/// The outcomes of one verb, or of one noun in a verb.
struct VerbOutcome {
    verb: &'static str,
    /// The noun; empty for all nouns that have no entry of their own.
    noun: &'static str,
    /// The parameter with the outcome.
    parameter: &'static str,
    /// The carrier's words for the outcomes, the usual one first.
    words: &'static [&'static str],
    /// The word after a hang-up of the caller.
    hung_up: &'static str,
}

/// All outcomes. A noun's entry comes before that of its verb: the first match counts.
const VERB_OUTCOMES: [VerbOutcome; 9] = [
    VerbOutcome {
        verb: "Dial",
        noun: "Conference",
        parameter: "DialCallStatus",
        words: &["answered"],
        hung_up: "answered",
    },
    VerbOutcome {
        verb: "Dial",
        noun: "",
        parameter: "DialCallStatus",
        words: &["completed", "answered", "busy", "no-answer", "failed", "canceled"],
        hung_up: "completed",
    },
    VerbOutcome {
        verb: "Enqueue",
        noun: "",
        parameter: "QueueResult",
        words: &[
            "bridged",
            "bridging-in-process",
            "leave",
            "redirected",
            "redirected-from-bridged",
            "queue-full",
            "error",
            "system-error",
            "hangup",
        ],
        hung_up: "hangup",
    },
    VerbOutcome {
        verb: "Pay",
        noun: "",
        parameter: "Result",
        words: &[
            "success",
            "too-many-failed-attempts",
            "caller-interrupted-with-star",
            "caller-hung-up",
            "validation-error",
            "payment-connector-error",
        ],
        hung_up: "caller-hung-up",
    },
    VerbOutcome {
        verb: "Connect",
        noun: "Stream",
        parameter: "StreamEvent",
        words: &["stream-stopped", "stream-error"],
        hung_up: "stream-stopped",
    },
    VerbOutcome {
        verb: "Connect",
        noun: "ConversationRelay",
        parameter: "SessionStatus",
        words: &["ended", "completed", "failed"],
        hung_up: "completed",
    },
    VerbOutcome {
        verb: "Connect",
        noun: "VirtualAgent",
        parameter: "VirtualAgentStatus",
        words: &["completed", "live-agent-handoff", "failed", "paused", "timeout"],
        hung_up: "completed",
    },
    VerbOutcome {
        verb: "Connect",
        noun: "",
        parameter: "ConnectStatus",
        words: &["completed", "failed"],
        hung_up: "completed",
    },
    VerbOutcome {
        verb: "Refer",
        noun: "",
        parameter: "ReferCallStatus",
        words: &["completed", "failed"],
        hung_up: "completed",
    },
];

const WAIT_URL: CallbackAttributes = CallbackAttributes { url: "waitUrl", method: "waitUrlMethod" };

impl VerbOutcome {
    fn of(verb: &Element) -> Option<&'static VerbOutcome> {
        let noun = |name: &str| name.is_empty() || verb.children().any(|noun| noun.name == name);
        VERB_OUTCOMES.iter().find(|kind| kind.verb == verb.name && noun(kind.noun))
    }

    fn expected_input(&self) -> ExpectedInput {
        ExpectedInput::Outcome { verb: self.verb, words: self.words }
    }
}

pub(super) fn enter(call: &mut PhoneCall, verb: &Element) -> VerbFlow {
    let Some(kind) = VerbOutcome::of(verb) else {
        // The check of the document has reported unknown verbs; this one is valid, but has no
        // counterpart here.
        let message = format!("`<{}>` is not simulated", verb.name);
        call.events.push(PhoneEvent::Warning(CarrierAlert::without_code(message)));
        return ControlFlow::Continue(());
    };
    call.push_step(kind.verb, describe_verb(verb));
    let queue = param_list([
        ("QueueSid", random::sid("QU")),
        ("QueueTime", "0".to_owned()),
        ("QueuePosition", "1".to_owned()),
        ("AvgQueueTime", "0".to_owned()),
        ("CurrentQueueSize", "1".to_owned()),
    ]);
    // Only `Enqueue` has the attribute; for other verbs nothing is queued.
    call.post("Enqueue waitUrl", WAIT_URL, verb, queue);
    call.wait(kind.expected_input(), verb)
}

/// The nouns or the text of a verb, as text for a person.
fn describe_verb(verb: &Element) -> String {
    let nouns: Vec<String> = verb.children().map(prompt::describe_noun).collect();
    let text = verb.text();
    let text = text.trim();
    match (nouns.is_empty(), text.is_empty()) {
        (false, _) => nouns.join(", "),
        (true, false) => text.to_owned(),
        (true, true) => verb.attribute("chargeAmount").unwrap_or_default().to_owned(),
    }
}

pub(super) fn perform(
    call: &mut PhoneCall,
    verb: &Element,
    action: &PhoneAction,
) -> Result<(), ActionNotAccepted> {
    let expected = call.expected_input();
    let (Some(kind), PhoneAction::Outcome { word, parameters }) = (VerbOutcome::of(verb), action)
    else {
        return Err(ActionNotAccepted::new(action, &expected));
    };
    // A misspelled word would test a branch that no real call takes.
    if !kind.words.contains(&word.as_str()) {
        return Err(ActionNotAccepted::new(action, &expected));
    }
    if kind.verb == "Dial" && matches!(word.as_str(), "completed" | "answered") {
        // A call that rang on has been bridged, and so answered.
        call.status = "in-progress";
    }
    let mut outcome = outcome_params(kind, word);
    for (name, value) in parameters {
        match outcome.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => old.clone_from(value),
            None => outcome.push((name.clone(), value.clone())),
        }
    }
    call.request_action(verb, outcome);
    Ok(())
}

/// Posts the outcome to the `action` after a hang-up. The carrier ignores the response.
pub(super) fn on_hang_up(call: &mut PhoneCall, verb: &Element) {
    let (Some(kind), Some(action)) = (VerbOutcome::of(verb), verb.attribute("action")) else {
        return;
    };
    let request = call.build_request(&format!("{} action", verb.name), action, "method", verb);
    call.callbacks
        .push_back(request.with_params(outcome_params(kind, kind.hung_up)).into_callback());
}

/// The parameters of an outcome.
fn outcome_params(kind: &VerbOutcome, word: &str) -> ParamList {
    let outcome = param_list([(kind.parameter, word.to_owned())]);
    let more = match kind.verb {
        "Dial" if kind.noun.is_empty() => {
            let answered = matches!(word, "completed" | "answered");
            let mut more = param_list([
                ("DialCallSid", random::sid("CA")),
                ("DialBridged", answered.to_string()),
            ]);
            // A call that was not answered has no duration.
            if answered {
                more.extend(param_list([("DialCallDuration", "10".to_owned())]));
            }
            more
        }
        "Enqueue" => param_list([("QueueSid", random::sid("QU")), ("QueueTime", "10".to_owned())]),
        "Pay" if word == "success" => param_list([
            ("PaymentToken", "tok_1".to_owned()),
            ("PaymentCardNumber", "xxxxxxxxxxxx4242".to_owned()),
        ]),
        "Connect" if kind.noun == "Stream" => param_list([("StreamSid", random::sid("MZ"))]),
        "Connect" if kind.noun == "ConversationRelay" => {
            param_list([("SessionId", random::sid("VX")), ("SessionDuration", "10".to_owned())])
        }
        _ => Vec::new(),
    };
    outcome.into_iter().chain(more).collect()
}
