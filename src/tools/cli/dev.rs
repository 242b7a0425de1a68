//! `twimlgate dev`: the gateway for people who are writing.

mod files;
mod number;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::ConfigArgs;
use super::reload::{Signals, reload};
use crate::catch_panic::hide_panic_texts;
use crate::clock;
use crate::config::{Config, LogFormat};
use crate::exchange::adopt;
use crate::gateway::Gateway;
use crate::journal::{Journal, LogWriter};
use crate::metrics::Metrics;
use crate::server::{Listeners, Server};
use crate::session::{Sessions, ShutdownWaiter};
use crate::tools::dev::{ChildProgram, FileSnapshot, ProgramOutput, Tunnel, TunnelProgram};
use crate::tools::route_table::RouteTable;
use crate::tools::text::{DIM, GREEN, RED, TextColours, YELLOW, replace_control_chars};
use files::{flow_files, folder_of, has_ending, is_project_file, names, watched_paths};
use number::{NumberArgs, run_restore};

/// The time between two looks at the files.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Serve while you write: changes of configuration, flows, templates and functions apply at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  twimlgate dev
  twimlgate dev --tunnel cloudflared
  twimlgate dev --tunnel cloudflared --number +15550100
  twimlgate dev --number +15550100 --restore

A change that cannot be used is shown with its place, and the former state stays in use. With
`command` in the section `[dev]`, the program with your functions is started as well, and started
again when its files change. Ctrl-C ends everything, and restores the number. After an end by other
means, `--restore` does that.")]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Open a tunnel with this program, and use its URL as `server.public_url`
    #[arg(long, value_name = "PROGRAM")]
    tunnel: Option<TunnelProgram>,
    #[command(flatten)]
    number: NumberArgs,
}

/// A gateway that is being written, with everything that runs beside it.
struct DevSession {
    config: PathBuf,
    /// That of the tunnel; it replaces the configured one.
    public_url: Option<String>,
    journal: Journal,
    colours: TextColours,
    program: Option<ChildProgram>,
    tunnel: Option<Tunnel>,
    /// The configuration in use.
    current: Config,
    files: FileSnapshot,
    /// Changed files that have not settled yet: an editor may be in the middle of a save.
    changed: Vec<PathBuf>,
    /// As they were shown last.
    routes: RouteTable,
}

