//! The context of a widget: its properties, rendered, its variables, and the document of the turn.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use serde_json::{Map, Value};

use super::definition::{Flow, Transition, Widget};
use super::execution::{Execution, Wait};
use super::failure::Failure;
use super::failure::check_length;
use super::properties::Pair;
use super::scope::Scope;
use super::widget::{AfterReply, Next};
use crate::channel::Channel;
use crate::liquid::{LiquidError, LiquidErrorKind, Template};
use crate::twiml::TwimlWriter;
use crate::twiml::read::SpeechMarkup;
use crate::twiml::verb::Redirect;
use crate::uri::escape_target;
use crate::webhook::{Params, StepToken, Webhook};

/// The input of a turn beside its event. The engine has no clock and draws no random numbers.
#[derive(Clone, Debug)]
pub struct TurnContext {
    /// The time since the Unix epoch.
    pub now: Duration,
    /// A new token, for the wait that may end this turn.
    pub token: StepToken,
    /// The URL of the next webhook, as a reference relative to the document: the query of the
    /// route's URL, then `?step=TOKEN`.
    pub action: String,
    /// The URLs of the flow's routes, for the carrier's API, which accepts absolute URLs alone.
    pub urls: FlowUrls,
    /// Whether the turn answers a webhook. If not, only the carrier's API reaches the contact.
    pub answering: bool,
    /// Whether the execution records its transitions, for the steps of Studio's REST or for a tool.
    pub records_transitions: bool,
}

/// The URLs of the routes of a flow, without a query. A URL is `None` if the flow has no such
/// route, and both are `None` if `server.public_url` is not set.
#[derive(Clone, Debug, Default)]
pub struct FlowUrls {
    /// The URL of the voice route.
    pub voice: Option<Arc<str>>,
    /// The URL of the message route.
    pub message: Option<Arc<str>>,
}

impl TurnContext {
    /// The turn of a flow that never waits, and so needs no token.
    pub(crate) fn without_return(now: Duration) -> TurnContext {
        TurnContext {
            now,
            token: StepToken::default(),
            action: String::new(),
            urls: FlowUrls::default(),
            answering: true,
            records_transitions: false,
        }
    }

    /// A turn that answers a webhook. The next webhook goes to the same URL, with the new token in
    /// place of the former one.
    pub(crate) fn for_webhook(
        now: Duration,
        token: StepToken,
        webhook: &Webhook,
        urls: FlowUrls,
    ) -> TurnContext {
        let is_get = webhook.body.is_empty() && webhook.query == webhook.params;
        // The query of a GET holds the carrier's parameters, which it sends with each request.
        let others = StepToken::strip(&webhook.query).filter(|_| !is_get);
        let action = token.to_query(others);
        TurnContext { now, token, action, urls, answering: true, records_transitions: false }
    }

    /// A turn without a webhook: a wait has ended, or a function has returned late.
    pub(crate) fn without_webhook(now: Duration, token: StepToken, urls: FlowUrls) -> TurnContext {
        let action = token.to_query(std::iter::empty());
        TurnContext { now, token, action, urls, answering: false, records_transitions: false }
    }

    /// The same turn; `records` says whether the execution records its transitions.
    pub(crate) fn recording_transitions(mut self, records: bool) -> TurnContext {
        self.records_transitions = records;
        self
    }

    /// The absolute URL of a channel's route with the token of this turn, for the carrier's API.
    pub(super) fn callback_url(&self, channel: Channel) -> Option<String> {
        let url = match channel {
            Channel::Voice => &self.urls.voice,
            Channel::Message => &self.urls.message,
        };
        url.as_ref().map(|url| format!("{url}{}", self.action))
    }
}

/// The view that one widget has of its flow, its execution and the turn.
#[derive(Debug)]
pub(super) struct WidgetContext<'a> {
    /// The flow of the route.
    pub(super) flow: &'a Flow,
    pub(super) execution: &'a mut Execution,
    pub(super) turn: &'a TurnContext,
    /// The transition of a split, which has several transitions of one event.
    pub(super) chosen: Option<&'a Transition>,
    // Rendering borrows the execution for its variables, so its warnings are collected beside it.
    /// The findings of templates and patterns, for the warnings of the execution.
    pub(super) findings: RefCell<Vec<String>>,
}

