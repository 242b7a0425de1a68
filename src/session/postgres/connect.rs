//! Connections: their settings, the schema, and the signal connection of a node.
//!
//! A node lives as long as its signal connection holds the advisory lock of its number. The server
//! ends the lock with the connection, and so with the process: no lease has to run out.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Socket};

use super::schema;
use super::shared_lock::Waiters;
use super::statement_error::{StatementError, describe};
use super::thread::{LinkState, pause};
use super::tls::{DatabaseTls, EncryptedStream};
use crate::clock;
use crate::config::PostgresUrl;
use crate::limits::{STORE_RECONNECT_MAX, STORE_STATEMENT_WITHIN};
use crate::random;

/// Where to connect, and the schema.
#[derive(Clone)]
pub(super) struct Target {
    config: Arc<Config>,
    tls: DatabaseTls,
    /// A checked name: it is a part of each statement.
    pub(super) schema: Arc<str>,
}

// === impl Target ===

impl Target {
    /// # Errors
    /// Why the file of authorities cannot be used.
    pub(super) fn new(url: &PostgresUrl) -> Result<Target, String> {
        let mut config = url.config.clone();
        // A host that is gone says nothing: the kernel finds out, at both ends.
        config
            .connect_timeout(Duration::from_secs(2))
            .tcp_user_timeout(Duration::from_secs(3))
            .keepalives_idle(Duration::from_secs(2))
            .keepalives_interval(Duration::from_secs(1))
            .keepalives_retries(2)
            // A server that was demoted refuses every commit.
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .ssl_mode(if url.is_encrypted { SslMode::Require } else { SslMode::Disable });
        let tls = DatabaseTls::new(url.root_certificate.as_deref())?;
        Ok(Target { config: Arc::new(config), tls, schema: url.schema.as_str().into() })
    }
}

/// Why no connection was made.
struct ConnectError {
    text: String,
    /// What the server says.
    code: Option<SqlState>,
}

/// Connects, within the time for a statement.
async fn connect(
    target: &Target,
) -> Result<(Client, Connection<Socket, EncryptedStream>), ConnectError> {
    let connecting = target.config.connect(target.tls.clone());
    match timeout(STORE_STATEMENT_WITHIN, connecting).await {
        Ok(Ok(connected)) => Ok(connected),
        Ok(Err(error)) => Err(ConnectError { text: describe(&error), code: error.code().cloned() }),
        Err(_) => {
            let text = "it cannot be connected to in time".to_owned();
            Err(ConnectError { text, code: None })
        }
    }
}

/// Opens a connection for statements.
pub(super) async fn open(target: &Target) -> Result<Client, StatementError> {
    let (client, connection) =
        connect(target).await.map_err(|error| StatementError::Connection(error.text))?;
    spawn_local(async move {
        // Its error is that of the statement that was waiting.
        let _ = connection.await;
    });
    let settings = "SET default_transaction_isolation = 'read committed'; \
                    SET default_transaction_read_only = off";
    client.batch_execute(settings).await?;
    Ok(client)
}

/// Keeps the signal connection open, and says whether the database answers.
pub(super) async fn signal(target: Target, state: watch::Sender<LinkState>, waiters: Waiters) {
    let mut wait = Duration::from_millis(100);
    loop {
        let began = clock::now();
        let problem = match hold(&target, &state, &waiters).await {
            Ok(()) => "its signal connection ended".to_owned(),
            Err(SignalError::Final(problem)) => {
                set_down(&state, problem, true);
                return;
            }
            Err(SignalError::Again(problem)) => problem,
        };
        set_down(&state, problem, false);
        // One that was open for a while: the first attempt comes soon.
        if began.elapsed() > STORE_RECONNECT_MAX {
            wait = Duration::from_millis(100);
        }
        pause(wait).await;
        wait = (wait * 2).min(STORE_RECONNECT_MAX);
    }
}

enum SignalError {
    /// It may be gone with the next attempt.
    Again(String),
    /// Only an operator can mend it.
    Final(String),
}

fn set_down(state: &watch::Sender<LinkState>, problem: String, is_final: bool) {
    state.send_modify(|state| {
        // Of an outage, the first moment counts, and the latest reason.
        if state.node.take().is_some() || state.problem.is_none() {
            state.since = clock::now();
        }
        state.problem = Some(problem);
        state.is_final = is_final;
    });
}

/// Opens a signal connection, and returns when it ends.
async fn hold(
    target: &Target,
    state: &watch::Sender<LinkState>,
    waiters: &Waiters,
) -> Result<(), SignalError> {
    let again = |error: StatementError| match error {
        StatementError::Connection(text)
        | StatementError::Transient(text)
        | StatementError::Request(text) => SignalError::Again(text),
    };
    let (mut client, mut connection) = connect(target).await.map_err(|error| {
        // A wrong password, no such user, no such database.
        let code = error.code.as_ref().map(SqlState::code).unwrap_or_default();
        let is_final = code.starts_with("28") || code == "3D000";
        if is_final { SignalError::Final(error.text) } else { SignalError::Again(error.text) }
    })?;
    let waiters = waiters.clone();
    let mut reading = spawn_local(async move {
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(note) = message
                && let Ok(token) = note.payload().parse::<i64>()
                && let Some(waiter) = waiters.lock().get(&token)
            {
                waiter.notify_one();
            }
        }
    });
    schema::prepare(&mut client, &target.schema).await.map_err(|error| match error {
        schema::SchemaError::Unknown(text) => SignalError::Final(text),
        schema::SchemaError::Failed(error) => again(error),
    })?;
    let mut bytes = [0; 4];
    random::fill(&mut bytes).map_err(|_| SignalError::Again("no random numbers".to_owned()))?;
    let id = i32::from_be_bytes(bytes) & i32::MAX;
    let sql = format!("SELECT pg_advisory_lock(20557, {id}); LISTEN twimlgate_{id}");
    client.batch_execute(&sql).await.map_err(|error| again(error.into()))?;
    state.send_modify(|state| {
        *state = LinkState { node: Some(id), since: clock::now(), problem: None, is_final: false };
    });
    loop {
        tokio::select! {
            _ = &mut reading => return Ok(()),
            () = sleep(Duration::from_secs(2)) => {}
        }
        // A connection may be dead, and not say so.
        let alive = pin!(client.query_one("SELECT pg_is_in_recovery()", &[]));
        match timeout(STORE_STATEMENT_WITHIN, alive).await {
            // A primary that has become a standby refuses every commit.
            Ok(Ok(row)) if row.get(0) => {
                reading.abort();
                return Err(SignalError::Again("it has become a standby".to_owned()));
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(again(error.into())),
            Err(_) => {
                reading.abort();
                return Err(SignalError::Again("it does not answer in time".to_owned()));
            }
        }
    }
}
