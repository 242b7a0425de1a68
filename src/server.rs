//! The server: the listeners, their URLs, and the life of a process from its start to its drain.
//!
//! `handler` answers webhooks on the public listener, with `receive` to read a request, and
//! `direct` the paths that no flow answers, with `asset` for the files of a project; `timers` runs
//! the exchanges that no webhook begins; `admin` and `studio` answer operators on the admin
//! listener; `in_flight` counts what a drain waits for. All of them share one [`Shared`], and each
//! turn takes the gateway from there once, so that a reload never changes the configuration within
//! a turn. This file alone maps URLs to handlers. Nothing here knows a signature, a flow or TwiML:
//! that is the part of an exchange and its stages.

mod admin;
mod asset;
mod direct;
mod handler;
mod in_flight;
mod receive;
mod studio;
mod timers;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::dev::{ServerHandle, fn_service};
use actix_web::rt::task::JoinHandle;
use actix_web::{App, HttpServer, web};
use parking_lot::RwLock;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::config::Config;
use crate::diagnostics::problem::Problem;
use crate::exchange::adopt;
use crate::gateway::{Gateway, Worker};
use crate::journal::Journal;
use crate::limits::{
    CONNECTIONS_PER_WORKER_MAX, DRAIN_WITHIN, KEEP_ALIVE, PROJECT_STARTED_WITHIN,
    REQUEST_HEAD_WITHIN,
};
use crate::pending::PendingCalls;
use crate::session::Sessions;
use crate::tls;

use handler::{AfterLastResponse, RequestHandler};
use in_flight::InFlight;

/// The state that all workers of a process share.
pub(crate) struct Shared {
    /// The current gateway; a reload replaces it.
    gateway: RwLock<Arc<Gateway>>,
    sessions: Sessions,
    /// Not part of the gateway, so that a reload loses no call.
    pending: PendingCalls,
    journal: Journal,
    /// Wakes the search for waits that have ended.
    wake: Notify,
    /// Set once, when the process begins to end.
    draining: AtomicBool,
    in_flight: InFlight,
}

/// The sockets of a server. They are bound before any thread starts, so that a port in use is
/// reported without side effects.
pub struct Listeners {
    public: TcpListener,
    admin: Option<TcpListener>,
}

/// A running server, on the threads of actix.
pub struct Server {
    /// The address of the public listener.
    pub address: SocketAddr,
    /// The address of the admin listener; `None` if it is off.
    pub admin: Option<SocketAddr>,
    shared: Arc<Shared>,
    certificate: Option<tls::Reloadable>,
    handles: Vec<ServerHandle>,
    timers: JoinHandle<()>,
}

/// The reason why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is in use, not one of this machine, or not allowed.
    #[error("cannot listen on `{address}`: {error}; {}", advice(error))]
    Listen {
        /// `server.listen` or `admin.listen`.
        address: SocketAddr,
        /// The error of the system.
        error: io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error("{0}")]
    Tls(Box<Problem>),
    /// The system has no more threads or sockets.
    #[error("cannot start the workers: {0}")]
    Io(#[from] io::Error),
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another program has it: end that one, or take another port",
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege: take a higher one",
        io::ErrorKind::AddrNotAvailable => "the address is not one of this machine's",
        _ => "see `server.listen` and `admin.listen`",
    }
}

// === impl Shared ===

impl Shared {
    /// A worker for a gateway, in the thread that this runs in.
    fn worker(&self, gateway: &Gateway) -> Worker {
        let mut worker = gateway.worker(self.sessions.clone(), self.pending.clone());
        // A flow that stores no state records them only for a reader.
        worker.records_transitions = self.journal.log.shows_path() || self.journal.traces.is_on();
        worker
    }
}

// === impl Listeners ===

impl Listeners {
    /// Binds the addresses of a configuration.
    pub fn bind(config: &Config) -> Result<Listeners, StartError> {
        let bind = |address: SocketAddr| {
            TcpListener::bind(address).map_err(|error| StartError::Listen { address, error })
        };
        // std sets SO_REUSEADDR on Unix, so a restart does not wait for old connections to expire.
        let public = bind(config.server.listen)?;
        Ok(Listeners { public, admin: config.admin.listen.map(bind).transpose()? })
    }

    /// The address of the public listener.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn public_address(&self) -> io::Result<SocketAddr> {
        self.public.local_addr()
    }
}

// === impl Server ===

impl Server {
    /// Starts to answer. Call it in an actix system.
    pub fn start(
        listeners: Listeners,
        gateway: Gateway,
        sessions: Sessions,
        journal: Journal,
    ) -> Result<Server, StartError> {
        let address = listeners.public.local_addr()?;
        log_console(&gateway, &journal);
        if let Some(project) = &gateway.project {
            // The first caller must not wait for Node.
            project.pool.warm_up();
        }
        let config = gateway.config.clone();
        let certificate = config.server.tls.as_ref().map(tls::Reloadable::read).transpose();
        let certificate = certificate.map_err(|problem| StartError::Tls(Box::new(problem)))?;
        let shared = Arc::new(Shared {
            gateway: RwLock::new(Arc::new(gateway)),
            sessions,
            pending: PendingCalls::new(journal.metrics.pending_calls.clone()),
            wake: Notify::new(),
            draining: AtomicBool::new(false),
            in_flight: InFlight::new(journal.metrics.in_flight.clone()),
            journal,
        });

        // The admin listener first: `/readyz` answers before the first webhook arrives.
        let mut handles = Vec::new();
        let mut admin = None;
        if let Some(listener) = listeners.admin {
            admin = Some(listener.local_addr()?);
            handles.push(admin_server(listener, Arc::clone(&shared))?);
        }
        let tls = certificate.as_ref().map(tls::Reloadable::server_config);
        handles.push(public_server(listeners.public, Arc::clone(&shared), &config, tls)?);
        let timers = timers::start(Arc::clone(&shared));
        Ok(Server { address, admin, shared, certificate, handles, timers })
    }