pub(super) fn run(args: &Args) -> ExitCode {
    hide_panic_texts();
    if let Some(number) = args.number.number_to_restore() {
        return actix_web::rt::System::new().block_on(run_restore(number, &args.config.config));
    }
    match actix_web::rt::System::new().block_on(run_dev(args)) {
        Ok(closing) => {
            // A worker's thread may be the last owner of the store.
            closing.wait();
            ExitCode::SUCCESS
        }
        Err(error) => {
            errln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run_dev(args: &Args) -> Result<ShutdownWaiter, String> {
    let mut signals = Signals::handle()
        .map_err(|error| format!("the system takes no signal handler: {error}"))?;
    let colours = TextColours(std::io::stdout().is_terminal());
    let metrics = Metrics::new();
    let path = &args.config.config;
    let Some(mut gateway) = load_when_valid(path, &metrics, &mut signals, colours).await else {
        return Err("interrupted before the configuration was valid".to_owned());
    };
    let listeners = Listeners::bind(&gateway.config).map_err(|error| error.to_string())?;
    let address = listeners.public_address().map_err(|error| error.to_string())?;
    let tunnel = match args.tunnel {
        Some(program) => Some(open_tunnel(program, address, &mut signals).await?),
        None => None,
    };
    let public_url = tunnel.as_ref().map(|tunnel| tunnel.public_url.clone());
    if public_url.is_some() {
        let edit = |config: &mut Config| config.server.public_url.clone_from(&public_url);
        let (edited, _) = Gateway::load_edited(path, edit, &metrics);
        gateway = edited.ok_or("the configuration has changed meanwhile")?;
    }
    let number = args.number.prepare(&gateway, path, &mut signals).await?;
    let sessions = Sessions::open(&gateway.config.store, clock::wall());
    let sessions = sessions.map_err(|error| error.to_string())?;
    let closing = sessions.shutdown_waiter();
    let log = LogWriter::for_development(gateway.config.log != LogFormat::Json);
    let journal = Journal::new(log, Arc::new(metrics)).with_traces(&gateway.config);
    let current = gateway.config.clone();
    journal.log_adoption(adopt(&gateway, &sessions).await);
    let server = Server::start(listeners, gateway, sessions, journal.clone());
    let server = server.map_err(|error| error.to_string())?;
    let files = FileSnapshot::take(&watched_paths(path, &current));
    let mut session = DevSession {
        config: path.clone(),
        public_url,
        journal: journal.clone(),
        colours,
        program: None,
        tunnel,
        current,
        files,
        changed: Vec::new(),
        routes: RouteTable::default(),
    };
    session.show_routes(&server);
    // Only now: the carrier may send a webhook at once.
    if let Some(number) = &number {
        number.point().await?;
    }
    session.start_program();
    session.run_until_signal(&server, &mut signals).await;
    // First the number, so that no webhook comes that is not answered any more.
    if let Some(number) = &number {
        number.restore().await;
    }
    session.end().await;
    server.drain().await;
    journal.log.close();
    Ok(closing)
}

/// Loads the configuration, however long its author takes. `None` after a signal to end.
async fn load_when_valid(
    path: &Path,
    metrics: &Metrics,
    signals: &mut Signals,
    colours: TextColours,
) -> Option<Gateway> {
    let folder = || FileSnapshot::take(&[folder_of(path)]);
    loop {
        let before = folder();
        let (gateway, problems) = Gateway::load(path, metrics);
        out!("{problems}");
        if gateway.is_some() {
            return gateway;
        }
        outln!("{}", colours.paint(YELLOW, "waiting for a change …"));
        let mut ticks = interval(LOOK_EVERY);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = signals.terminate.recv() => return None,
                _ = signals.interrupt.recv() => return None,
            }
            if folder() != before {
                break;
            }
        }
    }
}

async fn open_tunnel(
    program: TunnelProgram,
    address: std::net::SocketAddr,
    signals: &mut Signals,
) -> Result<Tunnel, String> {
    outln!("opening a tunnel …");
    tokio::select! {
        tunnel = program.open(address) => tunnel,
        _ = signals.terminate.recv() => Err("interrupted".to_owned()),
        _ = signals.interrupt.recv() => Err("interrupted".to_owned()),
    }
}

impl DevSession {
    async fn run_until_signal(&mut self, server: &Server, signals: &mut Signals) {
        let mut ticks = interval(LOOK_EVERY);
        // After the computer has slept, one look is enough.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.look(server).await,
                output = next_output(&mut self.program) => self.show_output(output).await,
                () = wait_until_closed(&mut self.tunnel) => {
                    self.tunnel = None;
                    self.say(RED, "the tunnel has closed: start `twimlgate dev` again");
                }
                // The terminal has been closed: nothing of this may go on behind it.
                _ = signals.hang_up.recv() => return,
                _ = signals.terminate.recv() => return,
                _ = signals.interrupt.recv() => return,
            }
        }
    }

    /// Looks for changed files, and acts on them once no other change follows.
    async fn look(&mut self, server: &Server) {
        let files = FileSnapshot::take(&watched_paths(&self.config, &self.current));
        let changed = files.changes_since(&self.files);
        self.files = files;
        if !changed.is_empty() {
            self.changed.extend(changed);
            return;
        }
        if self.changed.is_empty() {
            return;
        }
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort();
        changed.dedup();
        let (own, others): (Vec<_>, Vec<_>) =
            changed.into_iter().partition(|path| self.is_gateway_file(path));
        if !own.is_empty() {
            self.reload(server, &own).await;
        }
        // The program reads the same variables, so a changed `.env` counts for it, too.
        let is_code = |path: &PathBuf| !has_ending(path, &[".test.toml", ".md"]);
        if others.iter().any(is_code) || own.iter().any(|path| has_ending(path, &[".env"])) {
            self.restart_program(&others).await;
        }
    }

    /// Whether the gateway reads a file; the others belong to the functions' program.
    fn is_gateway_file(&self, path: &Path) -> bool {
        let config = &self.current;
        path == self.config
            || path == config.folder.join(".env")
            || path.starts_with(&config.server.templates)
            || is_project_file(config, path)
            || flow_files(config).any(|flow| path == flow)
    }

    async fn reload(&mut self, server: &Server, changed: &[PathBuf]) {
        let (config, public_url) = (self.config.clone(), self.public_url.clone());
        let mut loaded = None;
        let load = || {
            let edit = |config: &mut Config| {
                if public_url.is_some() {
                    config.server.public_url = public_url;
                }
            };
            let (gateway, problems) = Gateway::load_edited(&config, edit, &self.journal.metrics);
            out!("{problems}");
            loaded = gateway.as_ref().map(|gateway| gateway.config.clone());
            gateway
        };
        let result = reload(load, server, &self.journal.metrics).await;
        let names = names(changed, &self.current.folder);
        match result {
            Ok(restart) => {
                let command = self.current.dev.command.clone();
                self.current = loaded.unwrap_or_else(|| self.current.clone());
                self.say(GREEN, &format!("{names} applied"));
                for key in restart {
                    let message = format!("`{key}` was changed: start `twimlgate dev` again");
                    self.say(YELLOW, &message);
                }
                self.show_routes(server);
                if self.current.dev.command != command {
                    self.restart_program(&[]).await;
                }
            }
            Err(reason) => self.say(RED, &format!("{names} not applied: {reason}")),
        }
    }

    /// Shows the routes with their URLs, if they are not those that were shown.
    fn show_routes(&mut self, server: &Server) {
        let routes = RouteTable::new(&server.gateway(), server.address, server.admin);
        if routes != self.routes {
            let advice = routes.advice();
            outln!("{}", routes.format_box("twimlgate is answering", advice, self.colours));
            self.routes = routes;
        }
    }

    fn start_program(&mut self) {
        let Some(command) = &self.current.dev.command else { return };
        match ChildProgram::start_in_shell(command, &self.current.folder) {
            Ok(program) => self.program = Some(program),
            Err(error) => self.say(RED, &format!("cannot start `{command}`: {error}")),
        }
    }

    async fn restart_program(&mut self, changed: &[PathBuf]) {
        if let Some(program) = self.program.take() {
            program.end().await;
        }
        if self.current.dev.command.is_some() {
            let names = names(changed, &self.current.folder);
            self.say(GREEN, &format!("{names} changed: the functions start again"));
            self.start_program();
        }
    }

    async fn show_output(&mut self, output: ProgramOutput) {
        match output {
            ProgramOutput::Line(line) => {
                let mark = self.colours.paint(DIM, "functions |");
                outln!("{mark} {}", replace_control_chars(&line));
            }
            ProgramOutput::End => {
                let Some(mut program) = self.program.take() else { return };
                let status = program.wait().await.map_or("unknown".to_owned(), |s| s.to_string());
                let message = format!(
                    "the functions' program has ended ({status}); it starts again when a file \
                     changes"
                );
                self.say(RED, &message);
            }
        }
    }

    fn say(&self, colour: &str, message: &str) {
        outln!("{}", self.colours.paint(colour, message));
    }

    /// Ends the programs that were started.
    async fn end(&mut self) {
        if let Some(program) = self.program.take() {
            program.end().await;
        }
        if let Some(tunnel) = self.tunnel.take() {
            tunnel.close().await;
        }
    }
}

/// The next output of the program; without a program there is never one.
async fn next_output(program: &mut Option<ChildProgram>) -> ProgramOutput {
    match program {
        Some(program) => program.next_output().await,
        None => std::future::pending().await,
    }
}

/// Waits until the tunnel has closed; without one, for ever.
async fn wait_until_closed(tunnel: &mut Option<Tunnel>) {
    match tunnel {
        Some(tunnel) => tunnel.wait_until_closed().await,
        None => std::future::pending().await,
    }
}
