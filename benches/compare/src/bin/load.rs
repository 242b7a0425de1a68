//! Load on one server: `--server ADDRESS --path /voice --signed-url URL --expect TEXT`, then
//! `--check [--refuses]`, or `--connections N --warmup S --seconds S --pids PID,…`.

use std::process::exit;
use std::time::Duration;

use compare::arguments::Arguments;
use compare::check::check;
use compare::load::{Plan, run};
use compare::webhook::Webhooks;

fn main() {
    let arguments = Arguments::of_process();
    let server: std::net::SocketAddr = arguments.required("--server");
    let path: String = arguments.required("--path");
    let signed_url: String = arguments.required("--signed-url");
    let expected: String = arguments.required("--expect");
    let mut webhooks = Webhooks::new(&server.to_string(), &path, &signed_url);
    if arguments.has("--check") {
        let refuses = arguments.has("--refuses");
        return check(server, &mut webhooks, &expected, refuses)
            .unwrap_or_else(|error| fail(&error));
    }
    let plan = Plan {
        server,
        connections: arguments.required("--connections"),
        warmup: Duration::from_secs_f64(arguments.required("--warmup")),
        measured: Duration::from_secs_f64(arguments.required("--seconds")),
        expected: expected.into_bytes(),
        pids: arguments.list("--pids"),
    };
    match run(&plan, webhooks) {
        Ok(outcome) => println!("{}", outcome.json()),
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(error: &str) -> ! {
    eprintln!("load: {error}");
    exit(1);
}
