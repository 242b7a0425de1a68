//! `twimlgate serve`: the main job.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::ConfigArgs;
use crate::catch_panic::{catch, hide_panic_texts};
use crate::clock;
use crate::exchange::adopt;
use crate::gateway::Gateway;
use crate::journal::{Journal, LogLevel, LogWriter};
use crate::metrics::Metrics;
use crate::server::{Listeners, Server, StartError};
use crate::session::Sessions;

/// Answer webhooks, until SIGTERM. SIGHUP reads the configuration again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  TWILIO_AUTH_TOKEN=… twimlgate serve --config config.toml\n\n\
    SIGTERM or Ctrl-C: what is in flight is answered, nothing new is accepted, exit code 0.\n\
    SIGHUP: a changed configuration is taken over, or refused whole while the old one goes on.")]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn run(args: &Args) -> ExitCode {
    hide_panic_texts();
    let meters = Metrics::new();
    let (gateway, problems) = Gateway::load(&args.config.config, &meters);
    eprint!("{problems}");
    let Some(gateway) = gateway else {
        eprintln!("`{}` cannot be served as it is", args.config.config.display());
        return ExitCode::FAILURE;
    };
    let sessions = match Sessions::open(&gateway.config.store, clock::wall()) {
        Ok(sessions) => sessions,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let listeners = match Listeners::bind(&gateway.config) {
        Ok(listeners) => listeners,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let closing = sessions.shutdown_waiter();
    let journal =
        Journal { log: LogWriter::to_stdout(gateway.config.log), metrics: Arc::new(meters) };
    let start = async || {
        journal.log_adoption(adopt(&gateway, &sessions).await);
        Server::start(listeners, gateway, sessions, journal.clone())
    };
    let serve = serve(&args.config.config, start, &journal);
    let code = actix_web::rt::System::new().block_on(serve);
    // A worker's thread may be the last that has the store, and would end with us in the middle.
    if !closing.wait() {
        journal.log.note(
            LogLevel::Warn,
            "the store was not closed in time: its log is read at the next start",
        );
    }
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
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    // Before the line that says that it listens: who reads that may signal at once.
    let signals = match Signals::handle() {
        Ok(signals) => signals,
        Err(error) => {
            eprintln!("error: the system takes no signal handler: {error}");
            return ExitCode::FAILURE;
        }
    };
    let admin = server.admin.map_or("off".to_owned(), |admin| format!("http://{admin}"));
    let started = format!("listening on {}, admin {admin}", server.address);
    journal.log.note(LogLevel::Info, &started);
    let signal = until_asked_to_end(signals, config, &server, journal).await;
    journal.log.note(LogLevel::Info, &format!("{signal}: answering what is in flight"));
    server.drain().await;
    journal.log.note(LogLevel::Info, "ended");
    ExitCode::SUCCESS
}

/// The signals that a running gateway reacts to.
struct Signals {
    hang_up: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn handle() -> std::io::Result<Signals> {
        Ok(Signals {
            hang_up: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

/// Reloads on SIGHUP; gives the signal that asks to end.
async fn until_asked_to_end(
    mut signals: Signals,
    config: &Path,
    server: &Server,
    journal: &Journal,
) -> &'static str {
    loop {
        tokio::select! {
            _ = signals.hang_up.recv() => reload(config, server, journal).await,
            _ = signals.terminate.recv() => return "SIGTERM",
            _ = signals.interrupt.recv() => return "SIGINT",
        }
    }
}

async fn reload(config: &Path, server: &Server, journal: &Journal) {
    let taken = || {
        let (gateway, problems) = Gateway::load(config, &journal.metrics);
        for problem in problems.iter() {
            journal.log.note(LogLevel::Warn, &problem.to_string());
        }
        gateway
    };
    // A file that the gateway panics over must not end the calls that go on.
    let taken = match catch(taken) {
        Ok(Some(gateway)) => Ok(Some(server.reload(gateway).await)),
        Ok(None) => Ok(None),
        Err(panicked) => Err(panicked),
    };
    let refused = match taken {
        Ok(Some(Ok(restart))) => {
            journal.metrics.count_reload("taken");
            journal.log.note(LogLevel::Info, "configuration taken over");
            for key in restart {
                let message = format!("`{key}` was changed: that needs a restart");
                journal.log.note(LogLevel::Warn, &message);
            }
            return;
        }
        Ok(Some(Err(problem))) => problem.to_string(),
        Ok(None) => "the old configuration goes on".to_owned(),
        Err(panicked) => panicked.to_string(),
    };
    journal.metrics.count_reload("refused");
    journal.log.note(LogLevel::Error, &format!("configuration refused: {refused}"));
}
