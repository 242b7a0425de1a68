//! Pending calls: functions that take longer than the carrier waits for a webhook's answer.
//!
//! The caller of the engine reports a slow function as [`Event::Pending`](super::Event::Pending).
//! On the voice channel the reply is the hold document and a redirect, so that the carrier asks
//! again. A message gets its reply at once, and the flow continues when the function has returned.
//! In both cases the next event polls the same call.

use std::sync::Arc;

use actix_web::web::Bytes;

use super::Callee;
use super::context::WidgetContext;
use super::execution::{FlowWarning, Wait};
use super::failure::Failure;
use super::step::{CallTarget, FunctionCall};
use super::widget::{AfterReply, Next};
use crate::channel::Channel;
use crate::limits::{HOLD_LOOK_EVERY, HOLD_TIMES_MAX};
use crate::liquid::Template;
use crate::pending::{PendingCall, hold_document_fault};
use crate::twiml::TwimlWriter;
use crate::twiml::read::{DocumentLimits, check_document};
use crate::twiml::verb::{Pause, Redirect};
use crate::twiml::write::{append, splice};
use crate::webhook::Params;

/// The length of the pause that replaces a hold document which cannot be used.
const SILENCE_SECONDS: u32 = 2;

/// Replies with the hold document, and waits for the pending call.
pub(super) fn wait_for_call(
    context: &mut WidgetContext<'_>,
    mut call: Box<PendingCall>,
    template: Option<&Template>,
) -> Result<Next, Failure> {
    // A call that restarts interrupt is made again each time: the limit ends that.
    call.times += 1;
    if call.times > HOLD_TIMES_MAX {
        return Err(Failure::PendingTooLong { widget: context.widget().name.clone() });
    }
    let (answering, channel) = (context.turn.answering, context.execution.channel);
    let comes_back = answering && channel == Channel::Voice;
    // The carrier sends no second webhook for a message. The function's return ends this wait, and
    // the time ends it if the return is lost with the process.
    let due = (!comes_back).then(|| context.turn.now + HOLD_LOOK_EVERY);
    let token = context.turn.token.clone();
    let wait = Wait { token, due, handed_over: false, pending: Some(call) };
    if !answering {
        return Ok(Next::wait(wait));
    }
    let document = match channel {
        Channel::Voice => build_call_reply(context, template)?,
        Channel::Message => build_message_reply(context, template),
    };
    Ok(Next::Reply { document: Some(document), then: AfterReply::Wait(wait) })
}

/// Asks for the outcome of a pending call again, after any event that ends its wait.
pub(super) fn poll_again(
    context: &mut WidgetContext<'_>,
    pending: Box<PendingCall>,
) -> Result<Next, Failure> {
    match &context.widget().properties.callee {
        Some(Callee::Function { function, .. }) => Ok(Next::CallFunction(FunctionCall {
            target: CallTarget::Function {
                function: Arc::clone(function),
                replaced_url: pending.replaced_url.clone(),
            },
            parameters: Params::clone(&pending.parameters),
            content: pending.content.clone(),
            pending: Some(pending),
        })),
        // A changed configuration has no function for this widget any more: it begins again.
        _ => context.widget().enter(context),
    }
}

/// Builds the reply to a call: the document so far, the hold document, and a redirect to the route.
fn build_call_reply(
    context: &mut WidgetContext<'_>,
    template: Option<&Template>,
) -> Result<Bytes, Failure> {
    let document = template.map(|template| render_hold_document(context, template));
    let document = match document {
        Some(Ok(document)) => document,
        None => silent_document(),
        Some(Err(fault)) => {
            let text = format!("the hold document {fault}; silence instead");
            context.execution.warnings.push(FlowWarning::Defect(text));
            silent_document()
        }
    };
    let mut redirect = TwimlWriter::response();
    redirect.add(&Redirect { url: &context.turn.action, method: Some("POST") });
    let document = append(&document, redirect);
    let document = match context.execution.document.take() {
        Some(before) => splice(before, &document),
        None => document,
    };
    // Each of the three parts is valid; together they may exceed the carrier's limit of size.
    match check_document(&document, Channel::Voice, &DocumentLimits::default()) {
        Ok(_) => Ok(document),
        Err(error) => Err(Failure::Document { widget: context.widget().name.clone(), error }),
    }
}

/// Renders the hold document, and checks that the carrier plays it and then returns.
///
/// # Errors
/// The fault of the document.
fn render_hold_document(context: &WidgetContext<'_>, template: &Template) -> Result<Bytes, String> {
    let document = context.render_document(template).map_err(|failure| failure.to_string())?;
    match hold_document_fault(document.as_bytes(), Channel::Voice) {
        Some(fault) => Err(fault),
        None => Ok(document.into()),
    }
}

// An empty document would make the carrier ask again at once, in a loop without a pause.
fn silent_document() -> Bytes {
    let mut writer = TwimlWriter::response();
    writer.add(&Pause { seconds: Some(SILENCE_SECONDS) });
    writer.finish().into_string().into()
}

/// Builds the reply to a message: the document so far, and the hold document.
fn build_message_reply(context: &mut WidgetContext<'_>, template: Option<&Template>) -> Bytes {
    let document = template.and_then(|template| context.render_document(template).ok());
    let fit =
        |document: &String| hold_document_fault(document.as_bytes(), Channel::Message).is_none();
    // One hold document may serve both channels. One for calls is left out here, without a
    // warning.
    let document = document.filter(fit).unwrap_or_else(|| "<Response/>".to_owned());
    match context.execution.document.take() {
        Some(before) => splice(before, document.as_bytes()),
        None => document.into(),
    }
}
