//! `twimlgate verify`: checks a signature, and explains why it does not match.

use std::process::ExitCode;

use actix_web::http::Method;

use super::request::RequestArgs;
use crate::verify::explain::SignedRequest;

const EXAMPLE: &str = "\
Example:
  twimlgate verify --url https://phone.example.com/sms --token 12345 \\
      --signature 5sV0FQSYBq44hFLS0A+L9VXV60M= --body-file body.txt --explain

Exit 0: accepted. 1: refused. 2: the arguments are incomplete.";

const NO_CAUSE: &str = "\
No tried variant matches: no other scheme, host, port, slash, query or escaping of the URL, no
other reading of the parameters, no other spelling of token or signature. Possible causes:
another token (a subaccount signs with its own, and an API key's secret never signs), a URL or a
parameter that is missing here, or a forged request.";

/// Check the signature of a request, and find out why it does not match
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    #[command(flatten)]
    request: RequestArgs,

    /// The `X-Twilio-Signature` header of the request
    #[arg(long, value_name = "SIGNATURE", allow_hyphen_values = true)]
    signature: String,

    /// Show the tried variants, the signed text and the expected signature, and what would match
    #[arg(long)]
    explain: bool,
}

/// Prints the verdict. Exit 0 accepted, 1 refused, 2 if the arguments are incomplete.
pub(super) fn run(args: Args) -> ExitCode {
    let request = match build_request(&args) {
        Ok(request) => request,
        Err(error) => {
            errln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let verdict = request.check();
    match verdict {
        Ok(index) if request.tokens.len() > 1 => {
            outln!("accepted, signed with token {}", index + 1)
        }
        Ok(_) => outln!("accepted"),
        Err(error) => outln!(
            "refused: {}",
            // The message of the gateway's log advises to run this command.
            error.to_string().replace("; `twimlgate verify --explain` finds out why", "")
        ),
    }
    if args.explain {
        explain(&request, verdict.is_ok());
    } else if verdict.is_err() {
        outln!("add `--explain` to see the tried variants, and what would match");
    }
    if verdict.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn build_request(args: &Args) -> Result<SignedRequest, String> {
    let request = &args.request;
    // Adding them here could build another URL than the one that was signed.
    if request.method == Method::GET && !request.param.is_empty() {
        return Err("the parameters of a GET are in its URL: give them in `--url`".to_owned());
    }
    Ok(SignedRequest {
        url: request.url.clone(),
        method: request.method.clone(),
        content_type: request.content_type.clone(),
        body: request.body()?,
        signature: args.signature.clone(),
        tokens: request.tokens()?,
        algorithm: request.algorithm,
    })
}

fn explain(request: &SignedRequest, accepted: bool) {
    outln!("\n{}", request.attempts());
    if accepted {
        return;
    }
    let causes = request.causes();
    match causes.as_slice() {
        [] => outln!("{NO_CAUSE}"),
        causes => {
            outln!("It matches if:");
            for cause in causes {
                outln!("  - {}\n    what to do: {}", cause.what(), cause.advice());
            }
        }
    }
}
