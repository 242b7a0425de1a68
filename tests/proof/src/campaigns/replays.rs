//! Deliveries that come again at once, after minutes, hours and days, and steps that are somebody
//! else's, guessed, or over. Time is pretended, so the gateway is in this process.

mod in_process;

use std::time::Duration;

use twimlgate::channel::Channel;
use twimlgate::clock;
use twimlgate::limits::{CLAIM_KEPT, REPLAY_REFUSED};

use crate::campaign::{Campaign, Context, Findings, Ran, Violation};
use crate::carrier::{Ask, Reply};
use crate::rng::Rng;
use crate::talk::Talk;
use in_process::InProcess;

pub(crate) const CAMPAIGN: Campaign = Campaign {
    name: "replays",
    asserts: "what comes again, late or with a step that is not its own, moves nothing",
    unit: "rounds",
    quick: 40,
    long: 5_000,
    run,
};

/// How long after the conversations everything comes again. In between, waits end and what has
/// expired is dropped, as in a gateway that runs.
const AFTER: [Duration; 7] = [
    Duration::ZERO,
    Duration::from_secs(9 * 60),
    Duration::from_secs(11 * 60),
    Duration::from_secs(59 * 60),
    Duration::from_secs(6 * 3_600),
    Duration::from_secs(47 * 3_600),
    Duration::from_secs(20 * 24 * 3_600),
];

/// The moment that all rounds begin at.
const BEGAN: Duration = Duration::from_secs(1_790_000_000);

/// A webhook that was answered.
type Answered = (Ask, Reply);

/// One round.
struct Round<'a> {
    process: InProcess,
    findings: &'a Findings,
    at: String,
    replays: u64,
    forged: u64,
}

/// The people of a round.
struct People {
    /// Two calls and two chats that go on.
    going: Vec<Talk>,
    /// A call and a chat that are over.
    over: Vec<Talk>,
    answered: Vec<Answered>,
}

fn run(context: &Context, findings: &Findings) -> Result<Ran, String> {
    let (mut replays, mut forged, mut rounds) = (0, 0, 0);
    for number in 0..context.amount {
        let system = actix_web::rt::System::new();
        let round = system.block_on(round(context, findings, number))?;
        replays += round.0;
        forged += round.1;
        rounds += 1;
        if findings.enough() {
            break;
        }
    }
    let amount = format!("{rounds} rounds, {replays} replays, {forged} steps that do not fit");
    Ok(Ran::done(amount))
}

async fn round(context: &Context, findings: &Findings, number: u64) -> Result<(u64, u64), String> {
    let _pretended = clock::pretend(BEGAN);
    let mut rng = Rng::new(context.seed, number);
    let file = number.is_multiple_of(2);
    let process = InProcess::new(context, file)?;
    let at = format!("round {number}");
    let mut round = Round { process, findings, at, replays: 0, forged: 0 };
    let Some(mut people) = round.people(&mut rng).await else { return Ok((0, 0)) };
    for after in AFTER {
        let passes = (BEGAN + after).saturating_sub(clock::wall());
        tokio::time::sleep(passes).await;
        round.process.restart()?;
        round.process.housekeeping().await?;
        round.at = format!("round {number}, {} min later", after.as_secs() / 60);
        round.again(&people.answered, after).await;
        round.forge(&people, &mut rng).await;
        if after.is_zero() {
            round.go_on(&mut people, &mut rng).await;
        }
    }
    Ok((round.replays, round.forged))
}

