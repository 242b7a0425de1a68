//! `[[rewrite]]`: replaces URLs in imported flows.

/// The beginning of a URL that means a function of the project under `[functions]`, by its path.
pub(crate) const PROJECT_SCHEME: &str = "functions:";

/// A rule that replaces the beginning of URLs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlRewrite {
    /// The beginning of a URL in the flow.
    pub from: String,
    /// Its replacement.
    pub to: String,
}

impl UrlRewrite {
    /// The replacement of `url`. `None` if the rule does not fit.
    pub(crate) fn apply(&self, url: &str) -> Option<String> {
        let rest = url.strip_prefix(&self.from)?;
        // Only at the end of a host or of a part of the path: `https://a.example` is not the
        // beginning of `https://a.example.org`.
        let whole =
            rest.is_empty() || rest.starts_with(['/', '?', '#']) || self.from.ends_with('/');
        // One slash between the two parts, even if both of them have one.
        whole.then(|| match (self.to.ends_with('/'), rest.strip_prefix('/')) {
            (true, Some(rest)) => format!("{}{rest}", self.to),
            _ => format!("{}{rest}", self.to),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rewrites_whole_parts() {
        let rewrite =
            UrlRewrite { from: "https://x.twil.io".into(), to: "http://127.0.0.1:9".into() };
        let applied = |url| rewrite.apply(url);
        assert_eq!(applied("https://x.twil.io/a?b").as_deref(), Some("http://127.0.0.1:9/a?b"));
        assert_eq!(applied("https://x.twil.io").as_deref(), Some("http://127.0.0.1:9"));
        assert_eq!(applied("https://x.twil.io.evil.example/a"), None);
        let rewrite = UrlRewrite { from: "https://a/".into(), to: "http://b/".into() };
        assert_eq!(rewrite.apply("https://a/c").as_deref(), Some("http://b/c"));
    }
}
