//! The answers of a flow test in the place of the network.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::file::TestCase;
use super::mocks::{API, FunctionMock, MockAnswer, MockFailure, named};
use super::target::LoadedTarget;
use crate::carrier_api;
use crate::config::Account;
use crate::function::{Asking, Played, Problem, StandIn};

/// Whoever has to answer, in one case.
pub struct Stand {
    given: Vec<FunctionMock>,
    accounts: Vec<Arc<Account>>,
    /// How many answers each of them has given.
    played: RefCell<HashMap<String, usize>>,
    /// Whom nobody has given an answer: the function or the widget.
    pub(super) ungiven: RefCell<Vec<String>>,
}

/// Longer than anybody waits for an answer.
const NEVER: Duration = Duration::from_secs(3_600);

impl Stand {
    /// The answers of a case.
    pub fn new(case: &TestCase, subject: &LoadedTarget) -> Stand {
        let (given, accounts) = (case.given.clone(), subject.accounts().to_vec());
        Stand { given, accounts, played: RefCell::default(), ungiven: RefCell::default() }
    }

    /// Whoever is meant: the longest beginning of the URL, else the widget, else the function.
    fn given(&self, asking: &Asking<'_>, carrier: bool) -> Option<&FunctionMock> {
        let part = |word: &str| {
            let path = asking.url.split('?').next().unwrap_or_default();
            path.split('/').any(|part| part == word || part.strip_suffix(".json") == Some(word))
        };
        let rank = |given: &FunctionMock| match given.name.strip_prefix(API) {
            Some(word) => usize::from(carrier && part(word)),
            None if given.name.contains("://") => match begins(&asking.url, &given.name) {
                true => 2 + given.name.len(),
                false => 0,
            },
            None if given.name == asking.widget => 2,
            None => usize::from(given.name == asking.name),
        };
        self.given.iter().filter(|given| rank(given) > 0).max_by_key(|given| rank(given))
    }
}

impl StandIn for Stand {
    fn answer(&self, asking: &Asking<'_>) -> Option<Played> {
        let url = asking.url.parse().ok();
        let carrier = url.is_some_and(|url| {
            self.accounts.iter().any(|account| carrier_api::is_carrier(account, &url))
        });
        let Some(given) = self.given(asking, carrier) else {
            // What is no function of a flow has somebody else to answer for it.
            if carrier || asking.widget.is_empty() {
                return None;
            }
            let name = named(asking.name, asking.widget);
            let mut ungiven = self.ungiven.borrow_mut();
            if !ungiven.iter().any(|known| known == name) {
                ungiven.push(name.to_owned());
            }
            return Some(Played {
                delay: Duration::ZERO,
                answer: Err(problem(MockFailure::Refused)),
            });
        };
        let mut played = self.played.borrow_mut();
        let turn = played.entry(given.name.clone()).or_default();
        let answer = given.answers.get(*turn).or(given.answers.last())?;
        *turn += 1;
        Some(self::played(answer))
    }
}

/// Whether a URL begins with another, up to the end of a part.
fn begins(url: &str, beginning: &str) -> bool {
    url.strip_prefix(beginning).is_some_and(|rest| {
        rest.is_empty() || rest.starts_with(['/', '?', '#']) || beginning.ends_with('/')
    })
}

fn played(answer: &MockAnswer) -> Played {
    let delay = if answer.what == Err(MockFailure::Timeout) { NEVER } else { answer.delay };
    Played { delay, answer: answer.what.clone().map_err(problem) }
}

/// What the network does, as the gateway would see it.
fn problem(fail: MockFailure) -> Problem {
    let reason = "as the flow test says".to_owned();
    let host = "the function".to_owned();
    match fail {
        MockFailure::Refused => Problem::Connect { address: host, reason },
        MockFailure::Timeout | MockFailure::Closed => Problem::Closed { reason },
        MockFailure::Truncated => Problem::Truncated { received: 0, expected: "more".to_owned() },
        MockFailure::Dns => Problem::Resolve { host, reason },
        MockFailure::Tls => Problem::Tls { host, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::PlayedAnswer;
    use crate::webhook::Params;

    fn given(name: &str, bodies: &[&str]) -> FunctionMock {
        let answer = |body: &&str| MockAnswer {
            delay: Duration::ZERO,
            what: Ok(PlayedAnswer {
                status: 200,
                content_type: None,
                body: (*body).to_owned().into(),
            }),
        };
        let answers = bodies.iter().map(answer).collect();
        FunctionMock { name: name.to_owned(), span: 0..0, answers }
    }

    #[test]
    fn the_closest_name_answers_in_turn() {
        let stand = Stand {
            given: vec![
                given("https://a.example", &["host"]),
                given("https://a.example/b", &["url"]),
                given("look", &["one", "two"]),
                given("find", &["function"]),
            ],
            accounts: Vec::new(),
            played: RefCell::default(),
            ungiven: RefCell::default(),
        };
        let ask = |name: &str, widget: &str, url: &str| {
            let nothing = Params::default();
            let url = url.to_owned();
            let asking = Asking { name, widget, url, method: "POST", parameters: &nothing };
            let answer = stand.answer(&asking)?.answer;
            Some(answer.map_or_else(|error| error.kind().into(), |answer| answer.body))
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
        assert_eq!(*stand.ungiven.borrow(), ["gone"]);
    }
}
