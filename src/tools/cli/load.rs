//! `twimlgate load`: many simulated callers at once.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::request::environment_token;
use crate::channel::Channel;
use crate::clock;
use crate::limits::LOAD_AT_ONCE_MAX;
use crate::secret::Secret;
use crate::tools::flow_test::{FlowTestFile, TestCase};
use crate::tools::load::{
    Arrivals, LoadCounters, LoadPlan, channel as channel_of, from_outside, may_load,
    run as carry_out,
};
use crate::tools::phone::{PhoneNumber, time};

/// Let many simulated callers follow the scripts of a flow test, and report how long they waited.
///
/// Any TwiML application can be loaded, on this machine or on hosts that are named as one's own.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  twimlgate load http://127.0.0.1:8080/voice \\\n            \
    --script hotline.test.toml --rate 50 --duration 30s\n\n\
    Exit codes: 0 all went as written, 1 errors or scripts that were not followed, 2 not tried.")]
pub(super) struct Args {
    /// Where the carrier would ask: the whole URL.
    url: String,
    /// The flow test whose scripts are followed; what it says of functions and widgets, which
    /// cannot be seen from outside, is passed over.
    #[arg(long, value_name = "FILE")]
    script: PathBuf,
    /// Only the cases whose name holds this.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// `voice` or `message`; without it, what the scripts do.
    #[arg(long, value_name = "CHANNEL", value_parser = channel)]
    channel: Option<Channel>,
    /// Callers that begin each second, whether or not those before them are through.
    #[arg(long, value_name = "N", default_value = "10", value_parser = rate)]
    rate: f64,
    /// Instead of a rate: so many at a time, each calls again at once when it is through.
    #[arg(long, value_name = "N", conflicts_with = "rate")]
    callers: Option<usize>,
    /// For how long callers begin: 30s, 5m.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    duration: Duration,
    /// At most so many callers.
    #[arg(long, value_name = "N", default_value_t = usize::MAX, hide_default_value = true)]
    calls: usize,
    /// At most so many callers at the same time; who finds no room is counted.
    #[arg(long, value_name = "N", default_value_t = LOAD_AT_ONCE_MAX)]
    at_once: usize,
    /// What signs the webhooks; without one they are not signed [env: TWILIO_AUTH_TOKEN].
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// `AccountSid` of the webhooks.
    #[arg(long, value_name = "SID")]
    account: Option<String>,
    /// What is told when a call is over.
    #[arg(long, value_name = "URL")]
    status_callback: Option<String>,
    /// A host that may be loaded although it is not this machine.
    #[arg(long, value_name = "HOST")]
    yes_i_own_this_host: Vec<String>,
}

pub(super) fn run(args: &Args) -> ExitCode {
    let plan = match plan(args) {
        Ok(plan) => plan,
        Err(error) => {
            eprintln!("{}", error.trim_end());
            return ExitCode::from(2);
        }
    };
    let (tally, stop) = (Arc::new(LoadCounters::default()), Arc::new(AtomicBool::new(false)));
    let done = Arc::new(AtomicBool::new(false));
    let (beside, raised, over) = (Arc::clone(&tally), Arc::clone(&stop), Arc::clone(&done));
    let duration = plan.duration;
    // Progress and Ctrl-C have a thread of their own: the callers' are busy.
    let watch = std::thread::spawn(move || {
        let watching = watching(&beside, &raised, &over, duration);
        actix_web::rt::System::new().block_on(watching);
    });
    let report = carry_out(&plan, &tally, &stop);
    done.store(true, Ordering::Relaxed);
    let _ = watch.join();
    print!("{report}");
    ExitCode::from(u8::from(report.failed() > 0 || report.calls == 0))
}

fn plan(args: &Args) -> Result<LoadPlan, String> {
    let error = |error: String| format!("error: {error}");
    let hosts = may_load(&args.url, &args.yes_i_own_this_host).map_err(error)?;
    let file = FlowTestFile::read(&args.script).map_err(|problems| problems.to_string())?;
    let mut cases: Vec<TestCase> = file.cases.iter().map(from_outside).collect();
    let filter = args.filter.as_deref();
    cases.retain(|case| filter.is_none_or(|filter| case.name.contains(filter)));
    if cases.is_empty() {
        return Err(error(format!("`{}` has no such case", args.script.display())));
    }
    let channel = args.channel.unwrap_or_else(|| channel_of(&cases));
    let token = match &args.token {
        Some(token) => Some(token.clone()).filter(|token| !token.is_empty()).map(Secret::new),
        None => environment_token(),
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let arrivals = args.callers.map_or(Arrivals::Rate(args.rate), Arrivals::Callers);
    let status_callback = args.status_callback.clone();
    Ok(LoadPlan {
        number: PhoneNumber { status_callback, ..PhoneNumber::at(&args.url) },
        channel,
        account: args.account.clone(),
        token,
        hosts,
        source: file.source.clone(),
        cases,
        arrivals,
        duration: args.duration,
        calls_max: args.calls,
        at_once_max: args.at_once.max(1),
        threads,
    })
}

/// Shows how far it is, on a terminal, and stops on Ctrl-C, until it is done.
async fn watching(tally: &LoadCounters, stop: &AtomicBool, done: &AtomicBool, duration: Duration) {
    let began = clock::now();
    let shown = std::io::stderr().is_terminal();
    while !done.load(Ordering::Relaxed) {
        let tick = tokio::time::sleep(Duration::from_millis(100));
        tokio::select! {
            () = tick => {}
            _ = tokio::signal::ctrl_c(), if !stop.load(Ordering::Relaxed) => {
                stop.store(true, Ordering::Relaxed);
                eprintln!("\nwaiting for those who are on the line");
            }
        }
        if shown {
            let passed = clock::now().duration_since(began);
            let mut stderr = std::io::stderr();
            let _ = write!(stderr, "\r{}\x1b[K", bar(tally, passed, duration));
            let _ = stderr.flush();
        }
    }
    if shown {
        eprint!("\r\x1b[K");
    }
}

/// `[#####·····] 12 s of 30 s, 600 calls, 12 on the line, 0 errors`
fn bar(tally: &LoadCounters, passed: Duration, duration: Duration) -> String {
    const CELLS: usize = 30;
    let part = (passed.as_secs_f64() / duration.as_secs_f64().max(0.001)).min(1.0);
    let full = (part * CELLS as f64) as usize;
    let [begun, ended, errors] =
        [&tally.begun, &tally.ended, &tally.errors].map(|count| count.load(Ordering::Relaxed));
    format!(
        "[{}{}] {} s of {} s, {begun} calls, {} on the line, {errors} errors",
        "#".repeat(full),
        "·".repeat(CELLS - full),
        passed.as_secs(),
        duration.as_secs(),
        begun.saturating_sub(ended),
    )
}

fn channel(text: &str) -> Result<Channel, String> {
    Channel::from_name(text).ok_or_else(|| "expected `voice` or `message`".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.trim_end_matches("/s").parse().map_err(|_| "expected a number")?;
    match rate > 0.0 && rate <= 1e6 {
        true => Ok(rate),
        false => Err("expected more than 0, and at most a million".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    time(text, 0..text.len()).map_err(|error| format!("{error}; {}", error.help))
}
