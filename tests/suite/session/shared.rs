//! Several processes on one database. Here each is a store of its own in this process: they share
//! nothing but the server.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use twimlgate::session::{
    ClaimGuard, ClaimOutcome, Commit, OpenTurn, PostgresUrl, Sessions, StoreError, StoreUrl,
    StoredExecution, TurnOutcome, TurnRequest,
};

use super::{NOW, claim_first, key, reply_commit, sample, save, state_commit};
use crate::support::postgres::{Cluster, cluster};

/// Long enough that no test waits for it.
const LATE: Duration = Duration::from_secs(60);

pub(super) fn open(cluster: &Cluster, schema: &str, port: u16, node: &str) -> Sessions {
    let url = PostgresUrl::parse(&cluster.url(schema, port, node), Path::new(".")).unwrap();
    Sessions::open(&StoreUrl::Postgres(Box::new(url)), NOW).unwrap()
}

/// Nodes on one new schema.
fn nodes<const COUNT: usize>(cluster: &Cluster, test: &str) -> ([Sessions; COUNT], String) {
    let schema = cluster.schema(test);
    let node = |number| open(cluster, &schema, cluster.port, &format!("{schema}_{number}"));
    (std::array::from_fn(node), schema)
}

/// Opens the turn of a message in a session.
async fn turn(sessions: &Sessions, sid: &str, session: &str) -> (TurnOutcome, Option<ClaimGuard>) {
    let (key, mut claim) = (key(sid), None);
    let request =
        TurnRequest { key: Some(&key), session: Some(session), deadline: Instant::now() + LATE };
    (sessions.open_turn(request, &mut claim).await.unwrap(), claim)
}

pub(super) async fn first(
    sessions: &Sessions,
    sid: &str,
    session: &str,
) -> (OpenTurn, Option<ClaimGuard>) {
    match turn(sessions, sid, session).await {
        (TurnOutcome::First(Some(turn)), claim) => (*turn, claim),
        (other, _) => panic!("{other:?}"),
    }
}

/// Waits until so many wait for a session in the database.
async fn queued(cluster: &Cluster, schema: &str, count: usize) {
    let sql = format!("SELECT sum(cardinality(queue)) FROM {schema}.lock");
    while cluster.sql(&sql).await != Some(count.to_string()) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_webhook_at_two_nodes_at_once_is_worked_on_once() {
    let Some(cluster) = cluster() else { return };
    let ([one, two], schema) = nodes(cluster, "twins");
    let (turn_of_one, claim) = first(&one, "SM1", "session 1").await;
    let mut other = pin!(turn(&two, "SM1", "session 1"));
    tokio::select! {
        outcome = &mut other => panic!("{outcome:?}"),
        () = queued(cluster, &schema, 1) => {}
    }
    let commit =
        Commit { claim, reply: "<Response>1</Response>".into(), ..state_commit(sample(1)) };
    one.commit(commit.under(turn_of_one.lock)).await.unwrap();
    let (TurnOutcome::Answered { reply, .. }, None) = other.await else { panic!("it is answered") };
    assert_eq!(reply, "<Response>1</Response>");
    // And so it is for a node that comes later.
    let three = open(cluster, &schema, cluster.port, "three");
    let (TurnOutcome::Answered { reply, .. }, None) = turn(&three, "SM1", "session 1").await else {
        panic!("it is answered")
    };
    assert_eq!(reply, "<Response>1</Response>");
}

#[tokio::test]
async fn a_webhook_without_a_session_is_worked_on_once_as_well() {
    let Some(cluster) = cluster() else { return };
    let ([one, two], schema) = nodes(cluster, "stateless");
    let claim = claim_first(&one, "SM1").await;
    let other_key = key("SM1");
    let mut other = pin!(two.claim(Some(&other_key)));
    tokio::select! {
        outcome = &mut other => panic!("{outcome:?}"),
        () = queued(cluster, &schema, 1) => {}
    }
    one.commit(reply_commit(claim, "<Response>1</Response>")).await.unwrap();
    let Ok(ClaimOutcome::Answered { reply, .. }) = other.await else { panic!("it is answered") };
    assert_eq!(reply, "<Response>1</Response>");
    // One that fails frees the webhook for the other.
    let claim = claim_first(&one, "SM2").await;
    drop(claim);
    drop(claim_first(&two, "SM2").await);
}

#[tokio::test]
async fn of_two_nodes_that_answer_one_webhook_the_second_gets_the_bytes_of_the_first() {
    let Some(cluster) = cluster() else { return };
    let ([one, two], schema) = nodes(cluster, "both");
    let (turn_of_one, claim) = first(&one, "SM1", "session 1").await;
    // As after a pause that was longer than the lease: the other one believes that it is alone.
    cluster.sql(&format!("DELETE FROM {schema}.lock")).await;
    let (turn_of_two, claim_of_two) = first(&two, "SM1", "session 1").await;
    let of = |claim, reply: &'static str, sid: &str| {
        let execution = StoredExecution { sid: sid.to_owned(), ..sample(1) };
        Commit { claim, reply: reply.into(), ..state_commit(execution) }
    };
    two.commit(of(claim_of_two, "second", "FN2").under(turn_of_two.lock)).await.unwrap();
    let answered = one.commit(of(claim, "first", "FN1").under(turn_of_one.lock)).await;
    assert_eq!(answered, Err(StoreError::Answered("second".into())));
    assert_eq!(one.execution("FN1").await.unwrap(), None, "nothing of it is stored");
}

