//! The commands of a session: lines that are typed in a call or in a chat.

use crate::channel::Channel;
use crate::tools::phone::{ActionParseError, ExpectedInput, PhoneAction};

/// The meaning of a typed line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SessionCommand {
    /// An action of the person.
    Act(PhoneAction),
    /// The list of commands.
    Help,
    /// The end of the chat.
    Quit,
    /// An empty line in a chat.
    Nothing,
}

/// The commands of a call, with their effect. `docs/phone.md` has the same table.
pub(super) const CALL_COMMANDS: [(&str, &str); 8] = [
    ("1, 12#, *", "press keys, as on a phone"),
    ("say WORDS", "speak"),
    ("(empty line)", "silence, until the current input ends; `wait` is the same"),
    ("wait TIME", "silence of this length: `3s`, `5m`"),
    ("busy", "the outcome of a Dial, a queue, a payment; the possible words are shown"),
    (
        "busy NAME=VALUE",
        "the same, with parameters that replace the usual ones; also `outcome busy …`",
    ),
    ("hang up", "the end; Ctrl-D too"),
    ("help", "this"),
];

/// The commands of a chat, with their effect. `docs/phone.md` has the same table.
pub(super) const CHAT_COMMANDS: [(&str, &str); 6] = [
    ("anything", "a message; `\\n` in it is a new line"),
    ("/media URL", "a picture message; several URLs are several pictures"),
    ("/wait [TIME]", "time passes: this long (`1h`), or up to the end of the flow's next wait"),
    ("/quit", "the end; Ctrl-D too"),
    ("/help", "this"),
    ("//anything", "a message that begins with `/`"),
];

/// Reads a line.
///
/// # Errors
/// If it is neither a command nor an action: a message of one line.
pub(super) fn parse_command(
    channel: Channel,
    expected: &ExpectedInput,
    line: &str,
) -> Result<SessionCommand, String> {
    match channel {
        Channel::Voice => parse_call_command(expected, line.trim()),
        Channel::Message => parse_chat_command(line.trim()),
    }
}

fn parse_call_command(expected: &ExpectedInput, line: &str) -> Result<SessionCommand, String> {
    let key = |letter: char| letter.is_ascii_digit() || matches!(letter, '*' | '#' | ' ');
    let first = line.split_whitespace().next().unwrap_or_default();
    match line {
        "" => Ok(SessionCommand::Act(PhoneAction::Wait(None))),
        "help" | "?" => Ok(SessionCommand::Help),
        // Keys before outcomes: no outcome consists of digits.
        keys if keys.chars().all(key) => parse_action(&format!("press {keys}")),
        outcome if outcome_words(expected).contains(&first) => {
            parse_action(&format!("outcome {outcome}"))
        }
        other => parse_action(other),
    }
}

fn parse_chat_command(line: &str) -> Result<SessionCommand, String> {
    // `//` begins a message, so that any text can be sent.
    let Some(command) = line.strip_prefix('/').filter(|rest| !rest.starts_with('/')) else {
        let text = line.strip_prefix('/').unwrap_or(line);
        return if text.is_empty() {
            Ok(SessionCommand::Nothing)
        } else {
            parse_action(&format!("text {text}"))
        };
    };
    match command.split_whitespace().next().unwrap_or_default() {
        "help" => Ok(SessionCommand::Help),
        "quit" => Ok(SessionCommand::Quit),
        "media" | "wait" => parse_action(command),
        other => Err(format!(
            "`/{other}` is not a command: `/media`, `/wait`, `/quit`, `/help`; a message \
             that begins with `/` is written `//`"
        )),
    }
}

fn parse_action(line: &str) -> Result<SessionCommand, String> {
    let help = |help: &str| if help.is_empty() { String::new() } else { format!("; {help}") };
    let message = |error: ActionParseError| format!("{}{}", error.message, help(&error.help));
    PhoneAction::parse(line).map(SessionCommand::Act).map_err(message)
}

/// The carrier's words for the outcome, if one is expected.
fn outcome_words(expected: &ExpectedInput) -> &'static [&'static str] {
    match expected {
        ExpectedInput::Outcome { words, .. } => words,
        _ => &[],
    }
}

/// The possible beginnings of a line, for completion.
pub(super) fn completions(channel: Channel, expected: &ExpectedInput) -> Vec<&'static str> {
    match channel {
        Channel::Message => vec!["/help", "/media ", "/quit", "/wait "],
        Channel::Voice => {
            let usual = ["hang up", "help", "outcome ", "press ", "say ", "wait"];
            outcome_words(expected).iter().copied().chain(usual).collect()
        }
    }
}

