//! Stage 2: what a request contains, read once, and which part of it the signature has to cover.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{CONTENT_TYPE, COOKIE, HeaderMap, HeaderName};
use actix_web::web::Bytes;

use super::VerifyError;
use super::key::body_sha256;
use crate::config::Account;
use crate::media_type;
use crate::webhook::{BODY_HASH, Params, Received, Webhook, WebhookPayload};

static IDEMPOTENCY_TOKEN: HeaderName = HeaderName::from_static("i-twilio-idempotency-token");

/// The parameters of a request.
#[derive(Debug)]
pub(crate) struct RequestContent {
    query: Params,
    body: BodyCoverage,
}

/// What the body is to the signature.
#[derive(Debug)]
enum BodyCoverage {
    /// A GET's: not covered, so not read.
    Ignored,
    /// A form's: its parameters are signed.
    Form(Params),
    /// Any other: its hash has to be in the URL, and the URL is signed.
    Hashed,
}

impl RequestContent {
    /// Decodes query and form.
    pub(crate) fn read(received: &Received) -> Result<RequestContent, VerifyError> {
        let mut types = received.headers.get_all(&CONTENT_TYPE);
        let content_type = match (types.next(), types.next()) {
            (None, _) => "",
            (Some(one), None) => one.to_str().map_err(|_| VerifyError::ContentType)?,
            // Two readers could take two different ones.
            (Some(_), Some(_)) => return Err(VerifyError::ContentType),
        };
        RequestContent::parse(&received.method, content_type, received.query(), &received.body)
    }

    /// The same from the parts of a request; an empty content type is a missing one.
    pub(crate) fn parse(
        method: &Method,
        content_type: &str,
        query: &str,
        body: &[u8],
    ) -> Result<RequestContent, VerifyError> {
        let query = Params::decode_query(query)?;
        let body = match method {
            // First: the body of a GET is not covered, whatever its type claims.
            &Method::GET => BodyCoverage::Ignored,
            _ if is_form_of_utf8(content_type)? => BodyCoverage::Form(Params::decode(body)?),
            _ => BodyCoverage::Hashed,
        };
        Ok(RequestContent { query, body })
    }

    /// The parameters that are signed behind the URL.
    pub(crate) fn signed_params(&self) -> Option<&Params> {
        match &self.body {
            BodyCoverage::Form(params) => Some(params),
            BodyCoverage::Ignored | BodyCoverage::Hashed => None,
        }
    }

    /// The first `bodySHA256` of the query where the body needs one, as lower-case hexadecimal. A
    /// form has no use for it, and is not spared its own check by it.
    pub(crate) fn body_hash(&self) -> Result<Option<&str>, VerifyError> {
        match self.body {
            BodyCoverage::Hashed => {
                self.query.get(BODY_HASH).map(Some).ok_or(VerifyError::BodyHashMissing)
            }
            BodyCoverage::Ignored | BodyCoverage::Form(_) => Ok(None),
        }
    }

    /// The account that the request names: in its form, else in its query.
    pub(crate) fn account_sid(&self) -> Option<&str> {
        // The form wins: the query can be the owner's own, with another account in it.
        let form = self.signed_params().and_then(|params| params.get("AccountSid"));
        // The last one: the carrier adds the parameters of a GET behind the owner's.
        form.or_else(|| self.query.last("AccountSid"))
    }

    /// Gives what was read to the stages after this one.
    pub(crate) fn into_webhook(self, received: Received, account: Option<Arc<Account>>) -> Webhook {
        let idempotency_token = received.header(&IDEMPOTENCY_TOKEN).map(str::to_owned);
        let payload = match self.body {
            BodyCoverage::Hashed if !received.body.is_empty() => {
                let content_type = received.header(&CONTENT_TYPE).unwrap_or_default().to_owned();
                Some(Box::new(WebhookPayload::new(content_type, received.body.clone())))
            }
            _ => None,
        };
        let cookies = cookies(&received.headers);
        let path_length = received.path().len();
        let Received { target: mut path, body, .. } = received;
        // The target becomes the path in place, without another allocation.
        path.truncate(path_length);
        let (params, body) = match self.body {
            BodyCoverage::Ignored => (self.query.clone().prefer_carrier(), Bytes::new()),
            BodyCoverage::Form(params) => (params, body),
            BodyCoverage::Hashed => {
                (payload.as_ref().map(|payload| payload.params()).unwrap_or_default(), body)
            }
        };
        Webhook {
            account,
            path,
            query: self.query,
            params,
            body,
            payload,
            idempotency_token,
            cookies,
        }
    }
}

/// The cookies of a request. A client sends one header; a proxy may divide it (RFC 9113, 8.2.3).
fn cookies(headers: &HeaderMap) -> String {
    let mut cookies = String::new();
    for value in headers.get_all(&COOKIE).filter_map(|value| value.to_str().ok()) {
        if !cookies.is_empty() {
            cookies.push_str("; ");
        }
        cookies.push_str(value);
    }
    cookies
}

/// Whether the hash in the URL, compared with its exact case, is that of the body.
pub(crate) fn is_hash_of(hash: &str, body: &[u8]) -> bool {
    hash == body_sha256(body)
}

/// Whether a `Content-Type` is that of a form. A form in another charset than UTF-8 cannot be read
/// as the carrier signed it.
fn is_form_of_utf8(content_type: &str) -> Result<bool, VerifyError> {
    let form = media_type::is_form(content_type);
    match media_type::charset(content_type).filter(|_| form) {
        Some(charset) if !media_type::is_utf8(charset) => Err(VerifyError::Charset),
        _ => Ok(form),
    }
}
