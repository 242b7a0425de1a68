//! What differs between a request that arrived and the one that the file describes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::expectation::{Expected, ExpectedContent, ExpectedRequest, TOKEN};
use super::network::Arrival;

type Pairs = Vec<(String, String)>;

/// The first difference, in one sentence. `origin` is that of the server, as it is signed.
pub(crate) fn difference(expected: &Expected, arrived: &[Arrival], origin: &str) -> Option<String> {
    let request = match (expected, arrived) {
        (Expected::Elsewhere(_), _) | (Expected::Nothing(_), []) => return None,
        (Expected::Nothing(why), [arrival, ..]) => {
            return Some(format!("`{}` is sent, although {why}", arrival.request.line()));
        }
        (Expected::Request(_), []) => return Some("nothing is sent".to_owned()),
        (Expected::Request(request), _) => request,
    };
    if arrived.len() > 1 {
        return Some(format!("{} requests are sent for one call", arrived.len()));
    }
    let arrival = &arrived[0];
    let mut line = arrival.request.line().split(' ');
    let (method, target) = (line.next().unwrap_or_default(), line.next().unwrap_or_default());
    if request.at_carrier != arrival.at_carrier {
        let at = |carrier| if carrier { "the carrier's host" } else { "another host" };
        let (found, wanted) = (at(arrival.at_carrier), at(request.at_carrier));
        return Some(format!("`{target}` is sent to {found}, and its URL is that of {wanted}"));
    }
    if method != request.method {
        return Some(format!("the method is `{method}` instead of `{}`", request.method));
    }
    compare_target(request, arrival, target)
        .or_else(|| compare_content(request, arrival))
        .or_else(|| compare_headers(request, arrival, target, origin))
}

fn compare_target(request: &ExpectedRequest, arrival: &Arrival, target: &str) -> Option<String> {
    let wanted = &request.target;
    let Some(rest) = target.strip_prefix(wanted.as_str()) else {
        return Some(format!("the URL is `{target}` instead of `{wanted}`"));
    };
    let has_query = wanted.contains('?');
    if !rest.is_empty() && !rest.starts_with(if has_query { '&' } else { '?' }) {
        return Some(format!("the URL is `{target}` instead of `{wanted}`"));
    }
    let added = decode(rest.get(1..).unwrap_or_default().as_bytes());
    match &request.content {
        ExpectedContent::Query(pairs) => compare_pairs(pairs, &added, "parameter"),
        ExpectedContent::Form(_) => compare_pairs(&Vec::new(), &added, "query parameter"),
        ExpectedContent::Body { .. } => {
            // As the carrier does it, the hash of a body that is not a form is signed.
            let digest = Sha256::digest(&arrival.request.body);
            let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            let hash = vec![("bodySHA256".to_owned(), digest)];
            compare_pairs(&hash, &added, "query parameter")
        }
    }
}

fn compare_content(request: &ExpectedRequest, arrival: &Arrival) -> Option<String> {
    let sent = arrival.request.text();
    let content_type = arrival.request.header("content-type").unwrap_or_default();
    match &request.content {
        ExpectedContent::Query(_) => {
            (!sent.is_empty()).then(|| format!("a GET has the body `{sent}`"))
        }
        ExpectedContent::Form(pairs) => {
            let kind = content_type.split(';').next().unwrap_or_default();
            if kind != "application/x-www-form-urlencoded" {
                return Some(format!("the content type is `{content_type}` instead of a form's"));
            }
            compare_pairs(pairs, &decode(&arrival.request.body), "parameter")
        }
        ExpectedContent::Body { content_type: wanted, .. } if content_type != wanted.trim() => {
            Some(format!("the content type is `{content_type}` instead of `{wanted}`"))
        }
        ExpectedContent::Body { text, .. } => {
            (sent != text).then(|| format!("the body is `{sent}` instead of `{text}`"))
        }
    }
}

fn compare_headers(
    request: &ExpectedRequest,
    arrival: &Arrival,
    target: &str,
    origin: &str,
) -> Option<String> {
    let header = |name: &str| arrival.request.header(name);
    let authorization = header("authorization");
    if authorization != request.authorization.as_deref() {
        let shown = |it: Option<&str>| it.map_or("missing".to_owned(), |it| format!("`{it}`"));
        let (found, wanted) = (shown(authorization), shown(request.authorization.as_deref()));
        return Some(format!("the header `Authorization` is {found} instead of {wanted}"));
    }
    let form = match &request.content {
        ExpectedContent::Form(_) => decode(&arrival.request.body),
        ExpectedContent::Query(_) | ExpectedContent::Body { .. } => Vec::new(),
    };
    let wanted = request.is_signed.then(|| sign(&format!("{origin}{target}"), form));
    match (header("x-twilio-signature"), wanted) {
        (None, Some(_)) => Some("the header `X-Twilio-Signature` is missing".to_owned()),
        (Some(_), None) => Some("it is signed, and the carrier's API takes no signature".into()),
        (Some(found), Some(wanted)) if found != wanted => {
            Some("the header `X-Twilio-Signature` does not fit the URL and the form".to_owned())
        }
        _ if header("idempotency-key").is_none_or(str::is_empty) => {
            Some("the header `Idempotency-Key` is missing".to_owned())
        }
        _ => None,
    }
}

/// The first difference between what a document says and what the file says.
pub(crate) fn difference_of_document(wanted: &Pairs, found: &Pairs) -> Option<String> {
    compare_pairs(wanted, found, "value of")
}

fn compare_pairs(wanted: &Pairs, found: &Pairs, what: &str) -> Option<String> {
    for (index, (name, value)) in wanted.iter().enumerate() {
        match found.get(index) {
            Some((other, _)) if other == name && found[index].1 == *value => {}
            Some((other, found)) if other == name => {
                return Some(format!("the {what} `{name}` is `{found}` instead of `{value}`"));
            }
            _ if found.iter().any(|(other, _)| other == name) => {
                return Some(format!("the {what} `{name}` is at another place than in the file"));
            }
            _ => return Some(format!("the {what} `{name}` is missing, which is `{value}`")),
        }
    }
    let (name, value) = found.get(wanted.len())?;
    Some(format!("the {what} `{name}` (`{value}`) is sent, and the file has none"))
}

fn decode(form: &[u8]) -> Pairs {
    url::form_urlencoded::parse(form).map(|(name, value)| (name.into(), value.into())).collect()
}

/// Twilio's documentation of signatures: the URL, then the parameters of a form in the order of
/// their names, each with its value; HMAC-SHA1 with the token, in Base64.
fn sign(url: &str, mut form: Pairs) -> String {
    form.sort();
    form.dedup();
    let mut mac = Hmac::<Sha1>::new_from_slice(TOKEN.as_bytes()).unwrap();
    mac.update(url.as_bytes());
    for (name, value) in form {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}
