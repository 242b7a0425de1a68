//! What a widget works with: its properties rendered, its variables, and what it says.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use serde_json::{Map, Value};

use super::definition::{Flow, Widget, WidgetId};
use super::execution::{Execution, Wait};
use super::failure::Failure;
use super::failure::check_length;
use super::properties::Pair;
use super::scope::Scope;
use super::widget::{AfterReply, Next};
use crate::channel::Channel;
use crate::liquid::Template;
use crate::twiml::TwimlWriter;
use crate::twiml::verb::Redirect;
use crate::webhook::{Params, StepToken, Webhook};

/// What comes from outside with an event: the engine has no clock and draws no numbers.
#[derive(Clone, Debug)]
pub struct TurnContext {
    /// The time since 1970.
    pub now: Duration,
    /// A new token, for the wait that this turn may end in.
    pub token: StepToken,
    /// Where the carrier comes back to, as a reference relative to the document: `?step=TOKEN`,
    /// behind what the route's URL had as its query.
    pub action: String,
    /// Where the flow takes calls and messages: for the carrier's API, which takes whole URLs only.
    pub urls: FlowUrls,
    /// Whether a webhook is being answered. Where none is, only the carrier's API can say anything.
    pub answering: bool,
    /// Whether the transitions are recorded: the store keeps them as steps, or somebody looks on.
    pub records_transitions: bool,
}

/// The URLs of the routes that a flow answers on, without a query. One is `None` where the flow has
/// no such route, and both are where `server.public_url` is not set.
#[derive(Clone, Debug, Default)]
pub struct FlowUrls {
    /// That of its voice route.
    pub voice: Option<Arc<str>>,
    /// That of its message route.
    pub message: Option<Arc<str>>,
}

impl TurnContext {
    /// A turn that never waits.
    pub fn without_return(now: Duration) -> TurnContext {
        TurnContext {
            now,
            token: StepToken::default(),
            action: String::new(),
            urls: FlowUrls::default(),
            answering: true,
            records_transitions: false,
        }
    }

    /// A turn in which a webhook is answered: the carrier comes back to where it asked, with the new
    /// step in the place of the former one.
    pub fn for_webhook(
        now: Duration,
        token: StepToken,
        webhook: &Webhook,
        urls: FlowUrls,
    ) -> TurnContext {
        let is_get = webhook.body.is_empty() && webhook.query == webhook.params;
        // The query of a GET is the carrier's parameters, which it sends anew.
        let others = StepToken::strip(&webhook.query).filter(|_| !is_get);
        let action = token.to_query(others);
        TurnContext { now, token, action, urls, answering: true, records_transitions: false }
    }

    /// A turn in which no webhook is answered: a wait has ended, a function has come back late.
    pub fn without_webhook(now: Duration, token: StepToken, urls: FlowUrls) -> TurnContext {
        let action = token.to_query(std::iter::empty());
        TurnContext { now, token, action, urls, answering: false, records_transitions: false }
    }

    /// The same, with its transitions recorded.
    pub fn recording_transitions(mut self, records: bool) -> TurnContext {
        self.records_transitions = records;
        self
    }

    /// The URL for a channel with the token of this turn, as the carrier's API wants it.
    pub(super) fn callback_url(&self, channel: Channel) -> Option<String> {
        let url = match channel {
            Channel::Voice => &self.urls.voice,
            Channel::Message => &self.urls.message,
        };
        url.as_ref().map(|url| format!("{url}{}", self.action))
    }
}

/// A widget at work.
#[derive(Debug)]
pub(super) struct WidgetContext<'a> {
    /// The flow of the route.
    pub(super) flow: &'a Flow,
    pub(super) execution: &'a mut Execution,
    pub(super) turn: &'a TurnContext,
    /// The transition that a split has chosen among several of one event.
    pub(super) chosen: Option<WidgetId>,
}

// === impl Turn ===

