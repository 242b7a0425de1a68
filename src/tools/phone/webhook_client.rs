//! A webhook as the carrier sends it over HTTP: signed, tried again where it may be, redirects
//! followed, cookies kept, and all of it within fifteen seconds.

mod cookies;
mod http;
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
use overrides::UrlOverrides;

/// The way to applications.
pub struct WebhookClient {
    key: Option<Rc<SigningKey>>,
    desk: Option<Rc<InProcessGateway>>,
    /// `None` where nothing may go to the network.
    http: Option<Rc<http::Client>>,
    /// The only hosts that may be asked; `None` for any.
    hosts: Option<Rc<[String]>>,
    cookies: RefCell<CookieJar>,
}

/// One request as HTTP has it.
struct SignedRequest<'a> {
    method: Method,
    /// No fragment and no credentials.
    url: String,
    headers: Vec<(&'static str, String)>,
    /// What a form says; empty for `GET`.
    params: &'a Params,
}

/// What came back.
struct RawResponse {
    status: u16,
    content_type: Option<String>,
    location: Option<String>,
    cookies: Vec<String>,
    body: Bytes,
    trace: Option<ExchangeTrace>,
}

/// Why nothing came back, and which kind of retry that is.
struct FetchError {
    fault: CarrierAlert,
    connected: bool,
}

impl WebhookClient {
    /// To any application, over the network. Without a token nothing is signed.
    pub fn network(token: Option<&Secret>) -> WebhookClient {
        WebhookClient { http: Some(Rc::new(http::Client::new())), ..WebhookClient::nowhere(token) }
    }

    /// To a gateway on the desk, and from there to the network where it leads.
    pub fn desk(desk: &Rc<InProcessGateway>) -> WebhookClient {
        WebhookClient {
            desk: Some(Rc::clone(desk)),
            ..WebhookClient::network(desk.token().as_ref())
        }
    }

    /// To a gateway on the desk alone. What leads elsewhere is answered by a mock, or is an
    /// error.
    pub fn desk_alone(desk: &Rc<InProcessGateway>) -> WebhookClient {
        WebhookClient {
            desk: Some(Rc::clone(desk)),
            ..WebhookClient::nowhere(desk.token().as_ref())
        }
    }

    fn nowhere(token: Option<&Secret>) -> WebhookClient {
        WebhookClient {
            key: token.map(|token| Rc::new(SigningKey::new(token, HmacAlgorithm::Sha1))),
            desk: None,
            http: None,
            hosts: None,
            cookies: RefCell::default(),
        }
    }

    /// The same, to these hosts alone, whatever an application says.
    pub fn only(self, hosts: &[String]) -> WebhookClient {
        WebhookClient { hosts: Some(hosts.into()), ..self }
    }

    /// A line for somebody else: the same way and the same connections, none of the cookies.
    pub fn another(&self) -> WebhookClient {
        WebhookClient {
            key: self.key.clone(),
            desk: self.desk.clone(),
            http: self.http.clone(),
            hosts: self.hosts.clone(),
            cookies: RefCell::default(),
        }
    }

    pub(super) fn of_desk(&self) -> Option<&Rc<InProcessGateway>> {
        self.desk.as_ref()
    }

    /// Asks an application, as often as the overrides of the URL say.
    pub(super) async fn ask(&self, request: &WebhookRequest) -> (WebhookExchange, FetchResult) {
        let began = clock::now();
        let (url, fragment) = request.url.split_once('#').unwrap_or((&request.url, ""));
        let overrides = UrlOverrides::of(fragment);
        let token = random::sid("");
        let deadline = began + overrides.total;
        let mut tries = overrides.retries;
        let (answer, trace) = loop {
            let tried = self.follow(request, url, &token, (&overrides, deadline)).await;
            match tried {
                Err(failed) if tries > 0 && overrides.retry_lost(failed.connected) => tries -= 1,
                Ok((fetched, _)) if tries > 0 && overrides.retry_status(fetched.status) => {
                    tries -= 1;
                }
                Ok((fetched, trace)) => break (Ok(fetched), trace),
                Err(failed) => break (Err(failed.fault), None),
            }
        };
        let text = |fetched: &AppResponse| String::from_utf8_lossy(&fetched.body).into_owned();
        let fetched = answer.as_ref().ok();
        let asked = WebhookExchange {
            purpose: request.purpose.clone(),
            method: request.method.to_string(),
            target: target(url).to_owned(),
            parameters: request.own.clone(),
            status: fetched.map(|fetched| fetched.status),
            took: clock::now().duration_since(began),
            document: fetched.filter(|_| request.wants_document).map(text),
            trace,
        };
        (asked, answer)
    }

