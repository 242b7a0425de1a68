//! Sends the replies of a document over the carrier's API, where no webhook waits for them.

use super::turn_runner::TurnRunner;
use crate::carrier_api;
use crate::flow::{CarrierRequest, CarrierService, Execution};
use crate::journal::ExchangeLog;
use crate::limits::MESSAGES_PER_REPLY_MAX;
use crate::twiml::read::{DocumentLimits, Element, parse_document};
use crate::webhook::Params;

impl TurnRunner<'_> {
    /// Sends each `<Message>` of a document. Other verbs need a webhook, and are logged.
    pub(super) async fn send_replies(
        &self,
        execution: &Execution,
        document: &[u8],
        log: &mut ExchangeLog,
    ) {
        let root = match parse_document(document, &DocumentLimits::default()) {
            Ok(root) => root,
            Err(error) => return log.note(&format!("nothing is sent: {error}")),
        };
        let mut sent = 0;
        for verb in root.children() {
            let reply = matches!(verb.name.as_str(), "Message" | "Sms");
            if !reply || sent >= MESSAGES_PER_REPLY_MAX {
                let what = if reply { "one reply more than may be" } else { verb.name.as_str() };
                log.note(&format!("not sent, as no webhook is being answered: {what}"));
                continue;
            }
            sent += 1;
            let send = message(execution, verb);
            // The same key when this turn runs again after a crash: the carrier may see it twice.
            let key = format!("{}:{}:{sent}", self.key, execution.steps);
            let result = carrier_api::send_request(self.api_caller(&key), &send).await;
            log.record_carrier_request(&send, &result);
            if let Err(error) = result {
                log.note(&format!("a reply is not sent: {error}"));
            }
        }
    }
}

/// The request that sends a `<Message>`.
fn message(execution: &Execution, verb: &Element) -> CarrierRequest {
    let (body, media) = verb.message();
    let or = |name: &str, usual: &str| verb.attribute(name).unwrap_or(usual).to_owned();
    let mut form = Params::default();
    form.push("From", &or("from", &execution.address));
    form.push("To", &or("to", &execution.contact));
    if !body.is_empty() {
        form.push("Body", &body);
    }
    media.iter().for_each(|url| form.push("MediaUrl", url));
    // A relative URL refers to a webhook, and there is none.
    let callback = verb.attribute("statusCallback").filter(|url| url.contains("://"));
    if let Some(url) = callback {
        form.push("StatusCallback", url);
    }
    let path = "/2010-04-01/Accounts/{account}/Messages.json".to_owned();
    CarrierRequest { service: CarrierService::Api, path, form }
}
