//! Flows: steps of the engine alone, whole conversations and single webhooks over sockets with
//! each store, many routes.
//!
//! `cargo bench --bench flow`. One process is server and carrier, so the figures of the sockets
//! are for comparing one row with another, in one run. What is compared takes turns in short
//! rounds, and the median of the rounds' ratios counts: what disturbs the machine, or its disk, for
//! a while then disturbs both. `FLOW_BENCH_FOLDER` is another folder than the system's temporary
//! one: `/dev/shm` leaves the disk out.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::LocalSet;
use twimlgate::channel::Channel;
use twimlgate::clock;
use twimlgate::config::{Config, StoreUrl};
use twimlgate::diagnostics::problem::Source;
use twimlgate::flow::{Event, Execution, ExecutionState, FlowUrls, Step, TurnContext, advance};
use twimlgate::gateway::Gateway;
use twimlgate::journal::{Journal, LogWriter};
use twimlgate::metrics::Metrics;
use twimlgate::server::{Listeners, Server};
use twimlgate::session::Sessions;
use twimlgate::template::TemplateFolder;
use twimlgate::tools::flow_test::FlowTestFile;
use twimlgate::tools::load::{Arrivals, LoadCounters, LoadPlan, run_load};
use twimlgate::tools::phone::PhoneNumber;
use twimlgate::webhook::{Params, StepToken};

const CONNECTIONS: usize = 64;

/// Webhooks of a round.
const WEBHOOKS: usize = 4_000;

/// Conversations of a round, of two webhooks each.
const CONVERSATIONS: usize = 1_000;

/// Rounds of each of two that are compared.
const ROUNDS: usize = 15;

/// A conversation, as people have it.
const SCRIPT: &str = "flow = \"bench.json\"\n[[case]]\nname = \"c\"\nscript = '''\n\
    text    hello\nreceive You said hello\ntext    bye\n'''\n";

fn main() {
    engine();
    println!("\nwebhooks over sockets, {CONNECTIONS} connections or callers, {ROUNDS} rounds of");
    println!("{WEBHOOKS} webhooks, or of {CONVERSATIONS} conversations of two webhooks each:");
    println!("medians, and the middle half of the rounds' ratios in brackets");
    let folder =
        std::env::var_os("FLOW_BENCH_FOLDER").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("twimlgate-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the store");
    let mut rows = Vec::new();
    for (name, widgets) in [("three widgets", 3), ("ten widgets", 10)] {
        rows.push((format!("{name}, whole conversations"), widgets, Round::Conversations));
        rows.push((format!("{name}, first webhooks alone"), widgets, Round::Webhooks));
    }
    for (name, widgets, round) in rows {
        let memory = Running::start(widgets, 1, StoreUrl::Memory);
        // A file of its own for each: people of an earlier one would be known in it.
        let file = folder.join(format!("bench-{widgets}-{round:?}.db"));
        let sqlite = Running::start(widgets, 1, StoreUrl::Sqlite(file));
        let [memory, sqlite, ratio, from, to] = compared(memory, sqlite, round);
        println!(
            "{name}: memory {memory:.0}/s, sqlite {sqlite:.0}/s, {ratio:.2} x [{from:.2}..{to:.2}]"
        );
    }
    let one = Running::start(3, 1, StoreUrl::Memory);
    let many = Running::start(3, 10_000, StoreUrl::Memory);
    let [many, one, ratio, from, to] = compared(many, one, Round::Webhooks);
    println!(
        "three widgets: 1 route {one:.0}/s, 10,000 routes {many:.0}/s, \
         cost {ratio:.2} x [{from:.2}..{to:.2}]"
    );
    let _ = std::fs::remove_dir_all(&folder);
}

