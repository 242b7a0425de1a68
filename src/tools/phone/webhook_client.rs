//! The client that sends webhooks as the carrier does: signed, with retries, redirects, passwords
//! and cookies, within fifteen seconds.
//!
//! `overrides` reads the URL's fragment, `outside` limits which servers get anything, `cookies` is
//! the cookie jar, `http` sends one request over the network. Invariant: every request is signed
//! over the exact URL that it goes to, after redirects too. Nothing here knows TwiML.

mod cookies;
mod http;
mod outside;
mod overrides;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::web::Bytes;
use tokio::time::{Instant, timeout_at};

use super::alert::CarrierAlert;
use super::event::WebhookExchange;
use super::in_process::InProcessGateway;
use super::webhook_request::{AppResponse, FetchResult, WebhookRequest};
use crate::basic_auth;
use crate::clock;
use crate::config::HmacAlgorithm;
use crate::function::{MockTransport as _, OutgoingRequest};
use crate::journal::ExchangeTrace;
use crate::limits::CARRIER_REDIRECTS_MAX;
use crate::media_type::CARRIER_FORM;
use crate::random;
use crate::secret::Secret;
use crate::uri::{host, parts, resolve};
use crate::verify::{SigningKey, sign_form, sign_url};
use crate::webhook::{Params, encode_pairs};
use cookies::CookieJar;
pub(crate) use outside::OutsideRequests;
use overrides::UrlOverrides;

/// A client for the applications of one caller.
pub struct WebhookClient {
    /// `None` if requests are not signed.
    key: Option<Rc<SigningKey>>,
    /// The gateway that answers webhooks to its own URL, if one runs in this process.
    gateway: Option<Rc<InProcessGateway>>,
    /// `None` if requests must not reach the network.
    http: Option<Rc<http::Client>>,
    /// The only hosts that requests may go to; `None` for any.
    hosts: Option<Rc<[String]>>,
    /// What may be requested of servers that the person has not named; `None` for everything.
    outside: Option<Rc<OutsideRequests>>,
    cookies: RefCell<CookieJar>,
}

/// One HTTP request with its signature.
struct SignedWebhook<'a> {
    method: Method,
    /// The URL without fragment and credentials.
    url: String,
    headers: Vec<(&'static str, String)>,
    /// The parameters of the form; empty for `GET`.
    params: &'a Params,
    /// Whether the response is ignored.
    is_callback: bool,
}

/// One HTTP response.
struct RawResponse {
    status: u16,
    content_type: Option<String>,
    location: Option<String>,
    cookies: Vec<String>,
    body: Bytes,
    trace: Option<ExchangeTrace>,
}

/// The error of a request without a response.
struct FetchError {
    alert: CarrierAlert,
    /// Whether there was a connection; the retry policies differ.
    connected: bool,
}

/// The limits of one try of a request.
#[derive(Clone, Copy)]
struct TryLimits<'a> {
    overrides: &'a UrlOverrides,
    /// The end of all tries.
    deadline: Instant,
}

impl WebhookClient {
    /// A client for any application on the network. Without a token, requests are not signed.
    pub fn for_network(token: Option<&Secret>) -> WebhookClient {
        WebhookClient { http: Some(Rc::new(http::Client::new())), ..WebhookClient::offline(token) }
    }

    /// A client for a gateway in this process, and for any application that it refers to.
    pub(crate) fn for_gateway_and_network(gateway: &Rc<InProcessGateway>) -> WebhookClient {
        WebhookClient {
            gateway: Some(Rc::clone(gateway)),
            ..WebhookClient::for_network(gateway.token().as_ref())
        }
    }

    /// A client for a gateway in this process. Requests to other URLs are answered by its mocks, or
    /// fail.
    pub fn for_gateway(gateway: &Rc<InProcessGateway>) -> WebhookClient {
        WebhookClient {
            gateway: Some(Rc::clone(gateway)),
            ..WebhookClient::offline(gateway.token().as_ref())
        }
    }

    fn offline(token: Option<&Secret>) -> WebhookClient {
        WebhookClient {
            key: token.map(|token| Rc::new(SigningKey::new(token, HmacAlgorithm::Sha1))),
            gateway: None,
            http: None,
            hosts: None,
            outside: None,
            cookies: RefCell::default(),
        }
    }

    /// Limits what is requested of servers that the person has not named.
    pub(crate) fn limit_outside(self, outside: OutsideRequests) -> WebhookClient {
        WebhookClient { outside: Some(Rc::new(outside)), ..self }
    }

