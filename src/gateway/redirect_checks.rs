//! The check of routes that redirect: a redirect must lead out of itself.

use url::Url;

use crate::config::{Config, RouteAnswer, RouteRedirect};
use crate::diagnostics::problem::Problem;
use crate::diagnostics::suggest::did_you_mean;
use crate::uri::resolve;

/// Stands for the carrier's view of the gateway where `server.public_url` is not set.
const UNKNOWN_BASE: &str = "http://gateway.invalid";

/// Reports the redirects that lead nowhere: back to themselves, to a route of the other channel, or
/// to no route.
pub(super) fn check_redirects(config: &Config) -> Vec<Problem> {
    let redirects = config.routes.keys().filter_map(|path| Some((path, redirect(config, path)?)));
    redirects.filter_map(|(path, redirect)| check_redirect(config, path, redirect)).collect()
}

fn check_redirect(config: &Config, path: &str, redirect: &RouteRedirect) -> Option<Problem> {
    let RouteRedirect { url, .. } = redirect;
    let own = own_path(config, path, &url.text)?;
    let error = |message: String| url.source.error(url.span.clone(), message);
    if returns_to(config, path, &own) {
        let message = format!("the redirect of route `{path}` leads back to itself");
        let help = "the carrier would follow it until it gives up, and the caller would hear \
                    nothing; another query does not change what the route answers";
        return Some(error(message).expected("another URL").help(help));
    }
    match config.routes.get(&own) {
        Some(target) => {
            let from = config.routes.get(path)?.channel;
            (target.channel != from).then(|| {
                let (from, to) = (from.name(), target.channel.name());
                error(format!("a {from} webhook is redirected to a {to} route, and gets 404"))
                    .expected(format!("a route with `channel = \"{from}\"`"))
            })
        }
        // A flow test has only some of the routes, and a project has paths of its own.
        None if config.is_partial || config.project.folder.is_some() => None,
        None if config.forwards.keys().any(|path| own.starts_with(path.trim_end_matches('*'))) => {
            None
        }
        None => {
            let message = format!("no route has the path `{own}`");
            let help = did_you_mean(&own, config.routes.keys().map(String::as_str))
                .unwrap_or_else(|| "a URL of another host begins with `https://`".to_owned());
            let problem = url.source.warning(url.span.clone(), message);
            Some(problem.expected("404, unless a proxy serves it").help(help))
        }
    }
}

/// Whether redirects lead from `target` back to `path`, or in a circle.
fn returns_to(config: &Config, path: &str, target: &str) -> bool {
    let mut current = target.to_owned();
    // A chain that is longer than the routes has been somewhere twice.
    for _ in 0..=config.routes.len() {
        if current == path {
            return true;
        }
        let next = redirect(config, &current)
            .and_then(|redirect| own_path(config, &current, &redirect.url.text));
        match next {
            Some(next) => current = next,
            None => return false,
        }
    }
    // It ends in a circle that does not contain `path`; those in it report it.
    false
}

fn redirect<'a>(config: &'a Config, path: &str) -> Option<&'a RouteRedirect> {
    match &config.routes.get(path)?.answer {
        RouteAnswer::Redirect(redirect) => Some(redirect),
        RouteAnswer::Short(_) | RouteAnswer::Flow(_) | RouteAnswer::Document(_) => None,
    }
}

/// The path of this gateway that a URL in a document of the route `path` leads to; `None` if it
/// leads elsewhere.
fn own_path(config: &Config, path: &str, url: &str) -> Option<String> {
    let base = config.server.public_url.as_deref().unwrap_or(UNKNOWN_BASE);
    let target = Url::parse(&resolve(&format!("{base}{path}"), url.trim())).ok()?;
    let base = Url::parse(base).ok()?;
    if target.origin() != base.origin() {
        return None;
    }
    // The prefix of `public_url` is removed by a proxy.
    let below = target.path().strip_prefix(base.path().trim_end_matches('/'))?;
    below.starts_with('/').then(|| below.to_owned())
}
