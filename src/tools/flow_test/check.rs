//! Expectations beside what happened. Those of one kind are met in order; what nothing is said of
//! may happen between.

use super::diff::{difference, difference_by, likeness};
use super::events::{TestEvent, TurnEvents, WidgetPath};
use super::pattern::{TextPattern, pretty, same_document};
use super::step::Expectation;

/// An expectation that was not met.
#[derive(Clone, Debug)]
pub struct Mismatch {
    /// What is wrong, one line.
    pub message: String,
    /// What was expected and what came.
    pub difference: Vec<String>,
    /// The line that would have been met: its word, and what stands behind that. `None`: no line
    /// of its kind.
    pub instead: Option<(&'static str, String)>,
}

/// Checks everything that is expected between two acts: a miss for each that is not met, and the
/// errors that nobody expects.
pub(super) fn check(
    expected: &[&Expectation],
    happened: &TurnEvents,
    walk: &mut WidgetPath,
) -> (Vec<Option<Mismatch>>, Vec<String>) {
    let mut misses: Vec<Option<Mismatch>> = expected
        .iter()
        .map(|expect| match expect {
            Expectation::Twiml(document) => twiml(document, happened.document.as_deref()),
            Expectation::Took(widgets) => took(widgets, walk),
            Expectation::At(widget) => at(widget, walk),
            Expectation::Ends(ended) => match happened.ended {
                Some(found) if found == *ended => None,
                found => Some(Mismatch {
                    message: match found {
                        Some(found) => format!("the call ended `{found}`"),
                        None => "the call did not end here".to_owned(),
                    },
                    difference: Vec::new(),
                    instead: found.map(|found| ("ends", found.name().to_owned())),
                }),
            },
            _ => None,
        })
        .collect();
    let mut met = Vec::new();
    let tracks = [
        (EventTrack::Output, &happened.heard),
        (EventTrack::Request, &happened.asked),
        (EventTrack::Alert, &happened.faults),
    ];
    for (name, track) in tracks {
        let of_track = |at: &usize| self::track(expected[*at]) == Some(name);
        let here: Vec<usize> = (0..expected.len()).filter(of_track).collect();
        let wanted: Vec<&Expectation> = here.iter().map(|at| expected[*at]).collect();
        met = places(&wanted, track);
        for (number, place) in here.iter().zip(&met) {
            if let EventMatch::Unmatched(instead) = place {
                let instead = instead.map(|at| &track[at]);
                misses[*number] = Some(missed(expected[*number], instead, track));
            }
        }
    }
    // The last track is that of the faults.
    (misses, unexpected(&happened.faults, &met))
}

/// Where an expectation was met, or what stands where it should have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EventMatch {
    Matched(usize),
    Unmatched(Option<usize>),
}

/// Which items an expectation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EventTrack {
    Output,
    Request,
    Alert,
}

