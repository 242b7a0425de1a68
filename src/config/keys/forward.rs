//! The keys of an application behind a prefix.

use super::KeyKind::{Integer, List, Path, Text};
use super::{SectionSpec, key, required};

/// Endings of the media that documents name. A carrier fetches them without a signature.
const MEDIA: &str = r#"[
    "*.mp3", "*.wav", "*.ogg", "*.jpg", "*.jpeg", "*.png", "*.gif", "*.mp4", "*.pdf", "*.vcf"
]"#;

pub(super) const PREFIX: SectionSpec = SectionSpec {
    name: "route.PREFIX*",
    repeated: false,
    doc: "an application behind a prefix, `/app/*` or `/*`; see docs/applications.md",
    keys: &[
        required(
            "forward",
            Text,
            "http:// or https://; its path stands in the place of the prefix",
        ),
        key(
            "open",
            List,
            MEDIA,
            "paths of the application that need no signature: `/token`, `/static/*`, and by GET \
             and HEAD `*.mp3`; the list replaces the default",
        ),
        key(
            "timeout_ms",
            Integer(10, 13_000),
            "10000",
            "milliseconds for a whole response; over it, the fallback is sent",
        ),
        key(
            "voice_fallback",
            Path,
            r#""""#,
            "document for a call when the application fails; empty: the built-in one",
        ),
        key(
            "message_fallback",
            Path,
            r#""""#,
            "document for a message when it fails; empty: the built-in one",
        ),
    ],
};
