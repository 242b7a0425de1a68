//! A script, followed on a phone: whatever is at the other end.

use super::check::check;
use super::events::{TurnEvents, WidgetPath};
use super::failure::{FailureContext, TestFailure};
use super::file::TestCase;
use super::step::{Expectation, ScriptStep, StepKind};
use crate::diagnostics::problem::Source;
use crate::tools::phone::{Phone, PhoneEvent};

/// What came of it.
#[derive(Debug, Default)]
pub struct ScriptOutcome {
    /// What was not as the script says, in the order of the script.
    pub failures: Vec<TestFailure>,
    /// All that was heard.
    pub heard: Vec<PhoneEvent>,
}

/// Follows the script of a case to its end, or up to an act that cannot be done.
pub async fn follow(phone: &mut Phone, source: &Source, case: &TestCase) -> ScriptOutcome {
    let mut followed = ScriptOutcome::default();
    let mut walk = WidgetPath::default();
    let mut heard = phone.begin().await;
    let mut act: Option<&ScriptStep> = None;
    let mut steps = case.steps.as_slice();
    loop {
        let expectations = steps.iter().take_while(|step| matches!(step.what, StepKind::Expect(_)));
        let (expected, rest) = steps.split_at(expectations.count());
        let before = walk.entered.len();
        let happened = TurnEvents::new(&heard, &mut walk);
        followed.heard.append(&mut heard);
        let failures = judged(source, case, (act, expected), &happened, (&mut walk, before));
        followed.failures.extend(failures);
        let Some((next, rest)) = rest.split_first() else { break };
        let StepKind::Act(doing) = &next.what else { break };
        match phone.act(doing).await {
            Ok(more) => heard = more,
            Err(error) => {
                let problem = source.error(next.span.clone(), error.to_string());
                let moment =
                    FailureContext { source, act, happened: &happened, walk: &walk, before };
                followed.failures.push(TestFailure::not_now(problem, &moment));
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
    case: &TestCase,
    (act, steps): (Option<&ScriptStep>, &[ScriptStep]),
    happened: &TurnEvents,
    (walk, before): (&mut WidgetPath, usize),
) -> Vec<TestFailure> {
    let expected: Vec<&Expectation> = steps.iter().filter_map(ScriptStep::expectation).collect();
    let (misses, unexpected) = check(&expected, happened, walk);
    let moment = FailureContext { source, act, happened, walk, before };
    let span = act.map_or_else(|| case.span.clone(), |act| act.span.clone());
    let mut failures: Vec<TestFailure> = unexpected
        .iter()
        .map(|what| TestFailure::unexpected(what, span.clone(), &moment))
        .collect();
    let missed = steps.iter().zip(misses);
    failures.extend(
        missed.filter_map(|(step, miss)| miss.map(|miss| TestFailure::missed(step, miss, &moment))),
    );
    // What happened is told once for each act.
    failures.iter_mut().skip(1).for_each(|failure| failure.notes.clear());
    failures
}
