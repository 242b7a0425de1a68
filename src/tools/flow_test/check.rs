//! Expectations beside what happened. Those of one kind are met in order; what nothing is said of
//! may happen between.

use super::diff::{difference, difference_by, likeness};
use super::events::{Happened, Item, Walk};
use super::pattern::{Pattern, pretty, same_document};
use super::step::Expect;

/// An expectation that was not met.
#[derive(Clone, Debug)]
pub struct Miss {
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
    expected: &[&Expect],
    happened: &Happened,
    walk: &mut Walk,
) -> (Vec<Option<Miss>>, Vec<String>) {
    let mut misses: Vec<Option<Miss>> = expected
        .iter()
        .map(|expect| match expect {
            Expect::Twiml(document) => twiml(document, happened.document.as_deref()),
            Expect::Took(widgets) => took(widgets, walk),
            Expect::At(widget) => at(widget, walk),
            Expect::Ends(ended) => match happened.ended {
                Some(found) if found == *ended => None,
                found => Some(Miss {
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
        (Track::Heard, &happened.heard),
        (Track::Asked, &happened.asked),
        (Track::Faults, &happened.faults),
    ];
    for (name, track) in tracks {
        let of_track = |at: &usize| self::track(expected[*at]) == Some(name);
        let here: Vec<usize> = (0..expected.len()).filter(of_track).collect();
        let wanted: Vec<&Expect> = here.iter().map(|at| expected[*at]).collect();
        met = places(&wanted, track);
        for (number, place) in here.iter().zip(&met) {
            if let Place::Missed(instead) = place {
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
enum Place {
    Met(usize),
    Missed(Option<usize>),
}

/// Which items an expectation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Track {
    Heard,
    Asked,
    Faults,
}

fn track(expect: &Expect) -> Option<Track> {
    match expect {
        Expect::Hear(_) | Expect::Play(_) => Some(Track::Heard),
        Expect::Receive(_) | Expect::Media(_) | Expect::Nothing => Some(Track::Heard),
        Expect::Call(..) | Expect::Sent(..) => Some(Track::Asked),
        Expect::Warns(_) | Expect::Fails(_) | Expect::Fallback(_) => Some(Track::Faults),
        Expect::Twiml(_) | Expect::Took(_) | Expect::At(_) | Expect::Ends(_) => None,
    }
}

/// Each expectation is met by the first item that fits, behind the one before. What is missed
/// stands between its neighbours, as whatever is most like it there.
fn places(expected: &[&Expect], items: &[Item]) -> Vec<Place> {
    let mut from = 0;
    let mut places: Vec<Place> = expected
        .iter()
        .map(|expect| {
            let met = match expect {
                Expect::Nothing => nothing(&items[from..]).then_some(items.len()),
                _ => (from..items.len()).find(|at| fits(expect, &items[*at])),
            };
            let Some(at) = met else { return Place::Missed(None) };
            from = items.len().min(at + 1);
            Place::Met(at)
        })
        .collect();
    let mut from = 0;
    for number in 0..places.len() {
        if let Place::Met(at) = places[number] {
            from = at + 1;
            continue;
        }
        let next = places[number..].iter().find_map(|place| match place {
            Place::Met(at) => Some(*at),
            Place::Missed(_) => None,
        });
        let between = from..next.unwrap_or(items.len());
        let alike = |at: &usize| (alike(expected[number], &items[*at]), std::cmp::Reverse(*at));
        let instead = between.filter(|at| alike(at).0 > 0).max_by_key(alike);
        from = instead.map_or(from, |at| at + 1);
        places[number] = Place::Missed(instead);
    }
    places
}

/// Whether there is nothing that a person would notice.
fn nothing(items: &[Item]) -> bool {
    items.iter().all(|item| item.word().is_empty())
}

fn fits(expect: &Expect, item: &Item) -> bool {
    let code = |wanted: &Option<u32>, found: Option<u32>| wanted.is_none() || *wanted == found;
    match (expect, item) {
        (Expect::Hear(pattern), Item::Say(text))
        | (Expect::Play(pattern), Item::Play(text))
        | (Expect::Receive(pattern), Item::Receive(text))
        | (Expect::Media(pattern), Item::Media(text))
        | (Expect::Fallback(pattern), Item::Fallback(text)) => pattern.fits(text),
        (Expect::Call(_, wanted), Item::Call { parameters, .. })
        | (Expect::Sent(_, wanted), Item::Sent { parameters, .. }) => {
            let given = |(name, pattern): &(String, Pattern)| {
                parameters.iter().any(|(given, value)| given == name && pattern.fits(value))
            };
            named(expect, item) && wanted.iter().all(given)
        }
        (Expect::Warns(wanted), Item::Warning(fault))
        | (Expect::Fails(wanted), Item::Error(fault)) => code(wanted, fault.code),
        _ => false,
    }
}

/// Whether it is what an expectation names, with whatever parameters.
fn named(expect: &Expect, item: &Item) -> bool {
    match (expect, item) {
        (Expect::Call(wanted, _), Item::Call { name, widget, .. }) => {
            wanted == name || wanted == widget
        }
        (Expect::Sent(word, _), Item::Sent { path, .. }) => {
            path.split('/').any(|part| part == word || part.strip_suffix(".json") == Some(word))
        }
        _ => false,
    }
}

/// How like an item is to what an expectation wants; 0: not at all.
fn alike(expect: &Expect, item: &Item) -> usize {
    let kind = usize::from(word(expect) == item.word());
    let wanted = match expect {
        Expect::Hear(text) | Expect::Play(text) | Expect::Receive(text) | Expect::Media(text) => {
            likeness(&text.to_string(), &item.argument(&[]))
        }
        _ => 100 * usize::from(named(expect, item)),
    };
    match item {
        Item::Does(_) => 0,
        _ => 1 + 100 * kind + wanted,
    }
}

fn word(expect: &Expect) -> &'static str {
    match expect {
        Expect::Hear(_) => "hear",
        Expect::Play(_) => "play",
        Expect::Receive(_) => "receive",
        Expect::Media(_) => "receive media",
        Expect::Nothing => "nothing",
        Expect::Twiml(_) => "twiml",
        Expect::Call(..) => "call",
        Expect::Sent(..) => "sent",
        Expect::Took(_) => "took",
        Expect::At(_) => "at",
        Expect::Warns(_) => "warns",
        Expect::Fails(_) => "fails",
        Expect::Fallback(_) => "fallback",
        Expect::Ends(_) => "ends",
    }
}

/// An expectation that nothing met; `instead` stands where it should have been.
fn missed(expect: &Expect, instead: Option<&Item>, track: &[Item]) -> Miss {
    let wanted: Vec<&str> = match expect {
        Expect::Call(_, wanted) | Expect::Sent(_, wanted) => {
            wanted.iter().map(|(name, _)| name.as_str()).collect()
        }
        _ => Vec::new(),
    };
    let line = instead.map(|item| (item.word(), item.argument(&wanted)));
    let text = |pattern: &Pattern| match &line {
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
        Expect::Hear(_) | Expect::Play(_) | Expect::Receive(_) | Expect::Media(_) if elsewhere => {
            ("this came before, not here".to_owned(), Vec::new())
        }
        Expect::Hear(pattern) => ("this was not heard".to_owned(), text(pattern)),
        Expect::Play(pattern) => ("this was not played".to_owned(), text(pattern)),
        Expect::Receive(pattern) => ("this message did not come".to_owned(), text(pattern)),
        Expect::Media(pattern) => ("nothing came with this".to_owned(), text(pattern)),
        Expect::Call(name, wanted) | Expect::Sent(name, wanted) => {
            let message = match (named, expect) {
                (true, _) => format!("`{name}` was asked with other parameters"),
                (_, Expect::Call(..)) => format!("`{name}` was not asked"),
                _ => format!("the carrier's API was not asked for `{name}`"),
            };
            (message, asked(wanted, instead.filter(|_| named)))
        }
        Expect::Nothing => ("there was more".to_owned(), Vec::new()),
        Expect::Warns(_) => ("the carrier has no such warning".to_owned(), Vec::new()),
        Expect::Fails(_) => ("the carrier met no such error".to_owned(), Vec::new()),
        Expect::Fallback(pattern) => {
            ("there was no fallback with this reason".to_owned(), text(pattern))
        }
        Expect::Twiml(_) | Expect::Took(_) | Expect::At(_) | Expect::Ends(_) => Default::default(),
    };
    Miss { message, difference, instead: line }
}

/// The parameters that were asked with, beside those that were wanted.
fn asked(wanted: &[(String, Pattern)], item: Option<&Item>) -> Vec<String> {
    let Some(Item::Call { parameters, .. } | Item::Sent { parameters, .. }) = item else {
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

fn twiml(expected: &str, found: Option<&str>) -> Option<Miss> {
    if found.is_some_and(|found| same_document(expected, found) == Ok(true)) {
        return None;
    }
    let mut lines = found.map(pretty).unwrap_or_default();
    lines.iter_mut().for_each(|line| *line = without_chance(line));
    let fits = |expected: &str, found: &str| fits_line(expected, found);
    let message = if found.is_some() { "the document is another one" } else { "no document came" };
    Some(Miss {
        message: message.to_owned(),
        difference: difference_by(&pretty(expected), &lines, &fits),
        instead: found.map(|_| ("twiml", lines.join("\n"))),
    })
}

/// Whether a line of a document is as expected.
fn fits_line(expected: &str, found: &str) -> bool {
    expected == found || Pattern::parse(expected).is_ok_and(|pattern| pattern.fits(found))
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

fn took(widgets: &[String], walk: &mut Walk) -> Option<Miss> {
    let untold = walk.untold();
    let at = untold.windows(widgets.len()).position(|part| part == widgets);
    if let Some(at) = at {
        walk.told = walk.told.saturating_sub(1) + at + widgets.len();
        return None;
    }
    let new = untold.get(1..).unwrap_or_default().to_vec();
    walk.told = walk.entered.len();
    Some(Miss {
        message: "the flow took another way".to_owned(),
        difference: difference(widgets, &new),
        instead: (!new.is_empty()).then(|| ("took", new.join(" > "))),
    })
}

fn at(widget: &str, walk: &Walk) -> Option<Miss> {
    let found = walk.at();
    (found != Some(widget)).then(|| Miss {
        message: match found {
            Some(_) => "the flow is elsewhere".to_owned(),
            None => "no flow was entered".to_owned(),
        },
        difference: Vec::new(),
        instead: found.map(|found| ("at", found.to_owned())),
    })
}

/// Errors and fallbacks that no expectation met, nor has been told of beside.
fn unexpected(faults: &[Item], places: &[Place]) -> Vec<String> {
    let told = |at: usize| {
        places.iter().any(|place| [Place::Met(at), Place::Missed(Some(at))].contains(place))
    };
    let bad = |item: &Item| matches!(item, Item::Error(_) | Item::Fallback(_));
    let untold = faults.iter().enumerate().filter(|(at, item)| bad(item) && !told(*at));
    untold.map(|(_, item)| item.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::problem::Source;
    use crate::tools::flow_test::step::{What, steps};
    use crate::tools::phone::Fault;
    use crate::webhook::Params;

    /// The lines of a script that are missed, as they would have been met.
    fn missed(script: &str, happened: &Happened, entered: &[&str]) -> (Vec<String>, Vec<String>) {
        let source = Source::new("t", script);
        let (steps, problems) = steps(&source, 0..script.len());
        assert!(problems.is_empty());
        let expected: Vec<&Expect> = steps
            .iter()
            .filter_map(|step| match &step.what {
                What::Expect(expect) => Some(expect),
                What::Do(_) => None,
            })
            .collect();
        let entered = entered.iter().map(|&widget| widget.to_owned()).collect();
        let mut walk = Walk { entered, told: 0, ended: false };
        let (misses, unexpected) = check(&expected, happened, &mut walk);
        let line = |(miss, step): (&Option<Miss>, &crate::tools::flow_test::Step)| {
            let miss = miss.as_ref()?;
            let (word, argument) = miss.instead.clone().unwrap_or_default();
            Some(format!("{} => {word} {argument}", &script[step.span.clone()]))
        };
        (misses.iter().zip(&steps).filter_map(line).collect(), unexpected)
    }

    fn said(texts: &[&str]) -> Happened {
        let say = |text: &&str| Item::Say((*text).to_owned());
        Happened { heard: texts.iter().map(say).collect(), ..Happened::default() }
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
        let call = Item::Call {
            name: "https://a.example".to_owned(),
            widget: "lookup".to_owned(),
            parameters: [("caller", "+1"), ("note", "a b")].into_iter().collect::<Params>(),
            answer: "200".to_owned(),
        };
        let sent = Item::Sent {
            path: "/2010-04-01/Accounts/{account}/Messages.json".to_owned(),
            parameters: [("To", "+1")].into_iter().collect(),
        };
        let happened = Happened { asked: vec![call, sent], ..Happened::default() };
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
        let faults =
            vec![Item::Warning(Fault::new(12200, "x")), Item::Error(Fault::new(11200, "y"))];
        let happened = Happened { faults, ..Happened::default() };
        assert_eq!(missed("fails 11200", &happened, &[]), (vec![], vec![]));
        let told = "fails 11200 HTTP retrieval failure: y".to_owned();
        assert_eq!(missed("warns 12200", &happened, &[]), (vec![], vec![told]));
        let missed = missed("fails 11205", &happened, &[]);
        assert_eq!(missed, (vec!["fails 11205 => fails 11200".to_owned()], vec![]));
    }

    #[test]
    fn a_way_is_met_where_one_widget_follows_the_other() {
        let entered = ["Trigger", "welcome", "menu", "which", "menu"];
        let quiet = Happened::default();
        let met = "took welcome > menu > which\ntook which > menu\nat menu";
        assert_eq!(missed(met, &quiet, &entered).0, [""; 0]);
        let other = "took welcome > which\nat which";
        let expected =
            ["took welcome > which => took welcome > menu > which > menu", "at which => at menu"];
        assert_eq!(missed(other, &quiet, &entered).0, expected);
    }
}
