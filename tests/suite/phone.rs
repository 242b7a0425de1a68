//! The carrier's side, simulated, against applications over real sockets and against a desk.

pub(crate) mod app;
mod calls;
mod chats;
mod commands;
mod in_process;
mod hold;
mod http;
mod terminal;

use twimlgate::secret::Secret;
use twimlgate::tools::phone::{Act, Caller, Heard, Line, Number, Phone};

use app::App;

/// What was noticed, a line for each thing.
pub(crate) fn lines(heard: &[Heard]) -> String {
    heard.iter().map(|heard| format!("{heard}\n")).collect()
}

/// What was noticed but for the webhooks.
pub(crate) fn words(heard: &[Heard]) -> String {
    let asked = |heard: &&Heard| !matches!(heard, Heard::Asked(_));
    heard.iter().filter(asked).map(|heard| format!("{heard}\n")).collect()
}

/// Somebody who calls an application.
fn call(app: &App) -> Phone {
    let number =
        Number { status_callback: Some(app.url("/status")), ..Number::at(&app.url("/voice")) };
    Phone::call(line(), number, Caller::somebody("+15550100", "+15550199"))
}

/// Somebody who writes to an application.
fn chat(app: &App) -> Phone {
    let number = Number::at(&app.url("/sms"));
    Phone::chat(line(), number, Caller::somebody("+15550100", "+15550199"))
}

fn line() -> Line {
    Line::network(Some(&Secret::new("12345".to_owned())))
}

/// Does what the lines say, one after the other; gives what was noticed.
async fn play(phone: &mut Phone, acts: &str) -> Vec<Heard> {
    let mut heard = phone.begin().await;
    for act in acts.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let act = Act::parse(act).unwrap();
        heard.extend(phone.act(&act).await.unwrap_or_else(|error| panic!("{error}")));
    }
    heard
}
