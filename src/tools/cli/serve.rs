//! `twimlgate serve`: the main job.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};

use super::ConfigArgs;
use crate::catch_panic::{caught, without_texts};
use crate::clock;
use crate::gateway::Gateway;
use crate::journal::{Journal, Level, Log, Meters};
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
    without_texts();
    let meters = Meters::new();
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
    let closing = sessions.closing();
    let journal = Journal { log: Log::to_stdout(gateway.config.log), meters: Arc::new(meters) };
    let start = || Server::start(listeners, gateway, sessions, journal.clone());
    let serve = serve(&args.config.config, start, &journal);
    let code = actix_web::rt::System::new().block_on(serve);
    // A worker's thread may be the last that has the store, and would end with us in the middle.
    if !closing.wait() {
        journal.log.note(
            Level::Warn,
            "the store was not closed in time: its log is read at the next start",
        );
    }
    journal.log.close();
    code
}

async fn serve(
    config: &Path,
    start: impl FnOnce() -> Result<Server, StartError>,
    journal: &Journal,
) -> ExitCode {
    let server = match start() {
        Ok(server) => server,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let admin = server.admin.map_or("off".to_owned(), |admin| format!("http://{admin}"));
    let started = format!("listening on {}, admin {admin}", server.address);
    journal.log.note(Level::Info, &started);
    match until_asked_to_end(config, &server, journal).await {
        Ok(signal) => {
            journal.log.note(Level::Info, &format!("{signal}: answering what is in flight"));
            server.drain().await;
            journal.log.note(Level::Info, "ended");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: the system takes no signal handler: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Reloads on SIGHUP; gives the signal that asks to end.
async fn until_asked_to_end(
    config: &Path,
    server: &Server,
    journal: &Journal,
) -> std::io::Result<&'static str> {
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    loop {
        tokio::select! {
            _ = hang_up.recv() => reload(config, server, journal),
            _ = terminate.recv() => return Ok("SIGTERM"),
            _ = interrupt.recv() => return Ok("SIGINT"),
        }
    }
}

fn reload(config: &Path, server: &Server, journal: &Journal) {
    let taken = || {
        let (gateway, problems) = Gateway::load(config, &journal.meters);
        for problem in problems.iter() {
            journal.log.note(Level::Warn, &problem.to_string());
        }
        gateway.map(|gateway| server.reload(gateway))
    };
    // A file that the gateway panics over must not end the calls that go on.
    let refused = match caught(taken) {
        Ok(Some(Ok(restart))) => {
            journal.meters.reloaded("taken");
            journal.log.note(Level::Info, "configuration taken over");
            for key in restart {
                let message = format!("`{key}` was changed: that needs a restart");
                journal.log.note(Level::Warn, &message);
            }
            return;
        }
        Ok(Some(Err(problem))) => problem.to_string(),
        Ok(None) => "the old configuration goes on".to_owned(),
        Err(panicked) => panicked.to_string(),
    };
    journal.meters.reloaded("refused");
    journal.log.note(Level::Error, &format!("configuration refused: {refused}"));
}
