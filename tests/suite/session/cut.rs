//! A connection that is cut, at a commit or for a while: nothing is lost, and nothing done twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use twimlgate::session::{Commit, Sessions, StoredExecution};

use super::executions::page;
use super::shared::{first, open};
use super::{sample, save, state_commit, step};
use crate::support::postgres::{Cluster, cluster};

/// What a proxy does with the next commit.
const PASS: usize = 0;
const CUT_BEFORE: usize = 1;
const CUT_AFTER: usize = 2;

/// A proxy in front of the server, which cuts connections.
struct Proxy {
    port: u16,
    next: Arc<AtomicUsize>,
    is_down: Arc<AtomicBool>,
    _task: JoinSet<()>,
}

impl Proxy {
    async fn start(server: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (next, is_down) = (Arc::new(AtomicUsize::new(PASS)), Arc::new(AtomicBool::new(false)));
        let (mode, down) = (Arc::clone(&next), Arc::clone(&is_down));
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                if !down.load(Ordering::Relaxed) {
                    let (mode, down) = (Arc::clone(&mode), Arc::clone(&down));
                    connections.spawn(async move { pass(client, server, &mode, &down).await });
                }
            }
        });
        Proxy { port, next, is_down, _task: task }
    }
}

/// Passes bytes on until either end closes, or a commit is to be cut.
async fn pass(mut client: TcpStream, server: u16, mode: &AtomicUsize, down: &AtomicBool) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
    let (mut from_client, mut from_server) = (vec![0; 65_536], vec![0; 65_536]);
    let mut answer_is_lost = false;
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let Ok(count @ 1..) = read else { return };
                let bytes = &from_client[..count];
                let is_commit = bytes.windows(13).any(|window| window == b"turn_commit_1");
                let cut = if is_commit { mode.swap(PASS, Ordering::Relaxed) } else { PASS };
                if cut == CUT_BEFORE || down.load(Ordering::Relaxed) {
                    return;
                }
                answer_is_lost |= cut == CUT_AFTER;
                if server.write_all(bytes).await.is_err() { return }
            }
            read = server.read(&mut from_server) => {
                let Ok(count @ 1..) = read else { return };
                if answer_is_lost || down.load(Ordering::Relaxed) {
                    return;
                }
                if client.write_all(&from_server[..count]).await.is_err() { return }
            }
        }
    }
}

/// Opens a store over a proxy, which runs on this thread.
async fn open_by(proxy: &Proxy, cluster: &'static Cluster, schema: &str) -> Sessions {
    let (port, schema) = (proxy.port, schema.to_owned());
    let opened = tokio::task::spawn_blocking(move || open(cluster, &schema, port, &schema));
    opened.await.unwrap()
}

/// Closes it, while the proxy goes on.
async fn close(sessions: Sessions) {
    tokio::task::spawn_blocking(|| drop(sessions)).await.unwrap();
}

#[tokio::test]
async fn a_commit_whose_fate_is_unknown_is_sent_again_and_stored_once() {
    let Some(cluster) = cluster() else { return };
    let proxy = Proxy::start(cluster.port).await;
    let schema = cluster.schema("cut");
    let one = open_by(&proxy, cluster, &schema).await;
    let mut version = 0;
    for cut in [CUT_BEFORE, CUT_AFTER, CUT_AFTER, CUT_BEFORE] {
        for has_claim in [true, false] {
            version += 1;
            let sid = format!("SM{version}");
            let (turn, claim) = first(&one, &sid, "session 1").await;
            assert_eq!(turn.active.unwrap().map_or(0, |found| found.version), version - 1);
            let next = StoredExecution { version, ..sample(1) };
            let steps = vec![step(1, version as u32)];
            let claim = claim.filter(|_| has_claim);
            let commit = Commit { claim, reply: sid.clone().into(), steps, ..state_commit(next) };
            proxy.next.store(cut, Ordering::Relaxed);
            assert_eq!(one.commit(commit.under(turn.lock)).await, Ok(()), "{cut} {has_claim}");
            assert_eq!(proxy.next.load(Ordering::Relaxed), PASS, "it was cut");
            let steps = one.steps("FN1", page(99)).await.unwrap();
            assert_eq!(steps.len() as u64, version, "{cut} {has_claim}");
        }
    }
    close(one).await;
}

#[tokio::test]
async fn what_waits_while_the_database_is_away_is_done_when_it_is_back() {
    let Some(cluster) = cluster() else { return };
    let proxy = Proxy::start(cluster.port).await;
    let schema = cluster.schema("away");
    let one = open_by(&proxy, cluster, &schema).await;
    save(&one, sample(1)).await;
    assert_eq!(one.health(), Ok(()));
    proxy.is_down.store(true, Ordering::Relaxed);
    let kill = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE application_name = '{schema}'"
    );
    cluster.sql(&kill).await;
    while one.health().is_ok() {
        tokio::task::yield_now().await;
    }
    let other = one.clone();
    let mut waiting = Box::pin(async move { other.commit(state_commit(sample(2))).await });
    assert!(matches!(
        waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())),
        Poll::Pending
    ));
    proxy.is_down.store(false, Ordering::Relaxed);
    assert_eq!(waiting.as_mut().await, Ok(()));
    drop(waiting);
    while one.health().is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(one.execution("FN2").await.unwrap(), Some(sample(2)));
    close(one).await;
}
