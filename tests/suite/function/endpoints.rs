//! Which calls share connections.

use std::time::Duration;

use twimlgate::function::{Destination, Trust, UrlRequest};
use twimlgate::limits::FUNCTION_CLIENTS_MAX;

use super::caller::{Caller, run};
use crate::support::hostile::{Hostile, json};

#[test]
fn connections_are_kept_for_as_many_urls_as_a_flow_may_compute() {
    run(async {
        let server = Hostile::always(json("{}"));
        let caller = Caller::new(&server.url("/"), "");
        let url = UrlRequest::new(&server.url("/"), Trust::Configured).unwrap();
        let call = async || {
            let within = Duration::from_secs(10);
            caller.send_to(Destination::Url(&url), None, within).await.reused_connection
        };
        let add = async |number: usize| {
            let url = format!("http://127.0.0.1:{}/", 10_000 + number);
            let made = UrlRequest::new(&url, Trust::Computed).unwrap();
            // Without time for it, nothing is sent.
            caller.send_to(Destination::Url(&made), None, Duration::ZERO).await;
        };
        assert!(!caller.call().await.reused_connection);
        assert!(!call().await, "a function and a URL have connections of their own");
        for number in 1..FUNCTION_CLIENTS_MAX {
            add(number).await;
        }
        assert!(call().await);
        add(FUNCTION_CLIENTS_MAX).await;
        assert!(!call().await, "there is room for no more");
        assert!(caller.call().await.reused_connection, "configured functions are few");
    });
}

#[test]
fn urls_share_connections_by_origin_and_trust() {
    run(async {
        let server = Hostile::always(json("{}"));
        let port = server.address.port();
        let allow = format!("[egress]\nallow = [\"127.0.0.1:{port}\"]");
        let caller = Caller::with(&server.url("/"), "", &allow, Default::default());
        let call = async |url: &str, trust| {
            let url = UrlRequest::new(url, trust).unwrap();
            let within = Duration::from_secs(10);
            caller.send_to(Destination::Url(&url), None, within).await.reused_connection
        };
        assert!(!call(&server.url("/a"), Trust::Configured).await);
        assert!(call(&server.url("/b?c"), Trust::Configured).await, "the same server");
        assert!(!call(&server.url("/a"), Trust::Computed).await, "less trust");
        assert!(call(&server.url("/a"), Trust::Computed).await);
    });
}

#[test]
fn a_rendered_url_is_sent_with_escapes() {
    run(async {
        let server = Hostile::always(json("{}"));
        let caller = Caller::new(&server.url("/"), "");
        let url = format!("{}?q=\"é\"&done=%20%2B", server.url("/find/José Ruiz 😀"));
        let url = UrlRequest::new(&url, Trust::Configured).unwrap();
        let within = Duration::from_secs(10);
        caller.send_to(Destination::Url(&url), None, within).await;
        let [seen] = server.requests().try_into().expect("one request");
        let target = "/find/Jos%C3%A9%20Ruiz%20%F0%9F%98%80?q=%22%C3%A9%22&done=%20%2B";
        assert_eq!(seen.line(), format!("POST {target} HTTP/1.1"));
    });
}

#[test]
fn a_host_is_not_escaped() {
    for host in ["josé.example", "a b.example", "a%20b.example", "good.example\\@evil.example", ""]
    {
        let url = format!("https://{host}/é");
        assert!(UrlRequest::new(&url, Trust::Computed).is_err(), "{url}");
    }
}