    /// Replaces the configuration. Exchanges in progress end with the old one. Returns the keys
    /// whose changes need a restart.
    ///
    /// # Errors
    /// The new certificate cannot be used. Then the whole old configuration remains.
    pub async fn reload(&self, gateway: Gateway) -> Result<Vec<&'static str>, Problem> {
        let current = Arc::clone(&self.shared.gateway.read());
        let (old, new) = (&current.config, &gateway.config);
        // These are bound to sockets, threads and files that exist for the whole process.
        let mut restart = Vec::new();
        for (name, same) in [
            ("server.listen", old.server.listen == new.server.listen),
            ("server.workers", old.server.workers == new.server.workers),
            ("admin.listen", old.admin.listen == new.admin.listen),
            ("log.format", old.log == new.log),
            ("store.url", old.store == new.store),
            ("trace", old.trace == new.trace),
            ("server.tls", old.server.tls.is_some() == new.server.tls.is_some()),
        ] {
            if !same {
                restart.push(name);
            }
        }
        // First, because only this can fail, and a reload is all or nothing.
        if let (Some(certificate), Some(tls)) = (&self.certificate, &new.server.tls) {
            certificate.replace(tls)?;
        }
        let gateway = Arc::new(gateway);
        let Shared { sessions, journal, .. } = &*self.shared;
        log_console(&gateway, journal);
        if let Some(project) = &gateway.project {
            // The old processes serve meanwhile.
            project.pool.start(PROJECT_STARTED_WITHIN).await;
        }
        // Before the swap, so that the new configuration finds the executions of renamed flows.
        journal.log_adoption(adopt(&gateway, sessions).await);
        *self.shared.gateway.write() = Arc::clone(&gateway);
        // And after it: meanwhile, turns with the old configuration have stored the old names.
        journal.log_adoption(adopt(&gateway, sessions).await);
        Ok(restart)
    }

    /// The gateway that answers now.
    pub(crate) fn gateway(&self) -> Arc<Gateway> {
        Arc::clone(&self.shared.gateway.read())
    }

    /// The folder of the project whose changes are to be taken over at once.
    pub(crate) fn watched_project(&self) -> Option<PathBuf> {
        let gateway = self.shared.gateway.read();
        let project = gateway.project.as_ref().filter(|_| gateway.config.project.watch);
        project.map(|project| project.pool.project().folder.clone())
    }

    /// Ends the server after the requests in flight are answered. New connections are not accepted.
    pub(crate) async fn drain(self) {
        // First the flag: each answer from now on closes its connection.
        self.shared.draining.store(true, Ordering::SeqCst);
        for handle in &self.handles {
            handle.pause().await;
        }
        // After this time the carrier has given up on every request.
        let _ = timeout(DRAIN_WITHIN, self.shared.in_flight.wait_until_idle()).await;
        // Only now: a request in flight may wait for a session that a turn of the timers locks.
        // A turn that is aborted here is due again after the next start.
        self.timers.abort();
        for handle in self.handles {
            handle.stop(true).await;
        }
    }

    /// Ends at once; for tests.
    pub async fn stop(self) {
        self.timers.abort();
        for handle in self.handles {
            handle.stop(false).await;
        }
    }
}

/// Connects the consoles of the functions with the log.
fn log_console(gateway: &Gateway, journal: &Journal) {
    if let Some(project) = &gateway.project
        && gateway.config.project.console
    {
        project.pool.write_console_to(journal.log.console());
    }
}

fn public_server(
    listener: TcpListener,
    shared: Arc<Shared>,
    config: &Config,
    tls: Option<rustls::ServerConfig>,
) -> io::Result<ServerHandle> {
    let server = HttpServer::new(move || {
        let handler = RequestHandler::new(Arc::clone(&shared));
        // Without middleware and routing: each layer would cost every call, and the handler does
        // what is needed.
        App::new().default_service(fn_service(move |request| handler.clone().answer(request)))
    })
    // One for each connection, which the handler reads and sets.
    .on_connect(|_, data| {
        data.insert(AfterLastResponse::default());
    })
    .workers(config.server.workers.unwrap_or_else(cores))
    .client_request_timeout(REQUEST_HEAD_WITHIN)
    .keep_alive(KEEP_ALIVE)
    .max_connections(CONNECTIONS_PER_WORKER_MAX)
    // `drain` has waited for the requests before this second begins: it is for writing the last
    // responses.
    .shutdown_timeout(1)
    // The command `serve` handles them: SIGTERM drains, SIGHUP reloads.
    .disable_signals();
    let server = match tls {
        Some(tls) => server.listen_rustls_0_23(listener, tls)?,
        None => server.listen(listener)?,
    };
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Ok(handle)
}

fn admin_server(listener: TcpListener, shared: Arc<Shared>) -> io::Result<ServerHandle> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::from(Arc::clone(&shared)))
            // Studio's paths have names of flows in them, which `studio` decodes itself.
            .route("/healthz", web::get().to(admin::healthz))
            .route("/readyz", web::get().to(admin::readyz))
            .route("/metrics", web::get().to(admin::metrics))
            .route("/v2/{path:.*}", web::to(studio::answer))
    })
    // Operators and a scraper are few, and must not take threads from calls.
    .workers(1)
    .client_request_timeout(REQUEST_HEAD_WITHIN)
    .shutdown_timeout(1)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Ok(handle)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
