//! The signals of a running gateway, and the replacement of its configuration.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::catch_panic::catch;
use crate::gateway::Gateway;
use crate::metrics::Metrics;
use crate::server::Server;

/// The signals that a running gateway reacts to.
pub(super) struct Signals {
    pub(super) hang_up: Signal,
    pub(super) terminate: Signal,
    pub(super) interrupt: Signal,
}

impl Signals {
    pub(super) fn handle() -> std::io::Result<Signals> {
        Ok(Signals {
            hang_up: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

/// Loads a gateway and hands it to a running server. Returns the keys whose changes need a restart.
/// The metrics count both results.
///
/// # Errors
/// The reason why the former configuration stays in use.
pub(super) async fn reload(
    load: impl FnOnce() -> Option<Gateway>,
    server: &Server,
    metrics: &Metrics,
) -> Result<Vec<&'static str>, String> {
    // A panic over a configuration must not end the calls in progress.
    let result = match catch(load) {
        Ok(Some(gateway)) => server.reload(gateway).await.map_err(|problem| problem.to_string()),
        Ok(None) => Err("the old configuration stays in use".to_owned()),
        Err(panicked) => Err(panicked.to_string()),
    };
    metrics.count_reload(if result.is_ok() { "taken" } else { "refused" });
    result
}
