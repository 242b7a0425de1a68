//! A number of the carrier, with its webhooks: the resource `IncomingPhoneNumbers` of its REST API.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::carrier_api::{ApiCaller, get_resource, send_request};
use crate::channel::Channel;
use crate::clock;
use crate::config::Account;
use crate::flow::{CarrierRequest, CarrierRequestError, CarrierService};
use crate::function::Functions;
use crate::limits::CARRIER_WITHIN;
use crate::random;
use crate::webhook::Params;

/// Where the carrier sends the webhooks of one channel. Empty: nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NumberWebhook {
    pub(crate) url: String,
    pub(crate) method: String,
}

/// A number of an account, as the API has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CarrierNumber {
    pub(crate) sid: String,
    pub(crate) number: String,
    pub(crate) account: String,
    calls: NumberWebhook,
    messages: NumberWebhook,
    /// What takes the calls in place of the webhook, if something does.
    calls_elsewhere: Option<String>,
    messages_elsewhere: Option<String>,
}

/// The carrier's API, for the numbers of some accounts.
pub(crate) struct NumberApi {
    pub(crate) functions: Functions,
    pub(crate) accounts: Vec<Arc<Account>>,
}

/// The reason why a number cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NumberError {
    /// No account of the configuration has credentials.
    #[error("`--number` needs an `[[account]]` with `auth_tokens`")]
    NoAccount,
    /// None of the accounts has the number.
    #[error(
        "`{number}` is not a number of {accounts}: the console lists the numbers of an account"
    )]
    UnknownNumber { number: String, accounts: String },
    /// The carrier does not accept the credentials.
    #[error(
        "the carrier refuses the credentials of {account} (Twilio 20003): is its token, the first \
         of `auth_tokens`, still valid?"
    )]
    Credentials { account: String },
    /// The API answered something else.
    #[error("{account}: {error}")]
    Api { account: String, error: CarrierRequestError },
    /// The answer is not the documented resource.
    #[error("{account}: the carrier's API answered without a list of numbers")]
    Unreadable { account: String },
}

// === impl NumberWebhook ===

impl NumberWebhook {
    /// A webhook by POST, as the gateway's routes take it.
    pub(crate) fn post(url: String) -> NumberWebhook {
        NumberWebhook { url, method: "POST".to_owned() }
    }
}

impl std::fmt::Display for NumberWebhook {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.url.as_str() {
            "" => formatter.write_str("nothing"),
            url => write!(formatter, "{url} ({})", self.method),
        }
    }
}

// === impl CarrierNumber ===

impl CarrierNumber {
    /// The webhook of a channel.
    pub(crate) fn webhook(&self, channel: Channel) -> &NumberWebhook {
        match channel {
            Channel::Voice => &self.calls,
            Channel::Message => &self.messages,
        }
    }

    /// What takes the calls or messages in place of the webhook, so that its URL has no effect.
    pub(crate) fn elsewhere(&self, channel: Channel) -> Option<&str> {
        match channel {
            Channel::Voice => self.calls_elsewhere.as_deref(),
            Channel::Message => self.messages_elsewhere.as_deref(),
        }
    }

    /// Reads the resource.
    fn of_resource(account: &str, resource: &Map<String, Value>) -> Option<CarrierNumber> {
        let text = |name: &str| resource.get(name).and_then(Value::as_str).unwrap_or_default();
        let webhook = |url: &str, method: &str| NumberWebhook {
            url: text(url).to_owned(),
            method: text(method).to_owned(),
        };
        let named = |name: &str, words: &str| {
            Some(text(name)).filter(|sid| !sid.is_empty()).map(|sid| format!("{words} {sid}"))
        };
        let lacks = |name: &str, words: &str| {
            let is_capable = resource.get("capabilities").and_then(|it| it.get(name));
            (is_capable.and_then(Value::as_bool) == Some(false)).then(|| words.to_owned())
        };
        let calls_elsewhere = named("trunk_sid", "the SIP trunk")
            .or_else(|| named("voice_application_sid", "the application"))
            .or_else(|| lacks("voice", "nothing: it is not a number for calls"));
        let messages_elsewhere = named("sms_application_sid", "the application")
            .or_else(|| lacks("sms", "nothing: it is not a number for messages"));
        Some(CarrierNumber {
            sid: Some(text("sid")).filter(|sid| !sid.is_empty())?.to_owned(),
            number: text("phone_number").to_owned(),
            account: account.to_owned(),
            calls: webhook("voice_url", "voice_method"),
            messages: webhook("sms_url", "sms_method"),
            calls_elsewhere,
            messages_elsewhere,
        })
    }
}

