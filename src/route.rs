//! Stage 3: which flow answers a webhook.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::web::Bytes;

use crate::flow::Flow;
use crate::journal::RouteMeter;
use crate::webhook::{Channel, Webhook};

/// What answers on one path.
#[derive(Debug)]
pub struct Route {
    /// The path as configured.
    pub path: String,
    /// What the number that points here does.
    pub channel: Channel,
    /// What runs.
    pub flow: Arc<Flow>,
    /// What the caller gets when the flow fails without a document of its own: made and checked
    /// at start, so that it needs nothing any more.
    pub fallback: Bytes,
    /// Its counters.
    pub meter: RouteMeter,
}

/// All routes, by path.
#[derive(Debug, Default)]
pub struct Routes(HashMap<String, Arc<Route>>);

/// Why no flow answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// No route has this path.
    #[error("no route has this path; add a `[route.\"…\"]` or mend the URL at the carrier")]
    Unknown,
    /// A message came in where calls are expected, or the other way round.
    #[error(
        "a {} webhook came to a {} route; point the number's other webhook elsewhere",
        found.name(), expected.name()
    )]
    WrongChannel {
        /// What the route is for.
        expected: Channel,
        /// What came.
        found: Channel,
    },
}

impl Routes {
    /// The routes of a configuration.
    pub fn new(routes: impl IntoIterator<Item = Route>) -> Routes {
        Routes(routes.into_iter().map(|route| (route.path.clone(), Arc::new(route))).collect())
    }

    /// The route of a webhook. Paths are compared byte for byte, as the carrier signs them.
    pub fn find(&self, webhook: &Webhook) -> Result<&Arc<Route>, RouteError> {
        let route = self.0.get(&webhook.path).ok_or(RouteError::Unknown)?;
        match webhook.channel() {
            Some(found) if found != route.channel => {
                Err(RouteError::WrongChannel { expected: route.channel, found })
            }
            _ => Ok(route),
        }
    }

    /// The route of a path, whatever came to it.
    pub fn at(&self, path: &str) -> Option<&Arc<Route>> {
        self.0.get(path)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.values().map(Arc::as_ref)
    }
}
