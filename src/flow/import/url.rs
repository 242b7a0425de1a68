//! The check of the URLs that a flow calls, for placeholders that still need a value.

use super::{FlowImporter, WidgetNode};
use crate::config::PROJECT_SCHEME;
use crate::flow::file::FlowNode;
use crate::uri;

impl FlowImporter<'_> {
    /// Reports a URL that cannot be called after `[[rewrite]]`.
    pub(super) fn check_url(&mut self, state: &WidgetNode<'_>, node: &FlowNode, url: &str) {
        let rewritten = self.context.rewrites.iter().find_map(|rewrite| rewrite.apply(url));
        let target = rewritten.as_deref().unwrap_or(url);
        if let Some(path) = target.strip_prefix(PROJECT_SCHEME) {
            return self.check_project_path(state, node, path);
        }
        let host = callable_host(target);
        let name = &state.name;
        match host {
            None => {
                let shown = if url.is_empty() { "no URL".to_owned() } else { format!("`{url}`") };
                let message = format!("widget `{name}` calls {shown}, which cannot be called");
                let from = if url.is_empty() {
                    String::new()
                } else {
                    format!(
                        "a `[[rewrite]]` with `from = \"{}\"` and `to`, or ",
                        rewrite_prefix(url)
                    )
                };
                let help = format!("add {from}`[function.{name}]` with the `url` of your code");
                self.fail(node, message, "a placeholder", &help);
            }
            // Some internal names have a `_`, so this is only a warning. A
            // rewritten host is the operator's own choice.
            Some(host) if host.contains('_') && rewritten.is_none() => {
                let message = format!("widget `{name}` calls the host `{host}`");
                let help = format!(
                    "names of hosts have no `_`; add a `[[rewrite]]` with `from = \"{}\"`, or \
                     `[function.{name}]`",
                    rewrite_prefix(url)
                );
                self.warn(node, message, "perhaps a placeholder", &help);
            }
            Some(_) => {}
        }
    }
}

impl FlowImporter<'_> {
    /// Reports a path that is not of a function of the project.
    fn check_project_path(&mut self, state: &WidgetNode<'_>, node: &FlowNode, path: &str) {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let is_rendered = path.contains("{{");
        if is_rendered || (self.context.project)(path) {
            return;
        }
        let message = format!(
            "widget `{}` calls `{path}`, which is not a path of a function of the project",
            state.name
        );
        let help = "functions with `.private` in their names have no path";
        self.warn(node, message, "no such function", help);
    }
}

/// Whether a URL can be called. Placeholders such as `<<YOUR URL>>` and `${url}` cannot.
pub(crate) fn is_callable(url: &str) -> bool {
    callable_host(url).is_some()
}

/// The host of a URL that can be called.
fn callable_host(url: &str) -> Option<String> {
    let plain =
        url.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>${}[]\"\\^`|".contains(&byte));
    let literal = url.contains("://[");
    // An IPv6 address is the one place where a URL may have brackets.
    if !plain && !literal {
        return None;
    }
    uri::host(url)
}

/// The part of a URL for `from` in a `[[rewrite]]`: scheme and host.
fn rewrite_prefix(url: &str) -> &str {
    let Some(at) = url.find("://") else { return url.split('/').next().unwrap_or(url) };
    let host = &url[at + 3..];
    &url[..at + 3 + host.find('/').unwrap_or(host.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_not_callable() {
        for url in ["", "<<YOUR URL>>", "${url}/a", "https://${DOMAIN}/a", "ftp://a/b", "/a", "a b"]
        {
            assert!(!is_callable(url), "{url}");
        }
        for url in ["https://a.example/b?c=%20", "http://127.0.0.1:9/", "http://[::1]:9/a"] {
            assert!(is_callable(url), "{url}");
        }
    }
}
