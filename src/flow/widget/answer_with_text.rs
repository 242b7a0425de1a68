//! `answer-with-text`: the answer of a route in the short form that has no `success` document.
//!
//! As the carrier does with `text/plain` of a webhook, it sends the text as a message or speaks it.
//! JSON goes back as it is where the webhook is of neither a call nor a message. Other bodies are
//! not an answer, and a finding says so. Only the short form has this widget; a flow file cannot
//! name it.

use serde_json::Value;

use super::{Next, Requirement, WidgetType};
use crate::channel::Channel;
use crate::flow::context::WidgetContext;
use crate::flow::execution::FlowWarning;
use crate::flow::failure::Failure;
use crate::flow::properties::{Callee, Property, PropertyKind};
use crate::function::is_response;
use crate::limits::{DOCUMENT_BYTES_MAX, MESSAGE_CHARACTERS_MAX, SAY_BYTES_MAX};
use crate::media_type::{essence, is_json};
use crate::twiml::TwimlWriter;
use crate::twiml::read::{DocumentLimits, check_document};
use crate::twiml::verb::{Message, Say};

pub(super) const TYPE: WidgetType = WidgetType {
    name: "answer-with-text",
    events: &["next", "failed"],
    failure: Some("failed"),
    // The function whose answer it is.
    properties: &[Property::required("url", PropertyKind::Callee)],
    exactly_one_of: &[],
    requirement: Requirement::Nothing,
    enter,
    resume: super::never_resume,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    let function = match &context.widget().properties.callee {
        Some(Callee::Function { function, .. }) => function.name.clone(),
        _ => return Ok(Next::End),
    };
    let output = context.execution.frame().widgets.get(&function);
    let text = |name| output.and_then(|output| output.get(name)).and_then(Value::as_str);
    let (body, content_type) = (text("body"), text("content_type").unwrap_or_default());
    let body = body.unwrap_or_default();
    // Nothing was answered, or the carrier reports an event, and discards every answer.
    if body.trim().is_empty() || context.execution.frame().trigger.is_status_report() {
        return Ok(Next::End);
    }
    if essence(content_type).eq_ignore_ascii_case("application/json")
        && is_json_answer(body)
        && context.execution.frame().trigger.takes_json()
    {
        return Ok(Next::last(body.trim().to_owned().into()));
    }
    if !essence(content_type).eq_ignore_ascii_case("text/plain") {
        let finding = describe_other(&function, content_type);
        context.execution.warn(finding);
        return Ok(Next::End);
    }
    let body = body.to_owned();
    let is_twiml = is_response(body.as_bytes());
    // The carrier runs it as TwiML, and a caller must not hear markup.
    let runs_as_twiml = is_twiml && context.execution.channel == Channel::Voice;
    let document = match context.execution.channel {
        _ if runs_as_twiml => body,
        Channel::Voice => speak(&body),
        Channel::Message => {
            if is_twiml {
                context.execution.warn(format!(
                    "function `{function}` answered with TwiML as `text/plain`, which is sent as \
                     text, as the carrier does; expected `Content-Type: text/xml`"
                ));
            }
            send(&body)
        }
    };
    let read =
        check_document(document.as_bytes(), context.execution.channel, &DocumentLimits::default());
    let read = read.map_err(|error| Failure::Twiml { function, error })?;
    context.execution.warnings.extend(read.findings.into_iter().map(FlowWarning::Finding));
    context.execution.answers_with_text = !runs_as_twiml;
    Ok(Next::last(document.into()))
}

/// Whether a body that was read as JSON can be an answer. The listener distinguishes it from a
/// document by its first byte.
fn is_json_answer(body: &str) -> bool {
    body.trim_start().starts_with(['{', '[']) && body.len() <= DOCUMENT_BYTES_MAX
}

/// The finding about a body that is neither TwiML nor text.
fn describe_other(function: &str, content_type: &str) -> String {
    let answered = match essence(content_type) {
        "" => "a body without a `Content-Type`".to_owned(),
        essence => format!("`{essence}`"),
    };
    let reason = if is_json(content_type) {
        "the route has no `success` document that would render it"
    } else {
        "only TwiML and `text/plain` are answers without a `success` document"
    };
    format!("function `{function}` answered with {answered}, and {reason}: an empty answer")
}

/// A document that speaks a text.
fn speak(text: &str) -> String {
    let mut writer = TwimlWriter::response();
    for text in split_text(text, SAY_BYTES_MAX, char::len_utf8) {
        writer.add(&Say { text, voice: None, language: None, times: None });
    }
    writer.finish().into_string()
}

/// A document that sends a text: a long one as several messages, because the carrier refuses it.
fn send(text: &str) -> String {
    let mut writer = TwimlWriter::response();
    // As UTF-16, in which the carrier counts an emoji as two.
    for text in split_text(text, MESSAGE_CHARACTERS_MAX, char::len_utf16) {
        writer.add(&Message {
            text,
            to: None,
            from: None,
            action: None,
            method: None,
            status_callback: None,
        });
    }
    writer.finish().into_string()
}

/// Divides a text into parts of at most `most` units, if possible between two words.
fn split_text(mut text: &str, most: usize, length: fn(char) -> usize) -> Vec<&str> {
    let mut parts = Vec::new();
    loop {
        let (mut units, mut space) = (0, None);
        let end = text.char_indices().find_map(|(at, character)| {
            if character.is_whitespace() {
                space = Some(at);
            }
            units += length(character);
            (units > most).then_some(at)
        });
        let Some(end) = end else {
            parts.push(text);
            return parts;
        };
        // A part of spaces alone would be an empty message.
        let end = space.filter(|at| !text[..*at].trim().is_empty()).unwrap_or(end);
        parts.push(&text[..end]);
        text = text[end..].trim_start();
        if text.is_empty() {
            return parts;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_divided_between_words() {
        let split = |text| split_text(text, 5, char::len_utf16);
        assert_eq!(split("a b c"), ["a b c"]);
        assert_eq!(split("hello world"), ["hello", "world"]);
        assert_eq!(split("ab cd ef"), ["ab cd", "ef"]);
        assert_eq!(split("abcdefgh i"), ["abcde", "fgh i"]);
        assert_eq!(split("😀😀😀"), ["😀😀", "😀"]);
        assert_eq!(split("abcde    "), ["abcde"]);
        assert_eq!(split("      a"), ["     ", "a"]);
    }
}
