//! Flows: steps of the engine alone, whole webhooks over sockets with each store, many routes.
//!
//! `cargo bench --bench flow`. One process is server and carrier, so the figures of the sockets
//! are for comparing one row with another, in one run.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use twimlgate::clock;
use twimlgate::config::{Config, StoreUrl};
use twimlgate::flow::{Event, Execution, Moment, State, Step, advance};
use twimlgate::gateway::Gateway;
use twimlgate::journal::{Journal, Log, Meters};
use twimlgate::problem::Source;
use twimlgate::server::{Listeners, Server};
use twimlgate::session::Sessions;
use twimlgate::template::Templates;
use twimlgate::webhook::{Channel, Params};

const CONNECTIONS: usize = 64;
const WEBHOOKS: usize = 20_000;

fn main() {
    engine();
    println!("\nwebhooks over sockets, {CONNECTIONS} connections, {WEBHOOKS} webhooks");
    let folder = std::env::temp_dir().join(format!("twimlgate-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the store");
    // A file of its own for each: people of an earlier run would be known in it.
    let sqlite = |widgets| StoreUrl::Sqlite(folder.join(format!("bench-{widgets}.db")));
    for (name, widgets) in [("three widgets", 3), ("ten widgets", 10)] {
        let memory = sockets(widgets, 1, &StoreUrl::Memory);
        let durable = sockets(widgets, 1, &sqlite(widgets));
        println!("{name}: memory {memory:.0}/s, sqlite {durable:.0}/s, {:.2} x", durable / memory);
    }
    let (one, many) = (sockets(3, 1, &StoreUrl::Memory), sockets(3, 10_000, &StoreUrl::Memory));
    println!(
        "three widgets: 1 route {one:.0}/s, 10,000 routes {many:.0}/s, cost {:.2} x",
        one / many
    );
    let _ = std::fs::remove_dir_all(&folder);
}

/// A message flow: variables, a question and a wait.
fn flow(widgets: usize) -> String {
    let mut states = vec![serde_json::json!({
        "name": "Trigger", "type": "trigger", "properties": {},
        "transitions": [{"event": "incomingMessage", "next": "w1"}]
    })];
    for index in 1..widgets - 1 {
        let next = format!("w{}", index + 1);
        states.push(serde_json::json!({
            "name": format!("w{index}"), "type": "set-variables",
            "transitions": [{"event": "next", "next": next}],
            "properties": {"variables": [
                {"key": format!("k{index}"),
                 "value": "{{trigger.message.Body}} {{flow.variables.k1}}"}
            ]}
        }));
    }
    states.push(serde_json::json!({
        "name": format!("w{}", widgets - 1), "type": "send-and-wait-for-reply",
        "transitions": [{"event": "incomingMessage"}, {"event": "timeout"}],
        "properties": {"from": "{{flow.channel.address}}", "body": "You said {{flow.variables.k1}}"}
    }));
    serde_json::json!({"states": states, "initial_state": "Trigger"}).to_string()
}

fn gateway(widgets: usize, routes: usize, meters: &Meters) -> Gateway {
    let folder = std::env::temp_dir();
    let file = format!("twimlgate-bench-{}-{widgets}.json", std::process::id());
    std::fs::write(folder.join(&file), flow(widgets)).expect("a file for the flow");
    let mut text = String::from(
        "[server]\nlisten = \"127.0.0.1:0\"\nworkers = 1\n[admin]\nlisten = \"\"\n\
         [signature]\nmode = \"off\"\n",
    );
    for route in 0..routes {
        text += &format!("[route.\"/sms{route}\"]\nchannel = \"message\"\nflow = \"{file}\"\n");
    }
    let (config, mut problems) =
        Config::parse(&Source::new("bench.toml", &text), &folder, &|_| None);
    let config = config.expect("it is right");
    let zone = config.server.time_zone.clone();
    let templates = Templates::compile(Path::new(""), Vec::new(), zone, &mut problems);
    let gateway = Gateway::build(config, &templates, meters, &mut problems);
    let _ = std::fs::remove_file(folder.join(&file));
    gateway.unwrap_or_else(|| panic!("{problems}"))
}

/// Steps of the engine, without anything around it.
fn engine() {
    let gateway = gateway(10, 1, &Meters::new());
    let flow = gateway.flows.iter().next().expect("there is one").clone();
    let params: Params =
        [("From", "+15550100"), ("To", "+15550111"), ("Body", "hi")].into_iter().collect();
    let params = Arc::new(params);
    let at = Moment {
        now: Duration::from_secs(1_790_000_000),
        token: "0".repeat(32),
        action: format!("?step={}", "0".repeat(32)),
        url: None,
        answering: true,
    };
    let (mut best, mut steps) = (f64::MAX, 0);
    for _ in 0..5 {
        let began = clock::now();
        for _ in 0..20_000 {
            let begun = Arc::clone(&params);
            let mut execution = Execution::begin("FN1".to_owned(), Channel::Message, begun);
            let step = advance(&flow, &mut execution, Event::Trigger, &at);
            assert!(matches!(step, Step::Reply(_)) && execution.state != State::Ended);
            steps = execution.steps;
        }
        best = best.min((clock::now() - began).as_secs_f64() / 20_000.0);
    }
    let per_step = best / f64::from(steps);
    println!("the engine: {:.2} µs a step, {:.0} steps/s", per_step * 1e6, 1.0 / per_step);
}

/// Webhooks a second; each is a person of its own, so each begins an execution that waits.
fn sockets(widgets: usize, routes: usize, store: &StoreUrl) -> f64 {
    let (store, meters) = (store.clone(), Meters::new());
    let gateway = gateway(widgets, routes, &meters);
    let (sender, receiver) = std::sync::mpsc::channel();
    let server = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let listeners = Listeners::bind(&gateway.config).expect("port 0 is free");
            let journal =
                Journal { log: Log::to(std::io::sink(), false), meters: Arc::new(meters) };
            let sessions = Sessions::open(&store, clock::wall()).expect("the store opens");
            let server = Server::start(listeners, gateway, sessions, journal).expect("it starts");
            let (done, ended) = tokio::sync::oneshot::channel::<()>();
            sender.send((server.address, done)).expect("somebody waits");
            let _ = ended.await;
            server.stop().await;
        });
    });
    let (address, done) = receiver.recv().expect("it starts");
    let sent = Arc::new(AtomicUsize::new(0));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let local = tokio::task::LocalSet::new();
    let seconds = local.block_on(&runtime.expect("a runtime"), async {
        let began = clock::now();
        let carriers: Vec<_> = (0..CONNECTIONS)
            .map(|_| tokio::task::spawn_local(carrier(address, Arc::clone(&sent), routes)))
            .collect();
        for carrier in carriers {
            carrier.await.expect("it sends");
        }
        (clock::now() - began).as_secs_f64()
    });
    let _ = done.send(());
    server.join().expect("it ends");
    WEBHOOKS as f64 / seconds
}

/// One connection that sends one webhook after the other.
async fn carrier(address: std::net::SocketAddr, sent: Arc<AtomicUsize>, routes: usize) {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let mut buffer = vec![0; 8192];
    loop {
        let number = sent.fetch_add(1, Ordering::Relaxed);
        if number >= WEBHOOKS {
            return;
        }
        let body = format!(
            "MessageSid=SM{number:032}&From=%2B1555{number:08}&To=%2B15550111&Body=hello&NumMedia=0"
        );
        let request = format!(
            "POST /sms{} HTTP/1.1\r\nHost: a\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            number % routes,
            body.len()
        );
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut filled = 0;
        while !buffer[..filled].ends_with(b"</Response>") {
            let count = stream.read(&mut buffer[filled..]).await.expect("it answers");
            assert!(count > 0, "{}", String::from_utf8_lossy(&buffer[..filled]));
            filled += count;
        }
        assert!(buffer.starts_with(b"HTTP/1.1 200"));
    }
}
