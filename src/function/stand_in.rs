//! Answers in the place of the network, for flow tests and for a phone on the desk.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use actix_web::web::Bytes;
use tokio::time::sleep;

use super::Call;
use super::client::Reply;
use super::error::Problem;
use crate::webhook::Params;

/// Whoever answers instead of functions and of the carrier's API. Everything else about a call is
/// as it always is: its deadline, the limit of the body, what an answer means.
pub trait StandIn {
    /// The answer to a request; `None` where it is to go to the network.
    fn answer(&self, asking: &Asking<'_>) -> Option<Played>;
}

/// A request that would go out.
#[derive(Clone, Debug)]
pub struct Asking<'a> {
    /// The function's name; for other requests of a flow, the scheme, host and port.
    pub name: &'a str,
    /// The widget that asks; empty where none does.
    pub widget: &'a str,
    /// Where it goes.
    pub url: String,
    /// `POST` or `GET`.
    pub method: &'a str,
    /// The parameters of the flow, without those of the carrier that a function may get as well.
    pub parameters: &'a Params,
}

/// What comes back.
#[derive(Clone, Debug)]
pub struct Played {
    /// How long that takes.
    pub delay: Duration,
    /// An answer, or what the network does instead.
    pub answer: Result<PlayedAnswer, Problem>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayedAnswer {
    /// The HTTP status, 100 to 999.
    pub status: u16,
    /// `Content-Type`, if there is one.
    pub content_type: Option<String>,
    /// The whole body.
    pub body: Bytes,
}

impl<'a> Asking<'a> {
    pub(super) fn of(call: &Call<'a>) -> Asking<'a> {
        let (url, method) = match call.direct {
            Some(direct) => (&direct.url, &direct.method),
            None => (&call.function.url, &call.function.method),
        };
        Asking {
            name: &call.function.name,
            widget: call.widget,
            url: url.to_string(),
            method: method.as_str(),
            parameters: call.parameters,
        }
    }
}

impl Played {
    /// Plays it.
    pub(crate) async fn play(self) -> Result<PlayedAnswer, Problem> {
        sleep(self.delay).await;
        self.answer
    }

    /// Plays it, and gives what a client would.
    pub(super) async fn reply(self, max_body_bytes: usize) -> Result<Reply, Problem> {
        let PlayedAnswer { status, content_type, body } = self.play().await?;
        if body.len() > max_body_bytes {
            return Err(Problem::TooLarge { limit: max_body_bytes });
        }
        let wrong = |_| Problem::Head { reason: format!("`{status}` is no status") };
        let status = StatusCode::from_u16(status).map_err(wrong)?;
        let mut headers = HeaderMap::new();
        if let Some(value) = content_type {
            let value = HeaderValue::from_str(&value);
            let wrong = |_| Problem::Head { reason: "a header that is not one".to_owned() };
            headers.insert(CONTENT_TYPE, value.map_err(wrong)?);
        }
        Ok(Reply::played(status, headers, body))
    }
}