impl Round<'_> {
    /// Everybody talks: all of it is answered as it should be.
    async fn people(&mut self, rng: &mut Rng) -> Option<People> {
        let mut people = People { going: Vec::new(), over: Vec::new(), answered: Vec::new() };
        for number in 0..6 {
            let mut talk = Talk::new(number, rng);
            let over = number >= 4;
            for turn in 0..4 {
                let word = talk.word(over && turn == 3, rng);
                people.answered.push(self.turn(&mut talk, &word, rng).await?);
            }
            if over { people.over.push(talk) } else { people.going.push(talk) }
        }
        Some(people)
    }

    /// One more turn; `None` where it was not what it should be.
    async fn turn(&mut self, talk: &mut Talk, word: &str, rng: &mut Rng) -> Option<Answered> {
        let ask = talk.ask(word, rng);
        let reply = self.process.answer(&ask).await;
        match talk.heard(&ask, word, &reply) {
            Ok(()) => Some((ask, reply)),
            Err(expected) => {
                self.violated(&ask, expected, reply.to_string());
                None
            }
        }
    }

    /// Conversations go on, whatever others have tried.
    async fn go_on(&mut self, people: &mut People, rng: &mut Rng) {
        for talk in &mut people.going {
            let word = talk.word(false, rng);
            people.answered.extend(self.turn(talk, &word, rng).await);
        }
    }

    /// Everything that was answered comes again, with its idempotency token and with another one.
    /// What names no step is known for [`REPLAY_REFUSED`] and then new: a signature has no date.
    async fn again(&mut self, answered: &[Answered], after: Duration) {
        let known = |ask: &Ask| after < REPLAY_REFUSED || ask.target.contains("?step=");
        for (ask, first) in answered.iter().filter(|(ask, _)| known(ask)) {
            self.replays += 1;
            let expected = (after < CLAIM_KEPT).then_some(first);
            self.inert(ask, expected).await;
            // No signature covers the token, and no reply of a flow asks for an equal request.
            let forged = Ask { token: format!("{}-forged", ask.token), ..ask.clone() };
            self.inert(&forged, expected).await;
        }
    }

    /// Steps that are not the sender's, or nobody's.
    async fn forge(&mut self, people: &People, rng: &mut Rng) {
        let calls: Vec<&Talk> =
            people.going.iter().filter(|talk| talk.channel == Channel::Voice).collect();
        let [mine, other] = calls[..] else { return };
        let ended = people.over.iter().find(|talk| talk.channel == Channel::Voice);
        let token = mine.target.rsplit('=').next().unwrap_or_default();
        let mut targets = vec![
            other.target.clone(),
            "/call?step=".to_owned(),
            format!("/call?step={}", rng.sid("")),
            format!("/call?step={}", token.to_uppercase().replace(char::is_numeric, "0")),
            format!("/call?step={}", &token[..token.len() - 1]),
            format!("/call?step={token}0"),
            format!("/call?step=%20{token}"),
            format!("/call?step={}&step={token}", rng.sid("")),
        ];
        targets.extend(ended.map(|talk| talk.target.clone()));
        for target in targets {
            let word = mine.word(false, rng);
            let ask = Ask { target, ..mine.ask(&word, rng) };
            self.forged += 1;
            self.inert(&ask, None).await;
        }
        if let Some(talk) = ended {
            for target in [talk.target.clone(), mine.target.clone()] {
                let ask = Ask { target, ..talk.ask("1", rng) };
                self.forged += 1;
                self.inert(&ask, None).await;
            }
        }
    }

    /// Sends something that must change nothing.
    async fn inert(&mut self, ask: &Ask, expected: Option<&Reply>) {
        let before = (self.process.calls(), self.process.executions().await);
        let reply = self.process.answer(ask).await;
        let after = (self.process.calls(), self.process.executions().await);
        if let Some(expected) = expected.filter(|first| **first != reply) {
            let expected = format!("the bytes of the first time: {expected}");
            self.violated(ask, expected, reply.to_string());
        } else if let Some(problem) = ask.malformed(&reply) {
            self.violated(ask, "TwiML of its channel".to_owned(), problem);
        }
        if before.0 != after.0 {
            let came = format!("{} calls, {reply}", after.0 - before.0);
            self.violated(ask, "no function call".to_owned(), came);
        } else if before.1 != after.1 {
            let came = format!("something changed, {reply}");
            self.violated(ask, "all executions as they were".to_owned(), came);
        }
    }

    fn violated(&self, ask: &Ask, expected: String, came: String) {
        let (at, sent) = (self.at.clone(), ask.to_string());
        self.findings.add(Violation { at, sent, expected, came });
    }
}
