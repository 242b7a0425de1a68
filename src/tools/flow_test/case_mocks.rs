//! The mocks of a flow test: what `given` says, in the place of the network.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::file::TestCase;
use super::mocks::{API, FunctionMock, MockAnswer, MockFailure, mock_name};
use super::target::LoadedTarget;
use crate::carrier_api;
use crate::config::Account;
use crate::function::{MockResponse, MockTransport, OutgoingRequest, TransportError};

/// The mocks of one case.
pub struct CaseMocks {
    given: Vec<FunctionMock>,
    accounts: Vec<Arc<Account>>,
    /// How many responses each of them has given.
    used: RefCell<HashMap<String, usize>>,
    /// The functions and widgets that were called and have no mock.
    pub(super) missing: RefCell<Vec<String>>,
}

/// Longer than any call waits for a response.
const NEVER: Duration = Duration::from_secs(3_600);

impl CaseMocks {
    /// The mocks of a case.
    pub fn new(case: &TestCase, target: &LoadedTarget) -> CaseMocks {
        let (given, accounts) = (case.mocks.clone(), target.accounts().to_vec());
        CaseMocks { given, accounts, used: RefCell::default(), missing: RefCell::default() }
    }

    /// The mock of a request: that with the longest beginning of the URL, else the widget's, else
    /// the function's.
    fn find(&self, request: &OutgoingRequest<'_>, is_carrier: bool) -> Option<&FunctionMock> {
        let has_segment = |word: &str| {
            let path = request.url.split('?').next().unwrap_or_default();
            path.split('/').any(|part| part == word || part.strip_suffix(".json") == Some(word))
        };
        let rank = |given: &FunctionMock| match given.name.strip_prefix(API) {
            Some(word) => usize::from(is_carrier && has_segment(word)),
            None if given.name.contains("://") => {
                if begins_with(&request.url, &given.name) {
                    2 + given.name.len()
                } else {
                    0
                }
            }
            None if given.name == request.widget => 2,
            None => usize::from(given.name == request.name),
        };
        self.given.iter().filter(|given| rank(given) > 0).max_by_key(|given| rank(given))
    }
}

impl MockTransport for CaseMocks {
    fn respond(&self, request: &OutgoingRequest<'_>) -> Option<MockResponse> {
        let mut accounts = self.accounts.iter();
        let is_carrier = accounts.any(|account| carrier_api::is_carrier_url(account, &request.url));
        let Some(given) = self.find(request, is_carrier) else {
            // The carrier's API and applications elsewhere have a default of their own.
            if is_carrier || request.widget.is_empty() {
                return None;
            }
            let name = mock_name(request.name, request.widget);
            let mut missing = self.missing.borrow_mut();
            if !missing.iter().any(|known| known == name) {
                missing.push(name.to_owned());
            }
            let result = Err(transport_error(MockFailure::Refused));
            return Some(MockResponse { delay: Duration::ZERO, result });
        };
        let mut used = self.used.borrow_mut();
        let count = used.entry(given.name.clone()).or_default();
        // The last response is given again and again.
        let answer = given.answers.get(*count).or(given.answers.last())?;
        *count += 1;
        Some(mock_response(answer))
    }
}

/// Whether a URL begins with another, up to the end of a segment.
fn begins_with(url: &str, beginning: &str) -> bool {
    url.strip_prefix(beginning).is_some_and(|rest| {
        rest.is_empty() || rest.starts_with(['/', '?', '#']) || beginning.ends_with('/')
    })
}

fn mock_response(answer: &MockAnswer) -> MockResponse {
    let delay = if answer.result == Err(MockFailure::Timeout) { NEVER } else { answer.delay };
    MockResponse { delay, result: answer.result.clone().map_err(transport_error) }
}

/// The error of the network that a test asks for.
fn transport_error(fail: MockFailure) -> TransportError {
    let reason = "as the flow test says".to_owned();
    let host = "the function".to_owned();
    match fail {
        MockFailure::Refused => {
            let kind = std::io::ErrorKind::ConnectionRefused;
            TransportError::Connect { address: host, kind, reason }
        }
        // A timeout's delay is longer than any deadline, so its error is never seen.
        MockFailure::Timeout | MockFailure::Closed => TransportError::Closed { reason },
        MockFailure::Truncated => {
            TransportError::Truncated { received: 0, expected: "more".to_owned() }
        }
        MockFailure::Dns => TransportError::Resolve { host, reason },
        MockFailure::Tls => TransportError::Tls { host, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::FunctionResponse;
    use crate::webhook::Params;

    fn given(name: &str, bodies: &[&str]) -> FunctionMock {
        let answer = |body: &&str| MockAnswer {
            delay: Duration::ZERO,
            result: Ok(FunctionResponse {
                status_code: 200,
                content_type: None,
                body: (*body).to_owned().into(),
            }),
        };
        let answers = bodies.iter().map(answer).collect();
        FunctionMock { name: name.to_owned(), span: 0..0, answers }
    }

    #[test]
    fn the_closest_name_responds_in_turn() {
        let mocks = CaseMocks {
            given: vec![
                given("https://a.example", &["host"]),
                given("https://a.example/b", &["url"]),
                given("look", &["one", "two"]),
                given("find", &["function"]),
            ],
            accounts: Vec::new(),
            used: RefCell::default(),
            missing: RefCell::default(),
        };
        let ask = |name: &str, widget: &str, url: &str| {
            let nothing = Params::default();
            let url = url.to_owned();
            let request =
                OutgoingRequest { name, widget, url, method: "POST", parameters: &nothing };
            let result = mocks.respond(&request)?.result;
            Some(result.map_or_else(|error| error.kind().into(), |response| response.body))
        };
        for (name, widget, url, answer) in [
            ("https://a.example", "look", "https://a.example/b/c?d", "url"),
            ("https://a.example", "look", "https://a.example/bc", "host"),
            ("https://b.example", "look", "https://b.example/", "one"),
            ("find", "look", "http://127.0.0.1:9/", "two"),
            ("find", "look", "http://127.0.0.1:9/", "two"),
            ("find", "other", "http://127.0.0.1:9/", "function"),
            ("https://b.example", "gone", "https://b.example/", "connect"),
        ] {
            assert_eq!(ask(name, widget, url).unwrap(), answer, "{name} {widget} {url}");
        }
        assert_eq!(ask("the application", "", "https://b.example/"), None);
        assert_eq!(*mocks.missing.borrow(), ["gone"]);
    }
}