fn track(expect: &Expectation) -> Option<EventTrack> {
    match expect {
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

/// Each expectation is met by the first item that fits, behind the one before. What is missed
/// stands between its neighbours, as whatever is most like it there.
fn places(expected: &[&Expectation], items: &[TestEvent]) -> Vec<EventMatch> {
    let mut from = 0;
    let mut places: Vec<EventMatch> = expected
        .iter()
        .map(|expect| {
            let met = match expect {
                Expectation::Nothing => nothing(&items[from..]).then_some(items.len()),
                _ => (from..items.len()).find(|at| fits(expect, &items[*at])),
            };
            let Some(at) = met else { return EventMatch::Unmatched(None) };
            from = items.len().min(at + 1);
            EventMatch::Matched(at)
        })
        .collect();
    let mut from = 0;
    for number in 0..places.len() {
        if let EventMatch::Matched(at) = places[number] {
            from = at + 1;
            continue;
        }
        let next = places[number..].iter().find_map(|place| match place {
            EventMatch::Matched(at) => Some(*at),
            EventMatch::Unmatched(_) => None,
        });
        let between = from..next.unwrap_or(items.len());
        let alike = |at: &usize| (alike(expected[number], &items[*at]), std::cmp::Reverse(*at));
        let instead = between.filter(|at| alike(at).0 > 0).max_by_key(alike);
        from = instead.map_or(from, |at| at + 1);
        places[number] = EventMatch::Unmatched(instead);
    }
    places
}

/// Whether there is nothing that a person would notice.
fn nothing(items: &[TestEvent]) -> bool {
    items.iter().all(|item| item.word().is_empty())
}

fn fits(expect: &Expectation, item: &TestEvent) -> bool {
    let code = |wanted: &Option<u32>, found: Option<u32>| wanted.is_none() || *wanted == found;
    match (expect, item) {
        (Expectation::Hear(pattern), TestEvent::Say(text))
        | (Expectation::Play(pattern), TestEvent::Play(text))
        | (Expectation::Receive(pattern), TestEvent::Message(text))
        | (Expectation::Media(pattern), TestEvent::Media(text))
        | (Expectation::Fallback(pattern), TestEvent::Fallback(text)) => pattern.fits(text),
        (Expectation::Call(_, wanted), TestEvent::FunctionCall { parameters, .. })
        | (Expectation::Sent(_, wanted), TestEvent::ApiRequest { parameters, .. }) => {
            let given = |(name, pattern): &(String, TextPattern)| {
                parameters.iter().any(|(given, value)| given == name && pattern.fits(value))
            };
            named(expect, item) && wanted.iter().all(given)
        }
        (Expectation::Warns(wanted), TestEvent::Warning(fault))
        | (Expectation::Fails(wanted), TestEvent::Error(fault)) => code(wanted, fault.code),
        _ => false,
    }
}

/// Whether it is what an expectation names, with whatever parameters.
fn named(expect: &Expectation, item: &TestEvent) -> bool {
    match (expect, item) {
        (Expectation::Call(wanted, _), TestEvent::FunctionCall { name, widget, .. }) => {
            wanted == name || wanted == widget
        }
        (Expectation::Sent(word, _), TestEvent::ApiRequest { path, .. }) => {
            path.split('/').any(|part| part == word || part.strip_suffix(".json") == Some(word))
        }
        _ => false,
    }
}

/// How like an item is to what an expectation wants; 0: not at all.
fn alike(expect: &Expectation, item: &TestEvent) -> usize {
    let kind = usize::from(word(expect) == item.word());
    let wanted = match expect {
        Expectation::Hear(text)
        | Expectation::Play(text)
        | Expectation::Receive(text)
        | Expectation::Media(text) => likeness(&text.to_string(), &item.argument(&[])),
        _ => 100 * usize::from(named(expect, item)),
    };
    match item {
        TestEvent::CarrierStep(_) => 0,
        _ => 1 + 100 * kind + wanted,
    }
}

fn word(expect: &Expectation) -> &'static str {
    match expect {
        Expectation::Hear(_) => "hear",
        Expectation::Play(_) => "play",
        Expectation::Receive(_) => "receive",
        Expectation::Media(_) => "receive media",
        Expectation::Nothing => "nothing",
        Expectation::Twiml(_) => "twiml",
        Expectation::Call(..) => "call",
        Expectation::Sent(..) => "sent",
        Expectation::Took(_) => "took",
        Expectation::At(_) => "at",
        Expectation::Warns(_) => "warns",
        Expectation::Fails(_) => "fails",
        Expectation::Fallback(_) => "fallback",
        Expectation::Ends(_) => "ends",
    }
}

/// An expectation that nothing met; `instead` stands where it should have been.
fn missed(expect: &Expectation, instead: Option<&TestEvent>, track: &[TestEvent]) -> Mismatch {
    let wanted: Vec<&str> = match expect {
        Expectation::Call(_, wanted) | Expectation::Sent(_, wanted) => {
            wanted.iter().map(|(name, _)| name.as_str()).collect()
        }
        _ => Vec::new(),
    };
    let line = instead.map(|item| (item.word(), item.argument(&wanted)));
    let text = |pattern: &TextPattern| match &line {
        Some((kind, found)) if *kind == word(expect) => {
            difference(&[pattern.to_string()], std::slice::from_ref(found))
        }
        Some((kind, found)) => {
            vec![format!("- {} {pattern}", word(expect)), format!("+ {kind} {found}")]
        }
        None => Vec::new(),
    };
    let elsewhere = track.iter().any(|item| fits(expect, item));
    let named = instead.is_some_and(|item| named(expect, item));
    let (message, difference) = match expect {
        Expectation::Hear(_)
        | Expectation::Play(_)
        | Expectation::Receive(_)
        | Expectation::Media(_)
            if elsewhere =>
        {
            ("this came before, not here".to_owned(), Vec::new())
        }
        Expectation::Hear(pattern) => ("this was not heard".to_owned(), text(pattern)),
        Expectation::Play(pattern) => ("this was not played".to_owned(), text(pattern)),
        Expectation::Receive(pattern) => ("this message did not come".to_owned(), text(pattern)),
        Expectation::Media(pattern) => ("nothing came with this".to_owned(), text(pattern)),
        Expectation::Call(name, wanted) | Expectation::Sent(name, wanted) => {
            let message = match (named, expect) {
                (true, _) => format!("`{name}` was asked with other parameters"),
                (_, Expectation::Call(..)) => format!("`{name}` was not asked"),
                _ => format!("the carrier's API was not asked for `{name}`"),
            };
            (message, asked(wanted, instead.filter(|_| named)))
        }
        Expectation::Nothing => ("there was more".to_owned(), Vec::new()),
        Expectation::Warns(_) => ("the carrier has no such warning".to_owned(), Vec::new()),
        Expectation::Fails(_) => ("the carrier met no such error".to_owned(), Vec::new()),
        Expectation::Fallback(pattern) => {
            ("there was no fallback with this reason".to_owned(), text(pattern))
        }
        Expectation::Twiml(_)
        | Expectation::Took(_)
        | Expectation::At(_)
        | Expectation::Ends(_) => Default::default(),
    };
    Mismatch { message, difference, instead: line }
}

/// The parameters that were asked with, beside those that were wanted.
fn asked(wanted: &[(String, TextPattern)], item: Option<&TestEvent>) -> Vec<String> {
    let Some(TestEvent::FunctionCall { parameters, .. } | TestEvent::ApiRequest { parameters, .. }) =
        item
    else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for (name, pattern) in wanted {
        let found = parameters.get(name);
        if found.is_some_and(|found| pattern.fits(found)) {
            continue;
        }
        lines.push(format!("- {name}={pattern}"));
        lines.push(match found {
            Some(found) => format!("+ {name}={found}"),
            None => {
                let names: Vec<&str> = parameters.iter().map(|(name, _)| name).collect();
                format!("+ no `{name}`; there are: {}", names.join(", "))
            }
        });
    }
    lines
}

fn twiml(expected: &str, found: Option<&str>) -> Option<Mismatch> {
    if found.is_some_and(|found| same_document(expected, found) == Ok(true)) {
        return None;
    }
    let mut lines = found.map(pretty).unwrap_or_default();
    lines.iter_mut().for_each(|line| *line = without_chance(line));
    let fits = |expected: &str, found: &str| fits_line(expected, found);
    let message = if found.is_some() { "the document is another one" } else { "no document came" };
    Some(Mismatch {
        message: message.to_owned(),
        difference: difference_by(&pretty(expected), &lines, &fits),
        instead: found.map(|_| ("twiml", lines.join("\n"))),
    })
}

/// Whether a line of a document is as expected.
fn fits_line(expected: &str, found: &str) -> bool {
    expected == found || TextPattern::parse(expected).is_ok_and(|pattern| pattern.fits(found))
}

/// A line with `…` for the tokens and the sids in it, which are new each time.
fn without_chance(line: &str) -> String {
    let hexadecimal = |letter: char| letter.is_ascii_hexdigit() && !letter.is_ascii_uppercase();
    let mut written = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(hexadecimal) {
        let run = rest[at..].find(|letter| !hexadecimal(letter)).unwrap_or(rest.len() - at);
        written.push_str(&rest[..at]);
        match run {
            32 => {
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

fn took(widgets: &[String], walk: &mut WidgetPath) -> Option<Mismatch> {
    let untold = walk.untold();
    let at = untold.windows(widgets.len()).position(|part| part == widgets);
    if let Some(at) = at {
        walk.told = walk.told.saturating_sub(1) + at + widgets.len();
        return None;
    }
    let new = untold.get(1..).unwrap_or_default().to_vec();
    walk.told = walk.entered.len();
    Some(Mismatch {
        message: "the flow took another way".to_owned(),
        difference: difference(widgets, &new),
        instead: (!new.is_empty()).then(|| ("took", new.join(" > "))),
    })
}

fn at(widget: &str, walk: &WidgetPath) -> Option<Mismatch> {
    let found = walk.at();
    (found != Some(widget)).then(|| Mismatch {
        message: match found {
            Some(_) => "the flow is elsewhere".to_owned(),
            None => "no flow was entered".to_owned(),
        },
        difference: Vec::new(),
        instead: found.map(|found| ("at", found.to_owned())),
    })
}

/// Errors and fallbacks that no expectation met, nor has been told of beside.
fn unexpected(faults: &[TestEvent], places: &[EventMatch]) -> Vec<String> {
    let told = |at: usize| {
        places
            .iter()
            .any(|place| [EventMatch::Matched(at), EventMatch::Unmatched(Some(at))].contains(place))
    };
    let bad = |item: &TestEvent| matches!(item, TestEvent::Error(_) | TestEvent::Fallback(_));
    let untold = faults.iter().enumerate().filter(|(at, item)| bad(item) && !told(*at));
    untold.map(|(_, item)| item.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::problem::Source;
    use crate::tools::flow_test::step::{StepKind, steps};
    use crate::tools::phone::CarrierAlert;
    use crate::webhook::Params;

    /// The lines of a script that are missed, as they would have been met.
    fn missed(script: &str, happened: &TurnEvents, entered: &[&str]) -> (Vec<String>, Vec<String>) {
        let source = Source::new("t", script);
        let (steps, problems) = steps(&source, 0..script.len());
        assert!(problems.is_empty());
        let expected: Vec<&Expectation> = steps
            .iter()
            .filter_map(|step| match &step.what {
                StepKind::Expect(expect) => Some(expect),
                StepKind::Act(_) => None,
            })
            .collect();
        let entered = entered.iter().map(|&widget| widget.to_owned()).collect();
        let mut walk = WidgetPath { entered, told: 0, ended: false };
        let (misses, unexpected) = check(&expected, happened, &mut walk);
        let line = |(miss, step): (&Option<Mismatch>, &crate::tools::flow_test::ScriptStep)| {
            let miss = miss.as_ref()?;
            let (word, argument) = miss.instead.clone().unwrap_or_default();
            Some(format!("{} => {word} {argument}", &script[step.span.clone()]))
        };
        (misses.iter().zip(&steps).filter_map(line).collect(), unexpected)
    }

    fn said(texts: &[&str]) -> TurnEvents {
        let say = |text: &&str| TestEvent::Say((*text).to_owned());
        TurnEvents { heard: texts.iter().map(say).collect(), ..TurnEvents::default() }
    }

    #[test]
    fn what_is_heard_is_met_in_order() {
        let happened = said(&["one a b", "two a b", "three a b"]);
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
            assert_eq!(missed(script, &happened, &[]).0, expected, "{script}");
        }
    }

    #[test]
    fn functions_are_met_by_name_and_parameters() {
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
        let happened = TurnEvents { asked: vec![call, sent], ..TurnEvents::default() };
        let met = "call lookup note=\"a b\"\nsent Messages To=+1";
        assert_eq!(missed(met, &happened, &[]).0, [""; 0]);
        let other = "call lookup note=x caller=+1\nsent Messages To=+2";
        let expected = [
            "call lookup note=x caller=+1 => call lookup note=\"a b\" caller=+1",
            "sent Messages To=+2 => sent Messages To=+1",
        ];
        assert_eq!(missed(other, &happened, &[]).0, expected);
    }

    #[test]
    fn an_error_that_nothing_expects_is_told() {
        let faults = vec![
            TestEvent::Warning(CarrierAlert::new(12200, "x")),
            TestEvent::Error(CarrierAlert::new(11200, "y")),
        ];
        let happened = TurnEvents { faults, ..TurnEvents::default() };
        assert_eq!(missed("fails 11200", &happened, &[]), (vec![], vec![]));
        let told = "fails 11200 HTTP retrieval failure: y".to_owned();
        assert_eq!(missed("warns 12200", &happened, &[]), (vec![], vec![told]));
        let missed = missed("fails 11205", &happened, &[]);
        assert_eq!(missed, (vec!["fails 11205 => fails 11200".to_owned()], vec![]));
    }

    #[test]
    fn a_way_is_met_where_one_widget_follows_the_other() {
        let entered = ["Trigger", "welcome", "menu", "which", "menu"];
        let quiet = TurnEvents::default();
        let met = "took welcome > menu > which\ntook which > menu\nat menu";
        assert_eq!(missed(met, &quiet, &entered).0, [""; 0]);
        let other = "took welcome > which\nat which";
        let expected =
            ["took welcome > which => took welcome > menu > which > menu", "at which => at menu"];
        assert_eq!(missed(other, &quiet, &entered).0, expected);
    }
}
