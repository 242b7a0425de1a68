//! The listeners, the URL table, and the order of what surrounds an exchange.
//!
//! This is the only file that says `.default_service(` or `.route(`.

mod admin;
mod handler;
mod receive;
mod studio;
mod timers;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::dev::{ServerHandle, fn_service};
use actix_web::rt::task::JoinHandle;
use actix_web::{App, HttpServer, web};
use parking_lot::RwLock;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::config::Config;
use crate::diagnostics::problem::Problem;
use crate::exchange::adopt;
use crate::gateway::Gateway;
use crate::journal::Journal;
use crate::limits::{CONNECTIONS_PER_WORKER_MAX, DRAIN_WITHIN, KEEP_ALIVE, REQUEST_HEAD_WITHIN};
use crate::pending::PendingCalls;
use crate::session::Sessions;
use crate::tls;

use handler::{AfterLastResponse, RequestHandler};

/// What all workers of a process share.
pub struct Shared {
    /// The configuration at work; a reload swaps it.
    gateway: RwLock<Arc<Gateway>>,
    sessions: Sessions,
    /// Beside the sessions and not in the configuration: a reload loses no call.
    pending: PendingCalls,
    journal: Journal,
    /// Wakes whoever looks for waits that are over.
    wake: Notify,
    /// Set once, when the process is asked to end.
    draining: AtomicBool,
}

/// The sockets of a server, bound before anything else starts: a port in use is found out first.
pub struct Listeners {
    public: TcpListener,
    admin: Option<TcpListener>,
}

/// A server that runs, on the threads of actix.
pub struct Server {
    /// Where webhooks arrive.
    pub address: SocketAddr,
    /// Where health and metrics are.
    pub admin: Option<SocketAddr>,
    shared: Arc<Shared>,
    certificate: Option<tls::Reloadable>,
    handles: Vec<ServerHandle>,
    timers: JoinHandle<()>,
}

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, not ours, or not allowed.
    #[error("cannot listen on `{address}`: {error}; {}", advice(error))]
    Listen {
        /// `server.listen` or `admin.listen`.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// Certificate or key will not do.
    #[error("{0}")]
    Tls(Box<Problem>),
    /// The system gives no threads or sockets.
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

// === impl Listeners ===

impl Listeners {
    /// Binds what a configuration names.
    pub fn bind(config: &Config) -> Result<Listeners, StartError> {
        let bind = |address: SocketAddr| {
            TcpListener::bind(address).map_err(|error| StartError::Listen { address, error })
        };
        let public = bind(config.server.listen)?;
        Ok(Listeners { public, admin: config.admin.listen.map(bind).transpose()? })
    }
}

// === impl Server ===

impl Server {
    /// Starts answering. To be called inside an actix system.
    pub fn start(
        listeners: Listeners,
        gateway: Gateway,
        sessions: Sessions,
        journal: Journal,
    ) -> Result<Server, StartError> {
        let address = listeners.public.local_addr()?;
        let config = gateway.config.clone();
        let certificate = config.server.tls.as_ref().map(tls::Reloadable::read).transpose();
        let certificate = certificate.map_err(|problem| StartError::Tls(Box::new(problem)))?;
        let gateway = RwLock::new(Arc::new(gateway));
        let draining = AtomicBool::new(false);
        let wake = Notify::new();
        let pending = PendingCalls::new(journal.metrics.pending_calls.clone());
        let shared = Arc::new(Shared { gateway, sessions, pending, journal, wake, draining });

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

    /// Takes over another configuration: whoever is being answered is answered by the old one.
    /// Gives what of it needs a restart, or why its certificate cannot be used; then all of the
    /// old one stays.
    pub async fn reload(&self, gateway: Gateway) -> Result<Vec<&'static str>, Problem> {
        let at_work = Arc::clone(&self.shared.gateway.read());
        let (old, new) = (&at_work.config, &gateway.config);
        let mut restart = Vec::new();
        for (name, same) in [
            ("server.listen", old.server.listen == new.server.listen),
            ("server.workers", old.server.workers == new.server.workers),
            ("admin.listen", old.admin.listen == new.admin.listen),
            ("log.format", old.log == new.log),
            ("store.url", old.store == new.store),
            ("server.tls", old.server.tls.is_some() == new.server.tls.is_some()),
        ] {
            if !same {
                restart.push(name);
            }
        }
        if let (Some(certificate), Some(tls)) = (&self.certificate, &new.server.tls) {
            certificate.replace(tls)?;
        }
        let gateway = Arc::new(gateway);
        let Shared { sessions, journal, .. } = &*self.shared;
        journal.log_adoption(adopt(&gateway, sessions).await);
        *self.shared.gateway.write() = Arc::clone(&gateway);
        // What the former configuration was at work on has been written under its names since.
        journal.log_adoption(adopt(&gateway, sessions).await);
        Ok(restart)
    }

    /// Answers what is in flight, accepts nothing new, and ends.
    pub async fn drain(self) {
        self.shared.draining.store(true, Ordering::SeqCst);
        for handle in &self.handles {
            handle.pause().await;
        }
        let in_flight = &self.shared.journal.metrics.in_flight;
        let idle = async {
            while in_flight.get() > 0 {
                sleep(Duration::from_millis(10)).await;
            }
        };
        // Past this nobody waits for an answer any more.
        let _ = timeout(DRAIN_WITHIN, idle).await;
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

fn public_server(
    listener: TcpListener,
    shared: Arc<Shared>,
    config: &Config,
    tls: Option<rustls::ServerConfig>,
) -> io::Result<ServerHandle> {
    let server = HttpServer::new(move || {
        let handler = RequestHandler::new(Arc::clone(&shared));
        // No middleware: each layer would cost every call, and the handler does what is needed.
        App::new().default_service(fn_service(move |request| handler.clone().answer(request)))
    })
    .on_connect(|_, data| {
        data.insert(AfterLastResponse::default());
    })
    .workers(config.server.workers.unwrap_or_else(cores))
    .client_request_timeout(REQUEST_HEAD_WITHIN)
    .keep_alive(KEEP_ALIVE)
    .max_connections(CONNECTIONS_PER_WORKER_MAX)
    // What is in flight has been waited for when this one second begins.
    .shutdown_timeout(1)
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
            .route("/healthz", web::get().to(admin::healthz))
            .route("/readyz", web::get().to(admin::readyz))
            .route("/metrics", web::get().to(admin::metrics))
            .route("/v2/{path:.*}", web::to(studio::answer))
    })
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