    /// Whether a request must not be sent: it would leave this process for a server that only an
    /// application or a flow names.
    pub(super) fn holds_back(&self, url: &str, is_callback: bool) -> bool {
        let is_own = self.gateway.as_ref().is_some_and(|gateway| gateway.target(url).is_some());
        let outside = self.outside.as_ref();
        !is_own && outside.is_some_and(|outside| !outside.allows(url, is_callback))
    }

    /// Restricts the client to these hosts. An application cannot lead it to others.
    pub(crate) fn restrict_to(self, hosts: &[String]) -> WebhookClient {
        WebhookClient { hosts: Some(hosts.into()), ..self }
    }

    /// A client for another caller: it shares the connections, but not the cookies.
    pub(crate) fn for_another_caller(&self) -> WebhookClient {
        WebhookClient {
            key: self.key.clone(),
            gateway: self.gateway.clone(),
            http: self.http.clone(),
            hosts: self.hosts.clone(),
            outside: self.outside.clone(),
            cookies: RefCell::default(),
        }
    }

    /// The gateway in this process, if there is one.
    pub(super) fn gateway(&self) -> Option<&Rc<InProcessGateway>> {
        self.gateway.as_ref()
    }

    /// Sends a webhook, with as many retries as the overrides of its URL allow.
    pub(super) async fn send(&self, request: &WebhookRequest) -> (WebhookExchange, FetchResult) {
        let began = clock::now();
        let (url, fragment) = request.url.split_once('#').unwrap_or((&request.url, ""));
        let overrides = UrlOverrides::parse(fragment);
        // One token for all tries: an application recognizes a retry by it.
        let token = random::sid("");
        let limits = TryLimits { overrides: &overrides, deadline: began + overrides.total };
        let mut retries = overrides.retries;
        let (result, trace) = loop {
            match self.follow_redirects(request, url, &token, limits).await {
                Err(error) if retries > 0 && overrides.retries_lost_request(error.connected) => {
                    retries -= 1;
                }
                Ok((response, _)) if retries > 0 && overrides.retries_status(response.status) => {
                    retries -= 1;
                }
                Ok((response, trace)) => break (Ok(response), trace),
                Err(error) => break (Err(error.alert), None),
            }
        };
        let text = |response: &AppResponse| String::from_utf8_lossy(&response.body).into_owned();
        let response = result.as_ref().ok();
        let exchange = WebhookExchange {
            purpose: request.purpose.clone(),
            method: request.method.to_string(),
            target: path_and_query(url).to_owned(),
            parameters: request.own.clone(),
            status: response.map(|response| response.status),
            duration: clock::now().duration_since(began),
            document: response.filter(|_| request.wants_document).map(text),
            trace,
        };
        (exchange, result)
    }

    /// Sends a request once. Follows redirects, and adds the password of the URL after a 401.
    async fn follow_redirects(
        &self,
        request: &WebhookRequest,
        url: &str,
        token: &str,
        limits: TryLimits<'_>,
    ) -> Result<(AppResponse, Option<ExchangeTrace>), FetchError> {
        let (mut url, mut credentials) = split_credentials(url);
        let mut method = request.method.clone();
        let mut authorization = None;
        let no_params = Params::default();
        let mut params = &request.params;
        for _ in 0..=CARRIER_REDIRECTS_MAX {
            let mut signed = self.sign(&method, &url, params, token);
            signed.is_callback = !request.wants_document;
            signed.headers.extend(authorization.clone().map(|value| ("authorization", value)));
            let response = self.send_once(&signed, limits).await?;
            self.cookies.borrow_mut().store(&signed.url, &response.cookies);
            // Only once: a second 401 means that the password is wrong.
            if let Some(pair) = credentials.take_if(|_| response.status == 401) {
                authorization = Some(basic_auth::encode(pair));
                continue;
            }
            let location = response.location.as_deref();
            match location.filter(|_| (300..400).contains(&response.status)) {
                Some(location) => {
                    url = resolve(&url, location);
                    if matches!(response.status, 301..=303) {
                        // Like browsers, and as the carrier's documentation warns.
                        (method, params) = (Method::GET, &no_params);
                    }
                }
                None => {
                    let RawResponse { status, content_type, body, trace, .. } = response;
                    let url = signed.url;
                    return Ok((AppResponse { url, status, content_type, body }, trace));
                }
            }
        }
        let alert = CarrierAlert::new(11215, format!("more than {CARRIER_REDIRECTS_MAX}"));
        Err(FetchError { alert, connected: true })
    }