/// Webhooks a second of each, the second one's as a part of the first one's, and the quartiles.
fn compared(mut first: Running, mut second: Running, kind: Round) -> [f64; 5] {
    // What is made once, and what grows until it is full, is not what is compared.
    first.round(kind);
    second.round(kind);
    let (mut firsts, mut seconds, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (one, other) = if round % 2 == 0 {
            let one = first.round(kind);
            (one, second.round(kind))
        } else {
            let other = second.round(kind);
            (first.round(kind), other)
        };
        firsts.push(one);
        seconds.push(other);
        ratios.push(other / one);
    }
    first.end();
    second.end();
    for figures in [&mut firsts, &mut seconds, &mut ratios] {
        figures.sort_unstable_by(f64::total_cmp);
    }
    let middle = ROUNDS / 2;
    [firsts[middle], seconds[middle], ratios[middle], ratios[ROUNDS / 4], ratios[ROUNDS * 3 / 4]]
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

fn gateway(widgets: usize, routes: usize, meters: &Metrics) -> Gateway {
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
    let templates = TemplateFolder::compile(Path::new(""), Vec::new(), zone, &mut problems);
    let gateway = Gateway::build(config, &templates, meters, &mut problems);
    let _ = std::fs::remove_file(folder.join(&file));
    gateway.unwrap_or_else(|| panic!("{problems}"))
}

/// Steps of the engine, without anything around it.
fn engine() {
    let gateway = gateway(10, 1, &Metrics::new());
    let flow = gateway.flows.iter().next().expect("there is one").clone();
    let params: Params =
        [("From", "+15550100"), ("To", "+15550111"), ("Body", "hi")].into_iter().collect();
    let params = Arc::new(params);
    let at = TurnContext {
        now: Duration::from_secs(1_790_000_000),
        token: StepToken::new("0".repeat(32)),
        action: format!("?step={}", "0".repeat(32)),
        urls: FlowUrls::default(),
        answering: true,
        records_transitions: true,
    };
    let (mut best, mut steps) = (f64::MAX, 0);
    for _ in 0..5 {
        let began = clock::now();
        for _ in 0..20_000 {
            let begun = Arc::clone(&params);
            let mut execution = Execution::begin("FN1".to_owned(), Channel::Message, begun);
            let step = advance(&flow, &mut execution, Event::Trigger, &at);
            assert!(matches!(step, Step::Reply(_)) && execution.state != ExecutionState::Ended);
            steps = execution.steps;
        }
        best = best.min((clock::now() - began).as_secs_f64() / 20_000.0);
    }
    let per_step = best / f64::from(steps);
    println!("the engine: {:.2} µs a step, {:.0} steps/s", per_step * 1e6, 1.0 / per_step);
}

/// What a round is made of.
#[derive(Clone, Copy, Debug)]
enum Round {
    /// Whole conversations, each of a person of his own, as the phone has them.
    Conversations,
    /// Webhooks with which executions begin, as bare as they can be sent.
    Webhooks,
}

/// A server at work.
struct Running {
    address: SocketAddr,
    routes: usize,
    /// Webhooks sent to it so far.
    sent: usize,
    done: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Running {
    fn start(widgets: usize, routes: usize, store: StoreUrl) -> Running {
        let meters = Metrics::new();
        let gateway = gateway(widgets, routes, &meters);
        let (sender, receiver) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let listeners = Listeners::bind(&gateway.config).expect("port 0 is free");
                let journal = Journal::new(LogWriter::to(std::io::sink(), false), Arc::new(meters));
                let sessions = Sessions::open(&store, clock::wall()).expect("the store opens");
                let server = Server::start(listeners, gateway, sessions, journal);
                let server = server.expect("it starts");
                let (done, ended) = oneshot::channel::<()>();
                sender.send((server.address, done)).expect("somebody waits");
                let _ = ended.await;
                server.stop().await;
            });
        });
        let (address, done) = receiver.recv().expect("it starts");
        Running { address, routes, sent: 0, done, thread }
    }

    /// Webhooks a second.
    fn round(&mut self, kind: Round) -> f64 {
        match kind {
            Round::Conversations => self.conversations(),
            Round::Webhooks => self.webhooks(),
        }
    }

    fn conversations(&self) -> f64 {
        let file =
            FlowTestFile::parse(&Source::new("bench.test.toml", SCRIPT)).expect("it is a test");
        let plan = LoadPlan {
            number: PhoneNumber::for_url(&format!("http://{}/sms0", self.address)),
            channel: Channel::Message,
            account: None,
            token: None,
            hosts: vec![self.address.ip().to_string()],
            source: file.source,
            cases: file.cases,
            arrivals: Arrivals::Callers(CONNECTIONS),
            duration: Duration::from_secs(60),
            calls_max: CONVERSATIONS,
            at_once_max: CONNECTIONS,
            threads: 1,
        };
        let report = run_load(&plan, &Arc::new(LoadCounters::default()), &AtomicBool::new(false));
        assert_eq!((report.calls, report.failures()), (CONVERSATIONS, 0), "{report}");
        report.rate()
    }

    /// Each is a person of its own, so each begins an execution that waits.
    fn webhooks(&mut self) -> f64 {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (address, routes, first) = (self.address, self.routes, self.sent);
        self.sent += WEBHOOKS;
        let seconds = LocalSet::new().block_on(&runtime, async {
            let began = clock::now();
            let carriers: Vec<_> = (0..CONNECTIONS)
                .map(|place| {
                    let numbers = (first + place..first + WEBHOOKS).step_by(CONNECTIONS);
                    tokio::task::spawn_local(carrier(address, routes, numbers))
                })
                .collect();
            for carrier in carriers {
                carrier.await.expect("it sends");
            }
            (clock::now() - began).as_secs_f64()
        });
        WEBHOOKS as f64 / seconds
    }

    fn end(self) {
        let _ = self.done.send(());
        self.thread.join().expect("it ends");
    }
}

/// One connection that sends one webhook after the other.
async fn carrier(address: SocketAddr, routes: usize, numbers: impl Iterator<Item = usize>) {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let mut buffer = vec![0; 8192];
    for number in numbers {
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
