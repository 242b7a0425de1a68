//! Stage 3: finds the route of a webhook, and with it the flow that answers.
//!
//! `application` has the paths of an application behind a prefix, which no flow answers.

mod application;

pub(crate) use application::{Application, covers_path};

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web::Bytes;

use crate::channel::Channel;
use crate::config::Function;
use crate::diagnostics::suggest::nearest_name;
use crate::flow::Flow;
use crate::metrics::RouteMetrics;
use crate::webhook::Webhook;

/// One path, with everything that answers on it.
#[derive(Debug)]
pub struct Route {
    /// The path, as configured.
    pub path: String,
    /// The URL of the path, with `server.public_url`, for requests to the carrier's API. `None` if
    /// `public_url` is not configured.
    pub url: Option<Arc<str>>,
    /// The kind of webhooks that arrive here.
    pub channel: Channel,
    /// The flow that answers.
    pub flow: Arc<Flow>,
    /// The answer if the flow fails without a document of its own. It was rendered and checked at
    /// the start, so that sending it cannot fail.
    pub fallback: Bytes,
    /// Whether the function of a short route also gets webhooks that report an event.
    pub status_callbacks: bool,
    /// Whether cookies pass between the carrier and the functions of the route.
    pub cookies: bool,
    /// The metrics of the route.
    pub metrics: RouteMetrics,
}

/// The routes of a configuration.
#[derive(Debug, Default)]
pub struct Routes {
    by_path: HashMap<String, Arc<Route>>,
    /// The routes sorted by path: a choice among several is the same after every start.
    in_order: Vec<Arc<Route>>,
}

/// A path that something else than a flow answers: a function or an asset of a project, or an
/// application.
#[derive(Debug)]
pub struct DirectRoute {
    /// The path of its URL; of an application its prefix, `/app/*`.
    pub path: String,
    /// What answers.
    pub target: DirectTarget,
    /// Who may use it, unless an application opens the path.
    pub access: RouteAccess,
    /// The answers to calls and messages where what answers fails.
    pub fallback: FallbackDocuments,
    /// The metrics of the path; all assets share theirs.
    pub metrics: RouteMetrics,
}

/// What answers without a flow.
#[derive(Debug)]
pub enum DirectTarget {
    /// A call of the user's code.
    Call(DirectCallee),
    /// A file.
    Asset(PathBuf),
}

/// The user's code that gets a request as it came.
#[derive(Debug)]
pub enum DirectCallee {
    /// A function of the project, with the limits of its calls.
    Function(Arc<Function>),
    /// An application.
    Application(Box<Application>),
}

/// A fallback document for each channel.
#[derive(Clone, Debug)]
pub struct FallbackDocuments {
    /// For calls.
    pub voice: Bytes,
    /// For messages.
    pub message: Bytes,
}

/// Who may use a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteAccess {
    /// Anybody.
    Open,
    /// The carrier: the request has a valid signature.
    Signed,
    /// No request.
    Private,
}

/// The reason why no route answers a webhook.
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
        /// The channel of the route.
        expected: Channel,
        /// The channel of the webhook.
        found: Channel,
    },
}

impl DirectRoute {
    /// Who may send a request.
    pub(crate) fn access_of(&self, method: &Method, path: &str, query: &str) -> RouteAccess {
        match &self.target {
            DirectTarget::Call(DirectCallee::Application(application))
                if application.is_open(method, path, query) =>
            {
                RouteAccess::Open
            }
            DirectTarget::Call(_) | DirectTarget::Asset(_) => self.access,
        }
    }

    /// The application behind the path.
    pub(crate) fn application(&self) -> Option<&Application> {
        match &self.target {
            DirectTarget::Call(DirectCallee::Application(application)) => Some(application),
            DirectTarget::Call(DirectCallee::Function(_)) | DirectTarget::Asset(_) => None,
        }
    }
}

impl FallbackDocuments {
    /// The document of a channel.
    pub(crate) fn of(&self, channel: Channel) -> Bytes {
        match channel {
            Channel::Voice => self.voice.clone(),
            Channel::Message => self.message.clone(),
        }
    }
}

impl Routes {
    /// Indexes the routes of a configuration.
    pub fn new(routes: impl IntoIterator<Item = Route>) -> Routes {
        // One route per path: the configuration is a table, whose keys are unique.
        let mut in_order: Vec<Arc<Route>> = routes.into_iter().map(Arc::new).collect();
        in_order.sort_by(|a, b| a.path.cmp(&b.path));
        let by_path = in_order.iter().map(|route| (route.path.clone(), Arc::clone(route)));
        Routes { by_path: by_path.collect(), in_order }
    }

    /// Finds the route of a webhook.
    pub fn find(&self, webhook: &Webhook) -> Result<&Arc<Route>, RouteError> {
        // Byte for byte, without normalization: the carrier signs the path as it is.
        let route = self.by_path.get(&webhook.path).ok_or(RouteError::Unknown)?;
        match webhook.channel() {
            Some(found) if found != route.channel => {
                Err(RouteError::WrongChannel { expected: route.channel, found })
            }
            // Without the sid of a call or message there is no channel to compare.
            _ => Ok(route),
        }
    }

    /// The route of a path, for any channel.
    pub fn at(&self, path: &str) -> Option<&Arc<Route>> {
        self.by_path.get(path)
    }

    /// The route on which a flow takes a channel. The route of the path `preferred` takes
    /// precedence if it is such a route; otherwise it is the first by path.
    pub(crate) fn of_flow(
        &self,
        flow: &str,
        channel: Channel,
        preferred: Option<&str>,
    ) -> Option<&Arc<Route>> {
        let takes = |route: &&Arc<Route>| route.channel == channel && route.flow.name == flow;
        // The preferred path may come from a store, and the configuration may have changed since.
        let preferred = preferred.and_then(|path| self.by_path.get(path)).filter(takes);
        preferred.or_else(|| self.in_order.iter().find(takes))
    }

    /// The likeliest cause of [`RouteError::Unknown`] for a path: a route that is nearly the same.
    pub(crate) fn explain_unknown(&self, path: &str) -> Option<String> {
        let bare = |path: &str| path.trim_end_matches('/').to_ascii_lowercase();
        let same = |route: &&Arc<Route>| bare(&route.path) == bare(path);
        if let Some(Route { path, .. }) = self.iter().find(same).map(Arc::as_ref) {
            return Some(format!(
                "the route is `{path}`: a slash at the end, or the case of its letters, differs; \
                 paths are compared byte for byte, as they are signed"
            ));
        }
        let ends = |long: &str, short: &str| short.len() > 1 && long.ends_with(short);
        if let Some(route) = self.iter().find(|route| ends(path, &route.path)) {
            let route = &route.path;
            return Some(format!(
                "the route is `{route}`: a proxy that serves it below another path takes the \
                 prefix off, and `server.public_url` has it; or add the prefix to the route"
            ));
        }
        if let Some(route) = self.iter().find(|route| ends(&route.path, path)) {
            let route = &route.path;
            return Some(format!("the route is `{route}`: a proxy takes a part of the path off"));
        }
        let near = nearest_name(path, self.iter().map(|route| route.path.as_str()));
        near.map(|near| format!("the URL at the carrier is mistyped: the route is `{near}`"))
    }

    /// The number of routes.
    pub fn len(&self) -> usize {
        self.in_order.len()
    }

    /// Whether there are no routes.
    pub fn is_empty(&self) -> bool {
        self.in_order.is_empty()
    }

    /// The routes, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.in_order.iter()
    }
}
