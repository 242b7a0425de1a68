//! A script, followed on a phone: whatever is at the other end.

use super::check::check;
use super::events::{Happened, Walk};
use super::failure::{Failure, Moment};
use super::file::Case;
use super::step::{Expect, Step, What};
use crate::diagnostics::problem::Source;
use crate::tools::phone::{Heard, Phone};

/// What came of it.
#[derive(Debug, Default)]
pub struct Followed {
    /// What was not as the script says, in the order of the script.
    pub failures: Vec<Failure>,
    /// All that was heard.
    pub heard: Vec<Heard>,
}

/// Follows the script of a case to its end, or up to an act that cannot be done.
pub async fn follow(phone: &mut Phone, source: &Source, case: &Case) -> Followed {
    let mut followed = Followed::default();
    let mut walk = Walk::default();
    let mut heard = phone.begin().await;
    let mut act: Option<&Step> = None;
    let mut steps = case.steps.as_slice();
    loop {
        let expectations = steps.iter().take_while(|step| matches!(step.what, What::Expect(_)));
        let (expected, rest) = steps.split_at(expectations.count());
        let before = walk.entered.len();
        let happened = Happened::new(&heard, &mut walk);
        followed.heard.append(&mut heard);
        let failures = judged(source, case, (act, expected), &happened, (&mut walk, before));
        followed.failures.extend(failures);
        let Some((next, rest)) = rest.split_first() else { break };
        let What::Do(doing) = &next.what else { break };
        match phone.act(doing).await {
            Ok(more) => heard = more,
            Err(error) => {
                let problem = source.error(next.span.clone(), error.to_string());
                let moment = Moment { source, act, happened: &happened, walk: &walk, before };
                followed.failures.push(Failure::not_now(problem, &moment));
                break;
            }
        }
        (act, steps) = (Some(next), rest);
    }
    followed
}

/// What of the expectations after an act is not so.
fn judged(
    source: &Source,
    case: &Case,
    (act, steps): (Option<&Step>, &[Step]),
    happened: &Happened,
    (walk, before): (&mut Walk, usize),
) -> Vec<Failure> {
    let expected: Vec<&Expect> = steps.iter().filter_map(Step::expectation).collect();
    let (misses, unexpected) = check(&expected, happened, walk);
    let moment = Moment { source, act, happened, walk, before };
    let span = act.map_or_else(|| case.span.clone(), |act| act.span.clone());
    let mut failures: Vec<Failure> =
        unexpected.iter().map(|what| Failure::unexpected(what, span.clone(), &moment)).collect();
    let missed = steps.iter().zip(misses);
    failures.extend(
        missed.filter_map(|(step, miss)| miss.map(|miss| Failure::missed(step, miss, &moment))),
    );
    // What happened is told once for each act.
    failures.iter_mut().skip(1).for_each(|failure| failure.notes.clear());
    failures
}
