//! `twimlgate serve`: runs the gateway.

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use super::ConfigArgs;
use super::reload::{Signals, reload};
use crate::catch_panic::hide_panic_texts;
use crate::clock;
use crate::exchange::adopt;
use crate::gateway::Gateway;
use crate::journal::{Journal, LogLevel, LogWriter};
use crate::metrics::Metrics;
use crate::node::ProjectWatch;
use crate::server::{Listeners, Server, StartError};
use crate::session::Sessions;
use crate::tools::route_table::RouteTable;
use crate::tools::text::TextColours;

/// Answer webhooks until SIGTERM. SIGHUP reloads the configuration.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  TWILIO_AUTH_TOKEN=… twimlgate serve --config config.toml\n\n\
    SIGTERM or Ctrl-C: pending webhooks are answered, new ones are not accepted, exit code 0.\n\
    SIGHUP: a changed configuration is applied, or refused as a whole; then the old one stays.")]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn run(args: &Args) -> ExitCode {
    hide_panic_texts();
    let metrics = Metrics::new();
    let (gateway, problems) = Gateway::load(&args.config.config, &metrics);
    err!("{problems}");
    let Some(gateway) = gateway else {
        errln!("`{}` cannot be served as it is", args.config.config.display());
        return ExitCode::FAILURE;
    };
    let sessions = match Sessions::open(&gateway.config.store, clock::wall()) {
        Ok(sessions) => sessions,
        Err(error) => {
            errln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let listeners = match Listeners::bind(&gateway.config) {
        Ok(listeners) => listeners,
        Err(error) => {
            errln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let closing = sessions.shutdown_waiter();
    let log = LogWriter::to_stdout(gateway.config.log);
    let journal = Journal::new(log, Arc::new(metrics)).with_traces(&gateway.config);
    let start = async || {
        journal.log_adoption(adopt(&gateway, &sessions).await);
        Server::start(listeners, gateway, sessions, journal.clone())
    };
    let serve = serve(&args.config.config, start, &journal);
    let code = actix_web::rt::System::new().block_on(serve);
    // A worker's thread may be the last owner of the store, and would be killed while it closes it.
    if !closing.wait() {
        journal.log.note(
            LogLevel::Warn,
            "the store was not closed in time: its log is read at the next start",
        );
    }
    journal.traces.close();
    journal.log.close();
    code
}

async fn serve(
    config: &Path,
    start: impl AsyncFnOnce() -> Result<Server, StartError>,
    journal: &Journal,
) -> ExitCode {
    let server = match start().await {
        Ok(server) => server,
        Err(error) => {
            errln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    // Before the line that says that it listens: a reader of that line may send a signal at once.
    let signals = match Signals::handle() {
        Ok(signals) => signals,
        Err(error) => {
            errln!("error: the system takes no signal handler: {error}");
            return ExitCode::FAILURE;
        }
    };
    let admin = server.admin.map_or("off".to_owned(), |admin| format!("http://{admin}"));
    let started = format!("listening on {}, admin {admin}", server.address);
    journal.log.note(LogLevel::Info, &started);
    let routes = current_routes(&server);
    if journal.log.is_human() && std::io::stdout().is_terminal() {
        let colours = TextColours(true);
        out!("{}", routes.format_box("twimlgate is answering", routes.advice(), colours));
    } else {
        log_routes(&routes, journal);
    }
    let signal = run_until_signal(signals, config, &server, journal).await;
    journal.log.note(LogLevel::Info, &format!("{signal}: answering pending webhooks"));
    server.drain().await;
    journal.log.note(LogLevel::Info, "ended");
    ExitCode::SUCCESS
}

fn current_routes(server: &Server) -> RouteTable {
    RouteTable::new(&server.gateway(), server.address, server.admin)
}

fn log_routes(routes: &RouteTable, journal: &Journal) {
    routes.log_lines().for_each(|line| journal.log.note(LogLevel::Info, &line));
}

/// Reloads on SIGHUP, and when a watched project changes. Returns the name of the signal that ends
/// the program.
async fn run_until_signal(
    mut signals: Signals,
    config: &Path,
    server: &Server,
    journal: &Journal,
) -> &'static str {
    let mut watch = server.watched_project().map(ProjectWatch::new);
    loop {
        let changed = async {
            match &mut watch {
                Some(watch) => watch.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = changed => reload_from(config, server, journal).await,
            _ = signals.hang_up.recv() => {
                reload_from(config, server, journal).await;
                let folder = server.watched_project();
                // One that goes on has seen what changed during the reload.
                if folder.as_deref() != watch.as_ref().map(ProjectWatch::folder) {
                    watch = folder.map(ProjectWatch::new);
                }
            }
            _ = signals.terminate.recv() => return "SIGTERM",
            _ = signals.interrupt.recv() => return "SIGINT",
        }
    }
}

async fn reload_from(config: &Path, server: &Server, journal: &Journal) {
    let load = || {
        let (gateway, problems) = Gateway::load(config, &journal.metrics);
        for problem in problems.iter() {
            journal.log.note(LogLevel::Warn, &problem.to_string());
        }
        // The old templates still answer: a new one that cannot is not applied.
        gateway.filter(|_| !problems.any_defect())
    };
    let former = current_routes(server);
    match reload(load, server, &journal.metrics).await {
        Ok(restart) => {
            journal.log.note(LogLevel::Info, "configuration taken over");
            let routes = current_routes(server);
            if routes != former {
                log_routes(&routes, journal);
            }
            for key in restart {
                let message = format!("`{key}` was changed: that needs a restart");
                journal.log.note(LogLevel::Warn, &message);
            }
        }
        Err(reason) => {
            journal.log.note(LogLevel::Error, &format!("configuration refused: {reason}"));
        }
    }
}
