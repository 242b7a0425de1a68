//! `capture-payments`: asks the caller for a card or a bank account. The carrier passes the numbers
//! to the payment provider; neither the gateway nor the flow receives them.
//!
//! ```json
//! {"name": "pay", "type": "capture-payments",
//!  "transitions": [{"event": "success", "next": "thanks"}, {"event": "maxFailedAttempts"},
//!    {"event": "providerError"}, {"event": "payInterrupted"}, {"event": "hangup"},
//!    {"event": "validationError"}],
//!  "properties": {"payment_connector": "Default", "payment_amount": "10.00", "currency": "usd",
//!    "payment_token_type": "one-time", "payment_method": "CREDIT_CARD", "security_code": true}}
//! ```

use super::{Next, Requirement, WidgetType};
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};
use crate::flow::step::Event;
use crate::json::parse_texts;
use crate::twiml::verb::{Parameter, Pay};

pub(super) const TYPE: WidgetType = WidgetType {
    name: "capture-payments",
    events: &[
        "success",
        "maxFailedAttempts",
        "providerError",
        "payInterrupted",
        "hangup",
        "validationError",
    ],
    failure: Some("validationError"),
    properties: &[
        Property::new("payment_connector", PropertyKind::Name),
        Property::new("payment_amount", PropertyKind::Text),
        Property::new("currency", PropertyKind::Text),
        Property::new("payment_token_type", PropertyKind::Choice(&["one-time", "reusable"])),
        Property::new("payment_method", PropertyKind::Choice(&["CREDIT_CARD", "ACH_DEBIT"])),
        Property::new("bank_account_type", PropertyKind::Text),
        Property::new("valid_card_types", PropertyKind::Json),
        Property::new("timeout", PropertyKind::Integer(0, 600)),
        Property::new("max_attempts", PropertyKind::Integer(1, 10)),
        Property::new("security_code", PropertyKind::Flag),
        Property::new("postal_code", PropertyKind::Text),
        Property::new("min_postal_code_length", PropertyKind::Integer(0, 20)),
        Property::new("language", PropertyKind::Text),
        Property::new("description", PropertyKind::Text),
        Property::new("parameters", PropertyKind::Pairs),
    ],
    exactly_one_of: &[],
    requirement: Requirement::Nothing,
    enter,
    resume,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    context.require_call()?;
    let text = |name| context.text(name);
    let (connector, amount) = (text("payment_connector")?, text("payment_amount")?);
    let (currency, token) = (text("currency")?, text("payment_token_type")?);
    let (postal_code, language) = (text("postal_code")?, text("language")?);
    let (description, account) = (text("description")?, text("bank_account_type")?);
    let method = text("payment_method")?.map(|method| match method.as_str() {
        "ACH_DEBIT" => "ach-debit",
        // TwiML's default, for any other text that Liquid renders.
        _ => "credit-card",
    });
    // Studio has a JSON list (`["VISA"]`), TwiML a text with spaces (`visa`).
    let cards = text("valid_card_types")?
        .and_then(|json| Some(parse_texts(&json)?.join(" ").to_lowercase().replace('_', "-")));
    let parameters = context.pairs("parameters")?;
    let turn = context.turn;
    let pay = Pay {
        action: Some(&turn.action),
        payment_connector: connector.as_deref(),
        charge_amount: amount.as_deref(),
        currency: currency.as_deref(),
        token_type: token.as_deref(),
        payment_method: method,
        bank_account_type: account.as_deref(),
        valid_card_types: cards.as_deref(),
        timeout_seconds: context.number("timeout")?,
        max_attempts: context.number("max_attempts")?,
        security_code: context.flag("security_code")?,
        postal_code: postal_code.as_deref(),
        min_postal_code_length: context.number("min_postal_code_length")?,
        language: language.as_deref(),
        description: description.as_deref(),
        ..Pay::default()
    };
    context.document().nest(&pay, |inside| {
        for (name, value) in parameters.iter() {
            inside.add(&Parameter { name: Some(name), value: Some(value) });
        }
    });
    Ok(context.wait(None))
}

fn resume(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    let Event::Webhook(params) = event else { return Ok(Next::event("providerError")) };
    context.set_all(&params);
    Ok(Next::event(match params.get("Result").unwrap_or_default() {
        "success" => "success",
        "too-many-failed-attempts" => "maxFailedAttempts",
        "caller-interrupted-with-star" => "payInterrupted",
        "caller-hung-up" => "hangup",
        "validation-error" => "validationError",
        // Every other result is an error of the payment connector.
        _ => "providerError",
    }))
}
