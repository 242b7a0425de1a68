//! `twimlgate demo`: a first look, with nothing configured and nobody else needed.

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
use function::SampleFunction;
use webhook::DemoWebhook;

/// See it work: a sample function, the gateway in front of it, one message and one call, signed
/// as Twilio would. Everything is real HTTP on loopback.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  twimlgate demo --once")]
pub(super) struct Args {
    /// End after the play, with exit code 0, instead of serving on.
    #[arg(long)]
    once: bool,
    /// Where the gateway listens; another port is taken if this one is in use.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

/// What the demo is configured with; `ADDRESS` and the others are filled in.
const CONFIG: &str = include_str!("demo/config.toml");

/// The demo's templates are the ones that the distribution ships.
const TEMPLATES: [(&str, &str); 2] = [
    ("message/reply.xml", include_str!("../../../templates/message/reply.xml")),
    ("message/sorry.xml", include_str!("../../../templates/message/sorry.xml")),
];

/// Everything that the demo started.
struct Demo {
    server: Server,
    function: SampleFunction,
    sid: String,
    token: Secret,
}

pub(super) fn run(args: &Args) -> ExitCode {
    match actix_web::rt::System::new().block_on(demo(args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn demo(args: &Args) -> Result<(), Box<dyn std::error::Error>> {
    let meters = Metrics::new();
    let function = SampleFunction::start()?;
    let (sid, token) = (random::sid("AC"), Secret::new(random::sid("")));
    let gateway = gateway(&function, &sid, &token, args.listen, &meters)?;
    let listeners = Listeners::bind(&gateway.config).or_else(|_| {
        let any_port = SocketAddr::new(args.listen.ip(), 0);
        let gateway = self::gateway(&function, &sid, &token, any_port, &meters)?;
        Listeners::bind(&gateway.config).map_err(Box::<dyn std::error::Error>::from)
    })?;
    // The play shows what happens; the log would show it once more between the lines.
    let log = LogWriter::to(std::io::sink(), true);
    let journal = Journal { log, metrics: Arc::new(meters) };
    let server = Server::start(listeners, gateway, Sessions::memory(), journal)?;
    let demo = Demo { server, function, sid, token };

    let colours = std::io::stdout().is_terminal();
    output::title(&demo, colours);
    for play in [DemoWebhook::message(&demo), DemoWebhook::call(&demo)] {
        let scene = play.perform(&demo).await?;
        output::scene(&scene, colours);
    }
    output::next_steps(&demo, colours);
    if !args.once {
        tokio::signal::ctrl_c().await?;
        println!();
    }
    demo.server.drain().await;
    Ok(())
}

fn gateway(
    function: &SampleFunction,
    sid: &str,
    token: &Secret,
    listen: SocketAddr,
    meters: &Metrics,
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
        config.and_then(|config| Gateway::build(config, &templates, meters, &mut problems));
    gateway.ok_or_else(|| refused(&problems))
}

fn refused(problems: &Problems) -> Box<dyn std::error::Error> {
    format!("the demo's own configuration is wrong, please report it\n{problems}").into()
}
