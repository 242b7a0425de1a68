//! A caller is kept company while a function is at work: what he hears, and how it goes on.
//!
//! Whoever runs the engine says that a function is slow ([`Event::Pending`](super::Event::Pending)). A
//! call hears the hold document and comes back; a message is answered at once, and the flow goes on
//! when the outcome is there. Either way the next event asks for the same call again.

use std::sync::Arc;

use actix_web::web::Bytes;

use super::Callee;
use super::context::WidgetContext;
use super::execution::Wait;
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

/// What a caller hears where the hold document will not do: two seconds of nothing.
const SILENCE_SECONDS: u32 = 2;

/// The function is slow: the caller is held, and the execution waits.
pub(super) fn wait_for_call(
    context: &mut WidgetContext<'_>,
    mut call: Box<PendingCall>,
    template: Option<&Template>,
) -> Result<Next, Failure> {
    call.times += 1;
    if call.times > HOLD_TIMES_MAX {
        return Err(Failure::PendingTooLong { widget: context.widget().name.clone() });
    }
    let (answering, channel) = (context.turn.answering, context.execution.channel);
    let comes_back = answering && channel == Channel::Voice;
    // Nobody comes back for a message: when the outcome is lost, the time brings the flow on.
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

/// Something has come that ends the wait for a held call: its outcome is asked for again.
pub(super) fn poll_again(
    context: &mut WidgetContext<'_>,
    pending: Box<PendingCall>,
) -> Result<Next, Failure> {
    match &context.widget().properties.callee {
        Some(Callee::Function(function)) => Ok(Next::CallFunction(FunctionCall {
            target: CallTarget::Function(Arc::clone(function)),
            parameters: Params::clone(&pending.parameters),
            body: None,
            with_credentials: false,
            pending: Some(pending),
        })),
        // Another configuration has another widget here.
        _ => context.widget().enter(context),
    }
}

/// What a caller hears: what the flow said before, the hold document, and the way back to us.
fn build_call_reply(
    context: &mut WidgetContext<'_>,
    template: Option<&Template>,
) -> Result<Bytes, Failure> {
    let document = template.map(|template| render_hold_document(context, template));
    let document = match document {
        Some(Ok(document)) => document,
        None => silent_document(),
        Some(Err(fault)) => {
            context.execution.warn(format!("the hold document {fault}; silence instead"));
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
    // Each of the three is fit; only together they may be too large.
    match check_document(&document, Channel::Voice, &DocumentLimits::default()) {
        Ok(_) => Ok(document),
        Err(error) => Err(Failure::Document { widget: context.widget().name.clone(), error }),
    }
}

/// The hold document, if it can keep a call company.
fn render_hold_document(context: &WidgetContext<'_>, template: &Template) -> Result<Bytes, String> {
    let document = context.render(template).map_err(|failure| failure.to_string())?;
    match hold_document_fault(document.as_bytes(), Channel::Voice) {
        Some(fault) => Err(fault),
        None => Ok(document.into()),
    }
}

fn silent_document() -> Bytes {
    let mut writer = TwimlWriter::response();
    writer.add(&Pause { seconds: Some(SILENCE_SECONDS) });
    writer.finish().into_string().into()
}

/// The answer to a message: what the flow said before, and the hold document where that is a reply.
/// One that is for calls is not for messages, so it says nothing here.
fn build_message_reply(context: &mut WidgetContext<'_>, template: Option<&Template>) -> Bytes {
    let document = template.and_then(|template| context.render(template).ok());
    let fit =
        |document: &String| hold_document_fault(document.as_bytes(), Channel::Message).is_none();
    let document = document.filter(fit).unwrap_or_else(|| "<Response/>".to_owned());
    match context.execution.document.take() {
        Some(before) => splice(before, document.as_bytes()),
        None => document.into(),
    }
}
