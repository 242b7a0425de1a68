//! The comparison of expectations with events. Expectations of one kind match in order; events
//! without an expectation may occur between them.

use std::cmp::Reverse;

use super::diff::{diff_lines, diff_lines_by, word_overlap};
use super::events::{TestEvent, TurnEvents, WidgetPath};
use super::mismatch::{ExpectedLine, Mismatch};
use super::pattern::{TextPattern, document_matches, format_document};
use super::step::Expectation;
use crate::tools::phone::CallEnd;

/// The result of a check.
#[derive(Debug)]
pub(super) struct CheckResult {
    /// For each expectation, its mismatch if it has one.
    pub(super) mismatches: Vec<Option<Mismatch>>,
    /// The errors and fallbacks without an expectation.
    pub(super) unexpected: Vec<String>,
}

/// Checks all expectations between two actions.
pub(super) fn check(
    expected: &[&Expectation],
    events: &TurnEvents,
    path: &mut WidgetPath,
) -> CheckResult {
    let mut mismatches: Vec<Option<Mismatch>> = expected
        .iter()
        .map(|expectation| match expectation {
            Expectation::Twiml(document) => check_document(document, events.document.as_deref()),
            Expectation::Took(widgets) => check_path(widgets, path),
            Expectation::At(widget) => check_widget(widget, path),
            Expectation::Ends(end) => check_end(*end, events.end),
            _ => None,
        })
        .collect();
    let mut matches = Vec::new();
    let tracks = [
        (EventTrack::Output, &events.output),
        (EventTrack::Request, &events.requests),
        (EventTrack::Alert, &events.alerts),
    ];
    for (track, track_events) in tracks {
        let on_track = |index: &usize| track_of(expected[*index]) == Some(track);
        let indices: Vec<usize> = (0..expected.len()).filter(on_track).collect();
        let wanted: Vec<&Expectation> = indices.iter().map(|index| expected[*index]).collect();
        matches = match_in_order(&wanted, track_events);
        for (index, result) in indices.iter().zip(&matches) {
            if let EventMatch::Unmatched(instead) = result {
                let expectation = expected[*index];
                let instead = instead.map(|at| &track_events[at]);
                let is_elsewhere = track_events.iter().any(|event| is_match(expectation, event));
                let is_named = instead.is_some_and(|event| names_event(expectation, event));
                let mismatch = Mismatch::new(expectation, instead, is_elsewhere, is_named);
                mismatches[*index] = Some(mismatch);
            }
        }
    }
    // The matches are those of the last track, the alerts.
    CheckResult { mismatches, unexpected: unexpected_errors(&events.alerts, &matches) }
}

/// The index of the matching event, or of the event that is there instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EventMatch {
    Matched(usize),
    Unmatched(Option<usize>),
}

/// The list of events that an expectation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EventTrack {
    Output,
    Request,
    Alert,
}

fn track_of(expectation: &Expectation) -> Option<EventTrack> {
    match expectation {
        Expectation::Hear(_) | Expectation::Play(_) => Some(EventTrack::Output),
        Expectation::Receive(_) | Expectation::Media(_) | Expectation::Nothing => {
            Some(EventTrack::Output)
        }
        Expectation::Call(..) | Expectation::Sent(..) => Some(EventTrack::Request),
        Expectation::Warns(_) | Expectation::Fails(_) | Expectation::Fallback(_) => {
            Some(EventTrack::Alert)
        }
        Expectation::Twiml(_)
        | Expectation::Took(_)
        | Expectation::At(_)
        | Expectation::Ends(_) => None,
    }
}

