//! What one call of a function costs our own thread, beside awc bare and tuned. CPU time of the
//! calling thread (Linux), 64 calls in flight, rounds interleaved: `cargo bench --bench function`.

use std::future::Future;
use std::hint::black_box;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::rt::{System, spawn};
use actix_web::web::{Bytes, to};
use actix_web::{App, HttpResponse, HttpServer};
use twimlgate::clock;
use twimlgate::config::{Config, HmacAlgorithm};
use twimlgate::diagnostics::problem::Source;
use twimlgate::function::{
    CallRequest, Destination, Functions, OutcomeKind, Resolver, SharedFunctions,
};
use twimlgate::secret::Secret;
use twimlgate::verify::SigningKey;
use twimlgate::webhook::Params;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CALLS: usize = 40_000;
const IN_FLIGHT: usize = 64;
const ROUNDS: usize = 5;
const TWIML: &str = "<Response><Message>Thank you, we will call you back.</Message></Response>";

/// What Twilio sends for a message.
const WEBHOOK: &str = "ToCountry=US&ToState=CA&SmsMessageSid=SM00000000000000000000000000000000&\
    NumMedia=0&ToCity=SAN+FRANCISCO&FromZip=94103&SmsSid=SM00000000000000000000000000000000&\
    FromState=CA&SmsStatus=received&FromCity=SAN+FRANCISCO&Body=What+are+your+opening+hours%3F&\
    FromCountry=US&To=%2B15555550100&ToZip=94103&NumSegments=1&\
    MessageSid=SM00000000000000000000000000000000&\
    AccountSid=AC00000000000000000000000000000000&From=%2B15555550101&ApiVersion=2010-04-01";

fn main() {
    // `cargo test` runs benches as well, to see that they run.
    let calls = if std::env::args().any(|argument| argument == "--bench") { CALLS } else { 64 };
    let url = serve();
    System::new().block_on(compare(calls, &url));
}

/// A function on threads of its own.
fn serve() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
    std::thread::spawn(move || {
        let answer = || async { HttpResponse::Ok().content_type("text/xml").body(TWIML) };
        let app = move || App::new().default_service(to(answer));
        let server = HttpServer::new(app).workers(1).listen(listener).expect("it is bound");
        System::new().block_on(server.disable_signals().run())
    });
    url
}

async fn compare(calls: usize, url: &str) {
    let text = format!("[function.f]\nurl = \"{url}\"\nforward_webhook = true\nconnections = 1000");
    let (config, _) = Config::parse(&Source::new("bench", &text), Path::new(""), &|_| None);
    let config = Rc::new(config.expect("it is a configuration"));
    let shared =
        SharedFunctions::new(&config, Resolver::System).expect("there is no authority file");
    let functions = Rc::new(Functions::new(&shared));
    let key = Rc::new(SigningKey::new(&Secret::new("12345".to_owned()), HmacAlgorithm::Sha1));

    let connector = awc::Connector::new().limit(0);
    let client = awc::Client::builder()
        .connector(connector)
        .disable_redirects()
        .no_default_headers()
        .finish();
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    let bare = client.post(url).insert_header((CONTENT_TYPE, form)).freeze().expect("a request");

    let awc = move || {
        let bare = bare.clone();
        async move {
            let sent = bare.send_body(Bytes::from_static(WEBHOOK.as_bytes())).await;
            black_box(sent.expect("it answers").body().await.expect("it has a body"));
        }
    };
    let ours = |signed: bool| {
        let (config, functions, key) = (config.clone(), functions.clone(), key.clone());
        move || {
            let (config, functions, key) = (config.clone(), functions.clone(), key.clone());
            async move {
                let form = Bytes::from_static(WEBHOOK.as_bytes());
                let webhook =
                    if signed { Params::decode(&form).expect("a form") } else { Params::default() };
                let call = CallRequest {
                    widget: "",
                    destination: Destination::Function(&config.functions["f"]),
                    replaced_url: None,
                    content: None,
                    credentials: None,
                    parameters: &Params::default(),
                    webhook: &webhook,
                    webhook_form: Some(&form),
                    webhook_payload: None,
                    cookies: None,
                    signing_key: signed.then_some(&*key),
                    timeout: Duration::from_secs(5),
                    deadline: clock::now() + Duration::from_secs(10),
                    idempotency_key: "SM00000000000000000000000000000000:f",
                };
                let outcome = functions.call(call).await;
                assert!(matches!(black_box(outcome).kind, OutcomeKind::Twiml(_)));
            }
        }
    };
    println!("CPU microseconds of the calling thread per call, {IN_FLIGHT} in flight");
    println!("{:>12} {:>12} {:>28}", "awc, tuned", "ours", "ours, decoded and signed");
    for _ in 0..ROUNDS {
        let awc = measure(calls, awc.clone()).await;
        let plain = measure(calls, ours(false)).await;
        let signed = measure(calls, ours(true)).await;
        println!("{awc:>12.2} {plain:>12.2} {signed:>28.2}");
    }
}

/// Microseconds of CPU per call.
async fn measure<F: Future<Output = ()> + 'static>(
    calls: usize,
    call: impl Fn() -> F + Clone + 'static,
) -> f64 {
    let before = cpu_nanoseconds();
    let tasks: Vec<_> = (0..IN_FLIGHT)
        .map(|_| {
            let call = call.clone();
            spawn(async move {
                for _ in 0..calls / IN_FLIGHT {
                    call().await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no call panics");
    }
    (cpu_nanoseconds() - before) / 1000.0 / calls as f64
}

/// Time that this thread has been running, as the kernel counts it.
fn cpu_nanoseconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(f64::NAN)
}