// === impl NumberApi ===

impl NumberApi {
    /// Finds a number among those of all accounts.
    ///
    /// # Errors
    /// No account has it, or the API did not say.
    pub(crate) async fn find(&self, number: &str) -> Result<CarrierNumber, NumberError> {
        let mut asked = Vec::new();
        let mut failed = None;
        for account in self.accounts.iter().filter(|account| !account.auth_tokens.is_empty()) {
            match self.find_in(account, number).await {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => asked.push(account.sid.as_str()),
                // The number may belong to the next account.
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        Err(match failed {
            Some(error) => error,
            None if asked.is_empty() => NumberError::NoAccount,
            None => {
                let number = number.to_owned();
                NumberError::UnknownNumber { number, accounts: asked.join(", ") }
            }
        })
    }

    async fn find_in(
        &self,
        account: &Arc<Account>,
        number: &str,
    ) -> Result<Option<CarrierNumber>, NumberError> {
        let mut form = Params::default();
        form.push("PhoneNumber", number);
        let path = "/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json".to_owned();
        let request = CarrierRequest { service: CarrierService::Api, path, form };
        let result = get_resource(self.caller(account, ""), &request).await;
        let list = match result {
            Ok(list) => list,
            Err(error) => return not_found_as_none(account, error),
        };
        let numbers = list.get("incoming_phone_numbers").and_then(Value::as_array);
        let unreadable = || NumberError::Unreadable { account: account.sid.clone() };
        let numbers = numbers.ok_or_else(unreadable)?.iter().filter_map(Value::as_object);
        let mut numbers = numbers.filter_map(|it| CarrierNumber::of_resource(&account.sid, it));
        // The parameter is a pattern: the list may have longer numbers, too.
        Ok(numbers.find(|found| found.number == number))
    }

    /// Sets the webhooks of some channels, all of them in one request.
    ///
    /// # Errors
    /// The API refused it, or did not answer: then it may have been carried out.
    pub(crate) async fn change(
        &self,
        number: &CarrierNumber,
        webhooks: &[(Channel, NumberWebhook)],
    ) -> Result<(), NumberError> {
        let account = self.accounts.iter().find(|account| account.sid == number.account);
        let account = account.ok_or(NumberError::NoAccount)?;
        let mut form = Params::default();
        for (channel, webhook) in webhooks {
            let (url, method) = match channel {
                Channel::Voice => ("VoiceUrl", "VoiceMethod"),
                Channel::Message => ("SmsUrl", "SmsMethod"),
            };
            form.push(url, &webhook.url);
            // A number without a webhook may have no method, and the API takes no empty one.
            if !webhook.method.is_empty() {
                form.push(method, &webhook.method);
            }
        }
        let path =
            format!("/2010-04-01/Accounts/{{account}}/IncomingPhoneNumbers/{}.json", number.sid);
        let request = CarrierRequest { service: CarrierService::Api, path, form };
        let key = random::sid("");
        let changed = send_request(self.caller(account, &key), &request).await;
        changed.map(drop).map_err(|error| NumberError::of_api(account, error))
    }

    fn caller<'a>(&'a self, account: &'a Arc<Account>, key: &'a str) -> ApiCaller<'a> {
        ApiCaller {
            functions: &self.functions,
            account: Some(account),
            idempotency_key: key,
            deadline: clock::now() + CARRIER_WITHIN,
        }
    }
}

// === impl NumberError ===

impl NumberError {
    fn of_api(account: &Account, error: CarrierRequestError) -> NumberError {
        let account = account.sid.clone();
        match error {
            CarrierRequestError::Refused { status: 401 | 403, .. } => {
                NumberError::Credentials { account }
            }
            error => NumberError::Api { account, error },
        }
    }

    /// Whether the carrier has refused the request, so that it was not carried out.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            NumberError::Api { error: CarrierRequestError::Refused { status, .. }, .. } => {
                *status < 500
            }
            NumberError::Api { .. } => false,
            _ => true,
        }
    }
}

/// An account that the API does not know has no numbers.
fn not_found_as_none(
    account: &Account,
    error: CarrierRequestError,
) -> Result<Option<CarrierNumber>, NumberError> {
    match error {
        CarrierRequestError::Refused { status: 404, .. } => Ok(None),
        error => Err(NumberError::of_api(account, error)),
    }
}
