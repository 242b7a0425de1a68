//! Health and metrics, for the operator: never on the public listener.

use std::sync::atomic::Ordering;

use actix_web::{HttpResponse, web};

use super::Shared;

/// The process lives.
pub(super) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// It can take webhooks: 503 once it has been asked to end, and while the store cannot keep what
/// would be answered.
pub(super) async fn readyz(shared: web::Data<Shared>) -> HttpResponse {
    let plain = "text/plain; charset=utf-8";
    match ready(&shared) {
        Ok(()) => HttpResponse::Ok().content_type(plain).body("ready\n"),
        Err(what) => {
            HttpResponse::ServiceUnavailable().content_type(plain).body(format!("{what}\n"))
        }
    }
}

fn ready(shared: &Shared) -> Result<(), String> {
    if shared.draining.load(Ordering::Relaxed) {
        return Err("draining".to_owned());
    }
    shared.sessions.health()
}

/// The counters, for Prometheus.
pub(super) async fn metrics(shared: web::Data<Shared>) -> HttpResponse {
    let journal = &shared.journal;
    journal.metrics.log_lines_dropped.set(journal.log.dropped_lines());
    journal.metrics.ready.set(ready(&shared).is_ok().into());
    HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(journal.metrics.text())
}
