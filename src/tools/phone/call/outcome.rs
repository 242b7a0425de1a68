//! Verbs that end without the caller, each in one of the carrier's words: `Dial`, `Enqueue`,
//! `Pay`, `Connect`, `Refer`. Whoever tries an application says in which.

use super::{Going, ParamList, PhoneCall, fields, prompt};
use crate::random;
use crate::tools::phone::action::PhoneAction;
use crate::tools::phone::alert::CarrierAlert;
use crate::tools::phone::event::PhoneEvent;
use crate::tools::phone::expected_input::{ActionNotAccepted, ExpectedInput};
use crate::twiml::read::Element;

/// What the carrier says of the end of one kind of verb or noun.
struct VerbOutcome {
    verb: &'static str,
    /// The noun that it is about; empty for all others.
    noun: &'static str,
    /// The parameter that tells how it ended.
    parameter: &'static str,
    /// The words for that, the usual one first.
    words: &'static [&'static str],
    /// The word where the caller hung up.
    hung_up: &'static str,
}

/// The kinds, a noun's own before its verb's.
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

impl VerbOutcome {
    fn of(verb: &Element) -> Option<&'static VerbOutcome> {
        let noun = |name: &str| name.is_empty() || verb.children().any(|noun| noun.name == name);
        VERB_OUTCOMES.iter().find(|kind| kind.verb == verb.name && noun(kind.noun))
    }

    fn awaits(&self) -> ExpectedInput {
        ExpectedInput::Outcome { verb: self.verb, words: self.words }
    }
}

pub(super) fn enter(call: &mut PhoneCall, verb: &Element) -> Going {
    let Some(kind) = VerbOutcome::of(verb) else {
        // The check of the document has told of what is no verb; these few are no words for it.
        let message = format!("`<{}>` is not carried out here", verb.name);
        call.heard.push(PhoneEvent::Warning(CarrierAlert::uncoded(message)));
        return Going::On;
    };
    call.does(kind.verb, what(verb));
    let queue = fields([
        ("QueueSid", random::sid("QU")),
        ("QueueTime", "0".to_owned()),
        ("QueuePosition", "1".to_owned()),
        ("AvgQueueTime", "0".to_owned()),
        ("CurrentQueueSize", "1".to_owned()),
    ]);
    call.tell("Enqueue waitUrl", ("waitUrl", "waitUrlMethod"), verb, queue);
    call.wait(kind.awaits(), verb)
}

/// Whom, where, how long, for a person to read.
fn what(verb: &Element) -> String {
    let nouns: Vec<String> = verb.children().map(prompt::described).collect();
    let text = verb.text();
    let text = text.trim();
    match (nouns.is_empty(), text.is_empty()) {
        (false, _) => nouns.join(", "),
        (true, false) => text.to_owned(),
        (true, true) => verb.attribute("chargeAmount").unwrap_or_default().to_owned(),
    }
}

pub(super) fn act(
    call: &mut PhoneCall,
    verb: &Element,
    act: &PhoneAction,
) -> Result<(), ActionNotAccepted> {
    let awaits = call.awaits();
    let (Some(kind), PhoneAction::Outcome { word, parameters }) = (VerbOutcome::of(verb), act)
    else {
        return Err(ActionNotAccepted::new(act, &awaits));
    };
    if !kind.words.contains(&word.as_str()) {
        return Err(ActionNotAccepted::new(act, &awaits));
    }
    let mut outcome = ended(kind, word);
    for (name, value) in parameters {
        match outcome.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => old.clone_from(value),
            None => outcome.push((name.clone(), value.clone())),
        }
    }
    call.action(verb, outcome);
    Ok(())
}

/// The caller hung up: the action is told, and what it answers is not carried out.
pub(super) fn hung_up(call: &mut PhoneCall, verb: &Element) {
    let (Some(kind), Some(action)) = (VerbOutcome::of(verb), verb.attribute("action")) else {
        return;
    };
    let request = call.request(&format!("{} action", verb.name), action, "method", verb);
    call.told.push_back(request.with(ended(kind, kind.hung_up)).told());
}

/// The parameters for how it ended.
fn ended(kind: &VerbOutcome, word: &str) -> ParamList {
    let told = fields([(kind.parameter, word.to_owned())]);
    let more = match kind.verb {
        "Dial" if kind.noun.is_empty() => {
            let answered = matches!(word, "completed" | "answered");
            let mut more =
                fields([("DialCallSid", random::sid("CA")), ("DialBridged", answered.to_string())]);
            if answered {
                more.extend(fields([("DialCallDuration", "10".to_owned())]));
            }
            more
        }
        "Enqueue" => fields([("QueueSid", random::sid("QU")), ("QueueTime", "10".to_owned())]),
        "Pay" if word == "success" => fields([
            ("PaymentToken", "tok_1".to_owned()),
            ("PaymentCardNumber", "xxxxxxxxxxxx4242".to_owned()),
        ]),
        "Connect" if kind.noun == "Stream" => fields([("StreamSid", random::sid("MZ"))]),
        "Connect" if kind.noun == "ConversationRelay" => {
            fields([("SessionId", random::sid("VX")), ("SessionDuration", "10".to_owned())])
        }
        _ => Vec::new(),
    };
    told.into_iter().chain(more).collect()
}
