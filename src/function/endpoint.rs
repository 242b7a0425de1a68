//! Endpoints: the servers as calls share them. Calls of the same endpoint share connections, a
//! concurrency limit and a circuit breaker.

use std::collections::HashMap;

use super::application::ApplicationServer;
use super::egress::Trust;
use super::request::{Destination, UrlRequest};
use super::url::{Origin, RequestUrl};
use crate::config::Function;
use crate::limits::{FUNCTION_BODY_BYTES_MAX, FUNCTION_CLIENTS_MAX, FUNCTION_CONNECTIONS_MAX};

/// One server as calls see it.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    /// Scheme, host and port.
    pub(super) origin: Origin,
    /// Whether the operator has seen the URL. Other origins, which redirects lead to, are
    /// [`Trust::Computed`] in any case.
    pub(super) trust: Trust,
    pub(super) limits: EndpointLimits,
}

/// The limits of an endpoint's calls.
#[derive(Clone, Debug)]
pub(super) struct EndpointLimits {
    /// A larger body is an error.
    pub(super) max_body_bytes: usize,
    /// Calls at a time, per worker.
    pub(super) connections: usize,
    /// Whether a call may stay in the queue until its deadline.
    pub(super) queue_until_deadline: bool,
    /// Whether the server may see one call twice.
    pub(super) is_idempotent: bool,
    /// Whether requests are HTTP/1.0, for a server that frames its response by closing.
    pub(super) http_1_0: bool,
}

/// One value for each endpoint.
///
/// A configured function is an endpoint of its own, by its name: two functions on one server must
/// not take each other's connections, nor open each other's circuit breaker. Any other URL is found
/// by origin and trust: where the operator has not seen the URL, private addresses are refused, so
/// the two must not share connections.
#[derive(Debug)]
pub(super) struct EndpointMap<T> {
    functions: HashMap<String, T>,
    configured_urls: HashMap<Origin, T>,
    computed_urls: HashMap<Origin, T>,
}

// === impl Endpoint ===

impl Endpoint {
    /// The endpoint of a configured function, which has this URL.
    pub(super) fn of_function(function: &Function, url: &RequestUrl) -> Endpoint {
        Endpoint {
            origin: Origin::clone(&url.origin),
            trust: Trust::Configured,
            limits: EndpointLimits {
                max_body_bytes: function.max_body_bytes,
                connections: function.connections,
                // A caller who hears the hold document can wait for a place.
                queue_until_deadline: function.hold.is_some(),
                is_idempotent: function.idempotent,
                http_1_0: function.http_1_0,
            },
        }
    }

    /// The endpoint of a URL that is not a configured function, with the defaults of `[function]`.
    pub(super) fn of_url(request: &UrlRequest) -> Endpoint {
        Endpoint {
            origin: Origin::clone(&request.url().origin),
            trust: request.trust(),
            limits: EndpointLimits {
                max_body_bytes: FUNCTION_BODY_BYTES_MAX,
                connections: FUNCTION_CONNECTIONS_MAX,
                // Callers are held for configured functions only.
                queue_until_deadline: false,
                // The servers are strangers: what a second request does is not known.
                is_idempotent: false,
                http_1_0: false,
            },
        }
    }

    /// The endpoint of an application, which has this URL.
    pub(super) fn of_application(server: &ApplicationServer, url: &RequestUrl) -> Endpoint {
        Endpoint {
            origin: Origin::clone(&url.origin),
            trust: Trust::Configured,
            limits: EndpointLimits {
                max_body_bytes: server.max_body_bytes,
                connections: FUNCTION_CONNECTIONS_MAX,
                queue_until_deadline: false,
                is_idempotent: false,
                http_1_0: false,
            },
        }
    }

    /// The trust in a URL that a call of this endpoint leads to.
    pub(super) fn trust_in(&self, origin: &Origin) -> Trust {
        // The operator has seen this origin, and not those that it redirects to.
        if *origin == self.origin { self.trust } else { Trust::Computed }
    }
}

// === impl EndpointMap ===

impl<T> EndpointMap<T> {
    /// The value of a call's endpoint.
    pub(super) fn get(&self, destination: Destination<'_>) -> Option<&T> {
        match destination {
            Destination::Function(function) => self.get_function(&function.name),
            Destination::Application(server) => self.get_function(&server.name),
            Destination::Url(request) if request.is_project() => self.get_function(request.name()),
            Destination::Url(request) => match request.trust() {
                Trust::Configured => self.configured_urls.get(&*request.url().origin),
                Trust::Computed => self.computed_urls.get(&*request.url().origin),
            },
        }
    }

    /// The value of a configured function, or of an application.
    pub(super) fn get_function(&self, name: &str) -> Option<&T> {
        self.functions.get(name)
    }

    /// Sets the value of a call's endpoint. A flow that computes its URLs must not fill the memory,
    /// so with too many of them all are dropped. Functions are as many as the configuration has.
    pub(super) fn insert(&mut self, destination: Destination<'_>, value: T) {
        let request = match destination {
            Destination::Function(function) => {
                self.functions.insert(function.name.clone(), value);
                return;
            }
            Destination::Application(server) => {
                self.functions.insert(server.name.clone(), value);
                return;
            }
            // A function like any other. The number of their paths is bounded, that of texts in
            // the place of a path is not.
            Destination::Url(request) if request.is_project() => {
                if self.functions.len() < FUNCTION_CLIENTS_MAX {
                    self.functions.insert(request.name().to_owned(), value);
                }
                return;
            }
            Destination::Url(request) => request,
        };
        if self.configured_urls.len() + self.computed_urls.len() >= FUNCTION_CLIENTS_MAX {
            self.configured_urls.clear();
            self.computed_urls.clear();
        }
        let urls = match request.trust() {
            Trust::Configured => &mut self.configured_urls,
            Trust::Computed => &mut self.computed_urls,
        };
        urls.insert(Origin::clone(&request.url().origin), value);
    }
}

impl<T> Default for EndpointMap<T> {
    fn default() -> EndpointMap<T> {
        EndpointMap {
            functions: HashMap::new(),
            configured_urls: HashMap::new(),
            computed_urls: HashMap::new(),
        }
    }
}
