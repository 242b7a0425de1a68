//! Mocks in the place of the network, for flow tests and for a gateway in the process of a phone.

use std::rc::Rc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use tokio::time::{Instant, sleep, timeout_at};

use super::CallRequest;
use super::outcome::FunctionResponse;
use super::project::ProjectTransport;
use super::request::Destination;
use super::transport::{
    CallPhase, HttpRequest, HttpResponse, HttpTransport, SendProgress, TransportError,
};
use crate::webhook::Params;

/// Answers in the place of functions and of the carrier's API. Everything else about a call is as
/// it is over the network: its deadline, the limit of the body, what a response means.
pub trait MockTransport {
    /// The response to a request; `None` where the request goes to the network.
    fn respond(&self, request: &OutgoingRequest<'_>) -> Option<MockResponse>;
}

/// A request that would go to the network.
#[derive(Clone, Debug)]
pub struct OutgoingRequest<'a> {
    /// The function's name; for other URLs the scheme, host and port.
    pub name: &'a str,
    /// The widget that calls; empty where none does.
    pub widget: &'a str,
    /// The URL, without the parameters of a GET.
    pub url: String,
    /// `POST` or `GET`.
    pub method: &'a str,
    /// The parameters of the flow, without those of the carrier that a function may get as well.
    pub parameters: &'a Params,
}

/// The response of a mock.
#[derive(Clone, Debug)]
pub struct MockResponse {
    /// How long it takes.
    pub delay: Duration,
    /// A whole response, or the network's error.
    pub result: Result<FunctionResponse, TransportError>,
}

/// The way to an endpoint. It is chosen when the endpoint is first called.
pub(super) struct Transport {
    pub(super) http: HttpTransport,
    /// For a function that the gateway runs itself. Redirects of it may go over HTTP.
    pub(super) project: Option<ProjectTransport>,
    /// They are asked first.
    pub(super) mocks: Option<Rc<dyn MockTransport>>,
}

impl Transport {
    /// Sends the request of a call and reads the whole response, by `deadline`.
    pub(super) async fn send(
        &self,
        call: &CallRequest<'_>,
        request: &HttpRequest,
        deadline: Instant,
        progress: &SendProgress,
    ) -> Result<HttpResponse, TransportError> {
        if let Some(mocks) = &self.mocks
            && let Some(response) = mocks.respond(&OutgoingRequest::of(call))
        {
            // Boxed, so that the mock's future takes no room in that of every call.
            let response = Box::pin(response.into_http_response(self.http.max_body_bytes()));
            let late = |_| TransportError::Timeout { phase: CallPhase::Head };
            return timeout_at(deadline, response).await.map_err(late)?;
        }
        match &self.project {
            Some(project) if project.takes(request) => {
                Box::pin(project.send(call, request, deadline)).await
            }
            _ => self.http.send(request, deadline, progress).await,
        }
    }
}

impl<'a> OutgoingRequest<'a> {
    fn of(call: &CallRequest<'a>) -> OutgoingRequest<'a> {
        // The URL as configured, so that a mock can name it, and not with the parameters of a GET.
        let url = match call.destination {
            Destination::Function(function) => function.target.to_string(),
            Destination::Url(request) => request.url().text.clone(),
            Destination::Application(server) => server.url.to_string(),
        };
        OutgoingRequest {
            name: call.destination.name(),
            widget: call.widget,
            url,
            method: call.method().as_str(),
            parameters: call.parameters,
        }
    }
}

impl MockResponse {
    /// The response, after its delay.
    ///
    /// # Errors
    /// The network's error that is mocked.
    pub(crate) async fn receive(self) -> Result<FunctionResponse, TransportError> {
        sleep(self.delay).await;
        self.result
    }

    /// The response as the network would give it.
    async fn into_http_response(
        self,
        max_body_bytes: usize,
    ) -> Result<HttpResponse, TransportError> {
        let FunctionResponse { status_code, content_type, body } = self.receive().await?;
        // A test must fail where the network would.
        if body.len() > max_body_bytes {
            return Err(TransportError::TooLarge { limit: max_body_bytes });
        }
        let invalid = |reason: String| TransportError::Head { reason };
        let status = StatusCode::from_u16(status_code);
        let status = status.map_err(|_| invalid(format!("`{status_code}` is no status")))?;
        let mut headers = HeaderMap::new();
        if let Some(value) = content_type {
            let value = HeaderValue::from_str(&value);
            let value = value.map_err(|_| invalid("a header that is not one".to_owned()))?;
            headers.insert(CONTENT_TYPE, value);
        }
        Ok(HttpResponse::new(status, headers, body))
    }
}
