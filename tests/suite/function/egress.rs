//! Where a call may lead (A8, F7, T8): every way to an address ends at the same check.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use twimlgate::function::{CallError, RefusedAddress, Resolver, ResolverEntry, TransportError};

use super::caller::{Caller, parsed, run};
use crate::support::hostile::{Hostile, answer, json};

type Table = Arc<Mutex<HashMap<String, ResolverEntry>>>;

fn table(entries: &[(&str, &[&str])]) -> Table {
    let entry = |(name, addresses): &(&str, &[&str])| {
        let addresses = addresses.iter().map(|text| text.parse().unwrap());
        ((*name).to_owned(), ResolverEntry::Addresses(addresses.collect::<Vec<IpAddr>>()))
    };
    Arc::new(Mutex::new(entries.iter().map(entry).collect()))
}

/// Calls a function that redirects to `location`; says what came of it.
async fn redirected(location: &str, more: &str, resolver: Resolver) -> Result<String, CallError> {
    let server = Hostile::always(answer("307 x", &format!("Location: {location}\r\n"), ""));
    let outcome = Caller::with(&server.url("/"), "", more, resolver).call().await;
    match outcome.kind {
        twimlgate::function::OutcomeKind::Fail(error) => Err(error.cause),
        _ => Ok(parsed(&outcome)),
    }
}

/// All spellings of 127.0.0.1 and of other private addresses that one of the usual filters lets
/// through. Some are names to the system's resolver, some no hosts at all; none may connect.
const SPELLINGS: [&str; 46] = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "0177.0x0.0.1",
    "127.0.0.1.",
    "127.000.000.001",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "0",
    "0.0.0.0",
    "00000.0",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fe80::1%lo]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "[::ffff:169.254.169.254]",
    "255.255.255.255",
];

#[test]
fn no_spelling_of_a_private_address_is_connected_to() {
    run(async {
        let canary = Hostile::always(json(r#"{"inside":true}"#));
        let port = canary.address.port();
        for host in SPELLINGS {
            for url in
                [format!("http://{host}:{port}/"), format!("http://good.example@{host}:{port}/")]
            {
                let problem = redirected(&url, "", Resolver::System).await.unwrap_err();
                let kinds = ["egress", "resolve", "redirect"];
                assert!(kinds.contains(&problem.kind()), "{url} {problem:?}");
            }
        }
        assert_eq!(canary.connections(), 0);
    });
}

#[test]
fn full_stops_of_other_scripts_are_no_hosts() {
    run(async {
        for host in ["127。0。0。1", "１２７.0.0.1", "①②⑦.⓪.⓪.①", "loc%61lhost", "127%2e0.0.1"]
        {
            let url = format!("http://{host}:9/");
            let problem = redirected(&url, "", Resolver::System).await.unwrap_err();
            assert!(["redirect", "resolve", "egress", "head"].contains(&problem.kind()), "{host}");
        }
    });
}

/// The address that a call was refused for.
fn refused(error: &CallError) -> Option<&RefusedAddress> {
    match error {
        CallError::Transport(TransportError::Egress(refused)) => Some(refused),
        _ => None,
    }
}

#[test]
fn names_are_judged_by_their_addresses() {
    run(async {
        let canary = Hostile::always(json("{}"));
        let url = |host: &str| format!("http://{host}:{}/", canary.address.port());
        let names: [(&str, &[&str]); 4] = [
            ("inside.example", &["127.0.0.1"]),
            ("mixed.example", &["93.184.216.34", "127.0.0.1"]),
            ("mapped.example", &["::ffff:127.0.0.1"]),
            ("cloud.example", &["169.254.169.254"]),
        ];
        for (host, _) in names {
            let resolver = Resolver::Table(table(&names));
            let problem = redirected(&url(host), "", resolver).await.unwrap_err();
            assert!(refused(&problem).is_some_and(|refused| refused.host == host), "{host}");
        }
        assert_eq!(canary.connections(), 0);
    });
}

#[test]
fn what_the_configuration_allows() {
    run(async {
        let inside = Hostile::always(json(r#"{"inside":true}"#));
        let port = inside.address.port();
        let allow = |rule: String| format!("[egress]\nallow = [\"{rule}\"]");
        let resolver = || Resolver::Table(table(&[("inside.example", &["127.0.0.1"])]));
        let by_address = format!("http://127.0.0.1:{port}/");
        let by_name = format!("http://INSIDE.example:{port}/");
        for (url, rule, passes) in [
            (&by_address, "127.0.0.0/8".to_owned(), true),
            (&by_address, format!("127.0.0.1:{port}"), true),
            (&by_address, "127.0.0.1:1".to_owned(), false),
            (&by_address, "10.0.0.0/8".to_owned(), false),
            (&by_name, "inside.example".to_owned(), true),
            (&by_name, format!("inside.example:{port}"), true),
            (&by_name, "inside.example:1".to_owned(), false),
            (&by_name, "example".to_owned(), false),
            (&by_name, "127.0.0.1".to_owned(), true),
        ] {
            let outcome = redirected(url, &allow(rule.clone()), resolver()).await;
            assert_eq!(outcome.is_ok(), passes, "{url} {rule} {outcome:?}");
        }
    });
}

#[test]
fn a_host_that_is_allowed_by_name_is_still_not_the_clouds_metadata() {
    run(async {
        let resolver = || Resolver::Table(table(&[("m.example", &["169.254.169.254"])]));
        let more = "[egress]\nallow = [\"m.example\"]";
        let problem = redirected("http://m.example/", more, resolver()).await.unwrap_err();
        assert!(refused(&problem).is_some_and(|refused| refused.kind == "metadata"));
        let configured = Caller::with("http://m.example/", "", "", resolver());
        assert!(
            refused(&configured.problem().await).is_some_and(|refused| refused.kind == "metadata")
        );
    });
}

#[test]
fn the_configured_host_may_be_private_on_its_own_port() {
    run(async {
        let server = Hostile::always(json("{}"));
        let other = Hostile::always(json("{}"));
        let names: [(&str, &[&str]); 1] = [("functions.internal", &["127.0.0.1"])];
        let url = format!("http://functions.internal:{}/", server.address.port());
        let caller = Caller::with(&url, "", "", Resolver::Table(table(&names)));
        assert_eq!(parsed(&caller.call().await), "{}");
        // The same host on another port is another server.
        let away = format!("http://127.0.0.1:{}/", other.address.port());
        let problem = redirected(&away, "", Resolver::System).await.unwrap_err();
        assert!(refused(&problem).is_some_and(|refused| refused.kind == "loopback"));
        assert_eq!(other.connections(), 0);
    });
}

#[test]
fn rebinding_changes_nothing() {
    run(async {
        // The name is public when it is checked first, and private a moment later: each connection
        // is checked with the very addresses that it uses.
        let canary = Hostile::always(json("{}"));
        let names = table(&[("rebind.example", &["127.0.0.1"])]);
        let url = format!("http://rebind.example:{}/", canary.address.port());
        for address in ["10.0.0.1", "127.0.0.1", "::1"] {
            let entry = ResolverEntry::Addresses(vec![address.parse().unwrap()]);
            names.lock().insert("rebind.example".to_owned(), entry);
            let problem = redirected(&url, "", Resolver::Table(names.clone())).await.unwrap_err();
            assert!(refused(&problem).is_some());
        }
        assert_eq!(canary.connections(), 0);
    });
}
