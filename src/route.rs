//! Stage 3: which flow answers a webhook.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::web::Bytes;

use crate::channel::Channel;
use crate::flow::Flow;
use crate::metrics::RouteMetrics;
use crate::webhook::Webhook;

/// What answers on one path.
#[derive(Debug)]
pub struct Route {
    /// The path as configured.
    pub path: String,
    /// The path behind `server.public_url`: where the carrier's API is told to send webhooks.
    /// `None` where no `public_url` is configured.
    pub url: Option<Arc<str>>,
    /// What the number that points here does.
    pub channel: Channel,
    /// What runs.
    pub flow: Arc<Flow>,
    /// What the caller gets when the flow fails without a document of its own: made and checked
    /// at start, so that it needs nothing any more.
    pub fallback: Bytes,
    /// Its counters.
    pub metrics: RouteMetrics,
}

/// All routes.
#[derive(Debug, Default)]
pub struct Routes {
    by_path: HashMap<String, Arc<Route>>,
    /// The same in the order of their paths: what is chosen among several is the same on every
    /// start.
    in_order: Vec<Arc<Route>>,
}

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
        let mut in_order: Vec<Arc<Route>> = routes.into_iter().map(Arc::new).collect();
        in_order.sort_by(|a, b| a.path.cmp(&b.path));
        let by_path = in_order.iter().map(|route| (route.path.clone(), Arc::clone(route)));
        Routes { by_path: by_path.collect(), in_order }
    }

    /// The route of a webhook. Paths are compared byte for byte, as the carrier signs them.
    pub fn find(&self, webhook: &Webhook) -> Result<&Arc<Route>, RouteError> {
        let route = self.by_path.get(&webhook.path).ok_or(RouteError::Unknown)?;
        match webhook.channel() {
            Some(found) if found != route.channel => {
                Err(RouteError::WrongChannel { expected: route.channel, found })
            }
            _ => Ok(route),
        }
    }

    /// The route of a path, whatever came to it.
    pub fn at(&self, path: &str) -> Option<&Arc<Route>> {
        self.by_path.get(path)
    }

    /// The route on which a flow takes a channel: the one of the path `preferred`, where that is
    /// such a route, else the first by path.
    pub fn of_flow(
        &self,
        flow: &str,
        channel: Channel,
        preferred: Option<&str>,
    ) -> Option<&Arc<Route>> {
        let takes = |route: &&Arc<Route>| route.channel == channel && route.flow.name == flow;
        let preferred = preferred.and_then(|path| self.by_path.get(path)).filter(takes);
        preferred.or_else(|| self.in_order.iter().find(takes))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.in_order.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.in_order.is_empty()
    }

    /// All of them, in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.in_order.iter()
    }
}
