//! The arguments that describe a request, for `sign` and `verify`.

use std::path::{Path, PathBuf};

use actix_web::http::Method;

use crate::config::HmacAlgorithm;
use crate::limits::WEBHOOK_BODY_BYTES_MAX;
use crate::media_type::{FORM, is_form};
use crate::read_limited::read_argument;
use crate::secret::Secret;
use crate::webhook::Params;

// The variables of the carrier's own packages.
const TOKEN_VARIABLE: &str = "TWILIO_AUTH_TOKEN";
const ACCOUNT_VARIABLE: &str = "TWILIO_ACCOUNT_SID";

/// A request, and the token that signs it.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct RequestArgs {
    /// The complete URL as the carrier requests it, with its query
    #[arg(long, value_name = "URL", value_parser = parse_url)]
    pub url: String,

    /// The account's auth token, or a SharedKey; repeatable during a rotation
    /// [env: TWILIO_AUTH_TOKEN]
    #[arg(long, value_name = "TOKEN", value_parser = parse_secret)]
    pub token: Vec<Secret>,

    /// The method of the request
    #[arg(long, value_name = "M", default_value = "POST", value_parser = parse_method)]
    pub method: Method,

    /// The content type of the body; anything but a form is covered by `bodySHA256` in the URL
    #[arg(long, value_name = "T", default_value = FORM)]
    pub content_type: String,

    /// A parameter of the form, decoded; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_pair, conflicts_with = "body_file")]
    pub param: Vec<(String, String)>,

    /// The body as sent, byte for byte; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub body_file: Option<PathBuf>,

    /// The hash of the signature; SHA-256 is for SharedKeys only
    #[arg(long, value_name = "A", default_value = "HMAC_SHA1", value_parser = parse_algorithm)]
    pub algorithm: HmacAlgorithm,
}

impl RequestArgs {
    /// The tokens of the arguments, or else that of the environment.
    pub(super) fn tokens(&self) -> Result<Vec<Secret>, String> {
        // Arguments replace the variable: during a rotation, a shell still has the old token.
        if !self.token.is_empty() {
            return Ok(self.token.clone());
        }
        let none = || format!("no token: give `--token TOKEN` or set `{TOKEN_VARIABLE}`");
        environment_token().map(|token| vec![token]).ok_or_else(none)
    }

    /// The body of the request.
    pub(super) fn body(&self) -> Result<Vec<u8>, String> {
        match &self.body_file {
            Some(path) => read_body(path),
            // A request without parameters has an empty body, whatever its type.
            None if self.param.is_empty() => Ok(Vec::new()),
            None if is_form(&self.content_type) => Ok(self.params().encode().into_bytes()),
            None => Err(format!(
                "`--param` is for forms, and the content type is `{}`: give the body with \
                 `--body-file`",
                self.content_type
            )),
        }
    }

    /// The parameters of `--param`.
    pub(super) fn params(&self) -> Params {
        self.param.iter().map(|(name, value)| (name, value)).collect()
    }
}

/// The token of the environment, if there is one.
pub(super) fn environment_token() -> Option<Secret> {
    environment_text(TOKEN_VARIABLE).map(Secret::new)
}

/// The account's sid of the environment, if there is one.
pub(super) fn environment_account() -> Option<String> {
    environment_text(ACCOUNT_VARIABLE)
}

/// A variable that is set, and not to nothing.
fn environment_text(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// Reads a body, up to the size that the gateway accepts.
fn read_body(path: &Path) -> Result<Vec<u8>, String> {
    read_argument(path, WEBHOOK_BODY_BYTES_MAX as u64)
        .map_err(|error| format!("cannot read `{}`: {error}", path.display()))
}

fn parse_url(text: &str) -> Result<String, String> {
    match text.split_once("://") {
        Some((scheme, rest)) if !scheme.is_empty() && !rest.starts_with(['/', '?', '#']) => {
            Ok(text.to_owned())
        }
        _ => Err("expected a whole URL like `https://phone.example.com/sms?x=1`".to_owned()),
    }
}

pub(super) fn parse_secret(text: &str) -> Result<Secret, String> {
    match text {
        "" => Err("the token is empty".to_owned()),
        text => Ok(Secret::new(text.to_owned())),
    }
}

pub(super) fn parse_method(text: &str) -> Result<Method, String> {
    match text.to_ascii_uppercase().as_str() {
        "POST" => Ok(Method::POST),
        "GET" => Ok(Method::GET),
        _ => Err("expected `POST` or `GET`, the methods of webhooks".to_owned()),
    }
}

pub(super) fn parse_pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected `NAME=VALUE`")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn parse_algorithm(text: &str) -> Result<HmacAlgorithm, String> {
    match text.to_ascii_uppercase().as_str() {
        "HMAC_SHA1" => Ok(HmacAlgorithm::Sha1),
        "HMAC_SHA256" => Ok(HmacAlgorithm::Sha256),
        _ => Err("expected `HMAC_SHA1` or `HMAC_SHA256`".to_owned()),
    }
}
