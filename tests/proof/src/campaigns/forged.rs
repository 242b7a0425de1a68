//! Requests that nobody signed: rightly signed ones with one alteration each, over sockets. What
//! they were made of comes afterwards, and is answered: so it was the alteration that was refused.

mod alter;
mod life;
mod request;

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::campaign::{Campaign, Context, Findings, Ran, Violation};
use crate::function::Function;
use crate::gateway::{Gateway, Setup, can_trace};
use crate::rng::Rng;
use crate::talk::Talk;
use life::Life;
use request::{KINDS, Kind, Request};

pub(crate) const CAMPAIGN: Campaign = Campaign {
    name: "forged",
    asserts: "what nobody signed is refused without a word, calls nothing, writes nothing, and \
              looks no name up",
    unit: "forged requests",
    quick: 4_000,
    long: 100_000,
    run,
};

/// A second account, which is configured as well.
const OTHER_SID: &str = "AC11111111111111111111111111111111";
const OTHER_TOKEN: &str = "fedcba9876543210fedcba9876543210";

/// How long the gateway waits for what does not come.
const ANSWER_WITHIN_MS: u64 = 2_000;

/// Forged requests for each process: each one begins without a connection to the function, so that
/// whoever calls it has to look its name up.
const LIFE: u64 = 500;

/// Those who send at the same time.
const SENDERS: u64 = 8;

/// What is counted: for each alteration, and for each status.
#[derive(Default)]
struct Tally {
    alterations: BTreeMap<&'static str, u64>,
    statuses: BTreeMap<u16, u64>,
}

/// What the lives share.
struct Forgery<'a> {
    context: &'a Context,
    findings: &'a Findings,
    function: Function,
    gateway: Gateway,
    /// Whether `strace` says which names are looked up.
    traced: bool,
    tally: Mutex<Tally>,
}

/// One of those who send, with a call that goes on through all lives.
struct Sender {
    talk: Talk,
    rng: Rng,
    /// What was signed before, the last of each kind.
    seen: BTreeMap<Kind, Request>,
}

fn run(context: &Context, findings: &Findings) -> Result<Ran, String> {
    let function = Function::start(context.seed, 0).map_err(|error| error.to_string())?;
    let setup = Setup { store: "sqlite:store.db", workers: 2, function: function.address };
    let gateway = Gateway::new(context, "gateway", &setup)?;
    gateway.reconfigure(|config| configured(&config, function.address.port()))?;
    let traced = can_trace();
    let tally = Mutex::default();
    let mut forgery = Forgery { context, findings, function, gateway, traced, tally };
    let mut senders = forgery.greeted()?;
    let (mut sent, mut controls, mut lives) = (0, 0, 0);
    while sent < context.amount && !findings.enough() {
        let amount = LIFE.min(context.amount - sent);
        controls += Life::new(&mut forgery, sent, amount)?.passes(&mut senders)?;
        sent += amount;
        lives += 1;
    }
    let tally = forgery.tally.into_inner().unwrap_or_default();
    let looked = if traced { "look-ups watched" } else { "look-ups not watched, without `strace`" };
    let kinds = tally.alterations.len();
    let amount = format!(
        "{sent} requests of {kinds} alterations, {controls} rightly signed between them, {looked}"
    );
    let never = alter::all().into_iter().filter(|it| !tally.alterations.contains_key(it.name));
    let never: Vec<&str> = never.map(|alteration| alteration.name).collect();
    let least = tally.alterations.iter().min_by_key(|(_, count)| **count);
    let mut notes = vec![format!("{lives} processes; refused with {:?}", tally.statuses)];
    notes.extend(least.map(|(name, count)| format!("the rarest: `{name}`, {count} times")));
    if !never.is_empty() {
        notes.push(format!("never made: {}", never.join("; ")));
    }
    Ok(Ran::Done { amount, notes })
}

/// The function has a name; there are a second account, and a route for JSON.
fn configured(config: &str, port: u16) -> String {
    let config = config.replace(&format!("http://127.0.0.1:{port}"), &named(port));
    let within = format!("[server]\nanswer_within_ms = {ANSWER_WITHIN_MS}\n");
    let config = config.replacen("[server]\n", &within, 1);
    let url = named(port);
    format!(
        "{config}[[account]]\nsid = \"{OTHER_SID}\"\nauth_tokens = [\"{OTHER_TOKEN}\"]\n\
         [function.event]\nurl = \"{url}/event\"\n\
         [route.\"/event\"]\nchannel = \"message\"\nfunction = \"event\"\n"
    )
}

fn named(port: u16) -> String {
    format!("http://localhost:{port}")
}

impl Forgery<'_> {
    /// The first turns of all calls, in a process of their own.
    fn greeted(&mut self) -> Result<Vec<Sender>, String> {
        self.gateway.start()?;
        self.gateway.ready()?;
        let mut senders = Vec::new();
        for number in 0..SENDERS {
            let mut rng = Rng::new(self.context.seed, 1 + number);
            // An odd number writes, and nobody else has one so high.
            let mut talk = Talk::new(9_900_000_000 + 2 * number, &mut rng);
            let ask = talk.ask("", &mut rng);
            let reply = crate::carrier::send(self.gateway.address, &ask.bytes());
            let reply = reply.map_err(|error| format!("the first turn: {error}"))?;
            talk.heard(&ask, "", &reply).map_err(|heard| format!("{reply}, not {heard}"))?;
            let seen = KINDS.map(|kind| (kind, kind.signed(&ask, &mut rng))).into();
            senders.push(Sender { talk, rng, seen });
        }
        self.gateway.kill()?;
        Ok(senders)
    }

    fn violated(&self, at: String, sent: &str, expected: &str, came: String) {
        let (sent, expected) = (sent.to_owned(), expected.to_owned());
        self.findings.add(Violation { at, sent, expected, came });
    }
}
