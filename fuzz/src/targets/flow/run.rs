//! A flow taken further by whatever may happen, without anything outside.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use twimlgate::flow::{
    CarrierRequestError, Event, Execution, ExecutionState, Flow, FlowUrls, Step, TurnContext,
    advance,
};
use twimlgate::function::{Outcome, OutcomeKind};
use twimlgate::limits::STEPS_MAX;
use twimlgate::twiml::read::{DocumentLimits, check_document};
use twimlgate::webhook::{Params, StepToken};

use super::super::ensure;
use super::super::random::Random;

/// One turn: an event, and what follows until there is something to say. How it ended.
pub(crate) fn turn(
    flow: &Flow,
    execution: &mut Execution,
    number: u32,
    random: &mut Random,
) -> Result<&'static str, String> {
    let at = TurnContext {
        now: Duration::from_secs(1_700_000_000 + u64::from(number)),
        token: StepToken::new(format!("token{number}")),
        action: format!("?step=token{number}"),
        urls: match random.one_in(2) {
            true => FlowUrls { voice: Some("https://gate.example/a".into()), message: None },
            false => FlowUrls::default(),
        },
        answering: !random.one_in(6),
        records_transitions: true,
    };
    let mut next = if number == 0 { Event::Trigger } else { event(random) };
    let before = execution.steps;
    for _ in 0..=STEPS_MAX + 1 {
        match advance(flow, execution, next, &at) {
            Step::CallFunction(_) => next = Event::FunctionReturned(outcome(random)),
            Step::SendRequest(_) => next = Event::CarrierReturned(sent(random)),
            Step::Reply(document) => {
                let read = check_document(&document, execution.channel, &DocumentLimits::default());
                ensure!(read.is_ok(), "said what is no document: {read:?}");
                return over(execution, before, "reply");
            }
            Step::End => return over(execution, before, "end"),
            Step::Failed(failure) => {
                let said = failure.to_string();
                ensure!(!said.contains('\n'), "a failure of two lines: {said:?}");
                let ended = execution.state == ExecutionState::Ended;
                ensure!(ended, "failed and goes on: {said}");
                return over(execution, before, "failed");
            }
        }
    }
    Err("endless: it asks for ever".to_owned())
}

fn over(execution: &Execution, before: u32, how: &'static str) -> Result<&'static str, String> {
    ensure!(execution.state != ExecutionState::Running, "left running: {how}");
    ensure!(execution.steps >= before, "steps taken back: {} of {before}", execution.steps);
    ensure!(
        execution.steps <= before.max(STEPS_MAX).saturating_add(1),
        "too many steps: {}",
        execution.steps
    );
    Ok(how)
}

fn event(random: &mut Random) -> Event {
    let params = |random: &mut Random| {
        let pairs = [
            ("Digits", "1"),
            ("Digits", "9"),
            ("SpeechResult", "yes"),
            ("Body", "Ada"),
            ("Body", ""),
            ("DialCallStatus", "busy"),
            ("RecordingUrl", "https://a/b"),
            ("QueueResult", "leave"),
            ("CallStatus", "completed"),
            ("Result", "success"),
            ("MessageStatus", "failed"),
            ("Digits", "{{ x }}"),
            ("Digits", "hangup"),
            ("Msg", "\u{1}<"),
        ];
        let count = random.below(4);
        let params: Params = (0..count).map(|_| *random.pick(&pairs)).collect();
        Arc::new(params)
    };
    match random.below(8) {
        0 => Event::Timeout,
        1 => Event::HangUp(params(random)),
        2 => Event::Returned(params(random)),
        _ => Event::Webhook(params(random)),
    }
}

fn outcome(random: &mut Random) -> Outcome {
    let failed = Outcome::unusable_url("nowhere");
    let object = |value: Value| value.as_object().cloned();
    let kind = match random.below(6) {
        0 => OutcomeKind::Success { parsed: None },
        1 => OutcomeKind::Twiml("<Response><Say>a</Say></Response>".into()),
        2 => OutcomeKind::Twiml("<Response><Say>a</Response>".into()),
        3 => {
            OutcomeKind::Success { parsed: object(json!({"plan": "gold", "a": [1, {"b": null}]})) }
        }
        4 => OutcomeKind::Success { parsed: object(json!({"x": "\u{1}<".repeat(4_000)})) },
        _ => return failed,
    };
    Outcome { kind, ..failed }
}

fn sent(random: &mut Random) -> Result<Map<String, Value>, CarrierRequestError> {
    match random.below(3) {
        0 => Err(CarrierRequestError::NoCredentials),
        1 => Err(CarrierRequestError::Refused { status: 400, code: Some(21211) }),
        _ => Ok(json!({"sid": "SM1"}).as_object().cloned().unwrap_or_default()),
    }
}
