//! An application behind a prefix: what it gets, what the carrier gets, and what bad applications
//! and forged requests cannot do.

mod answers;
mod open_paths;
mod paths;
mod requests;

use twimlgate::config::HmacAlgorithm;
use twimlgate::secret::Secret;
use twimlgate::verify::{SigningKey, sign_form};

use crate::phone::app::{App, Got};
use crate::support::rig::{Reply, Rig, TOKEN};

pub(crate) const CALL: [(&str, &str); 4] =
    [("CallSid", "CA1"), ("From", "+15550100"), ("To", "+15550111"), ("CallStatus", "ringing")];

pub(crate) const MESSAGE: [(&str, &str); 4] =
    [("MessageSid", "SM1"), ("From", "+15550100"), ("To", "+15550111"), ("Body", "hi")];

/// A gateway with an application behind `prefix`, at `path` of the server.
fn start(app: &App, prefix: &str, path: &str, keys: &str) -> Rig {
    let forward = app.url(path);
    let section = format!("[route.\"{prefix}\"]\nforward = \"{forward}\"\n{keys}\n");
    Rig::start(([127, 0, 0, 1], 9).into(), &section)
}

/// The first turn of a call with this sid.
async fn call(rig: &Rig, target: &str, sid: &str) -> Reply {
    rig.post(target, &[("CallSid", sid), ("CallStatus", "ringing"), ("From", "+15550100")]).await
}

/// An unsigned request.
async fn unsigned(rig: &Rig, method: &str, target: &str, fields: &str) -> Reply {
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {}\r\n{fields}Connection: close\r\n\r\n",
        rig.server.address
    );
    rig.send(request.into_bytes()).await
}

fn field<'a>(got: &'a Got, name: &str) -> Option<&'a str> {
    let values: Vec<&str> = fields(got, name);
    assert!(values.len() <= 1, "{name} came more than once:\n{}", got.head);
    values.first().copied()
}

fn fields<'a>(got: &'a Got, name: &str) -> Vec<&'a str> {
    let value = |line: &'a str| {
        let (known, value) = line.split_once(": ")?;
        known.eq_ignore_ascii_case(name).then_some(value)
    };
    got.head.lines().filter_map(value).collect()
}

fn key() -> SigningKey {
    SigningKey::new(&Secret::new(TOKEN.to_owned()), HmacAlgorithm::Sha1)
}

/// The signature of a form over the URL that an application computes from its request, as the
/// middleware of Twilio's packages does.
fn expected_signature(got: &Got) -> String {
    let scheme = field(got, "x-forwarded-proto").unwrap();
    let url = format!("{scheme}://{}{}", field(got, "host").unwrap(), got.target);
    sign_form(&key(), &url, got.params.iter())
}
