//! What can come of a step: every answer of a function, of the API, and of the carrier.

use super::*;
use crate::walk::carrier::{Comes, incoming_call, incoming_message, ways};
use crate::walk::hints::OTHER;

impl Walker<'_> {
    /// All that a function may answer.
    pub(super) fn call(&mut self, execution: &Execution, again: &Again, can_succeed: bool) {
        if !self.is_new(again) {
            return;
        }
        let name = execution.widget(self.flow).name.clone();
        let voice = execution.channel == Channel::Voice;
        let mut ways = Vec::new();
        for object in self.hints.objects(&format!("widgets.{name}.parsed")).iter() {
            let body = Value::Object(object.clone()).to_string();
            let success = OutcomeKind::Success { parsed: Some(object.clone()) };
            ways.push((answered(success, 200, "application/json", body), false));
        }
        for body in self.hints.values(&[format!("widgets.{name}.body")]).iter() {
            let success = OutcomeKind::Success { parsed: None };
            ways.push((answered(success, 200, "text/plain", body.clone()), false));
        }
        let documents = if voice {
            let mut documents = vec!["<Response><Say>One moment.</Say></Response>".to_owned()];
            for returned in self.returned_parameters(&name) {
                let back = url::form_urlencoded::Serializer::new(format!("{URL}?"))
                    .append_pair("FlowEvent", "return")
                    .extend_pairs(returned.iter())
                    .finish()
                    .replace('&', "&amp;");
                documents.push(format!("<Response><Redirect>{back}</Redirect></Response>"));
            }
            documents
        } else {
            vec!["<Response><Message>One moment.</Message></Response>".to_owned()]
        };
        for document in documents {
            let twiml = OutcomeKind::Twiml(document.clone().into());
            ways.push((answered(twiml, 200, "text/xml", document), false));
        }
        if !can_succeed {
            ways.clear();
        }
        let error = FunctionError { function: name.clone(), cause: CallError::Unusable };
        let fail = OutcomeKind::Fail(error);
        ways.push((answered(fail.clone(), 404, "text/plain", OTHER.to_owned()), true));
        let mut silent = answered(fail, 0, "", String::new());
        silent.response = None;
        ways.push((silent, true));
        let happens = ways
            .into_iter()
            .map(|(outcome, failing)| (Happens::Answered(outcome), again.answering, failing))
            .collect();
        self.push(again, happens);
    }

    /// The parameters with which another application may return a call to a widget: first none.
    fn returned_parameters(&self, widget: &str) -> Vec<Params> {
        let mut all = vec![Params::default()];
        for object in self.hints.objects(&format!("widgets.{widget}")).iter() {
            // What has members is JSON of the widget, and no parameter.
            let texts = object.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
            let params: Params = texts.map(|(name, value)| (name.as_str(), value)).collect();
            if !all.contains(&params) {
                all.push(params);
            }
        }
        all
    }

    /// The carrier's API does it, or refuses.
    pub(super) fn send(&mut self, send: &CarrierRequest, again: &Again) {
        if send.path.contains("//") || send.path.contains("{{") {
            self.seen.wrong.insert(format!("the API is asked for `{}`", send.path));
        }
        if !self.is_new(again) {
            return;
        }
        let sid = "CA00000000000000000000000000000002";
        let resource = json!({"sid": sid, "status": "queued", "date_created": "today"});
        let Value::Object(resource) = resource else { unreachable!("it is one") };
        let refused = CarrierRequestError::Refused { status: 400, code: Some(21_211) };
        let happens = vec![
            (Happens::Sent(Ok(resource)), again.answering, false),
            (Happens::Sent(Err(refused)), again.answering, true),
        ];
        self.push(again, happens);
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
        let is_new = self.is_new(again);
        // The same document in the same place has the same problems, and the same ways out of it.
        let token = format!("{:032x}", self.tokens);
        let key = (shown().replace(&token, ""), place(again), execution.channel as u8);
        let is_known = !self.documents.insert(hash(&key));
        if is_known && !is_new {
            return;
        }
        let mut wrong = Vec::new();
        if let Some(document) = document.filter(|_| !is_known) {
            match check_document(document, execution.channel, &DocumentLimits::default()) {
                Ok(read) => wrong.extend(
                    read.findings.iter().filter(|it| it.code.is_some()).map(|it| it.to_string()),
                ),
                Err(error) => wrong.push(error.to_string()),
            }
            let waits = execution.wait().is_some() && execution.channel == Channel::Voice;
            wrong.extend(waits.then(|| self.check_task(execution, document, again)).flatten());
        }
        let ExecutionState::Waiting(wait) = &execution.state else {
            if execution.state == ExecutionState::Running {
                wrong.push("it answers and neither waits nor has ended".to_owned());
            }
            return self.complain(wrong, shown);
        };
        let mut happens = self.comes_back(execution, document, &mut wrong);
        if wait.due.is_some() {
            happens.push((Happens::Timeout, false, false));
        }
        self.complain(wrong, shown);
        if is_new {
            self.push(again, happens);
        }
    }

    /// What the carrier may come back with.
    fn comes_back(
        &self,
        execution: &Execution,
        document: Option<&[u8]>,
        wrong: &mut Vec<String>,
    ) -> Vec<(Happens, bool, bool)> {
        let Some(wait) = execution.wait() else { return Vec::new() };
        let name = execution.widget(self.flow).name.clone();
        let replies = self.hints.values(&[format!("widgets.{name}.")]);
        let mut happens: Vec<(Happens, bool, bool)> = Vec::new();
        match (execution.channel, document) {
            (Channel::Voice, Some(document)) => {
                let ways = ways(document, wait, &replies);
                wrong.extend(ways.wrong);
                for comes in ways.comes {
                    let event = match comes {
                        Comes::Webhook(params) => Happens::Webhook(params),
                        Comes::Returned(params) => {
                            for more in self.returned_parameters(&name) {
                                let params = params.iter().chain(more.iter()).collect();
                                happens.push((Happens::Returned(params), true, false));
                            }
                            continue;
                        }
                        Comes::HangUp(params) => Happens::HangUp(params),
                    };
                    happens.push((event, true, false));
                }
                let gone = with(&incoming_call(), "CallStatus", "completed");
                happens.push((Happens::HangUp(gone), true, false));
            }
            _ => {
                for reply in replies.iter() {
                    happens.push((Happens::Webhook(incoming_message(reply)), true, false));
                }
                for status in ["failed", "undelivered"] {
                    let told = with(&incoming_message(""), "MessageStatus", status);
                    happens.push((Happens::Webhook(told), true, false));
                }
                for status in ["in-progress", "busy", "no-answer", "failed"] {
                    let call = with(&incoming_call(), "CallStatus", status);
                    happens.push((Happens::Webhook(call), true, false));
                }
                let call = with(&incoming_call(), "CallStatus", "in-progress");
                let machine = with(&call, "AnsweredBy", "machine_start");
                happens.push((Happens::Webhook(machine), true, false));
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

/// The widgets at work, in the flow and its subflow.
fn place(again: &Again) -> String {
    let frames = again.value["frames"].as_array().map_or(&[][..], Vec::as_slice);
    frames.iter().map(|frame| frame["position"].to_string()).collect::<Vec<_>>().join(",")
}

/// Parameters with one of them changed, or one more.
fn with(params: &Params, name: &str, value: &str) -> Params {
    params.iter().filter(|(known, _)| *known != name).chain([(name, value)]).collect()
}