impl<'a> WidgetContext<'a> {
    pub(super) fn new(
        flow: &'a Flow,
        execution: &'a mut Execution,
        turn: &'a TurnContext,
    ) -> WidgetContext<'a> {
        WidgetContext { flow, execution, turn, chosen: None }
    }

    /// The flow that runs: the route's, or a subflow.
    pub(super) fn current_flow(&self) -> &'a Flow {
        match self.execution.frame().subflow.and_then(|index| self.flow.subflows.get(index)) {
            Some(subflow) => subflow,
            None => self.flow,
        }
    }

    /// The widget that the execution is at.
    pub(super) fn widget(&self) -> &'a Widget {
        self.current_flow().widget(self.execution.frame().position)
    }

    /// Renders a template.
    pub(super) fn render(&self, template: &Template) -> Result<String, Failure> {
        if let Some(constant) = template.constant_text() {
            return Ok(constant.to_owned());
        }
        let scope = Scope::new(self.current_flow(), self.execution);
        template
            .render(&scope, self.turn.now.as_secs() as i64)
            .map_err(|error| self.template_failure(error))
    }

    /// The value of a template, its type kept.
    pub(super) fn evaluate(&self, template: &Template) -> Result<Value, Failure> {
        let scope = Scope::new(self.current_flow(), self.execution);
        template
            .evaluate(&scope, self.turn.now.as_secs() as i64)
            .map_err(|error| self.template_failure(error))
    }

    fn template_failure(&self, error: crate::liquid::LiquidError) -> Failure {
        Failure::Template { widget: self.widget().name.clone(), error }
    }

    /// A property as text; `None` where it is not set or renders as nothing.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>, Failure> {
        let Some(template) = self.widget().properties.text(name) else { return Ok(None) };
        let text = self.render(template)?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        check_length(&self.widget().name, name, text).map(Some)
    }

    /// A property that must have a text.
    pub(super) fn required_text(&self, name: &'static str) -> Result<String, Failure> {
        self.text(name)?.ok_or_else(|| self.property_error(name, "empty", "a text"))
    }

    /// A property as a whole number. What renders as something else is left out, so that the
    /// carrier's default holds, as for a property that is not set.
    pub(super) fn number(&self, name: &'static str) -> Result<Option<u32>, Failure> {
        Ok(self.text(name)?.and_then(|text| text.trim().parse().ok()))
    }

    /// A property as `true` or `false`.
    pub(super) fn flag(&self, name: &'static str) -> Result<Option<bool>, Failure> {
        Ok(self.text(name)?.and_then(|text| text.trim().to_ascii_lowercase().parse().ok()))
    }

    /// A list of keys and values, rendered.
    pub(super) fn pairs(&self, name: &'static str) -> Result<Params, Failure> {
        let mut params = Params::default();
        for Pair { key, value, .. } in self.widget().properties.pairs(name) {
            params.push(&self.render(key)?, &self.render(value)?);
        }
        Ok(params)
    }

    /// Says that a property will not do.
    pub(super) fn property_error(
        &self,
        property: &'static str,
        found: &'static str,
        expected: &'static str,
    ) -> Failure {
        Failure::Property { widget: self.widget().name.clone(), property, found, expected }
    }

    /// Sets `widgets.NAME.KEY`.
    pub(super) fn set(&mut self, key: &str, value: impl Into<Value>) {
        let widget = self.widget().name.as_str();
        self.execution.frame_mut().output_mut(widget).insert(key.to_owned(), value.into());
    }

    /// Sets `widgets.NAME.*` to what a webhook brought.
    pub(super) fn set_all(&mut self, params: &Params) {
        let widget = self.widget().name.as_str();
        let output = self.execution.frame_mut().output_mut(widget);
        output.extend(params.iter().map(|(name, value)| (name.to_owned(), value.into())));
    }

    /// Sets `widgets.NAME.*` to a resource of the carrier's.
    pub(super) fn set_resource(&mut self, resource: Map<String, Value>) {
        let widget = self.widget().name.as_str();
        self.execution.frame_mut().output_mut(widget).extend(resource);
    }

    /// Refuses what only a call can do.
    pub(super) fn require_call(&self) -> Result<(), Failure> {
        if self.execution.channel == Channel::Voice && self.turn.answering {
            return Ok(());
        }
        Err(Failure::Channel {
            widget: self.widget().name.clone(),
            expected: "a call",
            found: "none that could hear it",
        })
    }

    /// The document of this turn.
    pub(super) fn document(&mut self) -> &mut TwimlWriter {
        self.execution.document.get_or_insert_with(TwimlWriter::response)
    }

    /// Answers, and waits for the carrier to come back.
    pub(super) fn wait(&self, after_seconds: Option<u64>) -> Next {
        Next::wait(self.new_wait(after_seconds, false))
    }

    fn new_wait(&self, after_seconds: Option<u64>, handed_over: bool) -> Wait {
        let due = after_seconds.map(|seconds| self.turn.now + Duration::from_secs(seconds));
        Wait { token: self.turn.token.clone(), due, handed_over, pending: None }
    }

    /// Somebody else's TwiML has the call from here on, until it gives it back.
    pub(super) fn hand_over(&mut self, document: Option<Bytes>, after: Option<u64>) -> Next {
        Next::Reply { document, then: AfterReply::Wait(self.new_wait(after, true)) }
    }

    /// Ends a document with the way back to us, for when the verbs before it are through.
    pub(super) fn add_redirect_back(&mut self) {
        let turn = self.turn;
        self.document().add(&Redirect { url: &turn.action, method: Some("POST") });
    }

    /// Goes on with an event when what the document says has been heard. Where nothing is wired to
    /// it, the carrier hangs up behind it, and nobody has to come back.
    pub(super) fn continue_after_document(&mut self, event: &'static str) -> Next {
        if self.execution.frames.len() == 1 && self.widget().next(event).is_none() {
            return Next::event(event);
        }
        self.add_redirect_back();
        self.wait(None)
    }
}