#[tokio::test]
async fn nodes_get_a_session_in_the_order_of_arrival() {
    let Some(cluster) = cluster() else { return };
    let (nodes, schema) = nodes::<4>(cluster, "fifo");
    let (holder, _claim) = first(&nodes[0], "SM0", "session 1").await;
    let order = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let mut tasks = tokio::task::JoinSet::new();
    for (number, node) in nodes.iter().enumerate().skip(1) {
        let (node, order) = (node.clone(), Arc::clone(&order));
        tasks.spawn(async move {
            let (turn, claim) = first(&node, &format!("SM{number}"), "session 1").await;
            order.lock().push(number);
            let reply = "<Response/>".into();
            let commit = Commit { claim, reply, now: NOW, ..Commit::default() };
            node.commit(commit.under(turn.lock)).await.unwrap();
        });
        queued(cluster, &schema, number).await;
    }
    drop(holder);
    tasks.join_all().await;
    assert_eq!(*order.lock(), [1, 2, 3]);
}

#[tokio::test]
async fn a_commit_of_a_node_that_another_one_has_overtaken_is_refused() {
    let Some(cluster) = cluster() else { return };
    let ([one, two], schema) = nodes(cluster, "fenced");
    save(&one, sample(1)).await;
    let (turn_of_one, claim) = first(&one, "SM1", "session 1").await;
    cluster.sql(&format!("UPDATE {schema}.lock SET until = '-infinity'")).await;
    let (turn_of_two, claim_of_two) = first(&two, "SM2", "session 1").await;
    let next =
        |state: &str| StoredExecution { version: 2, state: state.as_bytes().to_vec(), ..sample(1) };
    let commit = Commit { claim: claim_of_two, reply: "2".into(), ..state_commit(next("two")) };
    two.commit(commit.under(turn_of_two.lock)).await.unwrap();
    let commit = Commit { claim, reply: "1".into(), ..state_commit(next("one")) };
    let refused = one.commit(commit.under(turn_of_one.lock)).await;
    assert_eq!(refused, Err(StoreError::Stale("FN1".to_owned())));
    assert_eq!(one.execution("FN1").await.unwrap().unwrap().state, b"two");
    // Its claim is free again, as after any error.
    drop(first(&two, "SM1", "session 1").await);
}

