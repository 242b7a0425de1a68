//! Calls of functions that the gateway runs itself: the project under `[functions]`, and code in
//! the configuration.
//!
//! A request for such a function is the same that a server would get, with the same signature and
//! headers, and so is the response. Only the way between them is another one.

use std::rc::Rc;
use std::sync::Arc;

use actix_web::http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use tokio::time::Instant;

use super::egress::Trust;
use super::request::{UrlRequest, default_headers};
use super::transport::{CallPhase, HttpRequest, HttpResponse, TransportError};
use super::url::RequestUrl;
use super::{CallRequest, DirectCall};
use crate::config::{Function, FunctionTarget};
use crate::limits::FUNCTION_BODY_BYTES_MAX;
use crate::media_type::{essence, is_form};
use crate::node::{
    Access, CallFrame, CallLabel, EventBody, NodePool, ProcessError, ProcessReply, ProjectFunction,
};
use crate::percent::percent_decode;

/// The functions that the gateway runs, and the beginning of their URLs.
#[derive(Clone, Debug)]
pub struct ProjectLink {
    /// The processes.
    pub pool: NodePool,
    /// `[server] public_url`, or else the address of the listener: what the carrier would call.
    pub base: Arc<str>,
}

/// The way to one function that the gateway runs.
#[derive(Debug)]
pub(super) struct ProjectTransport {
    link: ProjectLink,
    name: Arc<str>,
    /// Its URL, which no connection is made to.
    url: Rc<RequestUrl>,
    kind: TargetKind,
    max_body_bytes: usize,
    default_headers: Vec<(HeaderName, HeaderValue)>,
}

/// What a [`ProjectTransport`] leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TargetKind {
    /// A file that the configuration names. It may be private.
    File,
    /// Code in the configuration, under the name of the function.
    Code,
    /// What a path means.
    Path,
}

impl ProjectTransport {
    /// The way to a function. `None` for one that a server runs, or that does not exist.
    pub(super) fn new(function: &Function, link: Option<&ProjectLink>) -> Option<ProjectTransport> {
        let link = link?;
        let path = match &function.target {
            FunctionTarget::Url(_) => return None,
            FunctionTarget::File(file) => {
                link.pool.project().function_of_file(&file.text)?.path.clone()
            }
            // A name may have any characters, and a path may not.
            FunctionTarget::Code(_) => {
                let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
                format!("/{}", function.name.chars().map(letter).collect::<String>())
            }
        };
        let url = format!("{}{path}", link.base).parse().ok();
        Some(ProjectTransport {
            link: link.clone(),
            name: function.name.as_str().into(),
            url: Rc::new(RequestUrl::new(&url?)?),
            kind: match &function.target {
                FunctionTarget::Code(_) => TargetKind::Code,
                FunctionTarget::File(_) | FunctionTarget::Url(_) => TargetKind::File,
            },
            max_body_bytes: function.max_body_bytes,
            default_headers: default_headers(),
        })
    }

    /// The way to what a path means.
    pub(super) fn at(request: &UrlRequest, link: &ProjectLink) -> ProjectTransport {
        ProjectTransport {
            link: link.clone(),
            name: request.name().into(),
            url: Rc::new(request.url().clone()),
            kind: TargetKind::Path,
            max_body_bytes: FUNCTION_BODY_BYTES_MAX,
            default_headers: default_headers(),
        }
    }

    pub(super) fn url(&self) -> &Rc<RequestUrl> {
        &self.url
    }

    /// Whether a request is for a function of the project. A redirect may lead elsewhere.
    pub(super) fn takes(&self, request: &HttpRequest) -> bool {
        request.url.origin == self.url.origin
    }

    /// A request that is passed on as it came. `None` if its target cannot be in a URL.
    pub(super) fn request(&self, call: DirectCall<'_>) -> Option<HttpRequest> {
        let url = format!("{}{}", self.link.base, call.target).parse().ok()?;
        Some(HttpRequest {
            // The client that sent it knows whether it may be repeated.
            is_idempotent: false,
            trust: Trust::Configured,
            keep_alive: true,
            method: call.method,
            url: Rc::new(RequestUrl::new(&url)?),
            headers: call.headers.into_iter().collect(),
            body: Some(call.body).filter(|body| !body.is_empty()),
        })
    }

