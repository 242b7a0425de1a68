//! `twimlgate sign`: prints the signature of the carrier for a request.

use std::process::ExitCode;

use actix_web::http::Method;

use super::request::RequestArgs;
use crate::media_type::is_form;
use crate::verify::{SigningKey, add_body_hash, sign_form, sign_url};
use crate::webhook::Params;

const EXAMPLE: &str = "\
Examples:
  twimlgate sign --url https://phone.example.com/sms --token 12345 \\
      --param From=+15550100 --param Body='hello there'
  curl https://phone.example.com/sms -H \"X-Twilio-Signature: $(twimlgate sign …)\" \\
      --data-urlencode From=+15550100 --data-urlencode Body='hello there'

The first line is the signature. If the request must go to another URL than the given one,
a second line has it: with `bodySHA256` for a body that is not a form, with the parameters
for a GET.";

/// Print the signature that the carrier would send with a request
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    #[command(flatten)]
    request: RequestArgs,
}

/// Prints the signature. Exit 0; 2 if the arguments are incomplete.
pub(super) fn run(args: Args) -> ExitCode {
    match sign(&args.request) {
        Ok(lines) => {
            outln!("{lines}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            errln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn sign(request: &RequestArgs) -> Result<String, String> {
    let key = match request.tokens()?.as_slice() {
        [token] => SigningKey::new(token, request.algorithm),
        _ => return Err("one token signs: give `--token` once".to_owned()),
    };
    if request.method == Method::GET {
        // The signature of a GET covers the parameters in its URL.
        let url = with_query(&request.url, &request.params());
        return Ok(format_lines(&request.url, &url, &sign_url(&key, &url)));
    }
    let body = request.body()?;
    if is_form(&request.content_type) {
        let params = Params::decode(&body).map_err(|error| error.to_string())?;
        return Ok(sign_form(&key, &request.url, params.iter()));
    }
    let url = add_body_hash(&request.url, &body).ok_or(
        "the URL already has a `bodySHA256`, which is not that of this body: leave it out",
    )?;
    Ok(format_lines(&request.url, &url, &sign_url(&key, &url)))
}

fn format_lines(given: &str, url: &str, signature: &str) -> String {
    if given == url { signature.to_owned() } else { format!("{signature}\n{url}") }
}

/// Adds parameters to the query, as the carrier does for a GET.
fn with_query(url: &str, params: &Params) -> String {
    let (url, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
    let separator = match (params.is_empty(), url.contains('?')) {
        (true, _) => "",
        (false, true) => "&",
        (false, false) => "?",
    };
    format!("{url}{separator}{}{fragment}", params.encode())
}
