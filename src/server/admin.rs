//! Health and metrics on the admin listener, which is never the public one.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix_web::{HttpResponse, web};

use super::Shared;

/// `/healthz`: 200 as long as the process runs.
pub(super) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// `/readyz`: 200 if webhooks are accepted. 503 while draining, and while the store fails.
pub(super) async fn readyz(shared: web::Data<Shared>) -> HttpResponse {
    let plain = "text/plain; charset=utf-8";
    match check_ready(&shared) {
        Ok(()) => HttpResponse::Ok().content_type(plain).body("ready\n"),
        Err(reason) => {
            HttpResponse::ServiceUnavailable().content_type(plain).body(format!("{reason}\n"))
        }
    }
}

/// Checks whether webhooks are accepted, and if not, says why.
fn check_ready(shared: &Shared) -> Result<(), String> {
    // Before the store: a load balancer should stop sending at the first sign of the end.
    if shared.draining.load(Ordering::Relaxed) {
        return Err("draining".to_owned());
    }
    shared.sessions.health()
}

/// `/metrics`: the metrics for Prometheus.
pub(super) async fn metrics(shared: web::Data<Shared>) -> HttpResponse {
    let journal = &shared.journal;
    // These have their values elsewhere, and are copied for each scrape.
    journal.metrics.log_lines_dropped.set(journal.log.dropped_lines());
    journal.metrics.traces_dropped.set(journal.traces.dropped());
    journal.metrics.ready.set(check_ready(&shared).is_ok().into());
    let gateway = Arc::clone(&shared.gateway.read());
    let names = gateway.config.functions.keys().map(String::as_str);
    let breakers = names.map(|name| (name, gateway.functions.is_broken(name)));
    journal.metrics.set_breakers(breakers);
    HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(journal.metrics.text())
}
