//! `twimlgate verify`: whether a signature fits, and why not.

use std::process::ExitCode;

use actix_web::http::Method;

use super::request::RequestArgs;
use crate::tools::explain::SignedRequest;

const EXAMPLE: &str = "\
Example:
  twimlgate verify --url https://phone.example.com/sms --token 12345 \\
      --signature 5sV0FQSYBq44hFLS0A+L9VXV60M= --body-file body.txt --explain

Exit 0: accepted. 1: refused. 2: the arguments make no request.";

/// Check the signature of a request, and find out why it does not fit
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    #[command(flatten)]
    request: RequestArgs,

    /// The `X-Twilio-Signature` header as it came
    #[arg(long, value_name = "SIGNATURE", allow_hyphen_values = true)]
    signature: String,

    /// Show what was tried, what was signed and expected, and what would have fitted
    #[arg(long)]
    explain: bool,
}

/// Prints the verdict. Exit 0 accepted, 1 refused, 2 where the arguments make no request.
pub(super) fn run(args: Args) -> ExitCode {
    let case = match case(&args) {
        Ok(case) => case,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let verdict = case.check();
    match verdict {
        Ok(index) if case.tokens.len() > 1 => println!("accepted, signed with token {}", index + 1),
        Ok(_) => println!("accepted"),
        Err(error) => println!(
            "refused: {}",
            error.to_string().replace("; `twimlgate verify --explain` finds out why", "")
        ),
    }
    if args.explain {
        explain(&case, verdict.is_ok());
    } else if verdict.is_err() {
        println!("add `--explain` to see what was tried, and what would have fitted");
    }
    if verdict.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn case(args: &Args) -> Result<SignedRequest, String> {
    let request = &args.request;
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

fn explain(case: &SignedRequest, accepted: bool) {
    println!("\n{}", case.attempts());
    if accepted {
        return;
    }
    let causes = case.causes();
    match causes.as_slice() {
        [] => println!(
            "Nothing that was tried makes it fit: no other scheme, host, port, slash, query or \
             escaping of the\nURL, no other reading of the parameters, no other spelling of token \
             or signature. What is left:\nanother token (a subaccount signs with its own, and an \
             API key's secret never signs), a URL or a\nparameter that is missing here, or a \
             forged request."
        ),
        causes => {
            println!("It fits if:");
            for cause in causes {
                println!("  - {}\n    what to do: {}", cause.what, cause.advice);
            }
        }
    }
}
