//! The check of the URLs that a flow calls, for placeholders that still need a value.

use super::references::has_placeholder;
use super::{FlowImporter, WidgetNode};
use crate::config::{PROJECT_SCHEME, quote_name, quote_text};
use crate::flow::file::FlowNode;
use crate::flow::properties::ReplacedUrl;
use crate::liquid::{OutputFormat, Template};
use crate::uri;

impl FlowImporter<'_> {
    /// Reads the URL of a widget whose function is called instead. It has no errors: it may be a
    /// placeholder, or Liquid that does not compile.
    pub(super) fn read_replaced_url(&self, url: &str) -> ReplacedUrl {
        let template = self.context.liquid.compile(&self.source.name, url, OutputFormat::Plain);
        let constant = template.as_ref().ok().and_then(Template::constant_text);
        let is_callable = match constant {
            Some(url) => is_callable(self.rewrite(url).as_deref().unwrap_or(url)),
            None => template.is_ok() && !has_placeholder(url),
        };
        // A URL from Liquid as a whole may have a query too.
        let query = url.split_once('?').map_or(url, |(_, query)| query);
        let may_have_more = constant.is_none() || url.contains(['?', '@']);
        let is_sent = !url.is_empty() && may_have_more && !has_placeholder(query);
        let parameters = template.ok().filter(|_| is_sent);
        ReplacedUrl { text: url.to_owned(), is_callable, parameters }
    }

    /// Reports a URL that cannot be called after `[[rewrite]]`.
    pub(super) fn check_url(&mut self, state: &WidgetNode<'_>, node: &FlowNode, url: &str) {
        let rewritten = self.rewrite(url);
        let target = rewritten.as_deref().unwrap_or(url);
        if let Some(path) = target.strip_prefix(PROJECT_SCHEME) {
            return self.check_project_path(state, node, path);
        }
        let host = callable_host(target);
        let (name, function) = (&state.name, quote_name(&state.name));
        match host {
            None if rewritten.is_some() => {
                let message = format!(
                    "widget `{name}` calls `{url}`, and its replacement by `[[rewrite]]` cannot be \
                     called"
                );
                self.fail(node, message, "a URL", "`to` begins with `http://` or `https://`");
            }
            None => {
                let shown = if url.is_empty() { "no URL".to_owned() } else { format!("`{url}`") };
                let message = format!("widget `{name}` calls {shown}, which cannot be called");
                let from = if url.is_empty() {
                    String::new()
                } else {
                    format!("a `[[rewrite]]` with `from = {}` and `to`, or ", quoted_prefix(url))
                };
                let help = format!("add {from}`[function.{function}]` with the `url` of your code");
                self.fail(node, message, "a placeholder", &help);
            }
            // Some internal names have a `_`, so this is only a warning. A
            // rewritten host is the operator's own choice.
            Some(host) if host.contains('_') && rewritten.is_none() => {
                let message = format!("widget `{name}` calls the host `{host}`");
                let help = format!(
                    "names of hosts have no `_`; add a `[[rewrite]]` with `from = {}`, or \
                     `[function.{function}]`",
                    quoted_prefix(url)
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

/// The host of a URL that can be called. After the host, whatever a URL must not contain is escaped
/// when it is sent, except for what marks a placeholder.
pub(super) fn callable_host(url: &str) -> Option<String> {
    let (_, authority, target) = uri::parts(url);
    let plain =
        authority.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>${}[]\"\\^`|".contains(&byte));
    // An IPv6 address is the one place where a host may have brackets.
    let literal = authority.starts_with('[');
    let is_placeholder = target.contains(['<', '>', '{', '}']);
    if is_placeholder || !(plain || literal) {
        return None;
    }
    uri::host(url)
}

/// Scheme and host of a URL, as written. Of a text without a scheme, what comes before its path.
pub(crate) fn scheme_and_host(url: &str) -> &str {
    let begin = url.find("://").map_or(0, |at| at + 3);
    let host = &url[begin..];
    &url[..begin + host.find(['/', '?', '#']).unwrap_or(host.len())]
}

/// The value of `from` in the `[[rewrite]]` for a URL, as the configuration has it.
pub(super) fn quoted_prefix(url: &str) -> String {
    quote_text(scheme_and_host(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_not_callable() {
        for url in [
            "",
            "<<YOUR URL>>",
            "${url}/a",
            "https://${DOMAIN}/a",
            "https://YOUR DOMAIN/a",
            "https://a.example/${path}",
            "https://a.example/<path>",
            "ftp://a/b",
            "/a",
            "a b",
        ] {
            assert!(!is_callable(url), "{url}");
        }
        for url in [
            "https://a.example/b?c=%20",
            "http://127.0.0.1:9/",
            "http://[::1]:9/a",
            "https://a.example/v1?filter[name]=a|b&$top=1",
            "https://a.example/open invoices?größe=ß",
        ] {
            assert!(is_callable(url), "{url}");
        }
    }
}
