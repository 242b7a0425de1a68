//! A webhook before it is sent, and the response to it.

use actix_web::http::Method;
use actix_web::web::Bytes;

use super::alert::CarrierAlert;
use super::caller::{PhoneNumber, WebhookFields};
use crate::webhook::Params;

/// A webhook before it is turned into an HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookRequest {
    /// The reason for it: `call`, `message`, `Gather action`, `Redirect`, `status callback`, …
    pub purpose: String,
    /// The absolute URL with its fragment.
    pub url: String,
    /// `POST` or `GET`.
    pub method: Method,
    /// All of its parameters.
    pub params: Params,
    /// The parameters that only this webhook of the call has.
    pub own: Vec<(String, String)>,
    /// Whether the carrier runs the response as a document.
    pub wants_document: bool,
}

/// The response of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppResponse {
    /// The URL after redirects. Relative URLs are resolved against it.
    pub url: String,
    /// The HTTP status.
    pub status: u16,
    /// `Content-Type`, if there is one.
    pub content_type: Option<String>,
    /// The whole body.
    pub body: Bytes,
}

/// The attributes of a verb that name a callback.
#[derive(Clone, Copy)]
pub(super) struct CallbackAttributes {
    pub(super) url: &'static str,
    /// Empty if the verb has no such attribute: the carrier sends a POST then.
    pub(super) method: &'static str,
}

/// The parameters of one webhook, beside those of the whole call.
pub(super) type ParamList = Vec<(String, String)>;

/// A parameter list from constant names.
pub(super) fn param_list<const N: usize>(pairs: [(&str, String); N]) -> ParamList {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The result of a request.
pub(super) type FetchResult = Result<AppResponse, CarrierAlert>;

impl WebhookRequest {
    /// A request with the parameters of its call or message.
    pub(super) fn new(
        purpose: &str,
        url: &str,
        method: Method,
        fields: WebhookFields,
    ) -> WebhookRequest {
        WebhookRequest {
            purpose: purpose.to_owned(),
            url: url.to_owned(),
            method,
            params: fields.0.iter().map(|(name, value)| (name, value)).collect(),
            own: Vec::new(),
            wants_document: true,
        }
    }

    /// The first request of a conversation.
    pub(super) fn initial(
        purpose: &str,
        number: &PhoneNumber,
        fields: WebhookFields,
    ) -> WebhookRequest {
        let method = if number.get { Method::GET } else { Method::POST };
        WebhookRequest::new(purpose, &number.url, method, fields)
    }

    /// The request to the fallback URL of a number after `url` failed; `None` without a fallback.
    pub(super) fn fallback(
        number: &PhoneNumber,
        alert: &CarrierAlert,
        url: &str,
        fields: WebhookFields,
    ) -> Option<WebhookRequest> {
        let request =
            WebhookRequest::new("fallback", number.fallback.as_ref()?, Method::POST, fields);
        // The parameter is always there; 0 for an error without a code.
        let code = alert.code.unwrap_or_default().to_string();
        let own = [("ErrorCode", code), ("ErrorUrl", url.to_owned())];
        Some(request.with_params(own.map(|(name, value)| (name.to_owned(), value)).into()))
    }

    /// The problem with the result of a callback, if there is one.
    pub(super) fn callback_problem(&self, result: FetchResult) -> Option<String> {
        match result {
            // Redirects were followed already, and the content of a response is ignored.
            Ok(response) if response.status < 400 => None,
            Ok(response) => Some(format!("the {} answered {}", self.purpose, response.status)),
            Err(alert) => Some(format!("the {}: {alert}", self.purpose)),
        }
    }

    /// Adds parameters; one of the same name replaces the former value.
    pub(super) fn with_params(mut self, own: Vec<(String, String)>) -> WebhookRequest {
        let all = self.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut fields = WebhookFields(all.collect());
        fields.extend(&own);
        self.params = fields.0.iter().map(|(name, value)| (name, value)).collect();
        self.own = own;
        self
    }

    /// Makes the request a callback, whose response is ignored.
    pub(super) fn into_callback(self) -> WebhookRequest {
        WebhookRequest { wants_document: false, ..self }
    }
}

/// Reads the method in an attribute; the carrier's default is POST.
pub(super) fn parse_method(attribute: Option<&str>) -> Method {
    match attribute {
        Some(method) if method.eq_ignore_ascii_case("GET") => Method::GET,
        _ => Method::POST,
    }
}