    /// Builds the HTTP request with the headers of the carrier, among them the signature.
    fn sign<'a>(
        &self,
        method: &Method,
        url: &str,
        params: &'a Params,
        token: &str,
    ) -> SignedWebhook<'a> {
        let has_form = *method != Method::GET;
        let mut url = url.to_owned();
        // Before signing: the signature of a GET covers its query.
        if !has_form && !params.is_empty() {
            let mut query = String::new();
            encode_pairs(params.iter(), &mut query);
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&query);
        }
        // The headers that applications see from the carrier; some check them.
        let mut headers = vec![
            ("user-agent", "TwilioProxy/1.1".to_owned()),
            ("accept", "*/*".to_owned()),
            ("x-home-region", "us1".to_owned()),
            ("i-twilio-idempotency-token", token.to_owned()),
        ];
        if has_form {
            headers.push(("content-type", CARRIER_FORM.to_owned()));
        }
        if let Some(key) = &self.key {
            let signature =
                if has_form { sign_form(key, &url, params.iter()) } else { sign_url(key, &url) };
            headers.push(("x-twilio-signature", signature));
        }
        headers.extend(self.cookies.borrow().header(&url).map(|value| ("cookie", value)));
        SignedWebhook { method: method.clone(), url, headers, params, is_callback: false }
    }

    /// Sends a signed request to the gateway in this process, to the network or to the mocks.
    async fn send_once(
        &self,
        request: &SignedWebhook<'_>,
        limits: TryLimits<'_>,
    ) -> Result<RawResponse, FetchError> {
        let TryLimits { overrides, deadline } = limits;
        let has_form = request.method != Method::GET;
        let body = || if has_form { request.params.encode() } else { String::new() };
        let late = || {
            let found = format!("no whole answer within {} ms", overrides.total.as_millis());
            FetchError { alert: CarrierAlert::new(11200, found), connected: true }
        };
        let gateway = self.gateway.as_ref();
        if let Some((gateway, target)) =
            gateway.and_then(|gateway| Some((gateway, gateway.target(&request.url)?)))
        {
            // The deadline of the carrier holds for this gateway, too.
            let responding =
                gateway.respond(request.method.clone(), target, &request.headers, body());
            let response = timeout_at(deadline, responding).await.map_err(|_| late())?;
            return Ok(RawResponse {
                status: response.status,
                content_type: response.content_type,
                location: response.location,
                cookies: response.cookies,
                body: response.body,
                trace: Some(response.trace),
            });
        }
        // After each redirect again: the host of the first URL is not enough.
        let host = host(&request.url).unwrap_or_default();
        if self.hosts.as_ref().is_some_and(|hosts| hosts.iter().all(|known| *known != host)) {
            let found = format!("`{host}` is not one of the allowed hosts");
            return Err(FetchError { alert: CarrierAlert::new(11200, found), connected: true });
        }
        if self.holds_back(&request.url, request.is_callback) {
            let alert = OutsideRequests::alert("a redirect", &request.url);
            return Err(FetchError { alert, connected: true });
        }
        match &self.http {
            Some(http) => http.send(request, body(), overrides, deadline).await,
            None => self.mock_response(request, deadline).await,
        }
    }

    /// The response of a mock, for a request that must not reach the network.
    async fn mock_response(
        &self,
        request: &SignedWebhook<'_>,
        deadline: Instant,
    ) -> Result<RawResponse, FetchError> {
        let lost = |alert| FetchError { alert, connected: true };
        let outgoing = OutgoingRequest {
            name: "the application",
            widget: "",
            url: request.url.clone(),
            method: request.method.as_str(),
            parameters: request.params,
        };
        let response = self.gateway.as_ref().and_then(|gateway| gateway.mocks.respond(&outgoing));
        // An error and not the network: a test must not depend on other servers.
        let Some(response) = response else {
            let found = format!("no answer is given for `{}`", request.url);
            return Err(lost(CarrierAlert::new(11200, found)));
        };
        let received = timeout_at(deadline, response.receive()).await;
        let received = received.map_err(|_| lost(CarrierAlert::new(11200, "no answer in time")))?;
        let response = received.map_err(|error| lost(CarrierAlert::new(11200, error)))?;
        Ok(RawResponse {
            status: response.status_code,
            content_type: response.content_type,
            location: None,
            cookies: Vec::new(),
            body: response.body,
            trace: None,
        })
    }
}

/// Splits the credentials off a URL.
fn split_credentials(url: &str) -> (String, Option<String>) {
    let (scheme, authority, target) = parts(url);
    match authority.rsplit_once('@').filter(|_| !scheme.is_empty()) {
        Some((pair, host)) => (format!("{scheme}://{host}{target}"), Some(pair.to_owned())),
        None => (url.to_owned(), None),
    }
}

/// Path and query of a URL.
fn path_and_query(url: &str) -> &str {
    let (_, _, target) = parts(url);
    if target.is_empty() { "/" } else { target }
}

/// The carrier's time limits: for all tries together, and for one connection.
const TOTAL: Duration = Duration::from_secs(15);
const CONNECT: Duration = Duration::from_secs(5);
