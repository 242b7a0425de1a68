//! Many who write at once: whether or not those before them have their answer.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use twimlgate::channel::Channel;
use twimlgate::clock;

use crate::carrier::{Ask, Reply, SID, malformed};
use crate::http;
use crate::rng::Rng;

/// Who they write to.
pub(super) struct Callers {
    pub(super) gateway: SocketAddr,
    pub(super) seed: u64,
}

/// So many webhooks a second to a route, from a moment on, for so long.
#[derive(Clone, Copy)]
pub(super) struct Load {
    pub(super) route: &'static str,
    pub(super) rate: u64,
    pub(super) from: Duration,
    pub(super) within: Duration,
}

/// One who wrote: when, and what he heard.
#[derive(Clone)]
pub(super) struct Heard {
    pub(super) route: &'static str,
    /// Since the load began.
    pub(super) came: Duration,
    pub(super) took: Duration,
    reply: Result<Reply, String>,
}

/// The carrier gives up after this.
const GIVES_UP: Duration = Duration::from_secs(15);

impl Callers {
    /// Everybody comes at his time; what each load has heard.
    pub(super) fn come(&self, loads: &[Load]) -> Result<Vec<Vec<Heard>>, String> {
        // Signed beforehand: a caller who comes late is no open loop.
        let made = loads.iter().map(|load| {
            let number = load.rate * load.within.as_millis() as u64 / 1_000;
            let every = load.within / number.max(1) as u32;
            let mut rng = Rng::new(self.seed, clock::wall().as_nanos() as u64);
            let bytes = (0..number).map(|_| message(load.route, &mut rng).bytes());
            (*load, every, bytes.collect::<Vec<_>>())
        });
        let made: Vec<_> = made.collect();
        let gateway = self.gateway;
        let system = actix_web::rt::System::new();
        system.block_on(async move {
            let began = clock::now();
            let loads = made.into_iter().map(|(load, every, all)| {
                let began = began + load.from;
                actix_web::rt::spawn(open_loop(gateway, load.route, every, all, began))
            });
            let mut heard = Vec::new();
            for load in loads.collect::<Vec<_>>() {
                heard.push(load.await.map_err(|error| error.to_string())?);
            }
            Ok(heard)
        })
    }

    /// So many, each of whom writes again when he has his answer.
    pub(super) fn one_after_the_other(
        &self,
        route: &'static str,
        callers: usize,
        within: Duration,
    ) -> Result<Vec<Heard>, String> {
        let (gateway, seed) = (self.gateway, self.seed);
        let system = actix_web::rt::System::new();
        system.block_on(async move {
            let began = clock::now();
            let callers = (0..callers as u64).map(|number| {
                actix_web::rt::spawn(async move {
                    let mut rng = Rng::new(seed, 1_000_000 + number);
                    let mut heard = Vec::new();
                    while clock::now() < began + within {
                        let bytes = message(route, &mut rng).bytes();
                        heard.push(one(gateway, route, bytes, began, clock::now()).await);
                    }
                    heard
                })
            });
            let mut all = Vec::new();
            for caller in callers.collect::<Vec<_>>() {
                all.extend(caller.await.map_err(|error| error.to_string())?);
            }
            Ok(all)
        })
    }
}

async fn open_loop(
    gateway: SocketAddr,
    route: &'static str,
    every: Duration,
    all: Vec<Vec<u8>>,
    began: Instant,
) -> Vec<Heard> {
    let mut callers = Vec::with_capacity(all.len());
    for (number, bytes) in all.into_iter().enumerate() {
        let at = began + every * number as u32;
        sleep_until(at).await;
        callers.push(actix_web::rt::spawn(one(gateway, route, bytes, began, at)));
    }
    let mut heard = Vec::with_capacity(callers.len());
    for caller in callers {
        heard.extend(caller.await);
    }
    heard
}

/// One of them. His time counts from when he was to come.
async fn one(
    gateway: SocketAddr,
    route: &'static str,
    bytes: Vec<u8>,
    began: Instant,
    at: Instant,
) -> Heard {
    let reply = match timeout(GIVES_UP, asked(gateway, &bytes)).await {
        Ok(reply) => reply.map_err(|error| error.to_string()),
        Err(_) => Err(format!("nothing within {GIVES_UP:?}")),
    };
    let took = clock::now().duration_since(at);
    Heard { route, came: at.duration_since(began), took, reply }
}

async fn asked(gateway: SocketAddr, bytes: &[u8]) -> io::Result<Reply> {
    let mut stream = TcpStream::connect(gateway).await?;
    stream.write_all(bytes).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let message = http::read(&mut &answer[..])?;
    let (status, body) = (message.status(), String::from_utf8_lossy(&message.body).into_owned());
    Ok(Reply { status, body })
}

/// A message of somebody who never wrote before.
fn message(route: &str, rng: &mut Rng) -> Ask {
    let from = format!("+1{:010}", rng.below(10_000_000_000));
    let sid = rng.sid("SM");
    let params = [
        ("AccountSid", SID),
        ("From", &from),
        ("To", "+15550199"),
        ("MessageSid", &sid),
        ("Body", "hello"),
    ];
    Ask {
        channel: Channel::Message,
        target: route.to_owned(),
        params: params.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        token: rng.sid(""),
    }
}

impl Heard {
    /// Whether the function has answered, and not the gateway for it.
    pub(super) fn served(&self) -> bool {
        let words = if self.route == "/slow" { ">served<" } else { ">quick<" };
        self.reply.as_ref().is_ok_and(|reply| reply.body.contains(words))
    }

    /// What is wrong with what he heard, whatever it says.
    pub(super) fn problem(&self, within: Duration) -> Option<String> {
        match &self.reply {
            Err(error) => Some(error.clone()),
            Ok(_) if self.took > within => Some(format!("an answer after {:?}", self.took)),
            Ok(reply) => malformed(Channel::Message, reply),
        }
    }
}
