//! Many callers at once, against an application over real sockets.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use twimlgate::diagnostics::problem::Source;
use twimlgate::secret::Secret;
use twimlgate::tools::flow_test::FlowTestFile;
use twimlgate::tools::load::{
    Arrivals, LoadCounters, LoadPlan, LoadReport, allowed_hosts, infer_channel, run_load,
    without_internal_steps,
};
use twimlgate::tools::phone::PhoneNumber;

use crate::phone::app::{App, reply};

/// A plan for so many callers, one after the other in each thread.
fn plan(app: &App, script: &str, calls: usize) -> LoadPlan {
    let text = format!("flow = \"none.json\"\n[[case]]\nname = \"c\"\nscript = '''\n{script}'''\n");
    let file = FlowTestFile::parse(&Source::new("load.test.toml", &text)).unwrap();
    let cases: Vec<_> = file.cases.iter().map(without_internal_steps).collect();
    LoadPlan {
        number: PhoneNumber::for_url(&app.url("/voice")),
        channel: infer_channel(&cases),
        account: None,
        token: Some(Secret::new("12345".to_owned())),
        hosts: allowed_hosts(&app.url("/voice"), &[]).unwrap(),
        source: file.source,
        cases,
        arrivals: Arrivals::Callers(2),
        duration: Duration::from_secs(60),
        calls_max: calls,
        at_once_max: 10,
        threads: 2,
    }
}

fn load(plan: &LoadPlan) -> LoadReport {
    run_load(plan, &Arc::new(LoadCounters::default()), &AtomicBool::new(false))
}

#[test]
fn every_caller_follows_the_script() {
    let app = App::start(|got| match got.params.get("Digits") {
        None => "<Response><Gather numDigits=\"1\"><Say>Press 1.</Say></Gather></Response>".into(),
        Some(_) => "<Response><Say>Thanks.</Say></Response>".into(),
    });
    let script = "hear Press 1.\npress 1\ncall other\ntook a > b\nhear Thanks.\nends completed\n";
    let report = load(&plan(&app, script, 20));
    assert_eq!((report.calls, report.webhooks(), report.failures()), (20, 40, 0), "{report}");
    let told = report.to_string();
    assert!(told.contains("20 200 <Gather>\n") && told.contains("20 200 <Say>\n"), "{told}");
    let froms: std::collections::BTreeSet<String> =
        app.got().iter().map(|got| got.params.get("From").unwrap().to_owned()).collect();
    assert_eq!(froms.len(), 20, "each caller has its own number");
    assert!(report.quantile(0.5) <= report.quantile(0.99));
}

#[test]
fn what_goes_wrong_is_counted_by_its_code() {
    let app = App::start(|got| {
        if got.params.get("From").unwrap().ends_with('3') {
            reply("500 Oops", "", "")
        } else {
            "<Response><Say>Hello.</Say></Response>".to_owned()
        }
    });
    let report = load(&plan(&app, "hear Hello.\n", 10));
    let told = report.to_string();
    assert!(told.contains("9 200 <Say>") && told.contains("1 500"), "{told}");
    assert!(told.contains("1 11200 HTTP retrieval failure: it answered 500"), "{told}");
    assert!(told.contains("failed scripts") && report.failures() == 2, "{told}");
}

#[test]
fn an_application_cannot_lead_the_load_elsewhere() {
    let app = App::start(|_| {
        "<Response><Redirect>http://bystander.example/</Redirect></Response>".to_owned()
    });
    let told = load(&plan(&app, "", 1)).to_string();
    assert!(told.contains("`bystander.example` is not one of the allowed hosts"), "{told}");
}

#[test]
fn callers_that_find_no_room_are_counted_and_do_not_wait() {
    let app = App::start(|_| {
        std::thread::park_timeout(Duration::from_millis(300));
        "<Response/>".to_owned()
    });
    let mut plan = plan(&app, "", usize::MAX);
    (plan.arrivals, plan.duration) = (Arrivals::Rate(1_000.0), Duration::from_millis(200));
    (plan.at_once_max, plan.threads) = (1, 1);
    let report = load(&plan);
    assert!(report.calls <= 2 && report.no_room > 10, "{report}");
}

#[test]
fn a_load_can_be_stopped() {
    let app = App::start(|_| "<Response/>".to_owned());
    let mut plan = plan(&app, "", usize::MAX);
    (plan.arrivals, plan.duration) = (Arrivals::Rate(0.001), Duration::from_secs(3_600));
    let report = run_load(&plan, &Arc::new(LoadCounters::default()), &AtomicBool::new(true));
    assert_eq!(report.calls, 0);
}