/// Matches each expectation with the first fitting event after the match before. An expectation
/// without a match gets the most similar event between its neighbours instead.
fn match_in_order(expected: &[&Expectation], events: &[TestEvent]) -> Vec<EventMatch> {
    let mut from = 0;
    let mut matches: Vec<EventMatch> = expected
        .iter()
        .map(|expectation| {
            let found = match expectation {
                // It matches the end of the list, so nothing after it can match.
                Expectation::Nothing => is_silent(&events[from..]).then_some(events.len()),
                _ => (from..events.len()).find(|at| is_match(expectation, &events[*at])),
            };
            let Some(at) = found else { return EventMatch::Unmatched(None) };
            from = events.len().min(at + 1);
            EventMatch::Matched(at)
        })
        .collect();
    // A second pass, for the bounds of a gap are known only after the first.
    let mut from = 0;
    for number in 0..matches.len() {
        if let EventMatch::Matched(at) = matches[number] {
            from = at + 1;
            continue;
        }
        let next = matches[number..].iter().find_map(|result| match result {
            EventMatch::Matched(at) => Some(*at),
            EventMatch::Unmatched(_) => None,
        });
        let between = from..next.unwrap_or(events.len());
        let rank = |at: &usize| (similarity(expected[number], &events[*at]), Reverse(*at));
        let instead = between.filter(|at| rank(at).0 > 0).max_by_key(rank);
        from = instead.map_or(from, |at| at + 1);
        matches[number] = EventMatch::Unmatched(instead);
    }
    matches
}

/// Whether a person would notice none of these events.
fn is_silent(events: &[TestEvent]) -> bool {
    events.iter().all(|event| event.word().is_empty())
}

fn is_match(expectation: &Expectation, event: &TestEvent) -> bool {
    let is_code = |wanted: &Option<u32>, found: Option<u32>| wanted.is_none() || *wanted == found;
    match (expectation, event) {
        (Expectation::Hear(pattern), TestEvent::Say(text))
        | (Expectation::Play(pattern), TestEvent::Play(text))
        | (Expectation::Receive(pattern), TestEvent::Message(text))
        | (Expectation::Media(pattern), TestEvent::Media(text))
        | (Expectation::Fallback(pattern), TestEvent::Fallback(text)) => pattern.matches(text),
        (Expectation::Call(_, wanted), TestEvent::FunctionCall { parameters, .. })
        | (Expectation::Sent(_, wanted), TestEvent::ApiRequest { parameters, .. }) => {
            let has = |(name, pattern): &(String, TextPattern)| {
                parameters.iter().any(|(known, value)| known == name && pattern.matches(value))
            };
            names_event(expectation, event) && wanted.iter().all(has)
        }
        (Expectation::Warns(wanted), TestEvent::Warning(alert))
        | (Expectation::Fails(wanted), TestEvent::Error(alert)) => is_code(wanted, alert.code),
        _ => false,
    }
}

/// Whether an expectation names the function or the resource of an event. Parameters are ignored.
fn names_event(expectation: &Expectation, event: &TestEvent) -> bool {
    match (expectation, event) {
        (Expectation::Call(wanted, _), TestEvent::FunctionCall { name, widget, .. }) => {
            wanted == name || wanted == widget
        }
        (Expectation::Sent(word, _), TestEvent::ApiRequest { path, .. }) => {
            path.split('/').any(|part| part == word || part.strip_suffix(".json") == Some(word))
        }
        _ => false,
    }
}

/// The similarity of an event to an expectation; 0: none.
fn similarity(expectation: &Expectation, event: &TestEvent) -> usize {
    // The same kind weighs more than any similarity of the texts.
    let kind = usize::from(expectation.word() == event.word());
    let overlap = match expectation {
        Expectation::Hear(text)
        | Expectation::Play(text)
        | Expectation::Receive(text)
        | Expectation::Media(text) => word_overlap(&text.to_string(), &event.argument(&[])),
        _ => 100 * usize::from(names_event(expectation, event)),
    };
    match event {
        // No expectation can be about it, so it never takes the place of one.
        TestEvent::CarrierStep(_) => 0,
        _ => 1 + 100 * kind + overlap,
    }
}

fn check_document(expected: &str, found: Option<&str>) -> Option<Mismatch> {
    if found.is_some_and(|found| document_matches(expected, found) == Ok(true)) {
        return None;
    }
    let mut lines = found.map(format_document).unwrap_or_default();
    lines.iter_mut().for_each(|line| *line = replace_random_ids(line));
    let message = if found.is_some() { "the document is another one" } else { "no document came" };
    Some(Mismatch {
        message: message.to_owned(),
        difference: diff_lines_by(&format_document(expected), &lines, &line_matches),
        instead: found.map(|_| ExpectedLine { word: "twiml", argument: lines.join("\n") }),
    })
}