/// The possible inputs, as text for a person.
pub(super) fn hint(expected: &ExpectedInput) -> String {
    match expected {
        ExpectedInput::Gather { keys, speech, num_digits, finish_on_key, timeout } => {
            let listens = match (keys, num_digits, finish_on_key) {
                (false, ..) => String::new(),
                (true, Some(1), _) => "a key".to_owned(),
                (true, Some(most), Some(end)) => format!("{most} keys, or fewer and {end}"),
                (true, Some(most), None) => format!("{most} keys"),
                (true, None, Some(end)) => format!("keys, then {end}"),
                (true, None, None) => "keys".to_owned(),
            };
            let speaks = if *speech { "say …" } else { "" };
            let both = [listens.as_str(), speaks];
            let both: Vec<&str> = both.into_iter().filter(|part| !part.is_empty()).collect();
            format!("{}, or silence for {} s", both.join(", "), timeout.as_secs())
        }
        ExpectedInput::Recording { finish_on_key, timeout } => {
            let seconds = timeout.as_secs();
            format!("it records: say …, a key of {finish_on_key}, or silence for {seconds} s")
        }
        ExpectedInput::Outcome { verb, words } => {
            format!("how does <{verb}> end? {}", words.join(", "))
        }
        ExpectedInput::Listen => {
            "it continues without an end: an empty line to listen on, or hang up".to_owned()
        }
        ExpectedInput::Message => "a message, or /help".to_owned(),
        ExpectedInput::Nothing => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const DIAL: ExpectedInput =
        ExpectedInput::Outcome { verb: "Dial", words: &["completed", "busy"] };

    fn input() -> ExpectedInput {
        let timeout = Duration::from_secs(5);
        let (num_digits, finish_on_key) = (None, Some('#'));
        ExpectedInput::Gather { keys: true, speech: true, num_digits, finish_on_key, timeout }
    }

    #[test]
    fn keys_are_typed_as_they_are_in_a_call() {
        for (expected, line, action) in [
            (input(), "1", "press 1"),
            (input(), " 1 2 # ", "press 12#"),
            (input(), "press 3", "press 3"),
            (input(), "say I have 2 questions", "say I have 2 questions"),
            (input(), "", "wait"),
            (input(), "wait 3s", "wait 3s"),
            (input(), "hang up", "hang up"),
            (DIAL, "busy", "outcome busy"),
            (DIAL, "busy DialCallDuration=0", "outcome busy DialCallDuration=0"),
            (DIAL, "outcome no-answer", "outcome no-answer"),
        ] {
            let command = parse_command(Channel::Voice, &expected, line);
            assert_eq!(
                command,
                Ok(SessionCommand::Act(PhoneAction::parse(action).unwrap())),
                "{line}"
            );
        }
        assert_eq!(parse_command(Channel::Voice, &DIAL, "help"), Ok(SessionCommand::Help));
        for (expected, line, part) in [
            (input(), "busy", "`busy` is not an action; one of `press`"),
            (input(), "1a", "`1a` is not an action"),
            (DIAL, "busy nonsense", "a parameter without a value"),
        ] {
            let error = parse_command(Channel::Voice, &expected, line).unwrap_err();
            assert!(error.starts_with(part), "{error}");
        }
    }

    #[test]
    fn a_line_of_a_chat_is_a_message_unless_it_is_a_command() {
        for (line, action) in [
            ("HELP", "text HELP"),
            ("help", "text help"),
            ("  one\\ntwo ", "text one\\ntwo"),
            ("//media", "text /media"),
            ("/media https://a/b.png https://a/c.png", "media https://a/b.png https://a/c.png"),
            ("/wait", "wait"),
            ("/wait 1h", "wait 1h"),
        ] {
            let command = parse_command(Channel::Message, &ExpectedInput::Message, line);
            assert_eq!(
                command,
                Ok(SessionCommand::Act(PhoneAction::parse(action).unwrap())),
                "{line}"
            );
        }
        let parse = |line| parse_command(Channel::Message, &ExpectedInput::Message, line);
        assert_eq!(parse(" "), Ok(SessionCommand::Nothing));
        assert_eq!(
            (parse("/quit"), parse("/help")),
            (Ok(SessionCommand::Quit), Ok(SessionCommand::Help))
        );
        assert!(parse("/quiet").unwrap_err().starts_with("`/quiet` is not a command"));
        assert!(parse("/wait long").unwrap_err().contains("is not a duration"));
        assert!(parse("/media").unwrap_err().starts_with("`media` needs an argument"));
    }

    #[test]
    fn a_hint_lists_the_possible_inputs() {
        assert_eq!(hint(&input()), "keys, then #, say …, or silence for 5 s");
        assert_eq!(hint(&DIAL), "how does <Dial> end? completed, busy");
        assert!(completions(Channel::Voice, &DIAL).starts_with(&["completed", "busy"]));
    }

    #[test]
    fn the_manual_has_the_same_table() {
        let manual = include_str!("../../../../docs/phone.md");
        for (typed, does) in CALL_COMMANDS.iter().chain(&CHAT_COMMANDS) {
            let row = format!("| `{typed}` | {does} |\n");
            assert!(manual.contains(&row), "docs/phone.md lacks {row}");
        }
    }
}
