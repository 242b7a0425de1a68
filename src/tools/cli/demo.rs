//! `twimlgate demo`: a first look without any configuration.
//!
//! `function` is the function of a user, `webhook` is the carrier, `output` prints what they
//! exchange. Invariant: everything between them is real HTTP on loopback, through the gateway that
//! `serve` would run.

mod function;
mod webhook;
mod output;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::config::Config;
use crate::diagnostics::problem::{Problems, Source};
use crate::gateway::Gateway;
use crate::journal::{Journal, LogWriter};
use crate::metrics::Metrics;
use crate::random;
use crate::secret::Secret;
use crate::server::{Listeners, Server};
use crate::session::Sessions;
use crate::template::TemplateFolder;
use crate::tools::text::TextColours;
use function::SampleFunction;
use webhook::WebhookSample;

/// See it work: a sample function, the gateway in front of it, one message and one call, signed
/// as Twilio would. Everything is real HTTP on loopback.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  twimlgate demo --once")]
pub(super) struct Args {
    /// Exit after the two webhooks, with exit code 0, instead of serving on.
    #[arg(long)]
    once: bool,
    /// The address of the gateway; another port is used if this one is taken.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

/// The configuration of the demo; `LISTEN` and the others are filled in.
const CONFIG: &str = include_str!("demo/config.toml");

/// The templates of the demo, which are those of the distribution.
const TEMPLATES: [(&str, &str); 2] = [
    ("message/reply.xml", include_str!("../../../templates/message/reply.xml")),
    ("message/sorry.xml", include_str!("../../../templates/message/sorry.xml")),
];

/// The servers of the demo, and its account.
struct Demo {
    server: Server,
    function: SampleFunction,
    sid: String,
    token: Secret,
}

pub(super) fn run(args: &Args) -> ExitCode {
    match actix_web::rt::System::new().block_on(run_demo(args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            errln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run_demo(args: &Args) -> Result<(), Box<dyn std::error::Error>> {
    let metrics = Metrics::new();
    let function = SampleFunction::start()?;
    let (sid, token) = (random::sid("AC"), Secret::new(random::sid("")));
    let gateway = build_gateway(&function, &sid, &token, args.listen, &metrics)?;
    let listeners = Listeners::bind(&gateway.config).or_else(|_| {
        // A first look must not fail because another program uses port 8080.
        let any_port = SocketAddr::new(args.listen.ip(), 0);
        let gateway = build_gateway(&function, &sid, &token, any_port, &metrics)?;
        Listeners::bind(&gateway.config).map_err(Box::<dyn std::error::Error>::from)
    })?;
    // The output shows the exchanges already; log lines would come between.
    let log = LogWriter::to(std::io::sink(), true);
    let journal = Journal::new(log, Arc::new(metrics));
    let server = Server::start(listeners, gateway, Sessions::memory(), journal)?;
    let demo = Demo { server, function, sid, token };

    let colours = TextColours(std::io::stdout().is_terminal());
    output::print_title(&demo, colours);
    for sample in [WebhookSample::message(&demo), WebhookSample::call(&demo)] {
        let exchange = sample.send(&demo).await?;
        output::print_exchange(&exchange, colours);
    }
    if args.once {
        output::print_next_steps_alone(colours);
    } else {
        output::print_next_steps(&demo, colours);
        tokio::signal::ctrl_c().await?;
        outln!("");
    }
    demo.server.drain().await;
    Ok(())
}

fn build_gateway(
    function: &SampleFunction,
    sid: &str,
    token: &Secret,
    listen: SocketAddr,
    metrics: &Metrics,
) -> Result<Gateway, Box<dyn std::error::Error>> {
    let value = |name: &str| match name {
        "LISTEN" => Some(listen.to_string()),
        "FUNCTION" => Some(function.address.to_string()),
        "SID" => Some(sid.to_owned()),
        "TOKEN" => Some(token.expose().to_owned()),
        _ => None,
    };
    let source = Source::new("demo/config.toml", CONFIG);
    let (config, mut problems) = Config::parse(&source, Path::new(""), &value);
    let mut sources = Vec::new();
    for (name, text) in TEMPLATES {
        sources.push((name.to_owned(), Source::new(name, text)));
    }
    let templates =
        TemplateFolder::compile(Path::new("templates"), sources, TimeZone::UTC, &mut problems);
    let gateway =
        config.and_then(|config| Gateway::build(config, &templates, metrics, &mut problems));
    gateway.ok_or_else(|| config_error(&problems))
}

fn config_error(problems: &Problems) -> Box<dyn std::error::Error> {
    format!("the demo's own configuration is wrong, please report it\n{problems}").into()
}