/// Whether a line of a document is the expected one.
fn line_matches(expected: &str, found: &str) -> bool {
    expected == found || TextPattern::parse(expected).is_ok_and(|pattern| pattern.matches(found))
}

/// Replaces the tokens and sids in a line by `…`: they differ in each run.
fn replace_random_ids(line: &str) -> String {
    let hexadecimal = |letter: char| letter.is_ascii_hexdigit() && !letter.is_ascii_uppercase();
    let mut written = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(hexadecimal) {
        let run = rest[at..].find(|letter| !hexadecimal(letter)).unwrap_or(rest.len() - at);
        written.push_str(&rest[..at]);
        match run {
            32 => {
                // The two letters before a sid belong to it.
                let kind = written.trim_end_matches(|letter: char| letter.is_ascii_uppercase());
                let kind = kind.len();
                written.truncate(kind);
                written.push('…');
            }
            _ => written.push_str(&rest[at..at + run]),
        }
        rest = &rest[at + run..];
    }
    written + rest
}

fn check_path(widgets: &[String], path: &mut WidgetPath) -> Option<Mismatch> {
    let unmatched = path.unmatched_widgets();
    let at = unmatched.windows(widgets.len()).position(|part| part == widgets);
    if let Some(at) = at {
        path.matched = path.matched.saturating_sub(1) + at + widgets.len();
        return None;
    }
    let new = unmatched.get(1..).unwrap_or_default().to_vec();
    // The next `took` starts after the whole path, so that one mistake is one failure.
    path.matched = path.widgets.len();
    let instead =
        (!new.is_empty()).then(|| ExpectedLine { word: "took", argument: new.join(" > ") });
    Some(Mismatch {
        message: "the flow took another way".to_owned(),
        difference: diff_lines(widgets, &new),
        instead,
    })
}

fn check_widget(widget: &str, path: &WidgetPath) -> Option<Mismatch> {
    let found = path.current_widget();
    (found != Some(widget)).then(|| Mismatch {
        message: match found {
            Some(_) => "the flow is elsewhere".to_owned(),
            None => "no flow was entered".to_owned(),
        },
        difference: Vec::new(),
        instead: found.map(|found| ExpectedLine { word: "at", argument: found.to_owned() }),
    })
}

fn check_end(expected: CallEnd, found: Option<CallEnd>) -> Option<Mismatch> {
    (found != Some(expected)).then(|| Mismatch {
        message: match found {
            Some(found) => format!("the call ended `{found}`"),
            None => "the call did not end here".to_owned(),
        },
        difference: Vec::new(),
        instead: found
            .map(|found| ExpectedLine { word: "ends", argument: found.name().to_owned() }),
    })
}

