//! The network of a walk: loopback servers in the place of all others, and the gateway that sends
//! to them.

use std::time::Duration;

use actix_web::rt::{System, SystemRunner};
use twimlgate::clock;
use twimlgate::exchange::{ExchangeContext, send_step_request};
use twimlgate::flow::{Event, Execution, Flow, Step};
use twimlgate::gateway::{Gateway, Worker};
use twimlgate::metrics::Metrics;
use twimlgate::pending::PendingCalls;
use twimlgate::session::Sessions;
use twimlgate::webhook::Params;

use crate::support::hostile::{self, Hostile, answer};

/// Two servers. Credentials of the account may go to the one that is the carrier's.
pub(crate) struct Network {
    pub(crate) functions: Hostile,
    pub(crate) carrier: Hostile,
}

/// A request that arrived, and where.
pub(crate) struct Arrival {
    pub(crate) at_carrier: bool,
    pub(crate) request: hostile::Seen,
}

/// The part of the gateway that sends, on this thread.
pub(crate) struct Sender<'a> {
    network: &'a Network,
    gateway: &'a Gateway,
    worker: Worker,
    system: SystemRunner,
}

// === impl Network ===

impl Network {
    pub(crate) fn start() -> Network {
        // One request for each connection: nothing is left over for the next one.
        let close = "Content-Type: application/json\r\nConnection: close\r\n";
        let server = |status: &str, body: &str| {
            let response = answer(status, close, body);
            Hostile::new(vec![vec![hostile::Step::Read, hostile::Step::Send(response)]])
        };
        let resource = r#"{"sid": "CA00000000000000000000000000000002", "status": "queued",
            "date_created": "today"}"#;
        Network { functions: server("200 OK", "{}"), carrier: server("201 Created", resource) }
    }

    /// The origin of one of the servers, with credentials in front of its host.
    pub(crate) fn origin(&self, of_carrier: bool, userinfo: &str) -> String {
        let server = if of_carrier { &self.carrier } else { &self.functions };
        format!("http://{userinfo}{}", server.address)
    }

    /// The requests since the last call.
    fn take_arrivals(&self) -> Vec<Arrival> {
        let of = |server: &Hostile, at_carrier| {
            let requests = server.take_requests().into_iter();
            requests.map(move |request| Arrival { at_carrier, request }).collect::<Vec<_>>()
        };
        let mut arrivals = of(&self.functions, false);
        arrivals.extend(of(&self.carrier, true));
        arrivals
    }
}

// === impl Sender ===

impl<'a> Sender<'a> {
    pub(crate) fn new(network: &'a Network, gateway: &'a Gateway) -> Sender<'a> {
        let pending = PendingCalls::new(Metrics::new().pending_calls.clone());
        let system = System::new();
        let worker = gateway.worker(Sessions::memory(), pending);
        Sender { network, gateway, worker, system }
    }

    /// Sends the request of a step; gives what comes of it, and what arrived at the servers.
    pub(crate) fn send(
        &self,
        flow: &Flow,
        execution: &Execution,
        step: &Step,
        webhook: &Params,
    ) -> (Option<Event>, Vec<Arrival>) {
        let event = self.system.block_on(async {
            let deadline = clock::now() + Duration::from_secs(10);
            let context = ExchangeContext { gateway: self.gateway, worker: &self.worker, deadline };
            send_step_request(context, flow, execution, step, webhook).await
        });
        (event, self.network.take_arrivals())
    }

    /// The origin of a server, as the gateway signs it.
    pub(crate) fn origin(&self, of_carrier: bool) -> String {
        self.network.origin(of_carrier, "")
    }
}
