//! `twimlgate load`: many simulated callers at once.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::request::{environment_account, environment_token};
use crate::channel::Channel;
use crate::clock;
use crate::limits::LOAD_AT_ONCE_MAX;
use crate::secret::Secret;
use crate::tools::flow_test::{FlowTestFile, TestCase};
use crate::tools::load::{
    Arrivals, LoadCounters, LoadPlan, allowed_hosts, infer_channel, run_load,
    without_internal_steps,
};
use crate::tools::phone::{PhoneNumber, parse_duration};

/// Run the scripts of a flow test with many simulated callers, and report the response times.
///
/// Any TwiML application can be loaded: on this machine, or on a host that you declare as yours.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  twimlgate load http://127.0.0.1:8080/voice \\\n            \
    --script hotline.test.toml --rate 50 --duration 30s\n\n\
    Exit codes: 0 all scripts passed, 1 errors or failed scripts, 2 not started.")]
pub(super) struct Args {
    /// The URL for calls or messages, as it is configured at the carrier.
    url: String,
    /// The flow test with the scripts. Its expectations on functions and widgets are skipped: they
    /// cannot be observed over HTTP.
    #[arg(long, value_name = "FILE")]
    script: PathBuf,
    /// Only the cases whose name contains this.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// `voice` or `message`; the default depends on the scripts.
    #[arg(long, value_name = "CHANNEL", value_parser = parse_channel)]
    channel: Option<Channel>,
    /// Callers that begin per second, whether or not earlier ones have finished.
    #[arg(long, value_name = "N", default_value = "10", value_parser = parse_rate)]
    rate: f64,
    /// Instead of a rate: this many callers at a time; a new one begins when one has finished.
    #[arg(long, value_name = "N", conflicts_with = "rate")]
    callers: Option<usize>,
    /// The time within which callers begin: 30s, 5m.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration_arg)]
    duration: Duration,
    /// The most callers in total.
    #[arg(long, value_name = "N", default_value_t = usize::MAX, hide_default_value = true)]
    calls: usize,
    /// The most callers at the same time; further ones are counted, but do not call.
    #[arg(long, value_name = "N", default_value_t = LOAD_AT_ONCE_MAX)]
    at_once: usize,
    /// The auth token that signs the webhooks; without one they are not signed
    /// [env: TWILIO_AUTH_TOKEN].
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// `AccountSid` of the webhooks; without one it is that of an example
    /// [env: TWILIO_ACCOUNT_SID].
    #[arg(long, value_name = "SID")]
    account: Option<String>,
    /// The URL for the callback at the end of a call.
    #[arg(long, value_name = "URL")]
    status_callback: Option<String>,
    /// A host that may be loaded although it is not this machine.
    #[arg(long, value_name = "HOST")]
    yes_i_own_this_host: Vec<String>,
}

pub(super) fn run(args: &Args) -> ExitCode {
    let plan = match build_plan(args) {
        Ok(plan) => plan,
        Err(error) => {
            errln!("{}", error.trim_end());
            return ExitCode::from(2);
        }
    };
    let watch = LoadWatch {
        counters: Arc::new(LoadCounters::default()),
        stop: Arc::new(AtomicBool::new(false)),
        is_done: Arc::new(AtomicBool::new(false)),
        duration: plan.duration,
    };
    let watching = watch.clone();
    // A thread of its own: those of the callers are too busy for a progress bar and Ctrl-C.
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(watching.run());
    });
    let report = run_load(&plan, &watch.counters, &watch.stop);
    watch.is_done.store(true, Ordering::Relaxed);
    let _ = thread.join();
    out!("{report}");
    ExitCode::from(u8::from(report.failures() > 0 || report.calls == 0))
}

