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
use twimlgate::tools::phone::{Caller, Phone, PhoneAction, PhoneEvent, PhoneNumber, WebhookClient};

use app::App;

/// What was noticed, a line for each thing.
pub(crate) fn lines(heard: &[PhoneEvent]) -> String {
    heard.iter().map(|heard| format!("{heard}\n")).collect()
}

/// What was noticed but for the webhooks.
pub(crate) fn words(heard: &[PhoneEvent]) -> String {
    let asked = |heard: &&PhoneEvent| !matches!(heard, PhoneEvent::Webhook(_));
    heard.iter().filter(asked).map(|heard| format!("{heard}\n")).collect()
}

/// Somebody who calls an application.
fn call(app: &App) -> Phone {
    let number = PhoneNumber {
        status_callback: Some(app.url("/status")),
        ..PhoneNumber::for_url(&app.url("/voice"))
    };
    Phone::for_call(line(), number, Caller::new("+15550100", "+15550199"))
}

/// Somebody who writes to an application.
fn chat(app: &App) -> Phone {
    let number = PhoneNumber::for_url(&app.url("/sms"));
    Phone::for_chat(line(), number, Caller::new("+15550100", "+15550199"))
}

fn line() -> WebhookClient {
    WebhookClient::for_network(Some(&Secret::new("12345".to_owned())))
}

/// Does what the lines say, one after the other; gives what was noticed.
async fn play(phone: &mut Phone, acts: &str) -> Vec<PhoneEvent> {
    let mut heard = phone.begin().await;
    for action in acts.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let action = PhoneAction::parse(action).unwrap();
        heard.extend(phone.perform(&action).await.unwrap_or_else(|error| panic!("{error}")));
    }
    heard
}
