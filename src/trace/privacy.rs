//! What a trace never contains: the values that the carrier or the configuration calls secret.

use serde_json::Value;

use super::TraceEntry;
use crate::secret::Secret;

/// Parameters of payments. PCI DSS forbids to store them.
const PAYMENT_PARAMETERS: [&str; 7] = [
    "PaymentCardNumber",
    "SecurityCode",
    "ExpirationDate",
    "PaymentCardPostalCode",
    "BankAccountNumber",
    "BankRoutingNumber",
    "PaymentToken",
];

/// What stands in place of a value that is not stored.
const REMOVED: &str = "(not stored)";

/// The rules of a configuration.
#[derive(Debug, Default)]
pub(super) struct TracePrivacy {
    /// Names of parameters, and of members of JSON, whose values are not stored.
    pub(super) never: Vec<String>,
    /// Values that are not stored wherever they stand.
    pub(super) secrets: Vec<Secret>,
}

impl TracePrivacy {
    /// Removes what must not be stored.
    pub(super) fn apply(&self, entry: &mut TraceEntry) {
        let mut removed: Vec<String> =
            self.secrets.iter().map(|secret| secret.expose().to_owned()).collect();
        self.clean_pairs(&mut entry.parameters, &mut removed);
        for call in &mut entry.calls {
            self.clean_pairs(&mut call.parameters, &mut removed);
            if let Ok(mut body) = serde_json::from_str::<Value>(&call.body)
                && self.clean_json(&mut body, &mut removed)
            {
                call.body = body.to_string();
            }
        }
        for request in &mut entry.carrier_requests {
            self.clean_pairs(&mut request.parameters, &mut removed);
        }
        for transition in &mut entry.transitions {
            self.clean_json(&mut transition.output, &mut removed);
        }
        // A value that was removed in one place may be repeated in a text.
        removed.retain(|value| value.len() >= 3);
        let replace = |text: &mut String| {
            for value in &removed {
                if text.contains(value.as_str()) {
                    *text = text.replace(value.as_str(), REMOVED);
                }
            }
        };
        let pairs = std::iter::once(&mut entry.parameters)
            .chain(entry.calls.iter_mut().map(|call| &mut call.parameters))
            .chain(entry.carrier_requests.iter_mut().map(|request| &mut request.parameters));
        pairs.flatten().for_each(|(_, value)| replace(value));
        let outputs = entry.transitions.iter_mut().map(|transition| &mut transition.output);
        outputs.for_each(|output| replace_texts(output, &replace));
        let bodies = entry.calls.iter_mut().map(|call| &mut call.body);
        let texts = bodies.chain(&mut entry.reason).chain(&mut entry.findings);
        texts.chain([&mut entry.document]).for_each(replace);
    }

    fn is_never(&self, name: &str) -> bool {
        PAYMENT_PARAMETERS.contains(&name) || self.never.iter().any(|never| never == name)
    }

    fn clean_pairs(&self, pairs: &mut [(String, String)], removed: &mut Vec<String>) {
        for (name, value) in pairs {
            if self.is_never(name) && !value.is_empty() {
                removed.push(std::mem::replace(value, REMOVED.to_owned()));
            }
        }
    }

    /// Returns whether anything was removed.
    fn clean_json(&self, value: &mut Value, removed: &mut Vec<String>) -> bool {
        match value {
            Value::Array(items) => {
                items.iter_mut().fold(false, |any, item| self.clean_json(item, removed) | any)
            }
            Value::Object(members) => {
                let mut any = false;
                for (name, member) in members {
                    if !self.is_never(name) {
                        any |= self.clean_json(member, removed);
                        continue;
                    }
                    if let Some(text) = member.as_str() {
                        removed.push(text.to_owned());
                    }
                    *member = REMOVED.into();
                    any = true;
                }
                any
            }
            _ => false,
        }
    }
}

/// Replaces every text of a JSON value.
fn replace_texts(value: &mut Value, replace: &impl Fn(&mut String)) {
    match value {
        Value::String(text) => replace(text),
        Value::Array(items) => items.iter_mut().for_each(|item| replace_texts(item, replace)),
        Value::Object(members) => {
            members.values_mut().for_each(|member| replace_texts(member, replace));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::{TraceCall, TraceTransition};
    use super::*;

    #[test]
    fn what_is_never_stored_is_nowhere() {
        let privacy = TracePrivacy {
            never: vec!["Digits".to_owned(), "ssn".to_owned()],
            secrets: vec![Secret::new("the token".to_owned())],
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut entry = TraceEntry {
            parameters: vec![
                pair("Digits", "98765"),
                pair("PaymentCardNumber", "4111111111111111"),
            ],
            document: "<Say>You typed 98765</Say>".to_owned(),
            reason: Some("the token was refused".to_owned()),
            calls: vec![TraceCall {
                parameters: vec![pair("pin", "98765")],
                body: r#"{"person": {"ssn": "078-05-1120"}, "again": "078-05-1120"}"#.to_owned(),
                ..TraceCall::default()
            }],
            transitions: vec![TraceTransition {
                output: serde_json::json!({ "Digits": "98765", "body": ["pin 98765"] }),
                ..TraceTransition::default()
            }],
            ..TraceEntry::default()
        };
        privacy.apply(&mut entry);
        let stored = serde_json::to_string(&entry).unwrap();
        for value in ["98765", "4111111111111111", "078-05-1120", "the token"] {
            assert!(!stored.contains(value), "{value}: {stored}");
        }
    }
}
