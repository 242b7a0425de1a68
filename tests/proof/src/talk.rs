//! One conversation with the flows `call.toml` and `chat.toml`: what is said next, and what must be
//! heard then. Every document names its turn and the number of its function call, so that a step
//! that was lost or done twice is heard.

use twimlgate::channel::Channel;
use twimlgate::twiml::read::{DocumentLimits, parse_document};

use crate::carrier::{Ask, Reply, SID};
use crate::function::Step;
use crate::rng::Rng;

/// Somebody who calls or writes.
#[derive(Clone, Debug)]
pub(crate) struct Talk {
    pub(crate) channel: Channel,
    /// His number, which nobody else has.
    pub(crate) who: String,
    sid: String,
    /// The last turn that was acknowledged.
    pub(crate) turn: u32,
    /// Where the next turn of a call goes.
    pub(crate) target: String,
}

/// What ends a conversation.
const OVER: [&str; 2] = ["9", "bye"];

impl Talk {
    /// The `number`-th person of a campaign: every other one writes.
    pub(crate) fn new(number: u64, rng: &mut Rng) -> Talk {
        let channel = if number.is_multiple_of(2) { Channel::Voice } else { Channel::Message };
        Talk::on(channel, number, rng)
    }

    pub(crate) fn on(channel: Channel, number: u64, rng: &mut Rng) -> Talk {
        let target = if channel == Channel::Voice { "/call" } else { "/chat" };
        Talk {
            channel,
            who: format!("+1{number:010}"),
            sid: rng.sid("CA"),
            turn: 0,
            target: target.to_owned(),
        }
    }

    /// The next turn: a key that is pressed, a word that is written.
    pub(crate) fn ask(&self, word: &str, rng: &mut Rng) -> Ask {
        let mut params: Vec<(&str, &str)> =
            vec![("AccountSid", SID), ("From", &self.who), ("To", "+15550199")];
        let message = rng.sid("SM");
        match self.channel {
            Channel::Voice => {
                params.push(("CallSid", &self.sid));
                let status = if self.turn == 0 { "ringing" } else { "in-progress" };
                params.push(("CallStatus", status));
                if self.turn > 0 {
                    params.push(("Digits", word));
                }
            }
            Channel::Message => params.extend([("MessageSid", message.as_str()), ("Body", word)]),
        }
        Ask {
            channel: self.channel,
            target: self.target.clone(),
            params: params.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
            token: rng.sid(""),
        }
    }

    /// A word for the next turn; `last` ends the conversation.
    pub(crate) fn word(&self, last: bool, rng: &mut Rng) -> String {
        match (self.channel, last) {
            (Channel::Voice, true) => OVER[0].to_owned(),
            (Channel::Message, true) => OVER[1].to_owned(),
            (Channel::Voice, false) => rng.below(9).to_string(),
            (Channel::Message, false) => format!("w{}", rng.below(1000)),
        }
    }

    /// What must be heard after a word.
    pub(crate) fn expected(&self, word: &str) -> String {
        let turn = self.turn + 1;
        if self.turn > 0 && OVER.contains(&word) {
            return format!("Bye after turn {}.", self.turn);
        }
        // The first words of a chat begin it, and are no answer to anything.
        let heard = if self.turn == 0 { "" } else { word };
        format!("turn {turn} count {turn} heard {heard}.")
    }

    /// The step of the function that a word leads to; the end leads to none.
    pub(crate) fn step(&self, word: &str) -> Option<Step> {
        let over = self.turn > 0 && OVER.contains(&word);
        (!over).then(|| (self.who.clone(), self.turn + 1))
    }

    /// Takes an answer in, and is a turn further.
    ///
    /// # Errors
    /// What should have been heard.
    pub(crate) fn heard(&mut self, ask: &Ask, word: &str, reply: &Reply) -> Result<(), String> {
        if let Some(problem) = ask.malformed(reply) {
            return Err(format!("a document of its channel, not {problem}"));
        }
        let expected = self.expected(word);
        if !said(reply).contains(&format!("|{expected}|")) {
            return Err(format!("`{expected}`"));
        }
        if self.channel == Channel::Voice && self.step(word).is_some() {
            let back = action(reply).ok_or("a Gather with an action")?;
            self.target = format!("/call{back}");
        }
        self.turn += 1;
        Ok(())
    }
}

/// All texts of a document, in bars.
fn said(reply: &Reply) -> String {
    fn texts(element: &twimlgate::twiml::read::Element, said: &mut String) {
        if element.children().next().is_none() {
            said.push_str(&element.text());
            said.push('|');
        }
        element.children().for_each(|child| texts(child, said));
    }
    let mut all = "|".to_owned();
    if let Ok(document) = parse_document(reply.body.as_bytes(), &DocumentLimits::default()) {
        texts(&document, &mut all);
    }
    all
}

/// Where the Gather of a document leads.
pub(crate) fn action(reply: &Reply) -> Option<String> {
    let document = parse_document(reply.body.as_bytes(), &DocumentLimits::default()).ok()?;
    let gather = document.children().find(|verb| verb.name == "Gather")?;
    gather.attribute("action").map(str::to_owned)
}

/// The turn that a document names.
pub(crate) fn turn_of(reply: &Reply) -> Option<usize> {
    let said = said(reply);
    let turn = said.strip_prefix("|turn ")?.split(' ').next()?;
    let agrees = said.starts_with(&format!("|turn {turn} count {turn} heard "));
    turn.parse().ok().filter(|_| agrees)
}
