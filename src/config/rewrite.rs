//! `[[rewrite]]`: replaces URLs, sids and names in imported flows.

/// The beginning of a URL that means a function of the project under `[functions]`, by its path.
pub(crate) const PROJECT_SCHEME: &str = "functions:";

/// A rule that replaces the beginning of URLs, and whole sids and names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlRewrite {
    /// The beginning of a URL in the flow, or a sid or name.
    pub from: String,
    /// Its replacement.
    pub to: String,
}

impl UrlRewrite {
    /// The replacement of a URL, a sid or a name. `None` if the rule does not fit.
    pub(crate) fn apply(&self, url: &str) -> Option<String> {
        let rest = url.strip_prefix(&self.from)?;
        // Only at the end of a host or of a part of the path: `https://a.example` is not the
        // beginning of `https://a.example.org`.
        let whole =
            rest.is_empty() || rest.starts_with(['/', '?', '#']) || self.from.ends_with('/');
        // One slash between the two parts, whether both of them have one, or neither.
        whole.then(|| match (self.to.ends_with('/'), rest.strip_prefix('/')) {
            (true, Some(rest)) => format!("{}{rest}", self.to),
            (false, None) if self.from.ends_with('/') && !rest.is_empty() => {
                format!("{}/{rest}", self.to)
            }
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
        let rewrite = UrlRewrite { from: "https://a/".into(), to: "http://b".into() };
        assert_eq!(rewrite.apply("https://a/c").as_deref(), Some("http://b/c"));
        assert_eq!(rewrite.apply("https://a/").as_deref(), Some("http://b"));
        let sid = UrlRewrite { from: "WW1".into(), to: "WW2".into() };
        assert_eq!(sid.apply("WW1").as_deref(), Some("WW2"));
        assert_eq!(sid.apply("WW12"), None);
    }
}