fn build_plan(args: &Args) -> Result<LoadPlan, String> {
    let error = |error: String| format!("error: {error}");
    let hosts = allowed_hosts(&args.url, &args.yes_i_own_this_host).map_err(error)?;
    let file = FlowTestFile::read(&args.script).map_err(|problems| problems.to_string())?;
    let mut cases: Vec<TestCase> = file.cases.iter().map(without_internal_steps).collect();
    let filter = args.filter.as_deref();
    cases.retain(|case| filter.is_none_or(|filter| case.name.contains(filter)));
    if cases.is_empty() {
        return Err(error(format!("`{}` has no such case", args.script.display())));
    }
    let channel = args.channel.unwrap_or_else(|| infer_channel(&cases));
    // An empty token asks for unsigned webhooks, whatever the environment has.
    let token = match &args.token {
        Some(token) => Some(token.clone()).filter(|token| !token.is_empty()).map(Secret::new),
        None => environment_token(),
    };
    // One thread per core: a caller spends its time waiting.
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let arrivals = args.callers.map_or(Arrivals::Rate(args.rate), Arrivals::Callers);
    let status_callback = args.status_callback.clone();
    Ok(LoadPlan {
        number: PhoneNumber { status_callback, ..PhoneNumber::for_url(&args.url) },
        channel,
        account: args.account.clone().or_else(environment_account),
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

/// The progress bar and the Ctrl-C handler of a load.
#[derive(Clone)]
struct LoadWatch {
    counters: Arc<LoadCounters>,
    /// Set after Ctrl-C: no more callers begin.
    stop: Arc<AtomicBool>,
    /// Set after the last caller.
    is_done: Arc<AtomicBool>,
    duration: Duration,
}

impl LoadWatch {
    async fn run(self) {
        let began = clock::now();
        let is_shown = std::io::stderr().is_terminal();
        while !self.is_done.load(Ordering::Relaxed) {
            let tick = tokio::time::sleep(Duration::from_millis(100));
            tokio::select! {
                () = tick => {}
                _ = tokio::signal::ctrl_c(), if !self.stop.load(Ordering::Relaxed) => {
                    self.stop.store(true, Ordering::Relaxed);
                    errln!("\nwaiting for the callers that are on the line");
                }
            }
            if is_shown {
                let passed = clock::now().duration_since(began);
                let mut stderr = std::io::stderr();
                let _ = write!(stderr, "\r{}\x1b[K", self.bar(passed));
                let _ = stderr.flush();
            }
        }
        if is_shown {
            err!("\r\x1b[K");
        }
    }

    /// `[#####·····] 12 s of 30 s, 600 calls, 12 on the line, 0 errors`
    fn bar(&self, passed: Duration) -> String {
        const CELLS: usize = 30;
        let part = (passed.as_secs_f64() / self.duration.as_secs_f64().max(0.001)).min(1.0);
        // Callers may finish after the duration, so the bar is full before the end.
        let full = (part * CELLS as f64) as usize;
        let counters = &self.counters;
        let [begun, finished, errors] = [&counters.begun, &counters.finished, &counters.errors]
            .map(|count| count.load(Ordering::Relaxed));
        format!(
            "[{}{}] {} s of {} s, {begun} calls, {} on the line, {errors} errors",
            "#".repeat(full),
            "·".repeat(CELLS - full),
            passed.as_secs(),
            self.duration.as_secs(),
            begun.saturating_sub(finished),
        )
    }
}

fn parse_channel(text: &str) -> Result<Channel, String> {
    Channel::from_name(text).ok_or_else(|| "expected `voice` or `message`".to_owned())
}

fn parse_rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.trim_end_matches("/s").parse().map_err(|_| "expected a number")?;
    if rate > 0.0 && rate <= 1e6 {
        Ok(rate)
    } else {
        Err("expected more than 0, and at most a million".to_owned())
    }
}

fn parse_duration_arg(text: &str) -> Result<Duration, String> {
    parse_duration(text, 0..text.len()).map_err(|error| format!("{error}; {}", error.help))
}