#[tokio::test]
async fn a_timer_is_taken_once() {
    let Some(cluster) = cluster() else { return };
    let (nodes, _) = nodes::<3>(cluster, "timers");
    for number in 0..20 {
        save(&nodes[0], StoredExecution { due: Some(NOW), ..sample(number) }).await;
    }
    let fired = Arc::new(AtomicUsize::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    let mut found = Vec::new();
    for node in &nodes {
        found.push((node.clone(), node.due(NOW + LATE, 100).await.unwrap()));
    }
    for (node, due) in found {
        for due in due {
            let (node, fired) = (node.clone(), Arc::clone(&fired));
            tasks.spawn(async move {
                let (stored, lock) = node.open_execution(&due, LATE).await.unwrap().unwrap();
                if stored.due.is_some() {
                    fired.fetch_add(1, Ordering::Relaxed);
                    let version = stored.version + 1;
                    let next = StoredExecution { due: None, version, ..stored };
                    node.commit(state_commit(next).under(lock)).await.unwrap();
                }
            });
        }
    }
    assert_eq!(tasks.len(), 60);
    tasks.join_all().await;
    assert_eq!(fired.load(Ordering::Relaxed), 20);
}

#[tokio::test]
async fn a_timer_that_another_node_works_on_is_left_to_it() {
    let Some(cluster) = cluster() else { return };
    let ([one, two], _) = nodes(cluster, "left");
    save(&one, StoredExecution { due: Some(NOW), ..sample(1) }).await;
    let opened = one.open_execution(&sample(1), Duration::ZERO).await.unwrap();
    assert!(two.open_execution(&sample(1), Duration::ZERO).await.unwrap().is_none());
    drop(opened);
    // Given back by another connection, so perhaps a moment later.
    assert!(two.open_execution(&sample(1), LATE).await.unwrap().is_some());
}

#[tokio::test]
async fn a_node_whose_connection_ends_gives_back_its_sessions() {
    let Some(cluster) = cluster() else { return };
    let ([one, two], schema) = nodes(cluster, "dead");
    let (_turn, _claim) = first(&one, "SM1", "session 1").await;
    let mut other = pin!(turn(&two, "SM2", "session 1"));
    tokio::select! {
        outcome = &mut other => panic!("{outcome:?}"),
        () = queued(cluster, &schema, 1) => {}
    }
    // As the kernel closes the connections of a process that is killed.
    let kill = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE application_name = '{schema}_0'"
    );
    cluster.sql(&kill).await;
    assert!(matches!(other.await, (TurnOutcome::First(Some(_)), Some(_))));
}

#[tokio::test]
async fn the_connection_is_encrypted_and_the_server_is_verified() {
    let Some(cluster) = cluster() else { return };
    let schema = cluster.schema("tls");
    let open = |more: &str| {
        let url = format!(
            "postgres://postgres@localhost:{}/postgres?schema={schema}&sslmode=verify-full\
             &application_name={schema}{more}",
            cluster.port
        );
        let url = PostgresUrl::parse(&url, &cluster.folder).unwrap();
        Sessions::open(&StoreUrl::Postgres(Box::new(url)), NOW)
    };
    let one = open("&sslrootcert=server.crt").unwrap();
    save(&one, sample(1)).await;
    let sql = format!(
        "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
         WHERE application_name = '{schema}'"
    );
    assert_eq!(cluster.sql(&sql).await.as_deref(), Some("t"));
    // A server that the public authorities do not know gets no password.
    let other = open("").unwrap();
    let problem = other.health().unwrap_err();
    assert!(problem.contains("certificate"), "{problem}");
    let error = open("&sslrootcert=missing.crt").unwrap_err().to_string();
    assert!(error.contains("missing.crt"), "{error}");
}

#[tokio::test]
async fn a_wrong_database_and_a_later_schema_are_refused_with_advice() {
    let Some(cluster) = cluster() else { return };
    let ([one], schema) = nodes(cluster, "later");
    drop(one);
    cluster.sql(&format!("UPDATE {schema}.form SET form = 9, least = 9")).await;
    let refused = |url: &str| {
        let url = PostgresUrl::parse(url, Path::new(".")).unwrap();
        Sessions::open(&StoreUrl::Postgres(Box::new(url)), NOW).unwrap_err().to_string()
    };
    let error = refused(&cluster.url(&schema, cluster.port, "later"));
    assert!(error.contains("needs form 9, and this version knows 1"), "{error}");
    let missing = format!("postgres://postgres:hush@127.0.0.1:{}/missing", cluster.port);
    let error = refused(&missing);
    assert!(error.contains("missing") && error.contains("does not exist"), "{error}");
    assert!(!error.contains("hush"), "{error}");
}