    /// One try: redirects are followed, a password is given where it is asked for.
    async fn follow(
        &self,
        request: &WebhookRequest,
        url: &str,
        token: &str,
        (overrides, deadline): (&UrlOverrides, Instant),
    ) -> Result<(AppResponse, Option<ExchangeTrace>), FetchError> {
        let (mut url, mut credentials) = without_credentials(url);
        let mut method = request.method.clone();
        let mut authorization = None;
        let nothing = Params::default();
        let mut params = &request.params;
        for _ in 0..=CARRIER_REDIRECTS_MAX {
            let mut sent = self.signed(&method, &url, params, token);
            sent.headers.extend(authorization.clone().map(|value| ("authorization", value)));
            let response = self.send(&sent, overrides, deadline).await?;
            self.cookies.borrow_mut().keep(&sent.url, &response.cookies);
            if let Some(pair) = credentials.take_if(|_| response.status == 401) {
                authorization = Some(basic_auth::encode(pair));
                continue;
            }
            let location = response.location.as_deref();
            match location.filter(|_| (300..400).contains(&response.status)) {
                Some(location) => {
                    url = resolve(&url, location);
                    if matches!(response.status, 301..=303) {
                        // As every browser does it, and as the carrier's documentation warns.
                        (method, params) = (Method::GET, &nothing);
                    }
                }
                None => {
                    let RawResponse { status, content_type, body, trace, .. } = response;
                    return Ok((AppResponse { url: sent.url, status, content_type, body }, trace));
                }
            }
        }
        let fault = CarrierAlert::new(11215, format!("more than {CARRIER_REDIRECTS_MAX}"));
        Err(FetchError { fault, connected: true })
    }

    /// A request with the headers that the carrier sends, its signature among them.
    fn signed<'a>(
        &self,
        method: &Method,
        url: &str,
        params: &'a Params,
        token: &str,
    ) -> SignedRequest<'a> {
        let form = *method != Method::GET;
        let mut url = url.to_owned();
        if !form && !params.is_empty() {
            let mut query = String::new();
            encode_pairs(params.iter(), &mut query);
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&query);
        }
        let mut headers = vec![
            ("user-agent", "TwilioProxy/1.1".to_owned()),
            ("accept", "*/*".to_owned()),
            ("x-home-region", "us1".to_owned()),
            ("i-twilio-idempotency-token", token.to_owned()),
        ];
        if form {
            headers.push(("content-type", CARRIER_FORM.to_owned()));
        }
        if let Some(key) = &self.key {
            let signature = match form {
                true => sign_form(key, &url, params.iter()),
                false => sign_url(key, &url),
            };
            headers.push(("x-twilio-signature", signature));
        }
        headers.extend(self.cookies.borrow().header(&url).map(|value| ("cookie", value)));
        SignedRequest { method: method.clone(), url, headers, params }
    }

    async fn send(
        &self,
        sent: &SignedRequest<'_>,
        overrides: &UrlOverrides,
        deadline: Instant,
    ) -> Result<RawResponse, FetchError> {
        let form = sent.method != Method::GET;
        let body = || if form { sent.params.encode() } else { String::new() };
        let late = || {
            let found = format!("no whole answer within {} ms", overrides.total.as_millis());
            FetchError { fault: CarrierAlert::new(11200, found), connected: true }
        };
        if let Some((desk, target)) =
            self.desk.as_ref().and_then(|desk| Some((desk, desk.target(&sent.url)?)))
        {
            let answering = desk.answer(sent.method.clone(), target, &sent.headers, body());
            let answered = timeout_at(deadline, answering).await.map_err(|_| late())?;
            return Ok(RawResponse {
                status: answered.status,
                content_type: answered.content_type,
                location: None,
                cookies: Vec::new(),
                body: answered.body,
                trace: Some(answered.trace),
            });
        }
        let host = host(&sent.url).unwrap_or_default();
        if self.hosts.as_ref().is_some_and(|hosts| hosts.iter().all(|known| *known != host)) {
            let found = format!("`{host}` is none of the hosts that may be asked");
            return Err(FetchError { fault: CarrierAlert::new(11200, found), connected: true });
        }
        match &self.http {
            Some(http) => http.send(sent, body(), overrides, deadline).await,
            None => self.mocked(sent, deadline).await,
        }
    }

    /// An application elsewhere, where nothing may go to the network.
    async fn mocked(
        &self,
        sent: &SignedRequest<'_>,
        deadline: Instant,
    ) -> Result<RawResponse, FetchError> {
        let lost = |fault| FetchError { fault, connected: true };
        let request = OutgoingRequest {
            name: "the application",
            widget: "",
            url: sent.url.clone(),
            method: sent.method.as_str(),
            parameters: sent.params,
        };
        let response = self.desk.as_ref().and_then(|desk| desk.mocks.respond(&request));
        let Some(response) = response else {
            let found = format!("nothing is given for `{}`", sent.url);
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

/// A URL without the credentials in it, and those.
fn without_credentials(url: &str) -> (String, Option<String>) {
    let (scheme, authority, target) = parts(url);
    match authority.rsplit_once('@').filter(|_| !scheme.is_empty()) {
        Some((pair, place)) => (format!("{scheme}://{place}{target}"), Some(pair.to_owned())),
        None => (url.to_owned(), None),
    }
}

/// Path and query of a URL.
fn target(url: &str) -> &str {
    let (_, _, target) = parts(url);
    if target.is_empty() { "/" } else { target }
}

/// How long a whole exchange may take, and its parts (the carrier's own limits).
const TOTAL: Duration = Duration::from_secs(15);
const CONNECT: Duration = Duration::from_secs(5);