// === impl WidgetContext ===

impl<'a> WidgetContext<'a> {
    pub(super) fn new(
        flow: &'a Flow,
        execution: &'a mut Execution,
        turn: &'a TurnContext,
    ) -> WidgetContext<'a> {
        WidgetContext { flow, execution, turn, chosen: None, findings: RefCell::default() }
    }

    /// The running flow: the route's own, or a subflow.
    pub(super) fn current_flow(&self) -> &'a Flow {
        match self.execution.frame().subflow.and_then(|index| self.flow.subflows.get(index)) {
            Some(subflow) => subflow,
            None => self.flow,
        }
    }

    /// Whether the running flow is the route's own. A subflow still has a calling flow to return
    /// to.
    pub(super) fn is_in_main_flow(&self) -> bool {
        self.execution.frames.len() == 1
    }

    /// The widget at the position of the execution.
    pub(super) fn widget(&self) -> &'a Widget {
        self.current_flow().widget(self.execution.frame().position)
    }

    /// Renders a text of the flow. In a flow of Studio's, one that fails is empty.
    pub(super) fn render(&self, template: &Template) -> Result<String, Failure> {
        // Most properties have no Liquid: they need no scope and no run of the template engine.
        if let Some(constant) = template.constant_text() {
            return Ok(constant.to_owned());
        }
        self.render_liquid(template).or_else(|error| self.tolerate(error).map(|()| String::new()))
    }

    /// Renders a template file. One that fails is no document, and never an empty one.
    pub(super) fn render_document(&self, template: &Template) -> Result<String, Failure> {
        self.render_liquid(template).map_err(|error| self.template_failure(error))
    }

    fn render_liquid(&self, template: &Template) -> Result<String, LiquidError> {
        let scope = Scope::new(self.current_flow(), self.execution);
        let mut finding = None;
        let text = template.render_reporting(&scope, self.turn.now.as_secs() as i64, &mut finding);
        self.report_finding(finding);
        text
    }

    /// The value of a template, with its type.
    pub(super) fn evaluate(&self, template: &Template) -> Result<Value, Failure> {
        let scope = Scope::new(self.current_flow(), self.execution);
        let mut finding = None;
        let value = template.evaluate(&scope, self.turn.now.as_secs() as i64, &mut finding);
        self.report_finding(finding);
        value.or_else(|error| self.tolerate(error).map(|()| Value::String(String::new())))
    }

    /// Records an error of Liquid that is not the end of the widget.
    fn tolerate(&self, error: LiquidError) -> Result<(), Failure> {
        // A text that is too long or takes too long is an error in Studio, too.
        if self.current_flow().strict_liquid || error.kind() == LiquidErrorKind::Limit {
            return Err(self.template_failure(error));
        }
        let widget = &self.widget().name;
        self.report(format!(
            "a text of widget `{widget}` cannot be rendered, and is empty: {error} (Twilio 81018)"
        ));
        Ok(())
    }

    fn report_finding(&self, finding: Option<LiquidError>) {
        let Some(finding) = finding else { return };
        self.report(format!("a template of widget `{}` is cut: {finding}", self.widget().name));
    }

    /// Reports a problem with which the flow continues.
    pub(super) fn report(&self, text: String) {
        // The conditions of one split all render the same template: one warning is enough.
        let mut findings = self.findings.borrow_mut();
        if !findings.contains(&text) {
            findings.push(text);
        }
    }

    fn template_failure(&self, error: LiquidError) -> Failure {
        Failure::Template { widget: self.widget().name.clone(), error }
    }

    /// A property as text; `None` if it is not set or renders as white space.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>, Failure> {
        let Some(template) = self.widget().properties.text(name) else { return Ok(None) };
        let mut text = self.render(template)?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        if self.widget().properties.references.contains(&name) {
            let mut rewrites = self.current_flow().rewrites.iter();
            let rewritten = rewrites.find_map(|rewrite| rewrite.apply(text.trim()));
            text = rewritten.unwrap_or(text);
        }
        check_length(&self.widget().name, name, text).map(Some)
    }

    /// The spoken text as speech markup: the author's markup stays, and what variables print is
    /// escaped. `None` if it has no markup, or is not well-formed: then it is spoken as written.
    pub(super) fn speech(&self) -> Result<Option<SpeechMarkup>, Failure> {
        let Some(template) = &self.widget().properties.speech else { return Ok(None) };
        let markup = self.render(template)?;
        Ok(SpeechMarkup::read(&markup).ok())
    }

    /// A property that must not be empty.
    pub(super) fn required_text(&self, name: &'static str) -> Result<String, Failure> {
        self.text(name)?.ok_or_else(|| self.property_error(name, "empty", "a text"))
    }

    /// A property that is a URL. Characters that a URL must not contain are escaped after its host:
    /// the text of a variable may have any.
    pub(super) fn url(&self, name: &'static str) -> Result<Option<String>, Failure> {
        Ok(self.text(name)?.map(|url| escape_target(url.trim()).into_owned()))
    }

    /// A property that is a URL and must not be empty.
    pub(super) fn required_url(&self, name: &'static str) -> Result<String, Failure> {
        self.url(name)?.ok_or_else(|| self.property_error(name, "empty", "a URL"))
    }

    /// A property as a whole number; `None` if it is not set or renders as anything else.
    pub(super) fn number(&self, name: &'static str) -> Result<Option<u32>, Failure> {
        // Data that is not a number counts as not set: the carrier's default applies, and the flow
        // continues.
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

    /// The failure for a property whose value cannot be used.
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

    /// Sets `widgets.NAME.*` to the parameters of a webhook.
    pub(super) fn set_all(&mut self, params: &Params) {
        let widget = self.widget().name.as_str();
        let output = self.execution.frame_mut().output_mut(widget);
        output.extend(params.iter().map(|(name, value)| (name.to_owned(), value.into())));
    }

    /// Sets `widgets.NAME.*` to a resource of the carrier's API.
    pub(super) fn set_resource(&mut self, resource: Map<String, Value>) {
        let widget = self.widget().name.as_str();
        self.execution.frame_mut().output_mut(widget).extend(resource);
    }

    /// Fails unless the turn answers the webhook of a call.
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

    /// Replies, and waits for the carrier's next webhook, for at most `after_seconds`.
    pub(super) fn wait(&self, after_seconds: Option<u64>) -> Next {
        Next::wait(self.new_wait(after_seconds, false))
    }

    fn new_wait(&self, after_seconds: Option<u64>, handed_over: bool) -> Wait {
        let due = after_seconds.map(|seconds| self.turn.now + Duration::from_secs(seconds));
        Wait { token: self.turn.token.clone(), due, handed_over, pending: None }
    }

    /// Replies, and leaves the call to foreign TwiML until it returns the call.
    pub(super) fn hand_over(&mut self, document: Option<Bytes>, after: Option<u64>) -> Next {
        Next::Reply { document, then: AfterReply::Wait(self.new_wait(after, true)) }
    }

    /// Ends the document with a `Redirect` to the route, which the carrier follows after the verbs
    /// before it.
    pub(super) fn add_redirect_back(&mut self) {
        let turn = self.turn;
        self.document().add(&Redirect { url: &turn.action, method: Some("POST") });
    }

    /// Takes the transition of an event once the carrier has played the document.
    pub(super) fn continue_after_document(&mut self, event: &'static str) -> Next {
        // The last widget needs no further webhook: the carrier hangs up at the end of the
        // document.
        if self.is_in_main_flow() && self.widget().next(event).is_none() {
            return Next::event(event);
        }
        self.add_redirect_back();
        self.wait(None)
    }
}
