//! The paths below `/v2/Flows/{flow}`.

use crate::webhook::Params;

/// The resource of a path, below its flow.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RestTarget {
    Executions,
    Execution(String),
    Context(String),
    Steps(String),
    Step(String, String),
    StepContext(String, String),
}

/// Parses a path as the name or sid of a flow, and the resource below it.
pub(super) fn parse(path: &str) -> Option<(String, RestTarget)> {
    let path = path.strip_prefix("/v2/Flows/")?;
    // Split first: `%2F` is part of a name, and not a separator.
    let segments: Option<Vec<String>> = path.split('/').map(decode_segment).collect();
    let segments = segments?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let own = |text: &str| text.to_owned();
    let (flow, target) = match segments[..] {
        [flow, "Executions"] => (flow, RestTarget::Executions),
        [flow, "Executions", sid] => (flow, RestTarget::Execution(own(sid))),
        [flow, "Executions", sid, "Context"] => (flow, RestTarget::Context(own(sid))),
        [flow, "Executions", sid, "Steps"] => (flow, RestTarget::Steps(own(sid))),
        [flow, "Executions", sid, "Steps", step] => (flow, RestTarget::Step(own(sid), own(step))),
        [flow, "Executions", sid, "Steps", step, "Context"] => {
            (flow, RestTarget::StepContext(own(sid), own(step)))
        }
        _ => return None,
    };
    Some((own(flow), target))
}

/// Decodes one segment. `None` if it is empty or not UTF-8.
fn decode_segment(segment: &str) -> Option<String> {
    // Except for these two characters, the value of a form is decoded in the same way.
    let value = segment.replace('+', "%2B").replace('&', "%26");
    let form = Params::decode(format!("s={value}").as_bytes()).ok()?;
    form.get("s").filter(|segment| !segment.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_after_they_are_split() {
        let executions = |path: &str, flow: &str| {
            assert_eq!(parse(path), Some((flow.to_owned(), RestTarget::Executions)), "{path}");
        };
        executions("/v2/Flows/x/Executions", "x");
        executions("/v2/Flows/a%2Fb%20c+d&e=%C3%A4/Executions", "a/b c+d&e=ä");
        let one = RestTarget::Step("FN1".to_owned(), "FT1".to_owned());
        assert_eq!(parse("/v2/Flows/x/Executions/FN1/Steps/FT1"), Some(("x".to_owned(), one)));
        for path in ["/v2/Flows/x", "/v2/Flows//Executions", "/v2/Flows/x/Executions/", "/v1/x"] {
            assert_eq!(parse(path), None, "{path}");
        }
        assert_eq!(parse("/v2/Flows/%FF/Executions"), None);
    }
}