/// The errors and fallbacks that are neither matched nor already part of a mismatch.
fn unexpected_errors(alerts: &[TestEvent], matches: &[EventMatch]) -> Vec<String> {
    let is_reported = |at: usize| {
        matches.iter().any(|result| {
            [EventMatch::Matched(at), EventMatch::Unmatched(Some(at))].contains(result)
        })
    };
    let is_error =
        |event: &TestEvent| matches!(event, TestEvent::Error(_) | TestEvent::Fallback(_));
    let unexpected =
        alerts.iter().enumerate().filter(|(at, event)| is_error(event) && !is_reported(*at));
    unexpected.map(|(_, event)| event.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::problem::Source;
    use crate::tools::flow_test::step::{ScriptStep, parse_steps};
    use crate::tools::phone::CarrierAlert;
    use crate::webhook::Params;

    /// The lines of a script without a match, as they would have matched, and the unexpected
    /// errors.
    fn mismatches(
        script: &str,
        events: &TurnEvents,
        widgets: &[&str],
    ) -> (Vec<String>, Vec<String>) {
        let source = Source::new("t", script);
        let (steps, problems) = parse_steps(&source, 0..script.len());
        assert!(problems.is_empty());
        let expected: Vec<&Expectation> =
            steps.iter().filter_map(ScriptStep::expectation).collect();
        let widgets = widgets.iter().map(|&widget| widget.to_owned()).collect();
        let mut path = WidgetPath { widgets, matched: 0, has_ended: false };
        let CheckResult { mismatches, unexpected } = check(&expected, events, &mut path);
        let line = |(mismatch, step): (&Option<Mismatch>, &ScriptStep)| {
            let mismatch = mismatch.as_ref()?;
            let empty = ExpectedLine { word: "", argument: String::new() };
            let ExpectedLine { word, argument } = mismatch.instead.clone().unwrap_or(empty);
            Some(format!("{} => {word} {argument}", &script[step.span.clone()]))
        };
        (mismatches.iter().zip(&steps).filter_map(line).collect(), unexpected)
    }

    fn speech(texts: &[&str]) -> TurnEvents {
        let say = |text: &&str| TestEvent::Say((*text).to_owned());
        TurnEvents { output: texts.iter().map(say).collect(), ..TurnEvents::default() }
    }

    #[test]
    fn speech_matches_in_order() {
        let events = speech(&["one a b", "two a b", "three a b"]);
        for (script, expected) in [
            ("hear one a b\nhear three …", vec![]),
            ("hear two a b\nhear one a b", vec!["hear one a b => hear three a b"]),
            ("hear one a b\nhear 2 a b\nhear three a b", vec!["hear 2 a b => hear two a b"]),
            ("hear two a b\nnothing", vec!["nothing => hear three a b"]),
            ("hear three …\nnothing", vec![]),
            ("nothing", vec!["nothing => hear one a b"]),
            ("hear one…\nhear two…\nhear three…\nhear four", vec!["hear four =>  "]),
            ("play x\nhear three a b", vec!["play x => hear one a b"]),
        ] {
            assert_eq!(mismatches(script, &events, &[]).0, expected, "{script}");
        }
    }

    #[test]
    fn functions_match_by_name_and_parameters() {
        let call = TestEvent::FunctionCall {
            name: "https://a.example".to_owned(),
            widget: "lookup".to_owned(),
            parameters: [("caller", "+1"), ("note", "a b")].into_iter().collect::<Params>(),
            answer: "200".to_owned(),
        };
        let sent = TestEvent::ApiRequest {
            path: "/2010-04-01/Accounts/{account}/Messages.json".to_owned(),
            parameters: [("To", "+1")].into_iter().collect(),
        };
        let events = TurnEvents { requests: vec![call, sent], ..TurnEvents::default() };
        let met = "call lookup note=\"a b\"\nsent Messages To=+1";
        assert_eq!(mismatches(met, &events, &[]).0, [""; 0]);
        let other = "call lookup note=x caller=+1\nsent Messages To=+2";
        let expected = [
            "call lookup note=x caller=+1 => call lookup note=\"a b\" caller=+1",
            "sent Messages To=+2 => sent Messages To=+1",
        ];
        assert_eq!(mismatches(other, &events, &[]).0, expected);
    }

    #[test]
    fn an_unexpected_error_is_reported() {
        let alerts = vec![
            TestEvent::Warning(CarrierAlert::new(12200, "x")),
            TestEvent::Error(CarrierAlert::new(11200, "y")),
        ];
        let events = TurnEvents { alerts, ..TurnEvents::default() };
        assert_eq!(mismatches("fails 11200", &events, &[]), (vec![], vec![]));
        let error = "fails 11200 HTTP retrieval failure: y".to_owned();
        assert_eq!(mismatches("warns 12200", &events, &[]), (vec![], vec![error]));
        let mismatches = mismatches("fails 11205", &events, &[]);
        assert_eq!(mismatches, (vec!["fails 11205 => fails 11200".to_owned()], vec![]));
    }

    #[test]
    fn a_path_matches_consecutive_widgets() {
        let widgets = ["Trigger", "welcome", "menu", "which", "menu"];
        let quiet = TurnEvents::default();
        let met = "took welcome > menu > which\ntook which > menu\nat menu";
        assert_eq!(mismatches(met, &quiet, &widgets).0, [""; 0]);
        let other = "took welcome > which\nat which";
        let expected =
            ["took welcome > which => took welcome > menu > which > menu", "at which => at menu"];
        assert_eq!(mismatches(other, &quiet, &widgets).0, expected);
    }
}
