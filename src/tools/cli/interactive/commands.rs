//! What a line means that was typed: at a phone, and in a chat.

use crate::channel::Channel;
use crate::tools::phone::{ExpectedInput, PhoneAction};

/// What somebody wants who typed a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SessionCommand {
    /// To do something.
    Act(PhoneAction),
    /// To see what there is.
    Help,
    /// To end the chat.
    Quit,
    /// Nothing: an empty line where silence is no act.
    Nothing,
}

/// What can be typed at a phone, and what it does.
pub(super) const CALL_COMMANDS: [(&str, &str); 8] = [
    ("1, 12#, *", "press keys, as on a phone"),
    ("say WORDS", "speak"),
    ("(empty line)", "say and do nothing, until whoever listens gives up; `wait` is the same"),
    ("wait TIME", "the same for so long: `3s`, `5m`"),
    ("busy", "how a Dial, a queue, a payment ends, in one of the words that are shown then"),
    ("busy NAME=VALUE", "the same, with parameters over the usual ones; also `outcome busy …`"),
    ("hang up", "the end; Ctrl-D too"),
    ("help", "this"),
];

/// What can be typed in a chat, and what it does.
pub(super) const CHAT_COMMANDS: [(&str, &str); 6] = [
    ("anything", "a message; `\\n` in it is a new line"),
    ("/media URL", "a message that is a picture; several URLs are several pictures"),
    ("/wait [TIME]", "time passes: so long (`1h`), or to the end of the flow's next wait"),
    ("/quit", "the end; Ctrl-D too"),
    ("/help", "this"),
    ("//anything", "a message that begins with `/`"),
];

/// Reads a line. What is wrong with it is told in one line.
pub(super) fn wish(
    channel: Channel,
    awaits: &ExpectedInput,
    line: &str,
) -> Result<SessionCommand, String> {
    match channel {
        Channel::Voice => at_a_phone(awaits, line.trim()),
        Channel::Message => in_a_chat(line.trim()),
    }
}

fn at_a_phone(awaits: &ExpectedInput, line: &str) -> Result<SessionCommand, String> {
    let key = |letter: char| letter.is_ascii_digit() || matches!(letter, '*' | '#' | ' ');
    let first = line.split_whitespace().next().unwrap_or_default();
    match line {
        "" => Ok(SessionCommand::Act(PhoneAction::Wait(None))),
        "help" | "?" => Ok(SessionCommand::Help),
        keys if keys.chars().all(key) => act(&format!("press {keys}")),
        outcome if words(awaits).contains(&first) => act(&format!("outcome {outcome}")),
        other => act(other),
    }
}

fn in_a_chat(line: &str) -> Result<SessionCommand, String> {
    let Some(command) = line.strip_prefix('/').filter(|rest| !rest.starts_with('/')) else {
        let text = line.strip_prefix('/').unwrap_or(line);
        return if text.is_empty() {
            Ok(SessionCommand::Nothing)
        } else {
            act(&format!("text {text}"))
        };
    };
    match command.split_whitespace().next().unwrap_or_default() {
        "help" => Ok(SessionCommand::Help),
        "quit" => Ok(SessionCommand::Quit),
        "media" | "wait" => act(command),
        other => Err(format!(
            "`/{other}` is no command: `/media`, `/wait`, `/quit`, `/help`; a message that begins \
             with `/` is written `//`"
        )),
    }
}

fn act(line: &str) -> Result<SessionCommand, String> {
    let help = |help: &str| if help.is_empty() { String::new() } else { format!("; {help}") };
    let told = |error: crate::tools::phone::ActionParseError| {
        format!("{}{}", error.message, help(&error.help))
    };
    PhoneAction::parse(line).map(SessionCommand::Act).map_err(told)
}

/// The carrier's words for how something ends, where they are awaited.
fn words(awaits: &ExpectedInput) -> &'static [&'static str] {
    match awaits {
        ExpectedInput::Outcome { words, .. } => words,
        _ => &[],
    }
}

/// What a line may begin with now, for completion.
pub(super) fn beginnings(channel: Channel, awaits: &ExpectedInput) -> Vec<&'static str> {
    match channel {
        Channel::Message => vec!["/help", "/media ", "/quit", "/wait "],
        Channel::Voice => {
            let usual = ["hang up", "help", "outcome ", "press ", "say ", "wait"];
            words(awaits).iter().copied().chain(usual).collect()
        }
    }
}

/// What can be done now, for a person to read.
pub(super) fn hint(awaits: &ExpectedInput) -> String {
    match awaits {
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
            "it goes on and on: an empty line listens on, or hang up".to_owned()
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
    fn at_a_phone_keys_are_typed_as_they_are() {
        for (awaits, line, act) in [
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
            let wish = wish(Channel::Voice, &awaits, line);
            assert_eq!(wish, Ok(SessionCommand::Act(PhoneAction::parse(act).unwrap())), "{line}");
        }
        assert_eq!(wish(Channel::Voice, &DIAL, "help"), Ok(SessionCommand::Help));
        for (awaits, line, part) in [
            (input(), "busy", "`busy` is nothing that a person can do; one of `press`"),
            (input(), "1a", "`1a` is nothing"),
            (DIAL, "busy nonsense", "a parameter without a value"),
        ] {
            let error = wish(Channel::Voice, &awaits, line).unwrap_err();
            assert!(error.starts_with(part), "{error}");
        }
    }

    #[test]
    fn in_a_chat_every_line_is_a_message_but_for_commands() {
        for (line, act) in [
            ("HELP", "text HELP"),
            ("help", "text help"),
            ("  one\\ntwo ", "text one\\ntwo"),
            ("//media", "text /media"),
            ("/media https://a/b.png https://a/c.png", "media https://a/b.png https://a/c.png"),
            ("/wait", "wait"),
            ("/wait 1h", "wait 1h"),
        ] {
            let wish = wish(Channel::Message, &ExpectedInput::Message, line);
            assert_eq!(wish, Ok(SessionCommand::Act(PhoneAction::parse(act).unwrap())), "{line}");
        }
        let wish = |line| wish(Channel::Message, &ExpectedInput::Message, line);
        assert_eq!(wish(" "), Ok(SessionCommand::Nothing));
        assert_eq!(
            (wish("/quit"), wish("/help")),
            (Ok(SessionCommand::Quit), Ok(SessionCommand::Help))
        );
        assert!(wish("/quiet").unwrap_err().starts_with("`/quiet` is no command"));
        assert!(wish("/wait long").unwrap_err().contains("no time that can be waited"));
        assert!(wish("/media").unwrap_err().starts_with("`media` says nothing"));
    }

    #[test]
    fn a_hint_says_what_can_be_done() {
        assert_eq!(hint(&input()), "keys, then #, say …, or silence for 5 s");
        assert_eq!(hint(&DIAL), "how does <Dial> end? completed, busy");
        assert!(beginnings(Channel::Voice, &DIAL).starts_with(&["completed", "busy"]));
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
