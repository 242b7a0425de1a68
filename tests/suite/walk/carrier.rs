//! A carrier that knows nothing but the document: what it may ask next.

use twimlgate::twiml::read::Element;

use super::hints::OTHER;

/// What the carrier does next.
#[derive(Clone, Debug)]
pub(crate) enum Next {
    /// It asks our URL, with these parameters more.
    Webhook(Vec<(&'static str, String)>),
    /// Whoever had the call gives it back.
    Returned,
}

/// A document of a call, as a carrier goes through it.
pub(crate) struct Heard {
    /// What it may do next.
    pub(crate) next: Vec<Next>,
    /// What is wrong with the document for a flow that waits.
    pub(crate) wrong: Vec<String>,
}

/// Goes through a document of a call. `token` is what the execution waits for, and `replies` are
/// the keys and words that may lead somewhere.
pub(crate) fn hear(document: &Element, token: &str, handed: bool, replies: &[String]) -> Heard {
    let mut heard = Heard { next: Vec::new(), wrong: Vec::new() };
    let step = format!("step={token}");
    for verb in document.children() {
        let action = verb.attribute("action");
        let back = action.is_some_and(|action| action.contains(&step));
        let asks = !matches!(verb.name.as_str(), "Say" | "Play" | "Pause" | "Start" | "Stop");
        let leads = asks && !matches!(verb.name.as_str(), "Redirect" | "Hangup" | "Reject");
        if leads && !back && !handed {
            heard.wrong.push(format!("<{}> does not come back to step {token}", verb.name));
        }
        let ways = ways(verb, replies);
        heard.next.extend(ways.into_iter().map(Next::Webhook));
        match verb.name.as_str() {
            "Redirect" => {
                let back = verb.text().contains(&step);
                if back || handed && verb.text().trim().is_empty() {
                    heard.next.push(Next::Webhook(vec![("CallStatus", "in-progress".into())]));
                } else if handed {
                    heard.next.push(Next::Returned);
                } else {
                    heard.wrong.push(format!("<Redirect> leads to `{}`", verb.text()));
                }
                return heard;
            }
            "Dial" | "Connect" | "Enqueue" | "Pay" | "Hangup" | "Reject" => return heard,
            _ => {}
        }
    }
    if handed {
        heard.next.push(Next::Returned);
    } else {
        heard.wrong.push("the document ends, and nothing comes back".to_owned());
    }
    heard
}

/// What a verb may come back with.
fn ways(verb: &Element, replies: &[String]) -> Vec<Vec<(&'static str, String)>> {
    let outcomes = |name: &'static str, values: &[&str]| -> Vec<Vec<(&'static str, String)>> {
        let live = |value: &&str| {
            vec![(name, (*value).to_owned()), ("CallStatus", "in-progress".to_owned())]
        };
        let gone = vec![(name, "completed".to_owned()), ("CallStatus", "completed".to_owned())];
        values.iter().map(live).chain([gone]).collect()
    };
    match verb.name.as_str() {
        "Gather" => {
            let input = verb.attribute("input").unwrap_or("dtmf");
            let mut ways = Vec::new();
            for reply in replies.iter().filter(|reply| !reply.is_empty()) {
                let keys = |key: char| key.is_ascii_digit() || "*#".contains(key);
                if input.contains("dtmf") && reply.chars().all(keys) {
                    ways.push(vec![("Digits", reply.clone())]);
                }
                if input.contains("speech") {
                    ways.push(vec![("SpeechResult", reply.clone()), ("Confidence", "0.9".into())]);
                }
            }
            if input.contains("dtmf") {
                ways.push(vec![("Digits", "97".to_owned())]);
            }
            if input.contains("speech") {
                ways.push(vec![("SpeechResult", OTHER.to_owned())]);
            }
            ways
        }
        "Dial" => outcomes("DialCallStatus", &["completed", "no-answer", "busy", "failed"]),
        "Record" => vec![
            vec![("RecordingUrl", "https://api.example/RE1".into()), ("Digits", "#".into())],
            vec![("RecordingUrl", "https://api.example/RE1".into()), ("Digits", "hangup".into())],
            vec![("RecordingUrl", String::new())],
        ],
        "Enqueue" => outcomes(
            "QueueResult",
            &["bridged", "queue-full", "system-error", "error", "hangup", "leave"],
        ),
        "Pay" => outcomes(
            "Result",
            &[
                "success",
                "too-many-failed-attempts",
                "caller-interrupted-with-star",
                "caller-hung-up",
                "validation-error",
                "payment-connector-error",
            ],
        ),
        "Connect" => {
            let mut ways = outcomes("SessionStatus", &["ended", "failed"]);
            ways.extend(outcomes(
                "VirtualAgentStatus",
                &["completed", "live-agent-handoff", "failed", "paused", "timeout"],
            ));
            ways
        }
        _ => Vec::new(),
    }
}
