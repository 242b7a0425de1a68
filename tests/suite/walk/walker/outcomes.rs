//! What can come of a step: every answer of a function, of the API, and of the carrier.

use super::*;
use crate::walk::carrier::{Next, hear};
use crate::walk::hints::OTHER;

impl Walker<'_> {
    /// All that a function may answer.
    pub(super) fn call(&mut self, execution: &Execution, _: &FunctionCall, again: &Again) {
        let name = position(self.flow, execution);
        let voice = execution.channel == Channel::Voice;
        let mut ways = Vec::new();
        for object in self.hints.objects(&format!("widgets.{name}.parsed")) {
            let body = Value::Object(object.clone()).to_string();
            let success = OutcomeKind::Success { parsed: Some(object) };
            ways.push((answered(success, 200, "application/json", body), false));
        }
        for body in self.hints.values(&[format!("widgets.{name}.body")]) {
            let success = OutcomeKind::Success { parsed: None };
            ways.push((answered(success, 200, "text/plain", body), false));
        }
        let document = match voice {
            true => "<Response><Say>One moment.</Say></Response>",
            false => "<Response><Message>One moment.</Message></Response>",
        };
        let twiml = OutcomeKind::Twiml(document.as_bytes().into());
        ways.push((answered(twiml, 200, "text/xml", document.to_owned()), false));
        let error = FunctionError { function: name.clone(), problem: Problem::Unusable };
        let fail = OutcomeKind::Fail(error);
        ways.push((answered(fail.clone(), 404, "text/plain", OTHER.to_owned()), true));
        let mut silent = answered(fail, 0, "", String::new());
        silent.answer = None;
        ways.push((silent, true));
        let happens = ways
            .into_iter()
            .map(|(outcome, failing)| (Happens::Answered(outcome), again.answering, failing))
            .collect();
        self.push(execution, again, happens);
    }

    /// The carrier's API does it, or refuses.
    pub(super) fn send(&mut self, execution: &Execution, send: &Send, again: &Again) {
        if send.path.contains("//") || send.path.contains("{{") {
            self.seen.wrong.insert(format!("the API is asked for `{}`", send.path));
        }
        let sid = "CA00000000000000000000000000000002";
        let resource = json!({"sid": sid, "status": "queued", "date_created": "today"});
        let Value::Object(resource) = resource else { unreachable!("it is one") };
        let refused = SendError::Refused { status: 400, code: Some(21_211) };
        let happens = vec![
            (Happens::Sent(Ok(resource)), again.answering, false),
            (Happens::Sent(Err(refused)), again.answering, true),
        ];
        self.push(execution, again, happens);
    }

    /// A document went out, or nothing.
    pub(super) fn replied(
        &mut self,
        execution: &Execution,
        document: Option<&[u8]>,
        again: &Again,
    ) {
        self.seen.documents += usize::from(document.is_some());
        let shown = || String::from_utf8_lossy(document.unwrap_or_default()).into_owned();
        let mut wrong = Vec::new();
        if let Some(document) = document {
            match read(document, execution.channel, &Bounds::default()) {
                Ok(read) => wrong.extend(
                    read.findings.iter().filter(|it| it.code.is_some()).map(|it| it.to_string()),
                ),
                Err(error) => wrong.push(error.to_string()),
            }
        }
        let State::Waiting(wait) = &execution.state else {
            if execution.state == State::Running {
                wrong.push("it answers and neither waits nor has ended".to_owned());
            }
            return self.complain(wrong, shown);
        };
        let mut happens = self.comes_back(execution, document, &mut wrong);
        if wait.due.is_some() {
            happens.push((Happens::Timeout, false, false));
        }
        self.complain(wrong, shown);
        self.push(execution, again, happens);
    }

    /// What the carrier may come back with.
    fn comes_back(
        &self,
        execution: &Execution,
        document: Option<&[u8]>,
        wrong: &mut Vec<String>,
    ) -> Vec<(Happens, bool, bool)> {
        let Some(wait) = execution.wait() else { return Vec::new() };
        let name = position(self.flow, execution);
        let replies = self.hints.values(&[format!("widgets.{name}.")]);
        let base: &[(&str, &str)] = match execution.channel {
            Channel::Voice => &CALL,
            Channel::Message => &MESSAGE,
        };
        let with = |more: &[(&str, String)]| -> Params {
            let more = || more.iter().map(|(key, value)| (*key, value.as_str()));
            let other = |(key, _): &(&str, &str)| !more().any(|(name, _)| name == *key);
            base.iter().copied().filter(other).chain(more()).collect()
        };
        let gone = with(&[("CallStatus", "completed".to_owned())]);
        let mut happens: Vec<(Happens, bool, bool)> = Vec::new();
        match (execution.channel, document) {
            (Channel::Voice, Some(document)) => {
                let document = tree(document, &Bounds::default()).unwrap();
                let heard = hear(&document, &wait.token, wait.handed_over, &replies);
                wrong.extend(heard.wrong);
                for next in heard.next {
                    let event = match next {
                        Next::Webhook(more) => Happens::Webhook(with(&more)),
                        Next::Returned => Happens::Returned(with(&[])),
                    };
                    happens.push((event, true, false));
                }
                happens.push((Happens::HangUp(gone), true, false));
            }
            _ => {
                for reply in replies {
                    happens.push((Happens::Webhook(with(&[("Body", reply)])), true, false));
                }
                for status in ["failed", "undelivered"] {
                    let more = [("MessageStatus", status.to_owned())];
                    happens.push((Happens::Webhook(with(&more)), true, false));
                }
                for status in ["in-progress", "busy", "no-answer", "failed"] {
                    let call: Params = CALL
                        .iter()
                        .copied()
                        .filter(|(key, _)| *key != "CallStatus")
                        .chain([("CallStatus", status)])
                        .collect();
                    happens.push((Happens::Webhook(call), true, false));
                }
                let machine = CALL.iter().copied().chain([("AnsweredBy", "machine_start")]);
                happens.push((Happens::Webhook(machine.collect()), true, false));
            }
        }
        happens
    }

    fn complain(&mut self, wrong: Vec<String>, shown: impl Fn() -> String) {
        for what in wrong {
            if self.seen.wrong.len() < 10 {
                self.seen.wrong.insert(format!("{what}\n      {}", shown()));
            }
        }
    }
}
