//! A webhook that is to be sent, and what came back.

use actix_web::http::Method;
use actix_web::web::Bytes;

use super::alert::CarrierAlert;
use super::caller::{PhoneNumber, WebhookFields};
use crate::webhook::Params;

/// A webhook, before the line has made HTTP of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookRequest {
    /// What it is for: `call`, `message`, `Gather action`, `Redirect`, `status callback`, …
    pub purpose: String,
    /// The absolute URL, with what it has as a fragment.
    pub url: String,
    /// `POST` or `GET`.
    pub method: Method,
    /// All of its parameters.
    pub params: Params,
    /// Those that not every webhook of this call has.
    pub own: Vec<(String, String)>,
    /// Whether what comes back is carried out.
    pub wants_document: bool,
}

/// An answer of any application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppResponse {
    /// Where it came from, after redirects: relative URLs are resolved against it.
    pub url: String,
    /// The HTTP status.
    pub status: u16,
    /// `Content-Type`, if there is one.
    pub content_type: Option<String>,
    /// The whole body.
    pub body: Bytes,
}

/// What comes of a request.
pub(super) type FetchResult = Result<AppResponse, CarrierAlert>;

impl WebhookRequest {
    /// A request with the parameters of a call and some of its own.
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

    /// The request that a conversation begins with.
    pub(super) fn first(
        purpose: &str,
        number: &PhoneNumber,
        fields: WebhookFields,
    ) -> WebhookRequest {
        let method = if number.get { Method::GET } else { Method::POST };
        WebhookRequest::new(purpose, &number.url, method, fields)
    }

    /// The request to a number's fallback, after `url` could not be used; `None` where it has none.
    pub(super) fn fallback(
        number: &PhoneNumber,
        fault: &CarrierAlert,
        url: &str,
        fields: WebhookFields,
    ) -> Option<WebhookRequest> {
        let request =
            WebhookRequest::new("fallback", number.fallback.as_ref()?, Method::POST, fields);
        let code = fault.code.unwrap_or_default().to_string();
        let own = [("ErrorCode", code), ("ErrorUrl", url.to_owned())];
        Some(request.with(own.map(|(name, value)| (name.to_owned(), value)).into()))
    }

    /// What is wrong with the answer to a request whose answer nobody reads.
    pub(super) fn complaint(&self, answer: FetchResult) -> Option<String> {
        match answer {
            Ok(fetched) if fetched.status < 400 => None,
            Ok(fetched) => Some(format!("the {} answered {}", self.purpose, fetched.status)),
            Err(fault) => Some(format!("the {}: {fault}", self.purpose)),
        }
    }

    /// The same with parameters over those.
    pub(super) fn with(mut self, own: Vec<(String, String)>) -> WebhookRequest {
        let all = self.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut fields = WebhookFields(all.collect());
        fields.extend(&own);
        self.params = fields.0.iter().map(|(name, value)| (name, value)).collect();
        self.own = own;
        self
    }

    /// The same, for one whose answer nobody reads.
    pub(super) fn told(self) -> WebhookRequest {
        WebhookRequest { wants_document: false, ..self }
    }
}

/// The method of an attribute; the carrier posts where nothing is said.
pub(super) fn method(attribute: Option<&str>) -> Method {
    match attribute {
        Some(method) if method.eq_ignore_ascii_case("GET") => Method::GET,
        _ => Method::POST,
    }
}