    /// Makes the call that a request is, by `deadline`.
    pub(super) async fn send(
        &self,
        call: &CallRequest<'_>,
        request: &HttpRequest,
        deadline: Instant,
    ) -> Result<HttpResponse, TransportError> {
        let target = request.url.text.strip_prefix(&*self.link.base).unwrap_or("/");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let file = if self.kind == TargetKind::Code && path == self.own_path() {
            None
        } else {
            match self.find(path) {
                Some(function) => Some(function.file.to_string_lossy()),
                // As a server would say it: a redirect may lead to what does not exist.
                None => return Ok(not_found()),
            }
        };
        let headers = self.headers(request);
        let frame = CallFrame::new(path, request.method.as_str())
            .with_target(file.as_deref(), &self.name)
            .with_query(query)
            .with_headers(&headers)
            .with_body(body_of(&headers, request.body.as_ref()));
        let sid = call.webhook.sid().unwrap_or_default().to_owned();
        let label = CallLabel { function: Arc::clone(&self.name), sid };
        match self.link.pool.call(frame, label, deadline).await {
            Ok(reply) => self.read_reply(reply),
            Err(ProcessError::Timeout { .. }) => {
                Err(TransportError::Timeout { phase: CallPhase::Run })
            }
            Err(error) => Err(TransportError::Process(error)),
        }
    }

    fn own_path(&self) -> &str {
        let path = self.url.text.strip_prefix(&*self.link.base).unwrap_or_default();
        path.split('?').next().unwrap_or_default()
    }

    /// The function of a path. A private one is found by its own name only.
    fn find(&self, path: &str) -> Option<&ProjectFunction> {
        let decoded = String::from_utf8(percent_decode(path)).ok()?;
        let function = self.link.pool.project().function_at(&decoded)?;
        let is_own = self.kind == TargetKind::File && path == self.own_path();
        (is_own || function.access != Access::Private).then_some(function)
    }

    /// The header fields that a server would get.
    fn headers(&self, request: &HttpRequest) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(8);
        // A request that is passed on as it came is complete.
        if request.headers.iter().any(|(name, _)| *name == HOST) {
            for (name, value) in &request.headers {
                headers.append(name.clone(), value.clone());
            }
            return headers;
        }
        headers.insert(HOST, request.url.host_header.clone());
        for (name, value) in &self.default_headers {
            if request.method != Method::GET || *name != CONTENT_TYPE {
                headers.insert(name.clone(), value.clone());
            }
        }
        for (name, value) in &request.headers {
            headers.insert(name.clone(), value.clone());
        }
        headers
    }

    fn read_reply(&self, reply: ProcessReply) -> Result<HttpResponse, TransportError> {
        if reply.body.len() > self.max_body_bytes {
            return Err(TransportError::TooLarge { limit: self.max_body_bytes });
        }
        let (status, headers) = reply_head(&reply)?;
        Ok(HttpResponse::new(status, headers, reply.body.into()))
    }
}

/// The status and header fields of a reply.
///
/// # Errors
/// A field is not one that HTTP can carry.
pub(crate) fn reply_head(reply: &ProcessReply) -> Result<(StatusCode, HeaderMap), TransportError> {
    let wrong = |reason: String| TransportError::Head { reason };
    let status = StatusCode::from_u16(reply.status);
    let status = status.map_err(|_| wrong(format!("`{}` is no status", reply.status)))?;
    let mut headers = HeaderMap::with_capacity(reply.headers.len());
    for (name, value) in &reply.headers {
        let field = HeaderName::try_from(name.as_str()).ok().zip(HeaderValue::from_str(value).ok());
        let (name, value) = field.ok_or_else(|| wrong("a header that is not one".to_owned()))?;
        headers.append(name, value);
    }
    Ok((status, headers))
}

/// The body of a request as far as it is a part of `event`.
pub(crate) fn body_of<'a>(headers: &HeaderMap, body: Option<&'a Bytes>) -> Option<EventBody<'a>> {
    let text = std::str::from_utf8(body?).ok().filter(|text| !text.is_empty())?;
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok())?;
    if is_form(content_type) {
        return Some(EventBody::Form(text));
    }
    essence(content_type).eq_ignore_ascii_case("application/json").then_some(EventBody::Json(text))
}

fn not_found() -> HttpResponse {
    HttpResponse::new(StatusCode::NOT_FOUND, HeaderMap::new(), Bytes::new())
}
