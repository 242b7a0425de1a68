//! The request of a step: sent for real, and compared with what the file says.

use super::*;
use crate::walk::comparison::{difference, difference_of_document};
use crate::walk::expectation::{self, Expected, enqueue};

impl Walker<'_> {
    /// Sends the request of a step, unless the same was sent before. Gives whether it can succeed.
    pub(super) fn send_request(
        &mut self,
        execution: &Execution,
        step: &Step,
        again: &Again,
    ) -> bool {
        let widget = execution.widget(self.flow).name.clone();
        let Some(expected) = self.expect(&widget, execution, step, again) else {
            let what = format!("widget `{widget}` sends a request, and the file does not say so");
            self.seen.wrong.insert(what);
            return true;
        };
        let can_succeed = !matches!(expected, Expected::Nothing(_));
        if let Expected::Nothing(why) = &expected {
            self.seen.unsent.insert(widget.clone(), why.clone());
        }
        if let Expected::Elsewhere(url) = &expected {
            *self.seen.expected.entry("URL of another server").or_default() += 1;
            self.seen.elsewhere.insert(widget.clone(), url.clone());
            return true;
        }
        if !self.sent.insert(hash(&(&widget, format!("{expected:?}"), asked(step)))) {
            return can_succeed;
        }
        self.seen.requests += 1;
        self.last_news = self.seen.steps;
        let webhook = webhook(&again.value);
        let (event, arrived) = self.sender.send(self.flow, execution, step, &webhook);
        let at_carrier = matches!(&expected, Expected::Request(request) if request.at_carrier);
        let origin = self.sender.origin(at_carrier);
        let succeeds = match event {
            Some(Event::FunctionReturned(outcome)) => !matches!(outcome.kind, OutcomeKind::Fail(_)),
            Some(Event::CarrierReturned(result)) => result.is_ok(),
            _ => false,
        };
        let cause = difference(&expected, &arrived, &origin).or_else(|| {
            let failed = can_succeed && !succeeds;
            failed.then(|| "the request arrives, and its answer is a failure".to_owned())
        });
        if let Some(cause) = cause {
            let mut sent = String::new();
            for arrival in &arrived {
                sent += &format!("{}{}\n", arrival.request.head, arrival.request.text());
            }
            let sent = sent.trim_end().replace("\r\n", "\n      ");
            let sent = format!("      sent:\n      {sent}");
            let file = format!("      the file says:\n      {expected:?}");
            self.seen.wrong.insert(format!("widget `{widget}`: {cause}\n{sent}\n{file}"));
        }
        can_succeed
    }

    /// Compares the task in a document with what the file says, where a widget makes one.
    pub(super) fn check_task(
        &self,
        execution: &Execution,
        document: &[u8],
        again: &Again,
    ) -> Option<String> {
        let name = &execution.widget(self.flow).name;
        let (flow, file) = self.source_of(again)?;
        let variables = Variables::of(&again.value, &flow.sid, again.now);
        let rewrites = &self.loaded.rewrites;
        let wanted = enqueue::of_widget(file.widget(name)?, &variables, rewrites)?;
        let cause = difference_of_document(&wanted, &enqueue::of_document(document))?;
        Some(format!("widget `{name}`: {cause}"))
    }

    /// The flow at work, or its subflow, with its file.
    fn source_of(&self, again: &Again) -> Option<(&Flow, &File)> {
        let frame = again.value["frames"].as_array().and_then(|frames| frames.last());
        let subflow = frame.and_then(|frame| frame["subflow"].as_u64());
        match subflow.map(|index| &*self.flow.subflows[index as usize]) {
            Some(subflow) => Some((subflow, *self.loaded.subflows.get(subflow.sid.as_str())?)),
            None => Some((self.flow, self.file)),
        }
    }

    /// What a step must ask, by the flow's file.
    fn expect(
        &self,
        widget: &str,
        execution: &Execution,
        step: &Step,
        again: &Again,
    ) -> Option<Expected> {
        let (flow, file) = self.source_of(again)?;
        let widget = file.widget(widget)?;
        let variables = Variables::of(&again.value, &flow.sid, again.now);
        let rewrites = &self.loaded.rewrites;
        if let Step::CallFunction(_) = step {
            return Some(expectation::of_call(widget, &variables, rewrites));
        }
        // Only an execution of messages has a status callback for its messages.
        let reports =
            widget["type"] != "send-and-wait-for-reply" || execution.channel == Channel::Message;
        let callback = format!("{URL}?step={:032x}", self.tokens);
        let callback = if reports { callback.as_str() } else { "" };
        expectation::of_api(widget, &variables, rewrites, callback)
    }
}

/// A step as text, without the token of its turn.
fn asked(step: &Step) -> String {
    match step {
        Step::SendRequest(request) => {
            let form = request.form.iter().filter(|(_, value)| !value.contains("step="));
            format!("{}{:?}", request.path, form.collect::<Vec<_>>())
        }
        other => format!("{other:?}"),
    }
}

/// The webhook that began an execution: a function must not get it unless the file says so.
fn webhook(execution: &Value) -> Params {
    let form = execution["frames"][0]["trigger"]["Form"]["params"].as_str().unwrap_or_default();
    Params::decode(form.as_bytes()).unwrap_or_default()
}
